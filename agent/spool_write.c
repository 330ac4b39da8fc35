/* SPDX-License-Identifier: MIT */
/* Records into the spool's segment, and what follows where that fails. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/spool_part.h"

/* Write a record into the open segment. @return also -ENOBUFS: there is no room in it */
static int put(struct spool *spool, struct log_record *record, bool is_control)
{
	int result;

	if (buffer_failed(&spool->scratch))
		return -ENOMEM;
	if (spool->segment.fd < 0)
		return -EBADF;
	if (!spool_segment_has_room(&spool->segment, spool->scratch.length, is_control))
		return -ENOBUFS;
	record->durable = spool->durable;
	record->payload = spool->scratch.data;
	record->payload_bytes = (uint32_t)spool->scratch.length;
	result = spool_segment_put(&spool->segment, record);
	if (result < 0 && result != -ENOMEM)
		spool_segment_close(&spool->segment);
	spool->is_dirty = true;
	return result;
}

/* The same, in the next segment where there is no room. */
static int put_anywhere(struct spool *spool, struct log_record *record, bool is_control)
{
	int result = put(spool, record, is_control);

	if (result != -ENOBUFS)
		return result;
	/* What is to be written stands in a buffer that others need. */
	struct buffer payload = spool->scratch;

	spool->scratch = (struct buffer){.data = NULL};
	result = spool_roll(spool);
	buffer_done(&spool->scratch);
	spool->scratch = payload;
	if (result < 0)
		return result;
	result = put(spool, record, is_control);
	return result == -ENOBUFS ? -EMSGSIZE : result;
}

int spool_write_entry(struct spool *spool, const struct spool_epoch *epoch,
		      struct spool_entry *entry, bool is_control)
{
	struct log_record record = {
		.type = (enum hm_record_type)SPOOL_RECORD_MESSAGE,
		.host = epoch->number,
		.previous = entry->sequence,
		.received_us = (int64_t)entry->ticks,
	};
	struct spool_meta meta = {
		.type = entry->type,
		.age_us = entry->age_us,
		.first_us = entry->first_us,
		.last_us = entry->last_us,
		.n_samples = entry->n_samples,
		.first_tick = entry->first_tick,
		.moved_epoch = entry->moved_epoch,
		.moved_sequence = entry->moved_sequence,
	};
	struct spool_gap gap = spool_entry_gap(entry);
	int result = spool->must_tell ? spool_write_state(spool) : 0;

	if (result == -ENOBUFS)
		result = spool_roll(spool);
	if (result < 0)
		return result;
	buffer_clear(&spool->scratch);
	spool_record_put_meta(&spool->scratch, &meta);
	if (entry->type == HM_FRAME_GAP) {
		spool_record_put_gap(&spool->scratch, &gap);
	} else if (entry->body) {
		buffer_append(&spool->scratch, entry->body, entry->body_bytes);
	} else {
		result = spool_read_body(spool,
					 &epoch->entries[spool_epoch_find(epoch, entry->sequence)],
					 &spool->scratch);
	}
	if (result == 0)
		result = put_anywhere(spool, &record, is_control);
	if (result == 0)
		entry->position = record.position;
	return result;
}

static struct log_record tick_record(const struct spool *spool, const struct spool_kept_tick *tick)
{
	return (struct log_record){
		.type = (enum hm_record_type)SPOOL_RECORD_TICK,
		.previous = tick->number,
		.received_us = (int64_t)spool->sealed,
	};
}

int spool_write_tick(struct spool *spool, struct spool_kept_tick *tick)
{
	struct log_record record = tick_record(spool, tick);

	tick->is_written = true;
	buffer_clear(&spool->scratch);
	buffer_append(&spool->scratch, tick->payload, tick->payload_bytes);
	return put_anywhere(spool, &record, false);
}

/* Up to which sequence all of an epoch is on the disk. */
static uint64_t durable_last(const struct spool_epoch *epoch)
{
	uint64_t last = epoch->last;

	for (size_t i = epoch->n_entries; i > 0 && epoch->n_undurable > 0; i--) {
		if (epoch->entries[i - 1].is_durable)
			break;
		last = epoch->entries[i - 1].first - 1;
	}
	return last > epoch->told_base ? last : epoch->told_base;
}

static void put_epoch(const struct spool *spool, const struct spool_epoch *epoch,
		      struct buffer *out)
{
	struct spool_state_epoch entry = {
		.number = epoch->number,
		.host_name = {epoch->host_name, epoch->host_name_bytes},
		.base = epoch->told_base,
		.last = durable_last(epoch),
		.acked = epoch->acked,
		.acked_crc = epoch->acked_crc,
	};

	memcpy(entry.id, epoch->id, HM_ID_BYTES);
	memcpy(entry.host_id, epoch->host_id, HM_ID_BYTES);
	if (entry.acked <= entry.last && epoch->has_acked_crc)
		entry.flags |= SPOOL_STATE_HAS_CRC;
	if (entry.acked > entry.last)
		entry.acked = 0;
	if (epoch->is_in_memory)
		entry.flags |= SPOOL_STATE_IN_MEMORY;
	if (epoch->is_partial)
		entry.flags |= SPOOL_STATE_PARTIAL;
	if (epoch != spool_current(spool))
		entry.flags |= SPOOL_STATE_ENDED;
	spool_record_put_epoch(out, &entry);
}

