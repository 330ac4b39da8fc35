/* SPDX-License-Identifier: MIT */
/* Fuzz target: plugins/textfile.c on any /var/lib/prometheus/node-exporter/a.prom. */

#include "tests/fuzz/plugin.h"

extern const struct hm_plugin textfile_plugin;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes)
{
	static const char *const paths[] = {"/var/lib/prometheus/node-exporter/a.prom",
					    "/var/lib/prometheus/node-exporter/b.prom", NULL};

	fuzz_plugin(&textfile_plugin, paths, data, n_bytes);
	return 0;
}
