/* SPDX-License-Identifier: MIT */
/* Fuzz target: plugins/filefd.c on any /proc/sys/fs/file-nr. */

#include "tests/fuzz/plugin.h"

extern const struct hm_plugin filefd_plugin;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes)
{
	static const char *const paths[] = {"/proc/sys/fs/file-nr", NULL};

	fuzz_plugin(&filefd_plugin, paths, data, n_bytes);
	return 0;
}
