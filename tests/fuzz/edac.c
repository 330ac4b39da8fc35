/* SPDX-License-Identifier: MIT */
/* Fuzz target: plugins/edac.c on any texts of a controller. */

#include "tests/fuzz/plugin.h"

extern const struct hm_plugin edac_plugin;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes)
{
	static const char *const paths[] = {"/sys/devices/system/edac/mc/mc0/ce_count",
					    "/sys/devices/system/edac/mc/mc0/ue_count",
					    "/sys/devices/system/edac/mc/mc0/ce_noinfo_count",
					    "/sys/devices/system/edac/mc/mc0/csrow0/ce_count",
					    "/sys/devices/system/edac/mc/mc0/csrow0/ch0_ce_count",
					    "/sys/devices/system/edac/mc/mc0/csrow0/ch0_dimm_label",
					    "/sys/devices/system/edac/mc/mc0/csrow0/ch0_ue_count",
					    NULL};

	fuzz_plugin(&edac_plugin, paths, data, n_bytes);
	return 0;
}
