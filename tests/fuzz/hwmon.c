/* SPDX-License-Identifier: MIT */
/* Fuzz target: plugins/hwmon.c on any texts of two chips. */

#include "tests/fuzz/plugin.h"

extern const struct hm_plugin hwmon_plugin;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes)
{
	static const char *const paths[] = {"/sys/class/hwmon/hwmon0/name",
					    "/sys/class/hwmon/hwmon0/temp1_input",
					    "/sys/class/hwmon/hwmon0/temp1_label",
					    "/sys/class/hwmon/hwmon0/freq1_label",
					    "/sys/class/hwmon/hwmon0/freq1_input",
					    "/sys/class/hwmon/hwmon0/pwm1",
					    "/sys/class/hwmon/hwmon0/in0_alarm",
					    "/sys/class/hwmon/hwmon1/name",
					    NULL};

	fuzz_plugin(&hwmon_plugin, paths, data, n_bytes);
	return 0;
}
