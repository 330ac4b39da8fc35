/* SPDX-License-Identifier: MIT */
/* The write-ahead log, as its only writer sees it. */

#include "collector/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#define RESERVE_NAME "reserve"

/* Parts of a segment: what is kept free on the disk, and in a segment for other records than batches. */
#define RESERVE_PART 4
#define CONTROL_PART 16
#define SMALL_PART   8 /* what a small segment has of a usual one's length */

/* Direct reads want memory, offsets and lengths in multiples of this. */
#define DIRECT_ALIGN ((size_t)4096)

void log_init(struct log *log, const struct log_options *options)
{
	*log = (struct log){.options = *options, .fd = -1};
}

void log_forget(struct log *log)
{
	buffer_clear(&log->pending);
	log->end = log->written;
}

static void close_segment(struct log *log)
{
	if (log->fd >= 0)
		(void)log->options.disk->close(log->options.disk->context, log->fd);
	log->fd = -1;
	log_forget(log);
}

void log_done(struct log *log)
{
	if (log->options.disk)
		close_segment(log);
	buffer_done(&log->pending);
}

bool log_is_open(const struct log *log)
{
	return log->fd >= 0;
}

/* Have the whole of a new file on the disk. Where a file system cannot preallocate, or copies on
 * write, a write can still fail, and is dealt with then. */
static int fill_file(const struct log *log, int fd, uint64_t n_bytes)
{
	const struct disk *disk = log->options.disk;
	int result = disk->fallocate(disk->context, fd, 0, n_bytes);

	if (result == -EOPNOTSUPP || result == -ENOSYS)
		result = disk->ftruncate(disk->context, fd, n_bytes);
	return result == 0 ? disk->fsync(disk->context, fd) : result;
}

/* Make a file of the log's folder, whole and durable. @return a descriptor, or -errno with no file */
static int make_file(const struct log *log, const char *name, uint64_t n_bytes)
{
	const struct disk *disk = log->options.disk;
	int fd = disk->open(disk->context, log->options.folder, name, O_RDWR | O_CREAT | O_EXCL);
	int result;

	if (fd < 0)
		return fd;
	result = fill_file(log, fd, n_bytes);
	if (result == 0)
		result = disk->fsync(disk->context, log->options.folder);
	if (result == 0)
		return fd;
	(void)disk->close(disk->context, fd);
	/* Its room is wanted elsewhere. */
	(void)disk->unlink(disk->context, log->options.folder, name);
	return result;
}

uint64_t log_disk_bytes(const struct log *log, uint64_t n_segments)
{
	uint64_t segment_bytes = log->options.segment_bytes;

	return n_segments * segment_bytes + (log->has_reserve ? segment_bytes / RESERVE_PART : 0);
}

int log_keep_reserve(struct log *log)
{
	const struct disk *disk = log->options.disk;
	int fd;

	if (log->has_reserve)
		return 0;
	/* One that was left behind may be half made. */
	(void)disk->unlink(disk->context, log->options.folder, RESERVE_NAME);
	fd = make_file(log, RESERVE_NAME, log->options.segment_bytes / RESERVE_PART);
	if (fd < 0)
		return fd;
	(void)disk->close(disk->context, fd);
	log->has_reserve = true;
	return 0;
}

int log_release_reserve(struct log *log)
{
	const struct disk *disk = log->options.disk;

	log->has_reserve = false;
	return disk->unlink(disk->context, log->options.folder, RESERVE_NAME);
}

/* The second header, at the end: what the first one says is needed to read anything. */
static int put_headers(struct log *log, int fd, const struct log_file_header *header,
		       uint64_t n_bytes)
{
	log_file_put_header(&log->pending, header);
	if (buffer_failed(&log->pending))
		return -ENOMEM;
	return disk_write(log->options.disk, fd, log->pending.data, HM_LOG_HEADER_BYTES,
			  n_bytes - HM_LOG_HEADER_BYTES);
}

static int begin(struct log *log, uint32_t number, uint64_t n_bytes)
{
	struct log_file_header header = {.number = number};
	const struct disk *disk = log->options.disk;
	char name[LOG_FILE_NAME_BYTES];
	int result = disk->random(disk->context, &header.salt, sizeof(header.salt));
	int fd;

	if (result < 0)
		return result;
	header.created_us = disk->now_us(disk->context);
	memcpy(header.store_id, log->options.store_id, HM_ID_BYTES);
	log_file_name(number, name);
	fd = make_file(log, name, n_bytes);
	if (fd < 0)
		return fd;
	/* Last, so that what was given to a checkpoint is not taken back while there is no more. */
	if (n_bytes == log->options.segment_bytes)
		result = log_keep_reserve(log);
	if (result == 0)
		result = put_headers(log, fd, &header, n_bytes);
	if (result < 0) {
		buffer_clear(&log->pending);
		(void)disk->close(disk->context, fd);
		(void)log_unlink(log, number);
		return result;
	}
	if (log->fd >= 0)
		(void)disk->close(disk->context, log->fd);
	log->fd = fd;
	log->number = number;
	log->segment_bytes = n_bytes;
	log->salt = header.salt;
	log->written = 0;
	log->end = HM_LOG_HEADER_BYTES;
	return 0;
}

