/* SPDX-License-Identifier: MIT */
/* What becomes of the messages of an epoch that is left for another one. */

#include <errno.h>
#include <string.h>

#include "agent/spool_part.h"

/* So much of a segment is moved at once. */
#define MOVE_PART 4

/* Is an entry a copy that has just been made, and can be taken back? Those of before stand for what is gone already. */
static bool is_new_copy(const struct spool_entry *entry, const struct spool_epoch *from)
{
	return !entry->is_durable && entry->moved_epoch == from->number &&
	       entry->moved_sequence > from->base;
}

/* Let a GAP at the end of an epoch stand for a batch, or GAP, of another one. */
static int push_gap(const struct spool_entry *entry, const struct spool_epoch *from,
		    struct spool_epoch *to)
{
	struct spool_entry gap = spool_renumber_entry(entry, from, to);
	struct spool_entry *before = to->n_entries ? &to->entries[to->n_entries - 1] : NULL;

	gap.type = HM_FRAME_GAP;
	gap.reason = entry->type == HM_FRAME_GAP ? entry->reason : HM_REASON_SPOOL_UNSURE;
	gap.body_bytes = SPOOL_GAP_BODY_BYTES;
	if (before && before->type == HM_FRAME_GAP && is_new_copy(before, from) &&
	    before->position == 0 && before->reason == gap.reason) {
		spool_entry_join(before, &gap);
		before->sequence = before->first;
		return 0;
	}
	if (!spool_epoch_push(to, &gap))
		return -ENOMEM;
	to->last++;
	return 0;
}

/* Take the copies back that are not durable. @return up to which sequence the others are */
static uint64_t undo_move(const struct spool_epoch *from, struct spool_epoch *to)
{
	const struct spool_entry *last;

	while (to->n_entries > 0 && is_new_copy(&to->entries[to->n_entries - 1], from)) {
		spool_epoch_remove(to, to->n_entries - 1, 1);
		to->last--;
	}
	last = to->n_entries > 0 ? &to->entries[to->n_entries - 1] : NULL;
	return last && last->moved_epoch == from->number && last->moved_sequence > from->base
		       ? last->moved_sequence
		       : from->base;
}

/* Copy some messages. @param ret_up_to  sequence. @return 0; -EAGAIN: one cannot be read now; -ENOMEM */
static int copy_some(struct spool *spool, const struct spool_epoch *from, struct spool_epoch *to,
		     uint64_t durable, uint64_t *ret_up_to)
{
	uint64_t max_bytes = spool->options.segment_bytes / MOVE_PART;
	uint64_t n_bytes = 0;
	uint64_t after = from->acked > from->base ? from->acked : from->base;
	int result = 0;

	for (size_t i = spool_epoch_find(from, after + 1);
	     result == 0 && i < from->n_entries && n_bytes < max_bytes; i++) {
		const struct spool_entry *entry = &from->entries[i];
		bool is_unsure = entry->type == HM_FRAME_BATCH && entry->is_offered &&
				 entry->sequence <= durable;

		*ret_up_to = entry->sequence;
		if (entry->type == HM_FRAME_DECLARE)
			continue;
		if (is_unsure || entry->type == HM_FRAME_GAP)
			result = push_gap(entry, from, to);
		else
			result = spool_copy_entry(spool, entry, from, to);
		if (result == -EBADMSG)
			result = push_gap(entry, from, to);
		n_bytes += entry->body_bytes;
	}
	return result == 0 || result == -ENOMEM ? result : -EAGAIN;
}

/*
 * Write the copies. Where there is no memory for all of them, those that are written are to stay without effect, also once
 * the segment is synced: it is left.
 */
static int write_copies(struct spool *spool)
{
	int result = spool_write_all(spool);

	if (result == -ENOMEM) {
		spool_segment_close(&spool->segment);
		spool->is_dirty = true;
	}
	return result;
}

/*
 * The disk is full: the oldest segment makes room, as it does for all that is written. What is in the open one is durable by
 * then, and nothing that was taken back is in it.
 * @return 0: the move can go on; -errno
 */
static int give_oldest(struct spool *spool, int error)
{
	if ((error != -ENOSPC && error != -EDQUOT) || spool->segment.fd < 0)
		return error;
	spool_note_error(spool, error, "move an epoch");
	return spool_go_on(spool, error);
}

/* Move all that is not acknowledged, some at a time, so that it has room. */
static int move_epoch(struct spool *spool, struct spool_epoch *from, struct spool_epoch *to,
		      uint64_t durable)
{
	size_t n_tries = 2 * spool->n_places;
	uint64_t last = from->last;
	uint64_t up_to = 0;
	int result = 0;

	while (result == 0 && up_to < last) {
		up_to = last;
		result = copy_some(spool, from, to, durable, &up_to);
		if (result == 0 && !spool->is_in_memory)
			result = write_copies(spool);
		if (result < 0)
			up_to = undo_move(from, to);
		from->base = up_to;
		spool_epoch_remove(from, 0, spool_epoch_find(from, up_to + 1));
		if (result < 0 && n_tries-- > 0)
			result = give_oldest(spool, result);
		if (result == 0 && !to->is_in_memory) {
			result = spool_drop_places(spool);
			if (spool->is_in_memory)
				result = -EAGAIN;
		}
	}
	return result;
}

