/* SPDX-License-Identifier: MIT */
/* What is read of a metric file. metric_append.c writes it. */

#include "collector/metric_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "common/crc32c.h"
#include "common/file_reader.h"

/* A series while a file is loaded. */
struct name {
	uint32_t id;
	size_t order; /* in which it was found */
	size_t labels_at;
	size_t labels_length;
	bool has_last;
	struct metric_file_sample last;
};

struct loading {
	const struct metric_file_place *place;
	const struct metric_file_visitor *visitor;
	struct block_decoder *decoder;
	struct file_reader reader;
	struct metric_file_end end;
	uint64_t position;
	bool has_highest; /* a DATA block was seen */
	bool has_names;
	struct name *names; /* by id, when has_names */
	size_t n_names;
	size_t names_capacity;
	struct buffer labels;
	size_t *open_names; /* backwards: those whose last sample may lie further ahead */
	size_t n_open;
	bool has_meta;
	struct store_file_meta meta;
	char unit[HM_UNIT_MAX_BYTES];
};

uint32_t metric_file_salt(const uint8_t *store_id, const char *folder, const char *name)
{
	uint32_t crc = crc32c(0, store_id, HM_ID_BYTES);

	crc = crc32c(crc, folder, strlen(folder));
	crc = crc32c(crc, "/", 1);
	return crc32c(crc, name, strlen(name));
}

/* The header is damaged: the first block that verifies by what is expected of it is where it ends.
 * @return 0; -ENODATA: there is none; -errno */
static int find_first_block(struct file_reader *reader, const struct store_file_header *expected,
			    struct store_file_header *ret_header)
{
	struct file_reader_block block;
	int result;

	reader->salt = expected->salt;
	reader->header_bytes = sizeof(struct hm_file_header);
	reader->offset = reader->header_bytes;
	result = file_reader_next(reader, &block);
	if (result < 0)
		return result;
	reader->header_bytes = block.offset;
	reader->offset = block.offset;
	*ret_header = *expected;
	ret_header->header_bytes = block.offset;
	return 0;
}

/*
 * Begin to read a file. @param ret_damaged_bytes  so much at its beginning is damaged
 * @return as metric_file_load()
 */
static int begin_file(struct file_reader *reader, const struct disk *disk, int fd,
		      const struct metric_file_place *place, struct store_file_header *ret_header,
		      uint64_t *ret_damaged_bytes)
{
	int result = file_reader_init(reader, disk, fd, place->length_bytes, ret_header);
	int found;

	*ret_damaged_bytes = 0;
	if ((result != -EINVAL && result != -EBADMSG) || !place->expected ||
	    reader->length_bytes == 0)
		return result;
	found = find_first_block(reader, place->expected, ret_header);
	if (found == 0)
		*ret_damaged_bytes = ret_header->header_bytes;
	return found == -ENODATA ? result : found;
}

static bool counts(const struct metric_file_place *place, uint64_t position)
{
	return position <= place->position_max ||
	       (place->lost_from > 0 && position >= place->lost_from);
}

static int add_name(struct loading *loading, const struct store_file_series *series)
{
	struct name *name;

	if (loading->n_names == loading->names_capacity) {
		size_t capacity = loading->names_capacity ? loading->names_capacity * 2 : 16;
		struct name *names = reallocarray(loading->names, capacity, sizeof(*names));

		if (!names)
			return -ENOMEM;
		loading->names = names;
		loading->names_capacity = capacity;
	}
	name = &loading->names[loading->n_names];
	*name = (struct name){
		.id = series->id,
		.order = loading->n_names++,
		.labels_at = loading->labels.length,
		.labels_length = series->labels_length,
	};
	buffer_append(&loading->labels, series->labels, series->labels_length);
	return buffer_failed(&loading->labels) ? -ENOMEM : 0;
}

static int add_names(struct loading *loading, const struct store_file_block *block)
{
	struct store_file_series_list list;
	struct store_file_series series;
	int result = store_file_get_series_list(block, &list);

	while (result == 0 && store_file_next_series(&list, &series))
		result = add_name(loading, &series);
	return result;
}

