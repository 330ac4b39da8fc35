/* SPDX-License-Identifier: MIT */
/* Fuzz target: collector/import_lines.c on any request. */

#include "collector/import_lines.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes);

struct refusals {
	uint32_t n;
	uint32_t next; /* no sample is refused twice */
};

static void refuse(void *context, uint32_t sample, enum hm_reason reason)
{
	struct refusals *refusals = context;

	if (sample < refusals->next || reason == HM_REASON_NONE)
		abort();
	refusals->next = sample + 1;
	refusals->n++;
}

static void check(const struct import_lines *lines, const struct refusals *refusals)
{
	const struct bundle *bundle = &lines->bundle;

	if (refusals->n + bundle->n_samples != lines->n_samples)
		abort();
	for (size_t i = 0; i < bundle->n_samples; i++) {
		if (lines->index[i] >= lines->n_samples ||
		    (i > 0 && lines->index[i] <= lines->index[i - 1]))
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes)
{
	static const struct hash_key key;
	struct refusals refusals = {0};
	struct import_lines *lines = calloc(1, sizeof(*lines));
	char *text = calloc(1, n_bytes + 1);

	if (lines && text) {
		memcpy(text, data, n_bytes);
		bundle_init(&lines->bundle, &key, NULL);
		lines->hostname = "here";
		lines->refuse = refuse;
		lines->context = &refusals;
		lines->named = HM_REASON_BAD_NAME;
		if (import_lines_take(lines, text))
			check(lines, &refusals);
		bundle_done(&lines->bundle);
	}
	free(lines);
	free(text);
	return 0;
}
