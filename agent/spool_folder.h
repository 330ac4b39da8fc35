/* SPDX-License-Identifier: MIT */
#ifndef AGENT_SPOOL_FOLDER_H
#define AGENT_SPOOL_FOLDER_H

/* The spool's folder: made, and opened where nobody else may write to it, by one agent at a time. What lies below
 * is opened by common/disk.h. */

/* Make the folder (mode 0700); its parent must be there. One that is there stays as it is. @return 0 or -errno */
int spool_folder_make(const char *path);

/*
 * Open it, and hold its lock until both descriptors are closed.
 * @param ret_lock  a descriptor owned by the caller, to be closed last
 * @return a descriptor of the folder, owned by the caller; -EBUSY: another agent has it; -ELOOP or -ENOTDIR: a
 * symbolic link or no folder; -EPERM: another user's; -EACCES: its group, or all, may write to it, or not to be
 * opened; other -errno
 */
int spool_folder_open(const char *path, int *ret_lock);

#endif
