/* SPDX-License-Identifier: MIT */
/* A run of 64-bit integers as bytes. */

#include "common/integers.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/bits.h"
#include "common/entropy.h"
#include "common/entropy_decoder.h"
#include "common/entropy_encoder.h"
#include "common/packed.h"
#include "common/symbol.h"

/* Windows of a long column that are looked at to choose an order and a base. */
#define N_WINDOWS   8U
#define WINDOW      64U
#define SAMPLES_MAX ((size_t)N_WINDOWS * WINDOW)
#define SORTED_MAX  31U
#define TABLES_BITS ((uint64_t)500) /* what the tables of the denser coding cost at least */

/* A number that divides others, and what exact division by it takes. */
struct divisor {
	uint64_t value;
	unsigned shift;   /* how often 2 divides it */
	uint64_t inverse; /* of the odd rest, modulo 2^64 */
};

struct integers {
	struct entropy_encoder *encoder; /* made when first needed, as the decoder */
	struct entropy_decoder *decoder;
	int64_t *residuals;
	size_t capacity;
};

/* How a column is turned into residuals: (t - base) / divisor, t of this order. */
struct plan {
	unsigned order;
	int64_t base;
	struct divisor divisor;
	uint64_t cost; /* guessed, in bits of the samples */
};

struct integers *integers_new(void)
{
	return calloc(1, sizeof(struct integers));
}

void integers_free(struct integers *integers)
{
	if (!integers)
		return;
	entropy_encoder_free(integers->encoder);
	entropy_decoder_free(integers->decoder);
	free(integers->residuals);
	free(integers);
}

static int reserve(struct integers *integers, size_t n)
{
	int64_t *residuals;

	if (n <= integers->capacity)
		return 0;
	residuals = malloc(n * sizeof(*residuals));
	if (!residuals)
		return -ENOMEM;
	free(integers->residuals);
	integers->residuals = residuals;
	integers->capacity = n;
	return 0;
}

static int need_encoder(struct integers *integers)
{
	if (!integers->encoder)
		integers->encoder = entropy_encoder_new();
	return integers->encoder ? 0 : -ENOMEM;
}

static int need_decoder(struct integers *integers)
{
	if (!integers->decoder)
		integers->decoder = entropy_decoder_new();
	return integers->decoder ? 0 : -ENOMEM;
}

static inline int64_t subtract(int64_t a, int64_t b)
{
	return (int64_t)((uint64_t)a - (uint64_t)b);
}

static inline int64_t add(int64_t a, int64_t b)
{
	return (int64_t)((uint64_t)a + (uint64_t)b);
}

/* -- the common divisor --------------------------------------------------------------------------- */

static uint64_t magnitude(int64_t value)
{
	return value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
}

static uint64_t greatest_common(uint64_t a, uint64_t b)
{
	while (b > 0) {
		uint64_t rest = a % b;

		a = b;
		b = rest;
	}
	return a;
}

BITS_LOOPS static uint64_t any_bits_of_differences(const int64_t *values, size_t n)
{
	uint64_t bits = 0;

	for (size_t i = 1; i < n; i++)
		bits |= (uint64_t)subtract(values[i], values[i - 1]);
	return bits;
}

static uint64_t inverse_of(uint64_t odd)
{
	uint64_t inverse = odd;

	/* Newton: each turn doubles the bits that are right; three are at the start. */
	for (unsigned i = 0; i < 5; i++)
		inverse *= 2 - odd * inverse;
	return inverse;
}

/* The first difference from `start` on that an odd number does not divide; n: all are divided. */
BITS_LOOPS static size_t find_undivided(const int64_t *values, size_t n, size_t start,
					unsigned shift, uint64_t odd)
{
	const uint64_t inverse = inverse_of(odd);
	const uint64_t most = INT64_MAX / odd;

	for (size_t i = start; i < n; i++) {
		int64_t difference = subtract(values[i], values[i - 1]) >> shift;

		/* The quotient of what is not divided is out of range. */
		if ((uint64_t)difference * inverse + most > 2 * most)
			return i;
	}
	return n;
}

