/* SPDX-License-Identifier: MIT */
/* The spool's segment that is being written. */

#include "agent/spool_segment.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "agent/spool_record.h"

/* As a log's: where a file system cannot preallocate a write may fail, and is dealt with then. */
static int fill_file(const struct spool_segment *segment)
{
	const struct disk *disk = segment->disk;
	int result = disk->fallocate(disk->context, segment->fd, 0, segment->n_bytes);

	if (result == -EOPNOTSUPP || result == -ENOSYS)
		result = disk->ftruncate(disk->context, segment->fd, segment->n_bytes);
	if (result == 0)
		result = disk->fsync(disk->context, segment->fd);
	return result == 0 ? disk->fsync(disk->context, segment->folder) : result;
}

/* The second header, at the end: what the first one says is needed to read anything. */
static int put_headers(struct spool_segment *segment)
{
	struct log_file_header header = {.number = segment->number, .salt = segment->salt};
	const struct disk *disk = segment->disk;
	int result;

	memcpy(header.store_id, SPOOL_STORE_ID, HM_ID_BYTES);
	header.created_us = disk->now_us(disk->context);
	buffer_clear(&segment->scratch);
	log_file_put_header(&segment->scratch, &header);
	if (buffer_failed(&segment->scratch))
		return -ENOMEM;
	result = disk_write(disk, segment->fd, segment->scratch.data, HM_LOG_HEADER_BYTES, 0);
	if (result == 0)
		result = disk_write(disk, segment->fd, segment->scratch.data, HM_LOG_HEADER_BYTES,
				    segment->n_bytes - HM_LOG_HEADER_BYTES);
	return result;
}

int spool_segment_begin(struct spool_segment *segment, uint32_t number, uint64_t n_bytes)
{
	const struct disk *disk = segment->disk;
	char name[LOG_FILE_NAME_BYTES];
	int result = disk->random(disk->context, &segment->salt, sizeof(segment->salt));

	if (result < 0)
		return result;
	log_file_name(number, name);
	result = disk->open(disk->context, segment->folder, name, O_RDWR | O_CREAT | O_EXCL);
	if (result < 0)
		return result;
	segment->fd = result;
	segment->number = number;
	segment->n_bytes = n_bytes;
	segment->end = HM_LOG_HEADER_BYTES;
	result = fill_file(segment);
	if (result == 0)
		result = put_headers(segment);
	if (result < 0)
		spool_segment_close(segment);
	return result;
}

bool spool_segment_has_room(const struct spool_segment *segment, size_t payload_bytes,
			    bool is_control)
{
	uint64_t wanted = segment->end + log_file_record_bytes(payload_bytes) + HM_LOG_HEADER_BYTES;

	if (!is_control)
		wanted += segment->n_bytes / SPOOL_CONTROL_PART;
	return wanted <= segment->n_bytes;
}

int spool_segment_put(struct spool_segment *segment, struct log_record *record)
{
	int result;

	record->position = log_position(segment->number, segment->end);
	buffer_clear(&segment->scratch);
	log_file_put_record(&segment->scratch, segment->salt, record);
	if (buffer_failed(&segment->scratch))
		return -ENOMEM;
	result = disk_write(segment->disk, segment->fd, segment->scratch.data,
			    segment->scratch.length, segment->end);
	if (result == 0)
		segment->end += segment->scratch.length;
	return result;
}

int spool_segment_sync(struct spool_segment *segment)
{
	return segment->disk->fdatasync(segment->disk->context, segment->fd);
}

bool spool_segment_is_removed(const struct spool_segment *segment)
{
	struct disk_status status = {.is_removed = false};

	return segment->fd >= 0 &&
	       segment->disk->fstat(segment->disk->context, segment->fd, &status) == 0 &&
	       status.is_removed;
}

void spool_segment_close(struct spool_segment *segment)
{
	if (segment->fd >= 0)
		(void)segment->disk->close(segment->disk->context, segment->fd);
	segment->fd = -1;
}

void spool_segment_done(struct spool_segment *segment)
{
	spool_segment_close(segment);
	buffer_done(&segment->scratch);
}
