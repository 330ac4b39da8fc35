/* SPDX-License-Identifier: MIT */
/* Tests of absences that are appended to a metric file, beside samples. */

#include "collector/metric_entries.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/file_reader.h"
#include "tests/support/sim_random.h"

#define SERIES 6
#define TIMES  400

/* What a series has at a time. */
struct tick {
	bool has_sample;
	double value;
	uint8_t reason;
};

static struct sim_random numbers;
static struct tick wanted[SERIES][TIMES];
static struct tick found[SERIES][TIMES];
static struct metric_file_sample samples[SERIES][TIMES];
static struct metric_file_sample absences[SERIES][2 * TIMES];
static struct metric_file_column columns[SERIES];

static uint64_t roll(uint64_t n)
{
	return sim_random_below(&numbers, n);
}

static void give_absence(uint32_t id, int64_t at)
{
	struct metric_file_column *column = &columns[id];
	uint8_t reason = (uint8_t)(50 + roll(3));

	absences[id][column->n_absences++] = (struct metric_file_sample){at, reason};
	/* Of several of one time the last one. */
	wanted[id][at].reason = reason;
}

/* A sample, absences, both, or nothing. */
static void give_tick(uint32_t id, int64_t at, bool has_absences)
{
	struct metric_file_column *column = &columns[id];

	if (has_absences && roll(3) == 0)
		give_absence(id, at);
	if (has_absences && roll(20) == 0)
		give_absence(id, at);
	if (roll(4) == 0)
		return;
	wanted[id][at] = (struct tick){true, (double)roll(100), HM_REASON_NONE};
	samples[id][column->n_samples++] = (struct metric_file_sample){at, wanted[id][at].value};
}

static void make_columns(void)
{
	memset(wanted, 0, sizeof(wanted));
	for (uint32_t id = 0; id < SERIES; id++) {
		bool has_absences = roll(2);
		int64_t end = roll(3) ? TIMES : (int64_t)roll(TIMES);

		columns[id] = (struct metric_file_column){
			.series_id = id, .samples = samples[id], .absences = absences[id]};
		for (int64_t at = 0; at < end; at++)
			give_tick(id, at, has_absences);
	}
}

static void find_column(struct block_decoder *decoder, size_t index)
{
	struct block_column column;
	size_t n_times;
	const int64_t *times_us = block_decoder_times(decoder, &n_times);
	const struct block_run whole = {.n_present = (uint32_t)n_times};
	const double *values;

	cr_assert_eq(block_decoder_column(decoder, index, &column), 0);
	values = column.values;
	for (size_t i = 0; i < (column.runs ? column.n_runs : 1); i++) {
		const struct block_run *run = column.runs ? &column.runs[i] : &whole;

		for (uint32_t k = 0; k < run->n_present + run->n_missing; k++) {
			struct tick *tick = &found[column.series_id][*times_us++];

			if (k >= run->n_present && run->reason == HM_REASON_NONE)
				continue;
			cr_assert(!tick->has_sample && tick->reason == HM_REASON_NONE, "twice");
			tick->has_sample = k < run->n_present;
			if (tick->has_sample)
				tick->value = *values++;
			else
				tick->reason = run->reason;
		}
	}
}

/* All that the DATA blocks of a file's bytes have. */
static void find_all(struct block_decoder *decoder, const struct buffer *file)
{
	struct store_file_block block;
	uint64_t offset = 0;

	memset(found, 0, sizeof(found));
	for (; offset < file->length; offset++) {
		struct store_file_data data;

		if (store_file_get_block((const uint8_t *)file->data + offset,
					 file->length - offset, 0, offset, &block) < 0 ||
		    store_file_get_data(&block, &data) < 0)
			continue;
		cr_assert_eq(block_decoder_open(decoder, data.bytes, data.n_bytes), 0);
		for (size_t i = 0; i < block_decoder_n_columns(decoder); i++)
			find_column(decoder, i);
	}
}

static void check(void)
{
	for (uint32_t id = 0; id < SERIES; id++) {
		for (size_t at = 0; at < TIMES; at++) {
			const struct tick *a = &wanted[id][at];
			const struct tick *b = &found[id][at];

			cr_assert(a->has_sample == b->has_sample && a->value == b->value &&
					  a->reason == b->reason,
				  "series %u at %zu", id, at);
		}
	}
}

Test(metric_entries, are_written_with_their_reasons_and_each_time_once)
{
	static const uint8_t store_id[HM_ID_BYTES] = {1};
	struct block_encoder *encoder = block_encoder_new();
	struct block_decoder *decoder = block_decoder_new();
	struct metric_file_addition addition = {.store_id = store_id,
						.host = "h",
						.metric = "m",
						.type = HM_FILE_METRIC,
						.unit = "",
						.columns = columns,
						.n_columns = SERIES,
						.position = 1};
	const unsigned seed = (unsigned)time(NULL);

	cr_log_info("seed %u", seed);
	numbers.state = seed;
	cr_assert(encoder && decoder);
	for (int i = 0; i < 300; i++) {
		struct metric_file_end end = {.highest_us = INT64_MIN};
		struct buffer file = {0};

		make_columns();
		cr_assert_eq(metric_file_encode(encoder, &addition, &end, &file), 0);
		find_all(decoder, &file);
		check();
		buffer_done(&file);
	}
	block_encoder_free(encoder);
	block_decoder_free(decoder);
}

/* What has none is not copied. */
Test(metric_entries, of_columns_without_absences_are_these)
{
	struct metric_entries entries;

	numbers.state = 1;
	make_columns();
	for (uint32_t id = 0; id < SERIES; id++)
		columns[id].n_absences = 0;
	cr_assert_eq(metric_entries_make(columns, SERIES, &entries), 0);
	cr_expect_eq(entries.columns, columns);
	cr_expect_null(metric_entries_reasons(&entries, 0));
	metric_entries_done(&entries);
}
