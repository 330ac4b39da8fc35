/* SPDX-License-Identifier: MIT */
/* The spool's folder. */

#include "agent/spool_folder.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define FOLDER_MODE 0700
#define PARENT_MODE 0755
#define LOCK_MODE   0600
#define LOCK_NAME   "lock"

/* O_NONBLOCK: a FIFO that somebody put there shall not hold us up. */
#define FLAGS_ALWAYS (O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)

static int make_parents(char *path)
{
	for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		int result;

		*slash = '\0';
		result = mkdir(path, PARENT_MODE) < 0 ? -errno : 0;
		*slash = '/';
		if (result < 0 && result != -EEXIST)
			return result;
	}
	return 0;
}

int spool_folder_make(const char *path, uid_t owner, gid_t group)
{
	char copy[PATH_MAX];
	int result;

	if (!*path || (size_t)snprintf(copy, sizeof(copy), "%s", path) >= sizeof(copy))
		return -ENAMETOOLONG;
	result = make_parents(copy);
	if (result < 0)
		return result;
	if (mkdir(path, FOLDER_MODE) < 0)
		return errno == EEXIST ? 0 : -errno;
	return lchown(path, owner, group) < 0 ? -errno : 0;
}

/* Nobody but its user may have written what is read from it. */
static int check_owner(int fd)
{
	struct stat status;

	if (fstat(fd, &status) < 0)
		return -errno;
	if (status.st_uid != geteuid())
		return -EPERM;
	return (status.st_mode & (S_IWGRP | S_IWOTH)) ? -EACCES : 0;
}

static int open_folder(const char *path)
{
	struct stat status;
	int fd = open(path, O_RDONLY | O_DIRECTORY | FLAGS_ALWAYS);
	int result = fd < 0 ? -errno : check_owner(fd);

	/* What is said of a link with O_DIRECTORY is that it is no folder. */
	if (result == -ENOTDIR && lstat(path, &status) == 0 && S_ISLNK(status.st_mode))
		result = -ELOOP;
	if (result < 0 && fd >= 0)
		(void)close(fd);
	return result < 0 ? result : fd;
}

/* The lock belongs to the open file: it ends with the process, however that ends. */
static int take_lock(int folder)
{
	int fd = openat(folder, LOCK_NAME, O_RDWR | O_CREAT | FLAGS_ALWAYS, LOCK_MODE);
	int result = 0;

	if (fd < 0)
		return -errno;
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		result = errno == EWOULDBLOCK ? -EBUSY : -errno;
	if (result < 0)
		(void)close(fd);
	return result < 0 ? result : fd;
}

int spool_folder_open(const char *path, int *ret_lock)
{
	int folder = open_folder(path);
	int lock;

	if (folder < 0)
		return folder;
	lock = take_lock(folder);
	if (lock < 0) {
		(void)close(folder);
		return lock;
	}
	*ret_lock = lock;
	return folder;
}

bool spool_folder_is_removed(int folder)
{
	struct stat status;

	return fstat(folder, &status) == 0 && status.st_nlink == 0;
}
