/* SPDX-License-Identifier: MIT */
/* `agentctl check` of the files of metrics and hosts. */

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "agent/ctl/check_part.h"
#include "common/buffer.h"
#include "common/file_front.h"
#include "common/file_reader.h"
#include "common/store_mask.h"
#include "common/wire_clock.h"
#include "common/wire_gap.h"
#include "common/wire_schedule.h"

/* -- what is confirmed ----------------------------------------------------------------------------- */

/* What there is of a host. */
struct tally {
	const struct check_host *host; /* NULL: the log does not know it */
	const struct check_file *file; /* one of its files; NULL: there is no host */
	uint64_t n_filed;              /* samples that its own file says to be in the others */
	uint64_t n_samples;            /* of all files before these */
	uint64_t n_troubles;           /* likewise */
};

struct verifying {
	struct check *check;
	struct tally *tally;
	const struct check_file *file;
	struct file_reader reader;
	uint64_t position_max; /* blocks of a later position are not confirmed */
	uint64_t length_bytes; /* what lies behind it neither */
	int64_t highest_us;    /* of the samples so far */
	/* Where the header is damaged, it is told at the end, when this is known. */
	bool is_headless;
	uint64_t header_bytes;  /* where the first block begins */
	bool begins_with_names; /* that one names what no other names before it */
	bool has_meta;          /* kind and unit stand elsewhere, too */
};

/* A host by its number, or else by the name of the folder. */
static const struct check_host *find_host(const struct check *check, const char *folder,
					  size_t folder_length, uint32_t number)
{
	for (size_t i = 0; i < check->n_hosts; i++) {
		const struct check_host *host = &check->hosts[i];

		if (number != 0 ? host->number == number
				: strlen(host->folder) == folder_length &&
					  memcmp(host->folder, folder, folder_length) == 0)
			return host;
	}
	return NULL;
}

/* The host's number as the last HOST block of its file says it. @return 0: not known */
static uint32_t read_number(int hosts, const struct check_file *file)
{
	struct file_reader reader = {.passes_bad_sectors = true};
	struct store_file_header header;
	struct file_reader_block block;
	struct store_file_host host;
	uint32_t number = 0;
	char *path;
	int fd;

	if (asprintf(&path, "%.*s/" STORE_PATH_HOST_FILE, (int)file->folder_length, file->path) < 0)
		return 0;
	fd = disk_kernel.open(NULL, hosts, path, O_RDONLY);
	free(path);
	if (fd < 0)
		return 0;
	if (file_reader_init(&reader, &disk_kernel, fd, UINT64_MAX, &header) == 0) {
		while (file_reader_next(&reader, &block) == 0) {
			if (store_file_get_host(&block.block, &host) == 0)
				number = host.number;
		}
	}
	file_reader_done(&reader);
	(void)disk_kernel.close(NULL, fd);
	return number;
}

const struct check_host *check_find_host(const struct check *check, int hosts,
					 const struct check_file *file)
{
	if (check->n_hosts == 0)
		return NULL;
	return find_host(check, file->path, file->folder_length, read_number(hosts, file));
}

/* What the log says of this file. Without a log, or where it knows nothing, all counts. */
static void find_limits(struct verifying *verifying, const struct check_host *host)
{
	const struct check *check = verifying->check;
	const char *name = check_file_name(verifying->file);

	verifying->position_max = host ? host->checkpoint : UINT64_MAX;
	verifying->length_bytes = UINT64_MAX;
	for (size_t i = 0; host && i < check->n_pending; i++) {
		const struct check_pending *pending = &check->pending[i];

		if (pending->host == host->number && strcmp(pending->name, name) == 0)
			verifying->length_bytes = pending->length_bytes;
	}
}

/* -- blocks ---------------------------------------------------------------------------------------- */

/* Decode a block whole. @return its samples, or -errno */
static int64_t count_samples(struct block_decoder *decoder, const struct store_file_data *data)
{
	int64_t n_samples = 0;
	int result = block_decoder_open(decoder, data->bytes, data->n_bytes);

	for (size_t i = 0; result == 0 && i < block_decoder_n_columns(decoder); i++) {
		struct block_column column;

		result = block_decoder_column(decoder, i, &column);
		if (result == 0)
			n_samples += (int64_t)column.n_values;
	}
	return result < 0 ? result : n_samples;
}

