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

/* Is it a sensor's file? @param ret_place  a metric, or HWMON_LABEL and more */
bool hwmon_sensor_find(const char *file, struct hwmon_file_name *ret_name, size_t *ret_place);

/* How the number in a sensor's file is read. Its `file` is NULL. */
struct hm_attribute hwmon_sensor_attribute(size_t place);

#endif
