/* SPDX-License-Identifier: MIT */
/* Seconds of mouse use, clicks and wheel steps, presses of the hotkeys that the configuration names. */

#include "hostmetrics/input.h"

#include <bsd/sys/queue.h>
#include <errno.h>
#include <linux/input.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "hostmetrics/plugin.h"
#include "plugins/hotkeys.h"

#define SECOND_US INT64_C(1000000)

/* The kernel holds at least so many events for a reader; that many are read at once. */
#define READ_EVENTS 64
#define TURN_READS  16

enum metric {
	METRIC_ACTIVE_SECONDS,
	METRIC_POINTER_EVENTS,
	METRIC_HOTKEY_PRESSES,
	METRIC_OVERRUNS,
	N_METRICS,
};

static const struct hm_metric metrics[N_METRICS] = {
	[METRIC_ACTIVE_SECONDS] =
		{
			.name = "node_input_mouse_active_seconds_total",
			.unit = "seconds",
			.help = "Whole seconds in which a mouse, touchpad, tablet or trackpoint was "
				"used, however many of them were.",
			.source = "/dev/input/event*, EV_REL, EV_ABS and buttons; seconds of "
				  "CLOCK_MONOTONIC with at least one event",
			.kind = HM_EVENTS,
		},
	[METRIC_POINTER_EVENTS] =
		{
			.name = "node_input_pointer_events_total",
			.unit = "",
			.help = "Clicks and wheel steps.",
			.source = "/dev/input/event*, presses of EV_KEY BTN_*, steps of REL_WHEEL "
				  "and REL_HWHEEL",
			.kind = HM_EVENTS,
			.labels = {"device"},
		},
	[METRIC_HOTKEY_PRESSES] =
		{
			.name = "node_input_hotkey_presses_total",
			.unit = "",
			.help = "Presses of the hotkey; repeats of a key held down do not count.",
			.source = "/dev/input/event*, EV_KEY of the keys of the hotkeys",
			.kind = HM_EVENTS,
			.labels = {"hotkey"},
		},
	[METRIC_OVERRUNS] =
		{
			.name = "node_input_overruns_total",
			.unit = "",
			.help = "Times that events of the device were lost before they were read.",
			.source = "/dev/input/event*, SYN_DROPPED",
			.kind = HM_EVENTS,
			.labels = {"device"},
		},
};

/* -- state ------------------------------------------------------------------------------------ */

/* Which of the last so many seconds are counted; devices may be read one long after the other. */
#define SECONDS_KEPT 4096

struct seconds {
	int64_t newest;
	bool is_counted[SECONDS_KEPT]; /* by the second modulo SECONDS_KEPT */
	uint64_t n_counted;            /* since the last cleanup() */
};

/* What was counted of the devices of one name. */
struct device {
	TAILQ_ENTRY(device) entry;
	char *name;
	size_t n_open; /* descriptors */
	bool is_pointer;
	uint64_t n_events; /* since the last cleanup(), as the next */
	uint64_t n_overruns;
};

/* One keyboard: which of the keys that are watched are down on it. Nothing is known of others. */
struct keyboard {
	TAILQ_ENTRY(keyboard) entry;
	struct device *device;
	int fd;
	int64_t since_us;
	int error; /* of reading it: -errno, or -ESTALE when events were lost */
	bool is_down[HOTKEYS_KEYS_MAX];
};

TAILQ_HEAD(keyboards, keyboard);
TAILQ_HEAD(devices, device);

struct state {
	struct hotkeys hotkeys;
	struct seconds seconds;
	struct keyboards keyboards;
	struct devices devices;
	struct hm_input_request request;
	const struct hm_host *host;
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

static int64_t event_time_us(const struct input_event *event)
{
	return (int64_t)event->input_event_sec * SECOND_US + (int64_t)event->input_event_usec;
}

static int64_t now_us(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now); /* cannot fail */
	return now.tv_sec * SECOND_US + now.tv_nsec / 1000;
}

