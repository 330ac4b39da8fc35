/* SPDX-License-Identifier: MIT */
/* New epochs of the spool, and what they take over from those before. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/spool_part.h"
#include "common/array.h"
#include "common/cursor.h"

/* So much of a segment is moved at once. */
#define MOVE_PART 4

void spool_drop_epoch(struct spool *spool, size_t i)
{
	spool_epoch_free(spool->epochs[i]);
	spool->n_epochs--;
	memmove(spool->epochs + i, spool->epochs + i + 1,
		(spool->n_epochs - i) * sizeof(struct spool_epoch *));
	spool->is_told = false;
	spool->drops = SPOOL_DROPS_SAID;
}

bool spool_count_series(const void *body, size_t body_bytes, uint32_t *ret_first,
			uint32_t *ret_behind)
{
	struct cursor cursor = {.at = body, .left = body_bytes};
	uint32_t n = 0;

	*ret_first = cursor_get_u32(&cursor);
	while (!cursor_failed(&cursor) && cursor.left > 0 && n < HM_EPOCH_SERIES_MAX) {
		(void)cursor_get_u8(&cursor);
		(void)cursor_get_any_text(&cursor);
		(void)cursor_get_any_text(&cursor);
		n++;
	}
	*ret_behind = *ret_first + n;
	return cursor_is_done(&cursor) && *ret_first < HM_EPOCH_SERIES_MAX;
}

/* An entry as the next one of another epoch, without a place yet. */
static struct spool_entry renumber(const struct spool_entry *entry, const struct spool_epoch *from,
				   const struct spool_epoch *to)
{
	struct spool_entry copy = *entry;

	copy.sequence = copy.first = to->last + 1;
	copy.position = 0;
	copy.body = NULL;
	copy.is_durable = copy.is_offered = copy.has_crc = copy.is_seal = false;
	copy.moved_epoch = 0;
	copy.moved_sequence = 0;
	if (from) {
		copy.moved_epoch = from->number;
		copy.moved_sequence = entry->sequence;
	}
	return copy;
}

static int copy_entry(struct spool *spool, const struct spool_entry *entry,
		      const struct spool_epoch *from, struct spool_epoch *to)
{
	struct spool_entry copy = renumber(entry, from, to);
	struct buffer body = {.data = NULL};
	int result = 0;

	if (entry->type != HM_FRAME_GAP) {
		result = spool_read_body(spool, entry, &body);
		if (result == 0)
			result = spool_entry_set_body(&copy, body.data, body.length);
		buffer_done(&body);
	}
	if (result == 0 && !spool_epoch_push(to, &copy)) {
		free(copy.body);
		result = -ENOMEM;
	}
	if (result == 0)
		to->last++;
	return result;
}

/*
 * Copy DECLAREs as long as none is missing between them: those behind would not be accepted. Whoever
 * declares goes on from there. @return 0; -ENOMEM, or another -errno: one cannot be read now
 */
static int copy_declares(struct spool *spool, const struct spool_epoch *from,
			 struct spool_epoch *to)
{
	uint32_t n_series = 0;

	for (size_t i = 0; i < from->n_entries; i++) {
		const struct spool_entry *entry = &from->entries[i];
		const struct spool_entry *copy;
		uint32_t first;
		uint32_t behind;
		int result;

		if (entry->type != HM_FRAME_DECLARE)
			continue;
		result = copy_entry(spool, entry, NULL, to);
		if (result == -EBADMSG)
			return 0;
		if (result < 0)
			return result;
		copy = &to->entries[to->n_entries - 1];
		if (!spool_count_series(copy->body, copy->body_bytes, &first, &behind) ||
		    first > n_series) {
			spool_epoch_remove(to, to->n_entries - 1, 1);
			to->last--;
			return 0;
		}
		n_series = behind > n_series ? behind : n_series;
	}
	return 0;
}

/* How many series its DECLAREs have without a hole, as far as they can be read. */
static uint32_t n_declared(struct spool *spool, const struct spool_epoch *epoch)
{
	uint32_t n_series = 0;

	for (size_t i = 0; i < epoch->n_entries; i++) {
		const struct spool_entry *entry = &epoch->entries[i];
		struct buffer body = {.data = NULL};
		uint32_t first;
		uint32_t behind;

		if (entry->type != HM_FRAME_DECLARE)
			continue;
		if (spool_read_body(spool, entry, &body) == 0 &&
		    spool_count_series(body.data, body.length, &first, &behind) &&
		    first <= n_series && behind > n_series)
			n_series = behind;
		buffer_done(&body);
	}
	return n_series;
}

