/* SPDX-License-Identifier: MIT */
/* Fuzz target: plugins/udp_queues.c on any /proc/net/udp and its like. */

#include "tests/fuzz/plugin.h"

extern const struct hm_plugin udp_queues_plugin;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes)
{
	static const char *const paths[] = {"/proc/net/udp", "/proc/net/udp6", NULL};

	fuzz_plugin(&udp_queues_plugin, paths, data, n_bytes);
	return 0;
}
