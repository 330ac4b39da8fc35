/* SPDX-License-Identifier: MIT */
/* Fuzz target: plugins/vmstat.c on any /proc/vmstat. */

#include "tests/fuzz/plugin.h"

extern const struct hm_plugin vmstat_plugin;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes)
{
	static const char *const paths[] = {"/proc/vmstat", NULL};

	fuzz_plugin(&vmstat_plugin, paths, data, n_bytes);
	return 0;
}
