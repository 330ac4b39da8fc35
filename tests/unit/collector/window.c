/* SPDX-License-Identifier: MIT */
/* Tests of functions over windows of time. */

#include "collector/window.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "collector/window_group.h"
#include "common/buffer.h"
#include "common/decimal.h"
#include "tests/support/sim_random.h"

#define SECOND INT64_C(1000000)

static struct window_rule rule;
static struct buffer rows;
static size_t n_grouped; /* samples */

static void setup(void)
{
	rule = (struct window_rule){.since_us = INT64_MIN};
	window_set_step(&rule, 60 * SECOND);
}

static void teardown(void)
{
	buffer_done(&rows);
}

TestSuite(window, .init = setup, .fini = teardown);

struct sample {
	double seconds;
	double value;
};

static void give(struct window *window)
{
	double value;

	if (window_result(window, &rule, &value))
		buffer_printf(&rows, "%g:%g ", (double)window->start_us / SECOND, value);
	window_done(window);
}

/* Walk through samples of one series. @return "start:value " for each window */
static const char *walk_through(const char *function, const struct sample *samples, size_t n)
{
	struct window_walk walk = {0};
	struct window window = {0};

	buffer_clear(&rows);
	cr_assert_eq(window_parse_function(function, &rule), 0);
	for (size_t i = 0; i < n; i++) {
		const int64_t time_us = (int64_t)(samples[i].seconds * SECOND);
		const struct window_samples one = {&time_us, &samples[i].value, 1, 0};

		if (time_us < rule.since_us) {
			window_walk_pass(&walk, &rule, &one);
			continue;
		}
		cr_assert_eq(window_walk_to(&walk, &rule, &time_us, 1), 1);
		if (!window_is_at(&window, &rule, walk.start_us))
			give(&window);
		cr_assert_eq(window_take(&window, &walk, &rule, &one), 0);
	}
	give(&window);
	return buffer_text(&rows);
}

#define WALK(function, ...)                                                                        \
	walk_through(function, (const struct sample[]){__VA_ARGS__},                               \
		     sizeof((const struct sample[]){__VA_ARGS__}) / sizeof(struct sample))

Test(window, takes_samples_between_multiples_of_the_step)
{
	cr_expect_str_eq(WALK("sum", {0, 1}, {59.9, 2}, {60, 4}, {119, 8}), "0:3 60:12 ");
	cr_expect_str_eq(WALK("sum", {-1, 1}, {-60, 2}, {-61, 4}), "-60:3 -120:4 ");
}

Test(window, gives_no_row_for_a_gap)
{
	cr_expect_str_eq(WALK("avg", {0, 1}, {600, 3}), "0:1 600:3 ");
}

Test(window, has_the_usual_functions)
{
	cr_expect_str_eq(WALK("avg", {0, 1}, {1, 2}, {2, 6}), "0:3 ");
	cr_expect_str_eq(WALK("min", {0, 3}, {1, -2}, {2, 6}), "0:-2 ");
	cr_expect_str_eq(WALK("max", {0, -3}, {1, -2}, {2, -6}), "0:-2 ");
	cr_expect_str_eq(WALK("last", {0, 1}, {1, 2}, {1, 7}), "0:7 ");
	cr_expect_str_eq(WALK("count", {0, 1}, {1, 2}, {1, 7}), "0:3 ");
}

Test(window, passes_over_nan_but_for_last_and_count)
{
	static const char *const functions[] = {"avg", "min", "max", "sum", "quantile=1"};

	for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++) {
		cr_expect_str_eq(WALK(functions[i], {0, NAN}, {1, 2}, {2, NAN}), "0:2 ", "%s",
				 functions[i]);
		cr_expect_str_eq(WALK(functions[i], {0, NAN}, {60, 2}), "60:2 ");
	}
	cr_expect_str_eq(WALK("last", {0, 1}, {1, NAN}), "0:nan ");
	cr_expect_str_eq(WALK("count", {0, 1}, {1, NAN}), "0:2 ");
	cr_expect_str_eq(WALK("increase", {0, 1}, {1, NAN}, {2, 4}), "0:3 ");
}

