/* SPDX-License-Identifier: MIT */
/*
 * What blocks cost: bytes and CPU time a sample, on the recording of one host that comes on standard
 * input (tests/fixtures/host-1s.txt: a line `@ SECONDS` opens a round, then `series value`).
 *
 * One block for each metric holds all rounds in which one of its series has a sample. Every value and
 * time is compared bit for bit. Fails where one differs, or where the blocks are larger than promised.
 * "files" are what a checkpoint makes of the samples.
 */

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/metric_file.h"
#include "common/block.h"
#include "common/column.h"
#include "common/integers.h"
#include "tests/support/bench.h"

#define N_REPEATS  15
#define ROUNDS_MAX 4096
#define SERIES_MAX 4096
/* 0.22 bytes a sample with the headers of the file's blocks; this is without. */
#define BYTES_A_SAMPLE_MAX 0.205

struct series {
	char *name;
	size_t metric_length; /* of the metric's name */
	double values[ROUNDS_MAX];
	uint16_t rounds[ROUNDS_MAX];
	size_t n;
};

struct recording {
	int64_t times_us[ROUNDS_MAX];
	size_t n_rounds;
	struct series *series[SERIES_MAX];
	size_t n_series;
	size_t n_samples;
};

/* The series of one metric. */
struct table {
	int64_t times_us[ROUNDS_MAX];
	size_t n_times;
	struct block_column *columns;
	size_t n_columns;
	struct buffer block;
};

/* -- the recording -------------------------------------------------------------------------------- */

/* Every round has the series in about the same order: look on from the last one. */
static struct series *find_series(struct recording *recording, const char *name, size_t *cursor)
{
	struct series *series;

	for (size_t i = 0; i < recording->n_series; i++) {
		size_t at = (*cursor + i) % recording->n_series;

		if (strcmp(recording->series[at]->name, name) == 0) {
			*cursor = at + 1;
			return recording->series[at];
		}
	}
	if (recording->n_series == SERIES_MAX)
		bench_die("too many series");
	series = bench_need(calloc(1, sizeof(*series)));
	series->name = bench_need(strdup(name));
	series->metric_length = strcspn(name, "{");
	recording->series[recording->n_series++] = series;
	return series;
}

static void add_line(struct recording *recording, char *line, size_t *cursor)
{
	char *space = strrchr(line, ' ');
	struct series *series;

	if (!space)
		bench_die("a line without a value");
	if (line[0] == '@') {
		if (recording->n_rounds == ROUNDS_MAX)
			bench_die("too many rounds");
		recording->times_us[recording->n_rounds++] = strtoll(space, NULL, 10) * 1000000;
		*cursor = 0;
		return;
	}
	*space = '\0';
	series = find_series(recording, line, cursor);
	if (recording->n_rounds == 0 || series->n == recording->n_rounds)
		bench_die("a value outside of a round");
	series->values[series->n] = strtod(space + 1, NULL);
	series->rounds[series->n++] = (uint16_t)(recording->n_rounds - 1);
	recording->n_samples++;
}

static void read_recording(FILE *file, struct recording *recording)
{
	char *line = NULL;
	size_t capacity = 0;
	size_t cursor = 0;

	while (getline(&line, &capacity, file) > 0) {
		line[strcspn(line, "\n")] = '\0';
		add_line(recording, line, &cursor);
	}
	free(line);
	if (recording->n_samples == 0)
		bench_die("nothing on standard input");
}

/* -- tables --------------------------------------------------------------------------------------- */

static bool is_same_metric(const struct series *a, const struct series *b)
{
	return a->metric_length == b->metric_length &&
	       memcmp(a->name, b->name, a->metric_length) == 0;
}

static void make_column(const struct series *series, const bool *is_used, size_t n_rounds,
			struct block_column *column)
{
	struct block_run *runs = bench_need(calloc(n_rounds + 1, sizeof(*runs)));
	struct block_run *run = runs;
	size_t next = 0;

	for (size_t round = 0; round < n_rounds; round++) {
		bool is_present = next < series->n && series->rounds[next] == round;

		if (!is_used[round])
			continue;
		next += is_present;
		if (is_present && run->n_missing > 0)
			run++;
		if (is_present)
			run->n_present++;
		else
			run->n_missing++;
	}
	column->values = series->values;
	column->n_values = series->n;
	if (run == runs && run->n_missing == 0) {
		free(runs);
		return;
	}
	column->runs = runs;
	column->n_runs = (size_t)(run - runs) + 1;
}

