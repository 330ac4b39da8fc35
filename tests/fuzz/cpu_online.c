/* SPDX-License-Identifier: MIT */
/* Fuzz target: plugins/cpu_online.c on any list of isolated CPUs. */

#include "tests/fuzz/plugin.h"

extern const struct hm_plugin cpu_online_plugin;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes)
{
	static const char *const paths[] = {"/sys/devices/system/cpu/isolated",
					    "/sys/devices/system/cpu/cpu0/online", NULL};

	fuzz_plugin(&cpu_online_plugin, paths, data, n_bytes);
	return 0;
}
