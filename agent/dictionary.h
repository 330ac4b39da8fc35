/* SPDX-License-Identifier: MIT */
#ifndef AGENT_DICTIONARY_H
#define AGENT_DICTIONARY_H

/*
 * The series of an epoch and their ids, which count from 0 without a hole (docs/protocol.md). A series that
 * was known once keeps its id: when another epoch begins, all of them are declared again, under the
 * same ids; where no more can be declared, who has it begins anew, with an epoch without series.
 *
 * Ticks name mostly the same series in the same order, so each remembers which one came behind it, and the next is
 * only compared. Otherwise it is looked up in a tree (tsearch(3)): its cost does not depend on the names,
 * which come from outside.
 */

#include <stddef.h>
#include <stdint.h>

#include "common/buffer.h"
#include "common/wire_declare.h"
#include "hostmetrics/format.h"

struct dictionary_entry;

/* What was said of a series. */
struct dictionary_note {
	uint32_t round;  /* in which something was said of it last; 0: none */
	uint8_t lasting; /* enum hm_reason: why it has no samples since */
};

/* Zeroed = empty. */
struct dictionary {
	struct dictionary_entry **entries; /* by id */
	struct dictionary_note *notes; /* likewise: what each round looks at, in little memory */
	uint32_t n_series;
	size_t capacity;
	size_t notes_capacity;
	void *tree;       /* of tsearch(3) */
	uint32_t last_id; /* that was asked for */
	struct buffer scratch;
};

void dictionary_done(struct dictionary *dictionary);

/*
 * The id of a series: a new one where it is not known. One whose kind or unit is another is another series.
 * @param series  name, unit and kind; copied
 * @return 0; -EINVAL: no collector would take it: the name is not canonical or over the limits, the unit too
 * long; -ENOSPC: the epoch has HM_EPOCH_SERIES_MAX series; -ENOMEM
 */
int dictionary_add(struct dictionary *dictionary, const struct wire_series *series,
		   uint32_t *ret_id);

/* The id of a series that is known. @return 0; -ENOENT: it is not */
int dictionary_find(const struct dictionary *dictionary, const struct wire_series *series,
		    uint32_t *ret_id);

/*
 * Note that something was said of a series, in a round.
 * @param lasting  why it has no samples from then on, which is said once; HM_REASON_NONE: it has, or it is said each time
 */
void dictionary_note(struct dictionary *dictionary, uint32_t id, uint32_t round,
		     enum hm_reason lasting);

/* How many have no samples since something said so, or nothing was said of them yet: of those of an agent before. */
uint32_t dictionary_count_gone(const struct dictionary *dictionary);

/* The first of these only: something said so. */
uint32_t dictionary_count_lasting(const struct dictionary *dictionary);

/*
 * The first series from an id on that has no samples since that was said; or, in the second case, that has a metric. Only of
 * those that a round has said nothing of.
 * @return its id; n_series: there is none
 */
uint32_t dictionary_next_lasting(const struct dictionary *dictionary, uint32_t id, uint32_t round,
				 enum hm_reason *ret_lasting);
uint32_t dictionary_next_silent(const struct dictionary *dictionary, uint32_t id,
				const char *metric, uint32_t round);

/*
 * Take the series of a DECLARE that was written before: when an agent starts, its spool has them all.
 * @param body  what stands behind the stamp
 * @return 0; -EBADMSG: it is none, leaves ids out, or says something else of one that is known; -ENOMEM. The
 * series before the bad one were taken then
 */
int dictionary_read(struct dictionary *dictionary, const void *body, size_t length);

/*
 * Append the body of a DECLARE, what stands behind the stamp: series from `first_id` on, as many as fit. They are to be
 * in the spool before a tick that has one of them.
 * @param first_id  of those that are not declared yet; below n_series
 * @param out       its `failed` tells when there was no memory
 * @return the first id that is not in it: n_series when all are
 */
uint32_t dictionary_declare(const struct dictionary *dictionary, uint32_t first_id,
			    struct buffer *out);

/*
 * A checksum of what ids mean: the same where the first series are the same, in the same order.
 * @param n_series  so many of them; at most as many as there are
 */
uint32_t dictionary_crc(const struct dictionary *dictionary, uint32_t n_series);

#endif