/* The odd part of what divides all differences. */
static uint64_t odd_divisor(const int64_t *values, size_t n, unsigned shift)
{
	uint64_t common = 0;

	for (size_t i = 1; i < n && common != 1; i++) {
		uint64_t difference = magnitude(subtract(values[i], values[i - 1]) >> shift);

		if (difference == 0)
			continue;
		common = greatest_common(difference, common);
		common >>= __builtin_ctzll(common);
		/* Most often it is divided already. */
		if (common > 1)
			i = find_undivided(values, n, i, shift, common) - 1;
	}
	return common;
}

/* @param ret_divisor  value 0: all values are equal */
static void divisor_find(const int64_t *values, size_t n, struct divisor *ret_divisor)
{
	uint64_t bits = any_bits_of_differences(values, n);
	unsigned shift = bits ? (unsigned)__builtin_ctzll(bits) : 0;
	uint64_t odd = bits ? odd_divisor(values, n, shift) : 0;

	*ret_divisor =
		(struct divisor){.value = odd << shift, .shift = shift, .inverse = inverse_of(odd)};
}

/* -- residuals ------------------------------------------------------------------------------------ */

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

BITS_LOOPS static void divide(int64_t *residuals, size_t n, const struct divisor *divisor)
{
	const unsigned shift = divisor->shift;
	const uint64_t inverse = divisor->inverse;

	for (size_t i = 0; shift > 0 && i < n; i++)
		residuals[i] >>= shift;
	for (size_t i = 0; inverse != 1 && i < n; i++)
		residuals[i] = (int64_t)((uint64_t)residuals[i] * inverse);
}

/* @param values  of the first residual; as many as the order stand before it */
static void make_residuals(const int64_t *values, size_t n, const struct plan *plan,
			   int64_t *ret_residuals)
{
	subtract_before(values, n, plan, ret_residuals);
	divide(ret_residuals, n, &plan->divisor);
}

/* Of order 0, or what the sums of the other orders are made of. */
BITS_LOOPS static void scale(int64_t *values, size_t n, int64_t base, uint64_t divisor)
{
	if (divisor == 1 && base == 0)
		return;
	for (size_t i = 0; i < n; i++)
		values[i] = (int64_t)((uint64_t)values[i] * divisor + (uint64_t)base);
}

/* The values again, from residuals that stand in their places. */
BITS_LOOPS static void integrate(int64_t *values, size_t n, unsigned order, int64_t base,
				 uint64_t divisor)
{
	uint64_t last, difference;

	scale(values + order, n - order, base, divisor);
	if (order == 0)
		return;
	last = (uint64_t)values[order - 1];
	if (order == 1) {
		for (size_t i = 1; i < n; i++) {
			last += (uint64_t)values[i];
			values[i] = (int64_t)last;
		}
		return;
	}
	difference = last - (uint64_t)values[0];
	for (size_t i = 2; i < n; i++) {
		difference += (uint64_t)values[i];
		last += difference;
		values[i] = (int64_t)last;
	}
}

/* -- the choice ----------------------------------------------------------------------------------- */

