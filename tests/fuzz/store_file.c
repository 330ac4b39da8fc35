/* SPDX-License-Identifier: MIT */
/*
 * Fuzz target: common/store_file.c and common/store_mask.c on any file, and on the same with its checksums made right, so
 * that what stands behind them is reached as well. What is read is written again: the same bytes
 * must come out.
 */

#include "common/store_file.h"

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/crc32c.h"
#include "common/store_mask.h"
#include "hostmetrics/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes);

static void check(bool is_true)
{
	if (!is_true)
		abort();
}

static void put_u32(uint8_t *bytes, uint32_t value)
{
	for (int i = 0; i < 4; i++)
		bytes[i] = (uint8_t)(value >> 8 * i);
}

static uint32_t get_u32(const uint8_t *bytes)
{
	return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 |
	       (uint32_t)bytes[3] << 24;
}

static void compare(const struct buffer *again, const uint8_t *bytes, size_t length)
{
	check(!buffer_failed(again) && again->length == length &&
	      memcmp(again->data, bytes, length) == 0);
}

static void check_header(const uint8_t *file, size_t length)
{
	struct store_file_header header;
	struct buffer again = {0};

	if (store_file_get_header(file, length, &header) < 0)
		return;
	check(header.header_bytes <= length);
	check(store_file_put_header(&again, &header) == 0);
	check(again.length == header.header_bytes);
	/* Flags and kinds of a later version are not written again. */
	if (get_u32(file + offsetof(struct hm_file_header, compatible_flags)) == 0 &&
	    file[offsetof(struct hm_file_header, kind)] == header.kind)
		compare(&again, file, header.header_bytes);
	buffer_done(&again);
}

/* LEB128 in its longest and shortest forms is tried by hand, here only that none is taken twice. */
static bool put_series(struct buffer *again, const struct store_file_block *block)
{
	struct store_file_series_list list;
	struct store_file_series series;

	if (store_file_get_series_list(block, &list) < 0)
		return false;
	store_file_put_names_offset(again, list.names_offset);
	while (store_file_next_series(&list, &series))
		store_file_put_series(again, &series);
	return true;
}

static bool put_mask(struct buffer *again, const struct store_file_block *block)
{
	struct store_mask_tombstone tombstone;
	struct store_mask_front front;
	uint32_t id;

	if (store_mask_get_front(block, &front) == 0) {
		store_mask_put_front(again, &front);
		return true;
	}
	if (store_mask_get_tombstone(block, &tombstone) < 0)
		return false;
	store_mask_put_tombstone(again, &tombstone);
	while (store_mask_next_id(&tombstone, &id))
		store_mask_put_id(again, id);
	return true;
}

/* Write a payload again. @return false: it is none that is known */
static bool put_payload(struct buffer *again, const struct store_file_block *block)
{
	struct store_file_meta meta;
	struct store_file_data data;
	struct store_file_host host;
	struct store_file_epoch epoch;
	struct store_file_message message;
	struct store_file_event event;
	int64_t oldest_us;

	if (put_series(again, block) || put_mask(again, block))
		return true;
	if (store_file_get_meta(block, &meta) == 0) {
		store_file_put_meta(again, &meta);
		/* A kind of a later version is unknown. */
		return (uint8_t)meta.kind == block->payload[sizeof(uint64_t)];
	}
	if (store_file_get_data(block, &data) == 0) {
		store_file_put_data(again, &data);
		buffer_append(again, data.bytes, data.n_bytes);
		return true;
	}
	if (store_file_get_host(block, &host) == 0)
		store_file_put_host(again, &host);
	else if (store_file_get_epoch(block, &epoch) == 0)
		store_file_put_epoch(again, &epoch);
	else if (store_file_get_message(block, &message) == 0)
		store_file_put_message(again, &message);
	else if (store_file_get_event(block, &event) == 0)
		store_file_put_event(again, &event);
	else if (store_file_get_oldest(block, &oldest_us) == 0)
		store_file_put_oldest(again, oldest_us);
	else
		return false;
	return true;
}

static void check_block(const uint8_t *bytes, const struct store_file_block *block, uint32_t salt,
			uint64_t offset)
{
	struct buffer again = {0};
	size_t start =
		store_file_begin_block(&again, (enum hm_block_type)block->type, block->position);
	uint64_t names_offset;

	(void)store_file_get_names_offset(block, &names_offset);
	if (put_payload(&again, block)) {
		check(store_file_end_block(&again, start, salt, offset) == 0);
		compare(&again, bytes, block->length_bytes);
	}
	buffer_done(&again);
}

/* All blocks from an offset on. @return where the first begins that does not verify */
static size_t check_blocks(const uint8_t *file, size_t length, size_t offset, uint32_t salt)
{
	struct store_file_block block;

	while (store_file_get_block(file + offset, length - offset, salt, offset, &block) == 0) {
		check(block.length_bytes <= length - offset);
		check(block.length_bytes == block.payload_bytes + HM_BLOCK_MIN_BYTES);
		check(store_file_peek_length(file + offset) == block.length_bytes);
		check_block(file + offset, &block, salt, offset);
		offset += block.length_bytes;
	}
	return offset;
}

/* Make the header's checksum right. @return where its blocks begin; 0: it has no such header */
static size_t seal_header(uint8_t *file, size_t length)
{
	size_t names_end;

	if (length < sizeof(struct hm_file_header))
		return 0;
	names_end = sizeof(struct hm_file_header) +
		    file[offsetof(struct hm_file_header, host_bytes)] +
		    file[offsetof(struct hm_file_header, metric_bytes)] +
		    file[offsetof(struct hm_file_header, unit_bytes)];
	if (length < names_end + 4)
		return 0;
	put_u32(file + offsetof(struct hm_file_header, header_bytes), (uint32_t)names_end + 4);
	put_u32(file + names_end, crc32c(0, file, names_end));
	return names_end + 4;
}

/* Make the block at `offset` right: lengths and checksum. */
static void seal_block(uint8_t *file, size_t length, size_t offset, uint32_t salt)
{
	uint32_t length_bytes = store_file_peek_length(file + offset);
	uint8_t seed[12] = {0};
	uint32_t crc;

	if (length_bytes == 0 || length_bytes > length - offset)
		return;
	put_u32(file + offset + length_bytes - 4, length_bytes);
	put_u32(seed, salt);
	put_u32(seed + 4, (uint32_t)offset);
	crc = crc32c(crc32c(0, seed, sizeof(seed)), file + offset + 4, length_bytes - 4);
	put_u32(file + offset, crc);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes)
{
	uint8_t *file = malloc(n_bytes + 1);
	size_t offset;

	check(file != NULL);
	memcpy(file, data, n_bytes);
	check_header(file, n_bytes);
	(void)check_blocks(file, n_bytes, 0, 0);
	offset = seal_header(file, n_bytes);
	if (offset > 0) {
		uint32_t salt = get_u32(file + offsetof(struct hm_file_header, salt));

		check_header(file, n_bytes);
		while (n_bytes - offset >= HM_BLOCK_MIN_BYTES) {
			size_t begin = offset;

			seal_block(file, n_bytes, offset, salt);
			offset = check_blocks(file, n_bytes, offset, salt);
			if (offset == begin)
				break;
		}
	}
	free(file);
	return 0;
}
