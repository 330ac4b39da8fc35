/* SPDX-License-Identifier: MIT */
/* What an epoch has once some of its messages have become GAPs. */

#include <errno.h>
#include <stdlib.h>

#include "agent/spool_epoch.h"

static bool is_acked(const struct spool_epoch *epoch, const struct spool_entry *entry)
{
	return entry->sequence <= epoch->acked;
}

/* An entry as the GAP of itself. */
static struct spool_entry make_gap(const struct spool_entry *entry, enum hm_reason reason)
{
	struct spool_entry gap = *entry;

	if (entry->type == HM_FRAME_GAP)
		return gap;
	gap.type = HM_FRAME_GAP;
	gap.reason = (uint16_t)reason;
	gap.body = NULL;
	gap.body_bytes = SPOOL_GAP_BODY_BYTES;
	gap.has_crc = false;
	gap.is_durable = false;
	gap.position = 0;
	return gap;
}

static bool can_join(const struct spool_epoch *epoch, const struct spool_entry *before,
		     const struct spool_entry *gap)
{
	return before->type == HM_FRAME_GAP && gap->type == HM_FRAME_GAP &&
	       before->sequence + 1 == gap->first &&
	       is_acked(epoch, before) == is_acked(epoch, gap) &&
	       gap->sequence - before->first < HM_GAP_SEQUENCES_MAX;
}

void spool_entry_join(struct spool_entry *gap, const struct spool_entry *behind)
{
	if (behind->first_us < gap->first_us)
		gap->first_us = behind->first_us;
	if (behind->last_us > gap->last_us)
		gap->last_us = behind->last_us;
	if (gap->n_samples == 0)
		gap->reason = behind->reason;
	gap->sequence = behind->sequence;
	if (__builtin_add_overflow(gap->n_samples, behind->n_samples, &gap->n_samples) ||
	    behind->n_samples == SPOOL_UNKNOWN_SAMPLES)
		gap->n_samples = SPOOL_UNKNOWN_SAMPLES;
	if (gap->ticks == 0 || (behind->ticks > 0 && behind->first_tick < gap->first_tick))
		gap->first_tick = behind->first_tick;
	if (behind->ticks > gap->ticks)
		gap->ticks = behind->ticks;
	if (behind->moved_sequence > gap->moved_sequence) {
		gap->moved_epoch = behind->moved_epoch;
		gap->moved_sequence = behind->moved_sequence;
	}
	gap->is_offered |= behind->is_offered;
	gap->age_us = behind->age_us;
	gap->position = 0;
	gap->is_durable = false;
	gap->has_crc = false;
}

static void count_gone(struct spool_plan *plan, const struct spool_epoch *epoch,
		       const struct spool_entry *entry)
{
	if (is_acked(epoch, entry) || entry->type != HM_FRAME_BATCH)
		return;
	plan->n_batches++;
	plan->n_samples += entry->n_samples;
}

int spool_plan_make(const struct spool_epoch *epoch,
		    enum spool_fate (*decide)(const void *context, const struct spool_epoch *epoch,
					      const struct spool_entry *entry),
		    const void *context, enum hm_reason reason, struct spool_plan *ret_plan)
{
	struct spool_plan plan = {.entries = NULL};
	bool was_touched = false; /* by a GAP that is not as it was */

	plan.entries = calloc(epoch->n_entries + 1, sizeof(*plan.entries));
	if (!plan.entries)
		return -ENOMEM;
	for (size_t i = 0; i < epoch->n_entries; i++) {
		const struct spool_entry *entry = &epoch->entries[i];
		enum spool_fate fate = decide(context, epoch, entry);
		struct spool_entry next = *entry;
		struct spool_entry *before =
			plan.n_entries ? &plan.entries[plan.n_entries - 1] : NULL;

		if (fate == SPOOL_IS_GONE) {
			count_gone(&plan, epoch, entry);
			next = make_gap(entry,
					is_acked(epoch, entry) ? HM_REASON_SPOOL_ACKED : reason);
		}
		if (fate != SPOOL_STAYS) {
			next.position = 0;
			plan.is_changed = true;
		}
		/* What stays beside it as a GAP is joined, and so need not stay. */
		if (before && (fate == SPOOL_IS_GONE || was_touched) &&
		    can_join(epoch, before, &next)) {
			spool_entry_join(before, &next);
			was_touched = true;
			continue;
		}
		was_touched = fate == SPOOL_IS_GONE;
		plan.entries[plan.n_entries++] = next;
	}
	*ret_plan = plan;
	return 0;
}

/* Is the body still that of an entry of the plan? */
static bool is_shared(const struct spool_plan *plan, const struct spool_entry *entry, size_t *at)
{
	while (*at < plan->n_entries && plan->entries[*at].sequence < entry->sequence)
		(*at)++;
	return *at < plan->n_entries && plan->entries[*at].body == entry->body;
}

void spool_plan_apply(struct spool_plan *plan, struct spool_epoch *epoch)
{
	size_t at = 0;

	for (size_t i = 0; i < epoch->n_entries; i++) {
		if (epoch->entries[i].body && !is_shared(plan, &epoch->entries[i], &at))
			free(epoch->entries[i].body);
	}
	free(epoch->entries);
	epoch->entries = plan->entries;
	epoch->capacity = epoch->n_entries + 1;
	epoch->n_entries = plan->n_entries;
	epoch->n_undurable = 0;
	for (size_t i = 0; i < epoch->n_entries; i++)
		epoch->n_undurable += !epoch->entries[i].is_durable;
	*plan = (struct spool_plan){.entries = NULL};
}

void spool_plan_done(struct spool_plan *plan)
{
	free(plan->entries);
	*plan = (struct spool_plan){.entries = NULL};
}
