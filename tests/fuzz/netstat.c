/* SPDX-License-Identifier: MIT */
/* Fuzz target: plugins/netstat.c on any /proc/net/netstat and its like. */

#include "tests/fuzz/plugin.h"

extern const struct hm_plugin netstat_plugin;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes)
{
	static const char *const paths[] = {"/proc/net/netstat", "/proc/net/snmp",
					    "/proc/net/snmp6", NULL};

	fuzz_plugin(&netstat_plugin, paths, data, n_bytes);
	return 0;
}
