/* SPDX-License-Identifier: MIT */
/* What may be the reason of a hole in the series of one host. */

#include "collector/why_causes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "collector/why_clocks.h"
#include "collector/why_schedules.h"
#include "common/array.h"
#include "common/log_entry.h"
#include "common/wire_clock.h"
#include "common/wire_gap.h"
#include "common/wire_schedule.h"

/* What an agent tells comes in its order, but for some that waited in another epoch. */
#define DISORDER_MAX 64

void why_causes_init(struct why_causes *causes, int64_t horizon_us)
{
	*causes = (struct why_causes){
		.horizon_us = horizon_us, .contact_us = INT64_MIN, .shipped_us = WHY_SHIPPED_US};
}

void why_causes_clear(struct why_causes *causes)
{
	causes->known.n = 0;
	causes->gaps.n = 0;
	causes->lost.n = 0;
	causes->ended.n = 0;
	causes->untold.n = 0;
	causes->starts.n = 0;
	causes->n_schedules = 0;
	causes->n_deletes = 0;
	causes->n_clocks = 0;
	causes->contact_us = INT64_MIN;
	buffer_clear(&causes->bytes);
}

void why_causes_done(struct why_causes *causes)
{
	free(causes->known.at);
	free(causes->gaps.at);
	free(causes->lost.at);
	free(causes->ended.at);
	free(causes->untold.at);
	free(causes->starts.at);
	free(causes->schedules);
	free(causes->deletes);
	free(causes->clocks);
	buffer_done(&causes->bytes);
	*causes = (struct why_causes){0};
}

void why_causes_note_contact(struct why_causes *causes, int64_t time_us)
{
	if (time_us > causes->contact_us)
		causes->contact_us = time_us;
}

int why_causes_keep(struct why_causes *causes, const void *bytes, size_t n, size_t *ret_at)
{
	*ret_at = causes->bytes.length;
	buffer_append(&causes->bytes, bytes, n);
	return buffer_failed(&causes->bytes) ? -ENOMEM : 0;
}

/* -- spans ----------------------------------------------------------------------------------------- */

