/* SPDX-License-Identifier: MIT */
/* The thread that runs the plugins. */

#include "agent/sampler.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "agent/schedule.h"
#include "common/loop.h"
#include "common/message.h"
#include "common/timestamp.h"

struct sampler {
	const struct plugin_set *set;
	struct queue *queue;
	struct wakeup *news;

	/* Of the thread: */
	struct loop *loop;
	struct wakeup *requests;
	int timer_fd;
	struct loop_source *timer;
	struct schedule schedule;
	struct schedule_turn turn;
	struct buffer samples; /* of the round being taken */

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

/*
 * Have the timer fire at the next deadline, and whenever somebody sets the clock. The kernel says so
 * here when that happened since the timer was read: no step goes unseen in between.
 */
static void arm(struct sampler *sampler)
{
	int result;

	do {
		int64_t next_us = schedule_next_us(&sampler->schedule);
		struct itimerspec setting = {
			.it_value = {.tv_sec = next_us / TIMESTAMP_SECOND_US,
				     .tv_nsec = next_us % TIMESTAMP_SECOND_US * 1000},
		};

		result = timerfd_settime(sampler->timer_fd,
					 TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &setting,
					 NULL);
		if (result < 0)
			schedule_step(&sampler->schedule, timestamp_now_us());
	} while (result < 0 && errno == ECANCELED);
}

/* Take the rounds that are due. @return the number of samples in sampler->samples */
static size_t take_rounds(struct sampler *sampler, int64_t monotonic_us)
{
	size_t n_samples = 0;

	buffer_clear(&sampler->samples);
	for (size_t i = 0; i < sampler->set->n_plugins; i++) {
		struct plugin *plugin = sampler->set->plugins[i];
		int64_t *time_us = &sampler->turn.times_us[i];

		/* At the end of the agent nobody waits for the plugins that are still to come. */
		if (wants_stop(sampler))
			*time_us = SCHEDULE_NOT_DUE;
		if (*time_us == SCHEDULE_NOT_DUE)
			continue;
		n_samples += plugin_take_round(plugin, *time_us, monotonic_us, &sampler->samples);
		plugin_tell(plugin, monotonic_us);
	}
	return n_samples;
}

/* The round is in the queue: nothing of it may be counted once more. */
static void commit_rounds(const struct sampler *sampler)
{
	for (size_t i = 0; i < sampler->set->n_plugins; i++) {
		int64_t time_us = sampler->turn.times_us[i];

		if (time_us != SCHEDULE_NOT_DUE)
			plugin_commit(sampler->set->plugins[i], time_us);
	}
}

static void take_turn(struct sampler *sampler)
{
	size_t n_samples = take_rounds(sampler, timestamp_monotonic_us());
	int result = 0;

	if (buffer_failed(&sampler->samples))
		result = -ENOMEM;
	else if (sampler->samples.length > 0)
		result = queue_push(sampler->queue, sampler->samples.data, sampler->samples.length,
				    n_samples);
	if (result == 0)
		commit_rounds(sampler);
	else
		message_error("no memory for a round of samples: it is lost");

	pthread_mutex_lock(&sampler->lock);
	sampler->stats.n_rounds += result == 0 && sampler->turn.has_round;
	sampler->stats.n_missed_rounds += sampler->turn.n_missed + (result < 0);
	sampler->stats.n_samples += result == 0 ? n_samples : 0;
	pthread_mutex_unlock(&sampler->lock);
}

/* Hand over what was taken. */
static void ship(const struct sampler *sampler)
{
	if (sampler->turn.ships)
		queue_ship(sampler->queue);
	if (sampler->turn.ships || sampler->turn.has_round)
		wakeup_send(sampler->news);
}

/* Take what is due. @return the time up to which it was */
static int64_t take_due(struct sampler *sampler)
{
	uint64_t n_expirations;
	ssize_t result = read(sampler->timer_fd, &n_expirations, sizeof(n_expirations));
	int64_t now_us = timestamp_now_us();

	/* Cancelled, because somebody set the clock. */
	if (result < 0 && errno == ECANCELED)
		schedule_step(&sampler->schedule, now_us);
	schedule_take(&sampler->schedule, now_us, &sampler->turn);
	if (sampler->turn.has_round)
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
	arm(sampler);
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
	struct schedule *schedule = &sampler->schedule;
	int64_t now_us;

	if (!settings)
		return;
	now_us = take_due(sampler);
	plugin_set_configure(sampler->set, settings);
	for (size_t i = 0; i < sampler->set->n_plugins; i++)
		schedule_change(&schedule->rounds[i], round_interval_us(sampler->set->plugins[i]),
				now_us);
	schedule_change(&schedule->ship, settings->ship_interval_us, now_us);
	arm(sampler);
	pthread_mutex_lock(&sampler->lock);
	sampler->settings = NULL;
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

static void run_first_turn(struct sampler *sampler)
{
	for (size_t i = 0; i < sampler->set->n_plugins && !wants_stop(sampler); i++) {
		int64_t now_us = timestamp_monotonic_us();

		plugin_start(sampler->set->plugins[i], now_us);
		plugin_tell(sampler->set->plugins[i], now_us);
	}
	schedule_start(&sampler->schedule, timestamp_now_us(), &sampler->turn);
	take_turn(sampler);
	ship(sampler);
	arm(sampler);
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

static int init_schedule(struct sampler *sampler, int64_t ship_interval_us)
{
	size_t n_plugins = sampler->set->n_plugins;
	int64_t *intervals_us = calloc(n_plugins + 1, sizeof(*intervals_us));
	int result;

	if (!intervals_us)
		return -ENOMEM;
	for (size_t i = 0; i < n_plugins; i++)
		intervals_us[i] = round_interval_us(sampler->set->plugins[i]);
	result = schedule_init(&sampler->schedule, intervals_us, n_plugins, ship_interval_us);
	free(intervals_us);
	if (result == 0)
		result = schedule_turn_init(&sampler->turn, &sampler->schedule);
	return result;
}

static int init_loop(struct sampler *sampler)
{
	int result = loop_new(&sampler->loop);

	if (result < 0)
		return result;
	sampler->timer_fd = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK | TFD_CLOEXEC);
	if (sampler->timer_fd < 0)
		return -errno;
	result = loop_add(sampler->loop, sampler->timer_fd, on_timer, sampler, &sampler->timer);
	if (result < 0)
		return result;
	return wakeup_new(sampler->loop, on_request, sampler, &sampler->requests);
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
	sampler->timer_fd = -1;
	pthread_mutex_init(&sampler->lock, NULL);
	result = init_schedule(sampler, ship_interval_us);
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
	if (sampler->timer_fd >= 0)
		close(sampler->timer_fd);
	loop_free(sampler->loop);
	schedule_turn_done(&sampler->turn);
	schedule_done(&sampler->schedule);
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