static void make_table(const struct recording *recording, const struct series *first,
		       struct table *table)
{
	bool is_used[ROUNDS_MAX] = {false};

	table->columns = bench_need(calloc(recording->n_series, sizeof(*table->columns)));
	for (size_t i = 0; i < recording->n_series; i++) {
		const struct series *series = recording->series[i];

		for (size_t k = 0; is_same_metric(first, series) && k < series->n; k++)
			is_used[series->rounds[k]] = true;
	}
	for (size_t round = 0; round < recording->n_rounds; round++) {
		if (is_used[round])
			table->times_us[table->n_times++] = recording->times_us[round];
	}
	for (size_t i = 0; i < recording->n_series; i++) {
		if (!is_same_metric(first, recording->series[i]))
			continue;
		table->columns[table->n_columns].series_id = (uint32_t)table->n_columns;
		make_column(recording->series[i], is_used, recording->n_rounds,
			    &table->columns[table->n_columns++]);
	}
}

static struct table *make_tables(const struct recording *recording, size_t *ret_n)
{
	struct table *tables = bench_need(calloc(recording->n_series, sizeof(*tables)));
	size_t n = 0;

	for (size_t i = 0; i < recording->n_series; i++) {
		bool is_first = true;

		for (size_t k = 0; k < i && is_first; k++)
			is_first = !is_same_metric(recording->series[k], recording->series[i]);
		if (is_first)
			make_table(recording, recording->series[i], &tables[n++]);
	}
	*ret_n = n;
	return tables;
}

/* -- blocks --------------------------------------------------------------------------------------- */

static void encode(struct block_encoder *encoder, struct table *table, enum block_effort effort)
{
	buffer_clear(&table->block);
	if (block_encode(encoder, table->times_us, table->n_times, table->columns, table->n_columns,
			 effort, &table->block) < 0)
		bench_die("a block cannot be encoded");
}

static void decode(struct block_decoder *decoder, const struct table *table, bool is_checked)
{
	struct block_column column;
	const int64_t *times_us;
	size_t n_times;

	if (block_decoder_open(decoder, (const uint8_t *)table->block.data, table->block.length) <
	    0)
		bench_die("a block cannot be opened");
	times_us = block_decoder_times(decoder, &n_times);
	if (is_checked &&
	    (n_times != table->n_times || block_decoder_n_columns(decoder) != table->n_columns ||
	     memcmp(times_us, table->times_us, n_times * sizeof(*times_us)) != 0))
		bench_die("times differ");
	for (size_t i = 0; i < table->n_columns; i++) {
		const struct block_column *wanted = &table->columns[i];

		if (block_decoder_column(decoder, i, &column) < 0)
			bench_die("a column cannot be decoded");
		if (!is_checked)
			continue;
		if (column.n_values != wanted->n_values || column.n_runs != wanted->n_runs ||
		    memcmp(column.values, wanted->values, column.n_values * sizeof(double)) != 0)
			bench_die("values differ");
		for (size_t k = 0; k < column.n_runs; k++) {
			if (column.runs[k].n_present != wanted->runs[k].n_present ||
			    column.runs[k].n_missing != wanted->runs[k].n_missing)
				bench_die("runs differ");
		}
	}
}

static double measure_blocks(struct table *tables, size_t n, enum block_effort effort,
			     size_t n_samples, const char *name)
{
	struct block_encoder *encoder = bench_need(block_encoder_new());
	struct block_decoder *decoder = bench_need(block_decoder_new());
	double encode_seconds[N_REPEATS], decode_seconds[N_REPEATS];
	size_t n_bytes = 0;

	for (size_t i = 0; i < n; i++) {
		encode(encoder, &tables[i], effort);
		decode(decoder, &tables[i], true);
		n_bytes += tables[i].block.length;
	}
	for (size_t repeat = 0; repeat < N_REPEATS; repeat++) {
		double start = bench_cpu_seconds();

		for (size_t i = 0; i < n; i++)
			encode(encoder, &tables[i], effort);
		encode_seconds[repeat] = bench_cpu_seconds() - start;
		start = bench_cpu_seconds();
		for (size_t i = 0; i < n; i++)
			decode(decoder, &tables[i], false);
		decode_seconds[repeat] = bench_cpu_seconds() - start;
	}
	printf("%-6s %4zu blocks, %zu bytes, %.4f a sample; encode %.0f, decode %.0f M samples/s\n",
	       name, n, n_bytes, (double)n_bytes / (double)n_samples,
	       (double)n_samples / bench_median(encode_seconds, N_REPEATS) / 1e6,
	       (double)n_samples / bench_median(decode_seconds, N_REPEATS) / 1e6);
	block_encoder_free(encoder);
	block_decoder_free(decoder);
	return (double)n_bytes / (double)n_samples;
}