/*
 * Whose DECLAREs the copy of an epoch gets: its own; or, where a move was not finished, those of the copy behind it, which
 * has taken them over.
 */
static const struct spool_epoch *find_declares(const struct spool *spool, size_t at)
{
	bool was_begun = spool->epochs[at]->base > 0 && at + 1 < spool->n_epochs;

	return spool->epochs[was_begun ? at + 1 : at];
}

/* @return its place, or n_epochs: it is not there any more */
static size_t find_place(const struct spool *spool, uint32_t number)
{
	size_t at = 0;

	while (at < spool->n_epochs && spool->epochs[at]->number != number)
		at++;
	return at;
}

/*
 * Leave an epoch that copies were taken back from: they may be on the disk, under sequences that must not be given
 * to anything else. In memory they are nowhere.
 */
static void leave_epoch(struct spool *spool, uint32_t number)
{
	size_t at = find_place(spool, number);
	const struct spool_epoch *epoch;

	if (at == spool->n_epochs)
		return;
	epoch = spool->epochs[at];
	if (at + 1 == spool->n_epochs &&
	    (epoch->is_in_memory || spool_make_epoch(spool, epoch, epoch, at + 1) < 0))
		return;
	if (epoch->n_undurable == epoch->n_entries && !spool_has_rest(epoch))
		spool_drop_epoch(spool, at);
}

/*
 * Its copy has all of it. It is forgotten as soon as the disk says that it was moved: until then there is one more than there
 * may be, and the oldest, which may be another, would have to go.
 */
static void end_epoch(struct spool *spool, uint32_t number)
{
	size_t at = find_place(spool, number);

	if (at == spool->n_epochs)
		return;
	spool->epochs[at]->acked = spool->epochs[at]->last;
	spool->is_told = false;
	if (spool->n_epochs > SPOOL_EPOCHS_MAX && !spool->is_in_memory)
		(void)spool_recover_write(spool, spool_write_all(spool), "begin an epoch");
	spool_forget_epochs(spool);
}

int spool_new_epoch(struct spool *spool, const uint8_t epoch_id[static HM_ID_BYTES],
		    uint64_t durable)
{
	struct spool_epoch *from = NULL;
	uint32_t number;
	size_t at = 0;
	int result;

	while (at < spool->n_epochs && !from) {
		if (memcmp(spool->epochs[at++]->id, epoch_id, HM_ID_BYTES) == 0)
			from = spool->epochs[at - 1];
	}
	if (!from)
		return -ENOENT;
	number = from->number;
	/* Of an epoch in memory something may be on a disk that fails. */
	result = spool->is_in_memory && spool->options.folder >= 0
			 ? -EAGAIN
			 : spool_make_epoch(spool, from, find_declares(spool, at - 1), at);
	if (result == 0) {
		uint32_t copy = spool->last_epoch;

		result = move_epoch(spool, from, spool->epochs[at], durable);
		if (result < 0 && result != -EAGAIN) {
			leave_epoch(spool, copy);
			(void)spool_recover_write(spool, result, "begin an epoch");
		}
	}
	if (result < 0)
		return result == -ENOMEM ? result : -EAGAIN;
	end_epoch(spool, number);
	return 0;
}

/* What the agent did is told in another epoch; of its samples that they are gone. @return 0 or -ENOMEM */
static int end_oldest(struct spool *spool, const struct spool_epoch *from, struct spool_epoch *to)
{
	int result = 0;

	for (size_t i = spool_epoch_find(from, from->acked + 1); result == 0 && i < from->n_entries;
	     i++) {
		const struct spool_entry *entry = &from->entries[i];

		if (entry->type == HM_FRAME_DECLARE)
			continue;
		result = spool_is_event(entry->type) ? spool_copy_entry(spool, entry, from, to)
						     : push_gap(entry, from, to);
		/* It cannot be read. */
		if (result < 0 && result != -ENOMEM)
			result = push_gap(entry, from, to);
		if (entry->type == HM_FRAME_BATCH) {
			spool->n_gone_batches++;
			spool->n_gone_samples += entry->n_samples;
		}
	}
	return result;
}

int spool_limit_epochs(struct spool *spool)
{
	while (spool->n_epochs > SPOOL_EPOCHS_MAX && !spool->is_in_memory) {
		int result = end_oldest(spool, spool->epochs[0], spool_current(spool));

		if (result < 0)
			return result;
		/* Should it not be written now, it is later: not once more. */
		spool_drop_epoch(spool, 0);
		result = spool_write_all(spool);
		if (result < 0)
			return result;
	}
	return 0;
}
