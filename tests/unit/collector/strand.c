/* SPDX-License-Identifier: MIT */
/* Tests of the samples of a series, drawn from piles of columns. */

#include "collector/strand.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/buffer.h"
#include "hostmetrics/format.h"
#include "tests/support/sim_random.h"

#define SERIES  3
#define SAMPLES 6000

struct sample {
	int64_t time_us;
	double value; /* of an absence its place in the order of writing, too */
	uint8_t reason;
	size_t pile;
	unsigned block;
};

/* What was put into the piles, by series. */
static struct sample all[SERIES][SAMPLES];
static size_t n_all[SERIES];
static double next_value;
static int64_t end_us; /* behind all times so far */
static unsigned n_blocks;
static bool has_masks; /* some of it is said not to count */
static struct pile piles[STRAND_SOURCES];
static struct block_encoder *encoder;
static struct block_decoder *decoder;
static struct budget budget;
static struct strand_options options;

static struct sim_random numbers;

static int roll(void)
{
	return (int)(sim_random_next(&numbers) >> 33);
}

static void setup(void)
{
	encoder = block_encoder_new();
	decoder = block_decoder_new();
	budget.max = INT64_MAX;
	options = (struct strand_options){.limits = {.memory = &budget},
					  .span_us = {INT64_MIN, INT64_MAX}};
}

static void clear(void)
{
	memset(n_all, 0, sizeof(n_all));
	end_us = 0;
	options.is_of_ticks = roll() % 2;
	for (size_t i = 0; i < STRAND_SOURCES; i++) {
		pile_clear(&piles[i]);
		piles[i].has_absences = options.is_of_ticks;
	}
}

static void teardown(void)
{
	for (size_t i = 0; i < STRAND_SOURCES; i++)
		pile_done(&piles[i], &options.limits);
	cr_expect_eq(budget.used, 0);
	block_encoder_free(encoder);
	block_decoder_free(decoder);
}

TestSuite(strand, .init = setup, .fini = teardown);

static void roll_range(int64_t range_us[static 2])
{
	range_us[0] = roll() % 4 ? roll() % (end_us + 1000) : INT64_MIN;
	range_us[1] = roll() % 4 ? (range_us[0] > 0 ? range_us[0] : 0) + roll() % 3000 : INT64_MAX;
}

/* What a mask takes of a pile, from a block on. */
static void take_out(uint32_t series, size_t pile, unsigned first_block, const int64_t *range_us)
{
	size_t n = 0;

	for (size_t i = 0; i < n_all[series]; i++) {
		const struct sample sample = all[series][i];

		if (sample.pile != pile || sample.block < first_block ||
		    sample.time_us < range_us[0] || sample.time_us > range_us[1])
			all[series][n++] = sample;
	}
	n_all[series] = n;
}

static void mask_last(size_t pile, uint32_t series)
{
	int64_t range_us[2];

	roll_range(range_us);
	cr_assert_eq(pile_mask_last(&piles[pile], &options.limits, series, range_us), 0);
	take_out(series, pile, n_blocks, range_us);
}

static void mask_all(size_t pile, uint32_t series)
{
	int64_t range_us[2];

	roll_range(range_us);
	cr_assert_eq(pile_mask_all(&piles[pile], &options.limits, series, range_us), 0);
	take_out(series, pile, 0, range_us);
}

/* Have a pile take the series of a block. */
static void take_block(size_t pile, const struct buffer *bytes)
{
	int added;

	cr_assert_eq(block_decoder_open(decoder, (uint8_t *)bytes->data, bytes->length), 0);
	added = pile_add_block(&piles[pile], &options.limits, decoder, options.span_us);
	cr_assert(added >= 0);
	for (size_t i = 0; added > 0 && i < block_decoder_n_columns(decoder); i++) {
		uint32_t id = block_decoder_series_id(decoder, i);

		cr_assert_eq(pile_add_column(&piles[pile], &options.limits, decoder, i, id), 0);
		if (has_masks && roll() % 4 == 0)
			mask_last(pile, id);
	}
}

