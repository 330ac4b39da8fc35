/* SPDX-License-Identifier: MIT */
/* Tests of common/integers.c, and of packed.c and the entropy coding, which it chooses from. */

#include "common/integers.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "common/entropy.h"
#include "common/entropy_decoder.h"
#include "common/entropy_encoder.h"
#include "common/packed.h"
#include "tests/support/random_block.h"

#define N 3000

static struct integers *integers;
static struct entropy_encoder *encoder;
static struct entropy_decoder *decoder;
static struct buffer out;
static struct integers_form form;
static int64_t values[N], again[N];

static void setup(void)
{
	integers = integers_new();
	encoder = entropy_encoder_new();
	decoder = entropy_decoder_new();
	cr_assert_not_null(integers);
	cr_assert_not_null(encoder);
	cr_assert_not_null(decoder);
}

static void teardown(void)
{
	integers_free(integers);
	entropy_encoder_free(encoder);
	entropy_decoder_free(decoder);
	buffer_done(&out);
}

TestSuite(integers, .init = setup, .fini = teardown);

static struct varint_reader reader(void)
{
	return (struct varint_reader){(const uint8_t *)out.data,
				      (const uint8_t *)out.data + out.length};
}

/* @return bytes */
static size_t round_trip(size_t n, bool is_dense)
{
	struct varint_reader bytes;

	buffer_clear(&out);
	cr_assert_eq(integers_encode(integers, values, n, is_dense, &form, &out), 0);
	bytes = reader();
	memset(again, 0x55, sizeof(again));
	cr_assert_eq(integers_decode(integers, form, &bytes, again, n), 0);
	cr_assert_eq(bytes.at, bytes.end);
	cr_assert_arr_eq(again, values, n * sizeof(*values));
	return out.length;
}

Test(integers, all_equal_are_one_number)
{
	for (size_t i = 0; i < N; i++)
		values[i] = -300;

	cr_assert_eq(round_trip(N, true), 2);
	cr_assert_eq(form.coding, INTEGERS_CONSTANT);
	cr_assert_eq(round_trip(1, false), 2);
}

Test(integers, a_straight_line_takes_a_few_bytes)
{
	for (size_t i = 0; i < N; i++)
		values[i] = (int64_t)i * 1000000 + 5;

	cr_assert_leq(round_trip(N, true), 16);
	cr_assert_eq(form.coding, INTEGERS_PACKED);
	cr_assert_eq(form.order, 1);
}

Test(integers, what_divides_all_is_not_stored_again_and_again)
{
	uint64_t state = 1;
	size_t with, without;

	for (size_t i = 0; i < N; i++)
		values[i] = (int64_t)random_below(&state, 100);
	without = round_trip(N, false);
	for (size_t i = 0; i < N; i++)
		values[i] = values[i] * 4096 * 15625 + 77;
	with = round_trip(N, false);
	cr_assert_leq(with, without + 10);
}

Test(integers, one_step_that_no_divisor_fits_comes_back)
{
	for (size_t at = 1; at < 200; at += 7) {
		for (size_t i = 0; i < 200; i++)
			values[i] = (int64_t)i * 15 + (i >= at);
		round_trip(200, false);
	}
}

Test(integers, extremes_wrap_and_come_back)
{
	static const int64_t extremes[] = {INT64_MIN, INT64_MAX, 0, -1, INT64_MIN + 1, 1};
	uint64_t state = 3;

	for (size_t i = 0; i < N; i++)
		values[i] = extremes[random_below(&state, 6)];
	for (size_t n = 1; n < 200; n++) {
		round_trip(n, false);
		round_trip(n, true);
	}
	round_trip(N, true);
}

Test(integers, noise_is_smaller_in_the_denser_coding)
{
	uint64_t state = 5;
	int64_t last = 0;
	size_t packed;

	for (size_t i = 0; i < N; i++) {
		last += (int64_t)(random_next(&state) >> (40 + random_below(&state, 24)));
		values[i] = last;
	}
	packed = round_trip(N, false);
	cr_assert_eq(form.coding, INTEGERS_PACKED);
	cr_assert_lt(round_trip(N, true), packed);
	cr_assert_eq(form.coding, INTEGERS_ENTROPY);
}

Test(integers, noise_that_the_denser_coding_hardly_shrinks_is_packed_around_its_middle)
{
	/* Ten bits each: 1250 a thousand. */
	for (uint64_t seed = 1; seed < 30; seed++) {
		uint64_t state = seed;
		int64_t last = 0;

		for (size_t i = 0; i < N; i++) {
			last += (int64_t)random_below(&state, 1000);
			values[i] = last;
		}
		cr_assert_leq(round_trip(N, true), N * 10 / 8 + 20, "seed %d", (int)seed);
		cr_assert_eq(form.coding, INTEGERS_PACKED, "seed %d", (int)seed);
	}
}

Test(integers, what_spans_all_numbers_is_packed_around_its_middle)
{
	uint64_t state = 2;

	for (unsigned shift = 0; shift < 8; shift++) {
		for (size_t i = 0; i < N; i++)
			values[i] = (int64_t)random_next(&state) >> shift;
		round_trip(N, true);
		cr_assert_eq(form.coding, INTEGERS_PACKED);
	}
}

