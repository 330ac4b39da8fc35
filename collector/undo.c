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

#define HOST_FILE  ".host"
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

/* Are there blocks behind a file's cut, and are all of them whole? */
static bool is_whole(struct file_reader *reader, const struct cut *cut)
{
	struct file_reader_block block;
	bool has_block = false;
	int result;

	if (cut->length_bytes > 0)
		reader->offset = cut->length_bytes;
	while ((result = file_reader_next(reader, &block)) == 0 && reader->damage_bytes == 0)
		has_block = true;
	return result == -ENODATA && reader->damage_bytes == 0 && has_block;
}

static int open_file(const struct engine *engine, const struct catalog_host *host, const char *name)
{
	const struct disk *disk = engine->options.disk;
	char path[PATH_BYTES];

	(void)snprintf(path, sizeof(path), "%s/%s", host->folder, name);
	return disk->open(disk->context, engine->hosts_folder, path, O_RDONLY);
}

/* Did the checkpoint write all of a file? */
static bool is_written(const struct engine *engine, const struct cut *cut)
{
	const struct disk *disk = engine->options.disk;
	int fd = open_file(engine, cut->host, cut->name);
	struct file_reader reader = {0};
	struct store_file_header header;
	bool is_written;

	if (fd < 0)
		return false;
	is_written = file_reader_init(&reader, disk, fd, UINT64_MAX, &header) == 0 &&
		     is_whole(&reader, cut);
	file_reader_done(&reader);
	(void)disk->close(disk->context, fd);
	return is_written;
}

/* All files of a host that the log names. */
static bool are_written(const struct engine *engine, const struct cuts *cuts,
			const struct catalog_host *host)
{
	for (const struct cut *cut = cuts_of(cuts, host); cut; cut = cut->next) {
		if (!cut->is_dropped && !is_written(engine, cut))
			return false;
	}
	return true;
}

/* The position of the last whole block. */
static uint64_t last_position(struct file_reader *reader)
{
	struct file_reader_block block;
	uint64_t position = 0;

	reader->offset = reader->length_bytes;
	if (file_reader_previous(reader, &block) == 0)
		return block.block.position;
	reader->offset = reader->header_bytes;
	while (file_reader_next(reader, &block) == 0)
		position = block.block.position;
	return position;
}

/*
 * Up to where a host is in files, as its own one says. That is the last of each group that is written.
 * @param length_bytes  read no further
 * @return 0: it says nothing
 */
static uint64_t filed_until(const struct engine *engine, const struct catalog_host *host,
			    uint64_t length_bytes)
{
	const struct disk *disk = engine->options.disk;
	int fd = open_file(engine, host, HOST_FILE);
	struct file_reader reader = {0};
	struct store_file_header header;
	uint64_t position = 0;

	if (fd < 0)
		return 0;
	if (file_reader_init(&reader, disk, fd, length_bytes, &header) == 0 &&
	    memcmp(header.store_id, engine->store_id, HM_ID_BYTES) == 0)
		position = last_position(&reader);
	file_reader_done(&reader);
	(void)disk->close(disk->context, fd);
	return position;
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
	return result < 0 ? result : tail_n_damaged(tail) > 0;
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

static int judge_host(struct engine *engine, const struct cuts *cuts, struct tail *tail,
		      struct catalog_host *host)
{
	const struct cut *own = cuts_find(cuts, host, HOST_FILE);
	uint64_t position = filed_until(engine, host, UINT64_MAX);
	int result = 0;

	if (position > host->checkpoint)
		result = has_lost_batches(tail, host, position);
	if (result <= 0)
		return result == -ENOMEM ? result : 0;
	if (are_written(engine, cuts, host)) {
		count(cuts, host, position, NULL);
		return 0;
	}
	/* That a group was begun behind another one's blocks says that these were completed. */
	if (own && own->later_bytes > own->length_bytes) {
		position = filed_until(engine, host, own->later_bytes);
		if (position > host->checkpoint)
			count(cuts, host, position, own);
	}
	return 0;
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
