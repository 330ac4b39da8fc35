/* SPDX-License-Identifier: MIT */
/* Tests of what is appended to a metric file and what is read of it. */

#include "collector/metric_file.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/scratch.h"
#include "tests/support/seeded.h"

#define SERIES_MAX 64
#define SECOND_US  INT64_C(1000000)
#define BEGIN_US   INT64_C(1795416401000000)
#define ALL        UINT64_MAX

/* Samples of one series, in the order in which they were written or read. */
struct history {
	struct metric_file_sample *at;
	size_t n;
	size_t capacity;
};

/* The blocks of an addition lie here. */
struct extent {
	size_t begin;
	size_t end;
};

static const char *scratch;
static int folder;
static struct block_encoder *encoder;
static struct block_decoder *decoder;
static struct buffer file;
static struct metric_file_end end;
static const uint8_t store_id[HM_ID_BYTES] = "a store's number";
static struct seeded seeded;

/* What is appended next. */
static struct metric_file_addition addition;
static uint64_t last_position; /* of a block */
static struct metric_file_column columns[SERIES_MAX];
static struct store_file_series series[SERIES_MAX];
static char labels[SERIES_MAX][32];

static struct history written[SERIES_MAX];
static struct history found[SERIES_MAX];
static struct extent damage[64];
static size_t n_damage;
static struct disk disk;
static uint64_t bytes_read;
static uint64_t bad_offset;
static int n_open;
static size_t reads_left; /* until one fails; 0 = none does */

static int count_open(void *context, int at, const char *path, int flags)
{
	int fd = disk_kernel.open(context, at, path, flags);

	n_open += fd >= 0;
	return fd;
}

static int count_close(void *context, int fd)
{
	n_open--;
	return disk_kernel.close(context, fd);
}

/* The kernel's, counted, with a sector that cannot be read. */
static ssize_t count_pread(void *context, int fd, void *bytes, size_t length, uint64_t offset)
{
	ssize_t n;

	if (reads_left > 0 && --reads_left == 0)
		return -ENODEV;

	if (bad_offset && offset < bad_offset + 512 && offset + length > bad_offset)
		return -EIO;
	n = disk_kernel.pread(context, fd, bytes, length, offset);
	bytes_read += n > 0 ? (uint64_t)n : 0;
	return n;
}

