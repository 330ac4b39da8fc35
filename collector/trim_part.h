/* SPDX-License-Identifier: MIT */
#ifndef COLLECTOR_TRIM_PART_H
#define COLLECTOR_TRIM_PART_H

/* What the parts of the trimming of files share: reading what there is. */

#include <fcntl.h>
#include <stdio.h>

#include "collector/metric_place.h"
#include "collector/trim.h"

/* What is given back to the file system at a time. */
#define TRIM_PAGE_BYTES ((uint64_t)4096)

#define TRIM_PATH_BYTES (CATALOG_FILE_NAME_BYTES * 2)

/* A part that is being read. */
struct trim_source {
	char path[TRIM_PATH_BYTES];
	struct metric_file_place place;
	struct file_reader reader;
	int fd;
};

/* How many samples, or absences, there are, and count. */
struct trim_tally {
	size_t n_alive;
	size_t n_unmasked; /* so many are not deleted; the rest of them is too old */
	size_t n_known;    /* so many were not deleted until now */
	size_t n;          /* that are there */
};

/* A column of a block; only what counts of it. */
struct trim_column {
	uint32_t id;
	struct metric_file_sample *samples; /* borrowed until the next column */
	struct metric_file_sample *absences;
	struct trim_tally n_samples;
	struct trim_tally n_absences;
};

static inline struct catalog_data *trim_data(const struct group_file *file)
{
	return &file->file->data[file->side];
}

/* How many parts a file has, the present one among them. */
static inline size_t trim_n_parts(const struct group_file *file)
{
	return trim_data(file)->n_parts + 1;
}

/* One of them; nobody else changes them. */
static inline struct catalog_part trim_get_part(const struct group_file *file, size_t index)
{
	const struct catalog_data *data = trim_data(file);
	const struct metric_file_end *end = &data->end;

	if (index < data->n_parts)
		return data->parts[index];
	return (struct catalog_part){
		.part = end->part,
		.continues_bytes = end->continues_bytes,
		.length_bytes = end->length_bytes,
	};
}

static inline void trim_part_path(const struct catalog_file *file, enum catalog_side side,
				  uint32_t part, uint64_t continues_bytes,
				  char path[static TRIM_PATH_BYTES])
{
	char name[CATALOG_FILE_NAME_BYTES];

	catalog_file_name(file, side, part, continues_bytes, name);
	(void)snprintf(path, TRIM_PATH_BYTES, "%s/%s", file->host->folder, name);
}

/* Before which time nothing of the file counts. */
static inline int64_t trim_horizon(const struct group_file *file)
{
	return file->side == CATALOG_SIDE_MAIN ? file->of->horizon_us : CATALOG_NO_TIME;
}

static inline struct tombstone trim_mask(const struct group_mask *mask)
{
	return (struct tombstone){mask->series->id, mask->position, mask->since_us, mask->until_us};
}

static inline void trim_tally_add(struct trim_tally *tally, const struct trim_tally *more)
{
	tally->n_alive += more->n_alive;
	tally->n_unmasked += more->n_unmasked;
	tally->n_known += more->n_known;
	tally->n += more->n;
}

/* @return 0; -ENODATA: nothing of it counts; as metric_file_load(); trim_close_part() in any case */
int trim_open_part(const struct trim *trim, const struct group_file *file, size_t index,
		   struct trim_source *ret_source);
void trim_close_part(const struct trim *trim, struct trim_source *source);

/* Have what the file's blocks say is deleted, and what they do not say yet. @return 0 or -ENOMEM */
int trim_join_tombstones(struct trim *trim, const struct group *group,
			 const struct group_file *file);

/* A column of the block that is in the decoder, by trim->tombstones and the horizon. @return 0 or -errno */
int trim_read_column(struct trim *trim, const struct group_file *file, size_t index,
		     uint64_t position, struct trim_column *ret_column);

#endif
