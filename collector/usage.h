/* SPDX-License-Identifier: MIT */
#ifndef COLLECTOR_USAGE_H
#define COLLECTOR_USAGE_H

/*
 * What a host's files take on the disk. It is counted where a file is opened anyway, to be written or at
 * start, so nobody has to walk through the folders for it.
 */

#include <stdint.h>

/* What st_blocks of stat(2) counts in. */
#define USAGE_SECTOR_BYTES UINT64_C(512)

struct usage {
	uint64_t n_sectors;
	uint64_t n_files;
};

/* There is one more file of the host. */
void usage_add_file(struct usage *usage);

/* There is one less. @param n_sectors  as noted; 0 afterwards */
void usage_remove_file(struct usage *usage, uint32_t *n_sectors);

/*
 * Note how much room a file takes.
 * @param n_sectors        as noted before, 0 at first; changed. There are millions of them
 * @param allocated_bytes  as the file system says
 */
void usage_set(struct usage *usage, uint32_t *n_sectors, uint64_t allocated_bytes);

uint64_t usage_bytes(const struct usage *usage);

/* Files, and the folder that they lie in. */
uint64_t usage_inodes(const struct usage *usage);

#endif
