/* SPDX-License-Identifier: MIT */
/* Fuzz target: plugins/diskstats.c on any /proc/diskstats and database of udev. */

#include "tests/fuzz/plugin.h"

extern const struct hm_plugin diskstats_plugin;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes)
{
	static const char *const paths[] = {"/proc/diskstats", "/run/udev/data/b8:0", NULL};

	fuzz_plugin(&diskstats_plugin, paths, data, n_bytes);
	return 0;
}
