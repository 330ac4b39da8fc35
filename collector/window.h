/* SPDX-License-Identifier: MIT */
#ifndef COLLECTOR_WINDOW_H
#define COLLECTOR_WINDOW_H

/*
 * Functions over windows of time, of the samples of one series that come sorted by time. Knows nothing
 * of stores.
 *
 * Windows are [k * step, (k + 1) * step) since 1970 UTC, or one over everything. What has no samples
 * is no window: a gap stays a gap.
 *
 *   avg min max sum   of the samples that are not NaN
 *   quantile          the same, interpolated linearly between the two next to it, as PromQL does
 *   count             how many samples, NaN too
 *   last              the newest sample, NaN too
 *   increase          by how much a counter grew: the sum of the differences between samples that
 *                     follow each other, each in the window of its later one. A smaller value means
 *                     that the counter began again at 0: the whole of it counts. NaN is passed over
 *   rate              that, divided by the seconds between these samples
 *
 * Unlike PromQL's, increase and rate are never extrapolated to the edges of the window, and the sample
 * before the window counts: what a counter grows between two windows is in one of them, exactly once,
 * so that the increases of all windows add up. No difference is taken across more than `gap_us`.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum window_function {
	WINDOW_AVG,
	WINDOW_MIN,
	WINDOW_MAX,
	WINDOW_SUM,
	WINDOW_LAST,
	WINDOW_COUNT,
	WINDOW_RATE,
	WINDOW_INCREASE,
	WINDOW_QUANTILE,
};

/* With a step, no difference is taken across more than two of them and more than this. */
#define WINDOW_GAP_MIN_US INT64_C(300000000)

struct window_rule {
	enum window_function function;
	double quantile;  /* 0 to 1 */
	int64_t step_us;  /* 0 = one window over everything */
	int64_t since_us; /* samples before that only count for the differences behind it */
	int64_t gap_us;
};

/* One window, zeroed = empty. */
struct window {
	int64_t start_us; /* without a step: of the first that it has */
	int64_t covered_us;
	uint64_t n;
	double value;
	double lost;    /* of `value` by rounding, where it is a sum */
	double *values; /* of a quantile: n of them */
	size_t capacity;
};

/* The series being walked through, zeroed = at its begin. */
struct window_walk {
	bool has_window;
	int64_t start_us; /* of the window that the walk is in */
	int64_t last_us;  /* that belongs to it */
	size_t n_last;    /* so many samples it had, and the next one may have as many */
	bool has_previous;
	int64_t previous_us;
	double previous;
};

/* Samples that follow each other. */
struct window_samples {
	const int64_t *times_us;
	const double *values;
	size_t n;
	int64_t step_us; /* from each to the next; 0 = not known */
};

/*
 * Read "avg", "quantile=0.99". The rest of the rule is left alone.
 * @return 0; -EINVAL
 */
int window_parse_function(const char *text, struct window_rule *rule);

/* Set what the step means for gaps. @param step_us  0 or more */
void window_set_step(struct window_rule *rule, int64_t step_us);

/* From when on samples must be read, that all differences behind since_us are known. */
int64_t window_read_since(const struct window_rule *rule);

/* Does the function look at differences? */
bool window_is_of_differences(enum window_function function);

/* Go on over samples before since_us: they only count for the differences behind it. */
void window_walk_pass(struct window_walk *walk, const struct window_rule *rule,
		      const struct window_samples *samples);

/*
 * Go on to the window of the next sample; walk->start_us is when it begins.
 * @param times_us  of what comes next; one or more
 * @return how many of these belong to the window, from the first on
 */
size_t window_walk_to(struct window_walk *walk, const struct window_rule *rule,
		      const int64_t *times_us, size_t n);

/* Is it the window that begins at this time? An empty one may become it. */
bool window_is_at(const struct window *window, const struct window_rule *rule, int64_t start_us);

/*
 * Add samples that all belong to the window that the walk is in, which this one is or may become.
 * They are added up in their order: how they are split makes no difference, to the last bit.
 * @return 0 or -ENOMEM
 */
int window_take(struct window *window, struct window_walk *walk, const struct window_rule *rule,
		const struct window_samples *samples);

/*
 * Make a window of one series ready for window_merge(). @return false: it has no result, and is none
 */
bool window_settle(struct window *window, const struct window_rule *rule);

/*
 * Add the same window of another series; both are settled. Rate, increase and last are those of each
 * series, added up; all others are taken over the samples of all. `other` is empty then.
 * @return 0 or -ENOMEM
 */
int window_merge(struct window *window, const struct window_rule *rule, struct window *other);

/* @return false: there is no result, as of a rate over no time */
bool window_result(struct window *window, const struct window_rule *rule, double *ret_value);

/* Release the memory; it is empty again. */
void window_done(struct window *window);

#endif
