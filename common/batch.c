/* SPDX-License-Identifier: MIT */
/* The payload of a BATCH record. */

#include "common/batch.h"

#include <errno.h>
#include <string.h>

/* The batch names its host and series itself. */
#define FLAG_NAMES 1

void batch_put_head(struct buffer *out, const struct batch_head *head)
{
	buffer_append_byte(out, FLAG_NAMES);
	buffer_append(out, head->epoch, HM_ID_BYTES);
	cursor_put_u64(out, head->sequence);
	buffer_append(out, head->host_id, HM_ID_BYTES);
	cursor_put_text(out, &head->host);
	cursor_put_u32(out, head->n_series);
}

void batch_put_series(struct buffer *out, const struct batch_series *series)
{
	buffer_append_byte(out, (char)series->kind);
	cursor_put_text(out, &series->unit);
	cursor_put_text(out, &series->metric);
	cursor_put_text(out, &series->labels);
}

void batch_put_block(struct buffer *out, const void *bytes, size_t length)
{
	cursor_put_u32(out, (uint32_t)length);
	buffer_append(out, bytes, length);
}

int batch_get_head(struct cursor *cursor, struct batch_head *ret_head)
{
	uint8_t flags = cursor_get_u8(cursor);
	const uint8_t *epoch = cursor_get_bytes(cursor, HM_ID_BYTES);
	uint64_t sequence = cursor_get_u64(cursor);
	const uint8_t *host_id = cursor_get_bytes(cursor, HM_ID_BYTES);
	struct series_text host = cursor_get_text(cursor, HM_HOST_NAME_MAX_BYTES);
	uint32_t n_series = cursor_get_u32(cursor);

	if (cursor_failed(cursor) || flags != FLAG_NAMES || !epoch || !host_id ||
	    host.length == 0 || sequence == 0 || n_series > BATCH_SERIES_MAX)
		return -EBADMSG;
	*ret_head = (struct batch_head){.sequence = sequence, .host = host, .n_series = n_series};
	memcpy(ret_head->epoch, epoch, HM_ID_BYTES);
	memcpy(ret_head->host_id, host_id, HM_ID_BYTES);
	return 0;
}

int batch_get_series(struct cursor *cursor, struct batch_series *ret_series)
{
	uint8_t kind = cursor_get_u8(cursor);
	struct batch_series series = {.kind = (enum hm_stored_kind)kind};

	series.unit = cursor_get_text(cursor, HM_UNIT_MAX_BYTES);
	series.metric = cursor_get_text(cursor, HM_METRIC_NAME_MAX_BYTES);
	series.labels = cursor_get_text(cursor, UINT16_MAX);
	if (cursor_failed(cursor) || kind > HM_STORED_COUNTER || series.metric.length == 0)
		return -EBADMSG;
	*ret_series = series;
	return 0;
}

int batch_get_block(struct cursor *cursor, const uint8_t **ret_bytes, size_t *ret_length)
{
	uint32_t length;

	if (cursor_is_done(cursor))
		return -ENODATA;
	length = cursor_get_u32(cursor);
	*ret_bytes = cursor_get_bytes(cursor, length);
	*ret_length = length;
	return *ret_bytes ? 0 : -EBADMSG;
}
