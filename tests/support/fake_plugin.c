/* SPDX-License-Identifier: MIT */
/* A plugin that does what a test wants it to. */

#include "tests/support/fake_plugin.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "hostmetrics/sysfs.h"

#define POLL_US 1000

struct fake_plugin_control fake_plugin_control;

enum metric {
	METRIC_VALUE,
	METRIC_EVENTS,
	N_METRICS,
};

static const struct hm_metric metrics[N_METRICS] = {
	[METRIC_VALUE] =
		{
			.name = "fake_value",
			.unit = "rounds",
			.help = "Rounds taken since the start.",
			.source = "counted",
			.kind = HM_GAUGE,
			.labels = HM_LABELS("device"),
		},
	[METRIC_EVENTS] =
		{
			.name = "fake_events_total",
			.unit = "",
			.help = "Events.",
			.source = "told by the test",
			.kind = HM_EVENTS,
			.labels = HM_LABELS("device"),
		},
};

struct state {
	bool is_started;
	bool may_clean_up;
	_Atomic bool is_in_verb;
	int n_rounds;
	int n_events_reported;
};

static void require(bool is_kept, const char *rule)
{
	if (is_kept)
		return;
	(void)fprintf(stderr, "fake_plugin: %s\n", rule);
	abort();
}

static void enter(struct state *state)
{
	require(!atomic_exchange(&state->is_in_verb, true), "two verbs at a time");
}

static void leave(struct state *state)
{
	state->is_in_verb = false;
}

static int start_collect(void *memory, const struct hm_host *host)
{
	struct state *state = memory;

	enter(state);
	require(host != NULL, "a start without host");
	require(!state->is_started && state->n_rounds == 0, "a start with memory not zeroed");
	state->is_started = true;
	fake_plugin_control.n_starts++;
	if (fake_plugin_control.file) {
		int fd = hm_open(host, fake_plugin_control.file);

		if (fd >= 0)
			close(fd);
	}
	leave(state);
	return fake_plugin_control.start_result;
}

static void emit(struct state *state, struct hm_batch *out)
{
	const char *device = fake_plugin_control.device;
	int missing = fake_plugin_control.missing;

	if (!device)
		device = "";
	if (missing)
		hm_emit_missing(out, &metrics[METRIC_VALUE], missing, device);
	else
		hm_emit(out, &metrics[METRIC_VALUE], state->n_rounds, device);
	hm_emit(out, &metrics[METRIC_EVENTS], state->n_events_reported, device);
}

static int get_current_state(void *memory, struct hm_batch *out)
{
	struct state *state = memory;

	enter(state);
	require(state->is_started, "a round without a start");
	fake_plugin_control.n_gets++;
	while (fake_plugin_control.blocks)
		(void)usleep(POLL_US);
	state->n_rounds++;
	state->n_events_reported = fake_plugin_control.n_events;
	state->may_clean_up = fake_plugin_control.get_result == 0;
	if (!fake_plugin_control.is_gone)
		emit(state, out);
	leave(state);
	return fake_plugin_control.get_result;
}

static void cleanup(void *memory)
{
	struct state *state = memory;

	enter(state);
	require(state->may_clean_up, "cleanup() without a round that succeeded");
	state->may_clean_up = false;
	fake_plugin_control.n_events -= state->n_events_reported;
	fake_plugin_control.n_cleanups++;
	leave(state);
}

static void stop_collect(void *memory)
{
	struct state *state = memory;

	enter(state);
	require(state->is_started, "a stop without a start");
	state->is_started = false;
	fake_plugin_control.n_stops++;
	leave(state);
}

const struct hm_plugin fake_plugin = {
	HM_PLUGIN_HEADER,
	.name = "fake",
	.help = "What a test wants.",
	.looks_for = "nothing",
	.metrics = metrics,
	.n_metrics = N_METRICS,
	.udev_subsystem = "fake",
	.state_size = sizeof(struct state),
	.start_collect = start_collect,
	.get_current_state = get_current_state,
	.cleanup = cleanup,
	.stop_collect = stop_collect,
};
