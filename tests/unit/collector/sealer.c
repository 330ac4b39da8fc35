/* SPDX-License-Identifier: MIT */
/* Tests of making batches. */

#include "collector/sealer.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/batch.h"
#include "common/block.h"
#include "tests/support/sample_lines.h"
#include "tests/support/seeded.h"

#define LABELS_MAX 5000

static struct bundle bundle;
static struct catalog catalog;
static struct sealer *sealer;
static struct block_decoder *decoder;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct buffer out;
static const uint8_t epoch[HM_ID_BYTES] = {9, 8, 7};

static void setup(void)
{
	sample_lines_init(&bundle);
	catalog_init(&catalog, &bundle.key);
	sealer = sealer_new();
	decoder = block_decoder_new();
	cr_assert(sealer && decoder);
}

static void teardown(void)
{
	sealer_free(sealer);
	block_decoder_free(decoder);
	catalog_done(&catalog);
	buffer_done(&out);
	sample_lines_done(&bundle);
}

TestSuite(sealer, .init = setup, .fini = teardown);

static struct catalog_series *get(const char *text)
{
	struct catalog_series *series;
	struct identity identity;

	bundle_clear(&bundle);
	sample_lines_add(&bundle, text);
	cr_assert_eq(bundle.n_samples, 1, "%s", text);
	identity = bundle_identity(&bundle, &bundle.samples[0]);
	series = catalog_find(&catalog, &identity);
	if (!series)
		cr_assert_eq(catalog_add(&catalog, &identity, CATALOG_NEXT_ID, &series), 0);
	return series;
}

/* Seal the first of these. @return how many */
static size_t seal(const struct catalog_sample *samples, size_t n_samples, uint64_t sequence)
{
	struct sealer_batch batch = {
		.host = samples[0].series->file->host,
		.epoch = epoch,
		.sequence = sequence,
		.samples = samples,
		.n_samples = n_samples,
	};
	size_t n_sealed = 0;

	buffer_clear(&out);
	cr_assert_eq(sealer_seal(sealer, &batch, &mutex, &out, &n_sealed), 0);
	cr_assert_leq(out.length, HM_RECORD_MAX_BYTES, "%zu", out.length);
	return n_sealed;
}

/* A sample that was read of a batch. */
struct read {
	struct catalog_series *series;
	int64_t time_us;
	double value;
};

static struct read *reads;
static size_t n_reads;

static void read_column(struct catalog_series *series, size_t index)
{
	struct block_column column;
	size_t n_times;
	const int64_t *times_us;
	size_t value = 0;
	size_t row = 0;

	cr_assert_eq(block_decoder_column(decoder, index, &column), 0);
	times_us = block_decoder_times(decoder, &n_times);
	for (size_t i = 0; i < (column.runs ? column.n_runs : 1); i++) {
		struct block_run run = {.n_present = (uint32_t)n_times};

		if (column.runs)
			run = column.runs[i];
		for (uint32_t j = 0; j < run.n_present; j++)
			reads[n_reads++] =
				(struct read){series, times_us[row + j], column.values[value++]};
		row += (size_t)run.n_present + run.n_missing;
	}
	cr_assert_eq(row, n_times);
	cr_assert_eq(value, column.n_values);
}

static struct catalog_series *read_series(struct cursor *cursor)
{
	struct batch_series series;
	char text[LABELS_MAX + 300];

	cr_assert_eq(batch_get_series(cursor, &series), 0);
	(void)snprintf(text, sizeof(text), "%.*s%.*s 0\n", (int)series.metric.length,
		       series.metric.start, (int)series.labels.length, series.labels.start);
	return get(text);
}

static void read_names(struct cursor *cursor, uint64_t sequence, struct catalog_series **ret_named)
{
	struct batch_head head;

	cr_assert_eq(batch_get_head(cursor, &head), 0);
	cr_assert_eq(head.sequence, sequence);
	cr_assert_eq(memcmp(head.epoch, epoch, HM_ID_BYTES), 0);
	for (uint32_t i = 0; i < head.n_series; i++)
		ret_named[i] = read_series(cursor);
}

/* Read the batch in `out`: series after series. */
static void read_batch(uint64_t sequence)
{
	static struct catalog_series *named[BATCH_SERIES_MAX];
	struct cursor cursor = {.at = (const uint8_t *)out.data, .left = out.length};
	const uint8_t *bytes;
	size_t length;

	read_names(&cursor, sequence, named);
	cr_assert_eq(batch_get_block(&cursor, &bytes, &length), 0);
	cr_assert_eq(block_decoder_open(decoder, bytes, length), 0);
	for (size_t i = 0; i < block_decoder_n_columns(decoder); i++)
		read_column(named[block_decoder_series_id(decoder, i)], i);
	cr_assert_eq(batch_get_block(&cursor, &bytes, &length), -ENODATA);
}

static int compare_reads(const void *a_pointer, const void *b_pointer)
{
	const struct read *a = a_pointer;
	const struct read *b = b_pointer;

	if (a->series != b->series)
		return a->series < b->series ? -1 : 1;
	if (a->time_us != b->time_us)
		return a->time_us < b->time_us ? -1 : 1;
	/* Values count up in the order in which samples came. */
	return a->value < b->value ? -1 : a->value > b->value;
}

static void assert_in_order(size_t first)
{
	for (size_t i = first + 1; i < n_reads; i++) {
		cr_assert(reads[i].series != reads[i - 1].series ||
			  compare_reads(&reads[i - 1], &reads[i]) < 0);
	}
}

