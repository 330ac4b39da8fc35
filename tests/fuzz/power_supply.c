/* SPDX-License-Identifier: MIT */
/* Fuzz target: plugins/power_supply.c on any texts of a battery. */

#include "tests/fuzz/plugin.h"

extern const struct hm_plugin power_supply_plugin;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes)
{
	static const char *const paths[] = {"/sys/class/power_supply/BAT0/type",
					    "/sys/class/power_supply/BAT0/status",
					    "/sys/class/power_supply/BAT0/model_name",
					    "/sys/class/power_supply/BAT0/serial_number",
					    "/sys/class/power_supply/BAT0/capacity",
					    "/sys/class/power_supply/BAT0/temp",
					    "/sys/class/power_supply/BAT0/voltage_now",
					    NULL};

	fuzz_plugin(&power_supply_plugin, paths, data, n_bytes);
	return 0;
}
