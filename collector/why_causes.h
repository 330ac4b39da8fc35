/* SPDX-License-Identifier: MIT */
#ifndef COLLECTOR_WHY_CAUSES_H
#define COLLECTOR_WHY_CAUSES_H

/*
 * What may be the reason of a hole in the series of one host: spans of time, made of what the chronicle of the host
 * tells. No descriptors, no locks. What is told comes from agents and files: what makes no sense is passed over.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "collector/chronicle.h"
#include "common/buffer.h"
#include "common/series.h"
#include "hostmetrics/wire.h"

/* What an agent has sampled comes within so long, or it does not come; later only if it says that it sends it so seldom. */
#define WHY_SHIPPED_US INT64_C(180000000)

/* No such time: it still goes on. */
#define WHY_STILL INT64_MAX

struct why_span {
	int64_t from_us; /* INT64_MIN: it is not known when it began */
	int64_t to_us;   /* or WHY_STILL */
	enum hm_reason reason;
};

/* Once settled: by growing times, and none overlaps another. */
struct why_spans {
	struct why_span *at;
	size_t n;
	size_t capacity;
};

/* What was sampled from a time on: entries as SCHEDULE has them. */
struct why_schedule {
	int64_t since_us;
	uint8_t epoch[HM_ID_BYTES];
	uint64_t ship_interval_us; /* 0: not told */
	size_t bytes_at;
	size_t n_bytes;
};

/* What a person deleted: a DELETE. */
struct why_delete {
	int64_t from_us;
	int64_t to_us; /* no later than it was deleted */
	size_t bytes_at;
	size_t n_bytes;
};

struct why_clock {
	uint8_t boot_id[HM_ID_BYTES];
	enum hm_clock_event event;
	int64_t now_us;
	int64_t since_boot_us;
	int64_t change_us;
	int64_t told_us; /* now_us and change_us, as the clock was that may have been wrong */
	int64_t told_change_us;
};

/* Zeroed = nothing is known. */
struct why_causes {
	struct why_spans known; /* when nothing could be sampled */
	struct why_spans gaps;  /* when it was, and the agent lost it */
	struct why_spans lost;  /* when it came, and the store lost it */
	/* The agent did not come to tell its end: up to when it was there again. */
	struct why_spans ended;
	struct why_spans untold;        /* what agents were killed before they told it */
	struct why_spans starts;        /* up to when agents began */
	struct why_schedule *schedules; /* by growing times */
	size_t n_schedules;
	size_t schedules_capacity;
	struct why_delete *deletes;
	size_t n_deletes;
	size_t deletes_capacity;
	struct why_clock *clocks; /* in the order in which they happened */
	size_t n_clocks;
	size_t clocks_capacity;
	struct buffer bytes; /* of schedules and deletes */
	int64_t horizon_us;  /* nothing before it is kept */
	int64_t shipped_us;  /* what is sampled comes within so long */
	int64_t contact_us;  /* the latest time that anything from the agent is about */
};

/* Nothing is known of a host but its horizon. Release with why_causes_done(). */
void why_causes_init(struct why_causes *causes, int64_t horizon_us);

/* Forget all that was told; the horizon stays. */
void why_causes_clear(struct why_causes *causes);

void why_causes_done(struct why_causes *causes);

/* Take what the chronicle tells next. @return 0 or -ENOMEM */
int why_causes_add(struct why_causes *causes, const struct chronicle_entry *entry);

/* Take what the chronicle tells of the store. @return likewise */
int why_causes_add_event(struct why_causes *causes, const struct chronicle_event *event);

/* Something from the agent is about this time. */
void why_causes_note_contact(struct why_causes *causes, int64_t time_us);

/* Keep bytes that were told. @param ret_at  where they are from then on. @return 0 or -ENOMEM */
int why_causes_keep(struct why_causes *causes, const void *bytes, size_t n, size_t *ret_at);

/* To be called when all is told, before the rest. @return 0 or -ENOMEM */
int why_causes_settle(struct why_causes *causes);

/* Add a span behind others; why_spans_settle() follows. @return 0 or -ENOMEM */
int why_spans_add(struct why_spans *spans, int64_t from_us, int64_t to_us, enum hm_reason reason);
void why_spans_settle(struct why_spans *spans);

/* The first one that ends behind a time; n: there is none. The spans are settled. */
size_t why_spans_find(const struct why_spans *spans, int64_t time_us);

/* How often a metric is sampled under a schedule. @return microseconds; 0: it is not */
int64_t why_schedule_interval(const struct why_causes *causes, const struct why_schedule *schedule,
			      const char *metric);

/* Did it delete of this series? */
bool why_delete_has(const struct why_causes *causes, const struct why_delete *entry,
		    const char *metric, const char *labels);

static inline bool why_is_text(const struct series_text *text, const char *other)
{
	return text->length == strlen(other) && memcmp(text->start, other, text->length) == 0;
}

/* Sum of two times, or the end of time where that is beyond it. */
static inline int64_t why_add_times(int64_t a, int64_t b)
{
	int64_t sum;

	if (!__builtin_add_overflow(a, b, &sum))
		return sum;
	return b < 0 ? INT64_MIN : INT64_MAX;
}

/* From one time to a later one, at most INT64_MAX. */
static inline int64_t why_distance(int64_t from_us, int64_t to_us)
{
	int64_t distance;

	return __builtin_sub_overflow(to_us, from_us, &distance) ? INT64_MAX : distance;
}

#endif
