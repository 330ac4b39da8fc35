/* SPDX-License-Identifier: MIT */
/* Copies of files, with blocks shared where the file system can do that. */

#include "collector/snapshot_copy.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hostmetrics/format.h"

#define ROOM_BYTES ((size_t)1 << 20)

/* What is a hole is one in such pieces. */
#define PAGE_BYTES ((size_t)4096)

/* Synced when so much was written, so that the last sync of all has little to do. */
#define SYNC_BYTES ((uint64_t)128 << 20)

#define FILE_MODE   0640
#define FOLDER_MODE 0750

int snapshot_copy_init(struct snapshot_copy *copy, int folder)
{
	*copy = (struct snapshot_copy){.folder = folder, .room = malloc(ROOM_BYTES)};
	return copy->room ? 0 : -ENOMEM;
}

void snapshot_copy_done(struct snapshot_copy *copy)
{
	free(copy->room);
	copy->room = NULL;
}

int snapshot_copy_sync(struct snapshot_copy *copy)
{
	copy->unsynced_bytes = 0;
	return syncfs(copy->folder) < 0 ? -errno : 0;
}

int snapshot_copy_folder(struct snapshot_copy *copy, const char *path)
{
	if (mkdirat(copy->folder, path, FOLDER_MODE) < 0 && errno != EEXIST)
		return -errno;
	return 0;
}

/* @return 0; -EOPNOTSUPP: it has to be copied */
static int clone_file(struct snapshot_copy *copy, int from, int to, uint64_t length_bytes)
{
	if (copy->cannot_clone)
		return -EOPNOTSUPP;
	if (ioctl(to, FICLONE, from) < 0) {
		/* A file may have no other blocks than these: NOCOW, say. */
		copy->cannot_clone =
			errno == EOPNOTSUPP || errno == EXDEV || errno == ENOTTY || errno == ENOSYS;
		return errno == ENOSPC || errno == EDQUOT ? -errno : -EOPNOTSUPP;
	}
	/* What was appended in between is not ours. */
	return ftruncate(to, (off_t)length_bytes) < 0 ? -errno : 0;
}

static int write_all(int fd, const char *bytes, size_t length, uint64_t offset)
{
	while (length > 0) {
		ssize_t n = pwrite(fd, bytes, length, (off_t)offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		bytes += n;
		length -= (size_t)n;
		offset += (uint64_t)n;
	}
	return 0;
}

/* How many bytes from here on are pages of zeros, or are none. */
static size_t measure_run(const char *bytes, size_t length, bool is_zero)
{
	static const char zeros[PAGE_BYTES];
	size_t n = 0;

	while (n < length) {
		size_t page = length - n < PAGE_BYTES ? length - n : PAGE_BYTES;

		if ((memcmp(bytes + n, zeros, page) == 0) != is_zero)
			break;
		n += page;
	}
	return n;
}

/* Pages of zeros stay holes: what was given back to the file system takes no room in the copy. The file
 * system is not asked where its holes are, since some have told of holes where data was to be written. */
static int write_pages(struct snapshot_copy *copy, int to, size_t length, uint64_t offset)
{
	size_t at = measure_run(copy->room, length, true);
	int result = 0;

	while (at < length && result == 0) {
		size_t n = measure_run(copy->room + at, length - at, false);

		result = write_all(to, copy->room + at, n, offset + at);
		copy->unsynced_bytes += n;
		at += n;
		at += measure_run(copy->room + at, length - at, true);
	}
	return result;
}

static int copy_bytes(struct snapshot_copy *copy, int from, int to, uint64_t length_bytes)
{
	uint64_t offset = 0;
	int result = ftruncate(to, (off_t)length_bytes) < 0 ? -errno : 0;

	while (offset < length_bytes && result == 0) {
		uint64_t left = length_bytes - offset;
		ssize_t n = pread(from, copy->room, left < ROOM_BYTES ? (size_t)left : ROOM_BYTES,
				  (off_t)offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -ESTALE;
		result = write_pages(copy, to, (size_t)n, offset);
		offset += (uint64_t)n;
		if (result == 0 && copy->unsynced_bytes >= SYNC_BYTES)
			result = snapshot_copy_sync(copy);
		if (result == 0 && copy->check)
			result = copy->check(copy->context);
	}
	return result;
}

/* @param ret_fd  of the copy, open for writing */
static int copy_to(struct snapshot_copy *copy, int fd, uint64_t length_bytes, const char *path,
		   int *ret_fd)
{
	struct stat status;
	int result;
	int to;

	if (fstat(fd, &status) < 0)
		return -errno;
	if ((uint64_t)status.st_size < length_bytes)
		return -ESTALE;
	to = openat(copy->folder, path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
		    FILE_MODE);
	if (to < 0)
		return -errno;
	result = clone_file(copy, fd, to, length_bytes);
	if (result == 0)
		copy->n_cloned++;
	else if (result == -EOPNOTSUPP)
		result = copy_bytes(copy, fd, to, length_bytes);
	if (result < 0) {
		(void)close(to);
		return result;
	}
	copy->n_files++;
	copy->n_bytes += length_bytes;
	*ret_fd = to;
	return 0;
}

int snapshot_copy_file(struct snapshot_copy *copy, int fd, uint64_t length_bytes, const char *path)
{
	int to = -1;
	int result = copy_to(copy, fd, length_bytes, path, &to);

	if (result < 0)
		return result;
	return close(to) < 0 ? -errno : 0;
}

/* Have the copy as long as the segment, with zeros behind what counts, and the second header. */
static int complete_segment(int from, int to, uint64_t size_bytes)
{
	char header[HM_LOG_HEADER_BYTES];
	off_t offset = (off_t)(size_bytes - HM_LOG_HEADER_BYTES);

	if (ftruncate(to, (off_t)size_bytes) < 0)
		return -errno;
	if (pread(from, header, sizeof(header), offset) != (ssize_t)sizeof(header))
		return -EIO;
	if (pwrite(to, header, sizeof(header), offset) != (ssize_t)sizeof(header))
		return -EIO;
	return 0;
}

int snapshot_copy_segment(struct snapshot_copy *copy, int fd, uint64_t end_offset, const char *path)
{
	struct stat status;
	uint64_t size_bytes;
	int result;
	int to = -1;

	if (fstat(fd, &status) < 0)
		return -errno;
	size_bytes = (uint64_t)status.st_size;
	if (end_offset > size_bytes)
		end_offset = size_bytes;
	result = copy_to(copy, fd, end_offset, path, &to);
	if (result < 0)
		return result;
	if (end_offset < size_bytes && size_bytes >= (uint64_t)HM_LOG_HEADER_BYTES * 2)
		result = complete_segment(fd, to, size_bytes);
	if (close(to) < 0 && result == 0)
		result = -errno;
	return result;
}
