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
#include "common/plan.h"
#include "common/steady.h"

/* So few that are not 0 take fewer bytes one by one than the tables of the denser coding. */
#define FEW ((size_t)10)

struct integers {
	struct entropy_encoder *encoder; /* made when first needed, as the decoder */
	struct entropy_decoder *decoder;
	struct plan_samples samples;
	int64_t *residuals;
	size_t capacity;
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

/* -- writing -------------------------------------------------------------------------------------- */

static uint8_t *write_plan(uint8_t *out, const int64_t *values, const struct plan *plan)
{
	for (unsigned i = 0; i < plan->order; i++)
		out += varint_put_signed(out,
					 i > 0 ? subtract(values[i], values[i - 1]) : values[i]);
	out += varint_put(out, plan->divisor.value);
	return out + varint_put_signed(out, plan->base);
}

BITS_LOOPS static size_t count_set(const int64_t *integers, size_t n)
{
	uint64_t n_set = 0;

	for (size_t i = 0; i < n; i++)
		n_set += integers[i] != 0;
	return (size_t)n_set;
}

/* What lies in the middle between the least and the greatest. @param ret_width  slots of so many bits have
 * room for all of them, less the middle */
BITS_LOOPS static int64_t find_middle(const int64_t *integers, size_t n, unsigned *ret_width)
{
	int64_t least = integers[0], most = integers[0];
	uint64_t range;

	for (size_t i = 1; i < n; i++) {
		least = integers[i] < least ? integers[i] : least;
		most = integers[i] > most ? integers[i] : most;
	}
	range = (uint64_t)most - (uint64_t)least;
	*ret_width = bits_length(range);
	return add(least, (int64_t)(range / 2 + range % 2));
}

BITS_LOOPS static void move(int64_t *integers, size_t n, int64_t distance)
{
	for (size_t i = 0; i < n; i++)
		integers[i] = subtract(integers[i], distance);
}

/* Reading it is several times slower: it has to save a sixteenth of the bytes, and of a bit each. */
static bool is_dense_worth(size_t dense, size_t packed, size_t n)
{
	return dense < packed - packed / 16 && packed - dense > n / 128;
}

/*
 * Choose between both codings, and where the smaller slots lie around the middle move the plan's base there.
 * @return 0 or -ENOMEM
 */
static int choose_coding(struct integers *integers, struct plan *plan, size_t n,
			 enum integers_coding *ret_coding)
{
	const struct symbol_counts *counts;
	struct packed_widths widths;
	size_t packed, around;
	int64_t middle;
	unsigned width;

	*ret_coding = INTEGERS_PACKED;
	if (n < ENTROPY_MIN || count_set(integers->residuals, n) <= FEW)
		return 0;
	if (need_encoder(integers) < 0 ||
	    entropy_encoder_load(integers->encoder, integers->residuals, n, &counts) < 0)
		return -ENOMEM;
	packed_guess(counts, &widths);
	packed = packed_size(&widths, n, &width);
	if (packed <= PLAN_TABLES_BITS / 8)
		return 0;
	middle = find_middle(integers->residuals, n, &width);
	around = 2 + (n * width + 7) / 8;
	if (is_dense_worth(entropy_encoder_plan(integers->encoder),
			   around < packed ? around : packed, n)) {
		*ret_coding = INTEGERS_ENTROPY;
	} else if (around < packed) {
		move(integers->residuals, n, middle);
		plan->base = add(plan->base, (int64_t)((uint64_t)middle * plan->divisor.value));
	}
	return 0;
}

static int write_dense(struct integers *integers, struct buffer *out)
{
	uint8_t *end;

	if (buffer_reserve(out, entropy_encoder_room(integers->encoder)) < 0)
		return -ENOMEM;
	end = (uint8_t *)out->data + out->length;
	end = entropy_encoder_write(integers->encoder, end, integers->residuals);
	out->length = (size_t)(end - (uint8_t *)out->data);
	return 0;
}

static int write_packed(const struct integers *integers, size_t n, struct buffer *out)
{
	struct packed_widths widths = {.last = 0};
	unsigned width = 0;
	uint8_t *end;

	packed_count(integers->residuals, n, &widths);
	(void)packed_size(&widths, n, &width);
	if (buffer_reserve(out, packed_room(&widths, n, width)) < 0)
		return -ENOMEM;
	end = (uint8_t *)out->data + out->length;
	end = packed_write(end, integers->residuals, n, width);
	out->length = (size_t)(end - (uint8_t *)out->data);
	return 0;
}

/* What divides the step and the breaks, which is all differences that there are. */
static void find_divisor(const struct steady *steady, struct divisor *ret_divisor)
{
	int64_t values[STEADY_BREAKS_MAX + 2] = {0, steady->step};

	for (size_t i = 0; i < steady->n_breaks; i++)
		values[i + 2] = add(values[i + 1], steady->differences[i]);
	divisor_find(values, steady->n_breaks + 2, ret_divisor);
}

/* @return 0; -ENODATA: it may be smaller in another form; -ENOMEM */
static int encode_steady(const struct steady *steady, const int64_t *values, size_t n,
			 struct integers_form *ret_form, struct buffer *out)
{
	struct plan plan = {.order = 1, .base = steady->step};
	struct packed_widths widths = {.n[0] = (uint32_t)(n - 1 - steady->n_breaks)};
	int64_t residuals[STEADY_BREAKS_MAX];
	uint8_t bytes[(INTEGERS_ORDER_MAX + 4 + 2 * STEADY_BREAKS_MAX) * VARINT_MAX_BYTES];
	uint8_t *end = bytes;
	unsigned width = 0;

