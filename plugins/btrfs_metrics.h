/* SPDX-License-Identifier: MIT */
#ifndef PLUGINS_BTRFS_METRICS_H
#define PLUGINS_BTRFS_METRICS_H

/* What is told of Btrfs file systems. */

#include "hostmetrics/plugin.h"

#define BTRFS_FOLDER "/sys/fs/btrfs"

enum btrfs_metric {
	BTRFS_INFO,
	BTRFS_RESERVE,
	BTRFS_RESERVED,
	BTRFS_USED,
	BTRFS_SIZE,
	BTRFS_RATIO,
	BTRFS_DEVICE_SIZE,
	BTRFS_DEVICE_UNUSED,
	BTRFS_DEVICE_ERRORS,
	BTRFS_ERRORS,
	BTRFS_COMMITS,
	BTRFS_COMMIT_LAST,
	BTRFS_COMMIT_MAX,
	BTRFS_COMMIT_SECONDS,
	BTRFS_N_METRICS,
};

extern const struct hm_metric btrfs_metrics[BTRFS_N_METRICS];

#endif