int log_begin(struct log *log, uint32_t number)
{
	return begin(log, number, log->options.segment_bytes);
}

int log_begin_small(struct log *log, uint32_t number)
{
	(void)log_release_reserve(log);
	return begin(log, number, log->options.segment_bytes / SMALL_PART);
}

void log_abandon(struct log *log)
{
	log->written = 0;
	close_segment(log);
	(void)log_unlink(log, log->number);
}

bool log_is_small(const struct log *log)
{
	return log->fd >= 0 && log->segment_bytes < log->options.segment_bytes;
}

bool log_has_room(const struct log *log, bool is_content, size_t payload_bytes)
{
	uint64_t wanted = log->end + log_file_record_bytes(payload_bytes) + HM_LOG_HEADER_BYTES;

	if (is_content && log_is_small(log))
		return false;
	if (is_content)
		wanted += log->segment_bytes / CONTROL_PART;
	return wanted <= log->segment_bytes;
}

int log_add(struct log *log, struct log_record *record)
{
	size_t length = log->pending.length;

	record->position = log_position(log->number, log->end);
	record->durable = log->durable;
	log_file_put_record(&log->pending, log->salt, record);
	if (buffer_failed(&log->pending)) {
		log->pending.length = length;
		log->pending.failed = false;
		return -ENOMEM;
	}
	log->end += log->pending.length - length;
	return 0;
}

int log_commit(struct log *log)
{
	const struct disk *disk = log->options.disk;
	uint64_t durable = log->durable;
	int64_t start_us;
	int64_t took_us;
	int result;

	if (log->fd < 0)
		return -EBADF;
	if (log->pending.length == 0)
		return 0;
	start_us = disk->monotonic_us(disk->context);
	result = disk_write(disk, log->fd, log->pending.data, log->pending.length, log->written);
	if (result == 0)
		result = disk->fdatasync(disk->context, log->fd);
	if (result < 0) {
		log->n_failed++;
		close_segment(log);
		return result;
	}
	took_us = disk->monotonic_us(disk->context) - start_us;
	if (took_us > log->sync_longest_us)
		log->sync_longest_us = took_us;
	log->n_syncs++;
	log->n_bytes += log->pending.length;
	log->written = log->end;
	log->durable = log_position(log->number, log->end);
	log->said = durable;
	buffer_clear(&log->pending);
	return 0;
}

/* Go over the records that lie in a segment's first bytes. */
static uint64_t count_damage(const uint8_t *bytes, size_t length, uint32_t number, uint32_t salt)
{
	uint64_t n_damaged = 0;
	size_t offset = HM_LOG_HEADER_BYTES;
	bool was_good = true;

	while (offset < length) {
		struct log_record record;
		int result = log_file_get_record(bytes + offset, length - offset, salt,
						 log_position(number, offset), &record);
		bool is_good = result == 0;

		n_damaged += was_good && !is_good;
		was_good = is_good;
		offset += is_good || result == -EILSEQ ? log_file_record_bytes(record.payload_bytes)
						       : HM_RECORD_ALIGN;
	}
	return n_damaged;
}

static int verify_open(const struct log *log, int fd, uint32_t number, uint64_t end_offset,
		       uint64_t *ret_n_damaged)
{
	size_t n_bytes = ((size_t)end_offset + DIRECT_ALIGN - 1) / DIRECT_ALIGN * DIRECT_ALIGN;
	uint8_t *bytes = aligned_alloc(DIRECT_ALIGN, n_bytes + DIRECT_ALIGN);
	struct log_file_header header;
	int result;

	if (!bytes)
		return -ENOMEM;
	result = disk_read(log->options.disk, fd, bytes, n_bytes, 0);
	if (result == 0) {
		*ret_n_damaged = 1;
		if (log_file_get_header(bytes, n_bytes, &header) == 0)
			*ret_n_damaged =
				count_damage(bytes, (size_t)end_offset, number, header.salt);
	}
	free(bytes);
	return result == -EINVAL ? -EOPNOTSUPP : result;
}

int log_verify(const struct log *log, uint32_t number, uint64_t end_offset, uint64_t *ret_n_damaged)
{
	const struct disk *disk = log->options.disk;
	char name[LOG_FILE_NAME_BYTES];
	int result;
	int fd;

	log_file_name(number, name);
	fd = disk->open(disk->context, log->options.folder, name, O_RDONLY | O_DIRECT);
	if (fd < 0)
		return fd == -EINVAL ? -EOPNOTSUPP : fd;
	result = verify_open(log, fd, number, end_offset, ret_n_damaged);
	(void)disk->close(disk->context, fd);
	return result;
}

int log_unlink(struct log *log, uint32_t number)
{
	const struct disk *disk = log->options.disk;
	char name[LOG_FILE_NAME_BYTES];

	log_file_name(number, name);
	return disk->unlink(disk->context, log->options.folder, name);
}
