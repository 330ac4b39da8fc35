/* SPDX-License-Identifier: MIT */
/* Fuzz target: plugins/selinux.c on any /sys/fs/selinux/enforce. */

#include "tests/fuzz/plugin.h"

extern const struct hm_plugin selinux_plugin;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes)
{
	static const char *const paths[] = {"/sys/fs/selinux/enforce", "/etc/selinux/config", NULL};

	fuzz_plugin(&selinux_plugin, paths, data, n_bytes);
	return 0;
}
