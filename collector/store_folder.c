/* SPDX-License-Identifier: MIT */
/* The folder of a store. */

#include "collector/store_folder.h"

#include <bsd/libutil.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "collector/folder.h"
#include "collector/store.h"
#include "common/message.h"

#define PID_MODE 0640

/* Open the folder; say why where it is refused. */
static int open_folder(struct store_folder *folder, const char *path)
{
	int result = folder_make(path, (uid_t)-1, (gid_t)-1);
	const char *why;

	if (result == 0)
		result = folder->fd = folder_open(path);
	if (result >= 0)
		return 0;
	switch (result) {
	case -ELOOP:
		why = "it is a symbolic link";
		break;
	case -EPERM:
		why = "it belongs to another user";
		break;
	case -EACCES:
		why = "everybody may write to it, or this user may not";
		break;
	default:
		why = strerror(-result);
	}
	message_error("cannot use the store '%s': %s", path, why);
	return result;
}

/*
 * pidfile_open() follows a link, and empties what it finds there: nothing but a file of this folder
 * may bear the name. @return 0, also where there is none, or -errno
 */
static int check_pid_file(const struct store_folder *folder)
{
	struct stat status;

	if (fstatat(folder->fd, STORE_PID_FILE, &status, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (S_ISLNK(status.st_mode))
		return -ELOOP;
	return S_ISREG(status.st_mode) && status.st_nlink == 1 ? 0 : -EINVAL;
}

/*
 * Write our number into the pid file. Not by pidfile_write(): when that fails, as on a full disk, it
 * gives the lock up too. So only the content is missing.
 */
static void write_pid(const struct store_folder *folder, const char *path)
{
	char text[16];
	int length = snprintf(text, sizeof(text), "%ld", (long)getpid());

	errno = 0;
	if (pwrite(pidfile_fileno(folder->pid_file), text, (size_t)length, 0) != length)
		message_warning("cannot write '%s': %s", path, strerror(errno ? errno : ENOSPC));
}

/* Keep a second daemon out. */
static int lock_folder(struct store_folder *folder, const char *path)
{
	char *pid_path;
	pid_t pid = -1;
	int result = check_pid_file(folder);

	if (result < 0) {
		message_error("cannot lock the store '%s': its %s is no plain file of its own",
			      path, STORE_PID_FILE);
		return result;
	}
	if (asprintf(&pid_path, "%s/%s", path, STORE_PID_FILE) < 0)
		return -ENOMEM;
	folder->pid_file = pidfile_open(pid_path, PID_MODE, &pid);
	if (!folder->pid_file) {
		result = -errno;
		if (result == -EEXIST && pid > 0)
			message_error("the store '%s' is in use by process %ld", path, (long)pid);
		else if (result == -EEXIST || result == -EAGAIN)
			message_error("the store '%s' is in use by another process", path);
		else
			message_error("cannot lock the store '%s': %s", path, strerror(errno));
	} else {
		write_pid(folder, pid_path);
	}
	free(pid_path);
	return result;
}

int store_folder_open(struct store_folder *folder, const char *path)
{
	int result = open_folder(folder, path);

	return result == 0 ? lock_folder(folder, path) : result;
}

void store_folder_close(struct store_folder *folder)
{
	if (folder->pid_file)
		(void)pidfile_remove(folder->pid_file);
	if (folder->fd >= 0)
		(void)close(folder->fd);
}
