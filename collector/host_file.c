/* SPDX-License-Identifier: MIT */
/* A host's own file that is made anew. */

#include "collector/host_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "collector/engine.h"
#include "collector/group_messages.h"
#include "collector/host_history.h"
#include "common/file_reader.h"
#include "common/message.h"
#include "common/store_path.h"

#define PATH_BYTES (CATALOG_FOLDER_BYTES + sizeof(STORE_PATH_NEW_HOST_FILE))

void host_file_leave(struct catalog_host *host)
{
	if (host->end.length_bytes > 0)
		host->kept_bytes = host->end.length_bytes;
	host->is_remade = true;
	host->end = (struct metric_file_end){.highest_us = CATALOG_NO_TIME};
}

void host_file_look(struct engine *engine, struct catalog_host *host)
{
	uint64_t n_bytes = host->end.length_bytes;

	pthread_mutex_lock(&engine->mutex);
	if (!host->is_remade && n_bytes >= HOST_FILE_SMALL_BYTES &&
	    n_bytes / 2 >= host->made_bytes && engine->n_snapshots == 0) {
		host->is_remade = true;
		host->kept_bytes = n_bytes;
	}
	pthread_mutex_unlock(&engine->mutex);
}

const char *host_file_name(const struct catalog_host *host)
{
	return host->is_remade ? STORE_PATH_NEW_HOST_FILE : STORE_PATH_HOST_FILE;
}

uint64_t host_file_bytes(const struct catalog_host *host)
{
	return host->is_remade ? host->kept_bytes : host->end.length_bytes;
}

/* Put a block of the old file, with the position that it has there: where the log loses what it says of the
 * checkpoint, it counts all the same. */
static int put_block(struct engine *engine, const struct group_file *file,
		     const struct store_file_block *block, struct buffer *out)
{
	struct store_file_message message;
	struct catalog_schedule schedule = {0};
	size_t start;

	if (store_file_get_message(block, &message) == 0)
		schedule = group_get_schedule(&engine->catalog.key, &message);
	if (schedule.hash)
		file->of->schedule = schedule;
	start = store_file_begin_block(out, (enum hm_block_type)block->type, block->position);
	buffer_append(out, block->payload, block->payload_bytes);
	return store_file_end_block(out, start, file->after.salt,
				    file->before.length_bytes + start);
}

static int try_blocks(struct engine *engine, const struct group_file *file, int fd,
		      bool passes_bad_sectors, struct buffer *out)
{
	struct file_reader reader = {.passes_bad_sectors = passes_bad_sectors};
	struct host_history history = {.horizon_us = file->of->horizon_us};
	struct store_file_header header;
	struct file_reader_block found;
	int result = file_reader_init(&reader, engine->options.disk, fd, file->of->host->kept_bytes,
				      &header);

	if (result == -EBADMSG || result == -EINVAL)
		result = file_reader_pass_header(&reader, file->after.salt);
	while (result == 0 && (result = file_reader_next(&reader, &found)) == 0)
		host_history_note(&history, &found);
	/* Now it is known which ones are the last. */
	reader.offset = reader.header_bytes;
	result = result == -ENODATA ? 0 : result;
	while (result == 0 && (result = file_reader_next(&reader, &found)) == 0) {
		if (host_history_has(&history, &found))
			result = put_block(engine, file, &found.block, out);
	}
	file_reader_done(&reader);
	return result;
}

/* What the disk does not give is missing only once it was waited for. */
static int put_blocks(struct engine *engine, const struct group_file *file, int fd,
		      struct buffer *out)
{
	size_t begin = out->length;
	int result = try_blocks(engine, file, fd, false, out);

	if (!disk_is_withheld(result) || engine_awaits_disk(engine))
		return result;
	out->length = begin;
	return try_blocks(engine, file, fd, true, out);
}

/* Does an error say that there is no more of the file than was read? Where it was to be written on, an error of the
 * disk has the checkpoint wait, as it would then. */
static bool says_no_more(const struct catalog_host *host, int error)
{
	if (error == -EIO && host->end.length_bytes > 0)
		return false;
	return disk_is_damage(error) || error == -ENOENT || error == -ENOTDIR || error == -ELOOP ||
	       error == -EISDIR || error == -ENXIO || error == -EINVAL || error == -ENOTSUP;
}

int host_file_keep(struct engine *engine, const struct group_file *file, struct buffer *out)
{
	const struct disk *disk = engine->options.disk;
	const struct catalog_host *host = file->of->host;
	char path[PATH_BYTES];
	int result;
	int fd;

	if (!host->is_remade || host->kept_bytes == 0)
		return 0;
	(void)snprintf(path, sizeof(path), "%s/%s", host->folder, STORE_PATH_HOST_FILE);
	fd = disk->open(disk->context, engine->hosts_folder, path, O_RDONLY);
	result = fd;
	if (fd >= 0) {
		result = put_blocks(engine, file, fd, out);
		(void)disk->close(disk->context, fd);
	}
	if (result == 0 || result == -ENODATA)
		return 0;
	/* Others pass. */
	if (!says_no_more(host, result) || (disk_is_withheld(result) && engine_awaits_disk(engine)))
		return result;
	message_warning("%s: %s; what it held is missing", path, strerror(-result));
	return 0;
}

static bool is_copied(struct engine *engine)
{
	bool is_copied;

	pthread_mutex_lock(&engine->mutex);
	is_copied = engine->n_snapshots > 0;
	pthread_mutex_unlock(&engine->mutex);
	return is_copied;
}

static int replace(struct engine *engine, const struct catalog_host *host)
{
	const struct disk *disk = engine->options.disk;
	int folder = disk->open(disk->context, engine->hosts_folder, host->folder,
				O_RDONLY | O_DIRECTORY);
	int result;

	if (folder < 0)
		return folder;
	result =
		disk->rename(disk->context, folder, STORE_PATH_NEW_HOST_FILE, STORE_PATH_HOST_FILE);
	/* Where that is not durable, the next start does it once more. */
	if (result == 0)
		(void)disk->fsync(disk->context, folder);
	(void)disk->close(disk->context, folder);
	/* An earlier call did it. */
	return result == -ENOENT ? 0 : result;
}

int host_file_replace(struct engine *engine, const struct group *group)
{
	int result = 0;

	for (size_t i = 0; i < group->n_hosts && result == 0; i++) {
		const struct catalog_host *host = group->hosts[i].host;

		if (!host->is_remade)
			continue;
		/* No other copy begins before the group is published. */
		result = is_copied(engine) ? -EAGAIN : replace(engine, host);
	}
	return result;
}
