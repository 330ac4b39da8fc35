/* SPDX-License-Identifier: MIT */
/* Fuzz target: plugins/meminfo.c on any /proc/meminfo. */

#include "tests/fuzz/plugin.h"

extern const struct hm_plugin meminfo_plugin;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes)
{
	static const char *const paths[] = {"/proc/meminfo", NULL};

	fuzz_plugin(&meminfo_plugin, paths, data, n_bytes);
	return 0;
}
