/* SPDX-License-Identifier: MIT */
/* Takes back what a checkpoint did that was not completed. */

#include "collector/undo.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "collector/engine.h"
#include "collector/tail.h"
#include "common/file_reader.h"
#include "common/message.h"
#include "common/store_path.h"

#define HOST_FILE  STORE_PATH_HOST_FILE
#define PATH_BYTES (CATALOG_FILE_NAME_BYTES * 2)

static int cut_file(const struct engine *engine, const struct cut *cut, const char *path)
{
	const struct disk *disk = engine->options.disk;
	struct disk_status status;
	int fd = disk->open(disk->context, engine->hosts_folder, path, O_RDWR);
	int result;

	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	result = disk->fstat(disk->context, fd, &status);
	/* It may be shorter, and never gets longer by this. */
	if (result == 0 && status.size_bytes > cut->length_bytes)
		result = disk->ftruncate(disk->context, fd, cut->length_bytes);
	(void)disk->close(disk->context, fd);
	return result;
}

/* A file that was not there before the group. */
static int remove_file(const struct engine *engine, const struct cut *cut)
{
	const struct disk *disk = engine->options.disk;
	int folder = disk->open(disk->context, engine->hosts_folder, cut->host->folder,
				O_RDONLY | O_DIRECTORY);
	int result;

	if (folder < 0)
		return folder == -ENOENT ? 0 : folder;
	result = disk->unlink(disk->context, folder, cut->name);
	(void)disk->close(disk->context, folder);
	return result == -ENOENT ? 0 : result;
}

/* -- what is not to be taken back ----------------------------------------------------------------- */

/*
 * Does a result say what a file is: that it is not there, or damaged? All others pass (no descriptor is
 * free, a device is slow): they say nothing, and nothing may be cut because of them.
 */
static bool is_said(int result)
{
	return disk_is_damage(result) || result == -ENOENT || result == -ENOTDIR ||
	       result == -EISDIR || result == -ELOOP || result == -ENXIO || result == -EINVAL ||
	       result == -ENOTSUP || result == -EREMOTE || result == -ENODATA;
}

/* Begin to read a file. @return as open_file() */
static int begin_file(const struct engine *engine, const char *path, uint32_t salt,
		      uint64_t length_bytes, struct file_reader *reader, bool *ret_is_headless)
{
	const struct disk *disk = engine->options.disk;
	struct store_file_header header;
	int fd = disk->open(disk->context, engine->hosts_folder, path, O_RDONLY);
	int result;

	*ret_is_headless = false;
	*reader = (struct file_reader){.fd = fd, .passes_bad_sectors = true};
	if (fd < 0)
		return fd;
	result = file_reader_init(reader, disk, fd, length_bytes, &header);
	*ret_is_headless = (result == -EINVAL || result == -EBADMSG) && reader->length_bytes > 0;
	if (*ret_is_headless)
		return file_reader_pass_header(reader, salt);
	if (result == 0 && memcmp(header.store_id, engine->store_id, HM_ID_BYTES) != 0)
		result = -EREMOTE;
	return result;
}

/*
 * Open a host's file. A sector that the device does not give is damage; and so is a header, whose salt
 * follows from the path.
 * @param length_bytes     read no further
 * @param reader           to be given to close_file() in any case
 * @param ret_is_headless  its header is damaged
 * @return 0; -EREMOTE: it is of another store; as file_reader_init()
 */
static int open_file(const struct engine *engine, const struct catalog_host *host, const char *name,
		     uint64_t length_bytes, struct file_reader *reader, bool *ret_is_headless)
{
	uint32_t salt = store_path_salt(engine->store_id, host->folder, name);
	char path[PATH_BYTES];
	int result;

	(void)snprintf(path, sizeof(path), "%s/%s", host->folder, name);
	result = begin_file(engine, path, salt, length_bytes, reader, ret_is_headless);
	if (result < 0 && !is_said(result)) {
		message_error("%s: %s; what an unfinished checkpoint wrote cannot be judged", path,
			      strerror(-result));
	}
	return result;
}

