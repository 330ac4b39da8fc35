/* SPDX-License-Identifier: MIT */
/* How a column of integers is turned into residuals. */

#include "common/plan.h"

#include "common/bits.h"
#include "common/packed.h"
#include "common/symbol.h"

/* Windows of a long column that are looked at to choose an order and a base. */
#define N_WINDOWS   8U
#define WINDOW      64U
#define SAMPLES_MAX ((size_t)N_WINDOWS * WINDOW)
#define SORTED_MAX  31U

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

/* Residuals of all, or of some windows. @return how many */
static size_t sample(const int64_t *values, size_t n, const struct plan *plan, int64_t *ret_samples)
{
	const size_t n_residuals = n - plan->order;

	values += plan->order;
	if (n_residuals <= SAMPLES_MAX) {
		plan_make_residuals(plan, values, n_residuals, ret_samples);
		return n_residuals;
	}
	for (size_t i = 0; i < N_WINDOWS; i++) {
		size_t first = i * (n_residuals - WINDOW) / (N_WINDOWS - 1);

		plan_make_residuals(plan, values + first, WINDOW, ret_samples + i * WINDOW);
	}
	return SAMPLES_MAX;
}

/* Some of the samples in order. @return how many */
static size_t sort_some(const int64_t *samples, size_t n, int64_t *ret_sorted)
{
	size_t n_sorted = n < SORTED_MAX ? n : SORTED_MAX;

	/* cppcheck-suppress knownConditionTrueFalse */
	for (size_t i = 0; i < n_sorted; i++) {
		int64_t value = samples[i * n / n_sorted];
		size_t at = i;

		for (; at > 0 && ret_sorted[at - 1] > value; at--)
			ret_sorted[at] = ret_sorted[at - 1];
		ret_sorted[at] = value;
	}
	return n_sorted;
}

/* Add up how often each symbol comes among the samples less a base. */
BITS_LOOPS static void count_symbols(const int64_t *samples, size_t n, int64_t base,
				     uint32_t *ret_counts)
{
	/* Two take turns: a processor waits where it counts the same thing twice in a row. */
	uint32_t other[N_SYMBOLS] = {0};
	size_t i = 0;

	for (; i + 1 < n; i += 2) {
		ret_counts[symbol_of(subtract(samples[i], base))]++;
		other[symbol_of(subtract(samples[i + 1], base))]++;
	}
	if (i < n)
		ret_counts[symbol_of(subtract(samples[i], base))]++;
	for (unsigned symbol = 0; symbol < N_SYMBOLS; symbol++)
		ret_counts[symbol] += other[symbol];
}

/*
 * About how many bits these symbols take in the smaller coding.
 * @param table_bits  what the denser coding takes besides; 0: it is not wanted
 */
static uint64_t guess_bits(const uint32_t *counts, size_t n, uint64_t table_bits)
{
	struct packed_widths widths = {{0}};
	uint64_t packed, low_bits = 0;
	uint64_t dense = (uint64_t)n * symbol_log2((uint32_t)n);
	unsigned width;

	for (unsigned symbol = 0; symbol < N_SYMBOLS; symbol++) {
		unsigned class = symbol_class(symbol);

		if (counts[symbol] == 0)
			continue;
		widths.n[class < 64 ? class + (class > 0) : 64] += counts[symbol];
		dense -= (uint64_t)counts[symbol] * symbol_log2(counts[symbol]);
		low_bits += (uint64_t)counts[symbol] * symbol_low_bits(symbol);
	}
	packed = packed_size(&widths, n, &width) * 8;
	dense = low_bits + (dense >> 16) + table_bits;
	return table_bits > 0 && dense < packed ? dense : packed;
}

/* Take a base where it is better than the best plan so far. */
static void try_base(struct plan *best, const struct plan *plan, const int64_t *samples, size_t n,
		     int64_t residual, uint64_t table_bits)
{
	uint32_t counts[N_SYMBOLS] = {0};
	uint64_t cost;

	count_symbols(samples, n, residual, counts);
	cost = guess_bits(counts, n, table_bits);
	if (cost >= best->cost)
		return;
	*best = *plan;
	best->cost = cost;
	best->base = (int64_t)((uint64_t)plan->base + (uint64_t)residual * plan->divisor.value);
}

/* What the differences say about the other orders. */
struct trend {
	bool is_monotone; /* the values only grow, or only fall: their order 0 is no use */
	bool is_still;    /* most differences are the same: differences of them are no use */
};

static struct trend find_trend(const int64_t *differences, size_t n, int64_t median)
{
	size_t n_same = 0, n_growing = 0, n_falling = 0;

	for (size_t i = 0; i < n; i++) {
		n_same += differences[i] == median;
		n_growing += differences[i] > 0;
		n_falling += differences[i] < 0;
	}
	return (struct trend){.is_monotone = n_growing == 0 || n_falling == 0,
			      .is_still = n_same > n / 2};
}

/* Take an order where it is better than the best plan so far. @return of order 1: the trend */
static struct trend try_order(const int64_t *values, size_t n, unsigned order, bool is_dense,
			      struct plan *best)
{
	struct plan plan = {.order = order, .divisor = best->divisor};
	int64_t samples[SAMPLES_MAX] = {0};
	int64_t sorted[SORTED_MAX] = {0};
	size_t n_samples, n_sorted;
	int64_t low, median, high;
	uint64_t table_bits;

	plan.base = order == 0 ? values[0] : 0;
	n_samples = sample(values, n, &plan, samples);
	/* The tables are shared with those that were not looked at. */
	table_bits = is_dense ? 1 + PLAN_TABLES_BITS * n_samples / n : 0;
	n_sorted = sort_some(samples, n_samples, sorted);
	low = sorted[n_sorted / 16];
	median = sorted[n_sorted / 2];
	high = sorted[n_sorted - 1 - n_sorted / 16];
	if (order > 0 || median == 0)
		try_base(best, &plan, samples, n_samples, 0, table_bits);
	if (median != 0)
		try_base(best, &plan, samples, n_samples, median, table_bits);
	if (!is_dense)
		try_base(best, &plan, samples, n_samples,
			 add(low, (int64_t)(((uint64_t)high - (uint64_t)low + 1) / 2)), 0);
	return find_trend(samples, n_samples, median);
}

void plan_choose(struct plan *best, const int64_t *values, size_t n, bool is_dense)
{
	struct trend trend;

	best->cost = UINT64_MAX;
	trend = try_order(values, n, 1, is_dense, best);
	if (n > 2 && !trend.is_still)
		try_order(values, n, 2, is_dense, best);
	if (n < WINDOW || !trend.is_monotone)
		try_order(values, n, 0, is_dense, best);
}