Test(integers, packed_takes_every_width_and_exception)
{
	for (unsigned width = 0; width <= 64; width++) {
		uint64_t state = width;
		struct packed_widths widths = {.last = 0};
		struct varint_reader bytes;
		const uint8_t *end;
		size_t room;

		for (size_t i = 0; i < 100; i++) {
			uint64_t folded = width ? random_next(&state) >> (64 - width) : 0;

			values[i] = varint_unfold(i % 13 == 0 ? random_next(&state) : folded);
		}
		packed_count(values, 100, &widths);
		room = packed_room(&widths, 100, width);
		buffer_done(&out);
		cr_assert_eq(buffer_reserve(&out, room), 0);
		end = packed_write((uint8_t *)out.data, values, 100, width);
		cr_assert_leq((size_t)(end - (uint8_t *)out.data), room);
		bytes = (struct varint_reader){(const uint8_t *)out.data, end};
		cr_assert_eq(packed_read(&bytes, again, 100), 0);
		cr_assert_arr_eq(again, values, 100 * sizeof(*values));
	}
}

Test(integers, packed_size_is_not_exceeded)
{
	struct packed_widths widths = {.last = 0};
	unsigned width;
	size_t size;

	for (size_t i = 0; i < N; i++)
		values[i] = i % 40 == 0 ? 100000 : (int64_t)(i % 8);
	packed_count(values, N, &widths);
	size = packed_size(&widths, N, &width);
	cr_assert_eq(width, 4);
	cr_assert_eq(buffer_reserve(&out, packed_room(&widths, N, width)), 0);
	cr_assert_leq(
		(size_t)(packed_write((uint8_t *)out.data, values, N, width) - (uint8_t *)out.data),
		size);
}

/* @return bytes, 0: cannot be coded this way */
static size_t entropy_round_trip(size_t n)
{
	const struct symbol_counts *counts;
	struct varint_reader bytes;
	const uint8_t *end;
	size_t size;

	cr_assert_eq(entropy_encoder_load(encoder, values, n, &counts), 0);
	size = entropy_encoder_plan(encoder);
	if (size == SIZE_MAX)
		return 0;
	cr_assert_eq(buffer_reserve(&out, entropy_encoder_room(encoder)), 0);
	end = entropy_encoder_write(encoder, (uint8_t *)out.data, values);
	cr_assert_leq((size_t)(end - (uint8_t *)out.data), entropy_encoder_room(encoder));
	bytes = (struct varint_reader){(const uint8_t *)out.data, end};
	cr_assert_eq(entropy_decoder_read(decoder, &bytes, again, n), 0);
	cr_assert_eq(bytes.at, bytes.end);
	cr_assert_arr_eq(again, values, n * sizeof(*values));
	return (size_t)(end - (uint8_t *)out.data);
}

Test(integers, entropy_takes_every_number_of_integers_and_size)
{
	uint64_t state = 9;

	for (size_t n = ENTROPY_MIN; n < 140; n++) {
		for (size_t i = 0; i < n; i++) {
			values[i] =
				(int64_t)(random_next(&state) >> (8 + random_below(&state, 56)));
			values[i] = i % 3 ? values[i] : -values[i];
		}
		cr_assert_gt(entropy_round_trip(n), 0);
	}
	for (size_t i = 0; i < N; i++)
		values[i] = i % 1000 == 0;
	cr_assert_lt(entropy_round_trip(N), 60);
	memset(values, 0, sizeof(values));
	cr_assert_lt(entropy_round_trip(N), 40);
	values[5] = (int64_t)1 << 56;
	cr_assert_eq(entropy_round_trip(N), 0);
	values[5] = INT64_MIN;
	cr_assert_eq(entropy_round_trip(N), 0);
}

Test(integers, what_is_cut_or_longer_or_of_another_number_is_refused)
{
	for (int is_dense = 0; is_dense < 2; is_dense++) {
		uint64_t state = 5;
		struct varint_reader bytes;

		for (size_t i = 0; i < N; i++)
			values[i] =
				(int64_t)(random_next(&state) >> (40 + random_below(&state, 24)));
		round_trip(N, is_dense);
		cr_assert_eq(form.coding, is_dense ? INTEGERS_ENTROPY : INTEGERS_PACKED);
		for (size_t cut = 1; cut < out.length; cut += 1 + cut / 8) {
			bytes = reader();
			bytes.end -= cut;
			cr_assert_eq(integers_decode(integers, form, &bytes, again, N), -EBADMSG);
		}
		bytes = reader();
		cr_assert_eq(integers_decode(integers, form, &bytes, again, N - 9), -EBADMSG);
		buffer_append_byte(&out, 0);
		bytes = reader();
		cr_assert_eq(integers_decode(integers, form, &bytes, again, N), -EBADMSG);
	}
}

Test(integers, entropy_wants_its_states_and_words_used_up)
{
	/* One context, symbol 64 (0) only, no words; the states; then what is wrong. */
	uint8_t bytes[6 + 16 + 2] = {1, 64, 64, 15, 0};
	struct varint_reader good = {bytes, bytes + 5 + 16};
	struct varint_reader longer = {bytes, bytes + 5 + 16 + 2};

	for (int lane = 0; lane < 4; lane++)
		bytes[5 + 4 * lane + 2] = 1;
	cr_assert_eq(entropy_decoder_read(decoder, &good, again, 100), 0);
	cr_assert_eq(again[99], 0);
	bytes[4] = 1;
	cr_assert_eq(entropy_decoder_read(decoder, &longer, again, 100), -EBADMSG);
	memset(bytes + 4, 0, 1);
	bytes[5 + 12] = 1;
	good.at = bytes;
	cr_assert_eq(entropy_decoder_read(decoder, &good, again, 100), -EBADMSG);
}

Test(integers, free_takes_null)
{
	integers_free(NULL);
	entropy_encoder_free(NULL);
	entropy_decoder_free(NULL);
}
