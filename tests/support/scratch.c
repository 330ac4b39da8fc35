/* SPDX-License-Identifier: MIT */
/* Folders that a test may write in. */

#include "tests/support/scratch.h"

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define DEFAULT_PARENT "build/tmp"
#define PREFIX         "/unit."

static const char *scratch_parent(void)
{
	const char *parent = getenv("HM_TEST_TMP");

	return parent && *parent ? parent : DEFAULT_PARENT;
}

static void give_up(const char *what, const char *path)
{
	(void)fprintf(stderr, "cannot %s '%s': %s\n", what, path, strerror(errno));
	exit(EXIT_FAILURE);
}

/* mkdir -p */
static void make_folders(const char *path)
{
	char *prefix = strdup(path);

	if (!prefix)
		give_up("make the folder", path);
	for (char *slash = strchr(prefix + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		(void)mkdir(prefix, 0755); /* the last one says whether all went well */
		*slash = '/';
	}
	if (mkdir(prefix, 0755) < 0 && errno != EEXIST)
		give_up("make the folder", path);
	free(prefix);
}

const char *scratch_folder(void)
{
	char *path;

	make_folders(scratch_parent());
	if (asprintf(&path, "%s" PREFIX "XXXXXX", scratch_parent()) < 0)
		give_up("name a folder in", scratch_parent());
	if (!mkdtemp(path))
		give_up("make the folder", path);
	return path;
}

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *where)
{
	(void)status;
	(void)type;
	(void)where;
	return remove(path);
}

void scratch_remove(const char *path)
{
	size_t length = strlen(scratch_parent());

	if (!path)
		return;
	if (strncmp(path, scratch_parent(), length) != 0 ||
	    strncmp(path + length, PREFIX, strlen(PREFIX)) != 0) {
		errno = EPERM;
		give_up("remove", path);
	}
	if (nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT) != 0 && errno != ENOENT)
		give_up("remove", path);
	free((char *)path);
}
