/* SPDX-License-Identifier: MIT */
/* What happened to a host, as its agent and people told it. */

#include "collector/chronicle.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

#include "collector/tail.h"
#include "common/file_reader.h"
#include "common/store_path.h"

#define HOST_FILE  ".host"
#define PATH_BYTES (CATALOG_FOLDER_BYTES + sizeof("/" HOST_FILE))

/* It is read anew so often, when a checkpoint comes between. */
#define TRIES_MAX 8

struct chronicle {
	struct engine *engine;
	const struct catalog_host *host;
	const struct limits *limits;
	const struct chronicle_reader *reader;
	struct tail_range range; /* that the log has, and no file */
	uint64_t n_lost;
};

/* -- the host's own file ---------------------------------------------------------------------------- */

static int take_block(const struct chronicle *chronicle, const struct store_file_block *block)
{
	const struct chronicle_reader *reader = chronicle->reader;
	struct store_file_message message;
	struct store_file_event event;

	if (store_file_get_message(block, &message) == 0) {
		const struct chronicle_entry entry = {
			.type = (uint8_t)message.type,
			.received_us = message.received_us,
			.bytes = message.bytes,
			.n_bytes = message.n_bytes,
		};

		return reader->entry(reader->context, &entry);
	}
	if (store_file_get_event(block, &event) == 0) {
		const struct chronicle_event told = {event.since_us, event.until_us, event.reason};

		return reader->event(reader->context, &told);
	}
	return 0;
}

static int read_blocks(struct chronicle *chronicle, struct file_reader *reader)
{
	struct file_reader_block found;
	int result = 0;

	while (result == 0 && (result = file_reader_next(reader, &found)) == 0) {
		chronicle->n_lost += reader->damage_bytes > 0;
		/* What a checkpoint is writing is in the log still. */
		if (found.block.position <= chronicle->range.after)
			result = take_block(chronicle, &found.block);
		if (result == 0)
			result = limits_check(chronicle->limits);
	}
	return result == -ENODATA ? 0 : result;
}

static int read_open_file(struct chronicle *chronicle, int fd)
{
	const struct engine *engine = chronicle->engine;
	struct file_reader reader = {.passes_bad_sectors = true};
	struct store_file_header header;
	int result = file_reader_init(&reader, engine->options.disk, fd, UINT64_MAX, &header);

	if (result == -EBADMSG || result == -EINVAL) {
		chronicle->n_lost++;
		result = file_reader_pass_header(
			&reader,
			store_path_salt(engine->store_id, chronicle->host->folder, HOST_FILE));
	}
	if (result == 0)
		result = read_blocks(chronicle, &reader);
	file_reader_done(&reader);
	return result;
}

/* @return 0, also where it is none, or not there yet; -errno */
static int read_file(struct chronicle *chronicle)
{
	const struct engine *engine = chronicle->engine;
	const struct disk *disk = engine->options.disk;
	char path[PATH_BYTES];
	int result;
	int fd;

	(void)snprintf(path, sizeof(path), "%s/%s", chronicle->host->folder, HOST_FILE);
	fd = disk->open(disk->context, engine->hosts_folder, path, O_RDONLY);
	if (fd == -ENOENT)
		return 0;
	if (fd == -ELOOP || fd == -ENXIO) {
		chronicle->n_lost++;
		return 0;
	}
	if (fd < 0)
		return fd;
	result = read_open_file(chronicle, fd);
	(void)disk->close(disk->context, fd);
	/* Nothing of it verifies, or it is of a version that is not known. */
	return result == -ENODATA || result == -ENOTSUP ? 0 : result;
}

/* -- the log ---------------------------------------------------------------------------------------- */

static int take_record(void *context, const struct log_record *record)
{
	const struct chronicle *chronicle = context;
	const struct chronicle_entry entry = {
		.type = (uint8_t)record->type,
		.received_us = record->received_us,
		.bytes = record->payload,
		.n_bytes = record->payload_bytes,
	};

	return chronicle->reader->entry(chronicle->reader->context, &entry);
}

/* Samples do not matter here. */
static int pass_block(void *context, struct block_decoder *decoder,
		      struct catalog_series *const *series, int64_t received_us)
{
	(void)context;
	(void)decoder;
	(void)series;
	(void)received_us;
	return 0;
}

static bool wants_nothing(void *context, struct series_text metric)
{
	(void)context;
	(void)metric;
	return false;
}

static int tell_hole(const struct chronicle *chronicle, const struct tail_hole *hole)
{
	const struct chronicle_event told = {hole->since_us, hole->until_us, HM_REASON_QUARANTINED};

	return chronicle->reader->event(chronicle->reader->context, &told);
}

/* What is lost before the first record, or between two. */
static int tell_holes(struct chronicle *chronicle, struct tail *tail)
{
	const struct tail_hole *holes;
	size_t n_holes = 0;
	int result = tail_find_holes(tail, &holes, &n_holes);

	for (size_t i = 0; i < n_holes && result == 0; i++)
		result = tell_hole(chronicle, &holes[i]);
	return result;
}

static int take_position(struct chronicle *chronicle, struct tail *tail, uint64_t position)
{
	const struct tail_take take = {
		.context = chronicle,
		.block = pass_block,
		.message = take_record,
		.wants = wants_nothing,
	};
	struct tail_hole hole;
	int result = tail_decode(tail, chronicle->range.host, position, &take);

	if (result != -EBADMSG)
		return result;
	chronicle->n_lost++;
	result = tail_get_hole(tail, position, &hole);
	if (result == -EBADMSG)
		return 0;
	return result == 0 ? tell_hole(chronicle, &hole) : result;
}

static int read_tail(struct chronicle *chronicle, struct tail *tail)
{
	const uint64_t *positions;
	size_t n_positions = 0;
	int result = tail_find(tail, &chronicle->range, &positions, &n_positions);

	if (result == 0) {
		chronicle->n_lost += tail_n_damaged(tail);
		result = tell_holes(chronicle, tail);
	}
	for (size_t i = 0; i < n_positions && result == 0; i++) {
		result = take_position(chronicle, tail, positions[i]);
		if (result == 0)
			result = limits_check(chronicle->limits);
	}
	return result;
}

static int read_log(struct chronicle *chronicle)
{
	struct tail *tail;
	int result = tail_new(chronicle->engine, &tail);

	if (result < 0)
		return result;
	result = read_tail(chronicle, tail);
	tail_free(tail);
	return result;
}

/* -- both ------------------------------------------------------------------------------------------- */

/* Which of it files have, and which only the log. */
static void find_range(struct chronicle *chronicle)
{
	pthread_mutex_lock(&chronicle->engine->mutex);
	chronicle->range = (struct tail_range){
		.host = chronicle->host->number,
		.after = chronicle->host->checkpoint,
		.last = chronicle->host->last,
	};
	pthread_mutex_unlock(&chronicle->engine->mutex);
}

static int read_once(struct chronicle *chronicle)
{
	int result;

	chronicle->n_lost = 0;
	find_range(chronicle);
	result = read_file(chronicle);
	return result == 0 ? read_log(chronicle) : result;
}

int chronicle_read(struct engine *engine, const struct catalog_host *host,
		   const struct limits *limits, const struct chronicle_reader *reader,
		   uint64_t *ret_n_lost)
{
	struct chronicle chronicle = {engine, host, limits, reader, {0}, 0};
	int result = read_once(&chronicle);

	for (int i = 1; i < TRIES_MAX && result == -ENOENT; i++) {
		reader->restart(reader->context);
		result = read_once(&chronicle);
	}
	*ret_n_lost = chronicle.n_lost;
	return result;
}
