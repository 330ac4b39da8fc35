/* SPDX-License-Identifier: MIT */
#ifndef PLUGINS_COUNTED_DEVICES_H
#define PLUGINS_COUNTED_DEVICES_H

/* What is counted of input devices, all those of one name together. */

#include <bsd/sys/queue.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct counted_device {
	TAILQ_ENTRY(counted_device) entry;
	char *name;
	size_t n_open; /* descriptors */
	bool is_pointer;
	uint64_t n_events; /* since counted_devices_restart(), as the next */
	uint64_t n_overruns;
};

TAILQ_HEAD(counted_devices, counted_device);

/* The one of a name, which may be a new one. @return NULL: no memory */
struct counted_device *counted_devices_get(struct counted_devices *devices, const char *name);

/* Count from 0 on, and forget those of which nothing is open. */
void counted_devices_restart(struct counted_devices *devices);

/* Takes one that is zeroed. */
void counted_devices_done(struct counted_devices *devices);

#endif
