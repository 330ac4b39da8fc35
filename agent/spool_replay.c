/* SPDX-License-Identifier: MIT */
/* What the records of a spool say. */

#include "agent/spool_replay.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/array.h"
#include "common/cursor.h"

/* A STATE with more epochs is none of ours. */
#define STATE_EPOCHS_MAX 1024

/* GAPs for a hole; a larger one is not believed. */
#define HOLE_GAPS_MAX 64

static struct spool_epoch *find_number(const struct spool *spool, uint32_t number)
{
	for (size_t i = 0; i < spool->n_epochs; i++) {
		if (spool->epochs[i]->number == number)
			return spool->epochs[i];
	}
	return NULL;
}

static int add_epoch(struct spool *spool, const struct spool_state_epoch *entry)
{
	struct spool_epoch **epochs =
		array_grow(spool->epochs, spool->n_epochs, &spool->epochs_capacity,
			   sizeof(struct spool_epoch *));
	struct spool_epoch *epoch;

	if (!epochs)
		return -ENOMEM;
	spool->epochs = epochs;
	epoch = spool_epoch_new(entry->number);
	if (!epoch)
		return -ENOMEM;
	memcpy(epoch->id, entry->id, HM_ID_BYTES);
	memcpy(epoch->host_id, entry->host_id, HM_ID_BYTES);
	memcpy(epoch->host_name, entry->host_name.start, entry->host_name.length);
	epoch->host_name_bytes = entry->host_name.length;
	epoch->base = epoch->told_base = entry->base;
	epoch->last = entry->last;
	epoch->acked = entry->acked;
	epoch->acked_crc = entry->acked_crc;
	epoch->has_acked_crc = entry->flags & SPOOL_STATE_HAS_CRC;
	epoch->is_in_memory = entry->flags & SPOOL_STATE_IN_MEMORY;
	epoch->is_partial = epoch->is_in_memory || entry->flags & SPOOL_STATE_PARTIAL;
	epochs[spool->n_epochs++] = epoch;
	if (entry->number > spool->last_epoch)
		spool->last_epoch = entry->number;
	return 0;
}

/* All of it is to be good before any of it counts. */
static int check_state(const struct log_record *record)
{
	struct cursor cursor = {.at = record->payload, .left = record->payload_bytes};
	struct spool_state_epoch epoch;
	struct spool_state state;

	if (spool_record_get_state(&cursor, &state) < 0 || state.n_epochs == 0 ||
	    state.n_epochs > STATE_EPOCHS_MAX)
		return -EBADMSG;
	for (uint32_t i = 0; i < state.n_epochs; i++) {
		if (spool_record_get_epoch(&cursor, &epoch) < 0)
			return -EBADMSG;
	}
	return cursor_is_done(&cursor) ? 0 : -EBADMSG;
}

int spool_replay_state(struct spool *spool, const struct log_record *record)
{
	struct cursor cursor = {.at = record->payload, .left = record->payload_bytes};
	struct spool_state_epoch epoch;
	struct spool_state state;
	int result = check_state(record);

	if (result < 0)
		return result;
	while (spool->n_epochs > 0)
		spool_drop_epoch(spool, spool->n_epochs - 1);
	(void)spool_record_get_state(&cursor, &state);
	spool->last_epoch = state.last_epoch;
	if (state.last_tick > spool->last_tick)
		spool->last_tick = state.last_tick;
	if (state.age_us > spool->age_then_us)
		spool->age_then_us = state.age_us;
	for (uint32_t i = 0; result == 0 && i < state.n_epochs; i++) {
		(void)spool_record_get_epoch(&cursor, &epoch);
		if (!find_number(spool, epoch.number))
			result = add_epoch(spool, &epoch);
	}
	return result;
}

/* Durable messages supersede all ticks up to this one. */
static void seal(struct spool *spool, uint64_t ticks)
{
	if (ticks <= spool->sealed)
		return;
	spool->sealed = ticks;
	spool_drop_ticks(spool, 0, ticks);
	if (ticks > spool->last_tick)
		spool->last_tick = ticks;
}

/* Only damage, or another size of segments, makes it that so many wait. */
static void drop_oldest_tick(struct spool *spool)
{
	spool->n_damaged++;
	spool_drop_ticks(spool, 0, spool->ticks[0].number);
}

/* Put a tick where it belongs: those before may have been lost in one segment, and be in the next. */
static int insert_tick(struct spool *spool, const struct spool_kept_tick *tick, const void *payload)
{
	size_t at = spool->n_ticks;
	int result;

	while (at > 0 && spool->ticks[at - 1].number >= tick->number)
		at--;
	if (at < spool->n_ticks && spool->ticks[at].number == tick->number)
		return 0;
	result = spool_add_tick(spool, at, tick, payload);
	if (result == 0 && tick->number > spool->last_tick)
		spool->last_tick = tick->number;
	return result;
}