int spool_write_state(struct spool *spool)
{
	struct log_record record = {
		.type = (enum hm_record_type)SPOOL_RECORD_STATE,
		.received_us = (int64_t)spool->sealed,
	};
	struct spool_state state = {
		.age_us = spool_age_us(spool),
		.last_tick = spool->last_tick,
		.last_epoch = spool->last_epoch,
		.n_epochs = (uint32_t)spool->n_epochs,
	};
	int result;

	buffer_clear(&spool->scratch);
	spool_record_put_state(&spool->scratch, &state);
	for (size_t i = 0; i < spool->n_epochs; i++)
		put_epoch(spool, spool->epochs[i], &spool->scratch);
	result = put(spool, &record, true);
	if (result == 0) {
		spool->said_sealed = spool->sealed;
		spool->is_told = true;
		spool->must_tell = false;
		if (spool->drops == SPOOL_DROPS_SAID)
			spool->drops = SPOOL_DROPS_WRITTEN;
	}
	return result;
}

void spool_settle_entry(struct spool *spool, const struct spool_epoch *epoch,
			struct spool_entry *entry)
{
	entry->is_durable = true;
	if (entry->ticks > spool->highest_sealed)
		spool->highest_sealed = entry->ticks;
	if (entry->type != HM_FRAME_DECLARE || epoch != spool_current(spool)) {
		free(entry->body);
		entry->body = NULL;
	}
	spool->is_told = false;
}

static void mark_epoch(struct spool *spool, struct spool_epoch *epoch)
{
	size_t n_left = epoch->n_undurable;

	for (size_t i = epoch->n_entries; i > 0 && n_left > 0; i--) {
		struct spool_entry *entry = &epoch->entries[i - 1];

		if (entry->is_durable)
			continue;
		n_left--;
		if (entry->position == 0)
			continue;
		epoch->n_undurable--;
		spool_settle_entry(spool, epoch, entry);
	}
}

/* What was moved elsewhere is so once that is durable. */
static void tell_bases(struct spool *spool)
{
	size_t n_undurable = 0;

	for (size_t i = 0; i < spool->n_epochs; i++)
		n_undurable += spool->epochs[i]->n_undurable;
	for (size_t i = 0; i < spool->n_epochs && n_undurable == 0; i++) {
		struct spool_epoch *epoch = spool->epochs[i];

		spool->is_told &= epoch->told_base == epoch->base;
		epoch->told_base = epoch->base;
	}
}

/* Up to which tick do durable messages supersede all? */
static void find_sealed(struct spool *spool)
{
	uint64_t sealed = spool->highest_sealed;

	if (spool->n_ticks > 0 && spool->ticks[0].number <= sealed)
		sealed = spool->ticks[0].number - 1;
	for (size_t i = 0; i < spool->n_epochs; i++) {
		const struct spool_epoch *epoch = spool->epochs[i];

		for (size_t k = 0; epoch->n_undurable > 0 && k < epoch->n_entries; k++) {
			const struct spool_entry *entry = &epoch->entries[k];

			if (!entry->is_durable && entry->ticks > 0 && entry->first_tick <= sealed)
				sealed = entry->first_tick - 1;
		}
	}
	if (sealed > spool->sealed)
		spool->sealed = sealed;
}

/* Sync the segment: what was written is durable. */
static int sync_segment(struct spool *spool)
{
	int result = spool->segment.fd < 0 ? -EBADF : 0;

	if (result == 0)
		result = spool_segment_sync(&spool->segment);
	if (result < 0) {
		spool_segment_close(&spool->segment);
		return result;
	}
	if (!spool->is_rewriting)
		spool->durable = log_position(spool->segment.number, spool->segment.end);
	for (size_t i = 0; i < spool->n_epochs; i++)
		mark_epoch(spool, spool->epochs[i]);
	find_sealed(spool);
	tell_bases(spool);
	spool->sealing_bytes = 0;
	spool->told_sealed = spool->said_sealed;
	if (spool->drops == SPOOL_DROPS_WRITTEN)
		spool->drops = SPOOL_DROPS_DURABLE;
	spool->is_dirty = false;
	return 0;
}

int spool_tell_drops(struct spool *spool)
{
	int result = 0;

	if (spool->drops == SPOOL_DROPS_SAID)
		result = spool_write_state(spool);
	if (result == -ENOBUFS)
		result = spool_roll(spool);
	if (result == 0 && spool->drops == SPOOL_DROPS_WRITTEN)
		result = sync_segment(spool);
	return result;
}

int spool_commit(struct spool *spool)
{
	int result = sync_segment(spool);

	if (result < 0 || spool->is_told)
		return result;
	/* It says what is durable, and so need not be so itself. */
	result = spool_write_state(spool);
	if (result == 0)
		spool->is_dirty = false;
	return result == -ENOBUFS ? 0 : result;
}