const struct spool_epoch *spool_find_declaring(struct spool *spool)
{
	const struct spool_epoch *found = NULL;
	uint32_t most = 0;

	for (size_t i = spool->n_epochs; i > 0; i--) {
		uint32_t n_series = n_declared(spool, spool->epochs[i - 1]);

		if (n_series > most) {
			found = spool->epochs[i - 1];
			most = n_series;
		}
	}
	return found;
}

/* Put an epoch into the list. */
static int insert_epoch(struct spool *spool, struct spool_epoch *epoch, size_t at)
{
	struct spool_epoch **epochs =
		array_grow(spool->epochs, spool->n_epochs, &spool->epochs_capacity,
			   sizeof(struct spool_epoch *));

	if (!epochs)
		return -ENOMEM;
	spool->epochs = epochs;
	memmove(epochs + at + 1, epochs + at,
		(spool->n_epochs - at) * sizeof(struct spool_epoch *));
	epochs[at] = epoch;
	spool->n_epochs++;
	spool->must_tell = true;
	spool->is_told = false;
	return 0;
}

/* @param like  whose host it has. @param from  whose DECLAREs; NULL = none */
static int make_epoch(struct spool *spool, const struct spool_epoch *like,
		      const struct spool_epoch *from, size_t at)
{
	const struct disk *disk = spool->options.disk;
	struct spool_epoch *epoch = spool_epoch_new(spool->last_epoch + 1);
	int result = epoch ? 0 : -ENOMEM;

	if (result == 0)
		result = disk->random(disk->context, epoch->id, HM_ID_BYTES);
	if (result == 0) {
		const char *name = like ? like->host_name : spool->host_name;

		epoch->host_name_bytes =
			like ? like->host_name_bytes : spool->options.host_name.length;
		memcpy(epoch->host_name, name, epoch->host_name_bytes);
		memcpy(epoch->host_id, like ? like->host_id : spool->options.host_id, HM_ID_BYTES);
		epoch->is_in_memory = spool->is_in_memory;
	}
	if (result == 0 && from)
		result = copy_declares(spool, from, epoch);
	if (result == 0)
		result = insert_epoch(spool, epoch, at);
	if (result < 0)
		spool_epoch_free(epoch);
	else
		spool->last_epoch++;
	return result;
}

/* Is there anything to be sent but DECLAREs? */
static bool has_rest(const struct spool_epoch *epoch)
{
	for (size_t i = spool_epoch_find(epoch, epoch->acked + 1); i < epoch->n_entries; i++) {
		if (epoch->entries[i].type != HM_FRAME_DECLARE)
			return true;
	}
	return false;
}

bool spool_is_over(const struct spool *spool, size_t i)
{
	/* What seals ticks that are on the disk may still come to the one before an epoch in memory. */
	return i + 1 + spool->is_in_memory < spool->n_epochs && !has_rest(spool->epochs[i]);
}

void spool_forget_epochs(struct spool *spool)
{
	for (size_t i = spool->n_epochs; i > 0; i--) {
		const struct spool_epoch *epoch = spool->epochs[i - 1];
		bool is_needed = !spool_is_over(spool, i - 1) || epoch->told_base != epoch->base;

		for (size_t k = 0; !is_needed && k < epoch->n_entries; k++)
			is_needed = epoch->entries[k].ticks > spool->told_sealed;
		if (!is_needed)
			spool_drop_epoch(spool, i - 1);
	}
}

void spool_free_bodies(struct spool *spool)
{
	/* What waits for the disk, or may yet come to, needs its DECLAREs, should the folder be gone. */
	for (size_t i = 0; i + 1 + spool->is_in_memory < spool->n_epochs; i++) {
		struct spool_epoch *epoch = spool->epochs[i];

		for (size_t k = 0; k < epoch->n_entries && epoch->n_undurable == 0; k++) {
			if (epoch->entries[k].is_durable) {
				free(epoch->entries[k].body);
				epoch->entries[k].body = NULL;
			}
		}
	}
}

int spool_begin_epoch(struct spool *spool, const struct spool_epoch *from)
{
	int result = make_epoch(spool, NULL, from, spool->n_epochs);

	if (result == 0)
		spool_free_bodies(spool);
	return result;
}