static int keep_meta(struct loading *loading, const struct store_file_block *block)
{
	int result = store_file_get_meta(block, &loading->meta);

	if (result < 0)
		return result;
	memcpy(loading->unit, loading->meta.unit, loading->meta.unit_length);
	loading->meta.unit = loading->unit;
	loading->has_meta = true;
	return 0;
}

static int compare_names(const void *left, const void *right)
{
	const struct name *a = left;
	const struct name *b = right;

	if (a->id != b->id)
		return a->id < b->id ? -1 : 1;
	return a->order < b->order ? -1 : a->order > b->order;
}

/* Count an id as used. The highest of all is no series' in practice; there is no next one. */
static void use_id(struct loading *loading, uint32_t id)
{
	if (id >= loading->end.next_series_id)
		loading->end.next_series_id = id == UINT32_MAX ? id : id + 1;
}

/* Sort the names by id. Where an id was named twice, which no writer of ours does, one counts.
 * @param first  whether it is the one that was found first */
static void sort_names(struct loading *loading, bool first)
{
	size_t n = 0;

	if (loading->n_names > 0)
		qsort(loading->names, loading->n_names, sizeof(loading->names[0]), compare_names);
	for (size_t i = 0; i < loading->n_names; i++) {
		if (n > 0 && loading->names[n - 1].id == loading->names[i].id) {
			if (!first)
				loading->names[n - 1] = loading->names[i];
			continue;
		}
		loading->names[n++] = loading->names[i];
		use_id(loading, loading->names[i].id);
	}
	loading->n_names = n;
	loading->has_names = true;
}

static struct name *find_name(const struct loading *loading, uint32_t id)
{
	size_t low = 0;
	size_t high = loading->n_names;

	/* Ids count from 0, and nearly always all are there. */
	if (id < loading->n_names && loading->names[id].id == id)
		return &loading->names[id];
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (loading->names[middle].id < id)
			low = middle + 1;
		else
			high = middle;
	}
	return low < loading->n_names && loading->names[low].id == id ? &loading->names[low] : NULL;
}

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

/* The last sample of a column. @return false: it has none */
static bool column_last(const struct block_decoder *decoder, const struct block_column *column,
			struct metric_file_sample *ret_sample)
{
	size_t n_times;
	const int64_t *times_us = block_decoder_times(decoder, &n_times);
	size_t row = n_times;

	if (column->n_values == 0)
		return false;
	for (size_t i = column->runs ? column->n_runs : 0; i > 0; i--) {
		row -= column->runs[i - 1].n_missing;
		if (column->runs[i - 1].n_present > 0)
			break;
	}
	*ret_sample = (struct metric_file_sample){times_us[row - 1],
						  column->values[column->n_values - 1]};
	return true;
}

/* Is a series' last sample known, whatever lies before a block with this mark? */
static bool is_settled(const struct name *name, const struct store_file_data *data)
{
	return name->has_last && name->last.time_us >= data->highest_before_us;
}

/* Take a column's last sample, if it is later than what is known. @param is_newer  whether the
 * block lies behind all that were looked at */
static int take_last(struct loading *loading, size_t column, struct name *name, bool is_newer)
{
	struct block_column values;
	struct metric_file_sample last;
	int result = block_decoder_column(loading->decoder, column, &values);

	if (result < 0)
		return result;
	if (!column_last(loading->decoder, &values, &last))
		return 0;
	if (!name->has_last || last.time_us > name->last.time_us ||
	    (is_newer && last.time_us == name->last.time_us))
		name->last = last;
	name->has_last = true;
	return 0;
}

/* A block counts: the file goes on at least to its end. */
static void count_block(struct loading *loading, const struct file_reader_block *block)
{
	uint64_t end = block->offset + block->block.length_bytes;

	if (end > loading->end.length_bytes)
		loading->end.length_bytes = end;
	if (block->block.position > loading->position)
		loading->position = block->block.position;
}

