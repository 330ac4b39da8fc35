/* SPDX-License-Identifier: MIT */
/* The bounds of the spool: what goes when there is too much of it. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/spool_part.h"
#include "common/array.h"

/* Of the limit of age: so long a segment is written to, at most; longer where there are fewer. */
#define AGE_PARTS_MAX 16

/* One for what is carried on, one should that need two, and one that an opening left that was cut short. */
#define SPARE_PLACES 3

size_t spool_places_max(const struct spool *spool)
{
	return (size_t)(spool->options.max_bytes / spool->options.segment_bytes);
}

size_t spool_places_usual(const struct spool *spool)
{
	return spool_places_max(spool) - SPARE_PLACES;
}

int spool_add_place(struct spool *spool, const struct spool_place *place)
{
	struct spool_place *places = array_grow(spool->places, spool->n_places,
						&spool->places_capacity, sizeof(*places));

	if (!places)
		return -ENOMEM;
	spool->places = places;
	places[spool->n_places++] = *place;
	return 0;
}

int spool_remove_place(struct spool *spool, size_t i)
{
	const struct disk *disk = spool->options.disk;
	char name[LOG_FILE_NAME_BYTES];
	int result;

	log_file_name(spool->places[i].number, name);
	result = disk->unlink(disk->context, spool->options.folder, name);
	if (result < 0 && result != -ENOENT)
		return result;
	spool->n_places--;
	memmove(spool->places + i, spool->places + i + 1,
		(spool->n_places - i) * sizeof(*spool->places));
	/* One after the other, so that what is left is always the newest. */
	return disk->fsync(disk->context, spool->options.folder);
}

static size_t carried_bytes(size_t body_bytes)
{
	return log_file_record_bytes(SPOOL_META_BYTES + body_bytes) +
	       log_file_record_bytes(SPOOL_META_BYTES + SPOOL_GAP_BODY_BYTES);
}

bool spool_may_carry(const struct spool *spool, size_t body_bytes, bool is_minor)
{
	const uint64_t max_bytes = spool->options.max_bytes / SPOOL_CARRIED_PART;
	uint64_t n_bytes = carried_bytes(body_bytes);

	for (size_t i = 0; i < spool->n_epochs; i++) {
		const struct spool_epoch *epoch = spool->epochs[i];

		for (size_t k = 0; k < epoch->n_entries; k++) {
			const struct spool_entry *entry = &epoch->entries[k];

			if (entry->type == HM_FRAME_DECLARE ||
			    (spool_is_event(entry->type) && entry->sequence > epoch->acked))
				n_bytes += carried_bytes(entry->body_bytes);
		}
	}
	return n_bytes <= (is_minor ? max_bytes / 2 : max_bytes);
}

static enum spool_fate decide(const void *context, const struct spool_epoch *epoch,
			      const struct spool_entry *entry)
{
	const uint32_t *number = context;

	if (entry->position == 0 || log_position_segment(entry->position) != *number)
		return SPOOL_STAYS;
	if (entry->type == HM_FRAME_BATCH || entry->type == HM_FRAME_GAP ||
	    (spool_is_event(entry->type) && entry->sequence <= epoch->acked))
		return SPOOL_IS_GONE;
	return SPOOL_IS_WRITTEN;
}

static int write_plan(struct spool *spool, const struct spool_epoch *epoch, struct spool_plan *plan)
{
	for (size_t i = 0; plan->is_changed && i < plan->n_entries; i++) {
		struct spool_entry *entry = &plan->entries[i];
		int result;

		if (entry->position != 0)
			continue;
		result = spool_write_entry(spool, epoch, entry, true);
		if (result == -EBADMSG) {
			/* It is lost; what was to be is not. */
			spool->n_damaged++;
			entry->type = HM_FRAME_GAP;
			entry->reason = HM_REASON_SPOOL_DAMAGED;
			entry->body_bytes = SPOOL_GAP_BODY_BYTES;
			entry->has_crc = false;
			result = spool_write_entry(spool, epoch, entry, true);
		}
		if (result < 0)
			return result;
	}
	return 0;
}

static void apply_plan(struct spool *spool, struct spool_epoch *epoch, struct spool_plan *plan)
{
	if (!plan->is_changed)
		return;
	for (size_t i = 0; i < plan->n_entries; i++)
		plan->entries[i].is_durable |= plan->entries[i].position != 0;
	spool->is_told = false;
	spool->n_gone_batches += plan->n_batches;
	spool->n_gone_samples += plan->n_samples;
	spool_plan_apply(plan, epoch);
	for (size_t i = 0; i < epoch->n_entries; i++) {
		if (epoch->entries[i].is_durable)
			spool_settle_entry(spool, epoch, &epoch->entries[i]);
	}
}

