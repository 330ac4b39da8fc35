/* SPDX-License-Identifier: MIT */
/* Fuzz target: plugins/ipvs.c on any /proc/net/ip_vs_stats and its like. */

#include "tests/fuzz/plugin.h"

extern const struct hm_plugin ipvs_plugin;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes)
{
	static const char *const paths[] = {"/proc/net/ip_vs_stats", "/proc/net/ip_vs", NULL};

	fuzz_plugin(&ipvs_plugin, paths, data, n_bytes);
	return 0;
}
