/* SPDX-License-Identifier: MIT */
/*
 * Fuzz target: collector/metric_file.c. The first byte says which way:
 * 0: the rest is a file, whatever it holds; its header and its checksums are made right first. It is
 *    loaded and read: each time twice with the same result, and what the one says the other holds.
 * 1: the rest says what is appended to a file; that must come out again. A byte of the file is
 *    changed then: what comes out must be a part of it.
 */

#include "collector/metric_file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "collector/tombstone.h"
#include "common/crc32c.h"
#include "common/file_front.h"

#define SERIES_MAX  16u
#define SAMPLES_MAX 256u
#define FILE_FD     7

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes);

static void check(bool is_true)
{
	if (!is_true)
		abort();
}

/* -- a file in memory ------------------------------------------------------------------------------ */

static int memory_open(void *context, int folder, const char *path, int flags)
{
	(void)context;
	(void)folder;
	(void)path;
	(void)flags;
	return FILE_FD;
}

static int memory_close(void *context, int fd)
{
	(void)context;
	check(fd == FILE_FD);
	return 0;
}

static ssize_t memory_pread(void *context, int fd, void *bytes, size_t length, uint64_t offset)
{
	const struct buffer *file = context;

	check(fd == FILE_FD);
	if (offset >= file->length)
		return 0;
	if (length > file->length - offset)
		length = file->length - (size_t)offset;
	memcpy(bytes, file->data + offset, length);
	return (ssize_t)length;
}

static int memory_fstat(void *context, int fd, struct disk_status *ret_status)
{
	const struct buffer *file = context;

	check(fd == FILE_FD);
	*ret_status = (struct disk_status){.is_file = true, .size_bytes = file->length};
	return 0;
}

/* -- any file -------------------------------------------------------------------------------------- */

struct tally {
	uint64_t sum; /* of all that was said */
	size_t n;
	uint64_t damage_end;
	uint64_t length;
};

static void add(struct tally *tally, const void *bytes, size_t length)
{
	tally->sum = tally->sum * 31 + crc32c(0, bytes, length);
	tally->n++;
}

static int tally_header(void *context, const struct store_file_header *header)
{
	add(context, header->host, header->host_length);
	add(context, header->unit, header->unit_length);
	return 0;
}

static int tally_series(void *context, const struct store_file_series *series)
{
	add(context, series->labels, series->labels_length);
	return 0;
}

static int tally_meta(void *context, const struct store_file_meta *meta)
{
	add(context, meta->unit, meta->unit_length);
	return 0;
}

static int tally_last(void *context, uint32_t id, const struct metric_file_sample *sample)
{
	add(context, &id, sizeof(id));
	add(context, &sample->time_us, sizeof(sample->time_us));
	return 0;
}

static int tally_damage(void *context, uint64_t offset, uint64_t length_bytes)
{
	struct tally *tally = context;

	/* In order, within the file, none twice. */
	check(offset >= tally->damage_end && length_bytes > 0);
	check(offset + length_bytes <= tally->length);
	tally->damage_end = offset + length_bytes;
	return 0;
}

static int tally_front(void *context, uint64_t front_bytes, uint64_t position)
{
	struct tally *tally = context;

	check(front_bytes > 0 && front_bytes < tally->length);
	add(context, &position, sizeof(position));
	return 0;
}

static int tally_samples(void *context, uint32_t id, const struct metric_file_sample *samples,
			 size_t n_samples)
{
	check(n_samples > 0);
	for (size_t i = 1; i < n_samples; i++)
		check(samples[i].time_us >= samples[i - 1].time_us);
	add(context, &id, sizeof(id));
	add(context, samples, n_samples * sizeof(*samples));
	return 0;
}

static int load_any(const struct disk *disk, struct block_decoder *decoder, struct tally *tally,
		    struct metric_file_end *ret_end)
{
	struct metric_file_place place = {
		.path = "x", .length_bytes = UINT64_MAX, .position_max = UINT64_MAX};
	struct metric_file_visitor visitor = {
		.context = tally,
		.header = tally_header,
		.series = tally_series,
		.meta = tally_meta,
		.last = tally_last,
		.damage = tally_damage,
		.front = tally_front,
	};
	struct tombstones tombstones = {0};
	uint64_t position;
	int result;

	visitor.tombstones = &tombstones;
	*tally = (struct tally){.length = ((const struct buffer *)disk->context)->length};
	result = metric_file_load(disk, &place, decoder, &visitor, ret_end, &position);
	for (size_t i = 1; i < tombstones.n; i++)
		check(tombstones.at[i].id >= tombstones.at[i - 1].id);
	tombstones_done(&tombstones);
	return result;
}

