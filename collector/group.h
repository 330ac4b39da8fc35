/* SPDX-License-Identifier: MIT */
#ifndef COLLECTOR_GROUP_H
#define COLLECTOR_GROUP_H

/*
 * What one group of a checkpoint appends: samples of some hosts, by file and series. In memory only. One thread.
 */

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collector/catalog.h"
#include "collector/epoch.h"
#include "collector/tail.h"

/* A group takes no further host or batch when it has so many samples: as many as a segment of the log
 * has times these bytes, so that its files fit into what is kept for it on a full disk; within limits. */
#define GROUP_SEGMENT_BYTES_PER_SAMPLE 64
#define GROUP_SAMPLES_MIN              ((size_t)1 << 14)
#define GROUP_SAMPLES_MAX              ((size_t)1 << 20)

/* Nor when it has so many bytes of messages. */
#define GROUP_MESSAGE_BYTES_MAX ((size_t)16 << 20)

/* Times before 2020, and more than an hour ahead of their receipt, are impossible. */
#define GROUP_EARLIEST_US INT64_C(1577836800000000)
#define GROUP_AHEAD_US    INT64_C(3600000000)

/* Samples of a side of a series that a batch has beside each other, by their times; or absences. */
struct group_run {
	struct catalog_series *series;
	uint32_t first; /* of the group's samples */
	uint32_t n_samples;
	uint32_t index; /* group_order()'s own */
	uint8_t side;   /* enum catalog_side */
	bool is_absent; /* they are absences */
};

/* What was deleted of a series, before a place in the log. */
struct group_mask {
	struct catalog_series *series;
	uint64_t position;
	int64_t since_us; /* both belong to the range */
	int64_t until_us;
};

/* What is done to a file of which something does not count any more. */
enum group_trim {
	GROUP_TRIM_NONE,
	GROUP_TRIM_TOMBSTONE, /* it says what is deleted */
	GROUP_TRIM_FRONT,     /* the same, and from where on it counts */
	GROUP_TRIM_REWRITE,   /* what counts goes on in a new part */
	GROUP_TRIM_EMPTY,     /* nothing of it counts, and it goes */
};

/* Up to where an epoch of an agent is among what the group has. */
struct group_mark {
	struct epoch *epoch;
	struct epoch_mark mark;
};

/* A GAP, CLOCK or SCHEDULE of an agent, or a DELETE; an EVENT: what is lost. */
struct group_message {
	enum hm_record_type type;
	int64_t received_us;
	size_t bytes_at; /* of the group's bytes */
	size_t n_bytes;
};

/* A host of the group. */
struct group_host {
	struct catalog_host *host;
	uint64_t position; /* of the last batch that the group has of it */
	size_t first_mark; /* of the group's */
	size_t n_marks;
	size_t first_message; /* likewise */
	size_t n_messages;
	uint64_t n_samples;
	uint64_t n_dropped; /* of its files: they do not count any more */
	uint64_t n_hidden;  /* of the log: they were deleted before they came into files */
	int64_t horizon_us; /* of the host, when the group was begun */
	int64_t oldest_us;  /* of what its files have, once they are encoded */
	struct catalog_schedule schedule; /* that its own file then has last */
};

/* A file that is appended to. */
struct group_file {
	struct catalog_file *file; /* NULL: the host's own */
	struct group_host *of;     /* set once the group is complete */
	enum catalog_side side;
	size_t first_run;
	size_t n_runs;
	size_t n_samples; /* of all these */
	size_t n_absences;
	size_t first_mask;
	size_t n_masks;
	bool is_expiring; /* its first samples may be older than the host's horizon */
	enum group_trim trim;
	uint64_t front_bytes; /* from here on it counts */
	int64_t oldest_last_us; /* when its first block that counts ends; CATALOG_NO_TIME = not known */
	uint64_t n_dropped;     /* samples that do not count any more */
	struct metric_file_end before;
	struct metric_file_end after;
	bool is_lost;  /* what it had before is not there any more */
	bool has_meta; /* kind and unit were appended: */
	enum hm_stored_kind kind;
	const char *unit;         /* borrowed from the catalog, where it stays */
	uint64_t allocated_bytes; /* that it takes on the disk, once written */
};

struct group {
	struct group_host *hosts;
	size_t n_hosts;
	size_t hosts_capacity;
	struct metric_file_sample *samples; /* and absences, in the order of the log */
	size_t n_samples;
	size_t samples_capacity;
	size_t samples_max; /* from here on it is full */
	struct group_run
		*runs; /* in the order of the log; once complete by file, side and series */
	size_t n_runs;
	size_t runs_capacity;
	bool has_open_run;        /* the last one may go on */
	uint64_t n_hidden;        /* samples of the host being added that a delete took out */
	struct group_mask *masks; /* once complete by file and series */
	size_t n_masks;
	size_t masks_capacity;
	struct group_mark *marks; /* by hosts */
	size_t n_marks;
	size_t marks_capacity;
	struct group_message *messages; /* by hosts, in the order of the log */
	size_t n_messages;
	size_t messages_capacity;
	struct buffer bytes; /* of these */
	struct group_file *files;
	size_t n_files;
	size_t files_capacity;
};

/* Is a sample's time impossible? @param received_us  when it came in */
bool group_is_odd(int64_t time_us, int64_t received_us);

/* How many samples of a host are in files, with the group. */
uint64_t group_n_filed(const struct group_host *host);

/* How many samples make a group full, with segments of such a size. */
size_t group_samples_max(uint64_t segment_bytes);

/* Does it take no further host or batch? @param n_more  what is to be done beside its samples, counted as such */
bool group_is_full(const struct group *group, uint64_t n_more);

/* Release the memory; it is empty again. Takes a zeroed group. */
void group_done(struct group *group);

/* Forget what is in it, keep the memory. */
void group_clear(struct group *group);

/*
 * Add batches of a host, from the log, the oldest first, until the group is full.
 * @param ret_n_damaged  batches that could not be read: they are passed over
 * @return 0; -ENOMEM; -errno of the disk, with the group as before
 */
int group_add_host(struct group *group, struct tail *tail, struct catalog_host *host,
		   const struct tail_range *range, uint64_t *ret_n_damaged);

/*
 * Add a host of which there is nothing to move: its files are only trimmed.
 * @param position  above its checkpoint, and below all that comes later. @return 0 or -ENOMEM
 */
int group_add_trimmed(struct group *group, struct catalog_host *host, uint64_t position);

/*
 * Put the runs in order and make the list of files, the hosts' own ones among them.
 * @param mutex  of the catalog. @return 0 or -ENOMEM
 */
int group_complete(struct group *group, pthread_mutex_t *mutex);

/* What the group says of a host's agent is in its own file. With the mutex held. */
void group_publish_marks(const struct group *group, const struct group_host *of);

#endif
