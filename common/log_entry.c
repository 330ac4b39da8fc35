/* SPDX-License-Identifier: MIT */
/* The payloads of the log's records other than batches. */

#include "common/log_entry.h"

#include <errno.h>
#include <string.h>

#define FILE_NAME_MAX 255

void log_entry_put_host(struct buffer *out, const struct log_host *host)
{
	cursor_put_u32(out, host->number);
	buffer_append(out, host->id, HM_ID_BYTES);
	cursor_put_text(out, &host->name);
	cursor_put_u64(out, host->last);
	cursor_put_u64(out, host->checkpoint);
	cursor_put_u32(out, host->n_epochs);
}

void log_entry_put_epoch(struct buffer *out, const struct log_epoch *epoch)
{
	buffer_append(out, epoch->id, HM_ID_BYTES);
	cursor_put_u64(out, epoch->sequence);
}

int log_entry_get_host(struct cursor *cursor, struct log_host *ret_host)
{
	struct log_host host = {0};
	const uint8_t *id;

	if (cursor_is_done(cursor))
		return -ENODATA;
	host.number = cursor_get_u32(cursor);
	id = cursor_get_bytes(cursor, HM_ID_BYTES);
	host.name = cursor_get_text(cursor, HM_HOST_NAME_MAX_BYTES);
	host.last = cursor_get_u64(cursor);
	host.checkpoint = cursor_get_u64(cursor);
	host.n_epochs = cursor_get_u32(cursor);
	if (cursor_failed(cursor) || !id || host.number == 0 || host.name.length == 0)
		return -EBADMSG;
	memcpy(host.id, id, HM_ID_BYTES);
	*ret_host = host;
	return 0;
}

int log_entry_get_epoch(struct cursor *cursor, struct log_epoch *ret_epoch)
{
	const uint8_t *id = cursor_get_bytes(cursor, HM_ID_BYTES);
	uint64_t sequence = cursor_get_u64(cursor);

	if (cursor_failed(cursor) || !id)
		return -EBADMSG;
	memcpy(ret_epoch->id, id, HM_ID_BYTES);
	ret_epoch->sequence = sequence;
	return 0;
}

void log_entry_put_mark(struct buffer *out, const struct log_mark *mark)
{
	cursor_put_u32(out, mark->host);
	buffer_append(out, mark->epoch, HM_ID_BYTES);
	cursor_put_u64(out, mark->sequence);
	cursor_put_u32(out, mark->crc);
}

int log_entry_get_mark(struct cursor *cursor, struct log_mark *ret_mark)
{
	struct log_mark mark = {0};
	const uint8_t *epoch;

	if (cursor_is_done(cursor))
		return -ENODATA;
	mark.host = cursor_get_u32(cursor);
	epoch = cursor_get_bytes(cursor, HM_ID_BYTES);
	mark.sequence = cursor_get_u64(cursor);
	mark.crc = cursor_get_u32(cursor);
	if (cursor_failed(cursor) || !epoch || mark.host == 0)
		return -EBADMSG;
	memcpy(mark.epoch, epoch, HM_ID_BYTES);
	*ret_mark = mark;
	return 0;
}

void log_entry_put_group(struct buffer *out, uint64_t group)
{
	cursor_put_u64(out, group);
}

void log_entry_put_group_file(struct buffer *out, const struct log_group_file *file)
{
	cursor_put_u32(out, file->host);
	cursor_put_text(out, &file->name);
	cursor_put_u64(out, file->length_bytes);
}

int log_entry_get_group(struct cursor *cursor, uint64_t *ret_group)
{
	*ret_group = cursor_get_u64(cursor);
	return cursor_failed(cursor) ? -EBADMSG : 0;
}

int log_entry_get_group_file(struct cursor *cursor, struct log_group_file *ret_file)
{
	struct log_group_file file;

	if (cursor_is_done(cursor))
		return -ENODATA;
	file.host = cursor_get_u32(cursor);
	file.name = cursor_get_text(cursor, FILE_NAME_MAX);
	file.length_bytes = cursor_get_u64(cursor);
	if (cursor_failed(cursor) || file.name.length == 0)
		return -EBADMSG;
	*ret_file = file;
	return 0;
}

void log_entry_put_checkpoint(struct buffer *out, const struct log_checkpoint *checkpoint)
{
	cursor_put_u32(out, checkpoint->host);
	cursor_put_u64(out, checkpoint->position);
}

int log_entry_get_checkpoint(struct cursor *cursor, struct log_checkpoint *ret_checkpoint)
{
	struct log_checkpoint checkpoint;

	if (cursor_is_done(cursor))
		return -ENODATA;
	checkpoint.host = cursor_get_u32(cursor);
	checkpoint.position = cursor_get_u64(cursor);
	if (cursor_failed(cursor))
		return -EBADMSG;
	*ret_checkpoint = checkpoint;
	return 0;
}

void log_entry_put_delete(struct buffer *out, const struct log_delete *entry)
{
	buffer_append(out, entry->id, HM_ID_BYTES);
	cursor_put_text(out, &entry->name);
	cursor_put_u64(out, (uint64_t)entry->since_us);
	cursor_put_u64(out, (uint64_t)entry->until_us);
}

void log_entry_put_delete_series(struct buffer *out, const struct series_text *metric,
				 const struct series_text *labels)
{
	cursor_put_text(out, metric);
	cursor_put_text(out, labels);
}

int log_entry_get_delete(struct cursor *cursor, struct log_delete *ret_entry)
{
	const uint8_t *id = cursor_get_bytes(cursor, HM_ID_BYTES);
	struct log_delete entry = {
		.name = cursor_get_text(cursor, HM_HOST_NAME_MAX_BYTES),
	};

	entry.since_us = (int64_t)cursor_get_u64(cursor);
	entry.until_us = (int64_t)cursor_get_u64(cursor);
	if (cursor_failed(cursor) || !id || entry.name.length == 0 ||
	    entry.since_us > entry.until_us)
		return -EBADMSG;
	memcpy(entry.id, id, HM_ID_BYTES);
	*ret_entry = entry;
	return 0;
}

int log_entry_get_delete_series(struct cursor *cursor, struct series_text *ret_metric,
				struct series_text *ret_labels)
{
	if (cursor_is_done(cursor))
		return -ENODATA;
	*ret_metric = cursor_get_text(cursor, HM_METRIC_NAME_MAX_BYTES);
	*ret_labels = cursor_get_text(cursor, UINT16_MAX);
	return cursor_failed(cursor) || ret_metric->length == 0 ? -EBADMSG : 0;
}

void log_entry_put_horizon(struct buffer *out, const struct log_horizon *entry)
{
	cursor_put_u32(out, entry->host);
	cursor_put_u64(out, (uint64_t)entry->horizon_us);
}

int log_entry_get_horizon(struct cursor *cursor, struct log_horizon *ret_entry)
{
	struct log_horizon entry;

	if (cursor_is_done(cursor))
		return -ENODATA;
	entry.host = cursor_get_u32(cursor);
	entry.horizon_us = (int64_t)cursor_get_u64(cursor);
	if (cursor_failed(cursor))
		return -EBADMSG;
	*ret_entry = entry;
	return 0;
}
