/* SPDX-License-Identifier: MIT */
#ifndef COLLECTOR_BUNDLE_H
#define COLLECTOR_BUNDLE_H

/*
 * The samples that one reactor gathered in a turn, on their way to the store. Each is named in full
 * and hashed already, so that the store's lock is held for as little as possible. One thread.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collector/budget.h"
#include "collector/hash.h"
#include "collector/identity.h"
#include "collector/name_cache.h"
#include "collector/rejects.h"
#include "common/buffer.h"
#include "common/line.h"

/* A unit is at most this long. */
#define BUNDLE_UNIT_MAX_BYTES 64

struct bundle_sample {
	struct catalog_series *series; /* NULL: not known yet; set by engine_append() */
	uint64_t hash;                 /* of the identity, where the series was not known */
	int64_t time_us;
	double value;
	uint32_t
		text_offset; /* identity's text, the unit and its NUL, the default host, the name */
	uint16_t host_length;
	uint16_t metric_length;
	uint16_t labels_length;
	uint8_t unit_length;
	uint8_t kind; /* enum hm_stored_kind; of one that engine_append() did not take, enum hm_reason */
	uint16_t default_host_length;
	uint16_t name_length; /* as it was written; 0: not to be kept in `names` */
};

struct bundle {
	struct bundle_sample *samples;
	size_t n_samples;
	size_t capacity;
	struct buffer text;
	struct hash_key key;
	struct name_cache *names;    /* of series that are known already; borrowed; NULL = none */
	bool has_old_names;          /* some of `names` stand for series that were replaced */
	struct rejects *rejects;     /* where refused lines are counted; borrowed */
	struct budget *declarations; /* of all sessions together; borrowed; NULL = no limit */
	int64_t now_us;              /* the time of lines that have none */
	struct line line;            /* room for the line being parsed */
	struct line_skimmed skimmed; /* and for one that is not parsed */
};

/* What a session knows of a metric beside its samples. Zeroed = nothing. */
struct bundle_meta {
	enum hm_stored_kind kind;
	const char *unit; /* not ended by a NUL; may be NULL when unit_length is 0 */
	size_t unit_length;
};

/* @param key  the store's; copied */
void bundle_init(struct bundle *bundle, const struct hash_key *key, struct rejects *rejects);

/* Takes a zeroed bundle. */
void bundle_done(struct bundle *bundle);

/*
 * Add the sample of a parsed line. Everything is copied.
 * @param default_host  for a line without a host of its own
 * @return HM_REASON_NONE; HM_REASON_NO_MEMORY; HM_REASON_BAD_NAME for a host, metric or label set
 * beyond the limits
 */
enum hm_reason bundle_add(struct bundle *bundle, const struct line *line, const char *default_host,
			  const struct bundle_meta *meta);

/*
 * Add the sample of a line whose name is one of `names`.
 * @return false: it is not, or the line is not of the usual form
 */
bool bundle_add_known(struct bundle *bundle, const char *text, size_t length,
		      struct series_text default_host);

/*
 * Add the sample of the next line of a text, where that is the one which is expected: senders have an order,
 * and keep to it.
 * @return bytes of the line and its newline; 0: it is another, or not whole
 */
size_t bundle_add_expected(struct bundle *bundle, const char *text, size_t length,
			   struct series_text default_host);

/* Forget the samples, keep the memory; and keep the names of those that engine_append() found. */
void bundle_clear(struct bundle *bundle);

/* About how much memory the samples take. */
size_t bundle_bytes(const struct bundle *bundle);

/* What a sample that was not known says of its series. Borrowed until the bundle changes. */
struct identity bundle_identity(const struct bundle *bundle, const struct bundle_sample *sample);

/* The unit, "" without one. Borrowed until the bundle changes. */
const char *bundle_unit(const struct bundle *bundle, const struct bundle_sample *sample);

#endif
