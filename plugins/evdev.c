/* SPDX-License-Identifier: MIT */
/* The events that the kernel tells of an input device. */

#include "plugins/evdev.h"

#include <errno.h>
#include <unistd.h>

#define SECOND_US INT64_C(1000000)

int64_t evdev_time_us(const struct input_event *event)
{
	return (int64_t)event->input_event_sec * SECOND_US + (int64_t)event->input_event_usec;
}

ssize_t evdev_read(int fd, struct input_event events[static EVDEV_READ_EVENTS])
{
	ssize_t n_bytes = read(fd, events, EVDEV_READ_EVENTS * sizeof(*events));

	if (n_bytes < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n_bytes < 0)
		return -errno;
	if (n_bytes == 0 || (size_t)n_bytes % sizeof(*events) != 0)
		return -EIO;
	return n_bytes / (ssize_t)sizeof(*events);
}

bool evdev_tells_of_loss(const struct input_event *event, int64_t since_us)
{
	return event->type == EV_SYN && event->code == SYN_DROPPED &&
	       evdev_time_us(event) > since_us;
}
