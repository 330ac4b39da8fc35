/* SPDX-License-Identifier: MIT */
/* Fuzz target: plugins/netdev.c on any /proc/net/dev. */

#include "tests/fuzz/plugin.h"

extern const struct hm_plugin netdev_plugin;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes)
{
	static const char *const paths[] = {"/proc/net/dev", NULL};

	fuzz_plugin(&netdev_plugin, paths, data, n_bytes);
	return 0;
}
