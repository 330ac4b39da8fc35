/* SPDX-License-Identifier: MIT */
#ifndef COLLECTOR_STORE_H
#define COLLECTOR_STORE_H

/*
 * Where samples are kept: one file per metric of a host below <store>/hosts, and in memory what the
 * files hold. A thread of the store's own writes what came in within half a second and syncs it.
 * Any thread may call anything here but store_open() and store_close().
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collector/bundle.h"
#include "collector/catalog.h"
#include "collector/hash.h"
#include "collector/rejects.h"

/* Where the store's lock lies, below its folder. */
#define STORE_PID_FILE "collector.pid"

/* With more than this to be written, it is written at once. */
#define STORE_PENDING_MUCH_BYTES ((size_t)2 << 20)

/* With more than this, whoever brings more waits; and with him all others of his reactor. So it is
 * what a flood brings in a second, in which a disk has its pauses. */
#define STORE_PENDING_MAX_BYTES ((size_t)32 << 20)

#define STORE_ERROR_MAX_BYTES 256

struct store;

struct store_stats {
	uint64_t n_hosts;
	uint64_t n_series;
	uint64_t n_files;
	uint64_t n_accepted; /* samples taken since start */
	uint64_t n_stored;   /* of these: written and synced */
	uint64_t n_lost;     /* of these: could not be written */
	uint64_t n_bytes;    /* of all files, as far as synced */
	uint64_t n_files_given_up;
	uint64_t n_files_aside;                 /* found damaged or foreign at start */
	uint64_t n_damaged_ranges;              /* found inside files at start */
	char last_error[STORE_ERROR_MAX_BYTES]; /* "" = none yet */
};

/* What is known of one series now. */
struct store_series_state {
	enum hm_stored_kind kind;
	char unit[BUNDLE_UNIT_MAX_BYTES + 1];
	bool has_sample;
	int64_t last_time_us;
	double last_value;
};

struct store_host_state {
	const char *name; /* borrowed from the store */
	uint64_t n_series;
	uint64_t n_samples;
	bool has_sample;
	int64_t last_time_us;
};

/*
 * Open the store, make it where it is missing, read it back and start its thread. Says itself, as a
 * message, why it cannot.
 * @param rejects  where samples that it refuses are counted; borrowed
 * @return 0 or -errno
 */
int store_open(const char *path, struct rejects *rejects, struct store **ret_store);

/* Write and sync what is left, end the thread. Nobody may use the store any more. Takes NULL. */
void store_close(struct store *store);

/* The key by which bundles for this store are hashed. */
const struct hash_key *store_hash_key(const struct store *store);

/*
 * Take all samples of a bundle. Waits while too much is to be written (STORE_PENDING_MAX_BYTES).
 * Samples that cannot be taken are counted in the rejects. The bundle is not changed.
 */
void store_append(struct store *store, const struct bundle *bundle);

/*
 * Have all that was taken before written and synced, and wait for it.
 * @return 0; -ETIMEDOUT: it takes longer than timeout_ms
 */
int store_flush(struct store *store, int64_t timeout_ms);

/* Keep at most so many files open at a time while writing, 1 to WRITER_JOBS_MAX. */
void store_set_files_max(struct store *store, size_t n);

void store_get_stats(struct store *store, struct store_stats *ret_stats);

/*
 * All series, in no order. @param ret_series  an array, to be freed by the caller, of what is
 * borrowed from the store; only fields marked "fixed" may be read
 * @return 0 or -ENOMEM
 */
int store_list_series(struct store *store, struct catalog_series ***ret_series, size_t *ret_n);

/* The present state of each of `n` series. */
void store_get_states(struct store *store, struct catalog_series *const *series, size_t n,
		      struct store_series_state *ret_states);

/* All hosts, in no order. @return 0 or -ENOMEM; *ret_hosts is to be freed by the caller */
int store_list_hosts(struct store *store, struct store_host_state **ret_hosts, size_t *ret_n);

/*
 * Open a metric file for reading.
 * @param ret_length_bytes  how far it is complete and synced; no further may be read
 * @return a descriptor owned by the caller; -ENOENT: nothing of it is written yet; other -errno
 */
int store_open_file(struct store *store, const struct catalog_file *file,
		    uint64_t *ret_length_bytes);

#endif