static int read_any(const struct disk *disk, struct block_decoder *decoder, struct tally *tally,
		    int64_t since_us)
{
	struct metric_file_place place = {
		.path = "x", .length_bytes = UINT64_MAX, .position_max = UINT64_MAX};
	struct metric_file_wish wish = {
		.since_us = since_us,
		.until_us = INT64_MAX,
		.context = tally,
		.take = tally_samples,
		.damage = tally_damage,
	};

	*tally = (struct tally){.length = ((const struct buffer *)disk->context)->length};
	return metric_file_read(disk, &place, decoder, &wish);
}

static void put_u32(char *bytes, uint32_t value)
{
	for (int i = 0; i < 4; i++)
		bytes[i] = (char)(value >> 8 * i);
}

/* Behind the header whose names' lengths stand in it, blocks as their lengths say. */
static void seal(struct buffer *file)
{
	uint8_t *bytes = (uint8_t *)file->data;
	size_t offset = sizeof(struct hm_file_header);
	uint8_t seed[12] = {0};

	if (file->length < sizeof(struct hm_file_header) + 4)
		return;
	offset += bytes[offsetof(struct hm_file_header, host_bytes)];
	offset += bytes[offsetof(struct hm_file_header, metric_bytes)];
	offset += bytes[offsetof(struct hm_file_header, unit_bytes)];
	if (offset + 4 > file->length)
		return;
	put_u32(file->data + offsetof(struct hm_file_header, header_bytes), (uint32_t)offset + 4);
	put_u32(file->data + offset, crc32c(0, bytes, offset));
	offset += 4;
	memcpy(seed, bytes + offsetof(struct hm_file_header, salt), 4);
	while (file->length - offset >= HM_BLOCK_MIN_BYTES) {
		uint32_t length = store_file_peek_length(bytes + offset);

		if (length == 0 || length > file->length - offset)
			break;
		put_u32(file->data + offset + length - 4, length);
		put_u32((char *)seed + 4, (uint32_t)offset);
		put_u32(file->data + offset,
			crc32c(crc32c(0, seed, sizeof(seed)), bytes + offset + 4, length - 4));
		offset += length;
	}
}

/* From where on it counts is found whatever the file is, and lies in it. */
static void check_front(const struct disk *disk, uint64_t length)
{
	struct file_reader reader = {0};
	struct store_file_header header;
	bool has_front = false;

	if (file_reader_init(&reader, disk, FILE_FD, UINT64_MAX, &header) == 0) {
		uint64_t header_bytes = reader.header_bytes;

		check(file_front_seek(&reader, UINT64_MAX, &has_front) == 0);
		check(reader.offset == reader.header_bytes && reader.offset <= length);
		check(has_front || reader.offset == header_bytes);
	}
	file_reader_done(&reader);
}

static void try_any_file(const uint8_t *data, size_t n_bytes)
{
	struct buffer file = {0};
	struct disk disk = {
		.context = &file,
		.open = memory_open,
		.close = memory_close,
		.pread = memory_pread,
		.fstat = memory_fstat,
	};
	struct block_decoder *decoder = block_decoder_new();
	struct metric_file_end ends[2] = {{0}, {0}};
	struct tally tallies[2];
	int result;

	check(decoder != NULL);
	buffer_append(&file, data, n_bytes);
	seal(&file);
	result = load_any(&disk, decoder, &tallies[0], &ends[0]);
	check(load_any(&disk, decoder, &tallies[1], &ends[1]) == result);
	check(tallies[0].sum == tallies[1].sum && tallies[0].n == tallies[1].n);
	check(result < 0 || ends[0].length_bytes <= file.length);
	check(read_any(&disk, decoder, &tallies[0], INT64_MIN) == result);
	check(read_any(&disk, decoder, &tallies[1], INT64_MIN) == result);
	check(tallies[0].sum == tallies[1].sum && tallies[0].n == tallies[1].n);
	check(read_any(&disk, decoder, &tallies[1], 0) == result);
	check(tallies[1].n <= tallies[0].n);
	check_front(&disk, file.length);
	block_decoder_free(decoder);
	buffer_done(&file);
}

/* -- what was appended ----------------------------------------------------------------------------- */

struct series {
	struct metric_file_sample samples[SAMPLES_MAX];
	size_t n;
	size_t done; /* so many were appended, or came out */
};

struct round {
	struct series series[SERIES_MAX];
	bool is_damaged;
};

static bool is_same(const struct metric_file_sample *a, const struct metric_file_sample *b)
{
	uint64_t bits[2];

	memcpy(&bits[0], &a->value, sizeof(bits[0]));
	memcpy(&bits[1], &b->value, sizeof(bits[1]));
	return a->time_us == b->time_us && bits[0] == bits[1];
}

