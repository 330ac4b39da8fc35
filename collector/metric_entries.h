/* SPDX-License-Identifier: MIT */
#ifndef COLLECTOR_METRIC_ENTRIES_H
#define COLLECTOR_METRIC_ENTRIES_H

/*
 * What columns have at their times, samples and absences in one order: which series share a block, and where it is
 * cut, depends on the times alone.
 */

#include <stddef.h>
#include <stdint.h>

#include "collector/metric_file.h"

/* Zeroed = none. */
struct metric_entries {
	/* Their samples are entries: where one has a reason, it is an absence, and has no value. */
	const struct metric_file_column *columns;
	const uint8_t *
		*reasons; /* of each column, for each of its entries; NULL: none has absences */
	struct metric_file_column *made; /* NULL: the columns are those that were given */
	struct metric_file_sample *entries;
	uint8_t *bytes; /* of the reasons */
};

/*
 * @param columns      borrowed until the end of the entries; both lists of each by growing time
 * @param ret_entries  to be released, in any case
 * @return 0 or -ENOMEM
 */
int metric_entries_make(const struct metric_file_column *columns, size_t n_columns,
			struct metric_entries *ret_entries);

void metric_entries_done(struct metric_entries *entries);

/* The reasons of a column. @return NULL: it has samples only */
static inline const uint8_t *metric_entries_reasons(const struct metric_entries *entries,
						    size_t column)
{
	return entries->reasons ? entries->reasons[column] : NULL;
}

#endif
