/* SPDX-License-Identifier: MIT */
/* Windows with equally many samples, added up side by side. */

#include "collector/window_group.h"

#include <math.h>
#include <string.h>

#include "common/bits.h"
#include "common/timestamp.h"

/* So many windows are in one vector. */
#define LANES ((size_t)4)

typedef double lanes __attribute__((vector_size(32)));
typedef int64_t lane_masks __attribute__((vector_size(32)));

/*
 * Add up windows of n values each. What rounding cuts off is found as in window.c; what is no number adds
 * 0, and a sum that is none has nothing cut off.
 */
BITS_LOOPS static void add_up(const double *values, size_t n, struct window_group *group)
{
	for (size_t next = 0; next < group->n_windows; next += LANES) {
		/* The last ones are perhaps in two vectors, with the same result. */
		size_t first = next + LANES <= group->n_windows ? next : group->n_windows - LANES;
		const double *at = values + first * n;
		lanes sum = {0}, lost = {0};
		lane_masks n_added = {0};

		for (size_t i = 0; i < n; i++, at++) {
			lanes value = {at[0], at[n], at[2 * n], at[3 * n]};
			lane_masks is_number = value <= (double)INFINITY; /* not of a NaN */
			lanes total, part, cut;

			value = (lanes)((lane_masks)value & is_number);
			n_added -= is_number;
			total = sum + value;
			part = total - sum;
			cut = (sum - (total - part)) + (value - part);
			lost += (lanes)((lane_masks)cut & (cut > -(double)INFINITY) &
					(cut < (double)INFINITY));
			sum = total;
		}
		memcpy(group->value + first, &sum, sizeof(sum));
		memcpy(group->lost + first, &lost, sizeof(lost));
		memcpy(group->n + first, &n_added, sizeof(n_added));
	}
}

/* Do so many windows with n samples each come next? @param walk  is in the first of them */
static bool are_even(const struct window_walk *walk, const struct window_rule *rule,
		     const struct window_samples *samples, size_t n_windows, size_t n)
{
	const int64_t *times_us = samples->times_us;
	int64_t last_us = walk->last_us;
	bool are_even = true;
	int64_t covered_us;

	/* Of a steady column one look tells. */
	if (samples->step_us > 0 &&
	    !__builtin_mul_overflow(samples->step_us, (int64_t)n, &covered_us))
		return covered_us == rule->step_us &&
		       times_us[0] - walk->start_us < samples->step_us;
	for (size_t i = 1; i <= n_windows; i++, last_us += rule->step_us)
		are_even &= times_us[i * n - 1] <= last_us && times_us[i * n] > last_us;
	return are_even;
}

/*
 * The differences between samples that follow each other. @return false: one of them is not known, as
 * there is a gap, or it may be no number
 */
BITS_LOOPS static bool find_differences(const struct window_walk *walk, int64_t gap_us,
					const struct window_samples *samples,
					double *ret_differences)
{
	const int64_t *times_us = samples->times_us;
	const double *values = samples->values;
	const uint64_t gap = (uint64_t)gap_us;
	unsigned is_unknown = ((uint64_t)times_us[0] - (uint64_t)walk->previous_us) > gap;

	is_unknown |= !isfinite(walk->previous);
	is_unknown |= !isfinite(values[0]);
	ret_differences[0] = values[0] < walk->previous ? values[0] : values[0] - walk->previous;
	for (size_t i = 1; i < samples->n; i++) {
		is_unknown |= (uint64_t)times_us[i] - (uint64_t)times_us[i - 1] > gap;
		is_unknown |= !isfinite(values[i]);
		ret_differences[i] =
			values[i] < values[i - 1] ? values[i] : values[i] - values[i - 1];
	}
	return !is_unknown;
}

