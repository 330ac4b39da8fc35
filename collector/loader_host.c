/* SPDX-License-Identifier: MIT */
/* The loader's reading of a host's own file. */

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "collector/epoch.h"
#include "collector/group_messages.h"
#include "collector/host_file.h"
#include "collector/loader_part.h"
#include "common/file_reader.h"
#include "common/message.h"

static bool is_doubtful(const struct loader *loader, const char *name)
{
	const struct cut *cut = cuts_find(&loader->recovery->cuts, loader->host, name);

	return cut && cut->is_doubtful;
}

/* The host's own file is made anew where it is not known what the disk has of it; also where a new one that does not
 * count is there perhaps: a later checkpoint would have it count. */
static void remake_doubtful(struct loader *loader)
{
	if (is_doubtful(loader, HOST_FILE) || is_doubtful(loader, STORE_PATH_NEW_HOST_FILE))
		host_file_leave(loader->host);
}

/* What is durable of an epoch, at least. One that another host has, or that is too much, is passed over. */
static int take_epoch(struct loader *loader, const struct store_file_epoch *entry)
{
	const struct epoch_mark mark = {entry->sequence, entry->crc};
	struct epoch *epoch = NULL;
	int result = epoch_get(&loader->engine->catalog, loader->host, entry->epoch, &epoch);

	if (result == 0) {
		epoch_recover(epoch, &mark);
		epoch->filed = mark;
	}
	return result == -ENOMEM ? result : 0;
}

/* Whose the file is, and how many of its samples are in files. */
static int take_host(struct loader *loader, const struct store_file_host *entry)
{
	struct catalog_host *host = loader->host;

	host->n_filed = entry->n_samples;
	/* It stands behind the epochs. Where the log knows the host it has said so. */
	if (!host->epochs || host->has_agent)
		return 0;
	return epoch_give_host(&loader->engine->catalog, host, entry->id);
}

/* What is sampled is not written once more as long as it stays the same. */
static void take_message(struct loader *loader, const struct store_file_message *message)
{
	struct catalog_schedule schedule =
		group_get_schedule(&loader->engine->catalog.key, message);

	if (schedule.hash)
		loader->host->schedule = schedule;
}

/* Take what the blocks of the host's own file say. @return 0 or -errno */
static int take_host_blocks(struct loader *loader, struct file_reader *reader)
{
	struct catalog_host *host = loader->host;
	struct file_reader_block found;
	int result = 0;

	while (result == 0 && (result = file_reader_next(reader, &found)) == 0) {
		struct store_file_host entry;
		struct store_file_epoch epoch;
		struct store_file_message message;

		if (loader->is_logged && found.block.position > host->checkpoint)
			continue;
		host->end.length_bytes = found.offset + found.block.length_bytes;
		if (store_file_get_host(&found.block, &entry) == 0)
			result = take_host(loader, &entry);
		if (store_file_get_epoch(&found.block, &epoch) == 0)
			result = take_epoch(loader, &epoch);
		if (found.block.type == HM_BLOCK_MESSAGE || found.block.type == HM_BLOCK_EVENT)
			host->made_bytes += found.block.length_bytes;
		if (store_file_get_message(&found.block, &message) == 0)
			take_message(loader, &message);
		(void)store_file_get_oldest(&found.block, &host->said_oldest_us);
	}
	return result == -ENODATA ? 0 : result;
}

/* Behind a damaged header: what it counts; the file itself is made anew. */
static int read_headless(struct loader *loader, struct file_reader *reader)
{
	const struct engine *engine = loader->engine;
	int result = file_reader_pass_header(
		reader, store_path_salt(engine->store_id, loader->folder, HOST_FILE));

	if (result == 0 && loader->host) {
		result = take_host_blocks(loader, reader);
		host_file_leave(loader->host);
	}
	return result;
}

/* @return 0, also where it is damaged; -EINVAL: it is no file of a host; -EREMOTE: of another store;
 * -errno. @param ret_allocated_bytes  set where its header was read */
static int try_host_file(struct loader *loader, int fd, bool passes_bad_sectors,
			 uint64_t *ret_allocated_bytes)
{
	const struct disk *disk = loader->engine->options.disk;
	struct file_reader reader = {.passes_bad_sectors = passes_bad_sectors};
	struct store_file_header header;
	struct disk_status status;
	int result = disk->fstat(disk->context, fd, &status);

	/* One that a checkpoint has just made is empty. */
	if (result < 0 || (status.is_file && status.size_bytes == 0))
		return result;
	result = file_reader_init(&reader, disk, fd, UINT64_MAX, &header);
	if (result == -EBADMSG || result == -EINVAL) {
		int why = result;

		result = read_headless(loader, &reader);
		if (result == -ENODATA)
			result = why == -EINVAL ? why : 0;
	} else if (result == 0 &&
		   memcmp(header.store_id, loader->engine->store_id, HM_ID_BYTES) != 0) {
		result = -EREMOTE;
	} else if (result == 0 && header.type == HM_FILE_HOST && loader->host) {
		loader->host->end = (struct metric_file_end){
			.salt = header.salt,
			.length_bytes = header.header_bytes,
			.highest_us = CATALOG_NO_TIME,
		};
		*ret_allocated_bytes = reader.allocated_bytes;
		result = take_host_blocks(loader, &reader);
	}
	file_reader_done(&reader);
	return result;
}

