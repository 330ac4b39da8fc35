/* SPDX-License-Identifier: MIT */
/* What the sampler's thread does when something is due: rounds are taken, and handed over. */

#include <errno.h>

#include "agent/sampler_part.h"
#include "common/message.h"
#include "common/timestamp.h"

/* Of marks that a plugin was stuck; beyond, and at once, it is told as held up only. */
#define STUCK_MAX_BYTES ((size_t)4 << 20)

/* Of no times. */
#define NO_SPAN ((struct queue_span){INT64_MAX, INT64_MIN})

static void add_to_span(struct queue_span *span, int64_t time_us)
{
	if (time_us < span->first_us)
		span->first_us = time_us;
	if (time_us > span->last_us)
		span->last_us = time_us;
}

/*
 * A plugin whose last round went on beyond the next grid points has missed these by itself; for the others the agent was
 * held up. Appended to the samples.
 */
static void mark_stuck(struct sampler *sampler, size_t i, struct queue_span *span)
{
	const struct schedule_hole *hole = &sampler->pace.turn.holes[i];
	int64_t time_us = hole->first_us;
	struct plugin_stats stats;

	if (hole->n == 0)
		return;
	plugin_get_stats(sampler->set->plugins[i], &stats);
	for (uint64_t k = 0; k < hole->n && sampler->samples.length < STUCK_MAX_BYTES; k++) {
		if (time_us - hole->first_us + stats.interval_us > stats.round_us)
			break;
		plugin_mark_missing(sampler->set->plugins[i], time_us, HM_REASON_SOURCE_STUCK,
				    &sampler->samples);
		add_to_span(span, time_us);
		time_us += stats.interval_us;
	}
}

static void push_stuck(struct sampler *sampler)
{
	struct queue_span span = NO_SPAN;

	buffer_clear(&sampler->samples);
	for (size_t i = 0; i < sampler->set->n_plugins; i++)
		mark_stuck(sampler, i, &span);
	/* Without memory they are told as held up only. */
	if (sampler->samples.length > 0 && !buffer_failed(&sampler->samples))
		(void)queue_push(sampler->queue, sampler->samples.data, sampler->samples.length, 0,
				 &span);
}

/* -- a round --------------------------------------------------------------------------------------- */

/* Take the rounds that are due. @return the number of samples in sampler->samples */
static size_t take_rounds(struct sampler *sampler, int64_t monotonic_us)
{
	size_t n_samples = 0;

	buffer_clear(&sampler->samples);
	for (size_t i = 0; i < sampler->set->n_plugins; i++) {
		struct plugin *plugin = sampler->set->plugins[i];
		int64_t *time_us = &sampler->pace.turn.times_us[i];

		if (*time_us == SCHEDULE_NOT_DUE)
			continue;
		/* At the end of the agent nobody waits for the plugins that are still to come. */
		if (sampler_wants_stop(sampler)) {
			plugin_mark_missing(plugin, *time_us, HM_REASON_AGENT_STOPPED,
					    &sampler->samples);
			*time_us = SCHEDULE_NOT_DUE;
			continue;
		}
		n_samples += plugin_take_round(plugin, *time_us, monotonic_us, &sampler->samples);
		plugin_tell(plugin, monotonic_us);
	}
	return n_samples;
}

/* The times of what is due. */
static struct queue_span turn_span(const struct sampler *sampler)
{
	struct queue_span span = NO_SPAN;

	for (size_t i = 0; i < sampler->set->n_plugins; i++)
		if (sampler->pace.turn.times_us[i] != SCHEDULE_NOT_DUE)
			add_to_span(&span, sampler->pace.turn.times_us[i]);
	return span;
}

void sampler_take_turn(struct sampler *sampler)
{
	sampler->span = turn_span(sampler);
	sampler->n_samples = take_rounds(sampler, timestamp_monotonic_us());
	sampler->has_round = true;
}

/* -- its way --------------------------------------------------------------------------------------- */

/* The round is in good hands: nothing of it may be counted once more. */
static void commit_rounds(const struct sampler *sampler)
{
	for (size_t i = 0; i < sampler->set->n_plugins; i++) {
		int64_t time_us = sampler->pace.turn.times_us[i];

		if (time_us != SCHEDULE_NOT_DUE)
			plugin_commit(sampler->set->plugins[i], time_us);
	}
}

/* Say that series are left out, or no more. */
static void tell_left_out(struct sampler *sampler)
{
	struct plugin_set_left_out left_out;

	if (!sampler->set->limit)
		return;
	plugin_set_count_left_out(sampler->set, &left_out);
	limit_log_tell(&sampler->log, &left_out, sampler->set->limit->max,
		       timestamp_monotonic_us());
}

