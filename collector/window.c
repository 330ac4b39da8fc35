/* SPDX-License-Identifier: MIT */
/* Functions over windows of time. */

#include "collector/window.h"

#include <errno.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "collector/time_list.h"
#include "common/array.h"
#include "common/number.h"
#include "common/timestamp.h"

#define QUANTILE "quantile="

static const char *const names[] = {
	[WINDOW_AVG] = "avg",   [WINDOW_MIN] = "min",           [WINDOW_MAX] = "max",
	[WINDOW_SUM] = "sum",   [WINDOW_LAST] = "last",         [WINDOW_COUNT] = "count",
	[WINDOW_RATE] = "rate", [WINDOW_INCREASE] = "increase",
};

int window_parse_function(const char *text, struct window_rule *rule)
{
	double quantile;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(text, names[i]) == 0) {
			rule->function = (enum window_function)i;
			return 0;
		}
	}
	if (strncmp(text, QUANTILE, strlen(QUANTILE)) != 0)
		return -EINVAL;
	text += strlen(QUANTILE);
	if (number_parse(text, strlen(text), &quantile) < 0 || !(quantile >= 0 && quantile <= 1))
		return -EINVAL;
	rule->function = WINDOW_QUANTILE;
	rule->quantile = quantile;
	return 0;
}

void window_set_step(struct window_rule *rule, int64_t step_us)
{
	rule->step_us = step_us;
	rule->gap_us = INT64_MAX;
	if (step_us == 0 || __builtin_mul_overflow(step_us, 2, &rule->gap_us))
		rule->gap_us = INT64_MAX;
	else if (rule->gap_us < WINDOW_GAP_MIN_US)
		rule->gap_us = WINDOW_GAP_MIN_US;
}

int64_t window_read_since(const struct window_rule *rule)
{
	int64_t back_us = rule->step_us == 0 ? WINDOW_GAP_MIN_US : rule->gap_us;
	int64_t since_us;

	return __builtin_sub_overflow(rule->since_us, back_us, &since_us) ? INT64_MIN : since_us;
}

bool window_is_of_differences(enum window_function function)
{
	return function == WINDOW_RATE || function == WINDOW_INCREASE;
}

/* Is it added up, series by series? */
static bool is_of_series(enum window_function function)
{
	return window_is_of_differences(function) || function == WINDOW_LAST;
}

/* Find the window of a time. */
static void find_window(struct window_walk *walk, const struct window_rule *rule, int64_t time_us)
{
	int64_t step_us = rule->step_us;
	int64_t behind_us;

	/* Mostly it follows the one before. */
	if (walk->has_window && walk->last_us < INT64_MAX - step_us && time_us > walk->last_us &&
	    time_us <= walk->last_us + step_us) {
		walk->start_us = walk->last_us + 1;
		walk->last_us += step_us;
		return;
	}
	walk->has_window = true;
	behind_us = time_us % step_us;
	if (behind_us < 0)
		behind_us += step_us;
	if (__builtin_sub_overflow(time_us, behind_us, &walk->start_us))
		walk->start_us = INT64_MIN;
	if (__builtin_add_overflow(time_us, step_us - 1 - behind_us, &walk->last_us))
		walk->last_us = INT64_MAX;
}

size_t window_walk_to(struct window_walk *walk, const struct window_rule *rule,
		      const int64_t *times_us, size_t n)
{
	size_t n_last = walk->n_last;

	/* One window, which begins at its first sample: window_take() knows. */
	if (rule->step_us == 0)
		return n;
	find_window(walk, rule, times_us[0]);
	if (walk->last_us == INT64_MAX)
		return n;
	if (n_last == 0 || n_last > n || times_us[n_last - 1] > walk->last_us ||
	    (n_last < n && times_us[n_last] <= walk->last_us))
		n_last = time_list_find(times_us, n, 1, walk->last_us + 1);
	walk->n_last = n_last;
	return n_last;
}

bool window_is_at(const struct window *window, const struct window_rule *rule, int64_t start_us)
{
	return window->n == 0 || rule->step_us == 0 || window->start_us == start_us;
}

/* Add without losing what rounding cuts off (Neumaier's sum). */
static void add_exactly(struct window *window, double value)
{
	double sum = window->value + value;

	if (isfinite(sum)) {
		window->lost += fabs(window->value) >= fabs(value) ? (window->value - sum) + value
								   : (value - sum) + window->value;
	}
	window->value = sum;
}

