/* SPDX-License-Identifier: MIT */
/* The keyboards that are open, and which of the keys that are watched are down on each. */

#include "plugins/keyboards.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "plugins/evdev.h"

struct keyboard {
	TAILQ_ENTRY(keyboard) entry;
	struct counted_device *device;
	int fd;
	int64_t since_us;
	int error; /* of reading it: -errno, or -ESTALE when events were lost */
	bool is_down[HOTKEYS_KEYS_MAX];
};

/* A press or release of a key that is watched, while those of all keyboards are put in order. */
struct key_event {
	int64_t time_us;
	struct keyboard *keyboard;
	size_t key;
	bool is_down;
};

#define KEY_EVENTS_MAX 512

struct key_events {
	struct key_event at[KEY_EVENTS_MAX];
	size_t n_events;
	bool has_more; /* there may be more to read */
};

void keyboards_init(struct keyboards *keyboards, struct hotkeys *hotkeys, size_t n_keys)
{
	*keyboards = (struct keyboards){.hotkeys = hotkeys, .n_keys = n_keys};
	TAILQ_INIT(&keyboards->list);
}

int keyboards_open(struct keyboards *keyboards, struct hm_input *input,
		   struct counted_device *device)
{
	struct keyboard *keyboard = calloc(1, sizeof(*keyboard));

	if (!keyboard)
		return -ENOMEM;
	keyboard->device = device;
	keyboard->fd = input->fd;
	keyboard->since_us = input->since_us;
	for (size_t i = 0; i < keyboards->n_keys; i++) {
		keyboard->is_down[i] = input->keys_down[i];
		if (keyboard->is_down[i])
			hotkeys_hold(keyboards->hotkeys, i);
	}
	TAILQ_INSERT_TAIL(&keyboards->list, keyboard, entry);
	input->data = keyboard;
	return 0;
}

static void take_key_event(struct keyboards *keyboards, const struct key_event *event)
{
	bool *is_down = &event->keyboard->is_down[event->key];

	if (*is_down == event->is_down)
		return;
	*is_down = event->is_down;
	if (event->is_down)
		hotkeys_press(keyboards->hotkeys, event->key);
	else
		hotkeys_release(keyboards->hotkeys, event->key);
}

/* In the order of their times; those of one keyboard stay as they are. */
static void insert_key_event(struct key_events *events, const struct key_event *event)
{
	size_t i = events->n_events++;

	for (; i > 0 && events->at[i - 1].time_us > event->time_us; i--)
		events->at[i] = events->at[i - 1];
	events->at[i] = *event;
}

static void gather_key_event(const struct keyboards *keyboards, struct keyboard *keyboard,
			     const struct input_event *event, struct key_events *events)
{
	struct key_event key_event = {
		.time_us = evdev_time_us(event),
		.keyboard = keyboard,
		.key = hotkeys_find_key(keyboards->hotkeys, event->code),
		.is_down = event->value == 1,
	};

	/* 2 = it repeats. */
	if (event->type == EV_KEY && key_event.key < keyboards->hotkeys->n_keys &&
	    (event->value == 0 || event->value == 1))
		insert_key_event(events, &key_event);
	explicit_bzero(&key_event, sizeof(key_event));
}

static void gather_keyboard(const struct keyboards *keyboards, struct keyboard *keyboard,
			    struct key_events *events)
{
	struct input_event read[EVDEV_READ_EVENTS];
	size_t room = KEY_EVENTS_MAX - events->n_events;
	ssize_t n_read = 0;

	if (keyboard->error == 0 && room >= EVDEV_READ_EVENTS)
		n_read = evdev_read(keyboard->fd, read);
	if (n_read < 0)
		keyboard->error = (int)n_read;
	events->has_more =
		events->has_more || n_read == EVDEV_READ_EVENTS || room < EVDEV_READ_EVENTS;
	for (ssize_t i = 0; i < n_read && keyboard->error == 0; i++) {
		if (evdev_tells_of_loss(&read[i], keyboard->since_us)) {
			keyboard->device->n_overruns++;
			keyboard->error = -ESTALE;
		}
		gather_key_event(keyboards, keyboard, &read[i], events);
	}
	explicit_bzero(read, sizeof(read));
}

/* What one keyboard has is taken with what all others have: keys combine in the order of their times. */
int64_t keyboards_ready(struct keyboards *keyboards, const struct hm_input *input)
{
	const struct keyboard *ready = input->data;
	struct key_events events = {.n_events = 0};
	struct keyboard *keyboard;

	TAILQ_FOREACH(keyboard, &keyboards->list, entry)
		gather_keyboard(keyboards, keyboard, &events);
	for (size_t i = 0; i < events.n_events; i++)
		take_key_event(keyboards, &events.at[i]);
	explicit_bzero(&events.at, events.n_events * sizeof(events.at[0]));
	if (ready->error < 0)
		return ready->error;
	return events.has_more ? 1 : 0;
}

struct counted_device *keyboards_close(struct keyboards *keyboards, struct hm_input *input)
{
	struct keyboard *keyboard = input->data;
	struct counted_device *device = keyboard->device;

	for (size_t i = 0; i < keyboards->n_keys; i++) {
		if (keyboard->is_down[i])
			hotkeys_release(keyboards->hotkeys, i);
	}
	TAILQ_REMOVE(&keyboards->list, keyboard, entry);
	free(keyboard);
	return device;
}
