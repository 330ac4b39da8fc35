/* SPDX-License-Identifier: MIT */
/* A root folder that a test fills and changes as it goes. */

#include "tests/support/fake_root.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void make_folders(char *path, size_t root_length)
{
	for (char *slash = strchr(path + root_length + 1, '/'); slash;
	     slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(path, 0755) < 0 && errno != EEXIST)
			err(EXIT_FAILURE, "cannot make the folder '%s'", path);
		*slash = '/';
	}
}

void fake_root_write_bytes(const char *root, const char *path, const void *bytes, size_t n_bytes)
{
	char full[PATH_MAX];
	int fd;

	(void)snprintf(full, sizeof(full), "%s%s", root, path);
	make_folders(full, strlen(root));
	/* It is not made empty before: ext4 would wait for the disk then. */
	fd = open(full, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	if (fd < 0)
		err(EXIT_FAILURE, "cannot open '%s'", full);
	if (write(fd, bytes, n_bytes) != (ssize_t)n_bytes || ftruncate(fd, (off_t)n_bytes) < 0)
		err(EXIT_FAILURE, "cannot write '%s'", full);
	if (close(fd) < 0)
		err(EXIT_FAILURE, "cannot close '%s'", full);
}

void fake_root_write(const char *root, const char *path, const char *text)
{
	fake_root_write_bytes(root, path, text, strlen(text));
}
