/* SPDX-License-Identifier: MIT */
/* Fuzz target: plugins/conntrack.c on any /proc/net/stat/nf_conntrack. */

#include "tests/fuzz/plugin.h"

extern const struct hm_plugin conntrack_plugin;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes)
{
	static const char *const paths[] = {"/proc/net/stat/nf_conntrack",
					    "/proc/sys/net/netfilter/nf_conntrack_count",
					    "/proc/sys/net/netfilter/nf_conntrack_max", NULL};

	fuzz_plugin(&conntrack_plugin, paths, data, n_bytes);
	return 0;
}
