/* SPDX-License-Identifier: MIT */
/* A segment of the log, opened for reading. */

#include "common/log_segment.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

/* What is read at once by who goes through a segment, and by who jumps about in it: the records of one host of many lie
 * far from each other. */
#define WINDOW_BYTES ((size_t)256 << 10)
#define JUMP_BYTES   ((size_t)8 << 10)

/* Ranges of zeros are passed over by so much. */
#define ZEROS_BYTES ((size_t)4096)

#define OPEN_TRIES 2

static int read_header(struct log_segment *segment, uint64_t offset)
{
	uint8_t bytes[HM_LOG_HEADER_BYTES];
	ssize_t n_bytes = disk_salvage(segment->disk, segment->fd, bytes, sizeof(bytes), offset,
				       &segment->loss);

	if (n_bytes < 0)
		return (int)n_bytes;
	if ((size_t)n_bytes < sizeof(bytes))
		return -EINVAL;
	return log_file_get_header(bytes, sizeof(bytes), &segment->header);
}

static int open_file(struct log_segment *segment, int folder, const char *name)
{
	const struct disk *disk = segment->disk;
	struct disk_status status = {.size_bytes = 0};
	int result = segment->fd = disk->open(disk->context, folder, name, O_RDONLY);

	if (result >= 0)
		result = disk->fstat(disk->context, segment->fd, &status);
	if (result == 0 &&
	    (!status.is_file || status.size_bytes < (uint64_t)2 * HM_LOG_HEADER_BYTES ||
	     status.size_bytes > UINT32_MAX))
		result = -EINVAL;
	if (result == 0)
		segment->end_bytes = status.size_bytes - HM_LOG_HEADER_BYTES;
	else if (segment->fd >= 0)
		(void)disk->close(disk->context, segment->fd);
	if (result < 0)
		segment->fd = -1;
	return result;
}

int log_segment_open(struct log_segment *segment, const struct disk *disk, int folder,
		     uint32_t number)
{
	char name[LOG_FILE_NAME_BYTES];
	int result = -EIO;

	*segment = (struct log_segment){.disk = disk, .fd = -1};
	log_file_name(number, name);
	/* Who calls will take it as lost: once is no proof. */
	for (int i = 0; i < OPEN_TRIES && disk_is_damage(result); i++)
		result = open_file(segment, folder, name);
	if (result < 0)
		return result;
	result = read_header(segment, 0);
	if (result == -EINVAL || result == -EBADMSG)
		result = read_header(segment, segment->end_bytes);
	if (result < 0 && segment->loss.n_bytes > 0)
		result = -EIO;
	segment->loss = (struct disk_loss){0};
	if (result == 0 && segment->header.number != number)
		result = -EXDEV;
	if (result < 0)
		log_segment_close(segment);
	return result;
}

void log_segment_close(struct log_segment *segment)
{
	if (segment->disk && segment->fd >= 0)
		(void)segment->disk->close(segment->disk->context, segment->fd);
	free(segment->window);
	*segment = (struct log_segment){.fd = -1};
}

/* Read so much into the window, or up to the end. */
static int fill_window(struct log_segment *segment, uint64_t offset, size_t wanted)
{
	const uint64_t skip = offset - segment->window_offset;
	const bool goes_on = offset > segment->window_offset && skip <= segment->window_bytes;
	size_t n_bytes = goes_on ? WINDOW_BYTES : JUMP_BYTES;
	ssize_t n_read;

	if (n_bytes < wanted)
		n_bytes = wanted;
	if (n_bytes > segment->end_bytes - offset)
		n_bytes = (size_t)(segment->end_bytes - offset);
	segment->window_bytes = 0;
	if (n_bytes > segment->window_capacity) {
		uint8_t *window = realloc(segment->window, n_bytes);

		if (!window)
			return -ENOMEM;
		segment->window = window;
		segment->window_capacity = n_bytes;
	}
	n_read = disk_salvage(segment->disk, segment->fd, segment->window, n_bytes, offset,
			      &segment->loss);
	if (n_read < 0)
		return (int)n_read;
	/* It became shorter meanwhile. */
	memset(segment->window + n_read, 0, n_bytes - (size_t)n_read);
	segment->window_offset = offset;
	segment->window_bytes = n_bytes;
	return 0;
}

/*
 * Have so many bytes at an offset in the window, fewer only at the end.
 * @param ret_n_bytes  how many there are
 */
static int get_window(struct log_segment *segment, uint64_t offset, size_t wanted,
		      const uint8_t **ret_bytes, size_t *ret_n_bytes)
{
	uint64_t skip;

	if (wanted > segment->end_bytes - offset)
		wanted = (size_t)(segment->end_bytes - offset);
	if (offset < segment->window_offset ||
	    offset - segment->window_offset > segment->window_bytes ||
	    segment->window_bytes - (offset - segment->window_offset) < wanted) {
		int result = fill_window(segment, offset, wanted);

		if (result < 0)
			return result;
	}
	skip = offset - segment->window_offset;
	*ret_bytes = segment->window + skip;
	*ret_n_bytes = segment->window_bytes - (size_t)skip;
	return 0;
}

int log_segment_read(struct log_segment *segment, uint64_t offset, struct log_record *ret_record)
{
	uint64_t position = log_position(segment->header.number, offset);
	const uint8_t *bytes;
	size_t n_bytes;
	int result;

	if (offset % HM_RECORD_ALIGN != 0 || offset < HM_LOG_HEADER_BYTES)
		return -EBADMSG;
	if (offset >= segment->end_bytes)
		return -ENODATA;
	result = get_window(segment, offset, HM_RECORD_HEADER_BYTES, &bytes, &n_bytes);
	if (result < 0)
		return result;
	result = log_file_get_record(bytes, n_bytes, segment->header.salt, position, ret_record);
	if (result != -EMSGSIZE)
		return result;
	/* Not all of it is in the window, or it is not whole. */
	result = get_window(segment, offset, log_file_record_bytes(ret_record->payload_bytes),
			    &bytes, &n_bytes);
	if (result < 0)
		return result;
	return log_file_get_record(bytes, n_bytes, segment->header.salt, position, ret_record);
}

/* Do so many zeros follow? */
static bool is_blank(struct log_segment *segment, uint64_t offset)
{
	static const uint8_t zeros[ZEROS_BYTES];
	const uint8_t *bytes;
	size_t n_bytes;

	return offset % ZEROS_BYTES == 0 &&
	       get_window(segment, offset, ZEROS_BYTES, &bytes, &n_bytes) == 0 &&
	       n_bytes >= ZEROS_BYTES && memcmp(bytes, zeros, ZEROS_BYTES) == 0;
}

int log_segment_find(struct log_segment *segment, uint64_t offset, struct log_record *ret_record)
{
	while (offset < segment->end_bytes) {
		int result;

		if (is_blank(segment, offset)) {
			offset += ZEROS_BYTES;
			continue;
		}
		result = log_segment_read(segment, offset, ret_record);
		if (result != -EBADMSG && result != -EMSGSIZE && result != -ENODATA)
			return result;
		offset += HM_RECORD_ALIGN;
	}
	return -ENODATA;
}

uint64_t log_segment_behind(const struct log_record *record)
{
	return log_position_offset(record->position) + log_file_record_bytes(record->payload_bytes);
}