/* Count a second, once. */
static void count_second(struct seconds *seconds, int64_t second)
{
	if (second <= seconds->newest - SECONDS_KEPT)
		return;
	if (second - seconds->newest >= SECONDS_KEPT)
		memset(seconds->is_counted, 0, sizeof(seconds->is_counted));
	else
		for (int64_t i = seconds->newest + 1; i <= second; i++)
			seconds->is_counted[i % SECONDS_KEPT] = false;
	if (second > seconds->newest)
		seconds->newest = second;
	if (seconds->is_counted[second % SECONDS_KEPT])
		return;
	seconds->is_counted[second % SECONDS_KEPT] = true;
	seconds->n_counted++;
}

/*
 * Read events. @return their number; 0 when there are none now; -errno
 */
static ssize_t read_events(int fd, struct input_event events[static READ_EVENTS], size_t n_max)
{
	ssize_t n_bytes = read(fd, events, n_max * sizeof(*events));

	if (n_bytes < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n_bytes < 0)
		return -errno;
	if (n_bytes == 0 || (size_t)n_bytes % sizeof(*events) != 0)
		return -EIO;
	return n_bytes / (ssize_t)sizeof(*events);
}

/* One that the opening left in the queue says nothing. */
static bool tells_of_loss(const struct input_event *event, int64_t since_us)
{
	return event->type == EV_SYN && event->code == SYN_DROPPED &&
	       event_time_us(event) > since_us;
}

/* -- pointers --------------------------------------------------------------------------------- */

static void take_pointer_event(struct state *state, struct device *device,
			       const struct input_event *event)
{
	/* EV_SYN counts as well: the kernel sends none without an event before it that was asked for. */
	if (event->type == EV_KEY)
		device->n_events += event->value == 1;
	else if (event->type == EV_REL && (event->code == REL_WHEEL || event->code == REL_HWHEEL))
		device->n_events += (uint64_t)llabs((long long)event->value);
	count_second(&state->seconds, event_time_us(event) / SECOND_US);
}

/* Of motion only whole seconds can be missed: those between the last that is counted and this one. */
static bool misses_something(const struct state *state, const struct hm_input *input,
			     const struct input_event *dropped)
{
	return input->role == HM_INPUT_CLICKS ||
	       event_time_us(dropped) / SECOND_US > state->seconds.newest + 1;
}

/*
 * Of motion one event a second is enough: once the present second is counted, nothing is read before
 * the next. What the kernel drops in between belongs to the second that is counted.
 */
static int64_t pointer_ready(struct state *state, struct hm_input *input)
{
	struct device *device = input->data;
	struct input_event events[READ_EVENTS];
	int64_t newest = 0;
	ssize_t n_events = 1;
	int n_reads;

	for (n_reads = 0; n_reads < TURN_READS && n_events > 0; n_reads++) {
		n_events = read_events(input->fd, events, READ_EVENTS);
		for (ssize_t i = 0; i < n_events; i++) {
			if (tells_of_loss(&events[i], input->since_us) &&
			    misses_something(state, input, &events[i]))
				device->n_overruns++;
			take_pointer_event(state, device, &events[i]);
			newest = event_time_us(&events[i]) / SECOND_US;
		}
	}
	if (n_events < 0)
		return n_events;
	if (input->role == HM_INPUT_MOTION && newest >= now_us() / SECOND_US)
		return (newest + 1) * SECOND_US;
	return n_events > 0 ? 1 : 0;
}

/* -- keyboards -------------------------------------------------------------------------------- */

static void take_key_event(struct state *state, const struct key_event *event)
{
	bool *is_down = &event->keyboard->is_down[event->key];

	if (*is_down == event->is_down)
		return;
	*is_down = event->is_down;
	if (event->is_down)
		hotkeys_press(&state->hotkeys, event->key);
	else
		hotkeys_release(&state->hotkeys, event->key);
}

/* In the order of their times; those of one keyboard stay as they are. */
static void insert_key_event(struct key_events *events, const struct key_event *event)
{
	size_t i = events->n_events++;

	for (; i > 0 && events->at[i - 1].time_us > event->time_us; i--)
		events->at[i] = events->at[i - 1];
	events->at[i] = *event;
}

static void gather_key_event(const struct state *state, struct keyboard *keyboard,
			     const struct input_event *event, struct key_events *events)
{
	struct key_event key_event = {
		.time_us = event_time_us(event),
		.keyboard = keyboard,
		.key = hotkeys_find_key(&state->hotkeys, event->code),
		.is_down = event->value == 1,
	};

	/* 2 = it repeats. */
	if (event->type == EV_KEY && key_event.key < state->hotkeys.n_keys &&
	    (event->value == 0 || event->value == 1))
		insert_key_event(events, &key_event);
	explicit_bzero(&key_event, sizeof(key_event));
}