static int replay_tick(struct spool *spool, const struct log_record *record)
{
	struct spool_kept_tick tick = {
		.number = record->previous,
		.payload_bytes = record->payload_bytes,
		.is_written = true,
	};

	seal(spool, (uint64_t)record->received_us);
	if (tick.number <= spool->sealed || tick.payload_bytes == 0)
		return 0;
	/* What supersedes them may come behind those that a segment begins with. */
	if (spool_ticks_bytes(spool) > 4 * spool_ticks_max(spool))
		drop_oldest_tick(spool);
	return insert_tick(spool, &tick, record->payload);
}

/* @return 0 or -EBADMSG */
static int read_entry(const struct log_record *record, struct spool_entry *ret_entry,
		      struct cursor *ret_body)
{
	struct cursor cursor = {.at = record->payload, .left = record->payload_bytes};
	struct spool_meta meta;
	struct spool_gap gap = {.first = record->previous};

	if (spool_record_get_meta(&cursor, &meta) < 0)
		return -EBADMSG;
	*ret_body = cursor;
	*ret_entry = (struct spool_entry){
		.sequence = record->previous,
		.position = record->position,
		.ticks = (uint64_t)record->received_us,
		.n_samples = meta.n_samples,
		.first_tick = meta.first_tick,
		.first_us = meta.first_us,
		.last_us = meta.last_us,
		.age_us = meta.age_us,
		.moved_sequence = meta.moved_sequence,
		.moved_epoch = meta.moved_epoch,
		.body_bytes = (uint32_t)cursor.left,
		.type = meta.type,
	};
	if (meta.type == HM_FRAME_GAP && spool_record_get_gap(&cursor, &gap) < 0)
		return -EBADMSG;
	ret_entry->first = gap.first;
	ret_entry->reason = gap.reason;
	if (ret_entry->sequence == 0 || ret_entry->sequence > HM_SEQUENCE_MAX ||
	    gap.first > ret_entry->sequence ||
	    ret_entry->sequence - gap.first >= HM_GAP_SEQUENCES_MAX || ret_body->left == 0 ||
	    ret_body->left > SPOOL_BODY_MAX_BYTES ||
	    (ret_entry->ticks > 0 && (meta.first_tick == 0 || meta.first_tick > ret_entry->ticks)))
		return -EBADMSG;
	return 0;
}

static int replay_message(struct spool *spool, const struct log_record *record, bool is_durable)
{
	struct spool_epoch *epoch = find_number(spool, record->host);
	struct spool_epoch *moved;
	struct spool_entry entry;
	struct cursor body;
	int result = 0;

	if (!epoch || record->previous <= epoch->base)
		return 0;
	if (read_entry(record, &entry, &body) < 0) {
		spool->n_damaged++;
		return 0;
	}
	/* Either new, or what takes the place of others: their segment may be gone. */
	if (!is_durable && entry.first > epoch->last + 1)
		return 0;
	entry.is_durable = is_durable;
	entry.is_offered = true;
	if (!is_durable)
		entry.position = 0;
	/* DECLAREs say what the ids in ticks are: they are not to depend on being read another time. */
	if (entry.type != HM_FRAME_GAP && (!is_durable || entry.type == HM_FRAME_DECLARE))
		result = spool_entry_set_body(&entry, body.at, body.left);
	if (result == 0)
		result = spool_epoch_put(epoch, &entry);
	if (result < 0) {
		free(entry.body);
		return result;
	}
	if (entry.sequence > epoch->last)
		epoch->last = entry.sequence;
	if (entry.age_us > spool->age_then_us)
		spool->age_then_us = entry.age_us;
	if (is_durable && entry.ticks > spool->highest_sealed)
		spool->highest_sealed = entry.ticks;
	moved = find_number(spool, entry.moved_epoch);
	if (moved && moved != epoch && entry.moved_sequence > moved->base)
		moved->base =
			entry.moved_sequence < moved->last ? entry.moved_sequence : moved->last;
	return 0;
}

int spool_replay_record(struct spool *spool, const struct log_record *record, bool is_durable)
{
	switch ((int)record->type) {
	case SPOOL_RECORD_STATE:
		seal(spool, (uint64_t)record->received_us);
		return 0;
	case SPOOL_RECORD_TICK:
		return replay_tick(spool, record);
	case SPOOL_RECORD_MESSAGE:
		return replay_message(spool, record, is_durable);
	default:
		return 0;
	}
}

/* Let GAPs stand for what is missing before an entry, or at the end. @return how many; -ENOMEM;
 * -ERANGE: too many to be true */
