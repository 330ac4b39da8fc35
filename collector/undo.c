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

/* Read the blocks behind a file's cut. @param ret_position  of the last @return are there any, and is all of
 * it whole? */
static bool is_whole(struct file_reader *reader, const struct cut *cut, uint64_t *ret_position)
{
	struct file_reader_block block;
	bool has_block = false;
	int result;

	if (cut->length_bytes > 0)
		reader->offset = cut->length_bytes;
	while ((result = file_reader_next(reader, &block)) == 0 && reader->damage_bytes == 0) {
		*ret_position = block.block.position;
		has_block = true;
	}
	return result == -ENODATA && reader->damage_bytes == 0 && has_block;
}

/* Did the checkpoint write all of a file? */
static bool is_written(const struct engine *engine, const struct cut *cut, uint64_t *ret_position)
{
	const struct disk *disk = engine->options.disk;
	struct file_reader reader = {0};
	struct store_file_header header;
	char path[PATH_BYTES];
	bool is_written;
	int fd;

	(void)snprintf(path, sizeof(path), "%s/%s", cut->host->folder, cut->name);
	fd = disk->open(disk->context, engine->hosts_folder, path, O_RDONLY);
	if (fd < 0)
		return false;
	is_written = file_reader_init(&reader, disk, fd, UINT64_MAX, &header) == 0 &&
		     is_whole(&reader, cut, ret_position);
	file_reader_done(&reader);
	(void)disk->close(disk->context, fd);
	return is_written;
}

/* All files of a host. @param ret_position  the checkpoint's @return are they written, by the same one? */
static bool are_written(const struct engine *engine, const struct cuts *cuts,
			const struct catalog_host *host, uint64_t *ret_position)
{
	uint64_t found = 0;

	for (const struct cut *cut = cuts_of(cuts, host); cut; cut = cut->next) {
		uint64_t position = 0;

		if (cut->is_dropped)
			continue;
		if (!is_written(engine, cut, &position) || (found > 0 && position != found))
			return false;
		found = position;
	}
	*ret_position = found;
	return found > host->checkpoint;
}

/* Are batches of a host missing that are in no file by its checkpoint? @return 1, 0 or -errno */
static int has_lost_batches(struct tail *tail, const struct catalog_host *host)
{
	struct tail_range range = {host->number, host->checkpoint, host->last};
	const uint64_t *positions;
	size_t n_positions;
	int result = 0;

	if (host->last > host->checkpoint)
		result = tail_find(tail, &range, &positions, &n_positions);
	if (result < 0)
		return result;
	return tail_n_damaged(tail) > 0;
}

static int judge_host(struct engine *engine, struct cuts *cuts, struct tail *tail,
		      struct catalog_host *host)
{
	uint64_t position;
	int result = has_lost_batches(tail, host);

	if (result <= 0 || !are_written(engine, cuts, host, &position))
		return result == -ENOMEM ? result : 0;
	message_warning("%s: batches of it are lost from the log; what a checkpoint wrote of them "
			"counts",
			host->folder);
	host->checkpoint = position;
	for (struct cut *cut = cuts_of(cuts, host); cut; cut = cut->next)
		cut->length_bytes = CUT_NONE;
	return 0;
}

/* A host is judged at the first of its cuts. */
static int judge_hosts(struct engine *engine, struct cuts *cuts)
{
	struct tail *tail;
	int result = tail_new(engine, &tail);

	if (result < 0)
		return result;
	for (size_t i = 0; i < cuts->n && result == 0; i++) {
		struct catalog_host *host = cuts->all[i]->host;

		if (!cuts->all[i]->is_dropped && cuts_of(cuts, host) == cuts->all[i])
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

int undo_run(struct engine *engine, struct cuts *cuts)
{
	const struct disk *disk = engine->options.disk;
	bool is_changed = false;
	int result = cuts->n > 0 ? judge_hosts(engine, cuts) : 0;

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
