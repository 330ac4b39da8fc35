/* SPDX-License-Identifier: MIT */
/* Which folders below hosts/ are whose. */

#include "collector/host_folders.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/array.h"
#include "common/file_name.h"

/* A folder NAME~2 is a host's whose folder NAME cannot be. */
#define MARK         '~'
#define NUMBER_BYTES 12 /* room for the mark and the number */

_Static_assert(FILE_NAME_MAX_BYTES + NUMBER_BYTES <= HOST_FOLDERS_NAME_BYTES, "a cut name fits");

void host_folders_done(struct host_folders *folders)
{
	for (size_t i = 0; i < folders->n_taken; i++)
		free(folders->taken[i]);
	free(folders->taken);
	*folders = (struct host_folders){0};
}

static bool is_taken(const struct host_folders *folders, const char *name)
{
	for (size_t i = 0; i < folders->n_taken; i++) {
		if (strcmp(folders->taken[i], name) == 0)
			return true;
	}
	return false;
}

/* The first of NAME, NAME~2, ... that is not taken. */
static void find_free(const struct host_folders *folders, const char *name, size_t length,
		      char folder[static HOST_FOLDERS_NAME_BYTES])
{
	(void)snprintf(folder, HOST_FOLDERS_NAME_BYTES, "%.*s", (int)length, name);
	for (unsigned n = 2; is_taken(folders, folder); n++)
		(void)snprintf(folder, HOST_FOLDERS_NAME_BYTES, "%.*s%c%u", (int)length, name, MARK,
			       n);
}

int host_folders_take(struct host_folders *folders, const char *name)
{
	char **taken;
	char *copy;

	if (is_taken(folders, name))
		return 0;
	copy = strdup(name);
	if (!copy)
		return -ENOMEM;
	taken = array_grow(folders->taken, folders->n_taken, &folders->taken_capacity,
			   sizeof(*taken));
	if (!taken) {
		free(copy);
		return -ENOMEM;
	}
	taken[folders->n_taken++] = copy;
	folders->taken = taken;
	return 0;
}

void host_folders_choose(const struct host_folders *folders, const char *host,
			 char folder[static HOST_FOLDERS_NAME_BYTES])
{
	char escaped[FILE_NAME_MAX_BYTES];

	file_name_escape(host, strlen(host), escaped);
	find_free(folders, escaped, strlen(escaped), folder);
}

bool host_folders_has(const struct host_folders *folders, const char *folder)
{
	char found[HOST_FOLDERS_NAME_BYTES];
	size_t length = file_name_folder_base(folder);

	if (length >= FILE_NAME_MAX_BYTES)
		return false;
	find_free(folders, folder, length, found);
	return strcmp(found, folder) == 0;
}
