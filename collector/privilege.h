/* SPDX-License-Identifier: MIT */
#ifndef COLLECTOR_PRIVILEGE_H
#define COLLECTOR_PRIVILEGE_H

/* Becoming an ordinary user. */

#include <sys/types.h>

struct privilege {
	const char *name; /* borrowed */
	uid_t user;
	gid_t group;
};

/*
 * Look a user up.
 * @param name  borrowed by *ret_privilege
 * @return 0; -ENOENT: no such user; other -errno
 */
int privilege_find(const char *name, struct privilege *ret_privilege);

/*
 * Become that user for good. Nothing happens where the process is it already.
 * @return 0; -EPERM: not root, and another user; other -errno
 */
int privilege_drop(const struct privilege *privilege);

#endif
