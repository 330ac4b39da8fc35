/* SPDX-License-Identifier: MIT */
/* What udev found out about block devices, out of its database. */

#include "plugins/udev_block.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hostmetrics/sysfs.h"

static const char *const keys[UDEV_N_PROPERTIES] = {
	[UDEV_PATH] = "ID_PATH",
	[UDEV_WWN] = "ID_WWN",
	[UDEV_MODEL] = "ID_MODEL",
	[UDEV_SCSI_SERIAL] = "SCSI_IDENT_SERIAL",
	[UDEV_SERIAL_SHORT] = "ID_SERIAL_SHORT",
	[UDEV_SERIAL] = "ID_SERIAL",
	[UDEV_REVISION] = "ID_REVISION",
	[UDEV_FS_TYPE] = "ID_FS_TYPE",
	[UDEV_FS_USAGE] = "ID_FS_USAGE",
	[UDEV_FS_UUID] = "ID_FS_UUID",
	[UDEV_FS_VERSION] = "ID_FS_VERSION",
	[UDEV_DM_NAME] = "DM_NAME",
	[UDEV_DM_UUID] = "DM_UUID",
	[UDEV_DM_VG_NAME] = "DM_VG_NAME",
	[UDEV_DM_LV_NAME] = "DM_LV_NAME",
	[UDEV_DM_LV_LAYER] = "DM_LV_LAYER",
	[UDEV_ATA] = "ID_ATA",
	[UDEV_ATA_WRITE_CACHE] = "ID_ATA_WRITE_CACHE",
	[UDEV_ATA_WRITE_CACHE_ENABLED] = "ID_ATA_WRITE_CACHE_ENABLED",
	[UDEV_ATA_ROTATION_RATE] = "ID_ATA_ROTATION_RATE_RPM",
};

/* The last value of each property, of lines like "E:ID_WWN=0x5000c500". */
static void find_values(const char *text, struct hm_span values[UDEV_N_PROPERTIES])
{
	const char *cursor = text;
	struct hm_span line;

	while (hm_next_line(&cursor, &line)) {
		const char *equals = memchr(line.start, '=', line.length);
		struct hm_span key;

		if (!equals || equals < line.start + 2 || memcmp(line.start, "E:", 2) != 0)
			continue;
		key = (struct hm_span){line.start + 2, (size_t)(equals - line.start) - 2};
		for (size_t i = 0; i < UDEV_N_PROPERTIES; i++) {
			if (hm_span_equals(key, keys[i]))
				values[i] =
					(struct hm_span){equals + 1, line.length - key.length - 3};
		}
	}
}

static int keep_values(struct udev_block *block, const struct hm_span values[UDEV_N_PROPERTIES])
{
	size_t n_bytes = 0;
	char *at;

	for (size_t i = 0; i < UDEV_N_PROPERTIES; i++)
		n_bytes += values[i].length + 1;
	at = malloc(n_bytes);
	if (!at)
		return -ENOMEM;
	block->texts = at;
	for (size_t i = 0; i < UDEV_N_PROPERTIES; i++) {
		block->values[i] = at;
		memcpy(at, values[i].start, values[i].length);
		at[values[i].length] = '\0';
		at += values[i].length + 1;
	}
	return 0;
}

int udev_block_read(struct udev_block *block, const struct hm_host *host, const char *number,
		    bool watches)
{
	struct hm_span values[UDEV_N_PROPERTIES];
	struct hm_text file = {0};
	char path[128];
	int result;

	*block = (struct udev_block){.fd = -1};
	for (size_t i = 0; i < UDEV_N_PROPERTIES; i++)
		values[i] = (struct hm_span){"", 0};
	(void)snprintf(path, sizeof(path), "/run/udev/data/b%s", number);
	/* Before it is read: what udev writes in between is seen as a change. */
	if (watches)
		block->fd = hm_open(host, path);
	block->is_watched = block->fd >= 0;
	if (hm_text_open(&file, host, path) == 0 && hm_text_read(&file) == 0)
		find_values(file.data, values);
	result = keep_values(block, values);
	hm_text_close(&file);
	if (result < 0)
		udev_block_free(block);
	return result;
}

/* udev renames a new file over the old one, which then has no name. */
bool udev_block_has_changed(const struct udev_block *block)
{
	struct stat now;

	return block->is_watched && (fstat(block->fd, &now) < 0 || now.st_nlink == 0);
}

void udev_block_free(struct udev_block *block)
{
	if (block->is_watched)
		close(block->fd);
	free(block->texts);
	*block = (struct udev_block){0};
}
