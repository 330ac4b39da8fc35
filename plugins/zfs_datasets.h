/* SPDX-License-Identifier: MIT */
#ifndef PLUGINS_ZFS_DATASETS_H
#define PLUGINS_ZFS_DATASETS_H

/* What the datasets of ZFS read and write: a file for each, which does not say by its name which one it is of. */

#include "hostmetrics/plugin.h"
#include "plugins/kstat.h"

#define ZFS_FOLDER "/proc/spl/kstat/zfs"

/* Names of pools and datasets have at most 255 bytes. */
#define ZFS_NAME_BYTES 256

struct zfs_dataset;

/* Zeroed = none. */
struct zfs_datasets {
	struct zfs_dataset *list;
	size_t n;
	size_t n_open;
	bool has_searched; /* since the last round */
	/* During a search: those of the one before, in the same order, and how far they were taken over. */
	struct zfs_dataset *before;
	size_t n_before;
	size_t n_taken;
	char text[8192]; /* of the file that is read, which is below 2 KiB */
};

/* Look for all anew, pool by pool in the order of their names, each time the same; those that stay keep their files. */
void zfs_datasets_begin(struct zfs_datasets *datasets);
int zfs_datasets_find(struct zfs_datasets *datasets, const struct hm_host *host, const char *pool);
void zfs_datasets_end(struct zfs_datasets *datasets);

/* Read and emit all, but those that the option `ignore` names. @param group  their metrics */
void zfs_datasets_emit(struct zfs_datasets *datasets, const struct hm_host *host,
		       const struct kstat_group *group, struct hm_batch *out);

void zfs_datasets_close(struct zfs_datasets *datasets);

#endif
