/* SPDX-License-Identifier: MIT */
/* Fuzz target: plugins/dmi.c on any /sys/class/dmi/id/product_name. */

#include "tests/fuzz/plugin.h"

extern const struct hm_plugin dmi_plugin;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes)
{
	static const char *const paths[] = {"/sys/class/dmi/id/product_name",
					    "/sys/class/dmi/id/bios_vendor", NULL};

	fuzz_plugin(&dmi_plugin, paths, data, n_bytes);
	return 0;
}
