/* SPDX-License-Identifier: MIT */
/* Fuzz target: plugins/softnet.c on any /proc/net/softnet_stat. */

#include "tests/fuzz/plugin.h"

extern const struct hm_plugin softnet_plugin;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes)
{
	static const char *const paths[] = {"/proc/net/softnet_stat", NULL};

	fuzz_plugin(&softnet_plugin, paths, data, n_bytes);
	return 0;
}