static void close_file(const struct engine *engine, struct file_reader *reader)
{
	const struct disk *disk = engine->options.disk;

	file_reader_done(reader);
	if (reader->fd >= 0)
		(void)disk->close(disk->context, reader->fd);
}

/* Are there blocks behind a file's cut, and are all of them whole? @return 1, 0 or -errno */
static int is_whole(struct file_reader *reader, const struct cut *cut)
{
	struct file_reader_block block;
	bool has_block = false;
	int result;

	if (cut->length_bytes > 0)
		reader->offset = cut->length_bytes;
	while ((result = file_reader_next(reader, &block)) == 0 && reader->damage_bytes == 0)
		has_block = true;
	if (result < 0 && result != -ENODATA)
		return result;
	return result == -ENODATA && reader->damage_bytes == 0 && has_block;
}

/* Did the checkpoint write all of a file? @return 1; 0: it is not there, or not whole; -errno: that cannot
 * be known now */
static int is_written(const struct engine *engine, const struct cut *cut)
{
	struct file_reader reader;
	bool is_headless;
	int result = open_file(engine, cut->host, cut->name, UINT64_MAX, &reader, &is_headless);

	/* It has its name already. */
	if (result == -ENOENT && strcmp(cut->name, STORE_PATH_NEW_HOST_FILE) == 0) {
		close_file(engine, &reader);
		result = open_file(engine, cut->host, HOST_FILE, UINT64_MAX, &reader, &is_headless);
	}

	/* A header that it wrote itself. */
	if (result == 0 && is_headless && cut->length_bytes == 0)
		result = -EBADMSG;
	if (result == 0)
		result = is_whole(&reader, cut);
	close_file(engine, &reader);
	return result < 0 && is_said(result) ? 0 : result;
}

/* All files of a host that the log names. @return 1, 0 or -errno */
static int are_written(const struct engine *engine, const struct cuts *cuts,
		       const struct catalog_host *host)
{
	int result = 1;

	for (const struct cut *cut = cuts_of(cuts, host); cut && result == 1; cut = cut->next) {
		if (!cut->is_dropped)
			result = is_written(engine, cut);
	}
	return result;
}

/* The position of the last whole block, 0 without one. @return 0 or -errno */
static int last_position(struct file_reader *reader, uint64_t *ret_position)
{
	struct file_reader_block block;
	int result;

	*ret_position = 0;
	reader->offset = reader->length_bytes;
	result = file_reader_previous(reader, &block);
	if (result == 0)
		*ret_position = block.block.position;
	if (result != -EBADMSG)
		return result;
	reader->offset = reader->header_bytes;
	while ((result = file_reader_next(reader, &block)) == 0)
		*ret_position = block.block.position;
	return result;
}

/*
 * Up to where a host is in files, as its own one says. That is the last of each group that is written.
 * @param length_bytes  read no further
 * @param ret_position  0: it says nothing
 * @return 0; -errno: it cannot be read now
 */
static int filed_until(const struct engine *engine, const struct catalog_host *host,
		       uint64_t length_bytes, uint64_t *ret_position)
{
	struct file_reader reader;
	bool is_headless;
	int result = open_file(engine, host, STORE_PATH_NEW_HOST_FILE, length_bytes, &reader,
			       &is_headless);

	/* Made anew, it has more than the old one. */
	if (result < 0 && is_said(result)) {
		close_file(engine, &reader);
		result = open_file(engine, host, HOST_FILE, length_bytes, &reader, &is_headless);
	}

	*ret_position = 0;
	if (result == 0)
		result = last_position(&reader, ret_position);
	close_file(engine, &reader);
	return result < 0 && !is_said(result) ? result : 0;
}

/*
 * Are batches of a host missing that are in no file by its checkpoint? @param position  of the last one
 * that a checkpoint found @return 1, 0 or -errno
 */
static int has_lost_batches(struct tail *tail, const struct catalog_host *host, uint64_t position)
{
	struct tail_range range = {host->number, host->checkpoint, host->last};
	const uint64_t *positions;
	size_t n_positions;
	int result;

	if (position > host->last)
		return 1;
	result = tail_find(tail, &range, &positions, &n_positions);
	if (result < 0)
		return is_said(result) ? 1 : result;
	return tail_n_damaged(tail) > 0;
}

