/* SPDX-License-Identifier: MIT */
/* The files of hwmon's sensors: which metric each is. */

#include "plugins/hwmon_sensors.h"

#include <string.h>

#define FOLDER "/sys/class/hwmon/hwmon*/"

#define DIGITS "0123456789"

#define ENDING(ending, unit, read, kind, ...) ending
#define UNIT(ending, unit, read, kind, ...)   unit
#define READ(ending, unit, read, kind, ...)   read
#define KIND(ending, unit, read, kind, ...)   kind
#define SCALE(ending, unit, read, kind, ...)  __VA_ARGS__

#define SENSOR_METRIC(type, property, ending_of, unit_of, help_of)                                 \
	{                                                                                          \
		.name = "node_hwmon_" ending_of unit_of(ENDING),                                   \
		.unit = unit_of(UNIT),                                                             \
		.help = (help_of),                                                                 \
		.source = FOLDER type "*_" property ", " unit_of(READ),                            \
		.kind = unit_of(KIND),                                                             \
		.labels = {"chip", "sensor"},                                                      \
	},

const struct hm_metric hwmon_metrics[HWMON_N_METRICS] = {
	[HWMON_CHIP_NAMES] =
		{
			.name = "node_hwmon_chip_names",
			.unit = "",
			.help = "Always 1; what the driver calls the chip.",
			.source = FOLDER "name, a word",
			.kind = HM_GAUGE,
			.labels = {"chip", "chip_name"},
		},
	[HWMON_SENSOR_LABEL] =
		{
			.name = "node_hwmon_sensor_label",
			.unit = "",
			.help = "Always 1; what the driver says the sensor is for.",
			.source = FOLDER "*_label, a text",
			.kind = HM_GAUGE,
			.labels = {"chip", "sensor", "label"},
		},
	HWMON_SENSORS(SENSOR_METRIC)};

#define SENSOR_FILE(type, property, ending_of, unit_of, help_of) {type, property, {unit_of(SCALE)}},

/* In the order of the metrics behind HWMON_N_INFO_METRICS. */
static const struct {
	const char *type;
	const char *property;
	struct hm_attribute scale;
} sensors[] = {HWMON_SENSORS(SENSOR_FILE)};

static bool parse_name(const char *file, struct hwmon_file_name *ret_name)
{
	struct hm_span digits;

	ret_name->type = (struct hm_span){file, strcspn(file, DIGITS)};
	digits.start = file + ret_name->type.length;
	digits.length = strspn(digits.start, DIGITS);
	ret_name->property = digits.start + digits.length;
	ret_name->number = 0;
	if (digits.length > 0 && hm_span_uint64(digits, &ret_name->number) < 0)
		return false;
	if (*ret_name->property == '_')
		ret_name->property++;
	else if (*ret_name->property)
		return false;
	return ret_name->type.length > 0;
}

bool hwmon_sensor_find(const char *file, struct hwmon_file_name *ret_name, size_t *ret_place)
{
	bool is_label;

	if (!parse_name(file, ret_name))
		return false;
	is_label = strcmp(ret_name->property, "label") == 0;
	for (size_t i = 0; i < sizeof(sensors) / sizeof(sensors[0]); i++) {
		if (!hm_span_equals(ret_name->type, sensors[i].type) ||
		    !(is_label || strcmp(ret_name->property, sensors[i].property) == 0))
			continue;
		*ret_place = (is_label ? (size_t)HWMON_LABEL : (size_t)HWMON_N_INFO_METRICS) + i;
		return true;
	}
	return false;
}

struct hm_attribute hwmon_sensor_attribute(size_t place)
{
	struct hm_attribute attribute = sensors[place - HWMON_N_INFO_METRICS].scale;

	attribute.metric = &hwmon_metrics[place];
	return attribute;
}
