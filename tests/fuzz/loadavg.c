/* SPDX-License-Identifier: MIT */
/* Fuzz target: plugins/loadavg.c on any /proc/loadavg. */

#include "tests/fuzz/plugin.h"

extern const struct hm_plugin loadavg_plugin;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes)
{
	static const char *const paths[] = {"/proc/loadavg", NULL};

	fuzz_plugin(&loadavg_plugin, paths, data, n_bytes);
	return 0;
}
