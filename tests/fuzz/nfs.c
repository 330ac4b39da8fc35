/* SPDX-License-Identifier: MIT */
/* Fuzz target: plugins/nfs.c on any /proc/net/rpc/nfs. */

#include "tests/fuzz/plugin.h"

extern const struct hm_plugin nfs_plugin;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes)
{
	static const char *const paths[] = {"/proc/net/rpc/nfs", NULL};

	fuzz_plugin(&nfs_plugin, paths, data, n_bytes);
	return 0;
}
