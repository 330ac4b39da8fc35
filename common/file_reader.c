/* SPDX-License-Identifier: MIT */
/* The blocks of a file of the store, forwards and backwards. */

#include "common/file_reader.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Read at least so much at a time; forwards, where more will be wanted, twice as much each time. */
#define WINDOW_BYTES     ((size_t)64 << 10)
#define WINDOW_MAX_BYTES ((size_t)512 << 10)

/*
 * What the checksums of places that look like a block, but are none, may cost in one search; beyond
 * it only small ones are tried. No bytes by chance come near it, bytes made for it do not hold us up.
 */
#define SEARCH_WORK_MAX_BYTES  ((uint64_t)1 << 30)
#define SEARCH_SMALL_MAX_BYTES 4096u

/* Zeros are passed over by so many. */
#define BLANK_BYTES 256

static int window_reserve(struct file_reader *reader, size_t wanted)
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

/* Read up to `length` bytes; fewer only at the end of the file. @return bytes or -errno */
static ssize_t read_bytes(struct file_reader *reader, uint8_t *bytes, size_t length,
			  uint64_t offset)
{
	struct disk_loss loss = {0};
	size_t done = 0;

	if (reader->passes_bad_sectors)
		return disk_salvage(reader->disk, reader->fd, bytes, length, offset, &loss);
	while (done < length) {
		ssize_t n_bytes = reader->disk->pread(reader->disk->context, reader->fd,
						      bytes + done, length - done, offset + done);

		if (n_bytes == -EINTR)
			continue;
		if (n_bytes < 0)
			return n_bytes;
		if (n_bytes == 0)
			break; /* shorter than we were told: what is missing does not verify */
		done += (size_t)n_bytes;
	}
	return (ssize_t)done;
}

/* Does the window hold this range? */
static bool window_has(const struct file_reader *reader, uint64_t offset, size_t length)
{
	uint64_t skip = offset - reader->window_offset;

	return offset >= reader->window_offset && skip <= reader->window_bytes &&
	       length <= reader->window_bytes - skip;
}

/* Have `length` bytes from `offset` on in the window, of which the first `n_kept` are in it. */
static int window_read(struct file_reader *reader, uint64_t offset, size_t length, size_t n_kept)
{
	int result = window_reserve(reader, length);
	ssize_t n_bytes;

	if (result < 0)
		return result;
	if (n_kept > 0)
		memmove(reader->window, reader->window + (offset - reader->window_offset), n_kept);
	reader->window_offset = offset;
	reader->window_bytes = n_kept;
	n_bytes = read_bytes(reader, reader->window + n_kept, length - n_kept, offset + n_kept);
	if (n_bytes < 0) {
		reader->window_bytes = 0;
		return (int)n_bytes;
	}
	reader->window_bytes += (size_t)n_bytes;
	return 0;
}

/* How many bytes from `offset` on are in the window, so that what is wanted goes on behind them. */
static size_t window_keeps(const struct file_reader *reader, uint64_t offset)
{
	uint64_t skip = offset - reader->window_offset;

	return offset >= reader->window_offset && skip <= reader->window_bytes
		       ? reader->window_bytes - (size_t)skip
		       : 0;
}

/* How many bytes to read, where `wanted` are not there. */
static size_t window_length(struct file_reader *reader, uint64_t offset, size_t wanted)
{
	uint64_t left = reader->length_bytes - offset;
	bool is_forwards = reader->window_bytes > 0 && window_has(reader, offset, 0);

	if (!is_forwards || reader->ahead_bytes == 0)
		reader->ahead_bytes = WINDOW_BYTES;
	else if (reader->ahead_bytes < WINDOW_MAX_BYTES)
		reader->ahead_bytes *= 2;
	if (wanted < reader->ahead_bytes)
		wanted = reader->ahead_bytes;
	return left < wanted ? (size_t)left : wanted;
}

/*
 * Have the `wanted` bytes at `offset`, and some behind, in the window; fewer at the end of the file.
 * @return how many there are from `offset` on, or -errno
 */
static int64_t window_fill(struct file_reader *reader, uint64_t offset, size_t wanted)
{
	uint64_t left = reader->length_bytes - offset;

	if (wanted > left)
		wanted = (size_t)left;
	if (!window_has(reader, offset, wanted)) {
		int result = window_read(reader, offset, window_length(reader, offset, wanted),
					 window_keeps(reader, offset));

		if (result < 0)
			return result;
	}
	return (int64_t)(reader->window_bytes - (offset - reader->window_offset));
}

