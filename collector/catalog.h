/* SPDX-License-Identifier: MIT */
#ifndef COLLECTOR_CATALOG_H
#define COLLECTOR_CATALOG_H

/*
 * All hosts, metric files and series that the store knows, with each series' last value and what
 * still has to be written of each file. Nothing is ever taken out, so pointers into it stay valid as
 * long as the catalog. No lock of its own: the store's.
 *
 * Fields marked "fixed" never change after the thing was added and may be read without the lock.
 */

#include <bsd/sys/queue.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collector/hash.h"
#include "collector/identity.h"
#include "collector/table.h"
#include "common/buffer.h"
#include "hostmetrics/format.h"

/* More series than this are refused. */
#define CATALOG_SERIES_MAX ((size_t)10000000)

/* last time of what has no sample yet */
#define CATALOG_NO_TIME INT64_MIN

struct catalog_host {
	char *folder; /* fixed: escaped name, below hosts/ */
	uint64_t n_series;
	uint64_t n_samples; /* read back and taken since */
	int64_t last_time_us;
	char name[]; /* fixed */
};

STAILQ_HEAD(catalog_series_list, catalog_series);

struct catalog_file {
	struct catalog_host *host; /* fixed */
	char *name;                /* fixed: file name, below the host's folder */
	struct catalog_series_list series;
	struct catalog_series *undeclared; /* from here on the file has no SERIES blocks yet */
	uint32_t next_id;
	enum hm_stored_kind kind;
	char *unit;
	bool has_new_meta;     /* kind and unit are not in the file yet */
	bool is_dirty;         /* on the list of files to be written */
	bool is_given_up;      /* must not be written any more; why was said */
	uint64_t length_bytes; /* of the file, all of it synced; 0 = there is none yet */
	struct buffer pending; /* records of samples to be written */
	TAILQ_ENTRY(catalog_file) dirty;
	char metric[]; /* fixed */
};

struct catalog_series {
	struct catalog_file *file; /* fixed */
	STAILQ_ENTRY(catalog_series) in_file;
	int64_t last_time_us;
	double last_value;
	uint32_t id;            /* fixed: in its file */
	uint32_t labels_length; /* fixed */
	char labels[];          /* fixed: canonical, "" without labels */
};

TAILQ_HEAD(catalog_files, catalog_file);

struct catalog {
	struct hash_key key;
	struct table hosts;
	struct table files;
	struct table series;
	struct catalog_host **all_hosts;
	size_t n_hosts;
	size_t hosts_capacity;
	struct catalog_file **all_files;
	size_t n_files;
	size_t files_capacity;
	struct catalog_series **all_series;
	size_t n_series;
	size_t series_capacity;
	struct catalog_files dirty; /* files to be written */
	size_t n_dirty;
};

void catalog_init(struct catalog *catalog, const struct hash_key *key);
void catalog_done(struct catalog *catalog);

/* @return the series, or NULL */
struct catalog_series *catalog_find(const struct catalog *catalog, const struct identity *identity);

/*
 * Add a series that is not there, and its host and file where they are new. Names are copied.
 * @param id  in its file; CATALOG_NEXT_ID: the next one that is free
 * @return 0; -ENOMEM; -ENOSPC: over CATALOG_SERIES_MAX, or no id is left
 */
#define CATALOG_NEXT_ID UINT32_MAX
int catalog_add(struct catalog *catalog, const struct identity *identity, uint32_t id,
		struct catalog_series **ret_series);

/* The file has the SERIES blocks up to that of `last`; NULL: none. */
void catalog_set_declared(struct catalog_file *file, const struct catalog_series *last);

/* Find or add the file of a host's metric. The labels of `identity` do not matter. @return 0 or
 * -ENOMEM */
int catalog_get_file(struct catalog *catalog, const struct identity *identity,
		     struct catalog_file **ret_file);

/* Take a sample: pending for the disk, and the series' last value. @return 0 or -ENOMEM */
int catalog_append(struct catalog *catalog, struct catalog_series *series, int64_t time_us,
		   double value);

/* Note a sample that is on disk already. */
void catalog_note(struct catalog_series *series, int64_t time_us, double value);

/*
 * What a sender says its metric is; counts where nothing is known yet.
 * @return 0 or -ENOMEM
 */
int catalog_describe(struct catalog *catalog, struct catalog_file *file, enum hm_stored_kind kind,
		     const char *unit);

/* Put a file on the list of those to be written, once. */
void catalog_mark_dirty(struct catalog *catalog, struct catalog_file *file);

/* Take the first file off that list, which must not be empty. */
struct catalog_file *catalog_take_dirty(struct catalog *catalog);

#endif
