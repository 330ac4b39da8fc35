/* SPDX-License-Identifier: MIT */
/* Folders and files of the store. */

#include "collector/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define FOLDER_MODE 0750
#define PARENT_MODE 0755
#define FILE_MODE   0640

/* O_NONBLOCK: a FIFO that somebody put there shall not hold us up. */
#define FLAGS_ALWAYS (O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)

/* Copy a path without the slashes at its end: with one, open(2) would follow a link. */
static int trim_path(const char *path, char out[static PATH_MAX])
{
	size_t length = strlen(path);

	if (length == 0)
		return -ENOENT;
	if (length >= PATH_MAX)
		return -ENAMETOOLONG;
	memcpy(out, path, length + 1);
	while (length > 1 && out[length - 1] == '/')
		out[--length] = '\0';
	return 0;
}

static int make_one(const char *path, mode_t mode, uid_t owner, gid_t group)
{
	if (mkdir(path, mode) < 0)
		return errno == EEXIST ? 0 : -errno;
	if (owner != (uid_t)-1 && lchown(path, owner, group) < 0)
		return -errno;
	return 0;
}

int folder_make(const char *path, uid_t owner, gid_t group)
{
	char trimmed[PATH_MAX];
	int result = trim_path(path, trimmed);

	for (char *slash = trimmed; result == 0 && (slash = strchr(slash + 1, '/'));) {
		*slash = '\0';
		result = make_one(trimmed, PARENT_MODE, (uid_t)-1, (gid_t)-1);
		/* A parent that is there and may not be written to is no obstacle. */
		if (result < 0 && access(trimmed, X_OK) == 0)
			result = 0;
		*slash = '/';
	}
	return result < 0 ? result : make_one(trimmed, FOLDER_MODE, owner, group);
}

int folder_open(const char *path)
{
	char trimmed[PATH_MAX];
	struct stat status;
	int result = trim_path(path, trimmed);
	int fd;

	if (result < 0)
		return result;
	fd = open(trimmed, O_RDONLY | O_DIRECTORY | FLAGS_ALWAYS);
	if (fd < 0) {
		result = -errno;
		/* What is said of a link with O_DIRECTORY is that it is no folder. */
		if (result == -ENOTDIR && lstat(trimmed, &status) == 0 && S_ISLNK(status.st_mode))
			result = -ELOOP;
		return result;
	}
	if (fstat(fd, &status) < 0)
		result = -errno;
	else if (status.st_uid != geteuid())
		result = -EPERM;
	else if (status.st_mode & S_IWOTH)
		result = -EACCES;
	if (result < 0) {
		(void)close(fd);
		return result;
	}
	return fd;
}

int folder_make_inside(int folder_fd, const char *name)
{
	int result;

	if (mkdirat(folder_fd, name, FOLDER_MODE) < 0)
		return errno == EEXIST ? 0 : -errno;
	if (fsync(folder_fd) == 0)
		return 0;
	/* The next call shall not find a folder that is not safe. */
	result = -errno;
	(void)unlinkat(folder_fd, name, AT_REMOVEDIR);
	return result;
}

int folder_open_stepwise(int folder_fd, const char *folder, const char *name, int flags)
{
	int parent_flags = O_RDONLY | O_DIRECTORY | FLAGS_ALWAYS;
	int parent_fd;
	int fd;

	if (!name)
		return (fd = openat(folder_fd, folder, flags | FLAGS_ALWAYS)) < 0 ? -errno : fd;
	parent_fd = openat(folder_fd, folder, parent_flags);
	if (parent_fd < 0)
		return -errno;
	fd = openat(parent_fd, name, flags | FLAGS_ALWAYS, FILE_MODE);
	if (fd < 0)
		fd = -errno;
	(void)close(parent_fd);
	return fd;
}

int folder_open_inside(int folder_fd, const char *folder, const char *name, int flags)
{
	struct open_how how = {
		.flags = (unsigned)(flags | FLAGS_ALWAYS),
		.mode = (flags & O_CREAT) ? FILE_MODE : 0,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS,
	};
	char path[PATH_MAX];
	int length =
		snprintf(path, sizeof(path), "%s%s%s", folder, name ? "/" : "", name ? name : "");
	long fd;

	if (length < 0 || (size_t)length >= sizeof(path))
		return -ENAMETOOLONG;
	fd = syscall(SYS_openat2, folder_fd, path, &how, sizeof(how));
	if (fd >= 0)
		return (int)fd;
	/* Kernels before 5.6, and sandboxes that do not know the call, which say EPERM. */
	if (errno == ENOSYS || errno == EPERM)
		return folder_open_stepwise(folder_fd, folder, name, flags);
	return -errno;
}

int folder_sync(int folder_fd, const char *folder)
{
	int fd = folder_open_inside(folder_fd, folder, NULL, O_RDONLY | O_DIRECTORY);
	int result = 0;

	if (fd < 0)
		return fd;
	if (fsync(fd) < 0)
		result = -errno;
	if (close(fd) < 0 && result == 0)
		result = -errno;
	return result;
}
