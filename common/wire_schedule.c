/* SPDX-License-Identifier: MIT */
/* SCHEDULE: what an agent samples, and how often. */

#include "common/wire_schedule.h"

#include <string.h>

void wire_schedule_put_begin(struct buffer *out, const struct wire_stamp *stamp, int64_t since_us)
{
	wire_stamp_put(out, stamp);
	cursor_put_u64(out, (uint64_t)since_us);
}

void wire_schedule_put_ship(struct buffer *out, uint64_t interval_us)
{
	wire_schedule_put_entry(out, &(struct wire_schedule_entry){interval_us, {"", 0}});
}

void wire_schedule_put_entry(struct buffer *out, const struct wire_schedule_entry *entry)
{
	cursor_put_u64(out, entry->interval_us);
	cursor_put_text(out, &entry->metric);
}

static struct wire_schedule_entry read_entry(struct cursor *cursor)
{
	struct wire_schedule_entry entry = {.interval_us = cursor_get_u64(cursor)};

	entry.metric = cursor_get_any_text(cursor);
	return entry;
}

bool wire_schedule_next(struct wire_schedule *schedule, struct wire_schedule_entry *ret_entry)
{
	struct cursor cursor = {.at = schedule->entries, .left = schedule->n_bytes};
	struct wire_schedule_entry entry;

	if (cursor.left == 0)
		return false;
	entry = read_entry(&cursor);
	if (cursor_failed(&cursor))
		return false;
	schedule->entries = cursor.at;
	schedule->n_bytes = cursor.left;
	*ret_entry = entry;
	return true;
}

/* Is it a metric, and nothing more? */
static bool is_metric(const struct series_text *text)
{
	struct series parsed;
	size_t n_used;

	return series_parse(&parsed, text->start, text->length, &n_used) == HM_REASON_NONE &&
	       parsed.metric.length == text->length;
}

static bool is_above(const struct series_text *text, const struct series_text *before)
{
	size_t n = text->length < before->length ? text->length : before->length;
	int order = n > 0 ? memcmp(text->start, before->start, n) : 0;

	return order > 0 || (order == 0 && text->length > before->length);
}

static bool is_interval(uint64_t interval_us)
{
	return interval_us > 0 && interval_us <= HM_INTERVAL_MAX_US;
}

/* How often it is sent stands in front, as an entry without a metric, where it does. */
static void read_ship(struct cursor *cursor, struct wire_schedule *schedule)
{
	struct cursor behind = *cursor;
	struct wire_schedule_entry entry = read_entry(&behind);

	if (cursor_failed(&behind) || entry.metric.length > 0 || !is_interval(entry.interval_us))
		return;
	schedule->ship_interval_us = entry.interval_us;
	*cursor = behind;
}

static enum hm_reason check_entries(struct cursor entries)
{
	struct series_text before = {"", 0};

	while (!cursor_is_done(&entries)) {
		struct wire_schedule_entry entry = read_entry(&entries);

		if (cursor_failed(&entries) || !is_interval(entry.interval_us))
			return HM_REASON_BAD_MESSAGE;
		if (!is_metric(&entry.metric))
			return HM_REASON_BAD_NAME;
		if (!is_above(&entry.metric, &before))
			return HM_REASON_BAD_MESSAGE;
		before = entry.metric;
	}
	return HM_REASON_NONE;
}

enum hm_reason wire_schedule_get(const uint8_t *payload, size_t length,
				 struct wire_schedule *ret_schedule)
{
	struct cursor cursor = {.at = payload, .left = length};
	struct wire_schedule schedule = {.since_us = 0};
	enum hm_reason reason = wire_stamp_get(&cursor, &schedule.stamp);

	if (reason != HM_REASON_NONE)
		return reason;
	schedule.since_us = (int64_t)cursor_get_u64(&cursor);
	if (cursor_failed(&cursor))
		return HM_REASON_BAD_MESSAGE;
	if (schedule.since_us == INT64_MIN)
		return HM_REASON_BAD_TIME;
	read_ship(&cursor, &schedule);
	schedule.entries = cursor.at;
	schedule.n_bytes = cursor.left;
	reason = check_entries(cursor);
	if (reason == HM_REASON_NONE)
		*ret_schedule = schedule;
	return reason;
}