/* Have all that is in a host's files count up to a position, and what the last group wrote only where that
 * is to count as well. */
static void count(const struct cuts *cuts, struct catalog_host *host, uint64_t position,
		  const struct cut *last)
{
	message_warning("%s: batches of it are lost from the log; what a checkpoint wrote of them "
			"counts",
			host->folder);
	host->checkpoint = position;
	for (struct cut *cut = cuts_of(cuts, host); cut; cut = cut->next)
		cut->length_bytes = last && cut->group == last->group ? cut->later_bytes : CUT_NONE;
}

/* @return 0; -errno: what is to be cut cannot be known now */
static int judge_host(struct engine *engine, const struct cuts *cuts, struct tail *tail,
		      struct catalog_host *host)
{
	const struct cut *own = cuts_find(cuts, host, HOST_FILE);
	uint64_t position;
	int result = filed_until(engine, host, UINT64_MAX, &position);

	if (result < 0 || position <= host->checkpoint)
		return result;
	result = has_lost_batches(tail, host, position);
	if (result <= 0)
		return result;
	result = are_written(engine, cuts, host);
	if (result == 1)
		count(cuts, host, position, NULL);
	if (result != 0)
		return result < 0 ? result : 0;
	/* That a group was begun behind another one's blocks says that these were completed. */
	if (own && own->later_bytes > own->length_bytes) {
		result = filed_until(engine, host, own->later_bytes, &position);
		if (result == 0 && position > host->checkpoint)
			count(cuts, host, position, own);
	}
	return result;
}

static int judge_hosts(struct engine *engine, const struct recovery *recovery)
{
	const struct catalog *catalog = &engine->catalog;
	const struct cuts *cuts = &recovery->cuts;
	struct tail *tail;
	int result;

	if (cuts->n == 0 && recovery->n_damaged == 0)
		return 0;
	result = tail_new(engine, &tail);
	if (result < 0)
		return result;
	for (size_t i = 0; i < catalog->n_hosts && result == 0; i++) {
		struct catalog_host *host = catalog->all_hosts[i];

		/* What the log had of a group is lost only with something else. */
		if (recovery->n_damaged > 0 || cuts_find(cuts, host, HOST_FILE))
			result = judge_host(engine, cuts, tail, host);
	}
	tail_free(tail);
	return result;
}

/* -- taking back ---------------------------------------------------------------------------------- */

/* @return has anything been done, or is to be made durable? */
static bool undo_file(const struct engine *engine, struct cut *cut)
{
	char path[PATH_BYTES];
	int result = 0;

	if (cut->is_dropped)
		return false;
	(void)snprintf(path, sizeof(path), "%s/%s", cut->host->folder, cut->name);
	if (cut->length_bytes == 0)
		result = remove_file(engine, cut);
	else if (cut->length_bytes != CUT_NONE)
		result = cut_file(engine, cut, path);
	if (result < 0) {
		cut->is_doubtful = true;
		message_warning("%s: what an unfinished checkpoint wrote cannot be cut off: %s",
				path, strerror(-result));
	}
	return true;
}

int undo_run(struct engine *engine, struct recovery *recovery)
{
	const struct disk *disk = engine->options.disk;
	const struct cuts *cuts = &recovery->cuts;
	bool is_changed = false;
	int result = judge_hosts(engine, recovery);

	if (result < 0)
		return result;
	for (size_t i = 0; i < cuts->n; i++)
		is_changed |= undo_file(engine, cuts->all[i]);
	if (is_changed)
		result = disk->syncfs(disk->context, engine->hosts_folder);
	if (result == 0)
		return 0;
	message_warning("what an unfinished checkpoint wrote is cut off, and not for good: %s; its "
			"files are not written any more, others go on",
			strerror(-result));
	for (size_t i = 0; i < cuts->n; i++)
		cuts->all[i]->is_doubtful = true;
	return 0;
}