/* Have the highest time from a DATA block. */
static void take_highest(struct loading *loading, const struct store_file_data *data)
{
	int64_t highest_us =
		data->last_us > data->highest_before_us ? data->last_us : data->highest_before_us;

	if (highest_us > loading->end.highest_us)
		loading->end.highest_us = highest_us;
	loading->has_highest = true;
}

/* -- backwards ------------------------------------------------------------------------------------ */

/* Read all SERIES and META blocks from the newest on; each names the one before. */
static int follow_names(struct loading *loading, uint64_t offset)
{
	uint64_t before = offset + 1;
	int result = 0;

	loading->end.names_offset = offset;
	while (offset != 0 && result == 0) {
		struct file_reader_block block;

		if (offset >= before)
			return -EBADMSG;
		before = offset;
		result = file_reader_get(&loading->reader, offset, &block);
		if (result < 0)
			return result;
		if (!counts(loading->place, block.block.position) ||
		    block.block.type == HM_BLOCK_DATA)
			return -EBADMSG;
		if (block.block.type == HM_BLOCK_SERIES)
			result = add_names(loading, &block.block);
		else if (!loading->has_meta)
			result = keep_meta(loading, &block.block);
		if (result == 0)
			result = store_file_get_names_offset(&block.block, &offset);
	}
	if (result < 0)
		return result == -ENOENT ? -EBADMSG : result;
	sort_names(loading, false);
	return 0;
}

/* All series wait for their last sample. */
static int open_names(struct loading *loading)
{
	loading->open_names = calloc(loading->n_names + 1, sizeof(*loading->open_names));
	if (!loading->open_names)
		return -ENOMEM;
	for (size_t i = 0; i < loading->n_names; i++)
		loading->open_names[i] = i;
	loading->n_open = loading->n_names;
	return 0;
}

/* Have the names, at the first block that tells where they are. @return 1: it was this one */
static int find_names(struct loading *loading, const struct file_reader_block *block)
{
	uint64_t offset = 0;
	int result = store_file_get_names_offset(&block->block, &offset);

	if (result < 0)
		return result == -ENOENT ? 0 : result;
	if (block->block.type != HM_BLOCK_DATA)
		offset = block->offset;
	else if (offset >= block->offset)
		return -EBADMSG;
	result = follow_names(loading, offset);
	if (result == 0)
		result = open_names(loading);
	return result < 0 ? result : 1;
}

/* Drop those of the open names whose last sample is known. */
static void close_names(struct loading *loading, const struct store_file_data *data)
{
	size_t n = 0;

	for (size_t i = 0; i < loading->n_open; i++) {
		if (!is_settled(&loading->names[loading->open_names[i]], data))
			loading->open_names[n++] = loading->open_names[i];
	}
	loading->n_open = n;
}

/* Last samples, from a block before all that were looked at. */
static int take_data_before(struct loading *loading, const struct store_file_block *block)
{
	struct store_file_data data;
	int result = store_file_get_data(block, &data);

	if (result < 0)
		return result;
	if (!loading->has_highest)
		take_highest(loading, &data);
	result = block_decoder_open(loading->decoder, data.bytes, data.n_bytes);
	for (size_t i = 0; result == 0 && i < block_decoder_n_columns(loading->decoder); i++) {
		struct name *name =
			find_name(loading, block_decoder_series_id(loading->decoder, i));

		/* A block with its name is lost: not from here. */
		if (!name)
			return -EBADMSG;
		if (!name->has_last || name->last.time_us < data.last_us)
			result = take_last(loading, i, name, false);
	}
	close_names(loading, &data);
	return result;
}

/* Take a block before all that were looked at. The names are read over it, and it again. */
static int take_block_before(struct loading *loading, struct file_reader_block *block)
{
	int result = 0;

	count_block(loading, block);
	if (!loading->has_names)
		result = find_names(loading, block);
	if (result == 1)
		result = file_reader_get(&loading->reader, block->offset, block);
	if (result == 0 && block->block.type == HM_BLOCK_DATA)
		result = take_data_before(loading, &block->block);
	return result;
}

