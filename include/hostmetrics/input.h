/* SPDX-License-Identifier: MIT */
#ifndef HOSTMETRICS_INPUT_H
#define HOSTMETRICS_INPUT_H

/*
 * Mice and keyboards, for plugins. A plugin opens no device: it asks its host, which finds the
 * devices, follows those that come and go, opens them for reading only and has the kernel withhold
 * every event that was not asked for. What the plugin gets is descriptors.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hostmetrics/plugin.h"

/* What a descriptor delivers, beside EV_SYN; the kernel withholds all else. */
enum hm_input_role {
	/* Of a pointer: EV_REL without wheels, EV_ABS. */
	HM_INPUT_MOTION = 1,
	/* Of a pointer: EV_KEY of its buttons (a pen's tip is one), EV_REL of its wheels' steps. */
	HM_INPUT_CLICKS = 2,
	/* Of a keyboard: EV_KEY of the keys that were asked for. */
	HM_INPUT_KEYS = 3,
};

/* One descriptor of one device. A pointer has two, so that motion need not be read as it comes. */
struct hm_input {
	int fd; /* non-blocking, owned by the host; its events carry CLOCK_MONOTONIC times */
	enum hm_input_role role;
	int64_t since_us; /* CLOCK_MONOTONIC: SYN_DROPPED of then or before tells of no loss */
	const char *name; /* the device's, as the kernel has it; any bytes but NUL */
	/* HM_INPUT_KEYS, in opened() alone: for each key asked for, is it down? */
	const bool *keys_down;
	void *data; /* the plugin's own; NULL at first */
};

/* What a plugin asks for, and what the host calls then: on the thread of the verbs, never in one but
 * hm_open_input() and hm_close_input(). */
struct hm_input_request {
	const uint16_t *keys; /* KEY_* codes; borrowed until hm_close_input() */
	size_t n_keys;        /* 0 = no keyboard is opened */

	/* A descriptor is there. @return 0; -errno = not wanted: it is closed, without closed(). */
	int (*opened)(void *state, struct hm_input *input);

	/*
	 * There may be events: read(2) struct input_event until EAGAIN.
	 * @return 0 = call again when there are more; a CLOCK_MONOTONIC time in microseconds = not
	 * before that, at most a second ahead (one that has passed: again in the next turn); -ESTALE
	 * = events were lost (SYN_DROPPED), close it and open it anew; another -errno = it is gone
	 */
	int64_t (*ready)(void *state, struct hm_input *input);

	/* The descriptor is about to be closed. */
	void (*closed)(void *state, struct hm_input *input);
};

/*
 * Open all pointers, and where keys are asked for all keyboards; those that come later are opened as
 * they come. At most once between start_collect() and stop_collect().
 * @param state    what the calls get
 * @param request  borrowed until hm_close_input()
 * @return 0; -ENODEV when this host has no such device; -EACCES or another -errno when it has and
 * none could be opened; -ENOTSUP below --root and with --once; -ENOMEM
 */
HM_API int hm_open_input(const struct hm_host *host, void *state,
			 const struct hm_input_request *request);

/* Close all of them; closed() is called for each. Takes a host on which nothing was opened. */
HM_API void hm_close_input(const struct hm_host *host);

#endif