/* Add a block to a pile, and its samples to `all`. @param has_all  every series has every time */
static void put_block(size_t pile, const int64_t *times_us, size_t n_times, bool has_all)
{
	struct block_run runs[SERIES][1000];
	struct block_column columns[SERIES];
	double values[SERIES][1000];
	struct buffer bytes = {0};

	n_blocks++;
	for (uint32_t s = 0; s < SERIES; s++) {
		size_t n = 0;

		for (size_t i = 0; i < n_times; i++) {
			bool is_there = has_all || roll() % 3;
			uint8_t reason = is_there ? HM_REASON_NONE : (uint8_t)(roll() % 3);

			runs[s][i] = (struct block_run){is_there, !is_there, reason};
			if (is_there)
				values[s][n++] = next_value;
			if (is_there || reason != HM_REASON_NONE)
				all[s][n_all[s]++] = (struct sample){times_us[i], next_value++,
								     reason, pile, n_blocks};
		}
		columns[s] = (struct block_column){s, has_all ? NULL : runs[s],
						   has_all ? 0 : n_times, values[s], n};
	}
	cr_assert_eq(block_encode(encoder, times_us, n_times, columns, SERIES, BLOCK_EFFORT_FAST,
				  &bytes),
		     0);
	take_block(pile, &bytes);
	buffer_done(&bytes);
}

/* A block behind the others, or somewhere. */
static void put_random(size_t pile)
{
	int64_t times_us[1000];
	size_t n = 1 + (size_t)roll() % (roll() % 3 ? 10 : 1000);
	int64_t at = roll() % 10 ? end_us : roll() % (end_us + 1);

	for (size_t i = 0; i < n; i++) {
		at += roll() % 100 ? 10 : 0;
		times_us[i] = at;
	}
	if (at > end_us)
		end_us = at;
	put_block(pile, times_us, n, roll() % 2);
}

static int compare(const void *a, const void *b)
{
	const struct sample *first = a;
	const struct sample *second = b;

	if (first->time_us != second->time_us)
		return first->time_us < second->time_us ? -1 : 1;
	return first->value < second->value ? -1 : first->value > second->value;
}

static size_t drop_absences(struct sample *samples, size_t n)
{
	size_t n_kept = 0;

	for (size_t i = 0; i < n; i++) {
		if (samples[i].reason == HM_REASON_NONE)
			samples[n_kept++] = samples[i];
	}
	return n_kept;
}

/* What is expected of a series, in place. @return how many */
static size_t choose(struct sample *samples, size_t n)
{
	size_t n_kept = 0;

	if (!options.is_of_ticks)
		n = drop_absences(samples, n);
	qsort(samples, n, sizeof(*samples), compare);
	for (size_t i = 0; i < n; i++) {
		if (samples[i].time_us < options.span_us[0] ||
		    samples[i].time_us > options.span_us[1])
			continue;
		if (options.is_latest_only && i + 1 < n &&
		    samples[i + 1].time_us == samples[i].time_us)
			continue;
		samples[n_kept++] = samples[i];
	}
	return n_kept;
}

static void begin(struct strand *strand, uint32_t series)
{
	struct strand_source sources[STRAND_SOURCES];

	for (size_t i = 0; i < STRAND_SOURCES; i++) {
		sources[i].pile = &piles[i];
		sources[i].columns = pile_find(&piles[i], series, &sources[i].n);
	}
	strand_begin(strand, sources);
}

static void check_series(struct strand *strand, uint32_t series)
{
	size_t n = choose(all[series], n_all[series]);
	struct strand_piece piece;
	size_t at = 0;
	int result;

	begin(strand, series);
	while ((result = strand_next(strand, &piece)) > 0) {
		cr_assert(piece.n > 0 && piece.n <= n - at);
		for (size_t i = 0; i < piece.n; i++, at++) {
			cr_assert_eq(piece.times_us[i], all[series][at].time_us);
			cr_assert_eq(piece.values[i], options.is_of_ticks ? all[series][at].reason
									  : all[series][at].value);
		}
	}
	cr_assert_eq(result, 0);
	cr_assert_eq(at, n);
}

