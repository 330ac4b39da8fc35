/* SPDX-License-Identifier: MIT */
#ifndef PLUGINS_KSTAT_H
#define PLUGINS_KSTAT_H

/* Files of numbers as ZFS writes them, below /proc/spl/kstat. */

#include "hostmetrics/sysfs.h"

#define KSTAT_GROUP_MAX 192

/* Of a text so many fields get a metric that the group does not have. */
#define KSTAT_NEWER_MAX 64

/* One file's fields and their metrics, which may be more than it has. */
struct kstat_group {
	const char *file;
	const char *
		prefix; /* of the names of the metrics; the field's name follows, with '_' for '-' */
	const struct hm_metric *
		metrics; /* those that mostly follow each other in the file too: then they are found fast */
	size_t n; /* at most KSTAT_GROUP_MAX */
};

/*
 * Emit lines of "name type number", behind the line that says so. A field of a later version, which has no metric in the
 * group, gets one (hm_metric_new()), a gauge. Types other than whole numbers are passed over; of two of one name the first
 * counts.
 * @param labels  of each metric of the group, ended by NULL
 */
void kstat_emit_lines(struct hm_batch *out, const struct hm_host *host,
		      const struct kstat_group *group, const char *text,
		      const char *const labels[]);

/* Emit a line of numbers that follows a line of names, which begins with that of the first metric. */
void kstat_emit_table(struct hm_batch *out, const struct hm_host *host,
		      const struct kstat_group *group, const char *text,
		      const char *const labels[]);

#endif
