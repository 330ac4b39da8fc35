/* SPDX-License-Identifier: MIT */
#ifndef COLLECTOR_SNAPSHOT_TARGET_H
#define COLLECTOR_SNAPSHOT_TARGET_H

/* The folder that a snapshot becomes: made beside it under another name, and renamed once it is whole. */

#include <limits.h>

#define SNAPSHOT_PROBLEM_BYTES (PATH_MAX + 256)

struct snapshot_target {
	char path[PATH_MAX]; /* of the folder it is to be in */
	char name[NAME_MAX + 1];
	char partial[NAME_MAX + sizeof(".partial")];
	int parent; /* -1 = not open; so is the next */
	int fd;     /* of the partial one */
};

/*
 * Look whether it may be made, and make the partial one.
 * @param path        absolute
 * @param store_path  within which it must not be
 * @param problem     what is wrong
 * @return 0 or -errno; then nothing is left, and nothing is to be closed
 */
int snapshot_target_open(struct snapshot_target *target, const char *path, const char *store_path,
			 char problem[static SNAPSHOT_PROBLEM_BYTES]);

/* Give it its name; all in it is synced already. @return 0 or -errno */
int snapshot_target_publish(struct snapshot_target *target);

/* Remove the partial one with all in it. @return 0 or -errno */
int snapshot_target_remove(struct snapshot_target *target);

void snapshot_target_close(struct snapshot_target *target);

#endif