Test(window, interpolates_quantiles)
{
	cr_expect_str_eq(WALK("quantile=0.5", {0, 4}, {1, 1}, {2, 2}, {3, 3}), "0:2.5 ");
	cr_expect_str_eq(WALK("quantile=0", {0, 4}, {1, 1}), "0:1 ");
	cr_expect_str_eq(WALK("quantile=1", {0, 4}, {1, 1}), "0:4 ");
	cr_expect_str_eq(WALK("quantile=0.9", {0, 7}), "0:7 ");
	cr_expect_str_eq(WALK("quantile=0.5", {0, INFINITY}, {1, INFINITY}), "0:inf ");
}

Test(window, sums_without_losing_what_rounding_cuts_off)
{
	cr_expect_str_eq(WALK("sum", {0, 1}, {1, 1e100}, {2, 1}, {3, -1e100}), "0:2 ");
	cr_expect_str_eq(WALK("sum", {0, INFINITY}, {1, 1}), "0:inf ");
}

Test(window, adds_up_what_a_counter_grew)
{
	/* A difference is in the window of its later sample; a smaller value began at 0. */
	cr_expect_str_eq(WALK("increase", {50, 10}, {70, 13}, {80, 2}, {130, 2}), "60:5 120:0 ");
	cr_expect_str_eq(WALK("increase", {0, 5}), "");
	cr_expect_str_eq(WALK("increase", {0, 5}, {0, 7}), "0:2 ");
}

Test(window, divides_by_the_time_between_the_samples)
{
	cr_expect_str_eq(WALK("rate", {50, 10}, {70, 20}, {80, 50}), "60:1.33333 ");
	cr_expect_str_eq(WALK("rate", {0, 5}, {0, 7}), "");
}

Test(window, takes_no_difference_across_a_long_gap)
{
	cr_expect_str_eq(WALK("increase", {0, 1}, {300, 2}), "300:1 ");
	cr_expect_str_eq(WALK("increase", {0, 1}, {301, 2}, {302, 4}), "300:2 ");
	window_set_step(&rule, 3600 * SECOND);
	cr_expect_str_eq(WALK("increase", {0, 1}, {7200, 2}), "7200:1 ");
	cr_expect_str_eq(WALK("increase", {0, 1}, {7201, 2}), "");
	window_set_step(&rule, 0);
	cr_expect_str_eq(WALK("increase", {0, 1}, {1e6, 2}), "1e+06:1 ");
}

Test(window, has_one_window_without_a_step)
{
	window_set_step(&rule, 0);
	cr_expect_str_eq(WALK("sum", {7, 1}, {1e6, 2}), "7:3 ");
	rule.since_us = 5 * SECOND;
	cr_expect_str_eq(WALK("sum", {4, 8}, {7, 1}, {1e6, 2}), "5:3 ");
}

Test(window, looks_before_the_range_only_for_differences)
{
	rule.since_us = 60 * SECOND;
	cr_expect_str_eq(WALK("sum", {50, 1}, {70, 2}), "60:2 ");
	cr_expect_str_eq(WALK("increase", {40, 1}, {50, 3}, {70, 7}), "60:4 ");
	cr_expect_eq(window_read_since(&rule), -240 * SECOND);
	rule.since_us = INT64_MIN + 1;
	cr_expect_eq(window_read_since(&rule), INT64_MIN);
}

Test(window, stands_any_time)
{
	const struct sample ends[] = {{-9.2e12, 1}, {9.2e12, 2}, {9.2e12, 3}};

	window_set_step(&rule, INT64_MAX);
	cr_expect_not_null(walk_through("rate", ends, 3));
	window_set_step(&rule, 0);
	cr_expect_not_null(walk_through("rate", ends, 3));
	window_set_step(&rule, 1);
	cr_expect_not_null(walk_through("sum", ends, 3));
}

static struct window make_one(const char *function, double first, double second)
{
	struct window_walk walk = {0};
	struct window window = {0};
	const int64_t times_us[] = {0, 10 * SECOND};
	const double values[] = {first, second};
	const struct window_samples both = {times_us, values, 2, 0};

	cr_assert_eq(window_parse_function(function, &rule), 0);
	cr_assert_eq(window_walk_to(&walk, &rule, times_us, 2), 2);
	cr_assert_eq(window_take(&window, &walk, &rule, &both), 0);
	cr_assert(window_settle(&window, &rule));
	return window;
}

