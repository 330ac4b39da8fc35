/* SPDX-License-Identifier: MIT */
/* What follows from what agents tell of their clocks. */

#include "collector/why_clocks.h"

#include <string.h>

/* A host that is shut down stops its agent first. If it is there again so soon, that was why; else the agent was
 * stopped for a while, and the host started again meanwhile. */
#define SHUTDOWN_MAX_US INT64_C(600000000)

/* A clock that is set so soon after an agent began may have been wrong until then. */
#define SET_MAX_US INT64_C(600000000)

/* Of a clock that was set back more often no more is made than this: each time costs a look at all spans. */
#define BACK_MAX 64

/* An agent that is held up again so soon tells of it with its next shipment only. */
#define HELD_UP_AGAIN_US INT64_C(60000000)

bool why_clock_is_same_boot(const struct why_clock *a, const struct why_clock *b)
{
	return memcmp(a->boot_id, b->boot_id, HM_ID_BYTES) == 0;
}

/* @param before  the last time that the agent began or was stopped; NULL: none is known */
static int settle_start(struct why_causes *causes, const struct why_clock *before,
			const struct why_clock *start)
{
	int result = why_spans_add(&causes->starts, INT64_MIN, start->now_us, HM_REASON_NONE);
	bool is_reboot;
	int64_t boot_us;

	if (result < 0 || !before)
		return result;
	is_reboot = !why_clock_is_same_boot(before, start);
	if (before->event == HM_CLOCK_STARTED) {
		return why_spans_add(&causes->ended, INT64_MIN, start->now_us,
				     is_reboot ? HM_REASON_HOST_REBOOTED : HM_REASON_AGENT_KILLED);
	}
	boot_us = why_add_times(start->now_us, -start->since_boot_us);
	if (why_distance(before->now_us, boot_us) > SHUTDOWN_MAX_US)
		is_reboot = false;
	return why_spans_add(&causes->known, before->now_us, start->now_us,
			     is_reboot ? HM_REASON_HOST_REBOOTED : HM_REASON_AGENT_STOPPED);
}

/*
 * An agent that was held up, and was then killed, may have been held up again before it could tell.
 * @param at  of the next start
 */
static int add_untold(struct why_causes *causes, size_t at)
{
	const struct why_clock *start = &causes->clocks[at];
	const struct why_clock *last = at > 0 ? &causes->clocks[at - 1] : NULL;
	int64_t until_us;

	if (!last || last->event != HM_CLOCK_HELD_UP)
		return 0;
	until_us = why_add_times(last->now_us, HELD_UP_AGAIN_US + causes->shipped_us);
	return why_spans_add(&causes->untold, last->now_us,
			     until_us < start->now_us ? until_us : start->now_us,
			     HM_REASON_AGENT_HELD_UP);
}

/* Is it told by the run of the agent that began there, and soon? */
static bool is_soon(const struct why_clock *start, const struct why_clock *clock)
{
	return clock->event != HM_CLOCK_STARTED && why_clock_is_same_boot(start, clock) &&
	       clock->since_boot_us >= start->since_boot_us &&
	       clock->since_boot_us - start->since_boot_us <= SET_MAX_US;
}

/*
 * Where an agent began before what was told last, or its clock was then set back, the clock was wrong: have the times
 * that really were. What was sampled until it was right is of other times.
 * @param at  of the beginning. @param before  as settle_start()
 */
static void correct_start(struct why_causes *causes, size_t at, const struct why_clock *before)
{
	struct why_clock *clocks = causes->clocks;
	const struct why_clock start = clocks[at];
	struct why_clock right = start;
	size_t end = at;

	for (size_t i = at + 1; i < causes->n_clocks && is_soon(&start, &clocks[i]); i++) {
		if (clocks[i].event != HM_CLOCK_STEPPED)
			continue;
		right = clocks[i];
		end = i + 1;
	}
	right.now_us = why_add_times(right.now_us, start.since_boot_us - right.since_boot_us);
	if (right.now_us >= start.now_us && (!before || before->now_us <= start.now_us))
		return;
	for (size_t i = at; i < end; i++) {
		int64_t run_us = clocks[i].since_boot_us - start.since_boot_us;

		clocks[i].now_us = why_add_times(right.now_us, run_us);
		if (clocks[i].event == HM_CLOCK_STEPPED)
			clocks[i].change_us = run_us;
	}
}

static enum hm_reason reason_of(enum hm_clock_event event)
{
	switch (event) {
	case HM_CLOCK_STEPPED:
		return HM_REASON_CLOCK_STEPPED;
	case HM_CLOCK_RESUMED:
		return HM_REASON_HOST_SLEPT;
	case HM_CLOCK_HELD_UP:
		return HM_REASON_AGENT_HELD_UP;
	case HM_CLOCK_LOST:
		return HM_REASON_AGENT_LOST;
	case HM_CLOCK_STARTED:
	case HM_CLOCK_STOPPED:
		break;
	}
	return HM_REASON_NONE;
}

