/* SPDX-License-Identifier: MIT */
/* Where samples are missing, and for which reasons. */

#include "collector/why.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "collector/why_part.h"
#include "common/array.h"

void why_done(struct why *why)
{
	free(why->segments);
	free(why->deleted.at);
	why->segments = NULL;
	why->deleted = (struct why_spans){0};
}

/* -- how often it is sampled ----------------------------------------------------------------------- */

static int add_segment(struct why *why, int64_t since_us, int64_t interval_us)
{
	struct why_segment *grown;

	if (why->n_segments > 0 && why->segments[why->n_segments - 1].interval_us == interval_us)
		return 0;
	grown = array_grow(why->segments, why->n_segments, &why->segments_capacity, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	why->segments = grown;
	grown[why->n_segments++] = (struct why_segment){since_us, interval_us};
	return 0;
}

static int find_segments(struct why *why)
{
	const struct why_causes *causes = why->causes;
	int result = 0;

	why->n_segments = 0;
	for (size_t i = 0; i < causes->n_schedules && result == 0; i++) {
		const struct why_schedule *schedule = &causes->schedules[i];

		result = add_segment(why, schedule->since_us,
				     why_schedule_interval(causes, schedule, why->series.metric));
	}
	return result;
}

bool why_has_interval(const struct why *why)
{
	return why->n_segments > 1 || (why->n_segments == 1 && why->segments[0].interval_us > 0);
}

const struct why_segment *why_segment_at(struct why *why, int64_t time_us)
{
	while (why->at + 1 < why->n_segments && why->segments[why->at + 1].since_us <= time_us)
		why->at++;
	return why->n_segments > 0 && why->segments[why->at].since_us <= time_us
		       ? &why->segments[why->at]
		       : NULL;
}

static int64_t segment_end(const struct why *why, const struct why_segment *segment)
{
	return segment + 1 < why->segments + why->n_segments ? segment[1].since_us : WHY_STILL;
}

int why_begin(struct why *why, const struct why_series *series)
{
	why->series = *series;
	why->at = 0;
	why->has_deleted = false;
	why->deleted.n = 0;
	why->first_us = WHY_NO_TIME;
	why->last_us = WHY_NO_TIME;
	why->before_us = WHY_NO_TIME;
	why->behind_us = WHY_NO_TIME;
	why->mark = HM_REASON_NONE;
	why->has_lost = false;
	why->lost_mark = HM_REASON_SOURCE_GONE;
	why->is_early = false;
	why->has_ended = false;
	why->has_pending = false;
	if (why->segments_of == series->metric)
		return 0;
	why->segments_of = series->metric;
	return find_segments(why);
}

/* -- what is told ---------------------------------------------------------------------------------- */

static int flush(struct why *why)
{
	const struct why_hole *hole = &why->pending;

	if (!why->has_pending)
		return 0;
	why->has_pending = false;
	if (hole->to_us <= why->ask.since_us || hole->from_us >= why->ask.until_us)
		return 0;
	return why->ask.hole(why->ask.context, hole);
}

/* A hole that begins so close behind the last sample begins with it. */
static int64_t join_last(struct why *why, int64_t from_us)
{
	const struct why_segment *segment =
		why->last_us == WHY_NO_TIME ? NULL : why_segment_at(why, why->last_us);

	return segment && from_us > why->last_us &&
			       why_distance(why->last_us, from_us) <= why_patience(segment)
		       ? why->last_us
		       : from_us;
}

/* One that ends so close before the next sample ends with it. */
static void join_next(struct why *why, int64_t time_us)
{
	const struct why_segment *segment = why_segment_at(why, time_us);

	if (why->has_pending && segment && why->pending.to_us < time_us &&
	    why_distance(why->pending.to_us, time_us) <= why_patience(segment))
		why->pending.to_us = time_us;
}

int why_tell(struct why *why, int64_t from_us, int64_t to_us, enum hm_reason reason)
{
	int result = 0;

	if (from_us >= to_us)
		return 0;
	if (!why->has_pending)
		from_us = join_last(why, from_us);
	if (why->has_pending && why->pending.to_us == from_us && why->pending.reason == reason) {
		why->pending.to_us = to_us;
		return 0;
	}
	result = flush(why);
	why->pending = (struct why_hole){from_us, to_us, reason};
	why->has_pending = true;
	return result;
}

/* -- where samples are missing --------------------------------------------------------------------- */

/* Between two times at which there is something; or up to now, where there is no next one. */
static int look_between(struct why *why, int64_t from_us, int64_t to_us)
{
	const struct why_segment *last = why->segments + why->n_segments;
	const struct why_segment *segment = why_segment_at(why, from_us);
	int result = 0;

	if (!segment)
		segment = why->segments;
	for (; segment < last && segment->since_us < to_us && result == 0; segment++) {
		struct why_part hole = {from_us, to_us, segment};
		int64_t until_us = to_us == WHY_STILL ? why->ask.now_us : to_us;

		if (hole.from_us < segment->since_us)
			hole.from_us = segment->since_us;
		if (segment_end(why, segment) < to_us) {
			hole.to_us = segment_end(why, segment);
			until_us = hole.to_us;
		}
		if (hole.from_us >= until_us)
			continue;
		if (segment->interval_us == 0)
			result = why_tell(why, hole.from_us, hole.to_us, HM_REASON_NOT_SAMPLED);
		else if (why_distance(hole.from_us, until_us) > why_patience(segment))
			result = why_explain(why, &hole);
	}
	return result;
}

/* Marks of these are there for each sample that is missing; others last until the next one. */
static bool is_single(uint8_t mark)
{
	return mark == HM_REASON_SOURCE_FAILED || mark == HM_REASON_SOURCE_STUCK ||
	       mark == HM_REASON_AGENT_STOPPED;
}

/* What was last may be a mark: it says why up to the next time, or as far as it reaches. */
static int look_behind(struct why *why, int64_t to_us)
{
	const struct why_segment *segment = why_segment_at(why, why->last_us);
	int64_t reaches_us;
	int result;

	if (why->mark == HM_REASON_NONE)
		return look_between(why, why->last_us, to_us);
	if (!is_single(why->mark))
		return why_tell(why, why->last_us, to_us, why->mark);
	reaches_us = to_us;
	if (segment && segment->interval_us > 0 &&
	    why_distance(why->last_us, to_us == WHY_STILL ? why->ask.now_us : to_us) >
		    why_patience(segment))
		reaches_us = why_add_times(why->last_us, segment->interval_us);
	result = why_tell(why, why->last_us, reaches_us, why->mark);
	if (result == 0 && reaches_us < to_us)
		result = look_between(why, reaches_us, to_us);
	/* It still goes on, as far as is known. */
	if (to_us == WHY_STILL && why->has_pending && why->pending.to_us == reaches_us)
		why->pending.to_us = WHY_STILL;
	return result;
}

/* Up to a mark, which says why the sample before it is the last. */
static int look_up_to_mark(struct why *why, int64_t to_us, uint8_t mark)
{
	const struct why_segment *segment = why_segment_at(why, why->last_us);
	int64_t from_us = why->last_us;
	int result = 0;

	if (why->mark != HM_REASON_NONE && !is_single(why->mark))
		return look_behind(why, to_us);
	/* It may be said again, since the first one was lost. */
	if (!is_single(mark))
		why->lost_mark = mark;
	if (segment && segment->interval_us > 0 &&
	    why_distance(from_us, to_us) > why_patience(segment)) {
		from_us = why_add_times(to_us, -segment->interval_us);
		result = look_behind(why, from_us);
	}
	return result == 0 ? why_tell(why, from_us, to_us, mark) : result;
}

/* What lies before the first time that is known. */
static int look_before(struct why *why, int64_t to_us)
{
	static const struct why_segment any = {INT64_MIN, 0};
	struct why_part hole = {INT64_MIN, to_us, &any};
	int result;

	why->is_early = true;
	result = why_explain(why, &hole);
	why->is_early = false;
	return result;
}

/* The agent may have lost the first ones of all: then there were some. */
static int look_before_first(struct why *why, int64_t first_us)
{
	const struct why_spans *gaps = &why->causes->gaps;
	size_t i = why_spans_find(gaps, first_us);
	int64_t from_us = first_us;
	int result;

	if (i < gaps->n && gaps->at[i].from_us < first_us)
		i++;
	while (i-- > 0) {
		const struct why_segment *segment = why_segment_at(why, gaps->at[i].from_us);

		why->at = 0;
		if (!segment || segment->interval_us == 0 ||
		    why_distance(gaps->at[i].to_us, from_us) > why_patience(segment))
			break;
		from_us = gaps->at[i].from_us;
	}
	result = look_before(why, from_us);
	if (result == 0 && from_us < first_us)
		result = look_between(why, from_us, first_us);
	return result;
}

static void note_sample(struct why *why, int64_t time_us)
{
	if (time_us <= why->ask.since_us)
		why->before_us = time_us;
	else if (why->behind_us == WHY_NO_TIME && time_us >= why->ask.until_us)
		why->behind_us = time_us;
}

/* A mark says why there is none since one interval ago: what is known of before ends there. */
static int add_first(struct why *why, int64_t time_us, uint8_t mark)
{
	const struct why_segment *segment = why_segment_at(why, time_us);
	int64_t from_us = mark != HM_REASON_NONE && segment
				  ? why_add_times(time_us, -segment->interval_us)
				  : time_us;
	int result;

	why->at = 0;
	result = look_before_first(why, from_us);
	why->first_us = time_us;
	return result == 0 && from_us < time_us ? why_tell(why, from_us, time_us, mark) : result;
}

/* There is nothing more up to now. */
static int end(struct why *why)
{
	int result;

	if (why->has_ended || !why_has_interval(why))
		return 0;
	why->has_ended = true;
	if (why->first_us == WHY_NO_TIME)
		result = look_before(why, why->ask.now_us);
	else
		result = look_behind(why, WHY_STILL);
	return result == 0 ? flush(why) : result;
}

static int add(struct why *why, int64_t time_us, uint8_t mark)
{
	int result = 0;

	/* A clock that was so far ahead, and is not any more. */
	if (why_distance(why->ask.now_us, time_us) > WHY_SHIPPED_US)
		return end(why);

	if (!why_has_interval(why))
		why->first_us = time_us;
	else if (why->first_us == WHY_NO_TIME)
		result = add_first(why, time_us, mark);
	else if (mark == HM_REASON_NONE)
		result = look_behind(why, time_us);
	else
		result = look_up_to_mark(why, time_us, mark);
	why->last_us = time_us;
	why->mark = mark;
	why->has_lost = false;
	why->lost_mark = HM_REASON_SOURCE_GONE;
	return result;
}

int why_add_sample(struct why *why, int64_t time_us)
{
	int result = add(why, time_us, HM_REASON_NONE);

	note_sample(why, time_us);
	join_next(why, time_us);
	/* What follows is another hole. */
	return result == 0 ? flush(why) : result;
}

int why_add_mark(struct why *why, int64_t time_us, uint8_t reason)
{
	/* One that says nothing: what else is known of that time may. */
	return reason == HM_REASON_NONE ? 0 : add(why, time_us, reason);
}

int why_end(struct why *why)
{
	return end(why);
}

enum why_verdict why_judge(struct why *why)
{
	const struct why_segment *segment;

	if (!why_has_interval(why))
		return WHY_NO_INTERVAL;
	if (why->before_us == WHY_NO_TIME)
		return WHY_NO_DATA_YET;
	why->at = 0;
	segment = why_segment_at(why, why->before_us);
	if (!segment)
		return why->before_us == why->ask.since_us ? WHY_SAMPLE : WHY_NOT_TOLD_YET;
	return why_distance(why->before_us, why->ask.since_us) <= why_patience(segment)
		       ? WHY_SAMPLE
		       : WHY_NOT_DUE;
}