/* Of the series with the values 1, 3 and that with 10, 40. */
static double merge(const char *function)
{
	struct window window = make_one(function, 1, 3);
	struct window other = make_one(function, 10, 40);
	double value;

	cr_assert_eq(window_merge(&window, &rule, &other), 0);
	cr_assert_eq(other.n, 0);
	cr_assert(window_result(&window, &rule, &value));
	window_done(&window);
	return value;
}

Test(window, merges_samples_or_results)
{
	cr_expect_eq(merge("avg"), 13.5);
	cr_expect_eq(merge("sum"), 54);
	cr_expect_eq(merge("min"), 1);
	cr_expect_eq(merge("max"), 40);
	cr_expect_eq(merge("count"), 4);
	cr_expect_eq(merge("quantile=0.5"), 6.5);
	cr_expect_eq(merge("last"), 43);
	cr_expect_eq(merge("increase"), 32);
	cr_expect_eq(merge("rate"), 3.2);
}

Test(window, refuses_what_is_no_function)
{
	static const char *const texts[] = {
		"",           "Avg",          "quantile",      "quantile=",
		"quantile=x", "quantile=1.1", "quantile=-0.1", "quantile=nan"};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		cr_expect_eq(window_parse_function(texts[i], &rule), -EINVAL, "%s", texts[i]);
}

static struct sim_random numbers;

static int roll(void)
{
	return (int)(sim_random_next(&numbers) >> 33);
}

/* Any double, mostly such as cost a sum something. */
static double draw(void)
{
	static const double special[] = {NAN,   INFINITY, -INFINITY, -0.0,   0,
					 1e300, -1e300,   1,         -1e-300};
	double value = ldexp((double)(roll() % 2000001 - 1000000), roll() % 120 - 60);

	return roll() % 20 == 0 ? special[(size_t)roll() % (sizeof(special) / sizeof(special[0]))]
				: value;
}

static void give_bits(struct window *window)
{
	double value;

	if (window_result(window, &rule, &value))
		buffer_printf(&rows, "%" PRId64 ":%a ", window->start_us, value);
	window_done(window);
}

/* All windows of some samples, taken in pieces of at most so many. */
static const char *walk_in_pieces(const int64_t *times_us, const double *values, size_t n,
				  size_t piece)
{
	struct window_walk walk = {0};
	struct window window = {0};
	size_t at = 0;

	buffer_clear(&rows);
	while (at < n) {
		size_t left = n - at < piece ? n - at : piece;
		struct window_samples samples = {times_us + at, values + at, 0, 0};

		samples.n = window_walk_to(&walk, &rule, samples.times_us, left);
		cr_assert(samples.n >= 1 && samples.n <= left);
		if (!window_is_at(&window, &rule, walk.start_us))
			give_bits(&window);
		cr_assert_eq(window_take(&window, &walk, &rule, &samples), 0);
		at += samples.n;
	}
	give_bits(&window);
	return buffer_text(&rows);
}

Test(window, has_the_same_bits_however_its_samples_are_split)
{
	static const char *const functions[] = {"avg",  "min",   "max",      "sum",         "last",
						"rate", "count", "increase", "quantile=0.3"};
	const unsigned seed = (unsigned)time(NULL);
	int64_t times_us[500] = {0};
	double values[500];

	cr_log_info("seed %u", seed);
	numbers.state = seed;
	for (int i = 0; i < 300; i++) {
		char *whole;
		const char *split;

		for (size_t k = 0; k < 500; k++) {
			times_us[k] = k > 0 ? times_us[k - 1] : 0;
			times_us[k] += roll() % 3 ? 10 * SECOND : roll() % (100 * SECOND);
			values[k] = draw();
		}
		window_set_step(&rule, roll() % 5 ? (1 + roll() % 1000) * SECOND : 0);
		cr_assert_eq(window_parse_function(functions[i % 9], &rule), 0);
		whole = strdup(walk_in_pieces(times_us, values, 500, 500));
		split = walk_in_pieces(times_us, values, 500, 1 + (size_t)roll() % 3);
		cr_assert_str_eq(whole, split, "%s, seed %u", functions[i % 9], seed);
		free(whole);
	}
}

/* As one adds up by hand, without losing what rounding cuts off: Neumaier's sum. */
static double sum_by_hand(const double *values, size_t n)
{
	double sum = 0, lost = 0;

	for (size_t i = 0; i < n; i++) {
		double total = sum + values[i];

		if (isnan(values[i]))
			continue;
		if (isfinite(total)) {
			lost += fabs(sum) >= fabs(values[i]) ? (sum - total) + values[i]
							     : (values[i] - total) + sum;
		}
		sum = total;
	}
	return sum + lost;
}

