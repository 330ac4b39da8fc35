/* SPDX-License-Identifier: MIT */
/* The folder of the store. */

#include "collector/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FOLDER_MODE 0750
#define PARENT_MODE 0755

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