static int fill_hole(struct spool *spool, struct spool_epoch *epoch, uint64_t first, uint64_t last)
{
	const struct spool_entry *behind = NULL;
	struct spool_entry gap = {
		.type = HM_FRAME_GAP,
		.reason = HM_REASON_SPOOL_DAMAGED,
		.body_bytes = SPOOL_GAP_BODY_BYTES,
		.first_us = INT64_MAX,
		.last_us = INT64_MIN,
		.n_samples = SPOOL_UNKNOWN_SAMPLES,
		.age_us = spool->age_then_us,
		.is_offered = true,
	};
	size_t at = spool_epoch_find(epoch, last);

	if ((last - first) / HM_GAP_SEQUENCES_MAX >= HOLE_GAPS_MAX)
		return -ERANGE;
	if (at < epoch->n_entries)
		behind = &epoch->entries[at];
	/* They lie between their neighbours, as far as is known. */
	if (at > 0 && epoch->entries[at - 1].first_us <= epoch->entries[at - 1].last_us)
		gap.first_us = gap.last_us = epoch->entries[at - 1].last_us;
	if (behind && behind->first_us <= behind->last_us) {
		gap.last_us = behind->first_us;
		gap.first_us = gap.first_us < gap.last_us ? gap.first_us : gap.last_us;
	}
	while (first <= last) {
		gap.first = first;
		gap.sequence = last - first < HM_GAP_SEQUENCES_MAX
				       ? last
				       : first + HM_GAP_SEQUENCES_MAX - 1;
		if (spool_epoch_put(epoch, &gap) < 0)
			return -ENOMEM;
		first = gap.sequence + 1;
	}
	spool->n_damaged++;
	return 1;
}

/* Make an entry follow the one before. @param ret_first  where it begins; behind the last: where that would
 * @return was there a hole? -ENOMEM; -ERANGE: all from there on was removed */
static int join_entry(struct spool *spool, struct spool_epoch *epoch, size_t i, uint64_t next,
		      uint64_t *ret_first)
{
	bool is_end = i == epoch->n_entries;
	int result;

	*ret_first = is_end ? epoch->last + 1 : epoch->entries[i].first;
	if (!is_end && *ret_first < next) {
		/* Two GAPs that overlap: only damage, or worse, makes such. */
		epoch->entries[i].first = *ret_first = next;
	}
	if (*ret_first <= next)
		return 0;
	result = fill_hole(spool, epoch, next, *ret_first - 1);
	if (result == -ERANGE) {
		spool_epoch_remove(epoch, i, epoch->n_entries - i);
		epoch->last = next - 1;
	}
	return result;
}

/* Make the entries follow each other. @return was there a hole? or -ENOMEM */
static int fill_holes(struct spool *spool, struct spool_epoch *epoch)
{
	uint64_t next = epoch->base + 1;
	int filled = 0;

	spool_epoch_remove(epoch, 0, spool_epoch_find(epoch, next));
	for (size_t i = 0; i <= epoch->n_entries; i++) {
		uint64_t first;
		int result = join_entry(spool, epoch, i, next, &first);

		if (result == -ERANGE)
			return 1;
		if (result < 0)
			return result;
		filled |= result;
		if (result > 0)
			i = spool_epoch_find(epoch, first);
		next = i == epoch->n_entries ? first : epoch->entries[i].sequence + 1;
	}
	return filled;
}

/* A message supersedes just its own ticks: others before them may have lost theirs. */
static void drop_superseded(struct spool *spool, const struct spool_epoch *epoch)
{
	for (size_t i = 0; i < epoch->n_entries; i++) {
		const struct spool_entry *entry = &epoch->entries[i];

		if (entry->ticks <= spool->sealed)
			continue;
		spool_drop_ticks(spool, entry->first_tick, entry->ticks);
		/* The ticks may be lost; their numbers are used all the same. */
		if (entry->ticks > spool->last_tick)
			spool->last_tick = entry->ticks;
	}
}

int spool_replay_end(struct spool *spool, bool *ret_is_uncertain)
{
	for (size_t i = 0; i < spool->n_epochs; i++) {
		struct spool_epoch *epoch = spool->epochs[i];
		bool is_current = i + 1 == spool->n_epochs;
		int result = fill_holes(spool, epoch);

		drop_superseded(spool, epoch);
		if (result < 0)
			return result;
		if (is_current)
			*ret_is_uncertain |= result > 0 || epoch->is_in_memory;
		epoch->is_in_memory = false;
	}
	/* Those that wait, and those of batches that were not durable. */
	while (spool_ticks_bytes(spool) > 2 * spool_ticks_max(spool))
		drop_oldest_tick(spool);
	return 0;
}