Test(window, adds_up_to_the_last_bit)
{
	const unsigned seed = (unsigned)time(NULL);
	const int64_t times_us[40] = {0};
	double values[40];

	cr_log_info("seed %u", seed);
	numbers.state = seed;
	window_set_step(&rule, 0);
	cr_assert_eq(window_parse_function("sum", &rule), 0);
	for (int i = 0; i < 20000; i++) {
		const struct window_samples samples = {times_us, values, 1 + (size_t)roll() % 40,
						       0};
		struct window_walk walk = {0};
		struct window window = {0};
		double value = 0, expected;

		values[0] = 1;
		for (size_t k = 1; k < samples.n; k++)
			values[k] = draw();
		expected = sum_by_hand(values, samples.n);
		cr_assert_eq(window_take(&window, &walk, &rule, &samples), 0);
		cr_assert(window_result(&window, &rule, &value));
		cr_assert(decimal_double_bits(value) == decimal_double_bits(expected) ||
				  (isnan(value) && isnan(expected)),
			  "%a, not %a; seed %u", value, expected, seed);
	}
}

/* The windows of samples, as many at once as can be, or one by one. */
static const char *walk_in_groups(const struct window_samples *samples, bool takes_groups)
{
	struct window_samples rest = *samples;
	struct window_walk walk = {0};
	struct window window = {0};

	buffer_clear(&rows);
	while (rest.n > 0) {
		struct window_samples taken = rest;
		struct window_group group;
		double results[WINDOW_GROUP];
		unsigned which = 0;

		taken.n = takes_groups ? window_group_take(&group, &walk, &rule, &rest) : 0;
		if (taken.n > 0) {
			give_bits(&window);
			which = window_group_results(&group, &rule, results);
		} else {
			taken.n = window_walk_to(&walk, &rule, rest.times_us, rest.n);
			if (!window_is_at(&window, &rule, walk.start_us))
				give_bits(&window);
			cr_assert_eq(window_take(&window, &walk, &rule, &taken), 0);
		}
		for (size_t i = 0; which >> i > 0 && i < group.n_windows; i++) {
			struct window one = window_group_get(&group, i);
			double value;

			cr_assert_eq(window_result(&one, &rule, &value), which >> i & 1);
			cr_assert((which >> i & 1) == 0 ||
				  decimal_double_bits(value) == decimal_double_bits(results[i]));
			give_bits(&one);
		}
		n_grouped += takes_groups && which ? taken.n : 0;
		rest = (struct window_samples){rest.times_us + taken.n, rest.values + taken.n,
					       rest.n - taken.n, rest.step_us};
	}
	give_bits(&window);
	return buffer_text(&rows);
}

Test(window, has_the_same_bits_side_by_side_with_others)
{
	static const char *const functions[] = {"avg", "sum", "rate", "increase", "max"};
	const unsigned seed = (unsigned)time(NULL);
	int64_t times_us[1000];
	double values[1000];

	cr_log_info("seed %u", seed);
	numbers.state = seed;
	for (int i = 0; i < 500; i++) {
		struct window_samples samples = {times_us, values, 1000, 0};
		bool is_steady = roll() % 2;
		int64_t step_us = (1 + roll() % 20) * SECOND;
		char *single;

		times_us[0] = (roll() % 1000 - 500) * SECOND;
		for (size_t k = 0; k < 1000; k++) {
			if (k > 0)
				times_us[k] = times_us[k - 1] + step_us;
			if (k > 0 && !is_steady && roll() % 50 == 0)
				times_us[k] += roll() % (500 * SECOND);
			values[k] = roll() % 100 ? (double)(roll() % 1000) / 7 : draw();
		}
		samples.step_us = is_steady ? step_us : 0;
		rule.since_us = INT64_MIN;
		window_set_step(&rule, step_us * (1 + roll() % 70));
		cr_assert_eq(window_parse_function(functions[i % 5], &rule), 0);
		single = strdup(walk_in_groups(&samples, false));
		cr_assert_str_eq(walk_in_groups(&samples, true), single, "%s, seed %u",
				 functions[i % 5], seed);
		free(single);
	}
	cr_assert_gt(n_grouped, 10000);
}