static void assert_all_read(const struct catalog_sample *samples, size_t n_samples)
{
	struct read *wanted = calloc(n_samples + 1, sizeof(*wanted));

	cr_assert_not_null(wanted);
	for (size_t i = 0; i < n_samples; i++)
		wanted[i] = (struct read){samples[i].series, samples[i].time_us, samples[i].value};
	qsort(wanted, n_samples, sizeof(*wanted), compare_reads);
	qsort(reads, n_reads, sizeof(*reads), compare_reads);
	for (size_t i = 0; i < n_samples; i++)
		cr_assert_eq(compare_reads(&wanted[i], &reads[i]), 0, "sample %zu", i);
	free(wanted);
}

/* Seal all samples, whose values count up, and read them: none is lost, and equal times of a series
 * stay in their order. @return how many batches */
static unsigned assert_round_trip(struct catalog_sample *samples, size_t n_samples)
{
	uint64_t sequence = 0;
	size_t n_sealed = 0;

	reads = calloc(n_samples + 1, sizeof(*reads));
	n_reads = 0;
	cr_assert_not_null(reads);
	while (n_sealed < n_samples) {
		size_t before = n_reads;
		size_t n = seal(samples + n_sealed, n_samples - n_sealed, ++sequence);

		cr_assert_gt(n, 0);
		read_batch(sequence);
		cr_assert_eq(n_reads - before, n);
		assert_in_order(before);
		n_sealed += n;
	}
	cr_assert_eq(n_reads, n_samples);
	assert_all_read(samples, n_samples);
	free(reads);
	return (unsigned)sequence;
}

Test(sealer, keeps_the_order_of_equal_times_and_sorts_the_others)
{
	struct catalog_series *a = get("m{x=\"1\"} 0\n");
	struct catalog_series *b = get("m 0\n");
	struct catalog_sample samples[] = {{a, 5, 0}, {b, 5, 1}, {a, 3, 2}, {a, 5, 3}, {a, 5, 4},
					   {b, 7, 5}, {b, 1, 6}, {a, 3, 7}, {b, 5, 8}};

	cr_assert_eq(assert_round_trip(samples, sizeof(samples) / sizeof(samples[0])), 1);
}

Test(sealer, makes_several_batches_beyond_each_limit)
{
	struct catalog_sample *samples = calloc(BATCH_SAMPLES_MAX * 2, sizeof(*samples));
	char text[LABELS_MAX + 64];
	size_t n = 0;

	cr_assert_not_null(samples);
	/* Samples. */
	for (; n < BATCH_SAMPLES_MAX + 1; n++)
		samples[n] = (struct catalog_sample){get("m 0\n"), (int64_t)n / 3, (double)n};
	cr_assert_eq(assert_round_trip(samples, n), 2);
	/* Series, of short names. */
	for (n = 0; n < BATCH_SERIES_MAX + 1; n++) {
		(void)snprintf(text, sizeof(text), "%zx 0\n", n);
		samples[n] = (struct catalog_sample){get(text), 1, (double)n};
	}
	cr_assert_eq(assert_round_trip(samples, n), 2);
	/* Bytes of names: each of nearly the longest labels that there may be. */
	for (n = 0; n < 40; n++) {
		char labels[4000];

		memset(labels, 'l', sizeof(labels) - 1);
		labels[sizeof(labels) - 1] = '\0';
		(void)snprintf(text, sizeof(text), "m{x=\"%s%zu\"} 0\n", labels, n);
		samples[n] = (struct catalog_sample){get(text), 1, (double)n};
	}
	cr_assert_geq(assert_round_trip(samples, n), 2);
	free(samples);
}

/* Each metric has a unit of its own, each series two samples, at times and with values by chance. */
Test(sealer, makes_no_batch_that_a_record_does_not_hold)
{
	size_t n_samples = BATCH_SERIES_MAX * 2;
	struct catalog_sample *samples = calloc(n_samples, sizeof(*samples));
	char unit[BUNDLE_UNIT_MAX_BYTES];
	struct seeded seeded;
	size_t n_sealed = 0;

	seeded_init(&seeded);
	cr_assert_not_null(samples);
	for (size_t i = 0; i < n_samples; i++) {
		struct catalog_series *series;
		char text[32];
		uint64_t bits = seeded_next(&seeded) & ~(UINT64_C(1) << 62);

		(void)snprintf(text, sizeof(text), "%zx 0\n", i % BATCH_SERIES_MAX);
		series = get(text);
		memset(unit, 'a' + (int)(i % 26), sizeof(unit));
		cr_assert_eq(catalog_describe(&catalog, series->file, HM_STORED_GAUGE, unit,
					      sizeof(unit)),
			     0);
		samples[i].series = series;
		samples[i].time_us = (int64_t)(seeded_next(&seeded) >> 2);
		memcpy(&samples[i].value, &bits, sizeof(bits));
	}
	while (n_sealed < n_samples)
		n_sealed += seal(samples + n_sealed, n_samples - n_sealed, 1);
	free(samples);
}

Test(sealer, makes_the_round_with_samples_by_chance)
{
	struct catalog_series *series[30];
	struct catalog_sample samples[3000];
	struct seeded seeded;
	char text[32];

	seeded_init(&seeded);
	for (size_t i = 0; i < 30; i++) {
		(void)snprintf(text, sizeof(text), "m%zu{x=\"%zu\"} 0\n", i % 7, i);
		series[i] = get(text);
	}
	for (int round = 0; round < 50; round++) {
		size_t n = 1 + (size_t)seeded_below(&seeded, 3000);
		uint64_t n_times = 1 + seeded_below(&seeded, 200);

		for (size_t i = 0; i < n; i++) {
			samples[i] = (struct catalog_sample){
				series[seeded_below(&seeded, 30)],
				(int64_t)seeded_below(&seeded, n_times) * 1000000, (double)i};
		}
		(void)assert_round_trip(samples, n);
	}
}
