/* SPDX-License-Identifier: MIT */
#ifndef COLLECTOR_ENGINE_H
#define COLLECTOR_ENGINE_H

/*
 * The store without its threads and clocks: what comes in is gathered by host, sealed into batches,
 * written to the log and synced (engine_commit), and later moved into metric files
 * (engine_checkpoint). Whoever drives it calls these steps: collector/store.c with two threads,
 * tests/fault/ one after the other on a simulated disk.
 *
 * engine_commit() is one thread's at a time, engine_checkpoint() another's; everything else may be
 * called from any thread. The mutex guards what is marked so.
 */

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collector/bundle.h"
#include "collector/catalog.h"
#include "collector/grace.h"
#include "collector/id_map.h"
#include "collector/log_end.h"
#include "common/buffer.h"
#include "common/disk.h"
#include "hostmetrics/format.h"

#define ENGINE_ERROR_MAX_BYTES 256

/* A host's samples go into files when they have been in the log for so long... */
#define ENGINE_CHECKPOINT_AGE_US INT64_C(3600000000)

/* ...or when the log has grown by so many segments since: files are what costs, so the more at once the better. */
#define ENGINE_CHECKPOINT_SEGMENTS 8

/* The same on a full disk, where what is in files frees the segments that had it. */
#define ENGINE_CHECKPOINT_SEGMENTS_FULL 1

struct engine_options {
	const struct disk *disk; /* borrowed */
	int folder;              /* the store's; borrowed */
	uint64_t segment_bytes;  /* of the log; 0 = the usual size */
	struct hash_key key;
};

struct engine_stats {
	uint64_t n_hosts;
	uint64_t n_series;
	uint64_t n_files;
	uint64_t n_accepted; /* samples taken since start */
	uint64_t n_stored;   /* of these: written and synced */
	uint64_t n_odd;      /* of these: of impossible times, stored apart */
	uint64_t n_waiting;  /* taken, and not written yet */
	uint64_t n_file_bytes;
	uint64_t n_log_segments;
	uint64_t n_log_bytes;      /* written since start */
	uint64_t n_log_disk_bytes; /* that it takes on the disk, with what is kept for a full one */
	uint64_t n_syncs;
	uint64_t n_failed_syncs;
	uint64_t n_checkpoints; /* groups of files written since start */
	uint64_t n_files_aside; /* found damaged or foreign at start */
	uint64_t n_damaged_ranges;
	int64_t sync_longest_us;
	bool is_full;                            /* the disk has no room for the log */
	bool is_readonly;                        /* the log cannot be written, for another reason */
	char last_error[ENGINE_ERROR_MAX_BYTES]; /* "" = none yet */
	char retention[ENGINE_ERROR_MAX_BYTES];  /* what was removed last for a size, and why */
};

/* What is known of one series now. */
struct engine_series_state {
	enum hm_stored_kind kind;
	char unit[BUNDLE_UNIT_MAX_BYTES + 1];
	bool has_sample;
	int64_t last_time_us;
	double last_value;
};

struct engine_host_state {
	const char *name; /* borrowed from the engine */
	uint64_t n_series;
	uint64_t n_samples;
	bool has_sample;
	int64_t last_time_us;
	bool has_oldest; /* a sample that is not of an impossible time: none is older than */
	int64_t oldest_time_us;
	uint64_t n_bytes; /* that its files take on the disk, when they were last written or read */
	uint64_t n_inodes; /* of its files and its folder */
	bool has_rate;
	double rate; /* samples a second that came lately */
};

struct committer;
struct checkpoint;
struct retention;

/* Room on the disk that is to be given back. */
struct engine_release {
	struct catalog_file *file;
	enum catalog_side side;
	uint32_t part;
	uint64_t continues_bytes; /* as its name says */
	uint64_t front_bytes; /* what lies before goes; 0: all of it, another part took its place */
	uint64_t length_bytes; /* of one that is empty */
	bool is_empty;    /* nothing of it counts: it goes, unless it was appended to meanwhile */
	uint32_t segment; /* of the log, that says so */
	int64_t since_us; /* when that was */
};

struct engine {
	struct engine_options options;
	int log_folder;
	int hosts_folder;
	uint8_t store_id[HM_ID_BYTES];
	uint8_t epoch[HM_ID_BYTES]; /* of the batches that are sealed here; of this run */

