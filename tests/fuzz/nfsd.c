/* SPDX-License-Identifier: MIT */
/* Fuzz target: plugins/nfsd.c on any /proc/net/rpc/nfsd. */

#include "tests/fuzz/plugin.h"

extern const struct hm_plugin nfsd_plugin;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes)
{
	static const char *const paths[] = {"/proc/net/rpc/nfsd", NULL};

	fuzz_plugin(&nfsd_plugin, paths, data, n_bytes);
	return 0;
}
