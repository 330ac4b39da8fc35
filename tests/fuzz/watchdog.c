/* SPDX-License-Identifier: MIT */
/* Fuzz target: plugins/watchdog.c on any texts of a watchdog. */

#include "tests/fuzz/plugin.h"

extern const struct hm_plugin watchdog_plugin;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes)
{
	static const char *const paths[] = {"/sys/class/watchdog/watchdog0/identity",
					    "/sys/class/watchdog/watchdog0/options",
					    "/sys/class/watchdog/watchdog0/state",
					    "/sys/class/watchdog/watchdog0/status",
					    "/sys/class/watchdog/watchdog0/timeleft",
					    "/sys/class/watchdog/watchdog0/bootstatus",
					    NULL};

	fuzz_plugin(&watchdog_plugin, paths, data, n_bytes);
	return 0;
}
