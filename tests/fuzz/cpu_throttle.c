/* SPDX-License-Identifier: MIT */
/* Fuzz target: plugins/cpu_throttle.c on any texts of two CPUs. */

#include "tests/fuzz/plugin.h"

extern const struct hm_plugin cpu_throttle_plugin;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes)
{
	static const char *const paths[] = {
		"/sys/devices/system/cpu/cpu0/topology/physical_package_id",
		"/sys/devices/system/cpu/cpu0/topology/core_id",
		"/sys/devices/system/cpu/cpu0/thermal_throttle/core_throttle_count",
		"/sys/devices/system/cpu/cpu0/thermal_throttle/package_throttle_count",
		"/sys/devices/system/cpu/cpu1/topology/physical_package_id",
		"/sys/devices/system/cpu/cpu1/topology/core_id",
		"/sys/devices/system/cpu/cpu1/thermal_throttle/core_throttle_count",
		"/sys/devices/system/cpu/cpu1/thermal_throttle/package_throttle_count",
		NULL};

	fuzz_plugin(&cpu_throttle_plugin, paths, data, n_bytes);
	return 0;
}
