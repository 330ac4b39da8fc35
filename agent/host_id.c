/* SPDX-License-Identifier: MIT */
/* Ids as text. */

#include "agent/host_id.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "common/wire_id.h"

#define NAME      "host"
#define NEW_NAME  "host.new"
#define FILE_MODE 0600

#define BOOT_ID_PATH "/proc/sys/kernel/random/boot_id"

static const char digits[] = "0123456789abcdef";

/* @return its value, or -1 */
static int read_digit(char byte)
{
	const char *at = byte ? strchr(digits, byte) : NULL;

	return at ? (int)(at - digits) : -1;
}

int host_id_parse(const char *text, size_t length, uint8_t ret_id[static HM_ID_BYTES])
{
	uint8_t id[HM_ID_BYTES] = {0};
	size_t n = 0;

	if (length > 0 && text[length - 1] == '\n')
		length--;
	for (size_t i = 0; i < length; i++) {
		int digit = read_digit(text[i]);

		if (text[i] == '-')
			continue;
		if (digit < 0 || n == (size_t)2 * HM_ID_BYTES)
			return -EBADMSG;
		id[n / 2] = (uint8_t)(id[n / 2] << 4 | digit);
		n++;
	}
	if (n != (size_t)2 * HM_ID_BYTES || !wire_id_is_set(id))
		return -EBADMSG;
	memcpy(ret_id, id, HM_ID_BYTES);
	return 0;
}

void host_id_format(const uint8_t id[static HM_ID_BYTES], char out[static HOST_ID_TEXT_BYTES])
{
	for (size_t i = 0; i < HM_ID_BYTES; i++) {
		out[2 * i] = digits[id[i] >> 4];
		out[2 * i + 1] = digits[id[i] & 0xf];
	}
	out[HOST_ID_TEXT_BYTES - 1] = '\n';
}

int host_id_draw(uint8_t ret_id[static HM_ID_BYTES])
{
	ssize_t n_bytes = getrandom(ret_id, HM_ID_BYTES, 0);

	if (n_bytes < 0)
		return -errno;
	return n_bytes == HM_ID_BYTES ? 0 : -EIO;
}

/* Read and close a file with an id. @param fd  below 0: it could not be opened, errno tells why */
static int read_id(int fd, uint8_t ret_id[static HM_ID_BYTES])
{
	char text[2 * HOST_ID_TEXT_BYTES];
	ssize_t n_bytes;
	int error;

	if (fd < 0)
		return -errno;
	n_bytes = read(fd, text, sizeof(text));
	error = errno;
	(void)close(fd);
	return n_bytes < 0 ? -error : host_id_parse(text, (size_t)n_bytes, ret_id);
}

static int write_synced(int fd, const char *text, size_t length)
{
	ssize_t n_bytes = write(fd, text, length);

	if (n_bytes < 0)
		return -errno;
	if ((size_t)n_bytes != length)
		return -EIO;
	return fsync(fd) < 0 ? -errno : 0;
}

/* The file is there whole, or not at all. */
static int write_id(int folder, const uint8_t id[static HM_ID_BYTES])
{
	char text[HOST_ID_TEXT_BYTES];
	int fd = openat(folder, NEW_NAME,
			O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK,
			FILE_MODE);
	int result;

	if (fd < 0)
		return -errno;
	host_id_format(id, text);
	result = write_synced(fd, text, sizeof(text));
	(void)close(fd);
	if (result == 0 && renameat(folder, NEW_NAME, folder, NAME) < 0)
		result = -errno;
	if (result == 0 && fsync(folder) < 0)
		result = -errno;
	return result;
}

int host_id_find(int folder, uint8_t ret_id[static HM_ID_BYTES])
{
	int fd = openat(folder, NAME, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	int result = read_id(fd, ret_id);

	if (result != -ENOENT && result != -EBADMSG)
		return result;
	result = host_id_draw(ret_id);
	return result == 0 ? write_id(folder, ret_id) : result;
}

int host_id_read_boot(uint8_t ret_id[static HM_ID_BYTES])
{
	return read_id(open(BOOT_ID_PATH, O_RDONLY | O_CLOEXEC), ret_id);
}
