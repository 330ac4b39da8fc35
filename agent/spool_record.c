/* SPDX-License-Identifier: MIT */
/* The payloads of the spool's records. */

#include "agent/spool_record.h"

#include <errno.h>
#include <string.h>

#include "common/wire_id.h"
#include "hostmetrics/wire.h"

void spool_record_put_meta(struct buffer *out, const struct spool_meta *meta)
{
	buffer_append_byte(out, (char)meta->type);
	cursor_put_u64(out, (uint64_t)meta->age_us);
	cursor_put_u64(out, (uint64_t)meta->first_us);
	cursor_put_u64(out, (uint64_t)meta->last_us);
	cursor_put_u64(out, meta->n_samples);
	cursor_put_u64(out, meta->first_tick);
	cursor_put_u32(out, meta->moved_epoch);
	cursor_put_u64(out, meta->moved_sequence);
}

static bool is_message(uint8_t type)
{
	return (type >= HM_FRAME_DECLARE && type <= HM_FRAME_CLOCK) || type == HM_FRAME_SCHEDULE;
}

int spool_record_get_meta(struct cursor *cursor, struct spool_meta *ret_meta)
{
	ret_meta->type = cursor_get_u8(cursor);
	ret_meta->age_us = (int64_t)cursor_get_u64(cursor);
	ret_meta->first_us = (int64_t)cursor_get_u64(cursor);
	ret_meta->last_us = (int64_t)cursor_get_u64(cursor);
	ret_meta->n_samples = cursor_get_u64(cursor);
	ret_meta->first_tick = cursor_get_u64(cursor);
	ret_meta->moved_epoch = cursor_get_u32(cursor);
	ret_meta->moved_sequence = cursor_get_u64(cursor);
	if (cursor_failed(cursor) || !is_message(ret_meta->type) || ret_meta->age_us < 0)
		return -EBADMSG;
	return 0;
}

void spool_record_put_gap(struct buffer *out, const struct spool_gap *gap)
{
	cursor_put_u64(out, gap->first);
	cursor_put_u64(out, (uint64_t)gap->first_us);
	cursor_put_u64(out, (uint64_t)gap->last_us);
	cursor_put_u64(out, gap->n_samples);
	cursor_put_u16(out, gap->reason);
}

int spool_record_get_gap(struct cursor *cursor, struct spool_gap *ret_gap)
{
	ret_gap->first = cursor_get_u64(cursor);
	ret_gap->first_us = (int64_t)cursor_get_u64(cursor);
	ret_gap->last_us = (int64_t)cursor_get_u64(cursor);
	ret_gap->n_samples = cursor_get_u64(cursor);
	ret_gap->reason = cursor_get_u16(cursor);
	if (!cursor_is_done(cursor) || ret_gap->first == 0 || ret_gap->reason == 0 ||
	    ret_gap->first_us == INT64_MIN || ret_gap->first_us > ret_gap->last_us)
		return -EBADMSG;
	return 0;
}

void spool_record_put_state(struct buffer *out, const struct spool_state *state)
{
	cursor_put_u64(out, (uint64_t)state->age_us);
	cursor_put_u64(out, state->last_tick);
	cursor_put_u32(out, state->last_epoch);
	cursor_put_u32(out, state->n_epochs);
}

void spool_record_put_epoch(struct buffer *out, const struct spool_state_epoch *epoch)
{
	cursor_put_u32(out, epoch->number);
	buffer_append_byte(out, (char)epoch->flags);
	buffer_append(out, epoch->id, HM_ID_BYTES);
	buffer_append(out, epoch->host_id, HM_ID_BYTES);
	cursor_put_text(out, &epoch->host_name);
	cursor_put_u64(out, epoch->base);
	cursor_put_u64(out, epoch->last);
	cursor_put_u64(out, epoch->acked);
	cursor_put_u32(out, epoch->acked_crc);
}

int spool_record_get_state(struct cursor *cursor, struct spool_state *ret_state)
{
	ret_state->age_us = (int64_t)cursor_get_u64(cursor);
	ret_state->last_tick = cursor_get_u64(cursor);
	ret_state->last_epoch = cursor_get_u32(cursor);
	ret_state->n_epochs = cursor_get_u32(cursor);
	return cursor_failed(cursor) || ret_state->age_us < 0 ? -EBADMSG : 0;
}

int spool_record_get_epoch(struct cursor *cursor, struct spool_state_epoch *ret_epoch)
{
	const uint8_t *id;
	const uint8_t *host_id;

	ret_epoch->number = cursor_get_u32(cursor);
	ret_epoch->flags = cursor_get_u8(cursor);
	id = cursor_get_bytes(cursor, HM_ID_BYTES);
	host_id = cursor_get_bytes(cursor, HM_ID_BYTES);
	ret_epoch->host_name = cursor_get_text(cursor, HM_HOST_NAME_MAX_BYTES);
	ret_epoch->base = cursor_get_u64(cursor);
	ret_epoch->last = cursor_get_u64(cursor);
	ret_epoch->acked = cursor_get_u64(cursor);
	ret_epoch->acked_crc = cursor_get_u32(cursor);
	if (cursor_failed(cursor) || !id || !host_id || !wire_id_is_set(id) ||
	    !wire_id_is_set(host_id) || ret_epoch->number == 0 ||
	    ret_epoch->host_name.length == 0 || ret_epoch->last > HM_SEQUENCE_MAX ||
	    ret_epoch->base > ret_epoch->last || ret_epoch->acked > ret_epoch->last)
		return -EBADMSG;
	memcpy(ret_epoch->id, id, HM_ID_BYTES);
	memcpy(ret_epoch->host_id, host_id, HM_ID_BYTES);
	return 0;
}
