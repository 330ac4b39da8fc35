/* SPDX-License-Identifier: MIT */
/* Fuzz target: plugins/rapl.c on any names and counts of three zones. */

#include "tests/fuzz/plugin.h"

extern const struct hm_plugin rapl_plugin;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes)
{
	static const char *const paths[] = {"/sys/class/powercap/intel-rapl:0/name",
					    "/sys/class/powercap/intel-rapl:0/energy_uj",
					    "/sys/class/powercap/intel-rapl:1/name",
					    "/sys/class/powercap/intel-rapl:1/energy_uj",
					    "/sys/class/powercap/x/name",
					    "/sys/class/powercap/x/energy_uj",
					    NULL};

	fuzz_plugin(&rapl_plugin, paths, data, n_bytes);
	return 0;
}
