/* SPDX-License-Identifier: MIT */
/* The end of the log that the process before left. */

#include "collector/log_end.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "common/log_file.h"

/* Direct reads want memory, offsets and lengths in multiples of this. */
#define DIRECT_BYTES ((size_t)4096)

/* A segment, open twice. */
struct opened {
	const struct disk *disk;
	int fd;
	int direct_fd; /* reads the device; below 0 = the file system cannot do that */
	uint64_t size_bytes;
	uint8_t *seen; /* a block, as the kernel has it */
	uint8_t *held; /* and the device */
};

/* Is a block the same in both? Of what ends within one that is not known: the rest of it could not be read
 * directly. @return 1, 0 or -errno */
static int is_same(const struct opened *opened, uint64_t offset, size_t length)
{
	int result;

	if (opened->direct_fd < 0 || length < DIRECT_BYTES)
		return 0;
	result = disk_read(opened->disk, opened->direct_fd, opened->held, DIRECT_BYTES, offset);
	/* EINVAL: it wants larger reads, and so it cannot be asked either. */
	if (result < 0 && result != -ENODATA && result != -EINVAL && !disk_is_damage(result))
		return result;
	return result == 0 && memcmp(opened->seen, opened->held, DIRECT_BYTES) == 0;
}

/* What cannot be read at all is none of what counts. */
static int repair_block(const struct opened *opened, uint64_t offset)
{
	size_t length = DIRECT_BYTES;
	int result;

	if (offset >= opened->size_bytes)
		return -ENODATA;
	/* A segment that was cut short. */
	if (length > opened->size_bytes - offset)
		length = (size_t)(opened->size_bytes - offset);
	result = disk_read(opened->disk, opened->fd, opened->seen, length, offset);
	if (disk_is_damage(result))
		return 0;
	if (result == 0)
		result = is_same(opened, offset, length);
	if (result != 0)
		return result < 0 ? result : 0;
	return disk_write(opened->disk, opened->fd, opened->seen, length, offset);
}

/* Write again what the device has otherwise than the kernel, or all where that is not known. */
static int repair(const struct opened *opened, uint64_t offset, uint64_t end)
{
	int result = 0;

	for (offset -= offset % DIRECT_BYTES; result == 0 && offset < end; offset += DIRECT_BYTES)
		result = repair_block(opened, offset);
	return result == 0 ? opened->disk->fdatasync(opened->disk->context, opened->fd) : result;
}

static int secure_range(const struct log_end *end, struct opened *opened, uint64_t offset)
{
	struct disk_status status;
	int result = opened->disk->fdatasync(opened->disk->context, opened->fd);

	/* Where the device cannot be asked, a sync that succeeds must do: the first one, and no other. */
	if (result < 0 || (opened->direct_fd < 0 && !end->has_failed))
		return result;
	result = opened->disk->fstat(opened->disk->context, opened->fd, &status);
	if (result < 0)
		return result;
	opened->size_bytes = status.size_bytes;
	opened->seen = aligned_alloc(DIRECT_BYTES, DIRECT_BYTES);
	opened->held = aligned_alloc(DIRECT_BYTES, DIRECT_BYTES);
	if (opened->seen && opened->held)
		result = repair(opened, offset, log_position_offset(end->end));
	else
		result = -ENOMEM;
	free(opened->seen);
	free(opened->held);
	return result;
}

/* Does the file system not read directly? All other errors say nothing of that, and may pass. */
static bool is_refusal(int result)
{
	return result == -EINVAL || result == -EOPNOTSUPP;
}

/*
 * What counts now shall count after the next power cut too. The process before may have ended between
 * its last write and the sync; or after a sync that failed, and then the kernel shows what is not on
 * the disk, and has no error left to tell. What is on the disk already is not written again: it may
 * have been acknowledged.
 */
int log_end_secure(struct log_end *end, const struct disk *disk, int folder)
{
	uint32_t number = log_position_segment(end->end);
	uint64_t offset = HM_LOG_HEADER_BYTES;
	struct opened opened = {.disk = disk};
	char name[LOG_FILE_NAME_BYTES];
	int result;

	if (end->end <= end->durable)
		return 0;
	if (log_position_segment(end->durable) == number)
		offset = log_position_offset(end->durable);
	log_file_name(number, name);
	opened.fd = disk->open(disk->context, folder, name, O_RDWR);
	if (opened.fd < 0)
		return opened.fd;
	opened.direct_fd = disk->open(disk->context, folder, name, O_RDONLY | O_DIRECT);
	if (opened.direct_fd >= 0 || is_refusal(opened.direct_fd))
		result = secure_range(end, &opened, offset);
	else
		result = opened.direct_fd;
	end->has_failed |= result < 0;
	if (opened.direct_fd >= 0)
		(void)disk->close(disk->context, opened.direct_fd);
	(void)disk->close(disk->context, opened.fd);
	return result;
}
