/* SPDX-License-Identifier: MIT */
#ifndef AGENT_BATCH_SERIES_H
#define AGENT_BATCH_SERIES_H

/* A series of a plugin (agent/batch.h): a metric and the values of its labels, and what it has in a round. */

#include <bsd/sys/queue.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/buffer.h"
#include "hostmetrics/format.h"
#include "hostmetrics/plugin.h"
#include "hostmetrics/wire.h"

/* All label values of a series, each with its NUL. */
#define BATCH_SERIES_LABELS_MAX_BYTES (HM_LABEL_SET_MAX_BYTES + HM_METRIC_LABELS_MAX)

/* Is it one of the agent's series? */
enum batch_standing {
	BATCH_PLACELESS, /* it has not asked for a place since it had none: it is gone, or its plugin is disabled */
	BATCH_PLACED,
	BATCH_LEFT_OUT, /* there was no place for it */
	BATCH_EXCLUDED, /* by the plugin's filter */
};

/*
 * What others may look at under the plugin's mutex is written under it. Labels and text lie behind it in the same memory, and
 * what each round looks at is together: a round comes when nothing of that is in the CPU's caches any more.
 */
struct batch_series {
	TAILQ_ENTRY(batch_series) entry;
	const struct hm_metric *metric;
	const char *labels; /* values, each with its NUL */
	const char *text;   /* canonical */
	uint32_t labels_bytes;
	uint32_t text_bytes;
	double value;           /* in round `round` */
	uint64_t round;         /* the last one that gave it a value */
	uint64_t missing_round; /* the last one that said why there is none */
	uint8_t standing;       /* enum batch_standing */
	uint8_t reason;         /* enum hm_reason: why, in that round */
	uint8_t told; /* enum hm_reason: of one that is left out or excluded: the last safe round has said so */
	bool is_expected; /* the last round that is safe had a value of it, or said why not */
	bool is_owed;     /* HM_EVENTS: the total has grown since it was shipped */
	/* Under the plugin's mutex: what the last safe round that had it had. */
	bool is_shown;
	uint64_t shown_round;
	double shown_value;
	int64_t shown_time_us;
	double total; /* HM_EVENTS: the sum up to the last round that is safe */
	uint64_t
		order; /* of its place, among all of the agent's; 0: it had none, or there is no limit */
};

/*
 * Write the label values one behind the other, each with its NUL.
 * @return their bytes; -EINVAL: the metric has another number of labels; -EMSGSIZE
 */
ssize_t batch_series_pack_labels(const struct hm_metric *metric, const char *const labels[],
				 char out[static BATCH_SERIES_LABELS_MAX_BYTES]);

/*
 * @param labels   packed; copied
 * @param scratch  its content is lost
 * @return 0; -EILSEQ: a label is not clean text; -EMSGSIZE; -ENOMEM
 */
int batch_series_new(const struct hm_metric *metric, const char *labels, size_t labels_bytes,
		     struct buffer *scratch, struct batch_series **ret_series);

/* Is it the one of this metric with these values of its labels, ended by NULL? */
bool batch_series_is(const struct batch_series *series, const struct hm_metric *metric,
		     const char *const labels[]);

/* Takes NULL. */
void batch_series_free(struct batch_series *series);

/* What tsearch(3) compares: the metric, then the label values as bytes. */
int batch_series_compare(const void *left, const void *right);

/* Is it left out or excluded? */
bool batch_series_is_out(const struct batch_series *series);

/* The last round that said anything of it. */
uint64_t batch_series_last_round(const struct batch_series *series);

#endif
