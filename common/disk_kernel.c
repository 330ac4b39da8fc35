/* SPDX-License-Identifier: MIT */
/* The kernel's files and folders, behind the table that the log and the store are given. */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "common/disk.h"

#define FOLDER_MODE 0750
#define FILE_MODE   0640

/* O_NONBLOCK: a FIFO that somebody put there shall not hold us up. */
#define FLAGS_ALWAYS  (O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
#define FLAGS_FOLDER  (O_RDONLY | O_DIRECTORY | FLAGS_ALWAYS)
#define RESOLVE_FLAGS (RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS)

_Static_assert(sizeof(off_t) == 8, "files of more than 2 GiB, also on 32 bit machines");

/* 0, or what errno says. */
static int result_of(int result)
{
	return result < 0 ? -errno : 0;
}

static int open_one(int folder, const char *name, int flags)
{
	int fd;

	/* Upwards is outside, which openat2(2) calls another file system. */
	if (strcmp(name, "..") == 0)
		return -EXDEV;
	fd = openat(folder, name, flags | FLAGS_ALWAYS, FILE_MODE);
	if (fd < 0)
		return -errno;
	return fd;
}

/* Without openat2(2): name by name, none of them a link. */
static int open_stepwise(int folder, const char *path, int flags)
{
	const char *slash = strchr(path, '/');
	char parent[NAME_MAX + 1];
	int parent_fd;
	int fd;

	if (!slash)
		return open_one(folder, path, flags);
	if (slash == path)
		return -EXDEV;
	if (strchr(slash + 1, '/'))
		return -EINVAL;
	if ((size_t)(slash - path) >= sizeof(parent))
		return -ENAMETOOLONG;
	(void)snprintf(parent, sizeof(parent), "%.*s", (int)(slash - path), path);
	parent_fd = open_one(folder, parent, FLAGS_FOLDER);
	if (parent_fd < 0)
		return parent_fd;
	fd = open_one(parent_fd, slash + 1, flags);
	(void)close(parent_fd);
	return fd;
}

static int kernel_open(void *context, int folder, const char *path, int flags)
{
	struct open_how how = {
		.flags = (unsigned)(flags | FLAGS_ALWAYS),
		.mode = (flags & O_CREAT) ? FILE_MODE : 0,
		.resolve = RESOLVE_FLAGS,
	};
	long fd;

	(void)context;
	do
		fd = syscall(SYS_openat2, folder, path, &how, sizeof(how));
	while (fd < 0 && errno == EINTR);
	if (fd >= 0)
		return (int)fd;
	/* Kernels before 5.6, and sandboxes that do not know the call, which say EPERM. */
	if (errno == ENOSYS || errno == EPERM)
		return open_stepwise(folder, path, flags);
	return -errno;
}

static int kernel_close(void *context, int fd)
{
	(void)context;
	return result_of(close(fd));
}

static ssize_t kernel_pread(void *context, int fd, void *bytes, size_t length, uint64_t offset)
{
	ssize_t n;

	(void)context;
	if (offset > INT64_MAX)
		return -EINVAL;
	n = pread(fd, bytes, length, (off_t)offset);
	return n < 0 ? -errno : n;
}

static ssize_t kernel_pwrite(void *context, int fd, const void *bytes, size_t length,
			     uint64_t offset)
{
	ssize_t n;

	(void)context;
	if (offset > INT64_MAX)
		return -EFBIG;
	n = pwrite(fd, bytes, length, (off_t)offset);
	return n < 0 ? -errno : n;
}

/* No sync is tried again, not even after EINTR: what a failed one left undone, the next would call done. */
static int kernel_fdatasync(void *context, int fd)
{
	(void)context;
	return result_of(fdatasync(fd));
}

static int kernel_fsync(void *context, int fd)
{
	(void)context;
	return result_of(fsync(fd));
}

static int kernel_syncfs(void *context, int fd)
{
	(void)context;
	return result_of(syncfs(fd));
}

/*
 * Room that is had is to be used, on btrfs too: there an overwrite goes elsewhere, and so finds a disk
 * full that has room for it, unless the file was told otherwise while it was empty. Elsewhere nobody
 * knows the flag; without it a write may fail, and that is dealt with.
 */
static void write_in_place(int fd)
{
	int flags;

	if (ioctl(fd, FS_IOC_GETFLAGS, &flags) < 0 || flags & FS_NOCOW_FL)
		return;
	flags |= FS_NOCOW_FL;
	(void)ioctl(fd, FS_IOC_SETFLAGS, &flags);
}