/* @param samples  those of all windows */
static bool take_differences(struct window_group *group, struct window_walk *walk,
			     const struct window_rule *rule, const struct window_samples *samples)
{
	double differences[WINDOW_GROUP * WINDOW_GROUP_SAMPLES_MAX];
	size_t n = samples->n / group->n_windows;
	int64_t before_us = walk->previous_us;

	if (!walk->has_previous || !find_differences(walk, rule->gap_us, samples, differences))
		return false;
	add_up(differences, n, group);
	for (size_t i = 0; i < group->n_windows; i++) {
		int64_t last_us = samples->times_us[(i + 1) * n - 1];

		group->covered_us[i] = last_us - before_us;
		before_us = last_us;
	}
	walk->previous_us = before_us;
	walk->previous = samples->values[samples->n - 1];
	return true;
}

static bool take_windows(struct window_group *group, struct window_walk *walk,
			 const struct window_rule *rule, const struct window_samples *samples)
{
	group->start_us = walk->start_us;
	group->step_us = rule->step_us;
	if (window_is_of_differences(rule->function))
		return take_differences(group, walk, rule, samples);
	add_up(samples->values, samples->n / group->n_windows, group);
	memset(group->covered_us, 0, sizeof(group->covered_us));
	return true;
}

static bool is_of_sums(enum window_function function)
{
	return function == WINDOW_AVG || function == WINDOW_SUM ||
	       window_is_of_differences(function);
}

/* How many windows with n samples each to look at: fewer where a gap may make all of them uneven. */
static size_t choose_number(const struct window_samples *samples, size_t n)
{
	size_t most = samples->step_us > 0 ? WINDOW_GROUP : WINDOW_GROUP / 2;

	/* It takes the next sample to know that a window has no more. */
	return samples->n > most * n ? most : (samples->n - 1) / n;
}

size_t window_group_take(struct window_group *group, struct window_walk *walk,
			 const struct window_rule *rule, const struct window_samples *samples)
{
	const size_t n = walk->n_last;
	struct window_samples all = {samples->times_us, samples->values, 0, 0};
	struct window_walk next = *walk;
	int64_t more_us;

	if (!is_of_sums(rule->function) || n == 0 || n > WINDOW_GROUP_SAMPLES_MAX ||
	    samples->n <= WINDOW_GROUP_MIN * n || samples->times_us[0] <= walk->last_us)
		return 0;
	group->n_windows = choose_number(samples, n);
	all.n = group->n_windows * n;
	if (__builtin_mul_overflow(rule->step_us, (int64_t)group->n_windows, &more_us) ||
	    window_walk_to(&next, rule, samples->times_us, samples->n) != n ||
	    next.last_us > INT64_MAX - more_us ||
	    !are_even(&next, rule, samples, group->n_windows, n) ||
	    !take_windows(group, &next, rule, &all))
		return 0;
	next.start_us += more_us - rule->step_us;
	next.last_us += more_us - rule->step_us;
	*walk = next;
	return all.n;
}

struct window window_group_get(const struct window_group *group, size_t index)
{
	return (struct window){
		.start_us = group->start_us + (int64_t)index * group->step_us,
		.covered_us = group->covered_us[index],
		.n = (uint64_t)group->n[index],
		.value = group->value[index],
		.lost = group->lost[index],
	};
}

/* With the formulas of window_result(). */
BITS_LOOPS unsigned window_group_results(const struct window_group *group,
					 const struct window_rule *rule,
					 double ret_results[static WINDOW_GROUP])
{
	bool is_rate = rule->function == WINDOW_RATE;
	bool is_average = rule->function == WINDOW_AVG;
	unsigned which = 0;

	for (size_t i = 0; i < group->n_windows; i++) {
		double sum = group->value[i] + group->lost[i];
		double seconds = (double)group->covered_us[i] / TIMESTAMP_SECOND_US;
		double divisor = is_average ? (double)group->n[i] : 1;

		ret_results[i] = sum / (is_rate ? seconds : divisor);
		which |= (unsigned)(group->n[i] > 0 && (!is_rate || group->covered_us[i] > 0)) << i;
	}
	return which;
}
