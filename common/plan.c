/* SPDX-License-Identifier: MIT */
/* How a column of integers is turned into residuals. */

#include "common/plan.h"

#include "common/bits.h"
#include "common/packed.h"
#include "common/symbol.h"
#include "common/varint.h"

/* So few values, on their way through the log, are not worth more than a look at where they lie. */
#define FEW ((size_t)32)

/* From so many differences on the lowest and the highest one may be a break in what the others do. */
#define BREAKS_MIN ((size_t)4)

/* Some samples are put in order, to see where the others lie. */
#define SORTED_MAX 31U

static inline int64_t subtract(int64_t a, int64_t b)
{
	return (int64_t)((uint64_t)a - (uint64_t)b);
}

static inline int64_t add(int64_t a, int64_t b)
{
	return (int64_t)((uint64_t)a + (uint64_t)b);
}

/* @param values  of the first residual; as many as the order stand before it */
BITS_LOOPS static void subtract_before(const int64_t *values, size_t n, const struct plan *plan,
				       int64_t *ret_residuals)
{
	const int64_t base = plan->base;

	if (plan->order == 0) {
		for (size_t i = 0; i < n; i++)
			ret_residuals[i] = subtract(values[i], base);
	} else if (plan->order == 1) {
		const int64_t *before = values - 1;

		for (size_t i = 0; i < n; i++)
			ret_residuals[i] = subtract(subtract(values[i], before[i]), base);
	} else {
		const int64_t *before = values - 1, *first = values - 2;

		for (size_t i = 0; i < n; i++) {
			int64_t last_difference = subtract(before[i], first[i]);
			int64_t difference = subtract(values[i], before[i]);

			ret_residuals[i] = subtract(subtract(difference, last_difference), base);
		}
	}
}

void plan_make_residuals(const struct plan *plan, const int64_t *values, size_t n,
			 int64_t *ret_residuals)
{
	subtract_before(values, n, plan, ret_residuals);
	divisor_divide(&plan->divisor, ret_residuals, n);
}

/* Residuals of all, or of some windows. */
static void take_samples(const struct plan *plan, const int64_t *values, size_t n,
			 struct plan_samples *ret_samples)
{
	const size_t n_residuals = n - plan->order;

	values += plan->order;
	if (n_residuals <= PLAN_SAMPLES_MAX) {
		plan_make_residuals(plan, values, n_residuals, ret_samples->residuals);
		ret_samples->n = n_residuals;
		return;
	}
	for (size_t i = 0; i < PLAN_WINDOWS; i++) {
		size_t first = i * (n_residuals - PLAN_WINDOW) / (PLAN_WINDOWS - 1);

		plan_make_residuals(plan, values + first, PLAN_WINDOW,
				    ret_samples->residuals + i * PLAN_WINDOW);
	}
	ret_samples->n = PLAN_SAMPLES_MAX;
}

/* Where the samples lie: about a sixteenth of them are below `low`, and above `high`. */
struct spread {
	int64_t low, median, high;
};

static struct spread find_spread(const struct plan_samples *samples)
{
	int64_t sorted[SORTED_MAX] = {0};
	size_t n = samples->n < SORTED_MAX ? samples->n : SORTED_MAX;

	/* cppcheck-suppress knownConditionTrueFalse */
	for (size_t i = 0; i < n; i++) {
		int64_t value = samples->residuals[i * samples->n / n];
		size_t at = i;

		for (; at > 0 && sorted[at - 1] > value; at--)
			sorted[at] = sorted[at - 1];
		sorted[at] = value;
	}
	return (struct spread){sorted[n / 16], sorted[n / 2], sorted[n - 1 - n / 16]};
}

/*
 * About how many bits these symbols take in the smaller coding.
 * @param table_bits  what the denser coding takes besides; 0: it is not wanted
 */
static uint64_t guess_bits(const struct symbol_counts *counts, size_t n, uint64_t table_bits)
{
	struct packed_widths widths;
	uint64_t packed, low_bits = 0;
	uint64_t dense = (uint64_t)n * symbol_log2((uint32_t)n);
	unsigned width;

	packed_guess(counts, &widths);
	packed = packed_size(&widths, n, &width) * 8;
	if (table_bits == 0)
		return packed;
	for (unsigned symbol = counts->first; symbol <= counts->last; symbol++) {
		if (counts->n[symbol] == 0)
			continue;
		dense -= (uint64_t)counts->n[symbol] * symbol_log2(counts->n[symbol]);
		low_bits += (uint64_t)counts->n[symbol] * symbol_low_bits(symbol);
	}
	dense = low_bits + (dense >> 16) + table_bits;
	return dense < packed ? dense : packed;
}

