/* SPDX-License-Identifier: MIT */
#ifndef TESTS_SUPPORT_FAKE_EVDEV_UMOCKDEV_H
#define TESTS_SUPPORT_FAKE_EVDEV_UMOCKDEV_H

/*
 * The kernel's side of input devices: udev believes in them, and what is opened answers like an evdev, and tells events.
 * Run under umockdev-wrapper. Ends the test where one cannot be made.
 */

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <umockdev.h>

#include "agent/input_node.h"

#define FAKE_EVDEVS_MAX 4

/* Properties of udev's. */
#define FAKE_EVDEV_MOUSE "E: ID_INPUT_MOUSE=1\n"

/* What one was told, in the order of its opens; set by umockdev's thread under the lock. */
struct fake_evdev {
	unsigned long has_keys[INPUT_NODE_LONGS(KEY_CNT)];
	unsigned long down[INPUT_NODE_LONGS(KEY_CNT)];
	struct input_node_mask masks[8]; /* one an open */
	int n_masks;                     /* counted by the mask of the types, which is set first */
	int clock;
	bool forgets_masks; /* as no kernel should */
	int error;          /* what EVIOCSMASK answers */
	/* ------------------------------------------------------------------------------------------ */
	struct fake_evdevs *all;
	UMockdevIoctlBase *handler;
	char *path; /* below /sys */
};

/* /dev/input/event0 and so on. */
struct fake_evdevs {
	UMockdevTestbed *bed; /* borrowed */
	pthread_mutex_t lock;
	struct fake_evdev at[FAKE_EVDEVS_MAX];
};

void fake_evdevs_init(struct fake_evdevs *evdevs, UMockdevTestbed *bed);
void fake_evdevs_done(struct fake_evdevs *evdevs);

/* @param properties  lines "E: ..." */
void fake_evdevs_add(struct fake_evdevs *evdevs, int number, const char *name,
		     const char *properties);

/* "Fake Keyboard", which has all keys. */
void fake_evdevs_add_keyboard(struct fake_evdevs *evdevs, int number);

void fake_evdevs_remove(struct fake_evdevs *evdevs, int number);

/* An event, to all that have it open. */
void fake_evdevs_send(struct fake_evdevs *evdevs, int number, int64_t time_us, unsigned int type,
		      unsigned int code, int value);

#endif
