/* SPDX-License-Identifier: MIT */
/* The clock: its time, its zone, and what it is driven by. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "hostmetrics/plugin.h"
#include "hostmetrics/sysfs.h"

#define FOLDER "/sys/devices/system/clocksource"

#define NS_PER_S 1e9

/* A longer list of clock sources is not believed. */
#define SOURCES_MAX_BYTES 1024

enum metric {
	METRIC_TIME,
	METRIC_ZONE,
	METRIC_AVAILABLE,
	METRIC_CURRENT,
	N_METRICS,
};

static const struct hm_metric metrics[N_METRICS] = {
	[METRIC_TIME] =
		{
			.name = "node_time_seconds",
			.unit = "seconds",
			.help = "The time by the host's clock, since 1970.",
			.source = "clock_gettime(2), CLOCK_REALTIME, seconds and nanoseconds",
			.kind = HM_GAUGE,
		},
	[METRIC_ZONE] =
		{
			.name = "node_time_zone_offset_seconds",
			.unit = "seconds",
			.help = "How much the host's time zone is ahead of UTC.",
			.source = "localtime_r(3), tm_gmtoff, seconds",
			.kind = HM_GAUGE,
			.labels = HM_LABELS("time_zone"),
		},
	[METRIC_AVAILABLE] =
		{
			.name = "node_time_clocksource_available_info",
			.unit = "",
			.help = "Always 1; its labels tell what can drive the clock.",
			.source = FOLDER "/clocksource*/available_clocksource, 1 for each word",
			.kind = HM_GAUGE,
			.labels = HM_LABELS("device", "clocksource"),
		},
	[METRIC_CURRENT] =
		{
			.name = "node_time_clocksource_current_info",
			.unit = "",
			.help = "Always 1; its labels tell what drives the clock.",
			.source = FOLDER "/clocksource*/current_clocksource, 1",
			.kind = HM_GAUGE,
			.labels = HM_LABELS("device", "clocksource"),
		},
};

struct device {
	char number[HM_DEVICE_NAME_MAX];
	int available_fd; /* or why it could not be opened */
	int current_fd;
};

struct state {
	const struct hm_host *host;
	struct device *devices;
	size_t n_devices;
};

static int open_file(const struct state *state, const char *device, const char *file)
{
	char path[256];
	int length = snprintf(path, sizeof(path), FOLDER "/%s/%s", device, file);

	if (length < 0 || (size_t)length >= sizeof(path))
		return -ENAMETOOLONG;
	return hm_open(state->host, path);
}

static int add_device(void *context, const char *name)
{
	struct state *state = context;
	const char *number = name + strlen("clocksource");
	struct device *devices;
	struct device *device;

	if (strlen(number) >= HM_DEVICE_NAME_MAX)
		return -ENAMETOOLONG;
	devices = reallocarray(state->devices, state->n_devices + 1, sizeof(*devices));
	if (!devices)
		return -ENOMEM;
	state->devices = devices;
	device = &devices[state->n_devices++];
	memcpy(device->number, number, strlen(number) + 1);
	device->available_fd = open_file(state, name, "available_clocksource");
	device->current_fd = open_file(state, name, "current_clocksource");
	return 0;
}

static int start_collect(void *memory, const struct hm_host *host)
{
	struct state *state = memory;
	int result;

	state->host = host;
	result = hm_folder_find(host, FOLDER, "clocksource[0-9]*", add_device, state);
	if (result < 0 && result != -ENOENT)
		return result;
	/* Once: localtime_r(3) does not look whether the host was given another zone. */
	tzset();
	/* A folder has no clock. */
	return hm_is_redirected(host) && state->n_devices == 0 ? -ENODEV : 0;
}

static int emit_clock(struct hm_batch *out)
{
	struct timespec now;
	struct tm local;

	if (clock_gettime(CLOCK_REALTIME, &now) < 0)
		return -errno;
	hm_emit(out, &metrics[METRIC_TIME],
		(double)((int64_t)now.tv_sec * (int64_t)NS_PER_S + now.tv_nsec) / NS_PER_S);
	if (localtime_r(&now.tv_sec, &local))
		hm_emit(out, &metrics[METRIC_ZONE], (double)local.tm_gmtoff, local.tm_zone);
	return 0;
}

/* Was the word in the text before where it stands? */
static bool is_repeated(struct hm_span text, struct hm_span word)
{
	struct hm_span before;

	while (hm_next_word(&text, &before) && before.start != word.start) {
		if (before.length == word.length &&
		    memcmp(before.start, word.start, word.length) == 0)
			return true;
	}
	return false;
}

/* @return 0 when there was a value */
static int emit_words(struct hm_batch *out, const struct hm_metric *metric, int fd,
		      const char *device)
{
	char text[SOURCES_MAX_BYTES];
	struct hm_span whole;
	struct hm_span rest;
	struct hm_span word;
	int error = fd < 0 ? fd : hm_read_string(fd, text, sizeof(text));
	int result = -ENODATA;

	if (error < 0) {
		hm_emit_missing(out, metric, error, device, "");
		return error;
	}
	whole = (struct hm_span){text, strlen(text)};
	rest = whole;
	while (hm_next_word(&rest, &word)) {
		char name[SOURCES_MAX_BYTES];

		if (is_repeated(whole, word))
			continue;
		memcpy(name, word.start, word.length);
		name[word.length] = '\0';
		hm_emit(out, metric, 1, device, name);
		result = 0;
	}
	return result;
}

static int get_current_state(void *memory, struct hm_batch *out)
{
	struct state *state = memory;
	int result = -ENODATA;

	if (!hm_is_redirected(state->host))
		result = emit_clock(out);
	for (size_t i = 0; i < state->n_devices; i++) {
		const struct device *device = &state->devices[i];

		if (emit_words(out, &metrics[METRIC_AVAILABLE], device->available_fd,
			       device->number) == 0)
			result = 0;
		if (emit_words(out, &metrics[METRIC_CURRENT], device->current_fd, device->number) ==
		    0)
			result = 0;
	}
	return result;
}

static void stop_collect(void *memory)
{
	struct state *state = memory;

	for (size_t i = 0; i < state->n_devices; i++) {
		if (state->devices[i].available_fd >= 0)
			close(state->devices[i].available_fd);
		if (state->devices[i].current_fd >= 0)
			close(state->devices[i].current_fd);
	}
	free(state->devices);
}

HM_PLUGIN(time) = {
	HM_PLUGIN_HEADER,
	.name = "time",
	.help = "The clock: its time, its zone, and what it is driven by.",
	.looks_for = "clock_gettime(2) and " FOLDER,
	.metrics = metrics,
	.n_metrics = N_METRICS,
	.state_size = sizeof(struct state),
	.start_collect = start_collect,
	.get_current_state = get_current_state,
	/* No .cleanup: nothing accumulates between two rounds. */
	.stop_collect = stop_collect,
};
