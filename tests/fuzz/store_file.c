/* SPDX-License-Identifier: MIT */
/*
 * Fuzz target: common/store_file.c on any file, and on the same with its checksums made right, so
 * that what stands behind them is reached as well.
 */

#include "common/store_file.h"

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/crc32c.h"
#include "hostmetrics/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes);

static uint32_t get_u32(const uint8_t *bytes)
{
	uint32_t value;

	memcpy(&value, bytes, sizeof(value));
	return value;
}

static void put_u32(uint8_t *bytes, uint32_t value)
{
	memcpy(bytes, &value, sizeof(value));
}

/* Is this range inside the file? */
static void check_range(const uint8_t *file, size_t length, const void *start, size_t n_bytes)
{
	size_t offset = (size_t)((const uint8_t *)start - file);

	if (offset > length || n_bytes > length - offset)
		abort();
}

/* Write a block again: the same bytes must come out. */
static void check_block(const uint8_t *file, size_t length, size_t offset,
			const struct store_file_block *block)
{
	struct buffer again = {0};

	check_range(file, length, block->payload, block->payload_bytes);
	if (block->end <= offset || block->end > length ||
	    block->payload_bytes > HM_BLOCK_MAX_BYTES)
		abort();
	store_file_put_block(&again, (enum hm_block_type)block->type, block->payload,
			     block->payload_bytes);
	if (again.length != block->end - offset ||
	    memcmp(again.data, file + offset, again.length) != 0)
		abort();
	buffer_done(&again);
}

static void check_samples(const struct store_file_block *block)
{
	struct buffer again = {0};

	for (size_t i = 0; i < store_file_n_samples(block); i++) {
		struct store_file_sample sample = store_file_get_sample(block, i);

		store_file_put_sample(&again, &sample);
	}
	if (again.length != block->payload_bytes ||
	    (again.length > 0 && memcmp(again.data, block->payload, again.length) != 0))
		abort();
	buffer_done(&again);
}

static void check_file(const uint8_t *file, size_t length)
{
	struct store_file_header header;
	struct store_file_block block;
	size_t offset = 0;

	if (store_file_get_header(file, length, &header) == 0) {
		check_range(file, length, header.host, header.host_length);
		check_range(file, length, header.metric, header.metric_length);
		if (header.header_bytes > length || header.host_length > HM_HOST_NAME_MAX_BYTES ||
		    header.metric_length > HM_METRIC_NAME_MAX_BYTES)
			abort();
		offset = header.header_bytes;
	}
	for (; store_file_get_block(file, length, offset, &block) == 0; offset = block.end) {
		check_block(file, length, offset, &block);
		if (block.type == HM_BLOCK_SAMPLES)
			check_samples(&block);
	}
}

/* Make the checksums right, of the header and of as many blocks as there seem to be. */
static void repair(uint8_t *file, size_t length)
{
	size_t offset = sizeof(struct hm_file_header);

	if (length >= offset && memcmp(file, HM_FILE_MAGIC, strlen(HM_FILE_MAGIC)) == 0) {
		offset = get_u32(file + offsetof(struct hm_file_header, header_bytes));
		if (offset < 4 || offset > length)
			return;
		put_u32(file + offset - 4, crc32c(0, file, offset - 4));
	} else {
		offset = 0;
	}
	while (length - offset >= HM_BLOCK_HEADER_BYTES) {
		uint8_t *header = file + offset;
		uint32_t n_bytes = get_u32(header + 4);

		offset += HM_BLOCK_HEADER_BYTES;
		if (n_bytes > length - offset)
			return;
		put_u32(header + 8, crc32c(crc32c(0, header, 8), file + offset, n_bytes));
		offset += n_bytes;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes)
{
	uint8_t *copy = malloc(n_bytes);

	check_file(data, n_bytes);
	if (!copy || n_bytes == 0) {
		free(copy);
		return 0;
	}
	memcpy(copy, data, n_bytes);
	repair(copy, n_bytes);
	check_file(copy, n_bytes);
	free(copy);
	return 0;
}
