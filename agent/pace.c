/* SPDX-License-Identifier: MIT */
/* When the sampler takes rounds. */

#include "agent/pace.h"

#include <errno.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "common/message.h"
#include "common/timestamp.h"

/* @param boot_us  CLOCK_BOOTTIME when the wall clock showed `now_us` */
static void push_event(const struct pace *pace, enum hm_clock_event event, int64_t now_us,
		       int64_t boot_us, int64_t change_us)
{
	const struct clock_event clock = {
		.event = event,
		.now_us = now_us,
		.since_boot_us = boot_us,
		.change_us = change_us,
	};
	int result = queue_push_event(pace->queue, &clock);

	if (result == 0)
		return;
	message_error("cannot note what happens to the clock: %s", strerror(-result));
	/* Nobody would know why there are no samples. */
	if (event == HM_CLOCK_HELD_UP)
		queue_lose(pace->queue, &(struct queue_span){now_us - change_us, now_us});
}

/* Grid points that nobody took, though neither the host slept nor the clock was set. */
struct missed {
	uint64_t n;
	int64_t first_us;
};

static struct missed find_missed(const struct pace *pace)
{
	struct missed missed = {0};

	for (size_t i = 0; i < pace->schedule.n_rounds; i++) {
		const struct schedule_hole *hole = &pace->turn.holes[i];

		if (hole->n == 0)
			continue;
		if (missed.n == 0 || hole->first_us < missed.first_us)
			missed.first_us = hole->first_us;
		if (hole->n > missed.n)
			missed.n = hole->n;
	}
	return missed;
}

/*
 * Look at the clocks: note what has happened to them since the last look, and which grid points were missed. That the
 * clock was set they tell by themselves: the kernel sets it first, lets timers fire, and says so last.
 * @return what the wall clock shows
 */
static int64_t follow_clock(struct pace *pace)
{
	struct clock_reading now;
	struct clock_change change;
	struct missed missed;
	int64_t before_us, awake_us;

	clock_reading_take(&now);
	change = clock_watch_look(&pace->watch, &now);
	before_us = now.real_us - change.stepped_us;
	schedule_pass(&pace->schedule, before_us, now.real_us, &pace->turn);
	missed = find_missed(pace);
	/* Nobody knows where its sleep lay: at the end. What lies in that it was not to take. */
	awake_us = before_us - change.slept_us;
	pace->is_held_up = missed.n > 0 && missed.first_us < awake_us;
	if (pace->is_held_up)
		push_event(pace, HM_CLOCK_HELD_UP, awake_us, now.boot_us - change.slept_us,
			   awake_us - missed.first_us);
	if (change.slept_us > 0)
		push_event(pace, HM_CLOCK_RESUMED, before_us, now.boot_us, change.slept_us);
	if (change.stepped_us != 0)
		push_event(pace, HM_CLOCK_STEPPED, now.real_us, now.boot_us, change.stepped_us);
	pace->n_missed += missed.n;
	return now.real_us;
}

static struct timespec timespec_of(int64_t time_us)
{
	return (struct timespec){
		.tv_sec = time_us / TIMESTAMP_SECOND_US,
		.tv_nsec = time_us % TIMESTAMP_SECOND_US * 1000,
	};
}

/* @return whether it is set; not where somebody has set the clock since it was read */
static bool set_timer(struct pace *pace)
{
	const int64_t next_us = schedule_next_us(&pace->schedule);
	const int64_t period_us = schedule_period_us(&pace->schedule);
	const struct itimerspec setting = {
		.it_value = timespec_of(next_us),
		.it_interval = timespec_of(period_us),
	};

	/* One that goes on by itself needs no system call. */
	if (pace->armed_us == next_us && pace->period_us == period_us)
		return true;
	pace->armed_us = next_us;
	pace->period_us = period_us;
	return timerfd_settime(pace->timer_fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET,
			       &setting, NULL) == 0 ||
	       errno != ECANCELED;
}

void pace_arm(struct pace *pace)
{
	while (!set_timer(pace)) {
		pace->armed_us = 0;
		(void)follow_clock(pace);
	}
}

/* Read the timer. @return what the wall clock shows */
static int64_t read_timer(struct pace *pace)
{
	uint64_t n_expirations;
	ssize_t n_bytes = read(pace->timer_fd, &n_expirations, sizeof(n_expirations));

	/* It has fired, or was cancelled since somebody set the clock, or it is not yet time: the clocks tell. */
	if (n_bytes == sizeof(n_expirations) && pace->period_us > 0)
		pace->armed_us += (int64_t)n_expirations * pace->period_us;
	else if (n_bytes == sizeof(n_expirations) || errno != EAGAIN)
		pace->armed_us = 0;
	return follow_clock(pace);
}

void pace_begin(struct pace *pace)
{
	struct clock_reading now;

	clock_reading_take(&now);
	(void)clock_watch_look(&pace->watch, &now);
	schedule_start(&pace->schedule, now.real_us, &pace->turn);
	pace_arm(pace);
}

void pace_start(struct pace *pace)
{
	schedule_start(&pace->schedule, read_timer(pace), &pace->turn);
}

int64_t pace_take(struct pace *pace)
{
	int64_t now_us = read_timer(pace);

	schedule_take(&pace->schedule, now_us, &pace->turn);
	return now_us;
}

int pace_init(struct pace *pace, const int64_t intervals_us[], size_t n_intervals,
	      int64_t ship_interval_us, struct queue *queue)
{
	int result;

	*pace = (struct pace){.timer_fd = -1, .queue = queue};
	result = schedule_init(&pace->schedule, intervals_us, n_intervals, ship_interval_us);
	if (result == 0)
		result = schedule_turn_init(&pace->turn, &pace->schedule);
	if (result < 0)
		return result;
	pace->timer_fd = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK | TFD_CLOEXEC);
	return pace->timer_fd < 0 ? -errno : 0;
}

void pace_done(struct pace *pace)
{
	if (pace->timer_fd >= 0)
		close(pace->timer_fd);
	schedule_turn_done(&pace->turn);
	schedule_done(&pace->schedule);
}
