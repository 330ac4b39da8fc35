/* SPDX-License-Identifier: MIT */
#ifndef COLLECTOR_HOST_FOLDERS_H
#define COLLECTOR_HOST_FOLDERS_H

/*
 * Which folders below hosts/ are whose: NAME is that of the host of this name, or where something else has
 * it, NAME~2, NAME~3 and so on, the first that is not taken. Zeroed = nothing is taken.
 */

#include <stdbool.h>
#include <stddef.h>

/* Room for a folder's name, with a number, and its NUL. */
#define HOST_FOLDERS_NAME_BYTES 256

struct host_folders {
	char **taken; /* names that no host's folder can have */
	size_t n_taken;
	size_t taken_capacity;
};

void host_folders_done(struct host_folders *folders);

/* No host's folder can have this name: something else has it, or the host's files lie elsewhere. @return 0 or
 * -ENOMEM */
int host_folders_take(struct host_folders *folders, const char *name);

/* The folder of the host of a name. */
void host_folders_choose(const struct host_folders *folders, const char *host,
			 char folder[static HOST_FOLDERS_NAME_BYTES]);

/* Is it the folder that a host of such a name has? */
bool host_folders_has(const struct host_folders *folders, const char *folder);

#endif