/* The same for what lies before `end`, and some before it. @return 0 or -errno */
static int window_fill_before(struct file_reader *reader, uint64_t end, size_t wanted)
{
	size_t length = wanted < WINDOW_BYTES ? WINDOW_BYTES : wanted;

	if (window_has(reader, end - wanted, wanted))
		return 0;
	if (length > end)
		length = (size_t)end;
	return window_read(reader, end - length, length, 0);
}

static const uint8_t *window_at(const struct file_reader *reader, uint64_t offset)
{
	return reader->window + (offset - reader->window_offset);
}

int file_reader_init(struct file_reader *reader, const struct disk *disk, int fd,
		     uint64_t length_bytes, struct store_file_header *ret_header)
{
	struct disk_status status;
	int64_t n_bytes;
	int result;

	*reader = (struct file_reader){
		.disk = disk,
		.fd = fd,
		.passes_bad_sectors = reader->passes_bad_sectors,
	};
	result = disk->fstat(disk->context, fd, &status);
	if (result < 0)
		return result;
	if (!status.is_file)
		return -EINVAL;
	reader->length_bytes = length_bytes < status.size_bytes ? length_bytes : status.size_bytes;
	reader->allocated_bytes = status.allocated_bytes;
	n_bytes = window_fill(reader, 0, STORE_FILE_HEADER_MAX_BYTES);
	if (n_bytes < 0)
		return (int)n_bytes;
	result = store_file_get_header(reader->window, (size_t)n_bytes, ret_header);
	if (result < 0)
		return result;
	reader->salt = ret_header->salt;
	reader->header_bytes = ret_header->header_bytes;
	reader->offset = ret_header->header_bytes;
	return 0;
}

void file_reader_done(struct file_reader *reader)
{
	free(reader->window);
	reader->window = NULL;
	reader->window_bytes = 0;
	reader->window_capacity = 0;
	reader->ahead_bytes = 0;
}

/*
 * Length of the block at `offset`, as it says itself.
 * @return that; -EBADMSG: no block fits there; -errno
 */
static int64_t block_length(struct file_reader *reader, uint64_t offset)
{
	int64_t n_bytes = window_fill(reader, offset, HM_BLOCK_HEADER_BYTES);
	uint32_t length;

	if (n_bytes < 0)
		return n_bytes;
	if (n_bytes < (int64_t)HM_BLOCK_HEADER_BYTES)
		return -EBADMSG;
	length = store_file_peek_length(window_at(reader, offset));
	if (length == 0 || length > reader->length_bytes - offset)
		return -EBADMSG;
	return length;
}

int file_reader_get(struct file_reader *reader, uint64_t offset,
		    struct file_reader_block *ret_block)
{
	int64_t length;
	int64_t n_bytes;

	if (offset < reader->header_bytes || offset >= reader->length_bytes)
		return -EBADMSG;
	length = block_length(reader, offset);
	if (length < 0)
		return (int)length;
	n_bytes = window_fill(reader, offset, (size_t)length);
	if (n_bytes < 0)
		return (int)n_bytes;
	if (n_bytes < length)
		return -EBADMSG;
	ret_block->offset = offset;
	return store_file_get_block(window_at(reader, offset), (size_t)n_bytes, reader->salt,
				    offset, &ret_block->block);
}

/* Does what begins at `offset` end as a block of this length does? @return 1, 0 or -errno */
static int has_trailer(struct file_reader *reader, uint64_t offset, uint32_t length)
{
	uint64_t at = offset + length - HM_BLOCK_TRAILER_BYTES;
	uint8_t bytes[HM_BLOCK_TRAILER_BYTES];
	const uint8_t *trailer = bytes;
	ssize_t n_bytes = sizeof(bytes);

	/* Not through the window, which would be read again for the next place. */
	if (window_has(reader, at, sizeof(bytes)))
		trailer = window_at(reader, at);
	else
		n_bytes = read_bytes(reader, bytes, sizeof(bytes), at);
	if (n_bytes < 0)
		return (int)n_bytes;
	return n_bytes == (ssize_t)sizeof(bytes) && store_file_peek_trailer(trailer) == length;
}

/*
 * The block at a place that was looked at byte by byte. @param work_bytes  counts what the
 * checksums of places cost that were none
 * @return as file_reader_get()
 */
static int try_place(struct file_reader *reader, uint64_t offset, uint64_t *work_bytes,
		     struct file_reader_block *ret_block)
{
	int64_t length = block_length(reader, offset);
	int result;

