/* SPDX-License-Identifier: MIT */
#ifndef COLLECTOR_METRIC_PLACE_H
#define COLLECTOR_METRIC_PLACE_H

/* Which metric file, and how much of it counts: what loading and reading one begin with. */

#include <stdbool.h>
#include <stdint.h>

#include "collector/metric_file.h"
#include "common/file_reader.h"

/* @return a descriptor; -errno */
int metric_place_open(const struct disk *disk, const struct metric_file_place *place);

/*
 * Begin to read a file.
 * @param ret_damaged_bytes  so much at its beginning is damaged
 * @return as metric_file_load(); the reader is to be released in any case
 */
int metric_place_begin(struct file_reader *reader, const struct disk *disk, int fd,
		       const struct metric_file_place *place, struct store_file_header *ret_header,
		       uint64_t *ret_damaged_bytes);

/* Does a block of this position count? */
bool metric_place_counts(const struct metric_file_place *place, uint64_t position);

#endif
