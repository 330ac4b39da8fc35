/* SPDX-License-Identifier: MIT */
#ifndef AGENT_SPOOL_FOLDER_H
#define AGENT_SPOOL_FOLDER_H

/* The spool's folder: made, and opened where nobody else may write to it, by one agent at a time. What lies below
 * is opened by common/disk.h, but for the id of the host (agent/host_id.h). */

#include <stdbool.h>
#include <sys/types.h>

/*
 * Make the folder (mode 0700) with its missing parents (0755). What is there stays as it is.
 * @param owner, group  of the folder, where it is made; (uid_t)-1 and (gid_t)-1: the process'
 * @return 0 or -errno
 */
int spool_folder_make(const char *path, uid_t owner, gid_t group);

/*
 * Open it, and hold its lock until both descriptors are closed.
 * @param ret_lock  a descriptor owned by the caller, to be closed last
 * @return a descriptor of the folder, owned by the caller; -EBUSY: another agent has it; -ELOOP or -ENOTDIR: a
 * symbolic link or no folder; -EPERM: another user's; -EACCES: its group, or all, may write to it, or not to be
 * opened; other -errno
 */
int spool_folder_open(const char *path, int *ret_lock);

/* Was an open folder removed? */
bool spool_folder_is_removed(int folder);

#endif
