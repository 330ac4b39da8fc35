/* SPDX-License-Identifier: MIT */
#ifndef PLUGINS_EVDEV_H
#define PLUGINS_EVDEV_H

/* The events that the kernel tells of an input device (linux/input.h). */

#include <linux/input.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* The kernel holds at least so many events for a reader; that many are read at once. */
#define EVDEV_READ_EVENTS 64

int64_t evdev_time_us(const struct input_event *event);

/* Read events. @return their number; 0 when there are none now; -errno */
ssize_t evdev_read(int fd, struct input_event events[static EVDEV_READ_EVENTS]);

/* Were events lost before this one? One that the opening left in the queue says nothing. */
bool evdev_tells_of_loss(const struct input_event *event, int64_t since_us);

#endif
