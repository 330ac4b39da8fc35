/* SPDX-License-Identifier: MIT */
#ifndef COLLECTOR_WHY_H
#define COLLECTOR_WHY_H

/*
 * Why is there a hole in a series? It is given the times and marks of a series, one after the other, and says
 * where samples are missing and for which reasons, of those that its host's causes have. No descriptors, no locks.
 *
 * How often a series is sampled is what the SCHEDULE in force says of its metric. More than one and a half of these
 * intervals without a sample are a hole, and so is what is marked as missing. Before the first sample
 * there is none, but for what was deleted or is too old. A hole is divided where one reason ends and another begins.
 * Where none is known that is a fault of this program: the reason is then HM_REASON_NONE. What a clock that was ahead
 * has sampled is passed over until its time comes.
 */

#include <stdbool.h>
#include <stdint.h>

#include "collector/why_causes.h"

/* So many times and marks that are not known lie before the first one, or behind the last. */
#define WHY_NO_TIME INT64_MIN

/* Why there is no hole at a moment; above every enum hm_reason. */
enum why_verdict {
	WHY_SAMPLE = 0x10000, /* there is a sample */
	WHY_NO_INTERVAL,      /* nobody ever told how often it is sampled */
	WHY_NOT_TOLD_YET,     /* nobody had, then */
	WHY_NO_DATA_YET,      /* the first sample is later */
	WHY_NOT_DUE,          /* the next sample need not be here yet */
};

struct why_hole {
	int64_t from_us; /* the last sample before it, where there is one; INT64_MIN: since ever */
	int64_t to_us;   /* the next one; WHY_STILL: there is none */
	enum hm_reason reason;
};

struct why_ask {
	int64_t since_us; /* what holes are asked for; those that reach beyond are told whole */
	int64_t until_us; /* the same: those that this moment lies in */
	int64_t now_us;
	void *context;
	/* By growing times. @return 0 or -errno, which ends it */
	int (*hole)(void *context, const struct why_hole *hole);
};

struct why_series {
	const char *metric; /* borrowed */
	const char *labels;
	bool is_damaged; /* places of what the store has of it cannot be read */
	bool has_aside;  /* what it had before was damaged as a whole, and set aside */
};

/* How a metric is sampled from a time on. */
struct why_segment {
	int64_t since_us;
	int64_t interval_us; /* 0: not at all */
};

/* Zeroed but for these two: made. One series after the other. */
struct why {
	const struct why_causes *causes; /* borrowed; settled */
	struct why_ask ask;

	struct why_series series;
	struct why_segment *segments;
	size_t n_segments;
	size_t segments_capacity;
	const char *segments_of; /* the metric that they are of */
	size_t at;               /* the one in force at the last time */

	struct why_spans deleted; /* of the series */
	bool has_deleted;

	int64_t first_us; /* what was given first; WHY_NO_TIME: nothing yet */
	int64_t last_us;  /* and last */
	int64_t before_us; /* its last sample up to the beginning of what is asked for; WHY_NO_TIME: none */
	int64_t behind_us; /* its first sample behind that, from its end on; likewise */
	uint8_t mark;      /* enum hm_reason of the last; HM_REASON_NONE: a sample */
	bool has_lost;     /* behind that something of it may have been lost */
	uint8_t lost_mark; /* what such a mark must have said */
	bool is_early;     /* before the first sample: only what is certain is told */
	bool has_ended;    /* what came behind the present has been met */
	struct why_hole pending;
	bool has_pending;
};

void why_done(struct why *why);

/* Begin with a series. @return 0 or -ENOMEM */
int why_begin(struct why *why, const struct why_series *series);

/* Was it ever told how often it is sampled? If not, no hole can be told. */
bool why_has_interval(const struct why *why);

/* It has a sample; or a mark that says why there is none. By growing times. @return 0; -ENOMEM; -errno of the hole */
int why_add_sample(struct why *why, int64_t time_us);
int why_add_mark(struct why *why, int64_t time_us, uint8_t reason);

/* There is nothing more. @return likewise */
int why_end(struct why *why);

/* Once it has ended, and no hole was told of a moment: why not. */
enum why_verdict why_judge(struct why *why);

#endif
