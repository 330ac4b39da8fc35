/* SPDX-License-Identifier: MIT */
/* Fuzz target: plugins/os.c on any /etc/os-release. */

#include "tests/fuzz/plugin.h"

extern const struct hm_plugin os_plugin;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes)
{
	static const char *const paths[] = {"/etc/os-release", NULL};

	fuzz_plugin(&os_plugin, paths, data, n_bytes);
	return 0;
}
