/* SPDX-License-Identifier: MIT */
/* Fuzz target: plugins/stat.c on any /proc/stat. */

#include "tests/fuzz/plugin.h"

extern const struct hm_plugin stat_plugin;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes)
{
	static const char *const paths[] = {"/proc/stat", NULL};

	fuzz_plugin(&stat_plugin, paths, data, n_bytes);
	return 0;
}