/* The same; what has sectors that the device does not give is made anew once they were waited for. */
static int read_host_file(struct loader *loader, int fd, uint64_t *ret_allocated_bytes)
{
	const struct disk *disk = loader->engine->options.disk;
	struct catalog_host *host = loader->host;
	struct disk_status status;
	int result = try_host_file(loader, fd, false, ret_allocated_bytes);

	if (!disk_is_withheld(result) || engine_awaits_disk(loader->engine) || !host)
		return result;
	host->made_bytes = 0;
	result = try_host_file(loader, fd, true, ret_allocated_bytes);
	if (result < 0 || disk->fstat(disk->context, fd, &status) < 0)
		return result;
	loader->result.n_damaged_ranges++;
	message_warning("%s/%s: some of it cannot be read, and is missing", loader->folder,
			HOST_FILE);
	host_file_leave(host);
	host->kept_bytes = status.size_bytes;
	return 0;
}

/* Does it say nothing of the file, which may be whole? */
static bool is_passing(int result)
{
	if (disk_is_damage(result) && !disk_is_withheld(result))
		return false;
	return result < 0 && result != -ENOENT && result != -ENODATA && result != -ENOTSUP;
}

/* Is it certain that there is no file of a host? */
static bool is_no_file(int result)
{
	return result == -EREMOTE || result == -EINVAL || result == -ELOOP || result == -ENXIO;
}

/* What becomes of the file. @return 0; -errno that stands in the way of starting at all */
static int take_result(struct loader *loader, int folder, int result)
{
	switch (result) {
	case -EREMOTE:
		loader_set_aside(loader, folder, HOST_FILE, "it is of another store");
		return 0;
	case -EINVAL:
	case -ELOOP:
	case -ENXIO:
		loader_set_aside(loader, folder, HOST_FILE, "no file of a host");
		return 0;
	default:
		if (loader_is_fatal(result))
			return result;
		if (is_passing(result))
			loader_pass_over_for_now(loader, HOST_FILE, result);
		else if (loader->host)
			remake_doubtful(loader);
		return 0;
	}
}

/* Does a file that was made anew count? Then it says whose it is, at its end. @return 1, 0 or -errno */
static int is_new_complete(struct loader *loader, int fd, bool passes_bad_sectors)
{
	const struct engine *engine = loader->engine;
	struct file_reader reader = {.passes_bad_sectors = passes_bad_sectors};
	uint32_t salt = store_path_salt(engine->store_id, loader->folder, HOST_FILE);
	uint64_t max = loader->is_logged ? loader->host->checkpoint : UINT64_MAX;
	struct store_file_header header;
	struct file_reader_block found;
	bool is_complete = false;
	int result = file_reader_init(&reader, engine->options.disk, fd, UINT64_MAX, &header);

	if (result == -EBADMSG || result == -EINVAL)
		result = file_reader_pass_header(&reader, salt);
	else if (result == 0 && memcmp(header.store_id, engine->store_id, HM_ID_BYTES) != 0)
		result = -ENODATA;
	while (result == 0 && !is_complete) {
		result = file_reader_next(&reader, &found);
		is_complete = result == 0 && found.block.type == HM_BLOCK_HOST &&
			      found.block.position <= max;
	}
	file_reader_done(&reader);
	return is_complete || result == -ENODATA ? is_complete : result;
}

/* The checkpoint that made it anew was completed, and perhaps not the exchange of the two. */
static int take_new(struct loader *loader, int folder)
{
	const struct disk *disk = loader->engine->options.disk;
	int fd;
	int result;

	if (loader->result.unlisted < 0 || loader->recovery->withheld.error < 0)
		return 0;
	fd = disk->open(disk->context, folder, STORE_PATH_NEW_HOST_FILE, O_RDONLY);
	result = fd;
	if (fd >= 0) {
		result = is_new_complete(loader, fd, false);
		if (disk_is_withheld(result) && !engine_awaits_disk(loader->engine))
			result = is_new_complete(loader, fd, true);
		(void)disk->close(disk->context, fd);
	}
	if (result == 1)
		result = disk->rename(disk->context, folder, STORE_PATH_NEW_HOST_FILE, HOST_FILE);
	if (loader_is_fatal(result))
		return result;
	/* It may count, and would be written over. */
	if (is_passing(result) && !is_no_file(result))
		loader_pass_over_for_now(loader, STORE_PATH_NEW_HOST_FILE, result);
	return 0;
}

int loader_load_host(struct loader *loader, int folder)
{
	const struct disk *disk = loader->engine->options.disk;
	struct catalog_host *host;
	uint64_t allocated_bytes = 0;
	int result = take_new(loader, folder);
	int fd;

	if (result < 0)
		return result;
	fd = disk->open(disk->context, folder, HOST_FILE, O_RDONLY);
	result = fd;
	if (fd >= 0) {
		result = read_host_file(loader, fd, &allocated_bytes);
		(void)disk->close(disk->context, fd);
	}
	result = take_result(loader, folder, result);
	host = loader->host;
	if (result < 0 || !host)
		return result;
	/* It is not there, or goes on where it ends. */
	if (host_file_bytes(host) > 0) {
		usage_add_file(&host->usage);
		usage_set(&host->usage, &host->n_sectors, allocated_bytes);
	}
	return loader_find_oldest(loader, folder);
}