static void setup(void)
{
	scratch = scratch_folder();
	folder = open(scratch, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cr_assert_geq(folder, 0);
	encoder = block_encoder_new();
	decoder = block_decoder_new();
	cr_assert(encoder && decoder);
	disk = disk_kernel;
	disk.pread = count_pread;
	disk.open = count_open;
	disk.close = count_close;
	end = (struct metric_file_end){.salt = 0x5a17, .part = 3, .continues_bytes = 12345};
	addition = (struct metric_file_addition){
		.store_id = store_id,
		.host = "web01",
		.metric = "node_x_total",
		.type = HM_FILE_METRIC,
		.kind = HM_STORED_COUNTER,
		.unit = "seconds",
		.series = series,
		.columns = columns,
		.position = 100,
	};
}

static void forget(struct history *histories)
{
	for (size_t i = 0; i < SERIES_MAX; i++) {
		free(histories[i].at);
		histories[i] = (struct history){0};
	}
}

static void teardown(void)
{
	forget(written);
	forget(found);
	buffer_done(&file);
	block_encoder_free(encoder);
	block_decoder_free(decoder);
	(void)close(folder);
	scratch_remove(scratch);
}

TestSuite(metric_file, .init = setup, .fini = teardown, .timeout = 120);

static void add_sample(struct history *history, int64_t time_us, double value)
{
	if (history->n == history->capacity) {
		history->capacity = history->capacity ? history->capacity * 2 : 64;
		history->at = reallocarray(history->at, history->capacity, sizeof(*history->at));
		cr_assert(history->at);
	}
	history->at[history->n++] = (struct metric_file_sample){time_us, value};
}

/* Declare series up to this many. */
static void declare(size_t n)
{
	addition.n_series = 0;
	for (size_t i = end.next_series_id; i < n; i++) {
		(void)snprintf(labels[i], sizeof(labels[i]), "{n=\"%zu\"}", i);
		series[addition.n_series++] = (struct store_file_series){
			.id = (uint32_t)i, .labels = labels[i], .labels_length = strlen(labels[i])};
	}
}

/* Append what was added to the histories since the last time. */
static struct extent append(void)
{
	static size_t done[SERIES_MAX];
	struct extent extent = {.begin = file.length};
	size_t n = 0;
	size_t n_series = 0;

	if (end.length_bytes == 0)
		memset(done, 0, sizeof(done));
	for (size_t i = 0; i < SERIES_MAX; i++) {
		if (written[i].n == done[i])
			continue;
		columns[n++] = (struct metric_file_column){
			.series_id = (uint32_t)i,
			.samples = written[i].at + done[i],
			.n_samples = written[i].n - done[i],
		};
		done[i] = written[i].n;
		n_series = i + 1;
	}
	declare(n_series);
	addition.n_columns = n;
	cr_assert_eq(metric_file_encode(encoder, &addition, &end, &file), 0);
	cr_assert_eq(end.length_bytes, file.length);
	extent.end = file.length;
	if (n > 0)
		last_position = addition.position;
	addition.position += 100;
	return extent;
}

static void write_bytes(size_t length)
{
	int fd = openat(folder, "m.hm", O_CREAT | O_WRONLY | O_TRUNC | O_CLOEXEC, 0600);

	cr_assert_geq(fd, 0);
	cr_assert_eq(pwrite(fd, file.data, length, 0), (ssize_t)length);
	(void)close(fd);
}

static struct metric_file_place place = {.path = "m.hm", .length_bytes = ALL, .position_max = ALL};

static int take(void *context, uint32_t series_id, const struct metric_file_sample *samples,
		size_t n_samples)
{
	cr_assert_null(context);
	cr_assert_lt(series_id, SERIES_MAX);
	for (size_t i = 0; i < n_samples; i++)
		add_sample(&found[series_id], samples[i].time_us, samples[i].value);
	return 0;
}

static int take_damage(void *context, uint64_t offset, uint64_t length_bytes)
{
	cr_assert_null(context);
	cr_assert_lt(n_damage, 64);
	cr_assert_gt(length_bytes, 0);
	damage[n_damage++] = (struct extent){offset, offset + length_bytes};
	return 0;
}

/* Read what lies on the disk. */
static int read_span(int64_t since_us, int64_t until_us)
{
	struct metric_file_wish wish = {
		.since_us = since_us, .until_us = until_us, .take = take, .damage = take_damage};

	forget(found);
	n_damage = 0;
	bytes_read = 0;
	place.folder = folder;
	return metric_file_read(&disk, &place, decoder, &wish);
}

static int read_all(void)
{
	return read_span(INT64_MIN, INT64_MAX);
}

/* Bit for bit. */
static bool is_same(const struct metric_file_sample *a, const struct metric_file_sample *b)
{
	uint64_t bits[2];

	memcpy(&bits[0], &a->value, sizeof(bits[0]));
	memcpy(&bits[1], &b->value, sizeof(bits[1]));
	return a->time_us == b->time_us && bits[0] == bits[1];
}

/* Is what was found what was written, bit for bit and in order, within this span? */
static void compare_span(int64_t since_us, int64_t until_us)
{
	for (size_t i = 0; i < SERIES_MAX; i++) {
		size_t n = 0;

		for (size_t k = 0; k < written[i].n; k++) {
			const struct metric_file_sample *sample = &written[i].at[k];

			if (sample->time_us < since_us || sample->time_us > until_us)
				continue;
			cr_assert_lt(n, found[i].n, "series %zu lacks sample %zu", i, k);
			cr_assert(is_same(&found[i].at[n], sample));
			n++;
		}
		cr_assert_eq(found[i].n, n, "series %zu: %zu samples of %zu", i, found[i].n, n);
	}
}

/* -- what is said when it is loaded ---------------------------------------------------------------- */

static struct loaded {
	size_t n_headers;
	size_t n_series;
	size_t n_metas;
	struct metric_file_sample last[SERIES_MAX];
	bool has_last[SERIES_MAX];
	char unit[HM_UNIT_MAX_BYTES + 1];
	enum hm_stored_kind kind;
	struct metric_file_end end;
	uint64_t position;
} loaded;

static void keep_unit(enum hm_stored_kind kind, const char *unit, size_t length)
{
	loaded.kind = kind;
	memcpy(loaded.unit, unit, length);
	loaded.unit[length] = 0;
}

static int take_header(void *context, const struct store_file_header *header)
{
	cr_assert_null(context);
	cr_assert_eq(loaded.n_headers++, 0);
	cr_assert_eq(memcmp(header->host, "web01node_x_total", 5 + 12), 0);
	cr_assert_eq(memcmp(header->store_id, store_id, HM_ID_BYTES), 0);
	cr_assert_eq(header->type, addition.type);
	keep_unit(header->kind, header->unit, header->unit_length);
	return 0;
}

static int take_series(void *context, const struct store_file_series *one)
{
	cr_assert_null(context);
	cr_assert_lt(one->id, SERIES_MAX);
	cr_assert_eq(one->labels_length, strlen(labels[one->id]));
	cr_assert_eq(memcmp(one->labels, labels[one->id], one->labels_length), 0);
	loaded.n_series++;
	return 0;
}

static int take_meta(void *context, const struct store_file_meta *meta)
{
	cr_assert_null(context);
	loaded.n_metas++;
	keep_unit(meta->kind, meta->unit, meta->unit_length);
	return 0;
}

static int take_last(void *context, uint32_t id, const struct metric_file_sample *sample)
{
	cr_assert_null(context);
	cr_assert_lt(id, SERIES_MAX);
	cr_assert_not(loaded.has_last[id]);
	loaded.has_last[id] = true;
	loaded.last[id] = *sample;
	return 0;
}

static int load(void)
{
	struct metric_file_visitor visitor = {
		.header = take_header,
		.series = take_series,
		.meta = take_meta,
		.last = take_last,
		.damage = take_damage,
	};

	memset(&loaded, 0, sizeof(loaded));
	n_damage = 0;
	bytes_read = 0;
	place.folder = folder;
	return metric_file_load(&disk, &place, decoder, &visitor, &loaded.end, &loaded.position);
}

/* Is each series' last sample the one that was written? */
static void compare_last(void)
{
	for (size_t i = 0; i < SERIES_MAX; i++) {
		const struct metric_file_sample *last = NULL;

		for (size_t k = 0; k < written[i].n; k++) {
			if (!last || written[i].at[k].time_us >= last->time_us)
				last = &written[i].at[k];
		}
		cr_assert_eq(loaded.has_last[i], last != NULL, "series %zu", i);
		if (!last)
			continue;
		cr_assert(is_same(&loaded.last[i], last));
	}
}

static bool is_same_end(const struct metric_file_end *a, const struct metric_file_end *b)
{
	return a->salt == b->salt && a->part == b->part &&
	       a->continues_bytes == b->continues_bytes && a->length_bytes == b->length_bytes &&
	       a->names_offset == b->names_offset && a->highest_us == b->highest_us &&
	       a->next_series_id == b->next_series_id;
}

static void compare_end(void)
{
	cr_assert(is_same_end(&loaded.end, &end));
	cr_assert_eq(loaded.position, last_position);
}

/* -- by chance ------------------------------------------------------------------------------------- */

static double any_value(void)
{
	uint64_t bits = seeded_next(&seeded);
	double value;

	if (seeded_below(&seeded, 4) > 0)
		return (double)(bits % 1000) / 10;
	memcpy(&value, &bits, sizeof(value));
	return value;
}

/* Some seconds of some series: on the grid, with holes, twice at one time, apart, long ago. */
static void add_samples(size_t n_series)
{
	int64_t begin_us = BEGIN_US + (int64_t)seeded_below(&seeded, 50) * SECOND_US;
	size_t n_rows = 1 + seeded_below(&seeded, 40);
	uint64_t holes = seeded_below(&seeded, 4);

	for (size_t i = 0; i < n_series; i++) {
		uint64_t manner = seeded_below(&seeded, 8);
		int64_t time_us =
			begin_us + (int64_t)(manner == 0 ? seeded_below(&seeded, 900000) : 0);

		if (manner == 1)
			continue;
		for (size_t row = 0; row < n_rows; row++) {
			if (manner == 2)
				time_us += (int64_t)seeded_below(&seeded, 3);
			else
				time_us += SECOND_US;
			if (seeded_below(&seeded, 8) < holes)
				continue;
			add_sample(&written[i], time_us, any_value());
			if (manner == 3 && seeded_below(&seeded, 3) == 0)
				add_sample(&written[i], time_us, any_value());
		}
	}
}

Test(metric_file, gives_back_what_was_appended_whatever_it_was)
{
	seeded_init(&seeded);
	for (size_t run = 0; run < 150; run++) {
		size_t n_series = 1 + seeded_below(&seeded, SERIES_MAX);
		size_t n_additions = 1 + seeded_below(&seeded, 6);

		forget(written);
		buffer_clear(&file);
		end = (struct metric_file_end){.salt = (uint32_t)seeded_next(&seeded)};
		last_position = 0;
		for (size_t i = 0; i < n_additions; i++) {
			add_samples(n_series);
			(void)append();
		}
		write_bytes(file.length);

		cr_assert_eq(read_all(), 0);
		compare_span(INT64_MIN, INT64_MAX);
		cr_assert_eq(load(), 0);
		compare_last();
		compare_end();
		cr_assert_eq(n_damage, 0);
		for (size_t i = 0; i < 5; i++) {
			int64_t since_us =
				BEGIN_US + (int64_t)seeded_below(&seeded, 100) * SECOND_US;
			int64_t until_us =
				since_us + (int64_t)seeded_below(&seeded, 50) * SECOND_US;

			cr_assert_eq(read_span(since_us, until_us), 0);
			compare_span(since_us, until_us);
		}
	}
}

/* -- one by one ------------------------------------------------------------------------------------ */

/* So many samples of each series, a second apart. */
static void add_grid(size_t n_series, int64_t begin_us, size_t n_rows)
{
	for (size_t i = 0; i < n_series; i++) {
		for (size_t row = 0; row < n_rows; row++)
			add_sample(&written[i], begin_us + (int64_t)row * SECOND_US,
				   (double)(i * 1000 + row));
	}
}

static size_t count_blocks(uint8_t type)
{
	struct store_file_header header;
	struct store_file_block block;
	size_t n = 0;
	size_t offset;

	cr_assert_eq(store_file_get_header((uint8_t *)file.data, file.length, &header), 0);
	for (offset = header.header_bytes; offset < file.length; offset += block.length_bytes) {
		cr_assert_eq(store_file_get_block((uint8_t *)file.data + offset,
						  file.length - offset, end.salt, offset, &block),
			     0);
		n += block.type == type;
	}
	return n;
}

Test(metric_file, holds_series_with_the_same_times_in_one_block)
{
	add_grid(50, BEGIN_US, 100);
	(void)append();
	cr_expect_eq(count_blocks(HM_BLOCK_DATA), 1);
	cr_expect_eq(count_blocks(HM_BLOCK_SERIES), 1);
	cr_expect_eq(count_blocks(HM_BLOCK_META), 0);
	add_grid(50, BEGIN_US + 100 * SECOND_US, 100);
	(void)append();
	cr_expect_eq(count_blocks(HM_BLOCK_DATA), 2);
	cr_expect_eq(count_blocks(HM_BLOCK_SERIES), 1);
}

Test(metric_file, keeps_equal_times_in_order_and_lets_the_last_win)
{
	for (int i = 0; i < 5; i++)
		add_sample(&written[0], BEGIN_US, i);
	add_sample(&written[1], BEGIN_US, 7);
	(void)append();
	for (int i = 5; i < 8; i++)
		add_sample(&written[0], BEGIN_US, i);
	(void)append();
	write_bytes(file.length);

	cr_assert_eq(read_span(BEGIN_US, BEGIN_US), 0);
	compare_span(BEGIN_US, BEGIN_US);
	cr_expect_eq(found[0].n, 8);
	cr_assert_eq(load(), 0);
	cr_expect_eq(loaded.last[0].value, 7);
}

Test(metric_file, finds_late_samples_in_later_blocks)
{
	add_grid(1, BEGIN_US + 1000 * SECOND_US, 10);
	(void)append();
	add_grid(1, BEGIN_US, 10);
	(void)append();
	add_grid(1, BEGIN_US + 500 * SECOND_US, 10);
	(void)append();
	write_bytes(file.length);

	cr_assert_eq(read_span(BEGIN_US, BEGIN_US + 20 * SECOND_US), 0);
	compare_span(BEGIN_US, BEGIN_US + 20 * SECOND_US);
	cr_expect_eq(found[0].n, 10);
	cr_assert_eq(read_span(BEGIN_US + 1005 * SECOND_US, INT64_MAX), 0);
	cr_expect_eq(found[0].n, 5);
	cr_assert_eq(load(), 0);
	compare_last();
	cr_expect_eq(loaded.last[0].time_us, BEGIN_US + 1009 * SECOND_US);
	compare_end();
}

Test(metric_file, says_of_which_kind_it_is_and_what_it_is_called)
{
	addition.type = HM_FILE_ODD;
	add_grid(2, INT64_MAX - 3 * SECOND_US, 2);
	(void)append();
	write_bytes(file.length);
	cr_assert_eq(load(), 0);
	cr_expect_eq(loaded.n_headers, 1);
	cr_expect_eq(loaded.n_series, 2);
	cr_expect_eq(loaded.n_metas, 0);
	cr_expect_eq(loaded.kind, HM_STORED_COUNTER);
	cr_expect_str_eq(loaded.unit, "seconds");

	add_grid(3, INT64_MIN, 2);
	addition.kind = HM_STORED_GAUGE;
	addition.unit = "bytes";
	addition.has_new_meta = true;
	(void)append();
	add_grid(4, BEGIN_US, 2);
	addition.unit = "joules";
	(void)append();
	addition.has_new_meta = false;
	add_grid(4, BEGIN_US, 2);
	(void)append();
	write_bytes(file.length);
	cr_assert_eq(load(), 0);
	cr_expect_eq(loaded.n_series, 4);
	cr_expect_eq(loaded.n_metas, 1);
	cr_expect_eq(loaded.kind, HM_STORED_GAUGE);
	cr_expect_str_eq(loaded.unit, "joules");
	compare_last();
	compare_end();
	cr_assert_eq(read_all(), 0);
	compare_span(INT64_MIN, INT64_MAX);
}

/* Its second half, which is a block of its own, lies before its first. */
static struct metric_file_column unsorted_column(void)
{
	for (size_t i = 0; i < 2 * BLOCK_TIMES_MAX; i++)
		add_sample(&written[9], (int64_t)((i + BLOCK_TIMES_MAX) % (2 * BLOCK_TIMES_MAX)),
			   0);
	return (struct metric_file_column){
		.series_id = 9, .samples = written[9].at, .n_samples = written[9].n};
}

Test(metric_file, refuses_what_cannot_be_written)
{
	struct metric_file_end before;
	char name[300] = {0};

	memset(name, 'x', sizeof(name) - 1);
	before = end;
	add_grid(1, BEGIN_US, 2);
	columns[0] = (struct metric_file_column){
		.series_id = 0, .samples = written[0].at, .n_samples = 2};
	addition.n_columns = 1;
	addition.host = name;
	cr_expect_eq(metric_file_encode(encoder, &addition, &end, &file), -EINVAL);
	addition.host = "web01";
	written[0].at[1].time_us = 0;
	cr_expect_eq(metric_file_encode(encoder, &addition, &end, &file), -EINVAL);
	written[0].at[1].time_us = BEGIN_US;
	columns[1] = columns[0];
	addition.n_columns = 2;
	cr_expect_eq(metric_file_encode(encoder, &addition, &end, &file), -EINVAL);
	columns[0] = unsorted_column();
	addition.n_columns = 1;
	cr_expect_eq(metric_file_encode(encoder, &addition, &end, &file), -EINVAL);
	columns[0] = columns[1];
	cr_expect_eq(file.length, 0);
	cr_expect(is_same_end(&before, &end));
	addition.n_columns = 1;
	cr_expect_eq(metric_file_encode(encoder, &addition, &end, &file), 0);
}

Test(metric_file, splits_what_is_beyond_the_limits_of_a_block)
{
	for (size_t row = 0; row < 2 * BLOCK_TIMES_MAX + 1; row++)
		add_sample(&written[0], BEGIN_US + (int64_t)(row / 3), (double)row);
	add_sample(&written[1], BEGIN_US, 1);
	(void)append();
	write_bytes(file.length);
	cr_expect_geq(count_blocks(HM_BLOCK_DATA), 3);
	cr_assert_eq(read_all(), 0);
	compare_span(INT64_MIN, INT64_MAX);
	cr_assert_eq(load(), 0);
	compare_last();
	compare_end();
}

Test(metric_file, splits_millions_of_samples)
{
	seeded_init(&seeded);
	for (size_t i = 0; i < SERIES_MAX; i++) {
		for (size_t row = 0; row < 40000; row++) {
			uint64_t bits = seeded_next(&seeded);
			double value;

			memcpy(&value, &bits, sizeof(value));
			add_sample(&written[i], BEGIN_US + (int64_t)row * SECOND_US, value);
		}
	}
	(void)append();
	write_bytes(file.length);
	cr_expect_geq(count_blocks(HM_BLOCK_DATA), 3);
	cr_assert_eq(read_all(), 0);
	compare_span(INT64_MIN, INT64_MAX);
}

Test(metric_file, takes_more_series_than_a_block_has_columns)
{
	size_t n = BLOCK_COLUMNS_MAX + 10;
	struct metric_file_column *many = calloc(n, sizeof(*many));
	struct metric_file_sample sample = {BEGIN_US, 1};

	cr_assert(many);
	for (size_t i = 0; i < n; i++)
		many[i] = (struct metric_file_column){
			.series_id = (uint32_t)i, .samples = &sample, .n_samples = 1};
	addition.columns = many;
	addition.n_columns = n;
	cr_assert_eq(metric_file_encode(encoder, &addition, &end, &file), 0);
	cr_expect_eq(count_blocks(HM_BLOCK_DATA), 2);
	free(many);
}

Test(metric_file, goes_on_to_the_next_block_of_names)
{
	enum { N = 600 };
	static struct store_file_series many[N];
	static char text[4096];
	struct metric_file_visitor nothing = {0};
	struct metric_file_sample sample = {BEGIN_US, 1};

	memset(text, 'x', sizeof(text));
	for (size_t i = 0; i < N; i++)
		many[i] = (struct store_file_series){(uint32_t)i, text, sizeof(text)};
	addition.series = many;
	addition.n_series = N;
	columns[0] =
		(struct metric_file_column){.series_id = N - 1, .samples = &sample, .n_samples = 1};
	addition.n_columns = 1;
	cr_assert_eq(metric_file_encode(encoder, &addition, &end, &file), 0);
	write_bytes(file.length);

	cr_expect_eq(count_blocks(HM_BLOCK_SERIES), 3);
	place.folder = folder;
	cr_assert_eq(
		metric_file_load(&disk, &place, decoder, &nothing, &loaded.end, &loaded.position),
		0);
	cr_expect_eq(loaded.end.next_series_id, N);
	cr_expect_eq(loaded.end.names_offset, end.names_offset);
}

Test(metric_file, reads_the_end_of_a_long_file_only)
{
	seeded_init(&seeded);
	for (int64_t i = 0; i < 100; i++) {
		for (size_t row = 0; row < 1000; row++)
			add_sample(&written[0], BEGIN_US + (i * 1000 + (int64_t)row) * SECOND_US,
				   (double)seeded_next(&seeded));
		(void)append();
	}
	write_bytes(file.length);

	cr_assert_eq(read_span(BEGIN_US + 99900 * SECOND_US, INT64_MAX), 0);
	compare_span(BEGIN_US + 99900 * SECOND_US, INT64_MAX);
	cr_expect_lt(bytes_read, file.length / 3);
	cr_assert_eq(load(), 0);
	compare_last();
	cr_expect_lt(bytes_read, file.length / 3);
	cr_assert_eq(read_span(BEGIN_US + 50000 * SECOND_US, BEGIN_US + 50010 * SECOND_US), 0);
	compare_span(BEGIN_US + 50000 * SECOND_US, BEGIN_US + 50010 * SECOND_US);
}

static bool wants_two(void *context, uint32_t series_id)
{
	cr_assert_null(context);
	return series_id == 2;
}

Test(metric_file, gives_the_series_that_are_wanted)
{
	struct metric_file_wish wish = {
		.since_us = INT64_MIN, .until_us = INT64_MAX, .wants = wants_two, .take = take};

	add_grid(4, BEGIN_US, 10);
	(void)append();
	write_bytes(file.length);
	place.folder = folder;
	cr_assert_eq(metric_file_read(&disk, &place, decoder, &wish), 0);
	cr_expect_eq(found[2].n, 10);
	cr_expect_eq(found[1].n + found[3].n + found[0].n, 0);
}

static int refuse(void *context, uint32_t series_id, const struct metric_file_sample *samples,
		  size_t n_samples)
{
	(void)series_id;
	(void)samples;
	(void)n_samples;
	return *(int *)context;
}

Test(metric_file, ends_when_nothing_more_is_wanted)
{
	int error = -EBADMSG;
	struct metric_file_wish wish = {
		.since_us = INT64_MIN, .until_us = INT64_MAX, .context = &error, .take = refuse};

	add_grid(4, BEGIN_US, 10);
	(void)append();
	write_bytes(file.length);
	place.folder = folder;
	cr_expect_eq(metric_file_read(&disk, &place, decoder, &wish), -EBADMSG);
	error = -ECANCELED;
	cr_expect_eq(metric_file_read(&disk, &place, decoder, &wish), -ECANCELED);
}

Test(metric_file, passes_over_blocks_that_are_not_confirmed)
{
	struct extent first;

	add_grid(3, BEGIN_US, 10);
	first = append();
	add_grid(4, BEGIN_US + 20 * SECOND_US, 10);
	addition.has_new_meta = true;
	addition.unit = "bytes";
	(void)append();
	write_bytes(file.length);
	place.position_max = 199;

	cr_assert_eq(read_all(), 0);
	cr_expect_eq(n_damage, 0);
	compare_span(INT64_MIN, BEGIN_US + 19 * SECOND_US);
	cr_assert_eq(load(), 0);
	cr_expect_eq(loaded.end.length_bytes, first.end);
	cr_expect_eq(loaded.end.next_series_id, 3);
	cr_expect_eq(loaded.end.highest_us, BEGIN_US + 9 * SECOND_US);
	cr_expect_eq(loaded.position, 100);
	cr_expect_eq(loaded.n_series, 3);
	cr_expect_eq(loaded.n_metas, 0);
	cr_expect_eq(loaded.last[0].time_us, BEGIN_US + 9 * SECOND_US);
	place.position_max = 99;
	cr_assert_eq(load(), 0);
	cr_expect_eq(loaded.n_series, 0);
	cr_expect_eq(loaded.position, 0);
	cr_expect_lt(loaded.end.length_bytes, first.end);
	place.position_max = ALL;
}

/* -- damage ---------------------------------------------------------------------------------------- */

static void flip_bit(size_t bit)
{
	file.data[bit / 8] = (char)(file.data[bit / 8] ^ 1 << bit % 8);
}

/* Three additions, each with names and samples of a series of its own. */
static void make_small_file(struct extent extents[static 6])
{
	for (size_t i = 0; i < 3; i++) {
		struct store_file_block block;
		struct extent extent;
		size_t begin;

		add_sample(&written[i], BEGIN_US + (int64_t)i * SECOND_US, (double)i + 0.5);
		extent = append();
		begin = extent.begin;
		if (i == 0)
			begin = sizeof(struct hm_file_header) + 5 + 12 + 7 + 4;
		cr_assert_eq(store_file_get_block((uint8_t *)file.data + begin, file.length - begin,
						  end.salt, begin, &block),
			     0);
		extents[2 * i] = (struct extent){begin, begin + block.length_bytes};
		extents[2 * i + 1] = (struct extent){begin + block.length_bytes, extent.end};
	}
}

Test(metric_file, loses_only_the_block_in_which_a_bit_flipped)
{
	struct extent extents[6];

	make_small_file(extents);
	for (size_t bit = 0; bit < file.length * 8; bit++) {
		size_t at = 0;

		flip_bit(bit);
		write_bytes(file.length);
		flip_bit(bit);
		if (bit / 8 < extents[0].begin) {
			cr_assert_lt(read_all(), 0);
			cr_assert_lt(load(), 0);
			continue;
		}
		while (bit / 8 >= extents[at].end)
			at++;
		cr_assert_eq(read_all(), 0);
		cr_assert_eq(n_damage, 1);
		cr_assert_eq(damage[0].begin, extents[at].begin);
		cr_assert_eq(damage[0].end, extents[at].end);
		for (size_t i = 0; i < 3; i++) {
			cr_assert_eq(found[i].n, at == 2 * i + 1 ? 0 : 1, "bit %zu", bit);
			cr_assert(found[i].n == 0 || is_same(found[i].at, written[i].at));
		}
		cr_assert_eq(load(), 0);
		for (size_t i = 0; i < 3; i++) {
			bool is_lost = at == 2 * i || at == 2 * i + 1;

			/* Only what was looked at is known to be damaged. */
			if (n_damage == 1)
				cr_assert_eq(loaded.has_last[i], !is_lost, "bit %zu", bit);
			if (loaded.has_last[i])
				cr_assert_eq(loaded.last[i].value, written[i].at[0].value);
		}
		cr_assert_eq(loaded.n_series, at % 2 == 0 ? 2 : 3);
		cr_assert_eq(loaded.end.length_bytes, at == 5 ? extents[4].end : extents[5].end);
		/* Not to be given to another series, though its name is lost. */
		cr_assert_eq(loaded.end.next_series_id, 3);
	}
}

Test(metric_file, reads_what_is_whole_of_a_file_that_was_cut_anywhere)
{
	struct extent extents[6];

	make_small_file(extents);
	for (size_t length = 0; length < file.length; length++) {
		size_t n_blocks = 0;

		write_bytes(length);
		if (length < extents[0].begin) {
			cr_assert_lt(read_all(), 0);
			cr_assert_lt(load(), 0);
			continue;
		}
		while (extents[n_blocks].end <= length)
			n_blocks++;
		cr_assert_eq(read_all(), 0);
		cr_assert_eq(n_damage, length == extents[n_blocks].begin ? 0 : 1);
		for (size_t i = 0; i < 3; i++)
			cr_assert_eq(found[i].n, 2 * i + 1 < n_blocks ? 1 : 0);
		cr_assert_eq(load(), 0);
		cr_assert_eq(n_damage, length == extents[n_blocks].begin ? 0 : 1);
		cr_assert_eq(loaded.end.length_bytes, extents[n_blocks].begin);
		for (size_t i = 0; i < 3; i++)
			cr_assert_eq(loaded.has_last[i], 2 * i + 1 < n_blocks);
	}
}

/* Where something is damaged, all is read forwards: with the same result. */
Test(metric_file, says_the_same_of_what_is_whole_behind_damage)
{
	struct extent extent;
	struct extent last;

	add_sample(&written[1], BEGIN_US, 1);
	extent = append();
	add_sample(&written[0], BEGIN_US, 2);
	(void)append();
	add_sample(&written[0], BEGIN_US, 3);
	add_sample(&written[0], BEGIN_US + SECOND_US, 4);
	last = append();
	add_sample(&written[0], BEGIN_US + SECOND_US, 5);
	(void)append();
	add_sample(&written[0], BEGIN_US, 6);
	(void)append();
	flip_bit(extent.end * 8 - 100);
	write_bytes(file.length);

	cr_assert_eq(load(), 0);
	cr_expect_eq(n_damage, 1);
	cr_expect_eq(loaded.last[0].value, 5);
	place.position_max = last_position - 200;
	cr_assert_eq(load(), 0);
	cr_expect_eq(n_damage, 1);
	cr_expect_eq(loaded.last[0].value, 4);
	cr_expect_eq(loaded.end.length_bytes, last.end);
	cr_expect_eq(loaded.position, last_position - 200);
	place.position_max = ALL;
}

Test(metric_file, tells_the_damage_that_it_meets)
{
	struct extent extents[6];

	make_small_file(extents);
	flip_bit(extents[1].begin * 8 + 100);
	write_bytes(file.length);

	/* What is wanted lies behind it. */
	cr_assert_eq(read_span(BEGIN_US + 2 * SECOND_US, INT64_MAX), 0);
	cr_expect_eq(found[2].n, 1);
	cr_expect_eq(n_damage, 0);
	cr_assert_eq(read_span(BEGIN_US, INT64_MAX), 0);
	cr_expect_eq(found[2].n, 1);
	cr_expect_eq(n_damage, 1);
}

Test(metric_file, believes_no_block_of_another_file)
{
	struct buffer other = {0};
	struct metric_file_end own = end;
	size_t header_bytes = sizeof(struct hm_file_header) + 5 + 12 + 7 + 4;

	add_sample(&written[0], BEGIN_US, 1);
	(void)append();
	buffer_append(&other, file.data, header_bytes);
	end = own;
	end.salt++;
	buffer_clear(&file);
	(void)append();
	add_sample(&written[0], BEGIN_US, 1);
	(void)append();
	buffer_append(&other, file.data + header_bytes, file.length - header_bytes);
	buffer_clear(&file);
	buffer_append(&file, other.data, other.length);
	buffer_done(&other);
	write_bytes(file.length);

	cr_assert_eq(read_all(), 0);
	cr_expect_eq(found[0].n, 0);
	cr_expect_eq(n_damage, 1);
	cr_assert_eq(load(), 0);
	cr_expect_eq(loaded.n_series, 0);
	cr_expect_eq(loaded.end.length_bytes, header_bytes);
}

Test(metric_file, does_not_guess_where_a_file_ends_that_cannot_be_read)
{
	seeded_init(&seeded);
	add_grid(4, BEGIN_US, 10);
	(void)append();
	for (int64_t i = 0; i < 2000; i++)
		add_sample(&written[0], BEGIN_US + i, (double)seeded_next(&seeded));
	(void)append();
	add_grid(4, BEGIN_US, 10);
	(void)append();
	write_bytes(file.length);
	bad_offset = file.length / 2 & ~(size_t)511;

	cr_expect_eq(load(), -EIO);
	cr_assert_eq(read_all(), 0);
	cr_expect_eq(n_damage, 1);
	cr_expect_eq(found[0].n, 20);
	bad_offset = 0;
	cr_assert_eq(load(), 0);
	compare_last();
	compare_end();
}

Test(metric_file, says_so_at_whatever_read_the_disk_fails)
{
	size_t n_failed = 0;

	seeded_init(&seeded);
	for (int64_t i = 0; i < 40000; i++) {
		if (i % 4000 == 0)
			(void)append();
		add_sample(&written[i % 3], BEGIN_US + i, (double)seeded_next(&seeded));
	}
	(void)append();
	file.data[file.length / 2] ^= 1;
	write_bytes(file.length);
	for (size_t i = 1, result = 1; result != 0; i++) {
		reads_left = i;
		result = load() != 0;
		cr_assert(result == 0 || reads_left == 0);
		cr_assert_eq(n_open, 0);
		n_failed += result;
	}
	for (size_t i = 1, result = 1; result != 0; i++) {
		reads_left = i;
		result = read_all() != 0;
		cr_assert(result == 0 || reads_left == 0);
		cr_assert_eq(n_open, 0);
		n_failed += result;
	}
	reads_left = 0;
	cr_expect_gt(n_failed, 5);
}

Test(metric_file, is_refused_where_there_is_none)
{
	cr_expect_eq(load(), -ENOENT);
	cr_expect_eq(read_all(), -ENOENT);
	cr_assert_eq(mkdirat(folder, "m.hm", 0700), 0);
	cr_expect_lt(load(), 0);
	cr_expect_lt(read_all(), 0);
}

Test(metric_file, holds_nothing_yet)
{
	addition.n_columns = 0;
	addition.n_series = 0;
	cr_assert_eq(metric_file_encode(encoder, &addition, &end, &file), 0);
	write_bytes(file.length);
	cr_assert_eq(load(), 0);
	cr_expect_eq(loaded.position, 0);
	cr_expect_eq(loaded.end.length_bytes, file.length);
	cr_expect_eq(loaded.end.highest_us, INT64_MIN);
	cr_assert_eq(read_all(), 0);
}
