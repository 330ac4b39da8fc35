/* SPDX-License-Identifier: MIT */
#ifndef AGENT_BATCH_H
#define AGENT_BATCH_H

/*
 * What one plugin emits (struct hm_batch of hostmetrics/plugin.h): its series, the round being
 * taken, and the running totals of what it counts itself.
 *
 * A round usually emits the same series in the same order as the one before it, so the list is kept
 * in that order and the next one is only compared; nothing is allocated then. Otherwise the series
 * is looked up in a tree (tsearch(3)): its cost does not depend on the names, which come from
 * outside.
 */

#include <bsd/sys/queue.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buffer.h"
#include "hostmetrics/plugin.h"

/* A plugin has at most this many series; further ones are reported as its error. */
#define BATCH_SERIES_MAX 200000

/* A series that was not seen in so many rounds leaves the table. */
#define BATCH_ROUNDS_KEPT 3

/* Of the reasons why values of a round are missing, this much is kept as text. */
#define BATCH_REASONS_MAX_BYTES ((size_t)64 << 10)

/* One series. What others may look at under the plugin's mutex is written under it. */
struct batch_series {
	TAILQ_ENTRY(batch_series) entry;
	const struct hm_metric *metric;
	const char *labels; /* values, each with its NUL */
	size_t labels_bytes;
	const char *text; /* canonical */
	size_t text_bytes;
	double value;   /* in round `round` */
	uint64_t round; /* the last one that emitted it */
	double total;   /* HM_EVENTS: the sum up to the last round that is safe */
	bool is_owed;   /* HM_EVENTS: the total has grown since it was shipped */
	/* Under the plugin's mutex: what the last safe round had. */
	bool is_shown;
	double shown_value;
	int64_t shown_time_us;
};

TAILQ_HEAD(batch_list, batch_series);

/* Zeroed = not initialised. */
struct hm_batch {
	const struct hm_plugin *plugin; /* borrowed */
	struct batch_list series;
	size_t n_series;
	void *tree;                  /* of tsearch(3) */
	struct batch_series *cursor; /* the series that should come next */
	uint64_t round;
	bool is_discarded; /* nothing of this round counts */
	/* Of this round: */
	size_t n_problems;     /* values that are missing, not finite or not as the contract says */
	struct buffer reasons; /* of the first of them, a line each: "series: reason" */
	struct buffer scratch;
	/* Under the plugin's mutex: the series that list-metrics shows. */
	struct batch_series **shown;
	size_t n_shown;
	size_t shown_capacity;
};

/* @param plugin  borrowed */
void batch_init(struct hm_batch *batch, const struct hm_plugin *plugin);

/* Takes a zeroed one. */
void batch_done(struct hm_batch *batch);

/* Begin a round: what is emitted from now on belongs to it. */
void batch_begin(struct hm_batch *batch);

/* Nothing that this round emitted counts: the plugin failed, or was not called. */
void batch_discard(struct hm_batch *batch);

/*
 * Append the round as lines `TIME SERIES VALUE`, with the totals of counted events that no round
 * has shipped yet.
 * @return the number of lines; lines->failed tells when there was no memory for them
 */
size_t batch_format(const struct hm_batch *batch, int64_t time_us, struct buffer *lines);

/*
 * The same as samples of agent/round.h.
 * @return their number; out->failed tells when there was no memory for them
 */
size_t batch_pack(const struct hm_batch *batch, int64_t time_us, struct buffer *out);

/*
 * The round is safe: add what was counted to the totals, forget series that have not been seen for a
 * while, show the rest. Call it together with the plugin's cleanup(), holding the plugin's mutex.
 */
void batch_commit(struct hm_batch *batch, int64_t time_us);

/*
 * A round that is not shipped, taken before the plugin stops: only what was counted is kept, and
 * shipped with the next round. Call it together with cleanup().
 */
void batch_settle(struct hm_batch *batch);

#endif
