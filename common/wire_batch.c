/* SPDX-License-Identifier: MIT */
/* BATCH: samples by the ids of an epoch. */

#include "common/wire_batch.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "common/bits.h"
#include "hostmetrics/wire.h"

/* The exponent of a double; all of it is set in NaNs and infinities. */
#define EXPONENT UINT64_C(0x7ff0000000000000)

/* A batch that is being checked. */
struct check {
	struct block_decoder *decoder;
	uint32_t n_series;
	size_t n_times;
	size_t n_absent;
	struct wire_batch_content content;
};

enum hm_reason wire_batch_get(const uint8_t *payload, size_t length, struct wire_batch *ret_batch)
{
	struct wire_batch batch = {.blocks = {.at = payload, .left = length}};
	enum hm_reason reason = wire_stamp_get(&batch.blocks, &batch.stamp);

	if (reason == HM_REASON_NONE && cursor_is_done(&batch.blocks))
		reason = HM_REASON_EMPTY;
	if (reason == HM_REASON_NONE)
		*ret_batch = batch;
	return reason;
}

static enum hm_reason reason_of(int error)
{
	switch (error) {
	case 0:
		return HM_REASON_NONE;
	case -ENOTSUP:
		return HM_REASON_UNKNOWN_ENCODING;
	case -ENOMEM:
		return HM_REASON_NO_MEMORY;
	default:
		return HM_REASON_BAD_BLOCK;
	}
}

BITS_LOOPS static bool are_finite(const double *values, size_t n)
{
	unsigned is_odd = 0;

	for (size_t i = 0; i < n; i++) {
		uint64_t bits;

		memcpy(&bits, &values[i], sizeof(bits));
		is_odd |= (bits & EXPONENT) == EXPONENT;
	}
	return !is_odd;
}

static enum hm_reason note_times(struct check *check)
{
	struct wire_batch_content *content = &check->content;
	size_t n;
	const int64_t *times_us = block_decoder_times(check->decoder, &n);

	/* They grow. */
	if (times_us[0] == INT64_MIN)
		return HM_REASON_BAD_TIME;
	if (content->n_blocks == 0 || times_us[0] < content->first_us)
		content->first_us = times_us[0];
	if (content->n_blocks == 0 || times_us[n - 1] > content->last_us)
		content->last_us = times_us[n - 1];
	check->n_times += n;
	return check->n_times <= HM_BATCH_TIMES_MAX ? HM_REASON_NONE : HM_REASON_TOO_MANY_SAMPLES;
}

/* What the columns are, before any of them is decoded. */
static enum hm_reason count_samples(struct check *check)
{
	size_t n_columns = block_decoder_n_columns(check->decoder);

	/* Ids grow. */
	if (block_decoder_series_id(check->decoder, n_columns - 1) >= check->n_series)
		return HM_REASON_NOT_DECLARED;
	for (size_t i = 0; i < n_columns; i++) {
		struct block_encoded encoded;

		block_decoder_encoded(check->decoder, i, &encoded);
		check->content.n_samples += encoded.n_values;
		check->n_absent += encoded.n_absent;
	}
	return check->content.n_samples + check->n_absent <= HM_BATCH_SAMPLES_MAX
		       ? HM_REASON_NONE
		       : HM_REASON_TOO_MANY_SAMPLES;
}

static enum hm_reason check_columns(struct check *check)
{
	size_t n_columns = block_decoder_n_columns(check->decoder);

	for (size_t i = 0; i < n_columns; i++) {
		struct block_column column;
		int error = block_decoder_column(check->decoder, i, &column);

		if (error < 0)
			return reason_of(error);
		if (!are_finite(column.values, column.n_values))
			return HM_REASON_NOT_FINITE;
	}
	return HM_REASON_NONE;
}

static enum hm_reason check_block(struct check *check, const uint8_t *bytes, size_t length)
{
	enum hm_reason reason = reason_of(block_decoder_open(check->decoder, bytes, length));

	if (reason == HM_REASON_NONE)
		reason = note_times(check);
	if (reason == HM_REASON_NONE)
		reason = count_samples(check);
	if (reason == HM_REASON_NONE)
		reason = check_columns(check);
	check->content.n_blocks++;
	return reason;
}

enum hm_reason wire_batch_check(struct block_decoder *decoder, const uint8_t *payload,
				size_t length, uint32_t n_series,
				struct wire_batch_content *ret_content)
{
	struct check check = {.decoder = decoder, .n_series = n_series};
	struct wire_batch batch;
	enum hm_reason reason = wire_batch_get(payload, length, &batch);

	while (reason == HM_REASON_NONE) {
		const uint8_t *bytes;
		size_t n_bytes;
		int error = batch_get_block(&batch.blocks, &bytes, &n_bytes);

		if (error == -ENODATA)
			break;
		reason = error < 0 ? HM_REASON_BAD_MESSAGE : check_block(&check, bytes, n_bytes);
	}
	if (reason != HM_REASON_NONE)
		return reason;
	check.content.stamp = batch.stamp;
	*ret_content = check.content;
	return HM_REASON_NONE;
}
