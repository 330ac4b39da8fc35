/* SPDX-License-Identifier: MIT */
/* A timer in a loop, on a timerfd. */

#include "common/timer.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/timerfd.h>
#include <unistd.h>

#define MS_PER_SECOND 1000
#define NS_PER_MS     1000000

struct timer {
	int fd;
	struct loop_source *source;
	timer_callback callback;
	void *context;
};

static bool on_expiry(void *context, uint32_t events)
{
	struct timer *timer = context;
	uint64_t n_expirations;

	(void)events;
	/* Stopped or set anew since it expired: nothing to read. */
	if (read(timer->fd, &n_expirations, sizeof(n_expirations)) != sizeof(n_expirations))
		return false;
	timer->callback(timer->context); /* may free the timer */
	return false;
}

int timer_new(struct loop *loop, timer_callback callback, void *context, struct timer **ret_timer)
{
	struct timer *timer = calloc(1, sizeof(*timer));
	int result;

	if (!timer)
		return -ENOMEM;
	timer->callback = callback;
	timer->context = context;
	timer->fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	if (timer->fd < 0) {
		result = -errno;
		goto out;
	}
	result = loop_add(loop, timer->fd, on_expiry, timer, &timer->source);
out:
	if (result < 0)
		timer_free(timer);
	else
		*ret_timer = timer;
	return result;
}

static struct timespec timespec_of(int64_t time_ms)
{
	return (struct timespec){
		.tv_sec = time_ms / MS_PER_SECOND,
		.tv_nsec = time_ms % MS_PER_SECOND * NS_PER_MS,
	};
}

int timer_start(struct timer *timer, int64_t first_ms, int64_t interval_ms)
{
	struct itimerspec setting = {
		.it_value = timespec_of(first_ms),
		.it_interval = timespec_of(interval_ms),
	};

	/* To the kernel a first time of nothing would mean: stand still. */
	if (first_ms == 0)
		setting.it_value.tv_nsec = 1;
	return timerfd_settime(timer->fd, 0, &setting, NULL) < 0 ? -errno : 0;
}

void timer_stop(struct timer *timer)
{
	static const struct itimerspec standing_still;

	/* Fails only for a descriptor that is no timer. */
	(void)timerfd_settime(timer->fd, 0, &standing_still, NULL);
}

void timer_free(struct timer *timer)
{
	if (!timer)
		return;
	loop_remove(timer->source);
	if (timer->fd >= 0)
		(void)close(timer->fd);
	free(timer);
}