int why_spans_add(struct why_spans *spans, int64_t from_us, int64_t to_us, enum hm_reason reason)
{
	struct why_span *grown;

	if (from_us > to_us)
		return 0;
	grown = array_grow(spans->at, spans->n, &spans->capacity, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	spans->at = grown;
	grown[spans->n++] = (struct why_span){from_us, to_us, reason};
	return 0;
}

/* Those of which the beginning is not known are all at the front, by their ends. */
static int compare_spans(const void *a_pointer, const void *b_pointer)
{
	const struct why_span *a = a_pointer;
	const struct why_span *b = b_pointer;

	if (a->from_us != b->from_us)
		return a->from_us < b->from_us ? -1 : 1;
	return a->to_us < b->to_us ? -1 : a->to_us > b->to_us;
}

void why_spans_settle(struct why_spans *spans)
{
	size_t n = 0;

	if (spans->n > 1)
		qsort(spans->at, spans->n, sizeof(*spans->at), compare_spans);
	for (size_t i = 0; i < spans->n; i++) {
		struct why_span span = spans->at[i];

		/* What lies in one before was told. */
		if (n > 0 && span.from_us != INT64_MIN && span.from_us < spans->at[n - 1].to_us)
			span.from_us = spans->at[n - 1].to_us;
		if (span.from_us <= span.to_us)
			spans->at[n++] = span;
	}
	spans->n = n;
}

size_t why_spans_find(const struct why_spans *spans, int64_t time_us)
{
	size_t low = 0;
	size_t high = spans->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (spans->at[middle].to_us <= time_us)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* -- what is told ---------------------------------------------------------------------------------- */

/* Where its clock was ahead, it was there when that came. */
static void note_told(struct why_causes *causes, const struct chronicle_entry *entry,
		      int64_t time_us)
{
	why_causes_note_contact(causes,
				time_us < entry->received_us ? time_us : entry->received_us);
}

static int add_clock(struct why_causes *causes, const struct chronicle_entry *entry)
{
	struct why_clock *clocks;
	struct wire_clock told;
	size_t i = causes->n_clocks;

	if (wire_clock_get(entry->bytes, entry->n_bytes, &told) != HM_REASON_NONE)
		return 0;
	clocks = array_grow(causes->clocks, i, &causes->clocks_capacity, sizeof(*clocks));
	if (!clocks)
		return -ENOMEM;
	causes->clocks = clocks;
	causes->n_clocks++;
	clocks[i] = (struct why_clock){
		.event = told.event,
		.now_us = told.now_us,
		.since_boot_us = told.since_boot_us,
		.change_us = told.change_us,
		.told_us = told.now_us,
		.told_change_us = told.change_us,
	};
	memcpy(clocks[i].boot_id, told.boot_id, HM_ID_BYTES);
	for (size_t n = 0;
	     i > 0 && n < DISORDER_MAX && why_clock_is_same_boot(&clocks[i], &clocks[i - 1]) &&
	     clocks[i].since_boot_us < clocks[i - 1].since_boot_us;
	     i--, n++) {
		struct why_clock before = clocks[i - 1];

		clocks[i - 1] = clocks[i];
		clocks[i] = before;
	}
	if (told.event == HM_CLOCK_STEPPED && told.change_us < 0)
		why_schedules_set_back(causes, why_add_times(told.now_us, -told.change_us),
				       told.now_us);
	note_told(causes, entry, told.now_us);
	return 0;
}

static int add_gap(struct why_causes *causes, const struct chronicle_entry *entry)
{
	struct wire_gap gap;

	if (wire_gap_get(entry->bytes, entry->n_bytes, &gap) != HM_REASON_NONE)
		return 0;
	note_told(causes, entry, gap.last_us);
	return why_spans_add(&causes->gaps, gap.first_us, gap.last_us, gap.reason);
}

static int add_schedule(struct why_causes *causes, const struct chronicle_entry *entry)
{
	struct wire_schedule told;

	if (wire_schedule_get(entry->bytes, entry->n_bytes, &told) != HM_REASON_NONE)
		return 0;
	note_told(causes, entry, told.since_us);
	return why_schedules_add(causes, &told, entry->received_us);
}

static int add_delete(struct why_causes *causes, const struct chronicle_entry *entry)
{
	struct cursor cursor = {.at = entry->bytes, .left = entry->n_bytes};
	struct why_delete *deletes;
	struct log_delete told;
	size_t at = 0;
	int result;

	if (log_entry_get_delete(&cursor, &told) < 0)
		return 0;
	deletes = array_grow(causes->deletes, causes->n_deletes, &causes->deletes_capacity,
			     sizeof(*deletes));
	if (!deletes)
		return -ENOMEM;
	causes->deletes = deletes;
	result = why_causes_keep(causes, cursor.at, cursor.left, &at);
	if (result == 0) {
		deletes[causes->n_deletes++] = (struct why_delete){
			.from_us = told.since_us,
			.to_us = told.until_us < entry->received_us ? told.until_us
								    : entry->received_us,
			.bytes_at = at,
			.n_bytes = cursor.left,
		};
	}
	return result;
}

int why_causes_add(struct why_causes *causes, const struct chronicle_entry *entry)
{
	switch (entry->type) {
	case HM_RECORD_CLOCK:
		return add_clock(causes, entry);
	case HM_RECORD_GAP:
		return add_gap(causes, entry);
	case HM_RECORD_SCHEDULE:
		return add_schedule(causes, entry);
	case HM_RECORD_DELETE:
		return add_delete(causes, entry);
	default:
		return 0;
	}
}

int why_causes_add_event(struct why_causes *causes, const struct chronicle_event *event)
{
	return why_spans_add(&causes->lost, event->since_us, event->until_us,
			     (enum hm_reason)event->reason);
}

int why_causes_settle(struct why_causes *causes)
{
	int result;

	why_schedules_settle(causes);
	result = why_clocks_settle(causes);
	why_spans_settle(&causes->known);
	why_spans_settle(&causes->gaps);
	why_spans_settle(&causes->lost);
	why_spans_settle(&causes->ended);
	why_spans_settle(&causes->untold);
	why_spans_settle(&causes->starts);
	return result;
}

/* -- what is asked of it --------------------------------------------------------------------------- */

bool why_delete_has(const struct why_causes *causes, const struct why_delete *entry,
		    const char *metric, const char *labels)
{
	struct cursor cursor = {.left = entry->n_bytes};
	struct series_text named_metric;
	struct series_text named_labels;

	if (entry->n_bytes > 0)
		cursor.at = (const uint8_t *)causes->bytes.data + entry->bytes_at;
	while (log_entry_get_delete_series(&cursor, &named_metric, &named_labels) == 0) {
		if (why_is_text(&named_metric, metric) && why_is_text(&named_labels, labels))
			return true;
	}
	return false;
}
