/* SPDX-License-Identifier: MIT */
#ifndef PLUGINS_INFO_H
#define PLUGINS_INFO_H

/* Metrics that are always 1 and say by their labels what a device is: its name, and texts of its files. */

#include <stdbool.h>
#include <stddef.h>

#include "hostmetrics/plugin.h"
#include "hostmetrics/sysfs.h"

#define INFO_FILES_MAX 12
#define INFO_TEXT_MAX  128

/* A file that is a label. Constant. */
struct info_file {
	const char *name;
	bool is_changing; /* it is read in each round */
};

/* A device's series. Zeroed = none. */
struct info {
	const struct hm_metric *metric;
	int error; /* 0, or why labels are not known, which is told in each round */
	size_t n_files;
	char device[HM_DEVICE_NAME_MAX];
	int fds[INFO_FILES_MAX]; /* -1: it does not change, or is not there */
	char texts[INFO_FILES_MAX][INFO_TEXT_MAX];
};

/* Those of all devices of a plugin. Zeroed = none. */
struct infos {
	struct info *list;
	size_t n;
};

/*
 * Add a device: read its files that do not change, and open the others.
 * @param metric  borrowed; its labels are the device's name and then the files, in their order. A file that is not
 * there, or cannot be read, is a label without text, which is as none; but where descriptors or memory lacked, the series is missing
 * @param device  shorter than HM_DEVICE_NAME_MAX
 * @param files   ended by one without a name
 * @return 0 or -ENOMEM
 */
int infos_add(struct infos *infos, const struct hm_host *host, const struct hm_metric *metric,
	      const char *folder, const char *device, const struct info_file files[]);

/* Read the files that change, and emit all series. */
void infos_emit(const struct infos *infos, struct hm_batch *out);

void infos_close(struct infos *infos);

#endif