/*
 * The same for many. What was cut off is found without asking which of two numbers is the greater one
 * (Knuth's sum): exactly the same bits, as what is cut off is always a number itself.
 */
static size_t add_all(struct window *window, const double *values, size_t n)
{
	double sum = window->value;
	double lost = window->lost;
	size_t n_added = n;

	for (size_t i = 0; i < n; i++) {
		bool is_number = !isnan(values[i]);
		double value = is_number ? values[i] : 0;
		double total = sum + value;
		double part = total - sum;
		double cut = (sum - (total - part)) + (value - part);

		n_added -= !is_number;
		lost += fabs(cut) <= DBL_MAX ? cut : 0;
		sum = total;
	}
	window->value = sum;
	window->lost = lost;
	return n_added;
}

static size_t take_least(struct window *window, const double *values, size_t n)
{
	double least = window->n == 0 ? NAN : window->value;
	size_t n_taken = 0;

	for (size_t i = 0; i < n; i++) {
		n_taken += !isnan(values[i]);
		least = values[i] < least || isnan(least) ? values[i] : least;
	}
	window->value = least;
	return n_taken;
}

static size_t take_greatest(struct window *window, const double *values, size_t n)
{
	double greatest = window->n == 0 ? NAN : window->value;
	size_t n_taken = 0;

	for (size_t i = 0; i < n; i++) {
		n_taken += !isnan(values[i]);
		greatest = values[i] > greatest || isnan(greatest) ? values[i] : greatest;
	}
	window->value = greatest;
	return n_taken;
}

/* By how much the counter grew since the sample before. @return false: that is not known */
static bool take_difference(struct window_walk *walk, const struct window_rule *rule,
			    int64_t time_us, double value, int64_t *ret_covered_us,
			    double *ret_difference)
{
	bool is_known = walk->has_previous &&
			!__builtin_sub_overflow(time_us, walk->previous_us, ret_covered_us) &&
			*ret_covered_us <= rule->gap_us;

	*ret_difference = value < walk->previous ? value : value - walk->previous;
	walk->has_previous = true;
	walk->previous_us = time_us;
	walk->previous = value;
	return is_known;
}

/* @param ret_first  which of them is the first that adds something */
static size_t add_differences(struct window *window, struct window_walk *walk,
			      const struct window_rule *rule, const struct window_samples *samples,
			      size_t *ret_first)
{
	size_t n_added = 0;

	for (size_t i = 0; i < samples->n; i++) {
		int64_t covered_us;
		double difference;

		if (isnan(samples->values[i]) ||
		    !take_difference(walk, rule, samples->times_us[i], samples->values[i],
				     &covered_us, &difference))
			continue;
		if (n_added++ == 0)
			*ret_first = i;
		add_exactly(window, difference);
		if (__builtin_add_overflow(window->covered_us, covered_us, &window->covered_us))
			window->covered_us = INT64_MAX;
	}
	return n_added;
}

void window_walk_pass(struct window_walk *walk, const struct window_rule *rule,
		      const struct window_samples *samples)
{
	size_t i = samples->n;

	if (!window_is_of_differences(rule->function))
		return;
	while (i > 0 && isnan(samples->values[i - 1]))
		i--;
	if (i == 0)
		return;
	walk->has_previous = true;
	walk->previous_us = samples->times_us[i - 1];
	walk->previous = samples->values[i - 1];
}