	if (length < 0)
		return (int)length;
	result = has_trailer(reader, offset, (uint32_t)length);
	if (result <= 0)
		return result < 0 ? result : -EBADMSG;
	if (*work_bytes > SEARCH_WORK_MAX_BYTES && length > SEARCH_SMALL_MAX_BYTES)
		return -EBADMSG;
	*work_bytes += (uint64_t)length;
	return file_reader_get(reader, offset, ret_block);
}

/* Do so many zeros lie here? */
static bool is_blank(const struct file_reader *reader, uint64_t offset)
{
	static const uint8_t zeros[BLANK_BYTES];

	return window_has(reader, offset, BLANK_BYTES) &&
	       memcmp(window_at(reader, offset), zeros, BLANK_BYTES) == 0;
}

/* The first place at or behind `offset`, as far as the window goes, at which a block could begin. */
static uint64_t skip_impossible(const struct file_reader *reader, uint64_t offset)
{
	while (window_has(reader, offset, HM_BLOCK_HEADER_BYTES) &&
	       store_file_peek_length(window_at(reader, offset)) == 0) {
		/* The type of a block is not 0, so where it stands the zeros have ended. */
		if (*window_at(reader, offset) == 0 && is_blank(reader, offset))
			offset += BLANK_BYTES - offsetof(struct hm_block_header, type);
		else
			offset++;
	}
	return offset;
}

/*
 * Look behind a damaged block for the next that verifies, at every byte: the damage may be in its
 * length.
 * @return as file_reader_next()
 */
static int find_block(struct file_reader *reader, struct file_reader_block *ret_block)
{
	uint64_t offset = reader->offset;
	uint64_t work_bytes = 0;

	for (;;) {
		int result;

		offset = skip_impossible(reader, offset + 1);
		if (offset >= reader->length_bytes ||
		    offset - reader->offset > FILE_READER_SEARCH_MAX_BYTES)
			return -ENODATA;
		result = try_place(reader, offset, &work_bytes, ret_block);
		if (result != -EBADMSG)
			return result;
	}
}

int file_reader_next(struct file_reader *reader, struct file_reader_block *ret_block)
{
	uint64_t begin = reader->offset;
	uint64_t end = reader->length_bytes;
	struct file_reader_block block;
	int result;

	reader->damage_offset = begin;
	reader->damage_bytes = 0;
	if (begin >= end)
		return -ENODATA;
	result = file_reader_get(reader, begin, &block);
	if (result == -EBADMSG)
		result = find_block(reader, &block);
	if (result < 0 && result != -ENODATA)
		return result;

	if (result == 0)
		end = block.offset;
	reader->damage_bytes = end - begin;
	reader->offset = end;
	if (result < 0)
		return result;
	reader->offset = end + block.block.length_bytes;
	*ret_block = block;
	return 0;
}

int file_reader_pass_header(struct file_reader *reader, uint32_t salt)
{
	struct file_reader_block block;
	int result;

	reader->salt = salt;
	reader->header_bytes = sizeof(struct hm_file_header);
	reader->offset = reader->header_bytes;
	result = file_reader_next(reader, &block);
	if (result < 0)
		return result;
	reader->header_bytes = block.offset;
	reader->offset = block.offset;
	return 0;
}

int file_reader_previous(struct file_reader *reader, struct file_reader_block *ret_block)
{
	uint64_t end = reader->offset;
	struct file_reader_block block;
	uint32_t length;
	int result;

	if (end <= reader->header_bytes)
		return -ENODATA;
	if (end > reader->length_bytes || end - reader->header_bytes < HM_BLOCK_MIN_BYTES)
		return -EBADMSG;
	result = window_fill_before(reader, end, HM_BLOCK_TRAILER_BYTES);
	if (result < 0)
		return result;
	if (!window_has(reader, end - HM_BLOCK_TRAILER_BYTES, HM_BLOCK_TRAILER_BYTES))
		return -EBADMSG;
	length = store_file_peek_trailer(window_at(reader, end - HM_BLOCK_TRAILER_BYTES));
	if (length == 0 || length > end - reader->header_bytes)
		return -EBADMSG;
	result = window_fill_before(reader, end, length);
	if (result == 0)
		result = file_reader_get(reader, end - length, &block);
	if (result < 0)
		return result;
	if (block.block.length_bytes != length)
		return -EBADMSG;
	reader->offset = block.offset;
	*ret_block = block;
	return 0;
}