/* @return 0; -EBADMSG: something is damaged; as metric_file_load() */
static int load_backwards(struct loading *loading)
{
	struct file_reader *reader = &loading->reader;
	bool is_done = false;

	reader->offset = reader->length_bytes;
	while (!is_done) {
		struct file_reader_block block;
		int result = file_reader_previous(reader, &block);

		if (result == -ENODATA)
			break;
		if (result == 0 && counts(loading->place, block.block.position))
			result = take_block_before(loading, &block);
		if (result < 0)
			return result;
		is_done = loading->has_names && loading->has_highest && loading->n_open == 0;
	}
	return 0;
}

/* -- forwards ------------------------------------------------------------------------------------- */

static int tell_damage(const struct loading *loading, uint64_t offset, uint64_t length_bytes)
{
	const struct metric_file_visitor *visitor = loading->visitor;

	if (length_bytes == 0 || !visitor->damage)
		return 0;
	return visitor->damage(visitor->context, offset, length_bytes);
}

/* Last samples, from a block behind all that were looked at. */
static int take_data_behind(struct loading *loading, const struct store_file_block *block)
{
	struct store_file_data data;
	int result = store_file_get_data(block, &data);

	if (result < 0)
		return result;
	take_highest(loading, &data);
	result = block_decoder_open(loading->decoder, data.bytes, data.n_bytes);
	for (size_t i = 0; result == 0 && i < block_decoder_n_columns(loading->decoder); i++) {
		uint32_t id = block_decoder_series_id(loading->decoder, i);
		struct name *name = find_name(loading, id);

		use_id(loading, id);
		if (name && (!name->has_last || name->last.time_us <= data.last_us))
			result = take_last(loading, i, name, true);
	}
	return result;
}

/* What a block says, in the first walk without samples, in the second only these. */
static int take_block(struct loading *loading, const struct file_reader_block *block)
{
	int result = 0;

	if (loading->has_names)
		return block->block.type == HM_BLOCK_DATA ? take_data_behind(loading, &block->block)
							  : 0;
	if (block->block.type == HM_BLOCK_SERIES)
		result = add_names(loading, &block->block);
	else if (block->block.type == HM_BLOCK_META)
		result = keep_meta(loading, &block->block);
	else
		return 0;
	if (result == 0)
		loading->end.names_offset = block->offset;
	return result;
}

/* Tell what the reader's last step passed over, in the second walk. */
static int tell_passed(const struct loading *loading)
{
	const struct file_reader *reader = &loading->reader;

	return loading->has_names
		       ? tell_damage(loading, reader->damage_offset, reader->damage_bytes)
		       : 0;
}

/* Take a block behind all that were looked at. One that makes no sense is damaged, too. */
static int take_block_behind(struct loading *loading, const struct file_reader_block *block)
{
	int result;

	if (!counts(loading->place, block->block.position))
		return 0;
	count_block(loading, block);
	result = take_block(loading, block);
	if (result != -EBADMSG && result != -ENOTSUP)
		return result;
	return loading->has_names ? tell_damage(loading, block->offset, block->block.length_bytes)
				  : 0;
}

/* One walk over all blocks. Damage is told in the second. */
static int walk_forwards(struct loading *loading)
{
	struct file_reader *reader = &loading->reader;
	int result = 0;

	reader->offset = reader->header_bytes;
	while (result == 0) {
		struct file_reader_block block;
		int found = file_reader_next(reader, &block);

		if (found < 0 && found != -ENODATA)
			return found;
		result = tell_passed(loading);
		if (found == -ENODATA)
			return result;
		if (result == 0)
			result = take_block_behind(loading, &block);
	}
	return result;
}

static void forget(struct loading *loading)
{
	loading->n_names = 0;
	buffer_clear(&loading->labels);
	loading->has_names = false;
	loading->has_meta = false;
	loading->position = 0;
	loading->end.length_bytes = loading->reader.header_bytes;
	loading->end.names_offset = 0;
	loading->end.highest_us = INT64_MIN;
	loading->end.next_series_id = 0;
}