static int keep_value(struct window *window, uint64_t n, double value)
{
	double *grown = array_grow(window->values, n, &window->capacity, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	window->values = grown;
	window->values[n] = value;
	return 0;
}

static int keep_values(struct window *window, const double *values, size_t n, size_t *ret_n_kept)
{
	int result = 0;

	*ret_n_kept = 0;
	for (size_t i = 0; i < n && result == 0; i++) {
		if (isnan(values[i]))
			continue;
		result = keep_value(window, window->n + *ret_n_kept, values[i]);
		*ret_n_kept += result == 0;
	}
	return result;
}

/* Which sample of those that are no NaN is the first? Only asked where there is one. */
static size_t find_number(const double *values)
{
	size_t i = 0;

	while (isnan(values[i]))
		i++;
	return i;
}

/* When a window begins that was empty, and has these samples now. */
static int64_t find_start(const struct window_walk *walk, const struct window_rule *rule,
			  const struct window_samples *samples, size_t first)
{
	bool takes_nan = rule->function == WINDOW_LAST || rule->function == WINDOW_COUNT;

	if (rule->step_us > 0)
		return walk->start_us;
	if (rule->since_us > INT64_MIN)
		return rule->since_us;
	if (!takes_nan && !window_is_of_differences(rule->function))
		first = find_number(samples->values);
	return samples->times_us[first];
}

int window_take(struct window *window, struct window_walk *walk, const struct window_rule *rule,
		const struct window_samples *samples)
{
	size_t first = 0;
	size_t n = samples->n;
	int result = 0;

	if (window->n == 0)
		window->value = 0;
	switch (rule->function) {
	case WINDOW_MIN:
		n = take_least(window, samples->values, n);
		break;
	case WINDOW_MAX:
		n = take_greatest(window, samples->values, n);
		break;
	case WINDOW_LAST:
		window->value = samples->values[n - 1];
		break;
	case WINDOW_COUNT:
		break;
	case WINDOW_QUANTILE:
		result = keep_values(window, samples->values, n, &n);
		break;
	case WINDOW_RATE:
	case WINDOW_INCREASE:
		n = add_differences(window, walk, rule, samples, &first);
		break;
	default: /* sums */
		n = add_all(window, samples->values, n);
		break;
	}
	if (window->n == 0 && n > 0)
		window->start_us = find_start(walk, rule, samples, first);
	window->n += n;
	return result;
}

/* What the windows of single series hold where they are added up. */
static bool replace_by_result(struct window *window, const struct window_rule *rule)
{
	double value;

	if (!window_result(window, rule, &value))
		return false;
	window->value = value;
	window->lost = 0;
	window->covered_us = TIMESTAMP_SECOND_US;
	return true;
}

bool window_settle(struct window *window, const struct window_rule *rule)
{
	if (window->n == 0)
		return false;
	return !is_of_series(rule->function) || replace_by_result(window, rule);
}

static int merge_values(struct window *window, struct window *other)
{
	int result = 0;

	for (uint64_t i = 0; i < other->n && result == 0; i++) {
		result = keep_value(window, window->n, other->values[i]);
		window->n += result == 0;
	}
	return result;
}

int window_merge(struct window *window, const struct window_rule *rule, struct window *other)
{
	int result = 0;

	if (other->start_us < window->start_us)
		window->start_us = other->start_us;
	switch (rule->function) {
	case WINDOW_MIN:
		if (other->value < window->value)
			window->value = other->value;
		break;
	case WINDOW_MAX:
		if (other->value > window->value)
			window->value = other->value;
		break;
	case WINDOW_COUNT:
		break;
	case WINDOW_QUANTILE:
		result = merge_values(window, other);
		window_done(other);
		return result;
	default: /* sums */
		add_exactly(window, other->value);
		window->lost += other->lost;
		break;
	}
	window->n += other->n;
	window_done(other);
	return 0;
}

static int compare_values(const void *a_pointer, const void *b_pointer)
{
	double a = *(const double *)a_pointer;
	double b = *(const double *)b_pointer;

	return a < b ? -1 : a > b;
}

static double find_quantile(struct window *window, double quantile)
{
	double rank = quantile * (double)(window->n - 1);
	size_t low = (size_t)rank;
	size_t high = low + 1 < window->n ? low + 1 : low;
	double weight = rank - (double)low;

	qsort(window->values, window->n, sizeof(double), compare_values);
	/* Not with a weight of 0: that times an infinity is NaN. */
	if (weight <= 0 || window->values[low] == window->values[high])
		return window->values[low];
	return window->values[low] * (1 - weight) + window->values[high] * weight;
}

bool window_result(struct window *window, const struct window_rule *rule, double *ret_value)
{
	if (window->n == 0)
		return false;
	switch (rule->function) {
	case WINDOW_AVG:
		*ret_value = (window->value + window->lost) / (double)window->n;
		break;
	case WINDOW_COUNT:
		*ret_value = (double)window->n;
		break;
	case WINDOW_RATE:
		if (window->covered_us <= 0)
			return false;
		*ret_value = (window->value + window->lost) /
			     ((double)window->covered_us / TIMESTAMP_SECOND_US);
		break;
	case WINDOW_QUANTILE:
		*ret_value = find_quantile(window, rule->quantile);
		break;
	default:
		*ret_value = window->value + window->lost;
		break;
	}
	return true;
}

void window_done(struct window *window)
{
	free(window->values);
	*window = (struct window){0};
}
