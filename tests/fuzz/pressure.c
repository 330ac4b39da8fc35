/* SPDX-License-Identifier: MIT */
/* Fuzz target: plugins/pressure.c on any /proc/pressure/cpu. */

#include "tests/fuzz/plugin.h"

extern const struct hm_plugin pressure_plugin;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes)
{
	static const char *const paths[] = {"/proc/pressure/cpu", "/proc/pressure/io",
					    "/proc/pressure/memory", "/proc/pressure/irq", NULL};

	fuzz_plugin(&pressure_plugin, paths, data, n_bytes);
	return 0;
}
