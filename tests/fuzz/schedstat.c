/* SPDX-License-Identifier: MIT */
/* Fuzz target: plugins/schedstat.c on any /proc/schedstat. */

#include "tests/fuzz/plugin.h"

extern const struct hm_plugin schedstat_plugin;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes)
{
	static const char *const paths[] = {"/proc/schedstat", NULL};

	fuzz_plugin(&schedstat_plugin, paths, data, n_bytes);
	return 0;
}