void sampler_settle_round(struct sampler *sampler, int result)
{
	sampler->has_round = false;
	if (result == 0) {
		commit_rounds(sampler);
		tell_left_out(sampler);
	} else {
		queue_lose(sampler->queue, &sampler->span);
		sampler->pace.n_missed++;
		message_error("no memory for a round of samples: it is lost");
	}

	pthread_mutex_lock(&sampler->lock);
	sampler->stats.n_rounds += result == 0 && sampler->pace.turn.has_round;
	sampler->stats.n_missed_rounds = sampler->pace.n_missed;
	sampler->stats.n_samples += result == 0 ? sampler->n_samples : 0;
	pthread_mutex_unlock(&sampler->lock);
}

void sampler_queue_round(struct sampler *sampler)
{
	int result = 0;

	if (!sampler->has_round)
		return;
	if (buffer_failed(&sampler->samples))
		result = -ENOMEM;
	else if (sampler->samples.length > 0)
		result = queue_push(sampler->queue, sampler->samples.data, sampler->samples.length,
				    sampler->n_samples, &sampler->span);
	sampler_settle_round(sampler, result);
	sampler->owes_news = true;
}

int64_t sampler_take_due(struct sampler *sampler)
{
	int64_t now_us;

	sampler_queue_round(sampler);
	now_us = pace_take(&sampler->pace);
	if (sampler->pace.is_held_up)
		push_stuck(sampler);
	if (sampler->pace.turn.has_round)
		sampler_take_turn(sampler);
	if (sampler->pace.turn.ships) {
		/* What is shipped is all that was taken by then. */
		sampler_queue_round(sampler);
		queue_ship(sampler->queue);
		sampler->owes_news = true;
	}
	return now_us;
}

/* -- at the desk ----------------------------------------------------------------------------------- */

/*
 * Nobody waits for who is at the desk: another thread may take over meanwhile. So what is on its way is out of everybody's
 * reach, and no plugin is called. @return as sampler_hand_over()
 */
static bool write_round(struct sampler *sampler)
{
	const struct sampler_desk *desk = &sampler->desk;
	struct buffer samples = sampler->samples;
	bool wants_main, is_relieved;
	unsigned n_reliefs;

	sampler->samples = (struct buffer){.data = NULL};
	pthread_mutex_lock(&sampler->lock);
	sampler->is_at_desk = true;
	n_reliefs = sampler->n_reliefs;
	pthread_mutex_unlock(&sampler->lock);

	wants_main = desk->write(desk->context, samples.data, samples.length);

	pthread_mutex_lock(&sampler->lock);
	is_relieved = sampler->n_reliefs != n_reliefs;
	if (!is_relieved)
		sampler->is_at_desk = false;
	pthread_mutex_unlock(&sampler->lock);
	if (is_relieved) {
		buffer_done(&samples);
		if (wants_main)
			wakeup_send(sampler->news);
		return false;
	}
	sampler->samples = samples;
	sampler->owes_news |= wants_main;
	sampler_settle_round(sampler, 0);
	return true;
}

/* May this thread write the round itself? Then it has to. The first one, which declares all series, is left to others. */
static bool begin_at_desk(const struct sampler *sampler)
{
	const struct sampler_desk *desk = &sampler->desk;

	return sampler->has_round && sampler->has_begun && sampler->samples.length > 0 &&
	       !buffer_failed(&sampler->samples) && desk->begin && desk->begin(desk->context);
}

/* Have somebody look after us where the turn behind the next one cannot be taken. */
static void expect_next(struct sampler *sampler)
{
	const struct schedule *schedule = &sampler->pace.schedule;
	const int64_t next_us = schedule_next_us(schedule);
	const int64_t behind_us = schedule_behind_us(schedule, next_us);

	if (sampler->desk.expect && behind_us != INT64_MAX)
		sampler->desk.expect(sampler->desk.context, behind_us - timestamp_now_us(),
				     behind_us - next_us);
}

bool sampler_hand_over(struct sampler *sampler)
{
	const bool is_turn = sampler->has_round || sampler->owes_news;

	if (begin_at_desk(sampler) && !write_round(sampler))
		return false;
	sampler_queue_round(sampler);
	sampler->has_begun = true;
	if (is_turn)
		expect_next(sampler);
	if (sampler->owes_news)
		wakeup_send(sampler->news);
	sampler->owes_news = false;
	return true;
}
