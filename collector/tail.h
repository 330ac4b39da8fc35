/* SPDX-License-Identifier: MIT */
#ifndef COLLECTOR_TAIL_H
#define COLLECTOR_TAIL_H

/*
 * What the log has of a host's samples beyond its files: the batches between its checkpoint and its
 * last durable one, found by their back links and decoded. One thread at a time for one object.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collector/catalog.h"
#include "collector/epoch.h"
#include "collector/withheld.h"
#include "common/log_file.h"
#include "common/series.h"

struct engine;
struct tail;

/* What was deleted of a host before a place in the log. */
struct tail_mask {
	struct catalog_series **series; /* sorted by their addresses; tail_mask_has() */
	size_t n_series;
	int64_t since_us; /* both belong to the range */
	int64_t until_us;
	uint64_t position; /* of the record */
};

/* Batches of a host, and what it deleted: behind `after`, up to `last`. */
struct tail_range {
	uint32_t host;
	uint64_t after;
	uint64_t last;
};

/* Samples of one series that follow each other. Borrowed for the call. */
struct tail_samples {
	struct catalog_series *series;
	const int64_t *times_us; /* never decreasing */
	const double *values;
	size_t n;
	int64_t received_us;
};

/* A place of a range at which messages are lost. */
struct tail_hole {
	uint64_t position; /* of what lies behind it, or of the last one that is lost */
	int64_t since_us; /* what is lost is of the time between: as the samples around say it, or */
	int64_t until_us; /* else when they came */
	uint64_t n;       /* messages; 0 = not known */
};

struct tail_take {
	void *context;
	/* Samples of a series, in the order of the log, within a batch by series, then by time.
	 * @return 0 or -errno, which ends it */
	int (*samples)(void *context, const struct tail_samples *samples);
	/* Likewise an absence, behind the samples of its column. NULL: they do not matter */
	int (*absence)(void *context, struct catalog_series *series,
		       const struct metric_file_sample *absence, int64_t received_us);
	/* Instead of both, where it is set: a block, its columns not decoded. @param series  by the ids
	 * of its columns; NULL where the metric is not wanted */
	int (*block)(void *context, struct block_decoder *decoder,
		     struct catalog_series *const *series, int64_t received_us);
	/* A message of an agent took its place in its epoch. NULL: that does not matter. @return likewise */
	int (*mark)(void *context, struct epoch *epoch, const struct epoch_mark *mark);
	/* A GAP, CLOCK or SCHEDULE of an agent, or a DELETE. NULL: they do not matter. @return likewise */
	int (*message)(void *context, const struct log_record *record);
	/* Is any series of a metric wanted? A batch that names its own series without one
	 * is passed over. NULL = all are */
	bool (*wants)(void *context, struct series_text metric);
	/* What goes before this is deleted, in files and in the log. Borrowed for the call. NULL: what
	 * is deleted does not matter. @return likewise */
	int (*mask)(void *context, const struct tail_mask *mask);
};

/* Does it name this series? */
bool tail_mask_has(const struct tail_mask *mask, const struct catalog_series *series);

/* @param engine  borrowed. @return 0 or -ENOMEM */
int tail_new(struct engine *engine, struct tail **ret_tail);

/* Takes NULL. */
void tail_free(struct tail *tail);

/*
 * Whether what the disk does not give is waited for: then -EIO is returned, not least by tail_result(), and what
 * was found is worth nothing. Else, as at first, it counts as damaged.
 */
void tail_await(struct tail *tail, bool is_awaited);

/* Was all given that was wanted since? @return 0 or -errno; 0 where nothing is waited for */
int tail_result(struct tail *tail);

/* What was not given, whether it is waited for or not. */
void tail_get_withheld(struct tail *tail, struct withheld *ret_withheld);

/* Forget which segments are open: they may have been removed. */
void tail_rewind(struct tail *tail);

/*
 * Find the positions of a range's batches, the oldest first. Where a back link is damaged, the log
 * is searched from `after` on.
 * @param ret_positions  borrowed until the next call
 * @return 0; -ENOENT: a segment is gone, so the host's checkpoint is another by now; -ENOMEM; -errno
 */
int tail_find(struct tail *tail, const struct tail_range *range, const uint64_t **ret_positions,
	      size_t *ret_n);

/* How many places of the last tail_find()'s range are damaged. */
uint64_t tail_n_damaged(const struct tail *tail);

/*
 * What is lost at these places; not where all of it is in the log twice.
 * @param ret_holes  in their order; borrowed until the next call. @return as tail_find()
 */
int tail_find_holes(struct tail *tail, const struct tail_hole **ret_holes, size_t *ret_n);

/* The same of a record that cannot be decoded. @return 0; -EBADMSG; -errno */
int tail_get_hole(struct tail *tail, uint64_t position, struct tail_hole *ret_hole);

/*
 * Take what a record of the chain says of the ids of an agent's series; to be done with all of a host's before any
 * batch is decoded, when nothing else has told them. @return as tail_decode()
 */
int tail_take_names(struct tail *tail, uint32_t host, uint64_t position);

/*
 * Decode the batch, delete or message at a position. Series that are new to the catalog are added.
 * Takes the engine's mutex while it looks up names.
 * @return 0; -EBADMSG: damaged, or not this host's; -ENOENT; -ENOMEM; -errno; what `take` said
 */
int tail_decode(struct tail *tail, uint32_t host, uint64_t position, const struct tail_take *take);

#endif
