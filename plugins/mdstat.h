/* SPDX-License-Identifier: MIT */
#ifndef PLUGINS_MDSTAT_H
#define PLUGINS_MDSTAT_H

/* What /proc/mdstat says of an array, line by line. */

#include "hostmetrics/sysfs.h"

#define MDSTAT_N_STATES 6

/* What an array may be in, "active" first. */
extern const char *const mdstat_states[MDSTAT_N_STATES] __attribute__((visibility("hidden")));

/* What the lines of one array say. */
struct mdstat {
	char name[HM_DEVICE_NAME_MAX]; /* "" = the line was not the first one of an array */
	bool is_active;
	const char *state; /* one of mdstat_states; NULL = another one */
	size_t n_failed;
	size_t n_spare;
	size_t n_lines; /* after the first one */
	int blocks_error;
	uint64_t blocks;
	bool has_disks; /* the next two can be used */
	uint64_t n_required;
	uint64_t n_active;
	int synced_error;
	uint64_t synced;
};

/* Begin with a line that is not indented: "md0 : active raid1 sdb1[1] sda1[0]". */
void mdstat_begin(struct mdstat *mdstat, struct hm_span line);

/* Take one of the indented lines that follow. */
void mdstat_add(struct mdstat *mdstat, struct hm_span line);

#endif
