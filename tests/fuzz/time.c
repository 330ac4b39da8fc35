/* SPDX-License-Identifier: MIT */
/* Fuzz target: plugins/time.c on any /sys/devices/system/clocksource/clocksource0/available_clocksource. */

#include "tests/fuzz/plugin.h"

extern const struct hm_plugin time_plugin;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes)
{
	static const char *const paths[] = {
		"/sys/devices/system/clocksource/clocksource0/available_clocksource",
		"/sys/devices/system/clocksource/clocksource0/current_clocksource", NULL};

	fuzz_plugin(&time_plugin, paths, data, n_bytes);
	return 0;
}
