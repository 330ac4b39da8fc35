/* SPDX-License-Identifier: MIT */
/* Temperature of every thermal zone, and how hard every cooling device works. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

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
			.labels = HM_LABELS("zone", "type"),
		},
	[METRIC_COOLING_STATE] =
		{
			.name = "node_cooling_device_cur_state",
			.unit = "",
			.help = "Throttle state of the cooling device now; -1 where it cannot tell.",
			.source = "/sys/class/thermal/cooling_device*/cur_state, steps",
			.kind = HM_GAUGE,
			.labels = HM_LABELS("name", "type"),
		},
	[METRIC_COOLING_STATE_MAX] =
		{
			.name = "node_cooling_device_max_state",
			.unit = "",
			.help = "Highest throttle state of the cooling device.",
			.source = "/sys/class/thermal/cooling_device*/max_state, steps",
			.kind = HM_GAUGE,
			.labels = HM_LABELS("name", "type"),
		},
};

/*
 * The files that are read, in the order of the metrics. A zone whose mode is "disabled" is read too:
 * the kernel no longer acts on it, and still tells its temperature or why it cannot.
 */
static const struct {
	const char *devices; /* what their names begin with; a number follows */
	struct hm_attribute attribute;
} files[N_METRICS] = {
	[METRIC_TEMPERATURE] = {"thermal_zone",
				{"temp", &metrics[METRIC_TEMPERATURE], .divisor = 1000,
				 .is_integer = true}},
	[METRIC_COOLING_STATE] = {"cooling_device",
				  {"cur_state", &metrics[METRIC_COOLING_STATE],
				   .is_integer = true}},
	[METRIC_COOLING_STATE_MAX] = {"cooling_device",
				      {"max_state", &metrics[METRIC_COOLING_STATE_MAX],
				       .is_integer = true}},
};

struct state {
	const struct hm_host *host;
	enum metric searched; /* during start_collect() */
	struct hm_attributes sensors;
};

/* What cannot be read now is told again with each round until udev reports a change. */
static int add_sensor(void *context, const char *device)
{
	struct state *state = context;
	const struct hm_attribute *attribute = &files[state->searched].attribute;
	const char *number = device + strlen(files[state->searched].devices);
	char folder[sizeof("/sys/class/thermal/cooling_device") + HM_DEVICE_NAME_MAX];
	char path[sizeof(folder) + sizeof("/type")];
	char type[128];
	int result;

	if (strlen(number) >= HM_DEVICE_NAME_MAX)
		return -ENAMETOOLONG;
	(void)snprintf(folder, sizeof(folder), "/sys/class/thermal/%s", device);
	(void)snprintf(path, sizeof(path), "%s/type", folder);
	result = hm_read_line_of(state->host, path, type, sizeof(type));
	if (result == 0)
		result = hm_attributes_add(&state->sensors, state->host, attribute, folder, number,
					   type);
	if (result == 0 || result == -ENOMEM)
		return result;
	return hm_attributes_add_missing(&state->sensors, attribute->metric, result, number, type);
}

static int start_collect(void *memory, const struct hm_host *host)
{
	struct state *state = memory;

	state->host = host;
	for (size_t i = 0; i < N_METRICS; i++) {
		char pattern[HM_DEVICE_NAME_MAX];
		int result;

		state->searched = (enum metric)i;
		(void)snprintf(pattern, sizeof(pattern), "%s[0-9]*", files[i].devices);
		result = hm_devices_find(host, "thermal", pattern, add_sensor, state);
		if (result < 0)
			return result;
	}
	return state->sensors.n > 0 ? 0 : -ENODEV;
}

/* A sensor that sleeps answers EAGAIN or EINVAL: no sample, and the reason. */
static int get_current_state(void *memory, struct hm_batch *out)
{
	struct state *state = memory;

	return hm_attributes_emit(&state->sensors, state->host, out);
}

static void stop_collect(void *memory)
{
	struct state *state = memory;

	hm_attributes_close(&state->sensors);
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
