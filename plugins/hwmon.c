/* SPDX-License-Identifier: MIT */
/* What the sensors of boards and chips measure: temperatures, fans, voltages, currents, power, their limits and alarms. */

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hostmetrics/plugin.h"
#include "hostmetrics/sysfs.h"
#include "plugins/hwmon_chip.h"
#include "plugins/hwmon_sensors.h"
#include "plugins/milliseconds.h"

#define CLASS "/sys/class/hwmon"

#define PATH_MAX_BYTES 384

static const struct hm_option options[] = {
	{
		.name = "ignore",
		.fallback = "",
		.help = "Globs of chips to leave out, and of sensors: platform_coretemp_* *;temp9",
	},
	{.name = BUDGET_NAME, .fallback = "10", .help = BUDGET_HELP, .check = milliseconds_check},
};

/* A sensor's file, of which a chip may have one in each of its two folders. */
struct seen {
	size_t place; /* of hwmon_sensor_find() */
	uint64_t number;
};

struct state {
	const struct hm_host *host;
	struct hm_attributes attributes;
	/* During start_collect() only. */
	struct hwmon_chip *chips;
	size_t n_chips;
	char chip[2 * HWMON_CHIP_NAME_MAX]; /* the label of the one whose sensors are looked for */
	char folder[PATH_MAX_BYTES];        /* and where */
	struct seen *seen;
	size_t n_seen;
};

/* @return 1 when it was seen before, 0, -ENOMEM */
static int see(struct state *state, size_t place, uint64_t number)
{
	struct seen *seen;

	for (size_t i = 0; i < state->n_seen; i++) {
		if (state->seen[i].place == place && state->seen[i].number == number)
			return 1;
	}
	seen = reallocarray(state->seen, state->n_seen + 1, sizeof(*seen));
	if (!seen)
		return -ENOMEM;
	state->seen = seen;
	seen[state->n_seen++] = (struct seen){place, number};
	return 0;
}

static int add_label(struct state *state, const char *sensor, const char *path)
{
	const struct hm_metric *metric = &hwmon_metrics[HWMON_SENSOR_LABEL];
	char label[128];
	int result = hm_read_line_of(state->host, path, label, sizeof(label));

	if (result < 0)
		return hm_attributes_add_missing(&state->attributes, metric, result, state->chip,
						 sensor, "");
	hm_label_clean(label, sizeof(label));
	return hm_attributes_add_constant(&state->attributes, metric, 1, state->chip, sensor,
					  label);
}

/* A clock is told by its label; node_exporter passes over one without. @return 0, -ENOENT */
static int read_clock(const struct state *state, const char *path, char label[static 128])
{
	char label_path[PATH_MAX_BYTES];
	int length = (int)(strrchr(path, '_') - path);
	int result;

	(void)snprintf(label_path, sizeof(label_path), "%.*s_label", length, path);
	result = hm_read_line_of(state->host, label_path, label, 128);
	hwmon_chip_clean(label);
	return result < 0 ? -ENOENT : 0;
}

/* So that of two clocks of one label the first one counts. */
static uint64_t hash_clock(const char *label)
{
	uint64_t hash = 5381;

	while (*label)
		hash = hash * 33 + (unsigned char)*label++;
	return hash | UINT64_C(1) << 63;
}

static int add_sensor(struct state *state, size_t place, const char *sensor, const char *path)
{
	struct hm_attribute attribute = hwmon_sensor_attribute(place);
	char clock[128];
	int result;

	if (strncmp(sensor, "freq", 4) == 0) {
		if (read_clock(state, path, clock) < 0)
			return 0;
		result = see(state, place, hash_clock(clock));
		if (result != 0)
			return result < 0 ? result : 0;
		sensor = clock;
	}
	result = hm_attributes_add(&state->attributes, state->host, &attribute, path, state->chip,
				   sensor);
	return result == -ENOENT ? 0 : result;
}

/* Where it is a number now: some can only be written. @return 0, -ENOMEM */
static int add_property(struct state *state, const struct hwmon_file_name *name, const char *sensor,
			const char *path)
{
	struct hwmon_property property;
	char text[64];
	struct hm_span word = {text, 0};
	double number;
	int result;

	if (!hwmon_property_init(&property, name) ||
	    hm_read_line_of(state->host, path, text, sizeof(text)) < 0)
		return 0;
	hm_trim(text);
	word.length = strlen(text);
	if (hm_span_double(word, &number) < 0 ||
	    hm_metric_new(state->host, &property.metric, &property.attribute.metric) < 0)
		return 0;
	result = see(state, property.place, name->number);
	if (result != 0)
		return result < 0 ? result : 0;
	result = hm_attributes_add(&state->attributes, state->host, &property.attribute, path,
				   state->chip, sensor);
	return result == -ENOENT ? 0 : result;
}

