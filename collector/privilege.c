/* SPDX-License-Identifier: MIT */
/* Becoming an ordinary user. */

#include "collector/privilege.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <unistd.h>

#define ENTRY_MAX_BYTES ((size_t)64 << 10)

int privilege_find(const char *name, struct privilege *ret_privilege)
{
	char *room = malloc(ENTRY_MAX_BYTES);
	struct passwd entry;
	struct passwd *found;
	int error;

	if (!room)
		return -ENOMEM;
	error = getpwnam_r(name, &entry, room, ENTRY_MAX_BYTES, &found);
	if (!error && found)
		*ret_privilege = (struct privilege){name, entry.pw_uid, entry.pw_gid};
	free(room);
	if (error)
		return -error;
	return found ? 0 : -ENOENT;
}

int privilege_drop(const struct privilege *privilege)
{
	if (geteuid() != 0)
		return geteuid() == privilege->user ? 0 : -EPERM;
	if (privilege->user == 0)
		return 0;
	if (initgroups(privilege->name, privilege->group) < 0 ||
	    setresgid(privilege->group, privilege->group, privilege->group) < 0 ||
	    setresuid(privilege->user, privilege->user, privilege->user) < 0)
		return -errno;
	/* Whoever can come back has not left. */
	return setuid(0) == 0 ? -EPERM : 0;
}