/* What a segment begins with. */
static int write_front(struct spool *spool)
{
	int result = spool_write_state(spool);

	for (size_t i = 0; result == 0 && i < spool->n_ticks; i++) {
		struct log_record record = tick_record(spool, &spool->ticks[i]);

		spool->ticks[i].is_written = true;
		buffer_clear(&spool->scratch);
		buffer_append(&spool->scratch, spool->ticks[i].payload,
			      spool->ticks[i].payload_bytes);
		result = put(spool, &record, true);
	}
	if (result == 0)
		result = spool_segment_sync(&spool->segment);
	return result;
}

/* Begin a segment. The one before stays where that fails. */
static int begin_segment(struct spool *spool)
{
	struct spool_segment before = spool->segment;
	int result;

	spool->segment =
		(struct spool_segment){.disk = before.disk, .folder = before.folder, .fd = -1};
	do {
		/* Where none is open there is no other way to free any. */
		if (spool->n_places >= spool_places_max(spool) && before.fd >= 0)
			result = -EDQUOT;
		else if (spool->last_segment == UINT32_MAX)
			result = -EOVERFLOW;
		else
			result = spool_segment_begin(&spool->segment, ++spool->last_segment,
						     spool->options.segment_bytes);
	} while (result == -EEXIST);
	if (spool->segment.number != 0) {
		/* There may be a file also where it failed. */
		struct spool_place place = {.number = spool->last_segment,
					    .salt = spool->segment.salt,
					    .begun_us = spool_age_us(spool)};
		int added = spool_add_place(spool, &place);

		result = result < 0 ? result : added;
		if (result == 0)
			result = write_front(spool);
		if (result < 0 && added == 0)
			(void)spool_remove_place(spool, spool->n_places - 1);
	}
	if (result < 0) {
		spool_segment_done(&spool->segment);
		spool->segment = before;
		return result;
	}
	spool_segment_done(&before);
	spool->front_end = spool->segment.end;
	spool->told_sealed = spool->said_sealed;
	if (spool->drops == SPOOL_DROPS_WRITTEN)
		spool->drops = SPOOL_DROPS_DURABLE;
	spool->is_dirty = false;
	/* So that one says soon that this segment counts; until then the one before does as well. */
	spool->is_told = false;
	return 0;
}

int spool_roll(struct spool *spool)
{
	int result = spool->segment.fd >= 0 && spool->is_dirty ? sync_segment(spool) : 0;

	return result == 0 ? begin_segment(spool) : result;
}

int spool_write_all(struct spool *spool)
{
	int result = 0;

	for (size_t i = 0; i < spool->n_epochs; i++) {
		struct spool_epoch *epoch = spool->epochs[i];

		for (size_t k = 0; epoch->n_undurable > 0 && k < epoch->n_entries; k++) {
			struct spool_entry *entry = &epoch->entries[k];

			if (entry->is_durable || entry->position != 0)
				continue;
			result = spool_write_entry(spool, epoch, entry, true);
			if (result < 0)
				return result;
		}
	}
	if (spool->is_rewriting) {
		spool->is_rewriting = false;
		spool->is_told = false;
	}
	return spool->is_dirty || !spool->is_told ? spool_commit(spool) : 0;
}

/* Nothing that is not known to be durable counts as written. */
void spool_forget_written(struct spool *spool)
{
	for (size_t i = 0; i < spool->n_epochs; i++) {
		struct spool_epoch *epoch = spool->epochs[i];

		for (size_t k = 0; epoch->n_undurable > 0 && k < epoch->n_entries; k++) {
			if (!epoch->entries[k].is_durable)
				epoch->entries[k].position = 0;
		}
	}
}

/* The disk is full: in what the segment has left for that, the oldest one's is carried on. */
static int replace_oldest(struct spool *spool)
{
	int result = spool_drop_oldest(spool, HM_REASON_SPOOL_FULL);

	if (result == 0)
		result = spool_roll(spool);
	return result > 0 ? -EDQUOT : result;
}

int spool_go_on(struct spool *spool, int error)
{
	bool is_full = error == -ENOSPC || error == -EDQUOT;
	int result = error;

	if (spool->segment.fd >= 0 && is_full && spool->n_places > 1)
		result = replace_oldest(spool);
	if (spool->segment.fd < 0) {
		spool_forget_written(spool);
		spool->is_rewriting = true;
		result = begin_segment(spool);
	}
	return result == 0 ? spool_write_all(spool) : result;
}

int spool_recover_write(struct spool *spool, int error, const char *what)
{
	int result;

	if (error == 0 || error == -ENOMEM)
		return error;
	spool_note_error(spool, error, what);
	result = spool_go_on(spool, error);
	if (result == 0 || result == -ENOMEM)
		return result;
	spool_note_error(spool, result, "begin a segment");
	spool_forget_written(spool);
	return spool_enter_memory(spool);
}