/* Take a base where it is better than the best plan so far. @return what it costs */
static uint64_t try_base(struct plan *best, const struct plan *plan, struct plan_samples *samples,
			 int64_t residual, uint64_t table_bits)
{
	struct symbol_counts counts;
	uint64_t cost;

	symbol_make(samples->residuals, samples->n, residual, samples->symbols);
	symbol_count(samples->symbols, samples->n, &counts);
	cost = guess_bits(&counts, samples->n, table_bits);
	if (cost >= best->cost)
		return cost;
	*best = *plan;
	best->cost = cost;
	best->base = (int64_t)((uint64_t)plan->base + (uint64_t)residual * plan->divisor.value);
	return cost;
}

/* What the differences say about the other orders. */
struct trend {
	bool is_monotone; /* the values only grow, or only fall: their order 0 is no use */
	bool is_still;    /* most differences are the same: differences of them are no use */
};

BITS_LOOPS static struct trend find_trend(const struct plan_samples *differences, int64_t median)
{
	uint64_t n_same = 0, n_growing = 0, n_falling = 0;

	for (size_t i = 0; i < differences->n; i++) {
		n_same += differences->residuals[i] == median;
		n_growing += differences->residuals[i] > 0;
		n_falling += differences->residuals[i] < 0;
	}
	return (struct trend){.is_monotone = n_growing == 0 || n_falling == 0,
			      .is_still = n_same > differences->n / 2};
}

/* Take an order where it is better than the best plan so far. @return the spread of its residuals */
static struct spread try_order(const int64_t *values, size_t n, unsigned order, bool is_dense,
			       struct plan *best, struct plan_samples *samples)
{
	struct plan plan = {.order = order, .divisor = best->divisor};
	struct spread spread;
	uint64_t table_bits, width, distance;

	plan.base = order == 0 ? values[0] : 0;
	take_samples(&plan, values, n, samples);
	/* The tables are shared with those that were not looked at. */
	table_bits = is_dense ? 1 + PLAN_TABLES_BITS * samples->n / n : 0;
	/* Differences of differences lie around 0, or they are no use. */
	if (order == 2 && try_base(best, &plan, samples, 0, table_bits) > best->cost / 16 * 17)
		return (struct spread){0};
	spread = find_spread(samples);
	width = (uint64_t)spread.high - (uint64_t)spread.low;
	distance = symbol_magnitude(spread.median);
	/* Without a base, unless all are far from 0. */
	if (distance == 0 || (order == 1 && distance <= width))
		try_base(best, &plan, samples, 0, table_bits);
	/* With one, unless they lie around 0 already. */
	if (distance > width / 32)
		try_base(best, &plan, samples, spread.median, table_bits);
	if (!is_dense)
		try_base(best, &plan, samples, add(spread.low, (int64_t)((width + 1) / 2)), 0);
	return spread;
}

static inline void swap_if(bool is_wrong, int64_t *a, int64_t *b)
{
	int64_t first = is_wrong ? *b : *a;

	*b = is_wrong ? *a : *b;
	*a = first;
}

/* Between what do the differences lie, but for a break? @param n  of the values, at least 2 */
static void find_range(const int64_t *values, size_t n, int64_t ret_range[static 2])
{
	int64_t lowest = INT64_MAX, low = INT64_MAX, high = INT64_MIN, highest = INT64_MIN;
	bool may_break = n > BREAKS_MIN;

	for (size_t i = 1; i < n; i++) {
		int64_t down = subtract(values[i], values[i - 1]);
		int64_t up = down;

		swap_if(down < lowest, &lowest, &down);
		swap_if(down < low, &low, &down);
		swap_if(up > highest, &highest, &up);
		swap_if(up > high, &high, &up);
	}
	ret_range[0] = may_break ? low : lowest;
	ret_range[1] = may_break ? high : highest;
}

/* Differences, with a base in the middle if that takes fewer bits. */
static void choose_for_few(struct plan *plan, const int64_t *values, size_t n)
{
	int64_t range[2];
	int64_t middle;
	unsigned plain, based;

	find_range(values, n, range);
	divisor_divide(&plan->divisor, range, 2);
	middle = add(range[0], (int64_t)(((uint64_t)range[1] - (uint64_t)range[0] + 1) / 2));
	plain = bits_length(varint_fold(range[0]) | varint_fold(range[1]));
	based = bits_length(varint_fold(subtract(range[0], middle)) |
			    varint_fold(subtract(range[1], middle)));
	plan->order = 1;
	plan->base = 0;
	if (plain > based && (plain - based) * (n - 1) > 8 * varint_length(varint_fold(middle)))
		plan->base = (int64_t)((uint64_t)middle * plan->divisor.value);
}

void plan_choose(struct plan *best, const int64_t *values, size_t n, bool is_dense,
		 struct plan_samples *samples)
{
	struct spread spread;
	struct trend trend;

	if (!is_dense && n < FEW) {
		choose_for_few(best, values, n);
		return;
	}
	best->cost = UINT64_MAX;
	spread = try_order(values, n, 1, is_dense, best, samples);
	trend = find_trend(samples, spread.median);
	if (n > 2 && !trend.is_still)
		try_order(values, n, 2, is_dense, best, samples);
	if (n < PLAN_WINDOW || !trend.is_monotone)
		try_order(values, n, 0, is_dense, best, samples);
}
