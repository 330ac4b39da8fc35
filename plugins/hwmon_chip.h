/* SPDX-License-Identifier: MIT */
#ifndef PLUGINS_HWMON_CHIP_H
#define PLUGINS_HWMON_CHIP_H

/*
 * What node_exporter calls a chip: the number in hwmon0 depends on the order in which drivers were loaded, the
 * device that it belongs to does not.
 */

#include <stddef.h>

#include "hostmetrics/plugin.h"

#define HWMON_CHIP_NAME_MAX 256

struct hwmon_chip {
	char device[64]; /* "hwmon0" */
	char base
		[HWMON_CHIP_NAME_MAX]; /* of its device: "platform_coretemp_0"; or as near as it gets */
	char own_name[HWMON_CHIP_NAME_MAX]; /* its file `name`, cleaned: "coretemp"; "" = none */
};

/*
 * Make a name of a text as node_exporter does: small letters, digits, ':' and '_'; each other character is '_', those
 * at the ends go.
 */
void hwmon_chip_clean(char *text);

/* Name a chip. @param device  "hwmon0" @return 0; -ENAMETOOLONG */
int hwmon_chip_init(struct hwmon_chip *chip, const struct hm_host *host, const char *device);

#endif
