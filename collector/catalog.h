/* SPDX-License-Identifier: MIT */
#ifndef COLLECTOR_CATALOG_H
#define COLLECTOR_CATALOG_H

/*
 * All hosts, metric files and series that the store knows, with each series' last value and what is
 * not sealed into a batch yet. Nothing is ever taken out, so pointers into it stay valid as long as
 * the catalog. No lock of its own: the engine's.
 *
 * Fields marked "fixed" never change after the thing was added and may be read without the lock.
 */

#include <bsd/sys/queue.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collector/file_starts.h"
#include "collector/hash.h"
#include "collector/host_folders.h"
#include "collector/identity.h"
#include "collector/metric_file.h"
#include "collector/number_runs.h"
#include "collector/number_table.h"
#include "collector/pool.h"
#include "collector/rate.h"
#include "collector/table.h"
#include "collector/text_pool.h"
#include "collector/tombstone.h"
#include "collector/usage.h"
#include "common/file_name.h"
#include "hostmetrics/format.h"

/* More series than this are refused. */
#define CATALOG_SERIES_MAX ((size_t)10000000)

/* Room for a file's name and its NUL. */
#define CATALOG_FILE_NAME_BYTES FILE_NAME_METRIC_BYTES

/* Room for a folder's name, with a number, and its NUL. */
#define CATALOG_FOLDER_BYTES HOST_FOLDERS_NAME_BYTES

/* last time of what has no sample yet */
#define CATALOG_NO_TIME INT64_MIN

/* oldest time of what has no sample yet */
#define CATALOG_NO_OLDEST INT64_MAX

/* A sample that is not sealed into a batch yet. */
struct catalog_sample {
	struct catalog_series *series;
	int64_t time_us;
	double value;
};

struct epoch;

/* What an agent's SCHEDULE says. */
struct catalog_schedule {
	uint64_t hash; /* of its metrics and their intervals; 0 = there is none */
	int64_t since_us;
};

struct catalog_host {
	char folder[CATALOG_FOLDER_BYTES]; /* fixed: below hosts/; see catalog_take_folder() */
	uint32_t number;                   /* fixed: in the log */
	uint8_t id[HM_ID_BYTES];           /* the agent's, or its own as long as it has none */
	uint64_t n_series;
	uint64_t n_samples;
	uint64_t n_filed; /* of its samples: in files */
	int64_t last_time_us;
	int64_t oldest_us;       /* of all its samples but those of impossible times; so are: */
	int64_t filed_oldest_us; /* of those in files */
	int64_t said_oldest_us;  /* what its .host file says of them */
	struct rate rate;        /* of its samples, as they come */
	struct usage usage;
	uint32_t n_sectors; /* of its .host file */
	bool has_agent;     /* it has its id from an agent */
	unsigned n_told;    /* the committer's own: so often the log has its number, name and id */
	struct epoch *epochs; /* of its agent; the newest first */
	bool is_unread;       /* files of it could not be read at start: none is appended to */
	bool is_retired;      /* it is of a catalog that another has taken the place of */
	bool is_last_odd;     /* all of its samples are of impossible times */
	uint64_t last;        /* position of the last batch that is durable; 0 = none */
	uint64_t checkpoint;  /* up to here its samples are in files */
	uint64_t sequence;    /* of the last durable batch in the engine's epoch; 0 = none */
	int64_t horizon_us; /* no sample of an earlier time counts, durably; CATALOG_NO_TIME: all do */
	int64_t trimmed_us;         /* the horizon up to which its files were trimmed */
	struct catalog_file *files; /* the first; then file->next */
	int64_t waiting_us; /* when the oldest of its samples that are in no file came in; 0 = none */
	uint64_t sealed;    /* the committer's own: last number given to a batch */
	uint64_t appended; /* the committer's own: position of its last batch, durable or not */
	struct metric_file_end end; /* of its .host file */
	bool is_remade;             /* that is made anew, see collector/host_file.h; */
	uint64_t kept_bytes;        /* so much of the old one counts */
	uint64_t made_bytes; /* how long it was when it was made, or what of it mattered at start */
	struct catalog_schedule schedule; /* that its .host file has last */
	struct catalog_sample *gathered;  /* waiting to be sealed */
	size_t n_gathered;
	size_t gathered_capacity;
	size_t n_expected; /* about how many of them there will be; see catalog_take_gathered() */
	bool is_gathering; /* on the list of hosts with such samples */
	TAILQ_ENTRY(catalog_host) gathering;
	char name[]; /* fixed */
};