/* Blocks none of which has the times of the one before: they are changed. */
static void measure_other_times(struct table *tables, size_t n, size_t n_samples)
{
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < tables[i].n_times; k++)
			tables[i].times_us[k] += (int64_t)i;
	(void)measure_blocks(tables, n, BLOCK_EFFORT_SMALL, n_samples, "other times:");
}

/* -- files ---------------------------------------------------------------------------------------- */

static void make_samples(const struct table *table, const struct block_column *column,
			 struct metric_file_column *ret_column)
{
	const struct block_run whole = {.n_present = (uint32_t)table->n_times};
	const struct block_run *runs = column->runs ? column->runs : &whole;
	struct metric_file_sample *samples =
		bench_need(calloc(column->n_values + 1, sizeof(*samples)));
	size_t row = 0, n = 0;

	for (size_t i = 0; i < (column->runs ? column->n_runs : 1); i++) {
		for (size_t k = 0; k < runs[i].n_present; k++, n++, row++)
			samples[n] = (struct metric_file_sample){table->times_us[row],
								 column->values[n]};
		row += runs[i].n_missing;
	}
	*ret_column = (struct metric_file_column){
		.series_id = column->series_id, .samples = samples, .n_samples = n};
}

static struct metric_file_addition *make_additions(const struct table *tables, size_t n)
{
	static const uint8_t store_id[HM_ID_BYTES];
	struct metric_file_addition *additions = bench_need(calloc(n, sizeof(*additions)));

	for (size_t i = 0; i < n; i++) {
		struct metric_file_column *columns =
			bench_need(calloc(tables[i].n_columns, sizeof(*columns)));

		for (size_t k = 0; k < tables[i].n_columns; k++)
			make_samples(&tables[i], &tables[i].columns[k], &columns[k]);
		additions[i] = (struct metric_file_addition){.store_id = store_id,
							     .host = "host",
							     .metric = "metric",
							     .type = HM_FILE_METRIC,
							     .unit = "",
							     .columns = columns,
							     .n_columns = tables[i].n_columns};
	}
	return additions;
}

static void measure_files(const struct table *tables, size_t n, size_t n_samples)
{
	struct metric_file_addition *additions = make_additions(tables, n);
	struct block_encoder *encoder = bench_need(block_encoder_new());
	struct buffer out = {0};
	double seconds[N_REPEATS];
	size_t n_bytes;

	for (size_t repeat = 0; repeat < N_REPEATS; repeat++) {
		double start = bench_cpu_seconds();

		n_bytes = 0;
		for (size_t i = 0; i < n; i++) {
			struct metric_file_end end = {.salt = 1};

			buffer_clear(&out);
			if (metric_file_encode(encoder, &additions[i], &end, &out) < 0)
				bench_die("a file cannot be encoded");
			n_bytes += out.length;
		}
		seconds[repeat] = bench_cpu_seconds() - start;
	}
	printf("files: %zu, %zu bytes, %.4f a sample; encode %.0f M samples/s\n", n, n_bytes,
	       (double)n_bytes / (double)n_samples,
	       (double)n_samples / bench_median(seconds, N_REPEATS) / 1e6);
	free(additions);
	block_encoder_free(encoder);
	buffer_done(&out);
}

/* -- columns, by encoding ------------------------------------------------------------------------- */

#define N_ENCODINGS 32U

/* What was made of one column. */
struct encoded {
	const struct block_column *column;
	struct buffer bytes;
	uint8_t encoding;
};

static void encode_column(struct column *scratch, struct encoded *encoded, bool is_dense)
{
	buffer_clear(&encoded->bytes);
	if (column_encode(scratch, encoded->column->values, encoded->column->n_values, is_dense,
			  &encoded->encoding, &encoded->bytes) < 0)
		bench_die("a column cannot be encoded");
}