/* Have what the oldest segment is needed for elsewhere, and durable. */
static int empty_oldest(struct spool *spool, struct spool_plan *plans, enum hm_reason reason)
{
	uint32_t number = spool->places[0].number;
	int result = 0;

	for (size_t i = 0; result == 0 && i < spool->n_epochs; i++) {
		result = spool_plan_make(spool->epochs[i], decide, &number, reason, &plans[i]);
		if (result == 0)
			result = write_plan(spool, spool->epochs[i], &plans[i]);
	}
	if (result == 0 && spool->is_dirty)
		result = spool_commit(spool);
	for (size_t i = 0; i < spool->n_epochs; i++) {
		if (result == 0)
			apply_plan(spool, spool->epochs[i], &plans[i]);
		spool_plan_done(&plans[i]);
	}
	return result;
}

int spool_drop_oldest(struct spool *spool, enum hm_reason reason)
{
	struct spool_plan *plans;
	int result = 0;

	/* So that nothing becomes durable, and loses its body, while it is planned. */
	if (!spool->is_in_memory && spool->is_dirty)
		result = spool_commit(spool);
	if (result < 0)
		return result;
	plans = calloc(spool->n_epochs, sizeof(*plans));
	if (!plans)
		return -ENOMEM;
	result = empty_oldest(spool, plans, reason);
	free(plans);
	if (result == 0)
		result = spool_tell_drops(spool);
	if (result < 0)
		return result;
	result = spool_remove_place(spool, 0);
	if (result < 0)
		spool_note_error(spool, result, "remove a segment");
	return result < 0 ? 1 : 0;
}

static bool is_needed(const struct spool *spool, uint32_t number)
{
	for (size_t i = 0; i < spool->n_epochs; i++) {
		const struct spool_epoch *epoch = spool->epochs[i];

		for (size_t k = 0; k < epoch->n_entries; k++) {
			if (log_position_segment(epoch->entries[k].position) == number)
				return true;
		}
	}
	return false;
}

void spool_remove_empty(struct spool *spool)
{
	/* Those that wait to be written may be in place of what is durable. */
	for (size_t k = 0; k < spool->n_epochs; k++) {
		if (spool->epochs[k]->n_undurable > 0)
			return;
	}
	/*
	 * What waits, or was not durable, is not in one before that. Only the oldest: a segment also says how far the
	 * one before it counts.
	 */
	while (spool->n_places > spool_places_usual(spool) &&
	       spool->places[0].number < log_position_segment(spool->durable) &&
	       !is_needed(spool, spool->places[0].number)) {
		if (spool_remove_place(spool, 0) < 0)
			return;
	}
}

static bool is_old(const struct spool *spool, size_t i, int64_t max_us)
{
	return spool_age_us(spool) - spool->places[i].begun_us >= max_us;
}

/* The segment being written is not to be so old that what is in it goes late. */
static int roll_old(struct spool *spool)
{
	size_t n_parts = spool_places_usual(spool);

	if (n_parts > AGE_PARTS_MAX)
		n_parts = AGE_PARTS_MAX;
	if (spool->segment.fd < 0 || spool->segment.end == spool->front_end ||
	    !is_old(spool, spool->n_places - 1, spool->options.max_age_us / (int64_t)n_parts))
		return 0;
	return spool_roll(spool);
}

int spool_drop_places(struct spool *spool)
{
	size_t n_tries = 2 * spool->n_places;
	int result = spool->is_in_memory ? 0 : roll_old(spool);

	while (result == 0 && !spool->is_in_memory && spool->n_places > 1 && n_tries-- > 0) {
		bool is_full = spool->n_places > spool_places_usual(spool);

		if (!is_full && !is_old(spool, 0, spool->options.max_age_us))
			break;
		result = spool_drop_oldest(spool,
					   is_full ? HM_REASON_SPOOL_FULL : HM_REASON_SPOOL_AGE);
	}
	return result > 0 ? 0 : spool_recover_write(spool, result, "drop the oldest segment");
}

int spool_make_room(struct spool *spool)
{
	int result;

	spool_forget_epochs(spool);
	result = spool_limit_epochs(spool);
	result = spool_recover_write(spool, result, "end the oldest epoch");
	return result == 0 ? spool_drop_places(spool) : result;
}