/* Through which times the clock has gone. */
struct lived {
	int64_t first_us;   /* the first start of an agent; INT64_MIN: none is known */
	int64_t reached_us; /* what it had come to before it was set back */
	size_t n_back;
};

/* What a clock passed over that was set forward, or while nothing was sampled: nothing of what it had come to before
 * it was set back. */
static int add_passed(struct why_causes *causes, const struct why_clock *clock,
		      const struct lived *lived)
{
	int64_t since_us = why_add_times(clock->now_us, -clock->change_us);

	if (clock->event == HM_CLOCK_STEPPED && since_us < lived->reached_us &&
	    lived->reached_us < clock->now_us)
		since_us = lived->reached_us;
	return why_spans_add(&causes->known, since_us, clock->now_us, reason_of(clock->event));
}

/* A clock that lay before all that was ever sampled is set forward: so far nobody has sampled anything. */
static int add_unlived(struct why_causes *causes, const struct why_clock *clock,
		       const struct lived *lived)
{
	int64_t since_us = why_add_times(clock->told_us, -clock->told_change_us);

	if (clock->event != HM_CLOCK_STEPPED || clock->told_change_us <= 0 ||
	    since_us >= lived->first_us)
		return 0;
	return why_spans_add(&causes->known, since_us,
			     clock->told_us < lived->first_us ? clock->told_us : lived->first_us,
			     HM_REASON_CLOCK_STEPPED);
}

/* What was sampled from here on was so before the clock was set back: what it has not come to yet lies before that. */
static int add_set_back(struct why_causes *causes, int64_t first_us)
{
	return why_spans_add(&causes->ended, INT64_MIN, first_us, HM_REASON_CLOCK_STEPPED);
}

/* Up to when the clock went on that was set back at this place. */
static int64_t goes_on_until(const struct why_causes *causes, size_t at)
{
	for (size_t i = at + 1; i < causes->n_clocks; i++) {
		const struct why_clock *next = &causes->clocks[i];

		if (next->event == HM_CLOCK_STEPPED)
			return why_add_times(next->now_us, -next->change_us);
	}
	return WHY_STILL;
}

/*
 * The clock was set back: the times that it goes through now are sampled, whatever was said of them before. Where it
 * had been ahead, it was set forward over them.
 * @param at  where it was
 */
static int set_back(struct why_causes *causes, size_t at, struct lived *lived)
{
	const struct why_clock *clock = &causes->clocks[at];
	const size_t n = causes->known.n;
	int64_t until_us = goes_on_until(causes, at);
	int64_t back_us = why_distance(clock->change_us, clock->now_us);
	int result = 0;

	if (back_us > lived->reached_us)
		lived->reached_us = back_us;
	if (clock->now_us < lived->first_us)
		result = add_set_back(causes, lived->first_us);
	if (lived->n_back++ >= BACK_MAX)
		return 0;
	for (size_t i = 0; i < n && result == 0; i++) {
		struct why_span *span = &causes->known.at[i];
		const struct why_span whole = *span;

		if (whole.to_us <= clock->now_us || whole.from_us >= until_us)
			continue;
		/* What is left of it may be less than nothing: it goes when all are settled. */
		span->to_us = clock->now_us;
		if (whole.to_us > until_us)
			result = why_spans_add(&causes->known, until_us, whole.to_us, whole.reason);
	}
	return result;
}

/* What one of them tells of the times before it. @param life  the last start or stop before it; NULL: none is known */
static int settle_clock(struct why_causes *causes, size_t at, const struct why_clock *life,
			struct lived *lived)
{
	const struct why_clock *clock = &causes->clocks[at];
	int result = 0;

	if (clock->event == HM_CLOCK_STARTED) {
		correct_start(causes, at, life);
		if (lived->first_us == INT64_MIN || clock->now_us < lived->first_us)
			lived->first_us = clock->now_us;
		result = settle_start(causes, life, clock);
		if (result == 0)
			result = add_untold(causes, at);
		return result == 0 && clock->now_us < clock->told_us
			       ? add_set_back(causes, clock->told_us)
			       : result;
	}
	if (clock->change_us > 0)
		result = add_passed(causes, clock, lived);
	else if (clock->change_us < 0)
		result = set_back(causes, at, lived);
	return result == 0 ? add_unlived(causes, clock, lived) : result;
}

int why_clocks_settle(struct why_causes *causes)
{
	struct lived lived = {.first_us = INT64_MIN, .reached_us = INT64_MIN};
	const struct why_clock *life = NULL;
	int result = 0;

	for (size_t i = 0; i < causes->n_clocks && result == 0; i++) {
		const struct why_clock *clock = &causes->clocks[i];

		result = settle_clock(causes, i, life, &lived);
		if (clock->event == HM_CLOCK_STARTED || clock->event == HM_CLOCK_STOPPED)
			life = clock;
	}
	if (result == 0 && life && life->event == HM_CLOCK_STOPPED)
		result = why_spans_add(&causes->known, life->now_us, WHY_STILL,
				       HM_REASON_AGENT_STOPPED);
	return result;
}