/* Tell a damaged range. @param next  the samples behind it, or NULL: they say what was before them */
static int tell_range(struct verifying *verifying, uint64_t offset, uint64_t length_bytes,
		      const struct store_file_data *next)
{
	struct check_damage damage = {
		.folder = "hosts",
		.path = verifying->file->path,
		.offset = offset,
		.length_bytes = length_bytes,
		.since_us = verifying->highest_us,
		.until_us = INT64_MIN,
		.lost = "samples or names of series",
	};

	if (length_bytes == 0)
		return 0;
	if (offset >= verifying->length_bytes) {
		verifying->check->unconfirmed_bytes += length_bytes;
		return 0;
	}
	if (next && next->names_offset >= offset && next->names_offset < offset + length_bytes)
		damage.lost = "names of series, with all their samples";
	else if (next && next->highest_before_us > verifying->highest_us)
		damage.lost = "samples";
	if (next && next->highest_before_us > verifying->highest_us)
		damage.until_us = next->highest_before_us;
	return check_tell(verifying->check, &damage);
}

/* Is a DATA payload in order, down to the last sample? @return 0; -EBADMSG; -ENOMEM */
static int verify_data(struct verifying *verifying, const struct store_file_block *block)
{
	struct store_file_data data;
	int64_t n_samples;

	if (store_file_get_data(block, &data) < 0)
		return -EBADMSG;
	n_samples = count_samples(verifying->check->decoder, &data);
	if (n_samples < 0)
		return n_samples == -ENOMEM ? -ENOMEM : -EBADMSG;
	verifying->check->n_samples += (uint64_t)n_samples;
	if (data.last_us > verifying->highest_us)
		verifying->highest_us = data.last_us;
	return 0;
}

/* Is a message in order? @return 0, also for a type that is not known; -EBADMSG */
static int verify_message(const struct store_file_block *block)
{
	enum hm_reason reason = HM_REASON_NONE;
	struct store_file_message message;
	struct wire_gap gap;
	struct wire_clock clock;
	struct wire_schedule schedule;

	if (store_file_get_message(block, &message) < 0)
		return -EBADMSG;
	if (message.type == HM_RECORD_GAP)
		reason = wire_gap_get(message.bytes, message.n_bytes, &gap);
	else if (message.type == HM_RECORD_CLOCK)
		reason = wire_clock_get(message.bytes, message.n_bytes, &clock);
	else if (message.type == HM_RECORD_SCHEDULE)
		reason = wire_schedule_get(message.bytes, message.n_bytes, &schedule);
	else if (message.type == HM_RECORD_DELETE)
		return check_delete(message.bytes, message.n_bytes);
	return reason == HM_REASON_NONE ? 0 : -EBADMSG;
}

/* Is a payload in order? @return 0; -EBADMSG; -ENOMEM */
static int verify_payload(struct verifying *verifying, const struct store_file_block *block)
{
	struct store_file_series_list list;
	struct store_file_meta meta;
	struct store_file_host host;
	struct store_file_epoch epoch;
	struct store_file_event event;
	struct store_mask_tombstone tombstone;
	struct store_mask_front front;
	int64_t oldest_us;

	switch (block->type) {
	case HM_BLOCK_SERIES:
		return store_file_get_series_list(block, &list);
	case HM_BLOCK_META:
		verifying->has_meta |= store_file_get_meta(block, &meta) == 0;
		return store_file_get_meta(block, &meta);
	case HM_BLOCK_DATA:
		return verify_data(verifying, block);
	case HM_BLOCK_TOMBSTONE:
		return store_mask_get_tombstone(block, &tombstone);
	case HM_BLOCK_FRONT:
		return store_mask_get_front(block, &front);
	case HM_BLOCK_HOST:
		if (store_file_get_host(block, &host) < 0)
			return -EBADMSG;
		verifying->tally->n_filed = host.n_samples;
		return 0;
	case HM_BLOCK_EPOCH:
		return store_file_get_epoch(block, &epoch);
	case HM_BLOCK_MESSAGE:
		return verify_message(block);
	case HM_BLOCK_EVENT:
		return store_file_get_event(block, &event);
	case HM_BLOCK_OLDEST:
		return store_file_get_oldest(block, &oldest_us);
	default:
		return 0;
	}
}

