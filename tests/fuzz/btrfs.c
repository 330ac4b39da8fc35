/* SPDX-License-Identifier: MIT */
/* Fuzz target: plugins/btrfs.c on any error_stats, commit_stats and numbers of a file system. */

#include "tests/fuzz/plugin.h"

extern const struct hm_plugin btrfs_plugin;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes)
{
	static const char *const paths[] = {"/sys/fs/btrfs/a-b/devinfo/1/error_stats",
					    "/sys/fs/btrfs/a-b/commit_stats",
					    "/sys/fs/btrfs/a-b/label",
					    "/sys/fs/btrfs/a-b/metadata_uuid",
					    "/sys/fs/btrfs/a-b/allocation/data/raid5/total_bytes",
					    NULL};

	fuzz_plugin(&btrfs_plugin, paths, data, n_bytes);
	return 0;
}