static void check(void)
{
	struct strand *strand;

	for (size_t i = 0; i < STRAND_SOURCES; i++)
		pile_sort(&piles[i]);
	cr_assert_eq(strand_new(&options, &strand), 0);
	for (uint32_t s = 0; s < SERIES; s++)
		check_series(strand, s);
	strand_free(strand);
}

Test(strand, gives_the_samples_of_each_series_in_order)
{
	const unsigned seed = (unsigned)time(NULL);

	cr_log_info("seed %u", seed);
	numbers.state = seed;
	for (int i = 0; i < 400; i++) {
		clear();
		options.is_latest_only = roll() % 2;
		options.span_us[0] = roll() % 2 ? INT64_MIN : roll() % 5000;
		options.span_us[1] = roll() % 2 ? INT64_MAX : options.span_us[0] + roll() % 9999;
		for (int k = roll() % 10; k > 0 && end_us < 30000; k--)
			put_random(0);
		for (int k = roll() % 10; k > 0 && end_us < 40000; k--)
			put_random(1);
		check();
	}
}

Test(strand, leaves_out_what_does_not_count_and_nothing_else)
{
	const unsigned seed = (unsigned)time(NULL);

	cr_log_info("seed %u", seed);
	numbers.state = seed;
	has_masks = true;
	for (int i = 0; i < 400; i++) {
		clear();
		options.is_latest_only = roll() % 2;
		options.span_us[0] = roll() % 2 ? INT64_MIN : roll() % 5000;
		options.span_us[1] = roll() % 2 ? INT64_MAX : options.span_us[0] + roll() % 9999;
		for (int k = roll() % 20, n = k; k > 0 && end_us < 30000 && n_all[0] < 4000; k--) {
			size_t pile = k <= n / 2;

			put_random(pile);
			if (roll() % 3 == 0)
				mask_all(pile, (uint32_t)roll() % SERIES);
		}
		check();
	}
}

Test(strand, takes_no_memory_for_what_is_in_order)
{
	int64_t times_us[1000];
	struct strand *strand;
	struct strand_piece piece;
	int64_t used;

	for (int64_t i = 0; i < 1000; i++)
		times_us[i] = i;
	put_block(0, times_us, 1000, true);
	cr_assert_eq(strand_new(&options, &strand), 0);
	used = budget.used;
	budget.max = used;
	begin(strand, 1);
	cr_assert_eq(strand_next(strand, &piece), 1);
	cr_assert_eq(piece.n, 1000);
	/* What came late needs some. */
	budget.max = INT64_MAX;
	put_block(1, times_us, 10, true);
	budget.max = budget.used;
	begin(strand, 1);
	cr_assert_eq(strand_next(strand, &piece), -ENOBUFS);
	strand_free(strand);
}

Test(strand, passes_over_columns_that_cannot_be_decoded_and_counts_their_blocks)
{
	const int64_t times_us[] = {1, 2, 3};
	const int64_t later_us[] = {4, 5};
	struct strand *strand;
	struct strand_piece piece;

	put_block(0, times_us, 3, true);
	put_block(0, later_us, 2, true);
	pile_sort(&piles[0]);
	/* No scale has these bits. */
	for (uint32_t s = 0; s < 2; s++) {
		size_t n;
		const struct pile_column *column = pile_find(&piles[0], s, &n);

		cr_assert_eq(n, 2);
		((uint8_t *)piles[0].bytes.at)[column->bytes_at + column->payload_at] = 0xff;
	}
	cr_assert_eq(strand_new(&options, &strand), 0);
	for (uint32_t s = 0; s < 2; s++) {
		begin(strand, s);
		cr_assert_eq(strand_next(strand, &piece), 1);
		cr_assert_eq(piece.n, 2);
		cr_assert_eq(piece.times_us[0], 4);
		cr_assert_eq(strand_next(strand, &piece), 0);
	}
	cr_assert_eq(strand_n_damaged(strand, 0), 1);
	cr_assert_eq(strand_n_damaged(strand, 1), 0);
	strand_free(strand);
}
