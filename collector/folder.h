/* SPDX-License-Identifier: MIT */
#ifndef COLLECTOR_FOLDER_H
#define COLLECTOR_FOLDER_H

/*
 * Folders and files of the store, opened so that no name and no symbolic link leads out of it.
 */

#include <sys/types.h>

/*
 * Make a folder (mode 0750) with its missing parents (0755). What exists already stays as it is.
 * @param owner, group  of a folder made; (uid_t)-1 and (gid_t)-1: the process'
 * @return 0 or -errno
 */
int folder_make(const char *path, uid_t owner, gid_t group);

/*
 * Open a folder that only its owner may change.
 * @return a descriptor owned by the caller; -ELOOP or -ENOTDIR: a symbolic link or no folder; -EPERM:
 * another user's; -EACCES: everybody may write to it, or not to be opened; other -errno
 */
int folder_open(const char *path);

/* Make a folder (0750) in an open one and sync the entry. @return 0, also where it was there; -errno */
int folder_make_inside(int folder_fd, const char *name);

/*
 * Open `folder`/`name` below an open folder, without following symbolic links.
 * @param name  NULL: the folder itself
 * @param flags  of open(2); O_CLOEXEC, O_NOFOLLOW and O_NONBLOCK are added
 * @return a descriptor owned by the caller, or -errno
 */
int folder_open_inside(int folder_fd, const char *folder, const char *name, int flags);

/* The same without openat2(2), for kernels and sandboxes that lack it. */
int folder_open_stepwise(int folder_fd, const char *folder, const char *name, int flags);

/* Sync the entries of a folder. @return 0 or -errno */
int folder_sync(int folder_fd, const char *folder);

#endif
