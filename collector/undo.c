/* SPDX-License-Identifier: MIT */
/* Takes back what a checkpoint did that was not completed. */

#include "collector/undo.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "collector/engine.h"
#include "common/message.h"

#define PATH_BYTES (CATALOG_FILE_NAME_BYTES * 2)

static int cut_file(const struct engine *engine, const struct cut *cut, const char *path)
{
	const struct disk *disk = engine->options.disk;
	int fd = disk->open(disk->context, engine->hosts_folder, path, O_RDWR);
	int result;

	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
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

void undo_run(const struct engine *engine, const struct cuts *cuts)
{
	const struct disk *disk = engine->options.disk;

	for (size_t i = 0; i < cuts->n; i++) {
		const struct cut *cut = cuts->all[i];
		char path[PATH_BYTES];
		int result;

		if (cut->is_dropped)
			continue;
		(void)snprintf(path, sizeof(path), "%s/%s", cut->host->folder, cut->name);
		result = cut->length_bytes > 0 ? cut_file(engine, cut, path)
					       : remove_file(engine, cut);
		if (result < 0) {
			message_warning("%s: what an unfinished checkpoint wrote cannot be cut "
					"off: %s",
					path, strerror(-result));
		}
	}
	if (cuts->n > 0)
		(void)disk->syncfs(disk->context, engine->hosts_folder);
}