TAILQ_HEAD(catalog_hosts, catalog_host);

/* Which of a metric's two files. */
enum catalog_side {
	CATALOG_SIDE_MAIN,
	CATALOG_SIDE_ODD, /* samples of impossible times */
	CATALOG_SIDES
};

/* A part of a file that goes on in another one. */
struct catalog_part {
	uint32_t part;
	uint32_t n_sectors;       /* that it takes */
	uint64_t continues_bytes; /* as its name says */
	uint64_t length_bytes;    /* so much of it counts */
};

/* What does not count of a file any more. */
struct catalog_trim {
	struct tombstones tombstones; /* of all parts */
	uint32_t front_part;          /* nothing of the parts before this one counts, */
	uint64_t front_bytes;         /* and nothing of it before this */
	uint64_t released_bytes;      /* the room before this is given back already */
	uint64_t position;            /* of the checkpoint that changed any of these last */
	uint64_t n_taken; /* how often something was taken away that readers may be looking at */
	int64_t oldest_last_us; /* its first block that counts ends then; CATALOG_NO_TIME: not known */
};

/* A file on the disk, as far as it counts. */
struct catalog_data {
	struct metric_file_end end;
	uint64_t n_damaged;         /* ranges that were found in it so far, and counted */
	bool is_missing;            /* when it was read last it was not there; counted */
	uint32_t n_sectors;         /* that it takes, without the parts before, see usage_set() */
	struct catalog_part *parts; /* before this one, growing; only those that hold something */
	size_t n_parts;
	struct catalog_trim *trim; /* what does not count of it; NULL: all does */
	bool names_nothing; /* it began just now: what series say of `declared` is of the one before */
};

struct catalog_file {
	struct catalog_host *host; /* fixed */
	const char *metric;        /* fixed */
	struct catalog_file *next; /* of the host; fixed */
	struct catalog_data data[CATALOG_SIDES];
	const char *unit;          /* "" until it is known, then it stays */
	struct number_runs series; /* where its series stand in the catalog's pool */
	uint32_t next_id;
	enum hm_stored_kind kind;
	bool has_new_meta; /* kind and unit are not in the file yet */
};

struct catalog_series {
	struct catalog_file *file; /* fixed */
	const char *labels;        /* fixed: canonical, "" without labels */
	int64_t last_time_us;
	double last_value;
	uint32_t id;            /* fixed: in its file */
	uint16_t labels_length; /* fixed */
	bool is_last_odd;       /* the last sample is of an impossible time */
	uint8_t declared;       /* see catalog_declared() */
};

/* There are millions of them. */
_Static_assert(sizeof(struct catalog_series) <= 40, "a series is small");

/* Has it a last sample that counts? One that is older than the horizon does not. */
static inline bool catalog_has_last(const struct catalog_series *series)
{
	return series->last_time_us != CATALOG_NO_TIME &&
	       (series->is_last_odd || series->last_time_us >= series->file->host->horizon_us);
}

#define CATALOG_DECLARED_BITS 4U

/* How often that file of the metric names the series, as far as that counts: 15 at most. */
static inline unsigned catalog_declared(const struct catalog_series *series, enum catalog_side side)
{
	return series->declared >> (unsigned)side * CATALOG_DECLARED_BITS &
	       ((1U << CATALOG_DECLARED_BITS) - 1);
}

/* @param n  at most 15 */
static inline void catalog_set_declared(struct catalog_series *series, enum catalog_side side,
					unsigned n)
{
	unsigned mask = ((1U << CATALOG_DECLARED_BITS) - 1)
			<< (unsigned)side * CATALOG_DECLARED_BITS;

	series->declared =
		(uint8_t)((series->declared & ~mask) | n << (unsigned)side * CATALOG_DECLARED_BITS);
}

