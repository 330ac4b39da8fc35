/* SPDX-License-Identifier: MIT */
/* What a host's files take on the disk. */

#include "collector/usage.h"

void usage_add_file(struct usage *usage)
{
	usage->n_files++;
}

void usage_remove_file(struct usage *usage, uint32_t *n_sectors)
{
	usage_set(usage, n_sectors, 0);
	usage->n_files -= usage->n_files > 0;
}

void usage_set(struct usage *usage, uint32_t *n_sectors, uint64_t allocated_bytes)
{
	uint64_t now = allocated_bytes / USAGE_SECTOR_BYTES;

	/* A file of 2 TiB. */
	if (now > UINT32_MAX)
		now = UINT32_MAX;
	usage->n_sectors = usage->n_sectors - *n_sectors + now;
	*n_sectors = (uint32_t)now;
}

uint64_t usage_bytes(const struct usage *usage)
{
	return usage->n_sectors * USAGE_SECTOR_BYTES;
}

uint64_t usage_inodes(const struct usage *usage)
{
	return usage->n_files > 0 ? usage->n_files + 1 : 0;
}
