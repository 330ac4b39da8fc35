/* SPDX-License-Identifier: MIT */
/* The folder that a snapshot becomes. */

#include "collector/snapshot_target.h"

#include <bsd/string.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FOLDER_MODE 0750
#define FOLDER_OPEN (O_RDONLY | O_DIRECTORY | O_CLOEXEC)

/* Folders above another are looked at up to so many. */
#define DEPTH_MAX 256

/* Descriptors that removing may have open. */
#define REMOVE_FDS 8

static int say(char problem[static SNAPSHOT_PROBLEM_BYTES], const char *what, const char *path,
	       int error)
{
	(void)snprintf(problem, SNAPSHOT_PROBLEM_BYTES, "no snapshot: %s '%s'%s%s", what, path,
		       error == -EINVAL ? "" : ": ", error == -EINVAL ? "" : strerror(-error));
	return error;
}

/* Cut a path into the folder it is in, and its last name. */
static int cut_path(struct snapshot_target *target, const char *path)
{
	size_t length = strlcpy(target->path, path, sizeof(target->path));
	char *slash;

	if (length + sizeof(".partial") > sizeof(target->path))
		return -ENAMETOOLONG;
	while (length > 1 && target->path[length - 1] == '/')
		target->path[--length] = '\0';
	slash = strrchr(target->path, '/');
	if (!slash || slash[1] == '\0' || strcmp(slash + 1, ".") == 0 ||
	    strcmp(slash + 1, "..") == 0)
		return -EISDIR;
	if (strlcpy(target->name, slash + 1, sizeof(target->name)) + sizeof(".partial") >
	    NAME_MAX + 1)
		return -ENAMETOOLONG;
	(void)snprintf(target->partial, sizeof(target->partial), "%s.partial", target->name);
	slash[slash == target->path] = '\0';
	return 0;
}

/* Is a folder the other one, or somewhere below it? @return 1, 0 or -errno */
static int is_within(int folder, const char *other)
{
	struct stat top = {0};
	struct stat status;
	int result = stat(other, &top) < 0 ? -errno : 0;
	int fd = dup(folder);

	for (int i = 0; fd >= 0 && result == 0; i++) {
		dev_t device;
		ino_t inode;
		int above;

		if (i == DEPTH_MAX || fstat(fd, &status) < 0) {
			result = i == DEPTH_MAX ? -ELOOP : -errno;
			break;
		}
		if (status.st_dev == top.st_dev && status.st_ino == top.st_ino)
			result = 1;
		device = status.st_dev;
		inode = status.st_ino;
		above = openat(fd, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
		(void)close(fd);
		fd = above;
		if (fd < 0)
			return -errno;
		if (fstat(fd, &status) == 0 && status.st_dev == device && status.st_ino == inode)
			break;
	}
	if (fd >= 0)
		(void)close(fd);
	return result;
}

/* @return 0: nothing is there, or an empty folder that can be replaced; -ENOTEMPTY; -EBUSY: something is
 * mounted there; -errno */
static int check_free(int parent, const char *name)
{
	struct stat above;
	struct stat status;
	struct dirent *entry;
	DIR *folder;
	int result = 0;
	int fd;

	if (fstatat(parent, name, &status, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISDIR(status.st_mode))
		return -EEXIST;
	if (fstat(parent, &above) < 0)
		return -errno;
	if (above.st_dev != status.st_dev)
		return -EBUSY;
	fd = openat(parent, name, FOLDER_OPEN | O_NOFOLLOW);
	folder = fd < 0 ? NULL : fdopendir(fd);
	if (!folder) {
		result = -errno;
		if (fd >= 0)
			(void)close(fd);
		return result;
	}
	while (result == 0 && (entry = readdir(folder))) {
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			result = -ENOTEMPTY;
	}
	(void)closedir(folder);
	return result;
}

static int make_partial(struct snapshot_target *target, char problem[static SNAPSHOT_PROBLEM_BYTES])
{
	int result;

	if (mkdirat(target->parent, target->partial, FOLDER_MODE) < 0) {
		result = -errno;
		return say(problem,
			   result == -EEXIST ? "one that did not end left this; remove it first:"
					     : "cannot make",
			   target->partial, result);
	}
	target->fd = openat(target->parent, target->partial, FOLDER_OPEN | O_NOFOLLOW);
	if (target->fd < 0) {
		result = -errno;
		(void)unlinkat(target->parent, target->partial, AT_REMOVEDIR);
		return say(problem, "cannot open", target->partial, result);
	}
	return 0;
}

static int open_target(struct snapshot_target *target, const char *path, const char *store_path,
		       char problem[static SNAPSHOT_PROBLEM_BYTES])
{
	int result = cut_path(target, path);

	if (result < 0)
		return say(problem, "this can be no new folder:", path, result);
	target->parent = open(target->path, FOLDER_OPEN);
	if (target->parent < 0)
		return say(problem, "the collector cannot open", target->path, -errno);
	result = is_within(target->parent, store_path);
	if (result < 0)
		return say(problem, "cannot look at", target->path, result);
	if (result > 0)
		return say(problem, "this lies within the store:", path, -EINVAL);
	result = check_free(target->parent, target->name);
	if (result == -EBUSY)
		return say(problem, "something is mounted there, name a folder in it:", path,
			   -EINVAL);
	if (result < 0)
		return say(problem, "there is something already:", path, result);
	return make_partial(target, problem);
}

int snapshot_target_open(struct snapshot_target *target, const char *path, const char *store_path,
			 char problem[static SNAPSHOT_PROBLEM_BYTES])
{
	int result;

	*target = (struct snapshot_target){.parent = -1, .fd = -1};
	result = open_target(target, path, store_path, problem);
	if (result < 0)
		snapshot_target_close(target);
	return result;
}

int snapshot_target_publish(struct snapshot_target *target)
{
	if (fsync(target->fd) < 0)
		return -errno;
	/* An empty folder of that name is replaced; one that is not is refused. */
	if (renameat(target->parent, target->partial, target->parent, target->name) < 0)
		return -errno;
	return fsync(target->parent) < 0 ? -errno : 0;
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *ftw)
{
	(void)status;
	(void)type;
	(void)ftw;
	return remove(path) < 0 ? errno : 0;
}

int snapshot_target_remove(struct snapshot_target *target)
{
	char path[PATH_MAX * 2];
	int result;

	(void)snprintf(path, sizeof(path), "%s/%s", target->path, target->partial);
	errno = 0;
	result = nftw(path, remove_one, REMOVE_FDS, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
	if (result < 0)
		return errno == ENOENT ? 0 : -errno;
	return -result;
}

void snapshot_target_close(struct snapshot_target *target)
{
	if (target->fd >= 0)
		(void)close(target->fd);
	if (target->parent >= 0)
		(void)close(target->parent);
	target->fd = -1;
	target->parent = -1;
}