	pthread_mutex_t mutex; /* guards all that follows but what says so */
	struct catalog catalog;
	struct id_map hosts; /* by their numbers */
	uint32_t next_number;
	struct catalog_hosts gathering; /* hosts with samples that are not sealed yet */
	size_t pending_bytes;           /* of samples taken and not durable yet */
	uint64_t durable;               /* position in the log */
	struct buffer messages;    /* of agents, that are to be logged; see collector/intake.h */
	size_t message_bytes;      /* of those that are taken and not durable yet */
	struct buffer controls;    /* records of the checkpoint that wait to be logged */
	uint64_t controls_wanted;  /* how many were put there */
	uint64_t controls_durable; /* how many of these are durable */
	struct buffer groups;      /* of files that a checkpoint is about to append to, as logged */
	struct retention *retention_next; /* of retention_set(), until it is taken over */
	bool is_concluding; /* the log may say that a group is in files before readers are told */
	uint32_t
		n_snapshots; /* that are being copied: meanwhile no metric file may become shorter than
				 * it is for readers, nor be replaced, punched or removed */
	bool wants_room;     /* a checkpoint needs what is kept for it on the disk */
	uint32_t first_segment;  /* of the log that is still there */
	uint32_t newest_segment; /* that this process began, with its snapshot; 0 = none */
	bool wants_segment;      /* a later one shall begin soon */
	struct engine_stats stats;
	/*
	 * -errno: what kept it at start from reading or securing all that there is. Nothing is written
	 * then, no number is given, and engine_commit() tries again. 0 = nothing. Changed by
	 * engine_commit() only.
	 */
	int trouble;
	struct log_end log_end; /* of the process before; engine_commit()'s own */
	struct grace grace; /* while there is trouble likewise, then engine_checkpoint()'s own */
	struct catalog
		retired; /* what was known before the disk worked again; for who still looks */

	struct committer *committer;     /* engine_commit()'s own */
	struct checkpoint *checkpoint;   /* engine_checkpoint()'s own */
	struct retention *retention;     /* likewise; NULL = all is kept */
	struct engine_release *releases; /* likewise */
	size_t n_releases;
	size_t releases_capacity;
};

/*
 * Open the store of a folder, make it where it is missing, and recover: what the log says is durable
 * counts, whatever happened to the process or the machine before. Damage is told as messages and
 * counted; it is no reason to fail. Nor is a disk that cannot be listed or synced, or does not give something: then the engine
 * serves what could be read, and engine_commit() tries again.
 * @return 0; -ENOMEM; -errno: there are no folders, or they cannot be opened
 */
int engine_open(const struct engine_options *options, struct engine **ret_engine);

/* Release the memory; writes nothing. Takes NULL. */
void engine_close(struct engine *engine);

/*
 * Take all samples of a bundle; those that cannot be taken are counted in its rejects. Sets the series
 * of those that name it in full.
 */
void engine_append(struct engine *engine, struct bundle *bundle);

/* The disk does not give something: is it to be asked again later, and not taken as damaged yet? */
bool engine_awaits_disk(struct engine *engine);

/* Give a host that text made its number and its id. With the mutex held. @return 0 or -errno */
int engine_introduce(struct engine *engine, struct catalog_host *host);

/* Take one sample of a series. With the mutex held. @param is_odd  its time is impossible
 * @return 0 or -ENOMEM */
int engine_gather(struct engine *engine, struct catalog_series *series, int64_t time_us,
		  double value, bool is_odd);

/*
 * Seal what was taken, log and sync it. After a failure everything waits in memory, in its order,
 * and the next call begins where this one failed, in a new segment.
 * @return 0: what was taken before the call is durable; -ENOSPC, -EDQUOT: the disk is full; -ENOMEM;
 * other -errno: the log could not be written
 */
int engine_commit(struct engine *engine);

/* Would engine_commit() have anything to write, beyond a mark of what is durable? */
bool engine_has_pending(struct engine *engine);

/* Would it write such a mark? On the committing thread. */
bool engine_wants_mark(const struct engine *engine);

enum engine_scope {
	ENGINE_SCOPE_DUE, /* hosts whose samples have been in the log for long enough */
	ENGINE_SCOPE_ALL, /* every host with samples in the log that were durable at the first of these
			   * steps, up to its -ENODATA */
};

/*
 * Take one step of moving samples from the log into files.
 * @return 0: go on calling; -EAGAIN: engine_commit() must have succeeded first; -ENODATA: there is
 * nothing left to do; other -errno: this group of files failed and was undone, its samples stay in
 * the log; it may be tried again
 */
int engine_checkpoint(struct engine *engine, enum engine_scope scope);

void engine_get_stats(struct engine *engine, struct engine_stats *ret_stats);

/* The present state of each of `n` series. */
void engine_get_states(struct engine *engine, struct catalog_series *const *series, size_t n,
		       struct engine_series_state *ret_states);

/* All hosts, in no order. @return 0 or -ENOMEM; *ret_hosts is to be freed by the caller */
int engine_list_hosts(struct engine *engine, struct engine_host_state **ret_hosts, size_t *ret_n);

#endif
