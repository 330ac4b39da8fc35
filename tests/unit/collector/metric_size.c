/* SPDX-License-Identifier: MIT */
/* How large metric files are: one checkpoint of a host's recorded 50 minutes. */

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "collector/metric_file.h"
#include "tests/support/recording.h"

/* What was promised, in bytes a sample. */
#define DATA_MAX 0.22
#define ALL_MAX  0.27

#define N_REPEATS 3

static struct recording recording;
static struct block_encoder *encoder;

struct sizes {
	size_t n_files;
	size_t n_blocks;
	size_t all_bytes;
	size_t data_bytes; /* of whole DATA blocks */
	double seconds;
};

static void setup(void)
{
	encoder = block_encoder_new();
	cr_assert(encoder);
}

static void teardown(void)
{
	block_encoder_free(encoder);
	recording_done(&recording);
}

TestSuite(metric_size, .init = setup, .fini = teardown, .timeout = 120);

static double cpu_seconds(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static void fill_column(struct metric_file_column *column, const struct recording_series *series,
			uint32_t id)
{
	struct metric_file_sample *samples = calloc(series->n, sizeof(*samples));

	cr_assert(samples);
	for (size_t i = 0; i < series->n; i++)
		samples[i] = (struct metric_file_sample){series->times_us[i], series->values[i]};
	*column = (struct metric_file_column){
		.series_id = id, .samples = samples, .n_samples = series->n};
}

static void count_blocks(struct sizes *sizes, const struct buffer *file, uint32_t salt)
{
	const uint8_t *bytes = (const uint8_t *)file->data;
	struct store_file_header header;
	struct store_file_block block;

	cr_assert_eq(store_file_get_header(bytes, file->length, &header), 0);
	for (size_t at = header.header_bytes; at < file->length; at += block.length_bytes) {
		cr_assert_eq(store_file_get_block(bytes + at, file->length - at, salt, at, &block),
			     0);
		if (block.type != HM_BLOCK_DATA)
			continue;
		sizes->n_blocks++;
		sizes->data_bytes += block.length_bytes;
	}
	sizes->all_bytes += file->length;
	sizes->n_files++;
}

/* The file of the metric whose series begin here. @return how many series it has */
static size_t add_file(struct sizes *sizes, const struct recording_series *first, size_t n_max)
{
	static const uint8_t store_id[HM_ID_BYTES];
	static struct metric_file_column columns[4096];
	static struct store_file_series names[4096];
	char metric[256];
	struct metric_file_addition addition = {
		.store_id = store_id,
		.host = "web01.example.com",
		.metric = metric,
		.type = HM_FILE_METRIC,
		.kind = HM_STORED_GAUGE,
		.unit = "",
		.series = names,
		.columns = columns,
		.position = UINT64_C(1) << 32,
	};
	struct metric_file_end end;
	struct buffer file = {0};
	double best = 1e9;
	size_t n = 0;

	(void)snprintf(metric, sizeof(metric), "%.*s", (int)first->metric_length, first->name);
	for (; n < n_max && first[n].metric_length == first->metric_length &&
	       memcmp(first[n].name, first->name, first->metric_length) == 0;
	     n++) {
		const char *labels = first[n].name + first[n].metric_length;

		cr_assert_lt(n, 4096);
		names[n] = (struct store_file_series){(uint32_t)n, labels, strlen(labels)};
		fill_column(&columns[n], &first[n], (uint32_t)n);
	}
	addition.n_series = n;
	addition.n_columns = n;
	/* The first time, memory is new. */
	for (int i = 0; i < N_REPEATS; i++) {
		double begin = cpu_seconds();

		buffer_clear(&file);
		end = (struct metric_file_end){.salt = 0x12345678};
		cr_assert_eq(metric_file_encode(encoder, &addition, &end, &file), 0);
		begin = cpu_seconds() - begin;
		best = begin < best ? begin : best;
	}
	sizes->seconds += best;
	count_blocks(sizes, &file, end.salt);
	for (size_t i = 0; i < n; i++)
		free((void *)(uintptr_t)columns[i].samples);
	buffer_done(&file);
	return n;
}

Test(metric_size, is_what_was_promised)
{
	struct sizes sizes = {0};
	double n_samples;

	if (recording_read(&recording) < 0)
		cr_skip_test("the recording or zstd is missing");
	n_samples = (double)recording.n_samples;
	for (size_t at = 0; at < recording.n_series;)
		at += add_file(&sizes, &recording.series[at], recording.n_series - at);

	(void)fprintf(stderr,
		      "%zu files, %zu series, %zu samples, %zu DATA blocks: %.4f bytes a sample in "
		      "these, %.4f in all; %.1f million samples/s, best of %d\n",
		      sizes.n_files, recording.n_series, recording.n_samples, sizes.n_blocks,
		      (double)sizes.data_bytes / n_samples, (double)sizes.all_bytes / n_samples,
		      n_samples / sizes.seconds * 1e-6, N_REPEATS);
	cr_expect_leq((double)sizes.data_bytes, DATA_MAX * n_samples);
	cr_expect_leq((double)sizes.all_bytes, ALL_MAX * n_samples);
}
