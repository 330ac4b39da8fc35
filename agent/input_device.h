/* SPDX-License-Identifier: MIT */
#ifndef AGENT_INPUT_DEVICE_H
#define AGENT_INPUT_DEVICE_H

/* The mice, keyboards and other input devices that udev knows. */

#include <stdbool.h>

#include "hostmetrics/sysfs.h"

#define INPUT_DEVICE_NODE_MAX 64
#define INPUT_DEVICE_TEXT_MAX 128

/* What udev says of one event device. */
struct input_device {
	char node[INPUT_DEVICE_NODE_MAX]; /* "/dev/input/event3" */
	char name[INPUT_DEVICE_TEXT_MAX]; /* as the kernel has it; any bytes but NUL */
	char kind[INPUT_DEVICE_TEXT_MAX]; /* for people: "mouse", "keyboard" */
	bool is_pointer;                  /* mouse, touchpad, tablet, trackpoint */
	bool is_tablet;                   /* its BTN_TOUCH is a pen's tip, not a finger */
	bool has_keys;
};

/*
 * Call `found` for each event device, in the order of their numbers. One that udev has not finished
 * with is of no kind yet; udev tells when it has.
 * @param found  the device is borrowed for the call; a result other than 0 ends the search
 * @return 0, what `found` returned, -ENOMEM, -errno of reading /sys
 */
int input_device_find(const struct hm_host *host,
		      int (*found)(void *context, const struct input_device *device),
		      void *context);

#endif
