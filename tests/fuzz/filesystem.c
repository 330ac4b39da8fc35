/* SPDX-License-Identifier: MIT */
/* Fuzz target: plugins/filesystem.c on any table of mounts. */

#define FUZZ_VALUES_MOVE true
#include "tests/fuzz/plugin.h"

extern const struct hm_plugin filesystem_plugin;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes)
{
	static const char *const paths[] = {"/proc/1/mountinfo", NULL};

	fuzz_plugin(&filesystem_plugin, paths, data, n_bytes);
	return 0;
}
