/* SPDX-License-Identifier: MIT */
/* The blocks of a metric file. */

#include "collector/block_reader.h"

#include <endian.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Read at least so much at a time. */
#define WINDOW_BYTES ((size_t)64 << 10)

static int window_reserve(struct block_reader *reader, size_t wanted)
{
	uint8_t *window;

	if (wanted <= reader->window_capacity)
		return 0;
	window = realloc(reader->window, wanted);
	if (!window)
		return -ENOMEM;
	reader->window = window;
	reader->window_capacity = wanted;
	return 0;
}

/*
 * Have at least `wanted` bytes at `offset` in the window, or all up to the end of the file.
 * @return how many there are, or -errno
 */
static int64_t window_fill(struct block_reader *reader, uint64_t offset, size_t wanted)
{
	uint64_t left = reader->length_bytes - offset;
	uint64_t skip = offset - reader->window_offset;
	int result;

	if (wanted > left)
		wanted = (size_t)left;
	if (offset >= reader->window_offset && skip <= reader->window_bytes &&
	    wanted <= reader->window_bytes - skip)
		return (int64_t)(reader->window_bytes - skip);

	if (wanted < WINDOW_BYTES)
		wanted = left < WINDOW_BYTES ? (size_t)left : WINDOW_BYTES;
	result = window_reserve(reader, wanted);
	if (result < 0)
		return result;
	reader->window_offset = offset;
	reader->window_bytes = 0;
	while (reader->window_bytes < wanted) {
		ssize_t n_bytes = pread(reader->fd, reader->window + reader->window_bytes,
					wanted - reader->window_bytes,
					(off_t)(offset + reader->window_bytes));

		if (n_bytes < 0 && errno == EINTR)
			continue;
		if (n_bytes < 0)
			return -errno;
		if (n_bytes == 0)
			break; /* shorter than we were told: what is missing does not verify */
		reader->window_bytes += (size_t)n_bytes;
	}
	return (int64_t)reader->window_bytes;
}

int block_reader_init(struct block_reader *reader, int fd, uint64_t length_bytes,
		      struct store_file_header *ret_header)
{
	int64_t n_bytes;
	int result;

	*reader = (struct block_reader){.fd = fd, .length_bytes = length_bytes};
	n_bytes = window_fill(reader, 0, WINDOW_BYTES);
	if (n_bytes < 0)
		return (int)n_bytes;
	result = store_file_get_header(reader->window, (size_t)n_bytes, ret_header);
	if (result < 0)
		return result;
	reader->offset = ret_header->header_bytes;
	reader->good_end = ret_header->header_bytes;
	return 0;
}

void block_reader_done(struct block_reader *reader)
{
	free(reader->window);
	reader->window = NULL;
	reader->window_bytes = 0;
	reader->window_capacity = 0;
}

static uint32_t get_le32(const uint8_t *bytes)
{
	uint32_t word;

	memcpy(&word, bytes, sizeof(word));
	return le32toh(word);
}

/*
 * Length of the block at `offset`, header and payload, as it says itself.
 * @return that; -ENODATA: exactly at the end; -EBADMSG: no such block fits there; -errno
 */
static int64_t block_length(struct block_reader *reader, uint64_t offset)
{
	int64_t n_bytes;
	uint64_t length;

	if (offset == reader->length_bytes)
		return -ENODATA;
	n_bytes = window_fill(reader, offset, HM_BLOCK_HEADER_BYTES);
	if (n_bytes < 0)
		return n_bytes;
	if (n_bytes < HM_BLOCK_HEADER_BYTES)
		return -EBADMSG;
	length = get_le32(reader->window + (offset - reader->window_offset) + sizeof(uint32_t));
	if (length > HM_BLOCK_MAX_BYTES)
		return -EBADMSG;
	length += HM_BLOCK_HEADER_BYTES;
	return length > reader->length_bytes - offset ? -EBADMSG : (int64_t)length;
}

/* The block at `offset`, whole and verified. @return as block_length(); 0 for a good one */
static int get_block(struct block_reader *reader, uint64_t offset,
		     struct store_file_block *ret_block)
{
	int64_t length = block_length(reader, offset);
	int64_t n_bytes;

	if (length < 0)
		return (int)length;
	n_bytes = window_fill(reader, offset, (size_t)length);
	if (n_bytes < 0)
		return (int)n_bytes;
	return store_file_get_block(reader->window, reader->window_bytes,
				    (size_t)(offset - reader->window_offset), ret_block);
}

/* Could a block of ours begin here? Spares the checksum at nearly every wrong place. */
static bool has_known_type(const struct block_reader *reader, uint64_t offset)
{
	uint32_t type = get_le32(reader->window + (offset - reader->window_offset));

	return type == HM_BLOCK_SERIES || type == HM_BLOCK_META || type == HM_BLOCK_SAMPLES;
}

/*
 * Look behind a damaged block for the next that verifies, at every byte: the damage may be in its
 * length. @return as block_reader_next()
 */
static int find_block(struct block_reader *reader, uint64_t *ret_offset,
		      struct store_file_block *ret_block)
{
	uint64_t offset = reader->offset;

	while (++offset + HM_BLOCK_HEADER_BYTES <= reader->length_bytes &&
	       offset - reader->offset <= BLOCK_READER_TAIL_MAX_BYTES) {
		int64_t n_bytes = window_fill(reader, offset, HM_BLOCK_HEADER_BYTES);
		int result;

		if (n_bytes < HM_BLOCK_HEADER_BYTES)
			return n_bytes < 0 ? (int)n_bytes : -ENODATA;
		if (!has_known_type(reader, offset))
			continue;
		result = get_block(reader, offset, ret_block);
		if (result == 0)
			*ret_offset = offset;
		if (result != -EBADMSG)
			return result;
	}
	return -ENODATA;
}

int block_reader_next(struct block_reader *reader, struct store_file_block *ret_block)
{
	uint64_t offset = reader->offset;
	struct store_file_block block;
	int result = get_block(reader, offset, &block);

	if (result == -EBADMSG)
		result = find_block(reader, &offset, &block);
	if (result < 0)
		return result;

	if (offset != reader->offset) {
		reader->n_damaged++;
		reader->damaged_bytes += offset - reader->offset;
	}
	reader->offset = offset + HM_BLOCK_HEADER_BYTES + block.payload_bytes;
	reader->good_end = reader->offset;
	*ret_block = block;
	return 0;
}
