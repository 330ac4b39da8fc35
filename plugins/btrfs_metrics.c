/* SPDX-License-Identifier: MIT */
/* What is told of Btrfs file systems. */

#include "plugins/btrfs_metrics.h"

#define GROUP  BTRFS_FOLDER "/*/allocation/TYPE/"
#define COMMIT BTRFS_FOLDER "/*/commit_stats, since Linux 6.0, "

/* clang-format off */
const struct hm_metric btrfs_metrics[BTRFS_N_METRICS] = {
	[BTRFS_INFO] = {.name = "node_btrfs_info", .unit = "", .kind = HM_GAUGE,
	 .labels = HM_LABELS("uuid","label"), .source = BTRFS_FOLDER "/*/metadata_uuid, label",
	 .help = "A mounted file system and its label; always 1."},
	[BTRFS_RESERVE] = {.name = "node_btrfs_global_rsv_size_bytes", .unit = "bytes",
	 .kind = HM_GAUGE, .labels = HM_LABELS("uuid"),
	 .source = BTRFS_FOLDER "/*/allocation/global_rsv_size, bytes",
	 .help = "Size of the reserve for metadata."},
	[BTRFS_RESERVED] = {.name = "node_btrfs_reserved_bytes", .unit = "bytes", .kind = HM_GAUGE,
	 .labels = HM_LABELS("uuid","block_group_type"), .source = GROUP "bytes_reserved, bytes",
	 .help = "Space reserved for what is about to be written."},
	[BTRFS_USED] = {.name = "node_btrfs_used_bytes", .unit = "bytes", .kind = HM_GAUGE,
	 .labels = HM_LABELS("uuid","block_group_type","mode"), .source = GROUP "MODE/used_bytes, bytes",
	 .help = "Space in use, each byte counted once whatever the copies."},
	[BTRFS_SIZE] = {.name = "node_btrfs_size_bytes", .unit = "bytes", .kind = HM_GAUGE,
	 .labels = HM_LABELS("uuid","block_group_type","mode"), .source = GROUP "MODE/total_bytes, bytes",
	 .help = "Space allocated, each byte counted once whatever the copies."},
	[BTRFS_RATIO] = {.name = "node_btrfs_allocation_ratio", .unit = "ratio", .kind = HM_GAUGE,
	 .labels = HM_LABELS("uuid","block_group_type","mode"),
	 .source = GROUP "MODE: the mode, and the number of devices",
	 .help = "Bytes on the disks for each byte of data."},
	[BTRFS_DEVICE_SIZE] = {.name = "node_btrfs_device_size_bytes", .unit = "bytes",
	 .kind = HM_GAUGE, .labels = HM_LABELS("uuid","device","btrfs_dev_uuid"),
	 .source = "ioctl(2) BTRFS_IOC_DEV_INFO on where it is mounted, total_bytes; where that is not to be had, without btrfs_dev_uuid, "
		   BTRFS_FOLDER "/*/devices/*/size, sectors of 512 bytes",
	 .help = "Size of a device of the file system."},
	[BTRFS_DEVICE_UNUSED] = {.name = "node_btrfs_device_unused_bytes", .unit = "bytes",
	 .kind = HM_GAUGE, .labels = HM_LABELS("uuid","device","btrfs_dev_uuid"),
	 .source = "ioctl(2) BTRFS_IOC_DEV_INFO on where it is mounted, total_bytes - bytes_used",
	 .help = "Space of a device that is not allocated."},
	[BTRFS_DEVICE_ERRORS] = {.name = "node_btrfs_device_errors_total", .unit = "",
	 .kind = HM_COUNTER, .labels = HM_LABELS("uuid","type","device","btrfs_dev_uuid"),
	 .source = "ioctl(2) BTRFS_IOC_GET_DEV_STATS on where it is mounted, BTRFS_DEV_STAT_*_ERRS",
	 .help = "Errors of a device of the file system."},
	[BTRFS_ERRORS] = {.name = "node_btrfs_devid_errors_total", .unit = "", .kind = HM_COUNTER,
	 .labels = HM_LABELS("uuid","devid","type"),
	 .source = BTRFS_FOLDER "/*/devinfo/*/error_stats, since Linux 5.14",
	 .help = "Errors of a device of the file system, by its number in it."},
	[BTRFS_COMMITS] = {.name = "node_btrfs_commits_total", .unit = "", .kind = HM_COUNTER,
	 .labels = HM_LABELS("uuid"), .source = COMMIT "commits", .help = "Transactions committed."},
	[BTRFS_COMMIT_LAST] = {.name = "node_btrfs_last_commit_seconds", .unit = "seconds",
	 .kind = HM_GAUGE, .labels = HM_LABELS("uuid"), .source = COMMIT "last_commit_ms, milliseconds",
	 .help = "How long the last commit took."},
	[BTRFS_COMMIT_MAX] = {.name = "node_btrfs_max_commit_seconds", .unit = "seconds",
	 .kind = HM_GAUGE, .labels = HM_LABELS("uuid"), .source = COMMIT "max_commit_ms, milliseconds",
	 .help = "How long the slowest commit took."},
	[BTRFS_COMMIT_SECONDS] = {.name = "node_btrfs_commit_seconds_total", .unit = "seconds",
	 .kind = HM_COUNTER, .labels = HM_LABELS("uuid"), .source = COMMIT "total_commit_ms, milliseconds",
	 .help = "How long all commits took together."},
};
/* clang-format on */
