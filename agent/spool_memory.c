/* SPDX-License-Identifier: MIT */
/* What the spool does where nothing can be written. */

#include <errno.h>
#include <stdlib.h>

#include "agent/spool_part.h"

/*
 * What is not durable stays in the epoch that ends, and waits there for the disk: it may be on that, or come back
 * from ticks that are, and would be sent twice from here.
 */
int spool_enter_memory(struct spool *spool)
{
	int result;

	if (spool->is_in_memory)
		return 0;
	spool->is_in_memory = true;
	result = spool_begin_epoch(spool, spool_current(spool));
	/* Without memory, or random numbers: the next call tries again. */
	if (result < 0)
		spool->is_in_memory = false;
	return result == -ENOMEM ? result : 0;
}

size_t spool_memory_bytes(const struct spool *spool)
{
	size_t n_bytes = 0;

	for (size_t i = 0; i < spool->n_epochs; i++) {
		const struct spool_epoch *epoch = spool->epochs[i];

		for (size_t k = epoch->n_entries; k > 0 && epoch->n_undurable > 0; k--) {
			if (epoch->entries[k - 1].is_durable)
				break;
			n_bytes += sizeof(*epoch->entries) + epoch->entries[k - 1].body_bytes;
		}
	}
	return n_bytes;
}

/* What goes first: what is acknowledged, then so much of the rest. */
struct memory_bound {
	uint64_t up_to;  /* sequence */
	int64_t born_us; /* what was made before is too old */
};

static enum spool_fate decide(const void *context, const struct spool_epoch *epoch,
			      const struct spool_entry *entry)
{
	const struct memory_bound *bound = context;
	bool is_acked = entry->sequence <= epoch->acked;

	if (entry->is_durable || entry->is_seal || entry->type == HM_FRAME_DECLARE)
		return SPOOL_STAYS;
	if (spool_is_event(entry->type) && !is_acked)
		return SPOOL_STAYS;
	return is_acked || entry->sequence <= bound->up_to || entry->age_us < bound->born_us
		       ? SPOOL_IS_GONE
		       : SPOOL_STAYS;
}

/* Up to which sequence batches are to go. */
static uint64_t find_bound(const struct spool *spool, const struct spool_epoch *epoch)
{
	size_t n_bytes = spool_memory_bytes(spool);
	uint64_t up_to = 0;

	for (size_t i = 0; i < epoch->n_entries; i++) {
		const struct spool_entry *entry = &epoch->entries[i];

		if (n_bytes <= spool->options.max_memory_bytes)
			break;
		if (entry->type != HM_FRAME_BATCH)
			continue;
		n_bytes -= sizeof(*entry) + entry->body_bytes;
		up_to = entry->sequence;
	}
	return up_to;
}

int spool_limit_memory(struct spool *spool)
{
	struct spool_epoch *epoch = spool_current(spool);
	struct memory_bound bound = {.up_to = find_bound(spool, epoch)};
	struct spool_plan plan;
	enum hm_reason reason = bound.up_to ? HM_REASON_SPOOL_FULL : HM_REASON_SPOOL_AGE;
	int result;

	bound.born_us = spool_age_us(spool) - spool->options.max_age_us;
	result = spool_plan_make(epoch, decide, &bound, reason, &plan);
	if (result < 0)
		return result;
	if (plan.is_changed) {
		spool->n_gone_batches += plan.n_batches;
		spool->n_gone_samples += plan.n_samples;
		spool_plan_apply(&plan, epoch);
	}
	spool_plan_done(&plan);
	return 0;
}

static enum spool_fate decide_removed(const void *context, const struct spool_epoch *epoch,
				      const struct spool_entry *entry)
{
	(void)context;
	(void)epoch;
	return entry->body || entry->type == HM_FRAME_GAP ? SPOOL_STAYS : SPOOL_IS_GONE;
}

/* Nothing of an epoch is on a disk, or will come back from there. */
static int leave_disk(struct spool *spool, struct spool_epoch *epoch)
{
	struct spool_plan plan;
	int result = spool_plan_make(epoch, decide_removed, NULL, HM_REASON_SPOOL_DAMAGED, &plan);

	if (result < 0)
		return result;
	spool->n_gone_batches += plan.n_batches;
	spool->n_gone_samples += plan.n_samples;
	spool_plan_apply(&plan, epoch);
	for (size_t i = 0; i < epoch->n_entries; i++)
		epoch->entries[i].is_durable = false;
	epoch->n_undurable = epoch->n_entries;
	epoch->is_in_memory = true;
	return 0;
}

int spool_leave_folder(struct spool *spool)
{
	int result = 0;

	spool_segment_close(&spool->segment);
	spool->segment.folder = -1;
	spool->options.folder = -1;
	spool->n_places = 0;
	for (size_t i = 0; i < spool->n_ticks; i++)
		spool->ticks[i].is_written = false;
	for (size_t i = 0; i < spool->n_epochs && result == 0; i++)
		result = leave_disk(spool, spool->epochs[i]);
	if (result == 0)
		result = spool_enter_memory(spool);
	return result == 0 && !spool->is_in_memory ? -ENOMEM : result;
}

int spool_retry(struct spool *spool)
{
	int result;

	if (!spool->is_in_memory)
		return 0;
	result = spool_roll(spool);
	if (result < 0)
		result = spool_go_on(spool, result);
	else
		result = spool_write_all(spool);
	if (result < 0) {
		spool_forget_written(spool);
		spool_note_error(spool, result, "begin a segment");
		return result;
	}
	for (size_t i = 0; i < spool->n_epochs; i++)
		spool->epochs[i]->is_in_memory = false;
	spool->is_in_memory = false;
	result = spool_begin_epoch(spool, spool_current(spool));
	if (result == 0)
		result = spool_write_all(spool);
	result = spool_recover_write(spool, result, "begin an epoch");
	return result == 0 ? spool_make_room(spool) : result;
}
