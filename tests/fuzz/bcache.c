/* SPDX-License-Identifier: MIT */
/* Fuzz target: plugins/bcache.c on any writeback_rate_debug and numbers. */

#include "tests/fuzz/plugin.h"

extern const struct hm_plugin bcache_plugin;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes)
{
	static const char *const paths[] = {"/sys/fs/bcache/a-b/bdev0/writeback_rate_debug",
					    "/sys/fs/bcache/a-b/bdev0/dirty_data",
					    "/sys/fs/bcache/a-b/tree_depth", NULL};

	fuzz_plugin(&bcache_plugin, paths, data, n_bytes);
	return 0;
}
