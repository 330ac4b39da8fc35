/* SPDX-License-Identifier: MIT */
/* What a metric file is: its names, kind and last samples, and where it ends. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "collector/metric_load_part.h"
#include "collector/metric_place.h"

static int add_names(struct loading *loading, const struct store_file_block *block)
{
	struct store_file_series_list list;
	struct store_file_series series;
	int result = store_file_get_series_list(block, &list);

	while (result == 0 && store_file_next_series(&list, &series))
		result = metric_names_add(&loading->names, &series);
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

static int add_tombstone(struct loading *loading, const struct store_file_block *block)
{
	struct store_mask_tombstone tombstone;
	int result = store_mask_get_tombstone(block, &tombstone);

	return result < 0 ? result : tombstones_add_block(&loading->tombstones, &tombstone);
}

/* Nothing before the front is looked at. */
static int keep_front(struct loading *loading, const struct file_reader_block *block)
{
	struct store_mask_front front;
	int result = store_mask_get_front(&block->block, &front);

	if (result < 0)
		return result;
	if (front.offset > block->offset)
		return -EBADMSG;
	if (front.offset < loading->header_bytes)
		front.offset = loading->header_bytes;
	/* It only moves on. */
	if (front.offset <= loading->front_bytes)
		return 0;
	loading->front_bytes = front.offset;
	loading->front_position = block->block.position;
	return 0;
}

/* A block of the names' chain. */
static int take_name(struct loading *loading, const struct file_reader_block *block)
{
	switch (block->block.type) {
	case HM_BLOCK_SERIES:
		return add_names(loading, &block->block);
	case HM_BLOCK_META:
		return keep_meta(loading, &block->block);
	case HM_BLOCK_TOMBSTONE:
		return add_tombstone(loading, &block->block);
	case HM_BLOCK_FRONT:
		return keep_front(loading, block);
	default:
		return -EBADMSG;
	}
}