	find_divisor(steady, &plan.divisor);
	for (size_t i = 0; i < steady->n_breaks; i++)
		residuals[i] = subtract(steady->differences[i], steady->step);
	divisor_divide(&plan.divisor, residuals, steady->n_breaks);
	packed_count(residuals, steady->n_breaks, &widths);
	(void)packed_size(&widths, n - 1, &width);
	if (width > 0)
		return -ENODATA;
	*ret_form = (struct integers_form){.coding = INTEGERS_CONSTANT};
	if (plan.divisor.value == 0) {
		end += varint_put_signed(bytes, values[0]);
	} else {
		*ret_form = (struct integers_form){.coding = INTEGERS_PACKED, .order = 1};
		end = write_plan(bytes, values, &plan);
		end = packed_write_few(end, steady->places, residuals, steady->n_breaks);
	}
	buffer_append(out, bytes, (size_t)(end - bytes));
	return buffer_failed(out) ? -ENOMEM : 0;
}

/* As encode_steady() */
static int try_steady(const int64_t *values, size_t n, struct integers_form *ret_form,
		      struct buffer *out)
{
	struct steady steady;

	/* Of a few integers, each break is too much. */
	if (n < 2 || !steady_find(values, n, &steady) || (steady.n_breaks > 0 && n < PLAN_WINDOW))
		return -ENODATA;
	return encode_steady(&steady, values, n, ret_form, out);
}

int integers_encode(struct integers *integers, const int64_t *values, size_t n, bool is_dense,
		    struct integers_form *ret_form, struct buffer *out)
{
	uint8_t bytes[(INTEGERS_ORDER_MAX + 2) * VARINT_MAX_BYTES];
	struct plan plan = {0};
	int result;

	assert(n > 0);
	result = try_steady(values, n, ret_form, out);
	if (result != -ENODATA)
		return result;
	if (reserve(integers, n) < 0)
		return -ENOMEM;
	*ret_form = (struct integers_form){.coding = INTEGERS_CONSTANT};
	divisor_find(values, n, &plan.divisor);
	if (plan.divisor.value == 0) {
		buffer_append(out, bytes, varint_put_signed(bytes, values[0]));
		return buffer_failed(out) ? -ENOMEM : 0;
	}
	plan_choose(&plan, values, n, is_dense, &integers->samples);
	plan_make_residuals(&plan, values + plan.order, n - plan.order, integers->residuals);
	*ret_form = (struct integers_form){.coding = INTEGERS_PACKED, .order = plan.order};
	if (is_dense && choose_coding(integers, &plan, n - plan.order, &ret_form->coding) < 0)
		return -ENOMEM;
	buffer_append(out, bytes, (size_t)(write_plan(bytes, values, &plan) - bytes));
	return ret_form->coding == INTEGERS_ENTROPY ? write_dense(integers, out)
						    : write_packed(integers, n - plan.order, out);
}

/* -- reading -------------------------------------------------------------------------------------- */

/* Of order 0, or what the sums of order 2 are made of. */
BITS_LOOPS static void scale(int64_t *values, size_t n, int64_t base, uint64_t divisor)
{
	if (divisor == 1 && base == 0)
		return;
	for (size_t i = 0; i < n; i++)
		values[i] = (int64_t)((uint64_t)values[i] * divisor + (uint64_t)base);
}

/* Of order 1. @param values  behind the first one, which is `last` */
BITS_LOOPS static void sum_up(int64_t *values, size_t n, uint64_t last, int64_t base,
			      uint64_t divisor)
{
	if (divisor == 1) {
		for (size_t i = 0; i < n; i++) {
			last += (uint64_t)values[i] + (uint64_t)base;
			values[i] = (int64_t)last;
		}
		return;
	}
	for (size_t i = 0; i < n; i++) {
		last += (uint64_t)values[i] * divisor + (uint64_t)base;
		values[i] = (int64_t)last;
	}
}

/* The values again, from residuals that stand in their places. */
BITS_LOOPS static void integrate(int64_t *values, size_t n, unsigned order, int64_t base,
				 uint64_t divisor)
{
	uint64_t last, difference;

	if (order == 1) {
		sum_up(values + 1, n - 1, (uint64_t)values[0], base, divisor);
		return;
	}
	scale(values + order, n - order, base, divisor);
	if (order == 0)
		return;
	last = (uint64_t)values[1];
	difference = last - (uint64_t)values[0];
	for (size_t i = 2; i < n; i++) {
		difference += (uint64_t)values[i];
		last += difference;
		values[i] = (int64_t)last;
	}
}

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
