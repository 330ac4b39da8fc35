/* SPDX-License-Identifier: MIT */
/* Seconds of mouse use, clicks and wheel steps, presses of the hotkeys that the configuration names. */

#include "hostmetrics/input.h"

#include <errno.h>
#include <linux/input.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "hostmetrics/plugin.h"
#include "plugins/counted_devices.h"
#include "plugins/evdev.h"
#include "plugins/hotkeys.h"
#include "plugins/keyboards.h"

#define SECOND_US INT64_C(1000000)

#define TURN_READS 16

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
			.labels = HM_LABELS("device"),
		},
	[METRIC_HOTKEY_PRESSES] =
		{
			.name = "node_input_hotkey_presses_total",
			.unit = "",
			.help = "Presses of the hotkey; repeats of a key held down do not count.",
			.source = "/dev/input/event*, EV_KEY of the keys of the hotkeys",
			.kind = HM_EVENTS,
			.labels = HM_LABELS("hotkey"),
		},
	[METRIC_OVERRUNS] =
		{
			.name = "node_input_overruns_total",
			.unit = "",
			.help = "Times that events of the device were lost before they were read.",
			.source = "/dev/input/event*, SYN_DROPPED",
			.kind = HM_EVENTS,
			.labels = HM_LABELS("device"),
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

struct state {
	struct hotkeys hotkeys;
	struct seconds seconds;
	struct keyboards keyboards;
	struct counted_devices devices;
	struct hm_input_request request;
	const struct hm_host *host;
};

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

/* -- pointers --------------------------------------------------------------------------------- */

static void take_pointer_event(struct state *state, struct counted_device *device,
			       const struct input_event *event)
{
	/* EV_SYN counts as well: the kernel sends none without an event before it that was asked for. */
	if (event->type == EV_KEY)
		device->n_events += event->value == 1;
	else if (event->type == EV_REL && (event->code == REL_WHEEL || event->code == REL_HWHEEL))
		device->n_events += (uint64_t)llabs((long long)event->value);
	count_second(&state->seconds, evdev_time_us(event) / SECOND_US);
}

/* Of motion only whole seconds can be missed: those between the last that is counted and this one. */
static bool misses_something(const struct state *state, const struct hm_input *input,
			     const struct input_event *dropped)
{
	return input->role == HM_INPUT_CLICKS ||
	       evdev_time_us(dropped) / SECOND_US > state->seconds.newest + 1;
}

/*
 * Of motion one event a second is enough: once the present second is counted, nothing is read before
 * the next. What the kernel drops in between belongs to the second that is counted.
 */
static int64_t pointer_ready(struct state *state, struct hm_input *input)
{
	struct counted_device *device = input->data;
	struct input_event events[EVDEV_READ_EVENTS];
	int64_t newest = 0;
	ssize_t n_events = 1;
	int n_reads;

	for (n_reads = 0; n_reads < TURN_READS && n_events > 0; n_reads++) {
		n_events = evdev_read(input->fd, events);
		for (ssize_t i = 0; i < n_events; i++) {
			if (evdev_tells_of_loss(&events[i], input->since_us) &&
			    misses_something(state, input, &events[i]))
				device->n_overruns++;
			take_pointer_event(state, device, &events[i]);
			newest = evdev_time_us(&events[i]) / SECOND_US;
		}
	}
	if (n_events < 0)
		return n_events;
	if (input->role == HM_INPUT_MOTION && newest >= now_us() / SECOND_US)
		return (newest + 1) * SECOND_US;
	return n_events > 0 ? 1 : 0;
}

/* -- devices come and go ---------------------------------------------------------------------- */

static int input_opened(void *memory, struct hm_input *input)
{
	struct state *state = memory;
	struct counted_device *device = counted_devices_get(&state->devices, input->name);

	if (!device)
		return -ENOMEM;
	input->data = device;
	if (input->role == HM_INPUT_KEYS && keyboards_open(&state->keyboards, input, device) < 0)
		return -ENOMEM;
	device->is_pointer = device->is_pointer || input->role != HM_INPUT_KEYS;
	device->n_open++;
	return 0;
}

static int64_t input_ready(void *memory, struct hm_input *input)
{
	struct state *state = memory;

	if (input->role == HM_INPUT_KEYS)
		return keyboards_ready(&state->keyboards, input);
	return pointer_ready(state, input);
}

/* What the device has counted stays until it is told. */
static void input_closed(void *memory, struct hm_input *input)
{
	struct state *state = memory;
	struct counted_device *device = input->data;

	if (input->role == HM_INPUT_KEYS)
		device = keyboards_close(&state->keyboards, input);
	device->n_open--;
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
	TAILQ_INIT(&state->devices);
	state->host = host;
	state->request = (struct hm_input_request){
		.keys = state->hotkeys.keys,
		.n_keys = state->hotkeys.n_hotkeys > 0 ? state->hotkeys.n_keys : 0,
		.opened = input_opened,
		.ready = input_ready,
		.closed = input_closed,
	};
	keyboards_init(&state->keyboards, &state->hotkeys, state->request.n_keys);
	return hm_open_input(host, state, &state->request);
}

static int get_current_state(void *memory, struct hm_batch *out)
{
	struct state *state = memory;
	const struct counted_device *device;

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

	state->seconds.n_counted = 0;
	counted_devices_restart(&state->devices);
	for (size_t i = 0; i < state->hotkeys.n_hotkeys; i++)
		state->hotkeys.at[i].n_presses = 0;
}

static void stop_collect(void *memory)
{
	struct state *state = memory;

	if (state->host)
		hm_close_input(state->host);
	counted_devices_done(&state->devices);
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
