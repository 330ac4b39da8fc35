/* SPDX-License-Identifier: MIT */
/* Fuzz target: plugins/cpufreq.c on any texts of a CPU. */

#include "tests/fuzz/plugin.h"

extern const struct hm_plugin cpufreq_plugin;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes)
{
	static const char *const paths[] = {
		"/sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq",
		"/sys/devices/system/cpu/cpu0/cpufreq/scaling_max_freq",
		"/sys/devices/system/cpu/cpu0/cpufreq/scaling_available_governors",
		"/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", NULL};

	fuzz_plugin(&cpufreq_plugin, paths, data, n_bytes);
	return 0;
}
