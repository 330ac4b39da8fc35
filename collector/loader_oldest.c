/* SPDX-License-Identifier: MIT */
/* How old a host's samples are, at start. */

#include <string.h>

#include "collector/loader_part.h"
#include "collector/metric_place.h"

/* Have the first time of the first block that counts. @return 0, also without one; -errno */
static int look_at_file(struct loader *loader, struct file_reader *reader,
			const struct metric_file_place *place)
{
	struct catalog_host *host = loader->host;
	struct file_reader_block found;
	struct store_file_data data;
	int result;

	while ((result = file_reader_next(reader, &found)) == 0) {
		if (!metric_place_counts(place, found.block.position) ||
		    store_file_get_data(&found.block, &data) < 0)
			continue;
		if (data.first_us < host->filed_oldest_us)
			host->filed_oldest_us = data.first_us;
		break;
	}
	return result;
}

/* What cannot be read was told when it was loaded. @return 0; -errno that stands in the way */
static int look_at(struct loader *loader, int folder, const struct found *found)
{
	const struct disk *disk = loader->engine->options.disk;
	struct file_reader reader = {.passes_bad_sectors = true};
	struct store_file_header header;
	struct metric_file_place place;
	uint64_t damaged_bytes;
	int result;
	int fd;

	loader_place(loader, folder, found, &place);
	fd = metric_place_open(disk, &place);
	if (fd < 0)
		return loader_is_fatal(fd) ? fd : 0;
	result = metric_place_begin(&reader, disk, fd, &place, &header, &damaged_bytes);
	if (result == 0 && memcmp(header.store_id, loader->engine->store_id, HM_ID_BYTES) == 0 &&
	    store_path_fits(loader->folder, found->name, &header))
		result = look_at_file(loader, &reader, &place);
	file_reader_done(&reader);
	(void)disk->close(disk->context, fd);
	return loader_is_fatal(result) ? result : 0;
}

int loader_find_oldest(struct loader *loader, int folder)
{
	struct catalog_host *host = loader->host;
	int result = 0;

	host->filed_oldest_us = host->said_oldest_us;
	for (size_t i = 0; i < loader->n_found && result == 0; i++) {
		const struct found *found = &loader->found[i];

		if (host->said_oldest_us == CATALOG_NO_OLDEST &&
		    loader_side(found) == CATALOG_SIDE_MAIN && !found->is_undone)
			result = look_at(loader, folder, found);
	}
	if (host->filed_oldest_us < host->oldest_us)
		host->oldest_us = host->filed_oldest_us;
	return result;
}
