/* SPDX-License-Identifier: MIT */
/* What is read and written of any disk: over short and failed calls. */

#include "common/disk.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "common/buffer.h"

#define READ_STEP_BYTES (size_t)65536

/* What a device may fail to give. */
#define SECTOR_BYTES 512u
#define PIECE_BYTES  ((size_t)4096) /* is read sector by sector at once */

int disk_read(const struct disk *disk, int fd, void *bytes, size_t length, uint64_t offset)
{
	size_t done = 0;

	while (done < length) {
		ssize_t n = disk->pread(disk->context, fd, (char *)bytes + done, length - done,
					offset + done);

		if (n == 0)
			return -ENODATA;
		if (n < 0 && n != -EINTR)
			return (int)n;
		if (n > 0)
			done += (size_t)n;
	}
	return 0;
}

bool disk_is_damage(int result)
{
	return disk_is_withheld(result) || result == -EBADMSG;
}

bool disk_is_withheld(int result)
{
	return result == -EIO || result == -EUCLEAN;
}

static void add_loss(struct disk_loss *loss, uint64_t offset, size_t length)
{
	if (offset + length <= loss->until)
		return;
	loss->n_bytes += length;
	loss->until = offset + length;
}

/* Read a range sector by sector. @return bytes or -errno */
static ssize_t salvage_sectors(const struct disk *disk, int fd, uint8_t *bytes, size_t length,
			       uint64_t offset, struct disk_loss *loss)
{
	size_t done = 0;

	while (done < length) {
		size_t step = SECTOR_BYTES - (size_t)((offset + done) % SECTOR_BYTES);
		ssize_t n;

		if (step > length - done)
			step = length - done;
		n = disk->pread(disk->context, fd, bytes + done, step, offset + done);
		if (n == -EINTR)
			continue;
		if (n < 0 && disk_is_damage((int)n)) {
			memset(bytes + done, 0, step);
			add_loss(loss, offset + done, step);
			n = (ssize_t)step;
		}
		if (n < 0)
			return n;
		if (n == 0)
			break;
		done += (size_t)n;
	}
	return (ssize_t)done;
}

ssize_t disk_salvage(const struct disk *disk, int fd, void *bytes, size_t length, uint64_t offset,
		     struct disk_loss *loss)
{
	uint8_t *at = bytes;
	size_t done = 0;

	while (done < length) {
		ssize_t n = disk->pread(disk->context, fd, at + done, length - done, offset + done);

		if (n == -EINTR)
			continue;
		/* Not all that is left: where it is big, the most of it can be read in one go. */
		if (n < 0 && disk_is_damage((int)n)) {
			size_t step = length - done < PIECE_BYTES ? length - done : PIECE_BYTES;

			n = salvage_sectors(disk, fd, at + done, step, offset + done, loss);
		}
		if (n < 0)
			return n;
		if (n == 0)
			break;
		done += (size_t)n;
	}
	return (ssize_t)done;
}

int disk_write(const struct disk *disk, int fd, const void *bytes, size_t length, uint64_t offset)
{
	size_t done = 0;

	while (done < length) {
		ssize_t n = disk->pwrite(disk->context, fd, (const char *)bytes + done,
					 length - done, offset + done);

		/* Nothing written and no reason: to try for ever would help nobody. */
		if (n == 0)
			return -EIO;
		if (n < 0 && n != -EINTR)
			return (int)n;
		if (n > 0)
			done += (size_t)n;
	}
	return 0;
}

/* Up to the end of the file, which may grow or shrink meanwhile. */
static int read_all(const struct disk *disk, int fd, size_t max_bytes, struct buffer *out)
{
	size_t begin = out->length;
	ssize_t n;

	do {
		size_t done = out->length - begin;
		size_t room =
			max_bytes - done < READ_STEP_BYTES ? max_bytes - done + 1 : READ_STEP_BYTES;

		if (buffer_reserve(out, room) < 0)
			return -ENOMEM;
		n = disk->pread(disk->context, fd, out->data + out->length, room, done);
		if (n > 0)
			out->length += (size_t)n;
		if (out->length - begin > max_bytes)
			return -EFBIG;
	} while (n > 0 || n == -EINTR);
	return (int)n;
}

static int read_file(const struct disk *disk, int fd, size_t max_bytes, struct buffer *out)
{
	struct disk_status status;
	int result = disk->fstat(disk->context, fd, &status);

	if (result < 0)
		return result;
	if (!status.is_file)
		return status.is_folder ? -EISDIR : -EINVAL;
	if (status.size_bytes > max_bytes)
		return -EFBIG;
	if (buffer_reserve(out, (size_t)status.size_bytes + 1) < 0)
		return -ENOMEM;
	return read_all(disk, fd, max_bytes, out);
}

int disk_read_file(const struct disk *disk, int folder, const char *path, size_t max_bytes,
		   struct buffer *out)
{
	int fd = disk->open(disk->context, folder, path, O_RDONLY);
	size_t begin = out->length;
	int result;

	if (fd < 0)
		return fd;
	result = read_file(disk, fd, max_bytes, out);
	/* Nothing was written: what close says of it loses nothing. */
	(void)disk->close(disk->context, fd);
	if (result < 0)
		out->length = begin;
	return result;
}

int disk_make_folder(const struct disk *disk, int folder, const char *name)
{
	int result = disk->mkdir(disk->context, folder, name);

	/* Also one that is there: whoever made it may have been killed before its sync. */
	if (result < 0 && result != -EEXIST)
		return result;
	return disk->fsync(disk->context, folder);
}
