/* SPDX-License-Identifier: MIT */
#ifndef PLUGINS_KSTAT_H
#define PLUGINS_KSTAT_H

/* Files of numbers as ZFS writes them, below /proc/spl/kstat. */

#include "hostmetrics/sysfs.h"

#define KSTAT_GROUP_MAX 192

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
 * Emit lines of "name type number", behind the line that says so. Fields without a metric are passed over, as are types
 * other than whole numbers; of two of one name the first counts.
 * @param labels  of each metric of the group, ended by NULL
 */
void kstat_emit_lines(struct hm_batch *out, const struct kstat_group *group, const char *text,
		      const char *const labels[]);

/* Emit a line of numbers that follows a line of names, which begins with that of the first metric. */
void kstat_emit_table(struct hm_batch *out, const struct kstat_group *group, const char *text,
		      const char *const labels[]);

#endif
