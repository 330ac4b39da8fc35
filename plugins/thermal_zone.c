/* SPDX-License-Identifier: MIT */
/* Temperature of every thermal zone, and how hard every cooling device works. */

#include <bsd/string.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "hostmetrics/plugin.h"
#include "hostmetrics/sysfs.h"

enum metric {
	METRIC_TEMPERATURE,
	METRIC_COOLING_STATE,
	METRIC_COOLING_STATE_MAX,
	N_METRICS,
};

static const struct hm_metric metrics[N_METRICS] = {
	[METRIC_TEMPERATURE] =
		{
			.name = "node_thermal_zone_temp",
			.unit = "celsius",
			.help = "Temperature of the thermal zone in degrees Celsius.",
			.source = "/sys/class/thermal/thermal_zone*/temp, millidegrees Celsius",
			.kind = HM_GAUGE,
			.labels = {"zone", "type"},
		},
	[METRIC_COOLING_STATE] =
		{
			.name = "node_cooling_device_cur_state",
			.unit = "",
			.help = "Throttle state of the cooling device now; -1 where it cannot tell.",
			.source = "/sys/class/thermal/cooling_device*/cur_state, steps",
			.kind = HM_GAUGE,
			.labels = {"name", "type"},
		},
	[METRIC_COOLING_STATE_MAX] =
		{
			.name = "node_cooling_device_max_state",
			.unit = "",
			.help = "Highest throttle state of the cooling device.",
			.source = "/sys/class/thermal/cooling_device*/max_state, steps",
			.kind = HM_GAUGE,
			.labels = {"name", "type"},
		},
};

/*
 * The files that are read, in the order of the metrics. A zone whose mode is "disabled" is read too:
 * the kernel no longer acts on it, and still tells its temperature or why it cannot.
 */
struct attribute {
	const char *devices; /* what their names begin with; a number follows */
	const char *file;
	double steps_per_unit;
};

static const struct attribute attributes[N_METRICS] = {
	[METRIC_TEMPERATURE] = {"thermal_zone", "temp", 1000},
	[METRIC_COOLING_STATE] = {"cooling_device", "cur_state", 1},
	[METRIC_COOLING_STATE_MAX] = {"cooling_device", "max_state", 1},
};

/* One file of one device, which is one series. */
struct sensor {
	enum metric metric;
	int fd;    /* kept; -1 when `error` is set */
	int error; /* 0, or why it could not be opened or named */
	char number[HM_DEVICE_NAME_MAX];
	char type[128];
};

struct state {
	const struct hm_host *host;
	enum metric searched; /* during start_collect() */
	struct sensor *sensors;
	size_t n_sensors;
};

static int open_file(const struct state *state, const char *device, const char *file)
{
	char path[256];
	int length = snprintf(path, sizeof(path), "/sys/class/thermal/%s/%s", device, file);

	if (length < 0 || (size_t)length >= sizeof(path))
		return -ENAMETOOLONG;
	return hm_open(state->host, path);
}

static int read_type(const struct state *state, const char *device, struct sensor *sensor)
{
	int fd = open_file(state, device, "type");
	int result;

	if (fd < 0)
		return fd;
	result = hm_read_string(fd, sensor->type, sizeof(sensor->type));
	close(fd);
	return result;
}

static int add_sensor(void *context, const char *device)
{
	struct state *state = context;
	const struct attribute *attribute = &attributes[state->searched];
	size_t n_sensors = state->n_sensors + 1;
	struct sensor *sensors = reallocarray(state->sensors, n_sensors, sizeof(*sensors));
	struct sensor *sensor;

	if (!sensors)
		return -ENOMEM;
	state->sensors = sensors;
	sensor = &sensors[state->n_sensors];
	*sensor = (struct sensor){.metric = state->searched, .fd = -1};
	state->n_sensors = n_sensors;

	if (strlcpy(sensor->number, device + strlen(attribute->devices), sizeof(sensor->number)) >=
	    sizeof(sensor->number))
		return -ENAMETOOLONG;
	/* What cannot be read now is told again with each round until udev reports a change. */
	sensor->error = read_type(state, device, sensor);
	if (sensor->error < 0)
		return 0;
	sensor->fd = open_file(state, device, attribute->file);
	if (sensor->fd < 0)
		sensor->error = sensor->fd;
	return 0;
}

static int start_collect(void *memory, const struct hm_host *host)
{
	struct state *state = memory;

	state->host = host;
	for (size_t i = 0; i < N_METRICS; i++) {
		char pattern[HM_DEVICE_NAME_MAX];
		int result;

		state->searched = (enum metric)i;
		(void)snprintf(pattern, sizeof(pattern), "%s[0-9]*", attributes[i].devices);
		result = hm_devices_find(host, "thermal", pattern, add_sensor, state);
		if (result < 0)
			return result;
	}
	return state->n_sensors > 0 ? 0 : -ENODEV;
}

static int get_current_state(void *memory, struct hm_batch *out)
{
	struct state *state = memory;
	int result = -ENODATA;

	for (size_t i = 0; i < state->n_sensors; i++) {
		const struct sensor *sensor = &state->sensors[i];
		const struct hm_metric *metric = &metrics[sensor->metric];
		int64_t steps = 0;
		int error = sensor->error;

		if (error == 0)
			error = hm_read_int64(sensor->fd, &steps);
		/* A sensor that sleeps answers EAGAIN or EINVAL: no sample, and the reason. */
		if (error < 0) {
			hm_emit_missing(out, metric, error, sensor->number, sensor->type);
			if (result < 0)
				result = error;
			continue;
		}
		hm_emit(out, metric, (double)steps / attributes[sensor->metric].steps_per_unit,
			sensor->number, sensor->type);
		result = 0;
	}
	return result;
}

static void stop_collect(void *memory)
{
	struct state *state = memory;

	for (size_t i = 0; i < state->n_sensors; i++) {
		if (state->sensors[i].fd >= 0)
			close(state->sensors[i].fd);
	}
	free(state->sensors);
}

HM_PLUGIN(thermal_zone) = {
	HM_PLUGIN_HEADER,
	.name = "thermal_zone",
	.help = "Temperature of every thermal zone, and how hard every cooling device works.",
	.looks_for = "/sys/class/thermal/thermal_zone* and cooling_device*",
	.metrics = metrics,
	.n_metrics = N_METRICS,
	.udev_subsystem = "thermal",
	.state_size = sizeof(struct state),
	.start_collect = start_collect,
	.get_current_state = get_current_state,
	/* No .cleanup: nothing accumulates between two rounds. */
	.stop_collect = stop_collect,
};
