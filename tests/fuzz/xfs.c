/* SPDX-License-Identifier: MIT */
/* Fuzz target: plugins/xfs.c on any /sys/fs/xfs/sda1/stats/stats. */

#include "tests/fuzz/plugin.h"

extern const struct hm_plugin xfs_plugin;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes)
{
	static const char *const paths[] = {"/sys/fs/xfs/sda1/stats/stats", NULL};

	fuzz_plugin(&xfs_plugin, paths, data, n_bytes);
	return 0;
}
