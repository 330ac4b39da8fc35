/* SPDX-License-Identifier: MIT */
/*
 * Fuzz target: why there is a hole. Three times first: since and until when, and now. Then what is told of the host
 * (0, u8 type, u8 length, bytes) and times of a series (1, u8 reason, i64 time; sorted here), up to the end. Holes have to come in
 * their order, not to overlap, and to be asked for.
 */

#include "collector/why.h"

#include <stdlib.h>
#include <string.h>

#include "common/cursor.h"

#define TICKS_MAX 4096

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes);

struct tick {
	int64_t time_us;
	uint8_t reason;
};

static struct tick ticks[TICKS_MAX];
static int64_t told_us; /* up to then */

static void check(bool is_true)
{
	if (!is_true)
		abort();
}

static int take_hole(void *context, const struct why_hole *hole)
{
	const struct why *why = context;

	check(hole->from_us < hole->to_us && hole->from_us >= told_us);
	check(hole->to_us > why->ask.since_us && hole->from_us < why->ask.until_us);
	told_us = hole->to_us;
	return 0;
}

static int compare_ticks(const void *a_pointer, const void *b_pointer)
{
	const struct tick *a = a_pointer;
	const struct tick *b = b_pointer;

	return a->time_us < b->time_us ? -1 : a->time_us > b->time_us;
}

/* @return how many times of the series there are */
static size_t read_all(struct cursor *cursor, struct why_causes *causes)
{
	size_t n = 0;

	while (!cursor_is_done(cursor) && !cursor_failed(cursor) && n < TICKS_MAX) {
		if (cursor_get_u8(cursor) == 0) {
			struct chronicle_entry entry = {.type = cursor_get_u8(cursor)};

			entry.n_bytes = cursor_get_u8(cursor);
			entry.bytes = cursor_get_bytes(cursor, entry.n_bytes);
			if (entry.bytes)
				(void)why_causes_add(causes, &entry);
		} else {
			ticks[n].reason = cursor_get_u8(cursor);
			ticks[n++].time_us = (int64_t)cursor_get_u64(cursor);
		}
	}
	qsort(ticks, n, sizeof(*ticks), compare_ticks);
	return n;
}

static void tell(struct why *why, size_t n)
{
	const struct why_series series = {.metric = "m", .labels = ""};

	told_us = INT64_MIN;
	if (why_begin(why, &series) < 0)
		return;
	for (size_t i = 0; i < n; i++) {
		/* No time at all, or one that was there. */
		if (ticks[i].time_us == INT64_MIN ||
		    (i > 0 && ticks[i].time_us == ticks[i - 1].time_us))
			continue;
		if (ticks[i].reason == HM_REASON_NONE)
			(void)why_add_sample(why, ticks[i].time_us);
		else
			(void)why_add_mark(why, ticks[i].time_us, ticks[i].reason);
	}
	(void)why_end(why);
	(void)why_judge(why);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes)
{
	struct cursor cursor = {.at = data, .left = n_bytes};
	struct why_causes causes;
	struct why why = {
		.causes = &causes,
		.ask = {.context = &why, .hole = take_hole},
	};
	size_t n;

	why.ask.since_us = (int64_t)cursor_get_u64(&cursor);
	why.ask.until_us = (int64_t)cursor_get_u64(&cursor);
	why.ask.now_us = (int64_t)cursor_get_u64(&cursor);
	why_causes_init(&causes, INT64_MIN);
	n = read_all(&cursor, &causes);
	if (why_causes_settle(&causes) == 0)
		tell(&why, n);
	why_done(&why);
	why_causes_done(&causes);
	return 0;
}
