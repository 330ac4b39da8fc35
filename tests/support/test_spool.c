/* SPDX-License-Identifier: MIT */
/* Spools of the agent, for tests of what stands around them. */

#include "tests/support/test_spool.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

const uint8_t test_spool_id[HM_ID_BYTES] = {1, 2, 3};

struct spool *test_spool_open(int folder, const char *hostname)
{
	struct spool_options options = {
		.disk = &disk_kernel,
		.folder = folder,
		.segment_bytes = (uint64_t)1 << 20,
		.max_bytes = (uint64_t)16 << 20,
		.max_age_us = SPOOL_MAX_AGE_US,
		.max_memory_bytes = (size_t)1 << 20,
		.host_name = {hostname, strlen(hostname)},
	};
	struct spool *spool;

	memcpy(options.host_id, test_spool_id, HM_ID_BYTES);
	cr_assert_eq(spool_open(&options, &spool), 0);
	return spool;
}

uint64_t test_spool_append(struct spool *spool, size_t n_bytes, uint64_t n_samples)
{
	struct spool_draft draft = {
		.type = HM_FRAME_BATCH,
		.body = calloc(1, n_bytes),
		.body_bytes = n_bytes,
		.n_samples = n_samples,
	};
	uint64_t sequence;

	cr_assert_not_null(draft.body);
	cr_assert_eq(spool_append_message(spool, &draft, &sequence), 0);
	free((void *)draft.body);
	cr_assert_eq(spool_sync(spool), 0);
	return sequence;
}
