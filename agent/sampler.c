/* SPDX-License-Identifier: MIT */
/* The thread that runs the plugins. */

#include "agent/sampler.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "agent/limit_log.h"
#include "agent/pace.h"
#include "common/loop.h"
#include "common/message.h"
#include "common/timestamp.h"

/* Of marks that a plugin was stuck; beyond, and at once, it is told as held up only. */
#define STUCK_MAX_BYTES ((size_t)4 << 20)

struct sampler {
	const struct plugin_set *set;
	struct queue *queue;
	struct wakeup *news;

	/* Of the thread: */
	struct loop *loop;
	struct wakeup *requests;
	struct pace pace;
	struct loop_source *timer;
	struct buffer samples; /* of the round being taken */
	struct limit_log log;

	pthread_t thread;
	bool is_started;
	pthread_mutex_t lock;
	bool wants_stop;
	bool is_done;
	const struct settings *settings; /* to be taken over, or NULL */
	struct sampler_stats stats;
};

static bool wants_stop(struct sampler *sampler)
{
	bool wants;

	pthread_mutex_lock(&sampler->lock);
	wants = sampler->wants_stop;
	pthread_mutex_unlock(&sampler->lock);
	return wants;
}

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
		if (wants_stop(sampler)) {
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

/* The round is in the queue: nothing of it may be counted once more. */
static void commit_rounds(const struct sampler *sampler)
{
	for (size_t i = 0; i < sampler->set->n_plugins; i++) {
		int64_t time_us = sampler->pace.turn.times_us[i];

		if (time_us != SCHEDULE_NOT_DUE)
			plugin_commit(sampler->set->plugins[i], time_us);
	}
}

/* Say that series are left out, or no more. */
static void tell_left_out(struct sampler *sampler, int64_t monotonic_us)
{
	struct plugin_set_left_out left_out;

	if (!sampler->set->limit)
		return;
	plugin_set_count_left_out(sampler->set, &left_out);
	limit_log_tell(&sampler->log, &left_out, sampler->set->limit->max, monotonic_us);
}

static void take_turn(struct sampler *sampler)
{
	const struct queue_span span = turn_span(sampler);
	const int64_t monotonic_us = timestamp_monotonic_us();
	size_t n_samples = take_rounds(sampler, monotonic_us);
	int result = 0;

	if (buffer_failed(&sampler->samples))
		result = -ENOMEM;
	else if (sampler->samples.length > 0)
		result = queue_push(sampler->queue, sampler->samples.data, sampler->samples.length,
				    n_samples, &span);
	if (result == 0) {
		commit_rounds(sampler);
		tell_left_out(sampler, monotonic_us);
	} else {
		queue_lose(sampler->queue, &span);
		sampler->pace.n_missed++;
		message_error("no memory for a round of samples: it is lost");
	}

	pthread_mutex_lock(&sampler->lock);
	sampler->stats.n_rounds += result == 0 && sampler->pace.turn.has_round;
	sampler->stats.n_missed_rounds = sampler->pace.n_missed;
	sampler->stats.n_samples += result == 0 ? n_samples : 0;
	pthread_mutex_unlock(&sampler->lock);
}

/* Hand over what was taken. */
static void ship(const struct sampler *sampler)
{
	if (sampler->pace.turn.ships)
		queue_ship(sampler->queue);
	if (sampler->pace.turn.ships || sampler->pace.turn.has_round)
		wakeup_send(sampler->news);
}

/* Take what is due. @return the time up to which it was */
static int64_t take_due(struct sampler *sampler)
{
	int64_t now_us = pace_take(&sampler->pace);

	if (sampler->pace.is_held_up)
		push_stuck(sampler);
	if (sampler->pace.turn.has_round)
		take_turn(sampler);
	ship(sampler);
	return now_us;
}

/* The timer fired, or was cancelled. */
static bool on_timer(void *context, uint32_t events)
{
	struct sampler *sampler = context;

	(void)events;
	(void)take_due(sampler);
	pace_arm(&sampler->pace);
	return false;
}

static int64_t round_interval_us(struct plugin *plugin)
{
	struct plugin_stats stats;

	plugin_get_stats(plugin, &stats);
	return stats.state == PLUGIN_DISABLED ? 0 : stats.interval_us;
}

static const struct settings *find_settings(struct sampler *sampler)
{
	const struct settings *settings;

	pthread_mutex_lock(&sampler->lock);
	settings = sampler->settings;
	pthread_mutex_unlock(&sampler->lock);
	return settings;
}

/* Take other settings over, if there are any. No grid point goes unused, and none is used twice. */
static void take_settings(struct sampler *sampler)
{
	const struct settings *settings = find_settings(sampler);
	struct schedule *schedule = &sampler->pace.schedule;
	int64_t now_us;

	if (!settings)
		return;
	now_us = take_due(sampler);
	plugin_set_configure(sampler->set, settings);
	for (size_t i = 0; i < sampler->set->n_plugins; i++)
		schedule_change(&schedule->rounds[i], round_interval_us(sampler->set->plugins[i]),
				now_us);
	schedule_change(&schedule->ship, settings->ship_interval_us, now_us);
	pace_arm(&sampler->pace);
	pthread_mutex_lock(&sampler->lock);
	sampler->settings = NULL;
	sampler->stats.since_us = now_us;
	pthread_mutex_unlock(&sampler->lock);
	wakeup_send(sampler->news);
}

/* Somebody asks for a stop, for other settings, or for the restart of a plugin whose devices changed. */
static void on_request(void *context)
{
	struct sampler *sampler = context;

	if (wants_stop(sampler)) {
		loop_quit(sampler->loop);
		return;
	}
	take_settings(sampler);
	for (size_t i = 0; i < sampler->set->n_plugins; i++) {
		struct plugin *plugin = sampler->set->plugins[i];
		int64_t now_us = timestamp_monotonic_us();

		if (!plugin_take_restart_request(plugin))
			continue;
		plugin_restart(plugin, now_us);
		plugin_tell(plugin, now_us);
	}
}

/* Plugins that take long to start hold up the first turn. */
static void run_first_turn(struct sampler *sampler)
{
	pace_begin(&sampler->pace);
	for (size_t i = 0; i < sampler->set->n_plugins && !wants_stop(sampler); i++) {
		int64_t now_us = timestamp_monotonic_us();

		plugin_start(sampler->set->plugins[i], now_us);
		plugin_tell(sampler->set->plugins[i], now_us);
	}
	pace_start(&sampler->pace);
	take_turn(sampler);
	ship(sampler);
	pace_arm(&sampler->pace);
}

static void *run(void *context)
{
	struct sampler *sampler = context;
	int result;

	run_first_turn(sampler);
	result = loop_run(sampler->loop);
	if (result < 0)
		message_error("the sampler's loop failed: %s", strerror(-result));
	for (size_t i = 0; i < sampler->set->n_plugins; i++)
		plugin_stop(sampler->set->plugins[i]);

	pthread_mutex_lock(&sampler->lock);
	sampler->is_done = true;
	pthread_mutex_unlock(&sampler->lock);
	wakeup_send(sampler->news);
	return NULL;
}

static int init_pace(struct sampler *sampler, int64_t ship_interval_us)
{
	size_t n_plugins = sampler->set->n_plugins;
	int64_t *intervals_us = calloc(n_plugins + 1, sizeof(*intervals_us));
	int result;

	if (!intervals_us)
		return -ENOMEM;
	for (size_t i = 0; i < n_plugins; i++)
		intervals_us[i] = round_interval_us(sampler->set->plugins[i]);
	result = pace_init(&sampler->pace, intervals_us, n_plugins, ship_interval_us,
			   sampler->queue);
	free(intervals_us);
	return result;
}

static int init_loop(struct sampler *sampler)
{
	int result = loop_new(&sampler->loop);

	if (result == 0)
		result = loop_add(sampler->loop, sampler->pace.timer_fd, on_timer, sampler,
				  &sampler->timer);
	if (result == 0)
		result = wakeup_new(sampler->loop, on_request, sampler, &sampler->requests);
	return result;
}

int sampler_new(const struct plugin_set *set, int64_t ship_interval_us, struct queue *queue,
		struct wakeup *news, struct sampler **ret_sampler)
{
	struct sampler *sampler = calloc(1, sizeof(*sampler));
	int result;

	if (!sampler)
		return -ENOMEM;
	sampler->set = set;
	sampler->queue = queue;
	sampler->news = news;
	sampler->pace.timer_fd = -1;
	pthread_mutex_init(&sampler->lock, NULL);
	result = init_pace(sampler, ship_interval_us);
	if (result == 0)
		result = init_loop(sampler);
	for (size_t i = 0; result == 0 && i < set->n_plugins; i++)
		plugin_use_loop(set->plugins[i], sampler->loop);
	if (result < 0)
		sampler_free(sampler);
	else
		*ret_sampler = sampler;
	return result;
}

int sampler_start(struct sampler *sampler)
{
	int error = pthread_create(&sampler->thread, NULL, run, sampler);

	if (error)
		return -error;
	sampler->is_started = true;
	(void)pthread_setname_np(sampler->thread, "sampler");
	return 0;
}

void sampler_wake(struct sampler *sampler)
{
	wakeup_send(sampler->requests);
}

void sampler_configure(struct sampler *sampler, const struct settings *settings)
{
	pthread_mutex_lock(&sampler->lock);
	sampler->settings = settings;
	pthread_mutex_unlock(&sampler->lock);
	wakeup_send(sampler->requests);
}

bool sampler_is_configured(struct sampler *sampler)
{
	return !find_settings(sampler);
}

void sampler_stop(struct sampler *sampler)
{
	pthread_mutex_lock(&sampler->lock);
	sampler->wants_stop = true;
	pthread_mutex_unlock(&sampler->lock);
	wakeup_send(sampler->requests);
}

bool sampler_is_done(struct sampler *sampler)
{
	bool is_done;

	pthread_mutex_lock(&sampler->lock);
	is_done = sampler->is_done || !sampler->is_started;
	pthread_mutex_unlock(&sampler->lock);
	return is_done;
}

void sampler_free(struct sampler *sampler)
{
	if (!sampler)
		return;
	if (sampler->is_started)
		pthread_join(sampler->thread, NULL);
	wakeup_free(sampler->requests);
	loop_remove(sampler->timer);
	loop_free(sampler->loop);
	pace_done(&sampler->pace);
	buffer_done(&sampler->samples);
	pthread_mutex_destroy(&sampler->lock);
	free(sampler);
}

void sampler_get_stats(struct sampler *sampler, struct sampler_stats *ret_stats)
{
	pthread_mutex_lock(&sampler->lock);
	*ret_stats = sampler->stats;
	pthread_mutex_unlock(&sampler->lock);
}
