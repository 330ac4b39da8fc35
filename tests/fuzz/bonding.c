/* SPDX-License-Identifier: MIT */
/* Fuzz target: plugins/bonding.c on any bonding_masters, slaves and mii_status. */

#include "tests/fuzz/plugin.h"

extern const struct hm_plugin bonding_plugin;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes)
{
	static const char *const paths[] = {
		"/sys/class/net/bonding_masters", "/sys/class/net/bond0/bonding/slaves",
		"/sys/class/net/bond0/lower_eth0/bonding_slave/mii_status", NULL};

	fuzz_plugin(&bonding_plugin, paths, data, n_bytes);
	return 0;
}
