/* SPDX-License-Identifier: MIT */
#ifndef COLLECTOR_FOLDER_H
#define COLLECTOR_FOLDER_H

/* The folder of the store: made, and opened where only its owner may change it. What lies below is
 * opened by common/disk.h. */

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

#endif
