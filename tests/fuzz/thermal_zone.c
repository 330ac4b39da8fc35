/* SPDX-License-Identifier: MIT */
/* Fuzz target: plugins/thermal_zone.c on any attributes of a zone and a cooling device. */

#include "tests/fuzz/plugin.h"

extern const struct hm_plugin thermal_zone_plugin;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes)
{
	static const char *const paths[] = {"/sys/class/thermal/thermal_zone0/type",
					    "/sys/class/thermal/thermal_zone0/temp",
					    "/sys/class/thermal/cooling_device7/type",
					    "/sys/class/thermal/cooling_device7/cur_state",
					    "/sys/class/thermal/cooling_device7/max_state",
					    NULL};

	fuzz_plugin(&thermal_zone_plugin, paths, data, n_bytes);
	return 0;
}