struct catalog {
	struct hash_key key;
	struct host_folders folders;
	struct table hosts;
	struct table agents;       /* hosts with an agent, by the ids that they have or had */
	struct table epochs;       /* see collector/epoch.h */
	struct file_starts starts; /* see catalog_start_at() */
	struct catalog_host **all_hosts;
	size_t n_hosts;
	size_t hosts_capacity;
	struct pool files;       /* struct catalog_file */
	struct pool series;      /* struct catalog_series */
	struct pool series_runs; /* of files' number_runs */
	struct number_table files_table;
	struct number_table series_table;
	struct text_pool texts; /* of metrics, units and label sets, which many have in common */
	bool has_new_parts;     /* since catalog_forget_names() */
};

void catalog_init(struct catalog *catalog, const struct hash_key *key);
void catalog_done(struct catalog *catalog);

/*
 * As host_folders_take(); a host that has such a folder gets another one. Only while nobody else uses the
 * catalog.
 * @return 0 or -ENOMEM
 */
int catalog_take_folder(struct catalog *catalog, const char *name);

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

/* Find or add a host; a new one has no number and no id yet. @return 0 or -ENOMEM */
int catalog_get_host(struct catalog *catalog, const char *name, size_t length,
		     struct catalog_host **ret_host);

/* Find or add the file of a host's metric. The labels of `identity` do not matter. @return 0 or
 * -ENOMEM */
int catalog_get_file(struct catalog *catalog, const struct identity *identity,
		     struct catalog_file **ret_file);

/* Note a part before the present one; in any order, each once. @return 0 or -ENOMEM */
int catalog_add_part(struct catalog_data *data, const struct catalog_part *part);

/* Have room for what does not count of a file. @return it, or NULL without memory */
struct catalog_trim *catalog_get_trim(struct catalog_data *data);

/* Note that a series has a sample, for its last value. @param is_odd  it is of an impossible time */
void catalog_note(struct catalog_series *series, int64_t time_us, double value, bool is_odd);

/* Note only that a host has one of such a time, for its newest. */
void catalog_note_last(struct catalog_host *host, int64_t time_us, bool is_odd);

/* Keep a sample until it is sealed into a batch. @return 0 or -ENOMEM */
int catalog_gather(struct catalog_series *series, int64_t time_us, double value);

/* Take over what a host has gathered. @return for free(3); NULL: nothing */
struct catalog_sample *catalog_take_gathered(struct catalog_host *host, size_t *ret_n);

/*
 * What a sender says its metric is; counts where nothing is known yet.
 * @return 0 or -ENOMEM
 */
int catalog_describe(struct catalog *catalog, struct catalog_file *file, enum hm_stored_kind kind,
		     const char *unit, size_t unit_length);

/* Go on in a part of a file that is not there yet. What the present one has is no part before it. */
void catalog_go_on(struct catalog *catalog, struct catalog_file *file, enum catalog_side side,
		   uint32_t part, uint64_t continues_bytes);

/* The file that this is a name of is not in the catalog: when it comes, it begins so, see file_starts_add().
 * @return 0 or -ENOMEM */
int catalog_start_at(struct catalog *catalog, const char *folder, const struct file_name *name);

/*
 * Go on in a new part of a file: the one before is never written again.
 * @param continues_bytes  so much of that counts; FILE_NAME_ALL: all that is whole
 * @return 0; -ENOMEM; -EOVERFLOW: there is no further number
 */
int catalog_begin_part(struct catalog *catalog, struct catalog_file *file, enum catalog_side side,
		       uint64_t continues_bytes);

/* New parts name their series themselves: to be called once, when all have begun. */
void catalog_forget_names(struct catalog *catalog);

/* The name of a file on the disk, below its host's folder. @param part  0 but after a failed sync.
 * @param continues_bytes  so much of the part before counts */
void catalog_file_name(const struct catalog_file *file, enum catalog_side side, uint32_t part,
		       uint64_t continues_bytes, char name[static CATALOG_FILE_NAME_BYTES]);

#endif
