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
 *
 * A series that the plugin's filter excludes, or for which the agent's limit has no place, has no samples. It is
 * looked at once: then it is remembered like any other, up to a number of them, and what is beyond that costs a look
 * each round, but no memory. What may have samples in the store gets a mark that says why it has no more of them.
 */

#include <bsd/sys/queue.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/batch_series.h"
#include "agent/filter.h"
#include "agent/series_limit.h"
#include "common/buffer.h"
#include "hostmetrics/plugin.h"

/* A series that was not seen in so many rounds leaves the table. */
#define BATCH_ROUNDS_KEPT 3

/* Of the reasons why values of a round are missing, this much is kept as text. */
#define BATCH_REASONS_MAX_BYTES ((size_t)64 << 10)

TAILQ_HEAD(batch_list, batch_series);

/* Zeroed = not initialised. */
struct hm_batch {
	const struct hm_plugin *plugin;   /* borrowed */
	const struct filter *filter;      /* borrowed; NULL = everything is taken */
	struct series_limit *limit;       /* borrowed; NULL = there is none */
	struct metric_registry *registry; /* of metrics it made; borrowed; NULL = none */
	struct batch_list series;
	size_t n_series;
	void *tree;                  /* of tsearch(3) */
	struct batch_series *cursor; /* the series that should come next */
	uint64_t round;
	/* Nothing of this round counts, and this is why; HM_REASON_NONE = it does. */
	enum hm_reason discard_reason;
	bool has_begun; /* a safe round has said which series there are */
	bool owes_rest; /* before that, one has said why all that an agent before had are missing */
	/* Of this round: */
	size_t n_left_out;     /* series without a place */
	size_t *left_out;      /* of each metric; NULL: of none ever */
	size_t n_problems;     /* values that are missing, not finite or not as the contract says */
	struct buffer reasons; /* of the first of them, a line each: "series: reason" */
	struct buffer scratch;
	/* Under the plugin's mutex: the series that list-metrics shows. */
	struct batch_series **shown;
	size_t n_shown;
	size_t shown_capacity;
};

/* @param plugin  borrowed. `registry` is the caller's to set */
void batch_init(struct hm_batch *batch, const struct hm_plugin *plugin);

/* Takes a zeroed one. */
void batch_done(struct hm_batch *batch);

/* Begin a round: what is emitted from now on belongs to it. */
void batch_begin(struct hm_batch *batch);

/*
 * Nothing that this round emitted counts: the plugin failed, or was not called.
 * @param reason  why its series have no values; SOURCE_GONE: nor will they have any
 */
void batch_discard(struct hm_batch *batch, enum hm_reason reason);

/* What is to be said of values that could not be read. @param error  -errno */
enum hm_reason batch_reason(int error);

/*
 * Append the round as lines `TIME SERIES VALUE`, with the totals of counted events that no round
 * has shipped yet.
 * @return the number of lines; lines->failed tells when there was no memory for them
 */
size_t batch_format(const struct hm_batch *batch, int64_t time_us, struct buffer *lines);

/*
 * The same as samples of agent/round.h, with the reason of each that is missing: the plugin said so, or the round
 * failed. A series that the safe round before had, and this one says nothing of, is said to be gone, once. As long as no
 * round has said which series there are, that is said of each metric (agent/round.h).
 * @return the number of values; out->failed tells when there was no memory for them
 */
size_t batch_pack(struct hm_batch *batch, int64_t time_us, struct buffer *out);

/* Say of all series that the last safe round had that they are missing, at a time for which there was no round. */
void batch_pack_missing(const struct hm_batch *batch, int64_t time_us, enum hm_reason reason,
			struct buffer *out);

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

/* Series without a place. */
struct batch_left_out {
	size_t n; /* of all metrics */
	size_t n_most;
	const struct hm_metric *most; /* that has n_most of them; NULL: none is */
};

/* What this round had to leave out. */
void batch_count_left_out(const struct hm_batch *batch, struct batch_left_out *ret_left_out);

/* Have another filter; the one before may go then. @param filter  borrowed; NULL = everything is taken */
void batch_use_filter(struct hm_batch *batch, const struct filter *filter);

/* Series whose place is of a lower order. */
size_t batch_count_placed(const struct hm_batch *batch, uint64_t order);

/* Leave those out whose place is of this order or a higher one. */
void batch_leave_out(struct hm_batch *batch, uint64_t order);

/* The plugin is disabled: its series have no places. */
void batch_give_back(struct hm_batch *batch);

#endif