static void gather_keyboard(const struct state *state, struct keyboard *keyboard,
			    struct key_events *events)
{
	struct input_event read[READ_EVENTS];
	size_t room = KEY_EVENTS_MAX - events->n_events;
	ssize_t n_read = 0;

	if (keyboard->error == 0 && room >= READ_EVENTS)
		n_read = read_events(keyboard->fd, read, READ_EVENTS);
	if (n_read < 0)
		keyboard->error = (int)n_read;
	events->has_more = events->has_more || n_read == READ_EVENTS || room < READ_EVENTS;
	for (ssize_t i = 0; i < n_read && keyboard->error == 0; i++) {
		if (tells_of_loss(&read[i], keyboard->since_us)) {
			keyboard->device->n_overruns++;
			keyboard->error = -ESTALE;
		}
		gather_key_event(state, keyboard, &read[i], events);
	}
	explicit_bzero(read, sizeof(read));
}

/* What one keyboard has is taken with what all others have: keys combine in the order of their times. */
static int64_t keys_ready(struct state *state, const struct hm_input *input)
{
	const struct keyboard *ready = input->data;
	struct key_events events = {.n_events = 0};
	struct keyboard *keyboard;

	TAILQ_FOREACH(keyboard, &state->keyboards, entry)
		gather_keyboard(state, keyboard, &events);
	for (size_t i = 0; i < events.n_events; i++)
		take_key_event(state, &events.at[i]);
	explicit_bzero(&events.at, events.n_events * sizeof(events.at[0]));
	if (ready->error < 0)
		return ready->error;
	return events.has_more ? 1 : 0;
}

/* -- devices come and go ---------------------------------------------------------------------- */

static struct device *find_device(struct state *state, const char *name)
{
	struct device *device;

	TAILQ_FOREACH(device, &state->devices, entry) {
		if (strcmp(device->name, name) == 0)
			return device;
	}
	device = calloc(1, sizeof(*device));
	if (!device)
		return NULL;
	device->name = strdup(name);
	if (!device->name) {
		free(device);
		return NULL;
	}
	TAILQ_INSERT_TAIL(&state->devices, device, entry);
	return device;
}

static int open_keyboard(struct state *state, struct hm_input *input, struct device *device)
{
	struct keyboard *keyboard = calloc(1, sizeof(*keyboard));

	if (!keyboard)
		return -ENOMEM;
	keyboard->device = device;
	keyboard->fd = input->fd;
	keyboard->since_us = input->since_us;
	for (size_t i = 0; i < state->request.n_keys; i++) {
		keyboard->is_down[i] = input->keys_down[i];
		if (keyboard->is_down[i])
			hotkeys_hold(&state->hotkeys, i);
	}
	TAILQ_INSERT_TAIL(&state->keyboards, keyboard, entry);
	input->data = keyboard;
	return 0;
}

static int input_opened(void *memory, struct hm_input *input)
{
	struct state *state = memory;
	struct device *device = find_device(state, input->name);

	if (!device)
		return -ENOMEM;
	input->data = device;
	if (input->role == HM_INPUT_KEYS && open_keyboard(state, input, device) < 0)
		return -ENOMEM;
	device->is_pointer = device->is_pointer || input->role != HM_INPUT_KEYS;
	device->n_open++;
	return 0;
}

static int64_t input_ready(void *memory, struct hm_input *input)
{
	if (input->role == HM_INPUT_KEYS)
		return keys_ready(memory, input);
	return pointer_ready(memory, input);
}

/* What was down on it is so no longer. */
static void close_keyboard(struct state *state, struct keyboard *keyboard)
{
	for (size_t i = 0; i < state->request.n_keys; i++) {
		if (keyboard->is_down[i])
			hotkeys_release(&state->hotkeys, i);
	}
	TAILQ_REMOVE(&state->keyboards, keyboard, entry);
	free(keyboard);
}