static int add_file(void *context, const char *file)
{
	struct state *state = context;
	char sensor[64];
	char chip_and_sensor[sizeof(state->chip) + sizeof(sensor)];
	char path[PATH_MAX_BYTES + NAME_MAX + 2];
	struct hwmon_file_name name;
	size_t place;
	int result;

	if (!hwmon_name_parse(file, &name))
		return 0;
	(void)snprintf(sensor, sizeof(sensor), "%.*s%" PRIu64, (int)name.type.length,
		       name.type.start, name.number);
	(void)snprintf(chip_and_sensor, sizeof(chip_and_sensor), "%s;%s", state->chip, sensor);
	if (hm_globs_take(hm_option(state->host, "ignore"), chip_and_sensor))
		return 0;
	(void)snprintf(path, sizeof(path), "%s/%s", state->folder, file);
	if (!hwmon_sensor_find(&name, &place))
		return add_property(state, &name, sensor, path);
	result = see(state, place, name.number);
	if (result != 0)
		return result < 0 ? result : 0;
	return place >= HWMON_LABEL ? add_label(state, sensor, path)
				    : add_sensor(state, place, sensor, path);
}

/*
 * Chips of one device have its name: each gets its own behind, where they differ in that, or its number.
 */
static void name_chip(struct state *state, const struct hwmon_chip *chip)
{
	char number[sizeof(chip->device)];
	const char *suffix = chip->own_name;
	bool is_shared = false;

	(void)snprintf(number, sizeof(number), "%s", chip->device);
	hwmon_chip_clean(number);
	for (size_t i = 0; i < state->n_chips; i++) {
		const struct hwmon_chip *other = &state->chips[i];

		if (other == chip || strcmp(other->base, chip->base) != 0)
			continue;
		is_shared = true;
		if (!*suffix || strcmp(other->own_name, chip->own_name) == 0)
			suffix = number;
	}
	(void)snprintf(state->chip, sizeof(state->chip), "%s%s%s", chip->base, is_shared ? "_" : "",
		       is_shared ? suffix : "");
}

/* The files of a chip are in its folder; those of old drivers in its device's. */
static int add_chip(struct state *state, const struct hwmon_chip *chip)
{
	static const char *const folders[] = {"", "/device"};
	int result = 0;

	name_chip(state, chip);
	if (hm_globs_take(hm_option(state->host, "ignore"), state->chip))
		return 0;
	if (*chip->own_name) {
		result = hm_attributes_add_constant(&state->attributes,
						    &hwmon_metrics[HWMON_CHIP_NAMES], 1,
						    state->chip, chip->own_name);
	}
	state->n_seen = 0;
	for (size_t i = 0; i < 2 && result == 0; i++) {
		(void)snprintf(state->folder, sizeof(state->folder), CLASS "/%s%s", chip->device,
			       folders[i]);
		result = hm_folder_find(state->host, state->folder, "*", add_file, state);
		/* It has just gone, or has no device. */
		if (result < 0 && result != -ENOMEM)
			result = 0;
	}
	return result;
}

static int find_chip(void *context, const char *device)
{
	struct state *state = context;
	struct hwmon_chip *chips =
		reallocarray(state->chips, state->n_chips + 1, sizeof(*state->chips));

	if (!chips)
		return -ENOMEM;
	state->chips = chips;
	return hwmon_chip_init(&chips[state->n_chips++], state->host, device);
}

static int start_collect(void *memory, const struct hm_host *host)
{
	struct state *state = memory;
	int64_t budget = milliseconds_us(host, BUDGET_NAME);
	int result;

	if (budget < 0)
		return (int)budget;
	state->host = host;
	state->attributes.budget_us = (uint32_t)budget;
	result = hm_devices_find(host, "hwmon", "*", find_chip, state);
	for (size_t i = 0; i < state->n_chips && result == 0; i++)
		result = add_chip(state, &state->chips[i]);
	if (result < 0)
		return result;
	return state->attributes.n > 0 ? 0 : -ENODEV;
}

/* A sensor that sleeps or fails answers EAGAIN, ENODATA, EIO: it is missing, with the reason; the others are not. */
static int get_current_state(void *memory, struct hm_batch *out)
{
	struct state *state = memory;

	return hm_attributes_emit(&state->attributes, state->host, out);
}

static void cleanup(void *memory)
{
	struct state *state = memory;

	hm_attributes_turn(&state->attributes);
}

static void stop_collect(void *memory)
{
	struct state *state = memory;

	hm_attributes_close(&state->attributes);
	free(state->chips);
	free(state->seen);
}

HM_PLUGIN(hwmon) = {
	HM_PLUGIN_HEADER,
	.name = "hwmon",
	.help = "What the sensors of boards and chips measure: temperatures, fans, voltages, power.",
	.looks_for = CLASS "/hwmon*",
	.metrics = hwmon_metrics,
	.n_metrics = HWMON_N_METRICS,
	.options = options,
	.n_options = sizeof(options) / sizeof(options[0]),
	.udev_subsystem = "hwmon",
	.state_size = sizeof(struct state),
	.start_collect = start_collect,
	.get_current_state = get_current_state,
	.cleanup = cleanup,
	.stop_collect = stop_collect,
};
