/* SPDX-License-Identifier: MIT */
#ifndef PLUGINS_HWMON_SENSORS_H
#define PLUGINS_HWMON_SENSORS_H

/* The files of hwmon's sensors: which metric each is. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hostmetrics/plugin.h"
#include "hostmetrics/sysfs.h"
#include "plugins/hwmon_table.h"

#define HWMON_COUNT(type, property, name, unit, help) +1

enum {
	HWMON_CHIP_NAMES,
	HWMON_SENSOR_LABEL,
	HWMON_N_INFO_METRICS,
	HWMON_N_METRICS = HWMON_N_INFO_METRICS HWMON_SENSORS(HWMON_COUNT),
	/* Places from here on are labels of sensors: text, one for each type. */
	HWMON_LABEL = HWMON_N_METRICS,
};

extern const struct hm_metric hwmon_metrics[HWMON_N_METRICS];

/* A file's name taken apart: "temp1_max" is type "temp", number 1, property "max". */
struct hwmon_file_name {
	struct hm_span type;
	uint64_t number; /* 0 where there is none */
	const char *property;
};

/* @return false: it is no name of a sensor's file */
bool hwmon_name_parse(const char *file, struct hwmon_file_name *ret_name);

/* What is it of the table? @param ret_place  a metric, or HWMON_LABEL and more. @return false: nothing */
bool hwmon_sensor_find(const struct hwmon_file_name *name, size_t *ret_place);

/* A property that no metric of the table is for: what some drivers have beside. */
struct hwmon_property {
	char name[96];
	char source[128];
	struct hm_metric metric; /* for hm_metric_new() */
	struct hm_attribute attribute;
	uint64_t place; /* as those of the table, but none of them */
};

/*
 * Name what hwmon_sensor_find() did not find as node_exporter does.
 * @return false: it is of no type of sensors, or has no property
 */
bool hwmon_property_init(struct hwmon_property *property, const struct hwmon_file_name *name);

/* How the number in a sensor's file is read. Its `file` is NULL. */
struct hm_attribute hwmon_sensor_attribute(size_t place);

#endif