/* What the device has counted stays until it is told. */
static void input_closed(void *memory, struct hm_input *input)
{
	struct keyboard *keyboard = input->data;
	struct device *device = input->data;

	if (input->role == HM_INPUT_KEYS) {
		device = keyboard->device;
		close_keyboard(memory, keyboard);
	}
	device->n_open--;
}

static void forget_device(struct state *state, struct device *device)
{
	TAILQ_REMOVE(&state->devices, device, entry);
	free(device->name);
	free(device);
}

/* -- the verbs -------------------------------------------------------------------------------- */

static int start_collect(void *memory, const struct hm_host *host)
{
	struct state *state = memory;
	char reason[128];
	int result =
		hotkeys_parse(&state->hotkeys, hm_option(host, "hotkeys"), reason, sizeof(reason));

	if (result < 0)
		return result;
	/* The present second has been going on for a while: whoever ran before may have counted it. */
	state->seconds.newest = now_us() / SECOND_US;
	state->seconds.is_counted[state->seconds.newest % SECONDS_KEPT] = true;
	TAILQ_INIT(&state->keyboards);
	TAILQ_INIT(&state->devices);
	state->host = host;
	state->request = (struct hm_input_request){
		.keys = state->hotkeys.keys,
		.n_keys = state->hotkeys.n_hotkeys > 0 ? state->hotkeys.n_keys : 0,
		.opened = input_opened,
		.ready = input_ready,
		.closed = input_closed,
	};
	return hm_open_input(host, state, &state->request);
}

static int get_current_state(void *memory, struct hm_batch *out)
{
	struct state *state = memory;
	const struct device *device;

	hm_emit(out, &metrics[METRIC_ACTIVE_SECONDS], (double)state->seconds.n_counted);
	TAILQ_FOREACH(device, &state->devices, entry) {
		if (device->is_pointer)
			hm_emit(out, &metrics[METRIC_POINTER_EVENTS], (double)device->n_events,
				device->name);
		hm_emit(out, &metrics[METRIC_OVERRUNS], (double)device->n_overruns, device->name);
	}
	for (size_t i = 0; i < state->hotkeys.n_hotkeys; i++) {
		const struct hotkey *hotkey = &state->hotkeys.at[i];

		hm_emit(out, &metrics[METRIC_HOTKEY_PRESSES], (double)hotkey->n_presses,
			hotkey->name);
	}
	return 0;
}

static void cleanup(void *memory)
{
	struct state *state = memory;
	struct device *device;
	struct device *next;

	state->seconds.n_counted = 0;
	TAILQ_FOREACH_SAFE(device, &state->devices, entry, next) {
		device->n_events = 0;
		device->n_overruns = 0;
		if (device->n_open == 0)
			forget_device(state, device);
	}
	for (size_t i = 0; i < state->hotkeys.n_hotkeys; i++)
		state->hotkeys.at[i].n_presses = 0;
}

static void stop_collect(void *memory)
{
	struct state *state = memory;
	struct device *device;
	struct device *next;

	if (state->host)
		hm_close_input(state->host);
	TAILQ_FOREACH_SAFE(device, &state->devices, entry, next)
		forget_device(state, device);
}

static int check_hotkeys(const char *value, char *reason, size_t size)
{
	struct hotkeys hotkeys;

	return hotkeys_parse(&hotkeys, value, reason, size);
}

static const struct hm_option options[] = {
	{
		.name = "hotkeys",
		.fallback = "",
		.help = "Hotkeys to count, such as ctrl+c, super+l, f12; without any no keyboard is "
			"opened.",
		.check = check_hotkeys,
	},
};

HM_PLUGIN(input) = {
	HM_PLUGIN_HEADER,
	.name = "input",
	.help = "Seconds of mouse use, clicks and wheel steps, presses of chosen hotkeys.",
	.looks_for =
		"mice, touchpads, tablets and trackpoints in /dev/input, keyboards for hotkeys",
	.metrics = metrics,
	.n_metrics = N_METRICS,
	.options = options,
	.n_options = sizeof(options) / sizeof(options[0]),
	.udev_subsystem = "input",
	.state_size = sizeof(struct state),
	.start_collect = start_collect,
	.get_current_state = get_current_state,
	.cleanup = cleanup,
	.stop_collect = stop_collect,
};
