/* SPDX-License-Identifier: MIT */
/* The files of hwmon's sensors: which metric each is. */

#include "plugins/hwmon_sensors.h"

#include <stdio.h>
#include <string.h>

#include "plugins/hwmon_chip.h"

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
		.labels = HM_LABELS("chip", "sensor"),                                             \
	},

const struct hm_metric hwmon_metrics[HWMON_N_METRICS] = {
	[HWMON_CHIP_NAMES] =
		{
			.name = "node_hwmon_chip_names",
			.unit = "",
			.help = "Always 1; what the driver calls the chip.",
			.source = FOLDER "name, a word",
			.kind = HM_GAUGE,
			.labels = HM_LABELS("chip", "chip_name"),
		},
	[HWMON_SENSOR_LABEL] =
		{
			.name = "node_hwmon_sensor_label",
			.unit = "",
			.help = "Always 1; what the driver says the sensor is for.",
			.source = FOLDER "*_label, a text",
			.kind = HM_GAUGE,
			.labels = HM_LABELS("chip", "sensor", "label"),
		},
	HWMON_SENSORS(SENSOR_METRIC)};

#define SENSOR_FILE(type, property, ending_of, unit_of, help_of) {type, property, {unit_of(SCALE)}},

/* In the order of the metrics behind HWMON_N_INFO_METRICS. */
static const struct {
	const char *type;
	const char *property;
	struct hm_attribute scale;
} sensors[] = {HWMON_SENSORS(SENSOR_FILE)};

bool hwmon_name_parse(const char *file, struct hwmon_file_name *ret_name)
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

bool hwmon_sensor_find(const struct hwmon_file_name *name, size_t *ret_place)
{
	bool is_label = strcmp(name->property, "label") == 0;

	for (size_t i = 0; i < sizeof(sensors) / sizeof(sensors[0]); i++) {
		if (!hm_span_equals(name->type, sensors[i].type) ||
		    !(is_label || strcmp(name->property, sensors[i].property) == 0))
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

#define TYPE(type, unit_of)                                                                        \
	{                                                                                          \
		type, unit_of(ENDING), unit_of(UNIT), unit_of(READ), unit_of(KIND),                \
		{                                                                                  \
			unit_of(SCALE)                                                             \
		}                                                                                  \
	}

/* What the properties of a type are by default; the last one: what some are whatever the type. */
static const struct type {
	const char *type;
	const char *ending;
	const char *unit;
	const char *read;
	enum hm_kind kind;
	struct hm_attribute scale;
} types[] = {
	TYPE("temp", CELSIUS), TYPE("in", VOLTS),        TYPE("cpu", VOLTS),
	TYPE("curr", AMPERES), TYPE("power", WATTS),     TYPE("energy", JOULES),
	TYPE("fan", PLAIN),    TYPE("humidity", RATIO),  TYPE("pwm", PLAIN),
	TYPE("freq", PLAIN),   TYPE("intrusion", PLAIN), TYPE("", PLAIN),
};

#define N_TYPES (sizeof(types) / sizeof(types[0]) - 1)

static const struct type *find_type(const struct hwmon_file_name *name)
{
	const char *property = name->property;
	bool is_plain = strcmp(property, "fault") == 0 || strcmp(property, "alarm") == 0 ||
			strcmp(property, "beep") == 0;

	for (size_t i = 0; i < N_TYPES; i++) {
		if (hm_span_equals(name->type, types[i].type))
			return &types[is_plain ? N_TYPES : i];
	}
	return NULL;
}

static uint64_t hash_name(const char *name)
{
	uint64_t hash = 5381;

	while (*name)
		hash = hash * 33 + (unsigned char)*name++;
	return hash | UINT64_C(1) << 63;
}

bool hwmon_property_init(struct hwmon_property *property, const struct hwmon_file_name *name)
{
	static const char *const labels[] = {"chip", "sensor", NULL};
	const struct type *type = find_type(name);
	char cleaned[64];
	int length;

	/* The numbers themselves are in the table. */
	if (!type || strcmp(name->property, "input") == 0 ||
	    strlen(name->property) >= sizeof(cleaned))
		return false;
	(void)stpcpy(cleaned, name->property);
	hwmon_chip_clean(cleaned);
	if (!*cleaned)
		return false;
	length = snprintf(property->name, sizeof(property->name), "node_hwmon_%.*s_%s%s%s",
			  (int)name->type.length, name->type.start, cleaned, type->ending,
			  strcmp(name->property, "beep") == 0 ? "_enabled" : "");
	if (length < 0 || (size_t)length >= sizeof(property->name))
		return false;
	(void)snprintf(property->source, sizeof(property->source), FOLDER "%.*s*_%s, %s",
		       (int)name->type.length, name->type.start, name->property, type->read);
	property->metric = (struct hm_metric){
		.name = property->name,
		.unit = type->unit,
		.help = "What the driver of a chip has beside.",
		.source = property->source,
		.kind = type->kind,
		.labels = labels,
	};
	property->attribute = type->scale;
	property->place = hash_name(property->name);
	return true;
}
