/* SPDX-License-Identifier: MIT */
/* Fuzz target: plugins/netclass.c on any files of an interface. */

#include "tests/fuzz/plugin.h"

extern const struct hm_plugin netclass_plugin;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes)
{
	static const char *const paths[] = {"/sys/class/net/eth0/operstate",
					    "/sys/class/net/eth0/flags",
					    "/sys/class/net/eth0/mtu",
					    "/sys/class/net/eth0/speed",
					    "/sys/class/net/eth0/address",
					    "/sys/class/net/eth0/ifalias",
					    NULL};

	fuzz_plugin(&netclass_plugin, paths, data, n_bytes);
	return 0;
}
