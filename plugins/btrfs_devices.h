/* SPDX-License-Identifier: MIT */
#ifndef PLUGINS_BTRFS_DEVICES_H
#define PLUGINS_BTRFS_DEVICES_H

/*
 * What a mounted Btrfs file system says of its devices by ioctl(2): /sys knows neither their ids nor what of them is
 * allocated. It takes no rights but that to open where it is mounted. A commit that waits for a disk holds the answer up, so it
 * is asked for by a task (hostmetrics/task.h).
 */

#include <bsd/sys/queue.h>

#include "hostmetrics/sysfs.h"
#include "hostmetrics/task.h"

/* A file system that is mounted, and what it said last. */
struct btrfs_mounted;

TAILQ_HEAD(btrfs_mounts, btrfs_mounted);

/* Zeroed = not open. */
struct btrfs_devices {
	const struct hm_host *host;
	struct hm_text table; /* of mounts */
	struct hm_tasks *tasks;
	struct btrfs_mounts mounts;
	bool has_table;
};

/* @return 0, also below a root, where nothing is asked, and without a table of mounts; -ENOMEM */
int btrfs_devices_open(struct btrfs_devices *devices, const struct hm_host *host);

/* Ask all that are mounted now. @param timeout_us  so long at most */
void btrfs_devices_ask(struct btrfs_devices *devices, int64_t timeout_us);

/*
 * Emit what a file system said. Where it does not answer now, the devices that it told of are missing, with the reason.
 * @param fsid  its id, as a text
 * @param uuid  the label
 * @return false: it has never said anything, and nothing is emitted
 */
bool btrfs_devices_emit(const struct btrfs_devices *devices, const char *fsid, const char *uuid,
			struct hm_batch *out);

/* Takes one that is not open. */
void btrfs_devices_close(struct btrfs_devices *devices);

#endif
