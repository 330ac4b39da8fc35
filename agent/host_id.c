/* SPDX-License-Identifier: MIT */
/* Ids of host, machine and boot. */

#include "agent/host_id.h"

#include <errno.h>
#include <fcntl.h>
#include <sha2.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "common/wire_id.h"

#define NAME      "host"
#define NEW_NAME  "host.new"
#define FILE_MODE 0600

/* More than any of these files has. */
#define FILE_MAX_BYTES 128

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

/* Read and close a file. @param fd  below 0: it could not be opened, errno tells why. @return bytes, or -errno */
static ssize_t read_file(int fd, char out[static FILE_MAX_BYTES])
{
	ssize_t n_bytes;
	int error;

	if (fd < 0)
		return -errno;
	n_bytes = read(fd, out, FILE_MAX_BYTES);
	error = errno;
	(void)close(fd);
	return n_bytes < 0 ? -error : n_bytes;
}

static int read_id(int fd, uint8_t ret_id[static HM_ID_BYTES])
{
	char text[FILE_MAX_BYTES] = {0};
	ssize_t n_bytes = read_file(fd, text);

	return n_bytes < 0 ? (int)n_bytes : host_id_parse(text, (size_t)n_bytes, ret_id);
}

/* -- made of the machine's id ---------------------------------------------------------------------- */

void host_id_read_machine(const char *path, struct host_id_machine *ret_machine)
{
	int result = read_id(open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), ret_machine->id);

	ret_machine->is_known = result == 0;
}

/* Nobody can tell the machine's id from its hash, nor one hash of it from another. */
static void hash(const struct host_id_machine *machine, const char *purpose, const char *text,
		 const char *name, uint8_t ret_id[static HM_ID_BYTES])
{
	uint8_t digest[SHA256_DIGEST_LENGTH];
	SHA2_CTX context;

	SHA256Init(&context);
	SHA256Update(&context, (const uint8_t *)purpose, strlen(purpose) + 1);
	SHA256Update(&context, machine->id, HM_ID_BYTES);
	SHA256Update(&context, (const uint8_t *)text, strlen(text) + 1);
	SHA256Update(&context, (const uint8_t *)name, strlen(name));
	SHA256Final(digest, &context);
	memcpy(ret_id, digest, HM_ID_BYTES);
}

int host_id_make(const struct host_id_machine *machine, const char *spool, const char *name,
		 uint8_t ret_id[static HM_ID_BYTES])
{
	ssize_t n_bytes;

	if (machine->is_known) {
		hash(machine, "hostmetrics host", spool, name, ret_id);
		return 0;
	}
	n_bytes = getrandom(ret_id, HM_ID_BYTES, 0);
	if (n_bytes < 0)
		return -errno;
	return n_bytes == HM_ID_BYTES ? 0 : -EIO;
}

/* -- the file -------------------------------------------------------------------------------------- */

static int write_synced(int fd, const char *text, size_t length)
{
	ssize_t n_bytes = write(fd, text, length);

	if (n_bytes < 0)
		return -errno;
	if ((size_t)n_bytes != length)
		return -EIO;
	return fsync(fd) < 0 ? -errno : 0;
}

/* What the file has. */
struct record {
	uint8_t id[HM_ID_BYTES];
	bool has_mark;
	uint8_t mark[HM_ID_BYTES]; /* of the machine */
};

static void make_mark(const struct host_id_machine *machine, struct record *record)
{
	record->has_mark = machine->is_known;
	if (machine->is_known)
		hash(machine, "hostmetrics machine", "", "", record->mark);
}

/* @return 0; -EBADMSG; -errno */
static int read_record(int folder, struct record *ret_record)
{
	char text[FILE_MAX_BYTES] = {0};
	ssize_t n_bytes = read_file(
		openat(folder, NAME, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK), text);
	size_t n_first = HOST_ID_TEXT_BYTES;

	if (n_bytes < 0)
		return (int)n_bytes;
	if ((size_t)n_bytes < n_first)
		n_first = (size_t)n_bytes;
	ret_record->has_mark = (size_t)n_bytes > n_first;
	if (ret_record->has_mark &&
	    host_id_parse(text + n_first, (size_t)n_bytes - n_first, ret_record->mark) < 0)
		return -EBADMSG;
	return host_id_parse(text, n_first, ret_record->id);
}

/* The file is there whole, or not at all. */
static int write_record(int folder, const struct record *record)
{
	char text[2 * HOST_ID_TEXT_BYTES];
	int fd = openat(folder, NEW_NAME,
			O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK,
			FILE_MODE);
	int result;

	if (fd < 0)
		return -errno;
	host_id_format(record->id, text);
	host_id_format(record->mark, text + HOST_ID_TEXT_BYTES);
	result = write_synced(fd, text, record->has_mark ? sizeof(text) : HOST_ID_TEXT_BYTES);
	(void)close(fd);
	if (result == 0 && renameat(folder, NEW_NAME, folder, NAME) < 0)
		result = -errno;
	if (result == 0 && fsync(folder) < 0)
		result = -errno;
	return result;
}

int host_id_find(int folder, const struct host_id_machine *machine,
		 const uint8_t id[static HM_ID_BYTES], uint8_t ret_id[static HM_ID_BYTES])
{
	struct record ours = {.has_mark = false};
	struct record record = {.has_mark = false};
	int result = read_record(folder, &record);
	bool is_other;

	if (result < 0 && result != -ENOENT && result != -EBADMSG)
		return result;
	make_mark(machine, &ours);
	is_other = ours.has_mark && record.has_mark &&
		   memcmp(ours.mark, record.mark, HM_ID_BYTES) != 0;
	memcpy(ours.id, result < 0 || is_other ? id : record.id, HM_ID_BYTES);
	memcpy(ret_id, ours.id, HM_ID_BYTES);
	if (result < 0 || is_other)
		return write_record(folder, &ours);
	/* One that was drawn before the machine was known stays; from now on it is this machine's, or from a later start
	 * on, where nothing can be written now. */
	if (ours.has_mark > record.has_mark)
		(void)write_record(folder, &ours);
	return 0;
}

int host_id_read_boot(uint8_t ret_id[static HM_ID_BYTES])
{
	return read_id(open(BOOT_ID_PATH, O_RDONLY | O_CLOEXEC), ret_id);
}
