/* SPDX-License-Identifier: MIT */
#ifndef COLLECTOR_SNAPSHOT_COPY_H
#define COLLECTOR_SNAPSHOT_COPY_H

/* Copies of files, with blocks shared where the file system can do that, and synced as they grow. */

#include <stdbool.h>
#include <stdint.h>

struct snapshot_copy {
	int folder;                  /* where the copies are; borrowed */
	int (*check)(void *context); /* 0, or -errno to end with */
	void *context;
	bool cannot_clone; /* as was found out */
	uint64_t n_files;
	uint64_t n_cloned; /* of these */
	uint64_t n_bytes;  /* of all of them */
	uint64_t unsynced_bytes;
	char *room;
};

/* @return 0 or -ENOMEM */
int snapshot_copy_init(struct snapshot_copy *copy, int folder);

/* Takes a zeroed one. */
void snapshot_copy_done(struct snapshot_copy *copy);

/*
 * Copy the first bytes of a file to a path below the folder, which must not be there.
 * @return 0; -ESTALE: the file is shorter; -errno; what `check` said
 */
int snapshot_copy_file(struct snapshot_copy *copy, int fd, uint64_t length_bytes, const char *path);

/*
 * Copy a segment of the log up to an offset; behind it the copy has zeros, and the header once more at
 * its end. @param end_offset  UINT64_MAX: all of it
 */
int snapshot_copy_segment(struct snapshot_copy *copy, int fd, uint64_t end_offset,
			  const char *path);

/* Make a folder below the folder, where it is missing. @return 0 or -errno */
int snapshot_copy_folder(struct snapshot_copy *copy, const char *path);

/* Sync all of it. @return 0 or -errno */
int snapshot_copy_sync(struct snapshot_copy *copy);

#endif
