/* SPDX-License-Identifier: MIT */
/* Fuzz target: plugins/zfs.c on any arcstats, io, state and dataset. */

#include "tests/fuzz/plugin.h"

extern const struct hm_plugin zfs_plugin;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes)
{
	static const char *const paths[] = {
		"/proc/spl/kstat/zfs/arcstats",   "/proc/spl/kstat/zfs/a/io",
		"/proc/spl/kstat/zfs/a/state",    "/proc/spl/kstat/zfs/a/objset-1",
		"/proc/spl/kstat/zfs/a/objset-2", NULL};

	fuzz_plugin(&zfs_plugin, paths, data, n_bytes);
	return 0;
}
