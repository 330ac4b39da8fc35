/* SPDX-License-Identifier: MIT */
/* Tests of columns as a query gathers them. */

#include "collector/pile.h"

#include <criterion/criterion.h>
#include <stdint.h>

#define N_TIMES ((size_t)100)

static const int64_t everything_us[2] = {INT64_MIN, INT64_MAX};
static const struct limits no_limits;

static struct block_encoder *encoder;
static struct block_decoder *decoder;
static struct buffer bytes;
static struct pile pile;

static void setup(void)
{
	encoder = block_encoder_new();
	decoder = block_decoder_new();
	cr_assert_not_null(encoder);
	cr_assert_not_null(decoder);
}

static void teardown(void)
{
	block_encoder_free(encoder);
	block_decoder_free(decoder);
	buffer_done(&bytes);
	pile_done(&pile, &no_limits);
}

TestSuite(pile, .init = setup, .fini = teardown);

/* A block of one series that begins at this time. */
static void open_block(int64_t first_us)
{
	int64_t times_us[N_TIMES];
	double values[N_TIMES];
	struct block_column column;

	for (size_t i = 0; i < N_TIMES; i++) {
		times_us[i] = first_us + (int64_t)i;
		values[i] = (double)times_us[i];
	}
	column = (struct block_column){.series_id = 1, .values = values, .n_values = N_TIMES};
	buffer_clear(&bytes);
	cr_assert_eq(
		block_encode(encoder, times_us, N_TIMES, &column, 1, BLOCK_EFFORT_FAST, &bytes), 0);
	cr_assert_eq(block_decoder_open(decoder, (const uint8_t *)bytes.data, bytes.length), 0);
}

static void add(int64_t first_us, bool has_column)
{
	open_block(first_us);
	cr_assert_eq(pile_add_block(&pile, &no_limits, decoder, everything_us), 1);
	if (has_column)
		cr_assert_eq(pile_add_column(&pile, &no_limits, decoder, 0, 7), 0);
}

Test(pile, keeps_nothing_of_blocks_without_a_wanted_column)
{
	add(0, false);
	add(1000, true);
	for (int64_t i = 0; i < 50; i++)
		add(2000 + 1000 * i, false);
	add(100000, true);
	add(200000, false);

	cr_assert_leq(pile.times.n, 3 * N_TIMES);
	cr_assert_leq(pile.blocks.n, 3);
}

Test(pile, gives_the_times_and_values_of_each_column)
{
	const int64_t firsts_us[] = {1000, 5000};
	const struct pile_column *columns;
	size_t n;

	add(0, false);
	add(firsts_us[0], true);
	add(2000, false);
	add(firsts_us[1], true);
	pile_sort(&pile);

	cr_assert_null(pile_find(&pile, 6, &n));
	columns = pile_find(&pile, 7, &n);
	cr_assert_eq(n, 2);
	for (size_t i = 0; i < n; i++) {
		const int64_t *times_us = pile_times(&pile, pile_block(&pile, &columns[i]));
		struct block_column column;

		cr_assert_eq(pile_decode(&pile, &columns[i], decoder, &column), 0);
		cr_assert_eq(column.n_values, N_TIMES);
		cr_assert_eq(columns[i].first_us, firsts_us[i]);
		for (size_t k = 0; k < N_TIMES; k++) {
			cr_assert_eq(times_us[k], firsts_us[i] + (int64_t)k);
			cr_assert_eq(column.values[k], (double)times_us[k]);
		}
	}
}