static int load_forwards(struct loading *loading)
{
	int result = walk_forwards(loading);

	if (result < 0)
		return result;
	sort_names(loading, true);
	return walk_forwards(loading);
}

/* -- all of it ------------------------------------------------------------------------------------ */

static int tell_all(const struct loading *loading)
{
	const struct metric_file_visitor *visitor = loading->visitor;
	int result = 0;

	for (size_t i = 0; i < loading->n_names && result == 0 && visitor->series; i++) {
		const struct name *name = &loading->names[i];
		struct store_file_series series = {
			.id = name->id,
			.labels = "",
			.labels_length = name->labels_length,
		};

		if (series.labels_length > 0)
			series.labels = loading->labels.data + name->labels_at;
		result = visitor->series(visitor->context, &series);
	}
	if (loading->has_meta && result == 0 && visitor->meta)
		result = visitor->meta(visitor->context, &loading->meta);
	for (size_t i = 0; i < loading->n_names && result == 0 && visitor->last; i++) {
		const struct name *name = &loading->names[i];

		if (name->has_last)
			result = visitor->last(visitor->context, name->id, &name->last);
	}
	return result;
}

static int load_blocks(struct loading *loading)
{
	int result = load_backwards(loading);

	if (result == -EBADMSG || result == -ENOTSUP) {
		forget(loading);
		result = load_forwards(loading);
	}
	return result < 0 ? result : tell_all(loading);
}

static int open_file(const struct disk *disk, const struct metric_file_place *place)
{
	return disk->open(disk->context, place->folder, place->path, O_RDONLY);
}

int metric_file_load(const struct disk *disk, const struct metric_file_place *place,
		     struct block_decoder *decoder, const struct metric_file_visitor *visitor,
		     struct metric_file_end *ret_end, uint64_t *ret_position)
{
	struct loading loading = {.place = place, .visitor = visitor, .decoder = decoder};
	struct store_file_header header;
	uint64_t damaged_bytes;
	int fd = open_file(disk, place);
	int result;

	if (fd < 0)
		return fd;
	result = begin_file(&loading.reader, disk, fd, place, &header, &damaged_bytes);
	if (result == 0) {
		loading.end.salt = header.salt;
		loading.end.part = header.part;
		loading.end.continues_bytes = header.continues_bytes;
		forget(&loading);
		if (visitor->header)
			result = visitor->header(visitor->context, &header);
	}
	if (result == 0)
		result = tell_damage(&loading, 0, damaged_bytes);
	if (result == 0)
		result = load_blocks(&loading);
	if (result == 0) {
		*ret_end = loading.end;
		*ret_position = loading.position;
	}
	file_reader_done(&loading.reader);
	free(loading.names);
	free(loading.open_names);
	buffer_done(&loading.labels);
	(void)disk->close(disk->context, fd);
	return result;
}

/* -- samples -------------------------------------------------------------------------------------- */

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

/* @return 1: taken, or not wished; 0: no block that can be read; -errno */
static int take_samples(struct reading *reading, const struct store_file_block *block)
{
	struct store_file_data data;
	int result;

	if (block->type != HM_BLOCK_DATA || !counts(reading->place, block->position))
		return 1;
	if (store_file_get_data(block, &data) < 0)
		return 0;
	if (data.last_us < reading->wish->since_us || data.first_us > reading->wish->until_us)
		return 1;
	result = block_decoder_open(reading->decoder, data.bytes, data.n_bytes);
	for (size_t i = 0; result == 0 && i < block_decoder_n_columns(reading->decoder); i++)
		result = take_column(reading, i);
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
	int fd = open_file(disk, place);
	int result;

	if (fd < 0)
		return fd;
	reading.reader.passes_bad_sectors = true;
	result = begin_file(&reading.reader, disk, fd, place, &header, &damaged_bytes);
	if (result == 0)
		result = say_damage(&reading, 0, damaged_bytes);
	if (result == 0)
		result = read_blocks(&reading);
	file_reader_done(&reading.reader);
	free(reading.samples);
	(void)disk->close(disk->context, fd);
	return result;
}