/* Does the block name series, and none before it does? Then it is the first of its file. */
static bool has_first_names(const struct store_file_block *block)
{
	uint64_t names_offset;

	return block->type != HM_BLOCK_DATA &&
	       store_file_get_names_offset(block, &names_offset) == 0 && names_offset == 0;
}

static int verify_block(struct verifying *verifying, const struct file_reader_block *block)
{
	struct store_file_data data;
	bool has_data = store_file_get_data(&block->block, &data) == 0;
	int result = tell_range(verifying, verifying->reader.damage_offset,
				verifying->reader.damage_bytes, has_data ? &data : NULL);

	if (result < 0)
		return result;
	if (block->block.position > verifying->position_max) {
		verifying->check->unconfirmed_bytes += block->block.length_bytes;
		return 0;
	}
	verifying->check->n_blocks++;
	if (verifying->is_headless && block->offset == verifying->header_bytes)
		verifying->begins_with_names = has_first_names(&block->block);
	result = verify_payload(verifying, &block->block);
	if (result == -EBADMSG)
		result = tell_range(verifying, block->offset, block->block.length_bytes, NULL);
	return result;
}

static int verify_blocks(struct verifying *verifying)
{
	struct file_reader *reader = &verifying->reader;

	for (;;) {
		struct file_reader_block block;
		int result = file_reader_next(reader, &block);

		if (result == -ENODATA)
			return tell_range(verifying, reader->damage_offset, reader->damage_bytes,
					  NULL);
		if (result == 0)
			result = verify_block(verifying, &block);
		if (result < 0)
			return result;
	}
}

/* A file of which nothing can be read. @return 0 or -errno of the output */
static int tell_unreadable(struct verifying *verifying, int error)
{
	const struct check_file *file = verifying->file;
	struct check_damage damage = {
		.folder = "hosts",
		.path = file->path,
		.length_bytes = file->length_bytes,
		.since_us = INT64_MIN,
		.until_us = INT64_MIN,
		.lost = "the header: all of the file",
	};

	if (error != -EINVAL && error != -EBADMSG) {
		check_skip(verifying->check, "hosts", file->path, error);
		return error == -ENOMEM ? error : 0;
	}
	/* It was about to be made. */
	if (verifying->length_bytes == 0) {
		verifying->check->unconfirmed_bytes += file->length_bytes;
		return 0;
	}
	if (!verifying->check->has_id)
		damage.lost = "the header: all of the file, as long as the store's id is lost";
	return check_tell(verifying->check, &damage);
}

/* What is lost with a header whose file can be read on. */
static const char *lost_with_header(const struct verifying *verifying)
{
	if (strcmp(check_file_name(verifying->file), STORE_PATH_HOST_FILE) == 0)
		return "nothing: the header, whose say its path has";
	if (!verifying->begins_with_names)
		return "kind and unit; samples or names of series, behind the header";
	return verifying->has_meta ? "nothing: the header; kind and unit stand behind it"
				   : "kind and unit";
}

/* The header is damaged, and what lies behind it is not. @return 0 or -errno of the output */
static int tell_header(const struct verifying *verifying)
{
	const struct check_damage damage = {
		.folder = "hosts",
		.path = verifying->file->path,
		.length_bytes = verifying->header_bytes,
		.since_us = INT64_MIN,
		.until_us = INT64_MIN,
		.lost = lost_with_header(verifying),
	};

	if (!verifying->is_headless)
		return 0;
	return check_tell(verifying->check, &damage);
}