static int compare_samples(void *context, uint32_t id, const struct metric_file_sample *samples,
			   size_t n_samples)
{
	struct round *round = context;
	struct series *series = &round->series[id];

	check(id < SERIES_MAX);
	for (size_t i = 0; i < n_samples; i++) {
		while (round->is_damaged && series->done < series->n &&
		       !is_same(&samples[i], &series->samples[series->done]))
			series->done++;
		check(series->done < series->n);
		check(is_same(&samples[i], &series->samples[series->done]));
		series->done++;
	}
	return 0;
}

static int64_t any_time(uint8_t byte, int64_t before_us)
{
	int64_t step_us = byte < 200 ? 1000000 : byte - 200;

	return before_us > INT64_MAX - step_us ? before_us : before_us + step_us;
}

/* Take some bytes for the samples of some series. @return how many bytes were taken */
static size_t add_samples(struct round *round, const uint8_t *data, size_t n_bytes)
{
	int64_t begin_us = (int64_t)data[0] << (data[0] % 56);
	int64_t times_us[SERIES_MAX];
	size_t n = 2 + data[1];

	for (size_t i = 0; i < SERIES_MAX; i++)
		times_us[i] = begin_us;
	if (n > n_bytes)
		n = n_bytes;
	for (size_t i = 2; i + 1 < n; i += 2) {
		struct series *series = &round->series[data[i] % SERIES_MAX];
		int64_t *time_us = &times_us[data[i] % SERIES_MAX];

		*time_us = any_time(data[i + 1], *time_us);
		if (series->n < SAMPLES_MAX)
			series->samples[series->n++] = (struct metric_file_sample){
				*time_us, (double)data[i + 1] / (double)data[i]};
	}
	return n;
}

static void append(struct round *round, struct block_encoder *encoder, struct metric_file_end *end,
		   struct buffer *file)
{
	static const uint8_t store_id[HM_ID_BYTES];
	struct metric_file_column columns[SERIES_MAX];
	struct store_file_series names[SERIES_MAX];
	struct metric_file_addition addition = {
		.store_id = store_id,
		.host = "h",
		.metric = "m",
		.type = HM_FILE_METRIC,
		.unit = "",
		.series = names,
		.columns = columns,
		.position = 1,
	};

	for (size_t i = 0; i < SERIES_MAX; i++) {
		struct series *series = &round->series[i];

		if (i >= end->next_series_id)
			names[addition.n_series++] =
				(struct store_file_series){(uint32_t)i, "{a=\"b\"}", 7};
		columns[addition.n_columns++] = (struct metric_file_column){
			.series_id = (uint32_t)i,
			.samples = series->samples + series->done,
			.n_samples = series->n - series->done,
		};
		series->done = series->n;
	}
	check(metric_file_encode(encoder, &addition, end, file) == 0);
	check(end->length_bytes == file->length);
}

static void read_again(struct round *round, const struct disk *disk, struct block_decoder *decoder)
{
	struct metric_file_place place = {
		.path = "x", .length_bytes = UINT64_MAX, .position_max = UINT64_MAX};
	struct metric_file_wish wish = {
		.since_us = INT64_MIN,
		.until_us = INT64_MAX,
		.context = round,
		.take = compare_samples,
	};
	int result;

	for (size_t i = 0; i < SERIES_MAX; i++)
		round->series[i].done = 0;
	result = metric_file_read(disk, &place, decoder, &wish);
	check(result == 0 || round->is_damaged);
	for (size_t i = 0; i < SERIES_MAX && !round->is_damaged; i++)
		check(round->series[i].done == round->series[i].n);
}

static void try_round(const uint8_t *data, size_t n_bytes)
{
	struct buffer file = {0};
	struct disk disk = {
		.context = &file,
		.open = memory_open,
		.close = memory_close,
		.pread = memory_pread,
		.fstat = memory_fstat,
	};
	struct block_encoder *encoder = block_encoder_new();
	struct block_decoder *decoder = block_decoder_new();
	struct round *round = calloc(1, sizeof(*round));
	struct metric_file_end end = {.salt = 1};
	uint32_t sum = crc32c(0, data, n_bytes);

	check(encoder && decoder && round);
	while (n_bytes >= 4) {
		size_t n = add_samples(round, data, n_bytes);

		data += n;
		n_bytes -= n;
		append(round, encoder, &end, &file);
	}
	if (file.length > 0) {
		read_again(round, &disk, decoder);
		((uint8_t *)file.data)[sum % file.length] ^= (uint8_t)(1u << sum % 8);
		round->is_damaged = true;
		read_again(round, &disk, decoder);
	}
	free(round);
	block_encoder_free(encoder);
	block_decoder_free(decoder);
	buffer_done(&file);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes)
{
	if (n_bytes == 0)
		return 0;
	if (data[0] % 2 == 0)
		try_any_file(data + 1, n_bytes - 1);
	else
		try_round(data + 1, n_bytes - 1);
	return 0;
}