static int kernel_fallocate(void *context, int fd, uint64_t offset, uint64_t length)
{
	int result;

	(void)context;
	if (offset > INT64_MAX || length > INT64_MAX)
		return -EFBIG;
	write_in_place(fd);
	do
		result = result_of(fallocate(fd, 0, (off_t)offset, (off_t)length));
	while (result == -EINTR);
	return result;
}

static int kernel_punch(void *context, int fd, uint64_t offset, uint64_t length)
{
	int result;

	(void)context;
	if (offset > INT64_MAX || length > INT64_MAX)
		return -EFBIG;
	do {
		result = result_of(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
					     (off_t)offset, (off_t)length));
	} while (result == -EINTR);
	return result;
}

static int kernel_ftruncate(void *context, int fd, uint64_t length)
{
	int result;

	(void)context;
	if (length > INT64_MAX)
		return -EFBIG;
	do
		result = result_of(ftruncate(fd, (off_t)length));
	while (result == -EINTR);
	return result;
}

static int kernel_fstat(void *context, int fd, struct disk_status *ret_status)
{
	struct stat status;

	(void)context;
	if (fstat(fd, &status) < 0)
		return -errno;
	*ret_status = (struct disk_status){
		.is_file = S_ISREG(status.st_mode),
		.is_folder = S_ISDIR(status.st_mode),
		.is_removed = status.st_nlink == 0,
		.size_bytes = (uint64_t)status.st_size,
		.allocated_bytes = (uint64_t)status.st_blocks * 512,
	};
	return 0;
}

static int kernel_rename(void *context, int folder, const char *from, const char *to)
{
	(void)context;
	return result_of(renameat(folder, from, folder, to));
}

static int kernel_unlink(void *context, int folder, const char *name)
{
	(void)context;
	return result_of(unlinkat(folder, name, 0));
}

static int kernel_mkdir(void *context, int folder, const char *name)
{
	(void)context;
	return result_of(mkdirat(folder, name, FOLDER_MODE));
}

static bool is_dot(const char *name)
{
	return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

static int take_each(DIR *stream, int (*take)(void *argument, const char *name), void *argument)
{
	int result = 0;

	while (result == 0) {
		const struct dirent *entry;

		errno = 0;
		entry = readdir(stream);
		if (!entry)
			return -errno;
		if (!is_dot(entry->d_name))
			result = take(argument, entry->d_name);
	}
	return result;
}

static int kernel_list(void *context, int folder, int (*take)(void *argument, const char *name),
		       void *argument)
{
	/* Not dup(2): two who list one folder would share the place they have come to. */
	int fd = openat(folder, ".", FLAGS_FOLDER);
	DIR *stream;
	int result;

	(void)context;
	if (fd < 0)
		return -errno;
	stream = fdopendir(fd);
	if (!stream) {
		result = -errno;
		(void)close(fd);
		return result;
	}
	result = take_each(stream, take, argument);
	(void)closedir(stream);
	return result;
}

static int64_t clock_us(clockid_t clock)
{
	struct timespec now = {0};

	/* These two clocks are always there. */
	(void)clock_gettime(clock, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static int64_t kernel_now_us(void *context)
{
	(void)context;
	return clock_us(CLOCK_REALTIME);
}

static int64_t kernel_monotonic_us(void *context)
{
	(void)context;
	return clock_us(CLOCK_MONOTONIC);
}

static int kernel_random(void *context, void *bytes, size_t length)
{
	size_t done = 0;

	(void)context;
	while (done < length) {
		ssize_t n = getrandom((char *)bytes + done, length - done, 0);

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0)
			done += (size_t)n;
	}
	return 0;
}

const struct disk disk_kernel = {
	.open = kernel_open,
	.close = kernel_close,
	.pread = kernel_pread,
	.pwrite = kernel_pwrite,
	.fdatasync = kernel_fdatasync,
	.fsync = kernel_fsync,
	.syncfs = kernel_syncfs,
	.fallocate = kernel_fallocate,
	.ftruncate = kernel_ftruncate,
	.punch = kernel_punch,
	.fstat = kernel_fstat,
	.rename = kernel_rename,
	.unlink = kernel_unlink,
	.mkdir = kernel_mkdir,
	.list = kernel_list,
	.now_us = kernel_now_us,
	.monotonic_us = kernel_monotonic_us,
	.random = kernel_random,
};
