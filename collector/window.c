/* SPDX-License-Identifier: MIT */
/* Functions over windows of time. */

#include "collector/window.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

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

static int64_t find_start(const struct window_rule *rule, int64_t time_us)
{
	int64_t behind_us;
	int64_t start_us;

	/* One window, which begins at its first sample: window_is_at() knows. */
	if (rule->step_us == 0)
		return rule->since_us == INT64_MIN ? time_us : rule->since_us;
	behind_us = time_us % rule->step_us;
	if (behind_us < 0)
		behind_us += rule->step_us;
	return __builtin_sub_overflow(time_us, behind_us, &start_us) ? INT64_MIN : start_us;
}

/* By how much the counter grew. @return false: that is not known */
static bool take_difference(struct window_walk *walk, const struct window_rule *rule,
			    int64_t time_us, double value, struct window_change *change)
{
	double previous = walk->previous;
	bool is_known = walk->has_previous &&
			!__builtin_sub_overflow(time_us, walk->previous_us, &change->covered_us) &&
			change->covered_us <= rule->gap_us;

	walk->has_previous = true;
	walk->previous_us = time_us;
	walk->previous = value;
	change->value = value < previous ? value : value - previous;
	return is_known;
}

bool window_walk_take(struct window_walk *walk, const struct window_rule *rule, int64_t time_us,
		      double value, struct window_change *ret_change)
{
	bool wants_nan = rule->function == WINDOW_LAST || rule->function == WINDOW_COUNT;

	if (isnan(value) && !wants_nan)
		return false;
	ret_change->covered_us = 0;
	ret_change->value = value;
	if (window_is_of_differences(rule->function) &&
	    !take_difference(walk, rule, time_us, value, ret_change))
		return false;
	ret_change->start_us = find_start(rule, time_us);
	return time_us >= rule->since_us;
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

static int keep_value(struct window *window, double value)
{
	double *grown = array_grow(window->values, window->n, &window->capacity, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	window->values = grown;
	window->values[window->n] = value;
	return 0;
}

int window_add(struct window *window, const struct window_rule *rule,
	       const struct window_change *change)
{
	int result = 0;

	if (window->n == 0) {
		window->start_us = change->start_us;
		window->value = 0;
	}
	switch (rule->function) {
	case WINDOW_MIN:
		if (window->n == 0 || change->value < window->value)
			window->value = change->value;
		break;
	case WINDOW_MAX:
		if (window->n == 0 || change->value > window->value)
			window->value = change->value;
		break;
	case WINDOW_LAST:
		window->value = change->value;
		break;
	case WINDOW_COUNT:
		break;
	case WINDOW_QUANTILE:
		result = keep_value(window, change->value);
		break;
	default: /* sums */
		add_exactly(window, change->value);
		if (__builtin_add_overflow(window->covered_us, change->covered_us,
					   &window->covered_us))
			window->covered_us = INT64_MAX;
		break;
	}
	if (result == 0)
		window->n++;
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
		result = keep_value(window, other->values[i]);
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
