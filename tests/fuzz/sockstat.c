/* SPDX-License-Identifier: MIT */
/* Fuzz target: plugins/sockstat.c on any /proc/net/sockstat and its like. */

#include "tests/fuzz/plugin.h"

extern const struct hm_plugin sockstat_plugin;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes)
{
	static const char *const paths[] = {"/proc/net/sockstat", "/proc/net/sockstat6", NULL};

	fuzz_plugin(&sockstat_plugin, paths, data, n_bytes);
	return 0;
}
