/* SPDX-License-Identifier: MIT */
#ifndef PLUGINS_KEYBOARDS_H
#define PLUGINS_KEYBOARDS_H

/*
 * The keyboards that are open, and which of the keys that are watched are down on each. Nothing is known of others. What they
 * tell goes to the hotkeys in the order of its times, whichever of them it is of.
 */

#include "hostmetrics/input.h"
#include "plugins/counted_devices.h"
#include "plugins/hotkeys.h"

TAILQ_HEAD(keyboard_list, keyboard);

struct keyboards {
	struct keyboard_list list;
	struct hotkeys *hotkeys; /* borrowed */
	size_t n_keys;           /* that are asked for */
};

void keyboards_init(struct keyboards *keyboards, struct hotkeys *hotkeys, size_t n_keys);

/* Take one that was opened; what is down on it is so without a press. @param device  borrowed. @return 0 or -ENOMEM */
int keyboards_open(struct keyboards *keyboards, struct hm_input *input,
		   struct counted_device *device);

/* What one keyboard has is taken with what all others have. @return as struct hm_input_request's ready() */
int64_t keyboards_ready(struct keyboards *keyboards, const struct hm_input *input);

/* What was down on it is so no longer. @return its device */
struct counted_device *keyboards_close(struct keyboards *keyboards, struct hm_input *input);

#endif
