/* SPDX-License-Identifier: MIT */
/* The random id of a store. */

#include "collector/store_id.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "common/buffer.h"
#include "common/crc32c.h"
#include "common/cursor.h"
#include "common/log_segment.h"

/* Magic, version, id, CRC32C of these. */
#define FILE_NAME     "id"
#define FILE_NAME_NEW "id.tmp"
#define MAGIC         "hmstore"
#define MAGIC_BYTES   8
#define VERSION       1
#define FILE_BYTES    (MAGIC_BYTES + 4 + HM_ID_BYTES + 4)
#define CHECKED_BYTES (FILE_BYTES - 4)

static int read_file(const struct disk *disk, int folder, uint8_t *ret_id)
{
	struct buffer bytes = {0};
	struct cursor cursor;
	const uint8_t *magic;
	const uint8_t *id;
	int result = disk_read_file(disk, folder, FILE_NAME, FILE_BYTES, &bytes);

	cursor = (struct cursor){.at = (const uint8_t *)bytes.data, .left = bytes.length};
	magic = cursor_get_bytes(&cursor, MAGIC_BYTES);
	(void)cursor_get_u32(&cursor);
	id = cursor_get_bytes(&cursor, HM_ID_BYTES);
	if (result == -EFBIG)
		result = -EBADMSG;
	if (result == 0 && (!id || memcmp(magic, MAGIC, MAGIC_BYTES) != 0 ||
			    cursor_get_u32(&cursor) != crc32c(0, bytes.data, CHECKED_BYTES) ||
			    cursor_failed(&cursor)))
		result = -EBADMSG;
	if (result == 0)
		memcpy(ret_id, id, HM_ID_BYTES);
	buffer_done(&bytes);
	return result;
}

/* Create and replace, so that there is always a whole one. */
static int write_file(const struct disk *disk, int folder, const uint8_t *id)
{
	struct buffer bytes = {0};
	int result;
	int fd;

	buffer_append(&bytes, MAGIC, MAGIC_BYTES);
	cursor_put_u32(&bytes, VERSION);
	buffer_append(&bytes, id, HM_ID_BYTES);
	if (!buffer_failed(&bytes))
		cursor_put_u32(&bytes, crc32c(0, bytes.data, CHECKED_BYTES));
	fd = disk->open(disk->context, folder, FILE_NAME_NEW, O_RDWR | O_CREAT);
	result = buffer_failed(&bytes) ? -ENOMEM : fd < 0 ? fd : 0;
	if (result == 0)
		result = disk_write(disk, fd, bytes.data, bytes.length, 0);
	if (result == 0)
		result = disk->fsync(disk->context, fd);
	if (fd >= 0)
		(void)disk->close(disk->context, fd);
	if (result == 0)
		result = disk->rename(disk->context, folder, FILE_NAME_NEW, FILE_NAME);
	if (result == 0)
		result = disk->fsync(disk->context, folder);
	buffer_done(&bytes);
	return result;
}

struct search {
	const struct disk *disk;
	int log_folder;
	uint8_t *id;
};

/* @return 1: found */
static int look_into(void *argument, const char *name)
{
	struct search *search = argument;
	uint32_t number = log_file_number(name);
	struct log_segment segment;

	if (number == 0 || log_segment_open(&segment, search->disk, search->log_folder, number) < 0)
		return 0;
	memcpy(search->id, segment.header.store_id, HM_ID_BYTES);
	log_segment_close(&segment);
	return 1;
}

int store_id_get(const struct disk *disk, int folder, int log_folder,
		 uint8_t ret_id[static HM_ID_BYTES])
{
	struct search search = {disk, log_folder, ret_id};
	int result = read_file(disk, folder, ret_id);

	if (result != -ENOENT && result != -EBADMSG)
		return result;
	result = disk->list(disk->context, log_folder, look_into, &search);
	if (result == 0)
		result = disk->random(disk->context, ret_id, HM_ID_BYTES);
	return result < 0 ? result : write_file(disk, folder, ret_id);
}
