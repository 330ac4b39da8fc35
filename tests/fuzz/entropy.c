/* SPDX-License-Identifier: MIT */
/* Fuzz target: plugins/entropy.c on any /proc/sys/kernel/random/entropy_avail. */

#include "tests/fuzz/plugin.h"

extern const struct hm_plugin entropy_plugin;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes)
{
	static const char *const paths[] = {"/proc/sys/kernel/random/entropy_avail",
					    "/proc/sys/kernel/random/poolsize", NULL};

	fuzz_plugin(&entropy_plugin, paths, data, n_bytes);
	return 0;
}
