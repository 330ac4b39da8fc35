/* SPDX-License-Identifier: MIT */
/* Fuzz target: plugins/arp.c on any /proc/net/arp. */

#include "tests/fuzz/plugin.h"

extern const struct hm_plugin arp_plugin;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes)
{
	static const char *const paths[] = {"/proc/net/arp", NULL};

	fuzz_plugin(&arp_plugin, paths, data, n_bytes);
	return 0;
}
