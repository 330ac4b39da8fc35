/* SPDX-License-Identifier: MIT */
/* The thread that runs the plugins. */

#include "agent/sampler.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/sampler_part.h"
#include "common/message.h"
#include "common/timestamp.h"

bool sampler_wants_stop(struct sampler *sampler)
{
	bool wants;

	pthread_mutex_lock(&sampler->lock);
	wants = sampler->wants_stop;
	pthread_mutex_unlock(&sampler->lock);
	return wants;
}

/* The timer fired, or was cancelled. */
static bool on_timer(void *context, uint32_t events)
{
	struct sampler *sampler = context;

	(void)events;
	(void)sampler_take_due(sampler);
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
	now_us = sampler_take_due(sampler);
	sampler_queue_round(sampler);
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

	if (sampler_wants_stop(sampler))
		return;
	take_settings(sampler);
	/* A plugin is restarted between two rounds. */
	sampler_queue_round(sampler);
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
	for (size_t i = 0; i < sampler->set->n_plugins && !sampler_wants_stop(sampler); i++) {
		int64_t now_us = timestamp_monotonic_us();

		plugin_start(sampler->set->plugins[i], now_us);
		plugin_tell(sampler->set->plugins[i], now_us);
	}
	pace_start(&sampler->pace);
	sampler_take_turn(sampler);
	sampler_queue_round(sampler);
	queue_ship(sampler->queue);
	pace_arm(&sampler->pace);
}

/* Take turns until the end, or until another thread does. */
static void *run_on(void *context)
{
	struct sampler *sampler = context;
	int result = 0;

	do {
		if (!sampler_hand_over(sampler))
			return NULL;
		if (!sampler_wants_stop(sampler))
			result = loop_turn(sampler->loop, -1);
	} while (!sampler_wants_stop(sampler) && result == 0);
	if (result < 0)
		message_error("the sampler's loop failed: %s", strerror(-result));
	sampler_queue_round(sampler);
	for (size_t i = 0; i < sampler->set->n_plugins; i++)
		plugin_stop(sampler->set->plugins[i]);

	pthread_mutex_lock(&sampler->lock);
	sampler->is_done = true;
	pthread_mutex_unlock(&sampler->lock);
	wakeup_send(sampler->news);
	return NULL;
}

static void *run(void *context)
{
	run_first_turn(context);
	return run_on(context);
}

/* The round is in the hands of who was there before. */
static void *run_instead(void *context)
{
	struct sampler *sampler = context;

	/* Only now it is said that we are in charge. */
	pthread_mutex_lock(&sampler->lock);
	pthread_mutex_unlock(&sampler->lock);
	sampler_settle_round(sampler, 0);
	sampler->owes_news = true;
	return run_on(sampler);
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

void sampler_use_desk(struct sampler *sampler, const struct sampler_desk *desk)
{
	sampler->desk = *desk;
}

static int start_thread(pthread_t *ret_thread, void *(*function)(void *context),
			struct sampler *sampler)
{
	int error = pthread_create(ret_thread, NULL, function, sampler);

	if (error == 0)
		(void)pthread_setname_np(*ret_thread, "sampler");
	return -error;
}

int sampler_start(struct sampler *sampler)
{
	int result = start_thread(&sampler->thread, run, sampler);

	sampler->is_started = result == 0;
	return result;
}

/* One that was relieved has left the desk before the next one could come there: it is about to end. */
static void join_relieved(struct sampler *sampler)
{
	if (sampler->has_relieved)
		pthread_join(sampler->relieved, NULL);
	sampler->has_relieved = false;
}

static bool is_at_desk(struct sampler *sampler)
{
	bool is_there;

	pthread_mutex_lock(&sampler->lock);
	is_there = sampler->is_at_desk;
	pthread_mutex_unlock(&sampler->lock);
	return is_there;
}

void sampler_relieve(struct sampler *sampler)
{
	pthread_t thread;

	if (!is_at_desk(sampler))
		return;
	join_relieved(sampler);
	pthread_mutex_lock(&sampler->lock);
	/* Where no thread can be made, the one at the desk goes on when it comes back. */
	if (sampler->is_at_desk && start_thread(&thread, run_instead, sampler) == 0) {
		sampler->relieved = sampler->thread;
		sampler->has_relieved = true;
		sampler->thread = thread;
		sampler->is_at_desk = false;
		sampler->n_reliefs++;
	}
	pthread_mutex_unlock(&sampler->lock);
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
	join_relieved(sampler);
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
