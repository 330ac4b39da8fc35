/* SPDX-License-Identifier: MIT */
#ifndef PLUGINS_UDEV_BLOCK_H
#define PLUGINS_UDEV_BLOCK_H

/* What udev found out about block devices, out of its database: files below /run, no device is touched. */

#include "hostmetrics/plugin.h"

enum udev_property {
	UDEV_PATH,
	UDEV_WWN,
	UDEV_MODEL,
	UDEV_SCSI_SERIAL,
	UDEV_SERIAL_SHORT,
	UDEV_SERIAL,
	UDEV_REVISION,
	UDEV_FS_TYPE,
	UDEV_FS_USAGE,
	UDEV_FS_UUID,
	UDEV_FS_VERSION,
	UDEV_DM_NAME,
	UDEV_DM_UUID,
	UDEV_DM_VG_NAME,
	UDEV_DM_LV_NAME,
	UDEV_DM_LV_LAYER,
	UDEV_ATA,
	UDEV_ATA_WRITE_CACHE,
	UDEV_ATA_WRITE_CACHE_ENABLED,
	UDEV_ATA_ROTATION_RATE,
	UDEV_N_PROPERTIES,
};

/* Zeroed = none read. */
struct udev_block {
	bool is_watched;
	int fd;      /* kept to see when udev writes another file in its place */
	char *texts; /* owned; the values, each with its NUL */
	const char *values[UDEV_N_PROPERTIES]; /* "" where udev does not tell */
};

/*
 * Read what udev knows of a device. Without udev, and of a device that it does not know, that is nothing: no error.
 * @param number   "8:0"
 * @param watches  keep a descriptor, for udev_block_has_changed()
 * @return 0 or -ENOMEM; then `block` is zeroed
 */
int udev_block_read(struct udev_block *block, const struct hm_host *host, const char *number,
		    bool watches);

/* Has udev something new to tell of the device: it was formatted, or renamed? Costs one fstat(2). */
bool udev_block_has_changed(const struct udev_block *block);

/* Release what was read. Takes a zeroed one. */
void udev_block_free(struct udev_block *block);

#endif