/* Is all acknowledged, and do all know it? Then nothing of the epochs is needed any more. */
static bool are_all_over(const struct spool *spool)
{
	bool are_over = !spool->is_in_memory && spool->n_ticks == 0;

	for (size_t i = 0; i < spool->n_epochs && are_over; i++) {
		const struct spool_epoch *epoch = spool->epochs[i];

		are_over = !has_rest(epoch) && epoch->n_undurable == 0 &&
			   epoch->told_base == epoch->base;
		for (size_t k = 0; k < epoch->n_entries && are_over; k++)
			are_over = epoch->entries[k].ticks <= spool->told_sealed;
	}
	return are_over;
}

/* One STATE says both, that there is the new one and that there are no others: ticks have the ids of one of them. */
int spool_begin_anew(struct spool *spool)
{
	int result;

	if (!are_all_over(spool))
		return -EAGAIN;
	result = spool_begin_epoch(spool, NULL);
	if (result < 0)
		return result;
	while (spool->n_epochs > 1)
		spool_drop_epoch(spool, 0);
	return spool_recover_write(spool, spool_tell_drops(spool), "begin an epoch");
}

/* Let a GAP at the end of an epoch stand for a batch, or GAP, of another one. */
static int push_gap(const struct spool_entry *entry, const struct spool_epoch *from,
		    struct spool_epoch *to)
{
	struct spool_entry gap = renumber(entry, from, to);
	struct spool_entry *before = to->n_entries ? &to->entries[to->n_entries - 1] : NULL;

	gap.type = HM_FRAME_GAP;
	gap.reason = entry->type == HM_FRAME_GAP ? entry->reason : HM_REASON_SPOOL_UNSURE;
	gap.body_bytes = SPOOL_GAP_BODY_BYTES;
	if (before && before->type == HM_FRAME_GAP && !before->is_durable &&
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

	while (to->n_entries > 0 && !to->entries[to->n_entries - 1].is_durable &&
	       to->entries[to->n_entries - 1].moved_epoch != 0) {
		spool_epoch_remove(to, to->n_entries - 1, 1);
		to->last--;
	}
	last = to->n_entries > 0 ? &to->entries[to->n_entries - 1] : NULL;
	return last && last->moved_epoch == from->number && last->moved_sequence > from->base
		       ? last->moved_sequence
		       : from->base;
}

/* Copy some messages. @param ret_up_to  sequence. @return 0 or -errno */
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
			result = copy_entry(spool, entry, from, to);
		if (result == -EBADMSG)
			result = push_gap(entry, from, to);
		n_bytes += entry->body_bytes;
	}
	return result;
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

/* Move all that is not acknowledged, some at a time, so that it has room. */
static int move_epoch(struct spool *spool, struct spool_epoch *from, struct spool_epoch *to,
		      uint64_t durable)
{
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
 * to anything else.
 */
static void leave_epoch(struct spool *spool, uint32_t number)
{
	size_t at = find_place(spool, number);
	const struct spool_epoch *epoch;

	if (at == spool->n_epochs)
		return;
	epoch = spool->epochs[at];
	if (at + 1 == spool->n_epochs && make_epoch(spool, epoch, epoch, at + 1) < 0)
		return;
	if (epoch->n_undurable == epoch->n_entries)
		spool_drop_epoch(spool, at);
}

/*
 * Its copy has all of it. An epoch that no disk has is forgotten at once; another one as soon as the disk says that it was
 * moved: until then there is one more than there may be, and the oldest, which may be another, would have to go.
 */
static void end_epoch(struct spool *spool, uint32_t number)
{
	size_t at = find_place(spool, number);

	if (at == spool->n_epochs)
		return;
	spool->epochs[at]->acked = spool->epochs[at]->last;
	spool->is_told = false;
	if (spool->options.folder < 0)
		spool_drop_epoch(spool, at);
	else if (spool->n_epochs > SPOOL_EPOCHS_MAX)
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
			 : make_epoch(spool, from, find_declares(spool, at - 1), at);
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

int spool_limit_epochs(struct spool *spool)
{
	while (spool->n_epochs > SPOOL_EPOCHS_MAX && !spool->is_in_memory) {
		struct spool_epoch *from = spool->epochs[0];
		int result = 0;

		for (size_t i = spool_epoch_find(from, from->acked + 1);
		     result == 0 && i < from->n_entries; i++) {
			const struct spool_entry *entry = &from->entries[i];

			if (entry->type == HM_FRAME_BATCH || entry->type == HM_FRAME_GAP)
				result = push_gap(entry, from, spool_current(spool));
		}
		if (result == 0)
			result = spool_write_all(spool);
		if (result < 0)
			return result;
		spool_drop_epoch(spool, 0);
	}
	return 0;
}
