/* SPDX-License-Identifier: MIT */
/* Samples of a metric file. metric_append.c writes it, metric_load.c reads what it is. */

#include "collector/metric_file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "collector/metric_place.h"
#include "common/file_reader.h"

/* The samples of a column within a span of time. @param out  room for all of the column's
 * @return how many */
static size_t column_samples(const struct block_decoder *decoder, const struct block_column *column,
			     const int64_t span_us[static 2], struct metric_file_sample *out)
{
	size_t n_times;
	const int64_t *times_us = block_decoder_times(decoder, &n_times);
	struct block_run whole = {.n_present = (uint32_t)n_times};
	const struct block_run *runs = column->runs ? column->runs : &whole;
	size_t n_runs = column->runs ? column->n_runs : 1;
	size_t row = 0;
	size_t value = 0;
	size_t n = 0;

	for (size_t i = 0; i < n_runs; i++) {
		for (size_t end = row + runs[i].n_present; row < end; row++, value++) {
			if (times_us[row] < span_us[0] || times_us[row] > span_us[1])
				continue;
			out[n++] =
				(struct metric_file_sample){times_us[row], column->values[value]};
		}
		row += runs[i].n_missing;
	}
	return n;
}

struct reading {
	const struct metric_file_place *place;
	const struct metric_file_wish *wish;
	struct block_decoder *decoder;
	struct file_reader reader;
	struct metric_file_sample *samples;
	size_t samples_capacity;
	bool is_stopped; /* who wishes wants no more */
};

/* Go to the first block that may hold a sample as late as is wished: the last before which all
 * samples are earlier. */
static int seek_begin(struct reading *reading)
{
	struct file_reader *reader = &reading->reader;
	int result = -ENODATA;

	if (reading->wish->since_us > INT64_MIN) {
		reader->offset = reader->length_bytes;
		for (;;) {
			struct file_reader_block block;
			struct store_file_data data;

			result = file_reader_previous(reader, &block);
			if (result < 0)
				break;
			if (store_file_get_data(&block.block, &data) == 0 &&
			    data.highest_before_us < reading->wish->since_us)
				return 0;
		}
	}
	/* Where something is damaged, from the beginning. */
	reader->offset = reader->header_bytes;
	return result == -ENODATA || result == -EBADMSG ? 0 : result;
}

static int reserve_samples(struct reading *reading, size_t n)
{
	struct metric_file_sample *samples;

	if (n <= reading->samples_capacity)
		return 0;
	samples = reallocarray(reading->samples, n, sizeof(*samples));
	if (!samples)
		return -ENOMEM;
	reading->samples = samples;
	reading->samples_capacity = n;
	return 0;
}

static int take_column(struct reading *reading, size_t index)
{
	const struct metric_file_wish *wish = reading->wish;
	const int64_t span_us[2] = {wish->since_us, wish->until_us};
	uint32_t id = block_decoder_series_id(reading->decoder, index);
	struct block_column column;
	size_t n_samples;
	int result;

	if (wish->wants && !wish->wants(wish->context, id))
		return 0;
	result = block_decoder_column(reading->decoder, index, &column);
	if (result == 0)
		result = reserve_samples(reading, column.n_values);
	if (result < 0)
		return result;
	n_samples = column_samples(reading->decoder, &column, span_us, reading->samples);
	if (n_samples > 0)
		result = wish->take(wish->context, id, reading->samples, n_samples);
	reading->is_stopped = result < 0;
	return result;
}

static int take_block(struct reading *reading, uint64_t position)
{
	const struct metric_file_wish *wish = reading->wish;
	int result = 0;

	if (wish->block) {
		result = wish->block(wish->context, reading->decoder, position);
		reading->is_stopped = result < 0;
		return result;
	}
	for (size_t i = 0; result == 0 && i < block_decoder_n_columns(reading->decoder); i++)
		result = take_column(reading, i);
	return result;
}

/* @return 1: taken, or not wished; 0: no block that can be read; -errno */
static int take_samples(struct reading *reading, const struct store_file_block *block)
{
	struct store_file_data data;
	int result;

	if (block->type != HM_BLOCK_DATA || !metric_place_counts(reading->place, block->position))
		return 1;
	if (store_file_get_data(block, &data) < 0)
		return 0;
	if (data.last_us < reading->wish->since_us || data.first_us > reading->wish->until_us)
		return 1;
	result = block_decoder_open(reading->decoder, data.bytes, data.n_bytes);
	if (result == 0)
		result = take_block(reading, block->position);
	if ((result == -EBADMSG || result == -ENOTSUP) && !reading->is_stopped)
		return 0;
	return result < 0 ? result : 1;
}

static int say_damage(const struct reading *reading, uint64_t offset, uint64_t length_bytes)
{
	const struct metric_file_wish *wish = reading->wish;

	if (length_bytes == 0 || !wish->damage)
		return 0;
	return wish->damage(wish->context, offset, length_bytes);
}

static int read_blocks(struct reading *reading)
{
	struct file_reader *reader = &reading->reader;
	int result = seek_begin(reading);

	while (result >= 0) {
		struct file_reader_block block;
		int found = file_reader_next(reader, &block);

		if (found < 0 && found != -ENODATA)
			return found;
		result = say_damage(reading, reader->damage_offset, reader->damage_bytes);
		if (result < 0 || found < 0)
			return result;
		result = take_samples(reading, &block.block);
		if (result == 0)
			result = say_damage(reading, block.offset, block.block.length_bytes);
	}
	return result;
}

int metric_file_read(const struct disk *disk, const struct metric_file_place *place,
		     struct block_decoder *decoder, const struct metric_file_wish *wish)
{
	struct reading reading = {.place = place, .wish = wish, .decoder = decoder};
	struct store_file_header header;
	uint64_t damaged_bytes;
	int fd = metric_place_open(disk, place);
	int result;

	if (fd < 0)
		return fd;
	reading.reader.passes_bad_sectors = true;
	result = metric_place_begin(&reading.reader, disk, fd, place, &header, &damaged_bytes);
	if (result == 0)
		result = say_damage(&reading, 0, damaged_bytes);
	if (result == 0)
		result = read_blocks(&reading);
	file_reader_done(&reading.reader);
	free(reading.samples);
	(void)disk->close(disk->context, fd);
	return result;
}
