/* SPDX-License-Identifier: MIT */
/* The blocks that say what of a metric file does not count any more. */

#include "common/store_mask.h"

#include <errno.h>

#include "common/cursor.h"
#include "common/varint.h"

void store_mask_put_tombstone(struct buffer *out, const struct store_mask_tombstone *tombstone)
{
	cursor_put_u64(out, tombstone->names_offset);
	cursor_put_u64(out, tombstone->position);
	cursor_put_u64(out, (uint64_t)tombstone->since_us);
	cursor_put_u64(out, (uint64_t)tombstone->until_us);
}

void store_mask_put_id(struct buffer *out, uint32_t id)
{
	uint8_t bytes[VARINT_MAX_BYTES];

	buffer_append(out, bytes, varint_put(bytes, id));
}

void store_mask_put_front(struct buffer *out, const struct store_mask_front *front)
{
	cursor_put_u64(out, front->names_offset);
	cursor_put_u64(out, front->offset);
	cursor_put_u64(out, (uint64_t)front->horizon_us);
}

bool store_mask_next_id(struct store_mask_tombstone *tombstone, uint32_t *ret_id)
{
	struct varint_reader reader = {
		tombstone->ids,
		tombstone->ids + tombstone->ids_bytes,
	};
	uint64_t id;

	if (varint_get_limited(&reader, UINT32_MAX, &id) < 0)
		return false;
	tombstone->ids = reader.at;
	tombstone->ids_bytes = varint_left(&reader);
	*ret_id = (uint32_t)id;
	return true;
}

/* Do the ids grow, and is there nothing behind them? */
static bool are_ids_in_order(struct store_mask_tombstone tombstone)
{
	uint32_t before = 0;
	uint32_t id;
	size_t n = 0;

	for (; store_mask_next_id(&tombstone, &id); n++) {
		if (n > 0 && id <= before)
			return false;
		before = id;
	}
	return n > 0 && tombstone.ids_bytes == 0;
}

int store_mask_get_tombstone(const struct store_file_block *block,
			     struct store_mask_tombstone *ret_tombstone)
{
	struct cursor cursor = {.at = block->payload, .left = block->payload_bytes};
	struct store_mask_tombstone tombstone = {.names_offset = cursor_get_u64(&cursor)};

	tombstone.position = cursor_get_u64(&cursor);
	tombstone.since_us = (int64_t)cursor_get_u64(&cursor);
	tombstone.until_us = (int64_t)cursor_get_u64(&cursor);
	tombstone.ids = cursor.at;
	tombstone.ids_bytes = cursor.left;
	if (block->type != HM_BLOCK_TOMBSTONE || cursor_failed(&cursor) ||
	    tombstone.since_us > tombstone.until_us || !are_ids_in_order(tombstone))
		return -EBADMSG;
	*ret_tombstone = tombstone;
	return 0;
}

int store_mask_get_front(const struct store_file_block *block, struct store_mask_front *ret_front)
{
	struct cursor cursor = {.at = block->payload, .left = block->payload_bytes};
	struct store_mask_front front = {.names_offset = cursor_get_u64(&cursor)};

	front.offset = cursor_get_u64(&cursor);
	front.horizon_us = (int64_t)cursor_get_u64(&cursor);
	if (block->type != HM_BLOCK_FRONT || !cursor_is_done(&cursor) || cursor_failed(&cursor))
		return -EBADMSG;
	*ret_front = front;
	return 0;
}

int store_mask_get_names_offset(const struct store_file_block *block, uint64_t *ret_offset)
{
	struct store_mask_tombstone tombstone;
	struct store_mask_front front;
	int result = store_mask_get_tombstone(block, &tombstone);

	if (result == 0) {
		*ret_offset = tombstone.names_offset;
		return 0;
	}
	result = store_mask_get_front(block, &front);
	if (result == 0)
		*ret_offset = front.names_offset;
	return result;
}
