/* SPDX-License-Identifier: MIT */
/* Fuzz target: plugins/md.c on any /proc/mdstat. */

#include "tests/fuzz/plugin.h"

extern const struct hm_plugin md_plugin;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes)
{
	static const char *const paths[] = {"/proc/mdstat", NULL};

	fuzz_plugin(&md_plugin, paths, data, n_bytes);
	return 0;
}