static void decode_column(struct column *scratch, const struct encoded *encoded)
{
	static double values[ROUNDS_MAX];
	const uint8_t *bytes = (const uint8_t *)encoded->bytes.data;
	struct varint_reader reader = {bytes, bytes + encoded->bytes.length};

	if (column_decode(scratch, encoded->encoding, &reader, values, encoded->column->n_values) <
	    0)
		bench_die("a column cannot be decoded");
}

/* Reading the clock takes longer than some columns: all of a kind are measured at once. */
static void measure_kind(struct column *scratch, struct encoded *encoded, size_t n,
			 unsigned encoding, bool is_dense)
{
	static const char *const codings[] = {"constant", "packed", "entropy", "?"};
	double encode_seconds[N_REPEATS], decode_seconds[N_REPEATS];
	size_t n_columns = 0, n_samples = 0, n_bytes = 0;
	char name[64];

	for (size_t i = 0; i < n; i++) {
		if (encoded[i].encoding != encoding)
			continue;
		n_columns++;
		n_samples += encoded[i].column->n_values;
		n_bytes += encoded[i].bytes.length;
	}
	if (n_columns == 0)
		return;
	for (size_t repeat = 0; repeat < N_REPEATS; repeat++) {
		double start = bench_cpu_seconds();

		for (size_t i = 0; i < n; i++)
			if (encoded[i].encoding == encoding)
				encode_column(scratch, &encoded[i], is_dense);
		encode_seconds[repeat] = bench_cpu_seconds() - start;
		start = bench_cpu_seconds();
		for (size_t i = 0; i < n; i++)
			if (encoded[i].encoding == encoding)
				decode_column(scratch, &encoded[i]);
		decode_seconds[repeat] = bench_cpu_seconds() - start;
	}
	snprintf(name, sizeof(name), "%s, order %u%s", codings[encoding & COLUMN_CODING],
		 encoding >> COLUMN_ORDER_SHIFT & 3, encoding & COLUMN_HAS_ODD ? ", odd" : "");
	printf("  %-24s %7zu %8zu %7zu %8.4f %8.0f %8.0f\n", name, n_columns, n_samples, n_bytes,
	       (double)n_bytes / (double)n_samples,
	       (double)n_samples / bench_median(encode_seconds, N_REPEATS) / 1e6,
	       (double)n_samples / bench_median(decode_seconds, N_REPEATS) / 1e6);
}

static void measure_columns(const struct table *tables, size_t n, size_t n_series, bool is_dense)
{
	struct encoded *encoded = bench_need(calloc(n_series, sizeof(*encoded)));
	struct column *scratch = bench_need(column_new());
	size_t n_encoded = 0;

	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; k < tables[i].n_columns; k++, n_encoded++) {
			encoded[n_encoded].column = &tables[i].columns[k];
			encode_column(scratch, &encoded[n_encoded], is_dense);
		}
	}
	printf("  %-24s %7s %8s %7s %8s %8s %8s\n", "encoding", "columns", "samples", "bytes",
	       "a sample", "encode", "decode");
	for (unsigned encoding = 0; encoding < N_ENCODINGS; encoding++)
		measure_kind(scratch, encoded, n_encoded, encoding, is_dense);
	for (size_t i = 0; i < n_encoded; i++)
		buffer_done(&encoded[i].bytes);
	free(encoded);
	column_free(scratch);
}

int main(void)
{
	static struct recording recording;
	struct table *tables;
	size_t n_tables;
	double size;

	read_recording(stdin, &recording);
	tables = make_tables(&recording, &n_tables);
	printf("%zu samples of %zu series in %zu metrics; CPU time of this process, one thread, median of %d; "
	       "M samples/s\n",
	       recording.n_samples, recording.n_series, n_tables, N_REPEATS);
	size = measure_blocks(tables, n_tables, BLOCK_EFFORT_SMALL, recording.n_samples, "small:");
	measure_columns(tables, n_tables, recording.n_series, true);
	measure_files(tables, n_tables, recording.n_samples);
	measure_blocks(tables, n_tables, BLOCK_EFFORT_FAST, recording.n_samples, "fast:");
	measure_columns(tables, n_tables, recording.n_series, false);
	measure_other_times(tables, n_tables, recording.n_samples);
	if (size <= BYTES_A_SAMPLE_MAX)
		return 0;
	fprintf(stderr, "codec: more than %.3f bytes a sample\n", BYTES_A_SAMPLE_MAX);
	return 1;
}