/* Residuals of all, or of some windows. @return how many */
static size_t sample(const int64_t *values, size_t n, const struct plan *plan, int64_t *ret_samples)
{
	const size_t n_residuals = n - plan->order;

	values += plan->order;
	if (n_residuals <= SAMPLES_MAX) {
		make_residuals(values, n_residuals, plan, ret_samples);
		return n_residuals;
	}
	for (size_t i = 0; i < N_WINDOWS; i++) {
		size_t first = i * (n_residuals - WINDOW) / (N_WINDOWS - 1);

		make_residuals(values + first, WINDOW, plan, ret_samples + i * WINDOW);
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
	table_bits = is_dense ? 1 + TABLES_BITS * n_samples / n : 0;
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

static void choose_plan(const int64_t *values, size_t n, bool is_dense, struct plan *best)
{
	struct trend trend;

	best->cost = UINT64_MAX;
	trend = try_order(values, n, 1, is_dense, best);
	if (n > 2 && !trend.is_still)
		try_order(values, n, 2, is_dense, best);
	if (n < WINDOW || !trend.is_monotone)
		try_order(values, n, 0, is_dense, best);
}

/* -- writing -------------------------------------------------------------------------------------- */

static uint8_t *write_plan(uint8_t *out, const int64_t *values, const struct plan *plan)
{
	for (unsigned i = 0; i < plan->order; i++)
		out += varint_put_signed(out,
					 i > 0 ? subtract(values[i], values[i - 1]) : values[i]);
	out += varint_put(out, plan->divisor.value);
	return out + varint_put_signed(out, plan->base);
}

/* @param is_dense  may the denser coding be worth it? */
static int write_residuals(struct integers *integers, size_t n, bool is_dense,
			   enum integers_coding *ret_coding, struct buffer *out)
{
	struct packed_widths widths = {{0}};
	size_t packed, dense = SIZE_MAX;
	unsigned width = 0;
	uint8_t *end;

	packed_count(integers->residuals, n, &widths);
	packed = packed_size(&widths, n, &width);
	if (is_dense && n >= ENTROPY_MIN && packed > TABLES_BITS / 8 &&
	    (need_encoder(integers) < 0 ||
	     entropy_encoder_plan(integers->encoder, integers->residuals, n, &dense) < 0))
		return -ENOMEM;
	/* Reading it is slower: it has to save a sixteenth of a bit each. */
	*ret_coding =
		dense < packed && packed - dense > n / 128 ? INTEGERS_ENTROPY : INTEGERS_PACKED;
	if (buffer_reserve(out, *ret_coding == INTEGERS_ENTROPY ? entropy_encoder_room(n)
								: packed_room(n)) < 0)
		return -ENOMEM;
	end = (uint8_t *)out->data + out->length;
	if (*ret_coding == INTEGERS_ENTROPY)
		end = entropy_encoder_write(integers->encoder, end, integers->residuals, n);
	else
		end = packed_write(end, integers->residuals, n, width);
	out->length = (size_t)(end - (uint8_t *)out->data);
	return 0;
}

int integers_encode(struct integers *integers, const int64_t *values, size_t n, bool is_dense,
		    struct integers_form *ret_form, struct buffer *out)
{
	uint8_t bytes[(INTEGERS_ORDER_MAX + 2) * VARINT_MAX_BYTES];
	struct plan plan = {0};

	assert(n > 0);
	if (reserve(integers, n) < 0)
		return -ENOMEM;
	divisor_find(values, n, &plan.divisor);
	*ret_form = (struct integers_form){.coding = INTEGERS_CONSTANT};
	if (plan.divisor.value == 0) {
		buffer_append(out, bytes, varint_put_signed(bytes, values[0]));
		return buffer_failed(out) ? -ENOMEM : 0;
	}
	choose_plan(values, n, is_dense, &plan);
	ret_form->order = plan.order;
	buffer_append(out, bytes, (size_t)(write_plan(bytes, values, &plan) - bytes));
	make_residuals(values + plan.order, n - plan.order, &plan, integers->residuals);
	return write_residuals(integers, n - plan.order, is_dense, &ret_form->coding, out);
}

/* -- reading -------------------------------------------------------------------------------------- */

static int decode_constant(struct varint_reader *reader, int64_t *ret_values, size_t n)
{
	int64_t value;

	if (varint_get_signed(reader, &value) < 0 || reader->at != reader->end)
		return -EBADMSG;
	for (size_t i = 0; i < n; i++)
		ret_values[i] = value;
	return 0;
}

int integers_decode(struct integers *integers, struct integers_form form,
		    struct varint_reader *reader, int64_t *ret_values, size_t n)
{
	uint64_t divisor;
	int64_t base;
	int error;

	if (form.coding == INTEGERS_CONSTANT)
		return form.order == 0 ? decode_constant(reader, ret_values, n) : -EBADMSG;
	if (form.order > INTEGERS_ORDER_MAX || form.order > n)
		return -EBADMSG;
	for (unsigned i = 0; i < form.order; i++) {
		if (varint_get_signed(reader, &ret_values[i]) < 0)
			return -EBADMSG;
		if (i > 0)
			ret_values[i] = add(ret_values[i], ret_values[i - 1]);
	}
	if (varint_get(reader, &divisor) < 0 || varint_get_signed(reader, &base) < 0)
		return -EBADMSG;
	if (form.coding == INTEGERS_PACKED)
		error = packed_read(reader, ret_values + form.order, n - form.order);
	else if (need_decoder(integers) < 0)
		error = -ENOMEM;
	else
		error = entropy_decoder_read(integers->decoder, reader, ret_values + form.order,
					     n - form.order);
	if (error == 0)
		integrate(ret_values, n, form.order, base, divisor);
	return error;
}