/* @param first  as metric_names_sort() */
static void sort_names(struct loading *loading, bool first)
{
	const struct metric_names *names = &loading->names;

	metric_names_sort(&loading->names, first);
	tombstones_sort(&loading->tombstones);
	if (loading->front_bytes > loading->header_bytes)
		loading->reader.header_bytes = loading->front_bytes;
	loading->has_names = true;
	for (size_t i = 0; i < names->n; i++)
		metric_load_use_id(loading, names->at[i].id);
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
		if (!metric_place_counts(loading->place, block.block.position))
			return -EBADMSG;
		if (block.block.type != HM_BLOCK_META || !loading->has_meta)
			result = take_name(loading, &block);
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
	loading->open_names = calloc(loading->names.n + 1, sizeof(*loading->open_names));
	if (!loading->open_names)
		return -ENOMEM;
	for (size_t i = 0; i < loading->names.n; i++)
		loading->open_names[i] = i;
	loading->n_open = loading->names.n;
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
		result = metric_last_take_before(loading, &block->block);
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
		if (result == 0 && metric_place_counts(loading->place, block.block.position))
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

/* What a block says, in the first walk without samples, in the second only these. */
static int take_block(struct loading *loading, const struct file_reader_block *block)
{
	int result = 0;

	if (loading->has_names) {
		return block->block.type == HM_BLOCK_DATA
			       ? metric_last_take_behind(loading, &block->block)
			       : 0;
	}
	if (block->block.type != HM_BLOCK_SERIES && block->block.type != HM_BLOCK_META &&
	    block->block.type != HM_BLOCK_TOMBSTONE && block->block.type != HM_BLOCK_FRONT)
		return 0;
	result = take_name(loading, block);
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

	if (!metric_place_counts(loading->place, block->block.position))
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

/* Begin anew, with nothing but what is known of other parts. @return 0 or -ENOMEM */
static int forget(struct loading *loading)
{
	metric_names_clear(&loading->names);
	loading->tombstones.n = 0;
	loading->reader.header_bytes = loading->header_bytes;
	loading->has_names = false;
	loading->has_meta = false;
	loading->position = 0;
	loading->front_bytes = 0;
	loading->end.length_bytes = loading->reader.header_bytes;
	loading->end.names_offset = 0;
	loading->end.highest_us = INT64_MIN;
	loading->end.next_series_id = 0;
	if (!loading->visitor->tombstones)
		return 0;
	return tombstones_add_all(&loading->tombstones, loading->visitor->tombstones);
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

	for (size_t i = 0; i < loading->names.n && result == 0 && visitor->series; i++) {
		const struct metric_name *name = &loading->names.at[i];
		struct store_file_series series = {
			.id = name->id,
			.labels = "",
			.labels_length = name->labels_length,
		};

		if (series.labels_length > 0)
			series.labels = loading->names.labels.data + name->labels_at;
		result = visitor->series(visitor->context, &series);
	}
	if (loading->has_meta && result == 0 && visitor->meta)
		result = visitor->meta(visitor->context, &loading->meta);
	for (size_t i = 0; i < loading->names.n && result == 0 && visitor->last; i++) {
		const struct metric_name *name = &loading->names.at[i];

		if (name->has_last)
			result = visitor->last(visitor->context, name->id, &name->last);
	}
	for (size_t i = 0; i < loading->names.n && result == 0 && visitor->absence; i++) {
		const struct metric_name *name = &loading->names.at[i];

		if (name->absent_us > INT64_MIN)
			result = visitor->absence(visitor->context, name->id, name->absent_us);
	}
	if (loading->front_bytes > 0 && result == 0 && visitor->front)
		result = visitor->front(visitor->context, loading->front_bytes,
					loading->front_position);
	return result;
}

static int load_blocks(struct loading *loading)
{
	int result = load_backwards(loading);

	if (result == -EBADMSG || result == -ENOTSUP) {
		result = forget(loading);
		if (result == 0)
			result = load_forwards(loading);
	}
	return result < 0 ? result : tell_all(loading);
}

/* The caller's list becomes what it was, and what the file says. */
static void give_tombstones(struct loading *loading)
{
	struct tombstones given;

	if (!loading->visitor->tombstones)
		return;
	given = *loading->visitor->tombstones;
	*loading->visitor->tombstones = loading->tombstones;
	loading->tombstones = given;
}

int metric_file_load(const struct disk *disk, const struct metric_file_place *place,
		     struct block_decoder *decoder, const struct metric_file_visitor *visitor,
		     struct metric_file_end *ret_end, uint64_t *ret_position)
{
	struct loading loading = {.place = place, .visitor = visitor, .decoder = decoder};
	struct store_file_header header;
	uint64_t damaged_bytes;
	int fd = metric_place_open(disk, place);
	int result;

	if (fd < 0)
		return fd;
	loading.reader.passes_bad_sectors = place->passes_bad_sectors;
	result = metric_place_begin(&loading.reader, disk, fd, place, &header, &damaged_bytes);
	if (result == 0) {
		loading.end.salt = header.salt;
		loading.end.part = header.part;
		loading.end.continues_bytes = header.continues_bytes;
		loading.header_bytes = loading.reader.header_bytes;
		if (visitor->header)
			result = visitor->header(visitor->context, &header);
	}
	if (result == 0)
		result = forget(&loading);
	if (result == 0)
		result = tell_damage(&loading, 0, damaged_bytes);
	if (result == 0)
		result = load_blocks(&loading);
	if (result == 0) {
		if (visitor->allocated)
			visitor->allocated(visitor->context, loading.reader.allocated_bytes);
		*ret_end = loading.end;
		*ret_position = loading.position;
		give_tombstones(&loading);
	}
	tombstones_done(&loading.tombstones);
	file_reader_done(&loading.reader);
	metric_names_done(&loading.names);
	free(loading.open_names);
	(void)disk->close(disk->context, fd);
	return result;
}