static int verify_open_file(struct verifying *verifying, int fd)
{
	const struct check_file *file = verifying->file;
	struct check *check = verifying->check;
	bool has_front;
	int result = check_begin_file(check, file, fd, &verifying->reader, &verifying->is_headless);

	verifying->header_bytes = verifying->reader.header_bytes;
	check->n_bytes += verifying->reader.length_bytes;
	if (result == 0)
		result = file_front_seek(&verifying->reader, verifying->position_max, &has_front);
	if (result < 0)
		return tell_unreadable(verifying, result);
	/* What a failed sync left behind. */
	if (file->length_bytes > file->limit_bytes)
		check->unconfirmed_bytes += file->length_bytes - file->limit_bytes;
	result = verify_blocks(verifying);
	return result == 0 ? tell_header(verifying) : result;
}

static int verify_file(struct verifying *verifying, int hosts)
{
	const struct check_file *file = verifying->file;
	int result = file->refusal;
	int fd = -1;

	/* Nothing of it counts, says the part behind it. */
	if (file->limit_bytes == 0) {
		verifying->check->unconfirmed_bytes += file->length_bytes;
		return 0;
	}
	if (result == 0) {
		fd = disk_kernel.open(NULL, hosts, file->path, O_RDONLY);
		result = fd < 0 ? fd : 0;
	}
	if (result < 0) {
		check_skip(verifying->check, "hosts", file->path, result);
		return 0;
	}
	result = verify_open_file(verifying, fd);
	file_reader_done(&verifying->reader);
	(void)disk_kernel.close(NULL, fd);
	return result;
}

static bool is_other_folder(const struct check_file *file, const struct check_file *before)
{
	return !before || file->folder_length != before->folder_length ||
	       memcmp(file->path, before->path, file->folder_length) != 0;
}

static uint64_t count_troubles(const struct check *check)
{
	return check->n_damaged + check->n_unread;
}

/*
 * All of a host's files are checked. One that is not there cannot be named; but the host's own file says
 * how many samples there are. Where something else is damaged or cannot be read, that is why.
 */
static int end_host(struct check *check, const struct tally *tally)
{
	struct check_damage damage = {
		.folder = "hosts",
		.since_us = INT64_MIN,
		.until_us = INT64_MIN,
	};
	uint64_t n_found = check->n_samples - tally->n_samples;
	struct buffer folder = {0};
	struct buffer lost = {0};
	int result;

	if (!tally->host || n_found >= tally->n_filed || count_troubles(check) != tally->n_troubles)
		return 0;
	buffer_append(&folder, tally->file->path, tally->file->folder_length);
	buffer_printf(&lost, "%" PRIu64 " samples that are in no file: one is gone, or was cut",
		      tally->n_filed - n_found);
	damage.path = buffer_text(&folder);
	damage.lost = buffer_text(&lost);
	result = check_tell(check, &damage);
	buffer_done(&folder);
	buffer_done(&lost);
	return result;
}

static struct tally begin_host(const struct check *check, int hosts, const struct check_file *file)
{
	struct tally tally = {
		.file = file,
		.n_samples = check->n_samples,
		.n_troubles = count_troubles(check),
	};

	tally.host = check_find_host(check, hosts, file);
	return tally;
}

int check_files(struct check *check)
{
	int hosts = disk_kernel.open(NULL, check->store, "hosts", O_RDONLY | O_DIRECTORY);
	struct tally tally = {0};
	int result = 0;

	if (hosts < 0)
		return hosts;
	result = check_judge_parts(check, hosts);
	for (size_t i = 0; i < check->n_files && result == 0; i++) {
		const struct check_file *file = &check->files[i];
		struct verifying verifying = {
			.check = check, .tally = &tally, .file = file, .highest_us = INT64_MIN};

		check_show_progress(check, "hosts", i, check->n_files);
		if (is_other_folder(file, tally.file)) {
			result = end_host(check, &tally);
			tally = begin_host(check, hosts, file);
		}
		find_limits(&verifying, tally.host);
		if (result == 0)
			result = verify_file(&verifying, hosts);
	}
	if (result == 0)
		result = end_host(check, &tally);
	(void)disk_kernel.close(NULL, hosts);
	return result;
}
