/* SPDX-License-Identifier: MIT */
/* New epochs of the spool, and what they take over from those before. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/spool_part.h"
#include "common/array.h"
#include "common/cursor.h"

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

struct spool_entry spool_renumber_entry(const struct spool_entry *entry,
					const struct spool_epoch *from,
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

int spool_copy_entry(struct spool *spool, const struct spool_entry *entry,
		     const struct spool_epoch *from, struct spool_epoch *to)
{
	struct spool_entry copy = spool_renumber_entry(entry, from, to);
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
		result = spool_copy_entry(spool, entry, NULL, to);
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

int spool_make_epoch(struct spool *spool, const struct spool_epoch *like,
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

bool spool_has_rest(const struct spool_epoch *epoch)
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
	bool is_waited_for = spool->is_in_memory && spool->options.folder >= 0;

	return i + 1 + is_waited_for < spool->n_epochs && !spool_has_rest(spool->epochs[i]);
}

void spool_forget_epochs(struct spool *spool)
{
	for (size_t i = spool->n_epochs; i > 0; i--) {
		const struct spool_epoch *epoch = spool->epochs[i - 1];
		bool has_folder = spool->options.folder >= 0;
		bool is_needed = !spool_is_over(spool, i - 1) ||
				 (has_folder && epoch->told_base != epoch->base);

		for (size_t k = 0; has_folder && !is_needed && k < epoch->n_entries; k++)
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
			free(epoch->entries[k].body);
			epoch->entries[k].body = NULL;
		}
	}
}

int spool_begin_epoch(struct spool *spool, const struct spool_epoch *from)
{
	int result = spool_make_epoch(spool, NULL, from, spool->n_epochs);

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

		are_over = !spool_has_rest(epoch) && epoch->n_undurable == 0 &&
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
