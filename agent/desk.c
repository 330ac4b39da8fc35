/* SPDX-License-Identifier: MIT */
/* A place where one thread at a time can work. */

#include "agent/desk.h"

#include <errno.h>
#include <time.h>

#include "common/timestamp.h"

int desk_init(struct desk *desk)
{
	pthread_condattr_t attributes;
	int error = pthread_condattr_init(&attributes);

	if (error)
		return -error;
	*desk = (struct desk){.lock = PTHREAD_MUTEX_INITIALIZER};
	/* Whatever becomes of the wall clock. */
	error = pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	if (error == 0)
		error = pthread_cond_init(&desk->left, &attributes);
	(void)pthread_condattr_destroy(&attributes);
	return -error;
}

void desk_done(struct desk *desk)
{
	(void)pthread_cond_destroy(&desk->left);
	(void)pthread_mutex_destroy(&desk->lock);
}

bool desk_try(struct desk *desk)
{
	bool is_free;

	pthread_mutex_lock(&desk->lock);
	is_free = !desk->is_taken;
	desk->is_taken = true;
	pthread_mutex_unlock(&desk->lock);
	return is_free;
}

bool desk_wait(struct desk *desk, int64_t timeout_us)
{
	const int64_t end_us = timestamp_monotonic_us() + timeout_us;
	const struct timespec end = {.tv_sec = end_us / TIMESTAMP_SECOND_US,
				     .tv_nsec = end_us % TIMESTAMP_SECOND_US * 1000};
	int error = 0;
	bool is_free;

	pthread_mutex_lock(&desk->lock);
	desk->is_awaited = true;
	while (desk->is_taken && error == 0)
		error = pthread_cond_timedwait(&desk->left, &desk->lock, &end);
	desk->is_awaited = false;
	is_free = !desk->is_taken;
	desk->is_taken = true;
	pthread_mutex_unlock(&desk->lock);
	return is_free;
}

void desk_leave(struct desk *desk)
{
	pthread_mutex_lock(&desk->lock);
	desk->is_taken = false;
	if (desk->is_awaited)
		(void)pthread_cond_signal(&desk->left);
	pthread_mutex_unlock(&desk->lock);
}
