/* SPDX-License-Identifier: MIT */
/*
 * Fuzz target: the payload of a BATCH record. What is read is written again: the same bytes must come
 * out. Its blocks are decoded as recovery and checkpoints do.
 */

#include "common/batch.h"

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/block.h"

/* Of one block: a few bytes can stand for many samples. */
#define COLUMNS_MAX 64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes);

static void check(bool is_true)
{
	if (!is_true)
		abort();
}

/* Nothing of it is trusted; it may be damaged, but only in itself. */
static void decode(const uint8_t *bytes, size_t length)
{
	struct block_decoder *decoder = block_decoder_new();

	check(decoder != NULL);
	if (block_decoder_open(decoder, bytes, length) == 0) {
		size_t n_columns = block_decoder_n_columns(decoder);

		for (size_t i = 0; i < n_columns && i < COLUMNS_MAX; i++) {
			struct block_column column;

			(void)block_decoder_series_id(decoder, i);
			(void)block_decoder_column(decoder, i, &column);
		}
	}
	block_decoder_free(decoder);
}

static int read_series(struct cursor *cursor, uint32_t n, struct buffer *again)
{
	int result = 0;

	for (uint32_t i = 0; i < n && result == 0; i++) {
		struct batch_series series;

		result = batch_get_series(cursor, &series);
		if (result < 0)
			break;
		check(series.metric.length > 0 && series.kind <= HM_STORED_COUNTER);
		batch_put_series(again, &series);
	}
	return result;
}

/* Read all, and write again what is good. @return -ENODATA: it is whole; -EBADMSG */
static int read_batch(struct cursor *cursor, struct buffer *again)
{
	struct batch_head head;
	int result = batch_get_head(cursor, &head);

	if (result < 0)
		return result;
	check(head.sequence > 0 && head.host.length > 0 && head.n_series <= BATCH_SERIES_MAX);
	batch_put_head(again, &head);
	result = read_series(cursor, head.n_series, again);
	while (result == 0) {
		const uint8_t *bytes;
		size_t length;

		result = batch_get_block(cursor, &bytes, &length);
		if (result < 0)
			break;
		batch_put_block(again, bytes, length);
		decode(bytes, length);
	}
	return result;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes)
{
	uint8_t *exact = malloc(n_bytes + 1);
	struct cursor cursor = {.at = exact, .left = n_bytes};
	struct buffer again = {0};
	int result;

	check(exact != NULL);
	memcpy(exact, data, n_bytes);
	result = read_batch(&cursor, &again);
	check(result == -ENODATA || result == -EBADMSG);
	check(!buffer_failed(&again) && again.length <= n_bytes);
	check(again.length == 0 || memcmp(again.data, exact, again.length) == 0);
	check(result == -EBADMSG || again.length == n_bytes);
	buffer_done(&again);
	free(exact);
	return 0;
}
