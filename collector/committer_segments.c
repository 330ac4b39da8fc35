/* SPDX-License-Identifier: MIT */
/* The segments that the committer writes: begun with a snapshot, removed when nothing needs them. */

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "collector/committer_part.h"
#include "common/cursor.h"
#include "common/log_entry.h"
#include "common/log_segment.h"
#include "common/message.h"

/* A record with hosts of a snapshot is closed when it has so many bytes. */
#define SNAPSHOT_RECORD_BYTES ((size_t)200 << 10)

int committer_add_record(struct committer *committer, enum hm_record_type type,
			 const struct buffer *payload)
{
	struct log_record record = {
		.type = type,
		.payload = payload ? payload->data : NULL,
		.payload_bytes = payload ? (uint32_t)payload->length : 0,
	};

	if (payload && buffer_failed(payload))
		return -ENOMEM;
	if (!log_has_room(&committer->log, false, record.payload_bytes))
		return -EFBIG;
	return log_add(&committer->log, &record);
}

static void put_host(const struct engine *engine, const struct catalog_host *host,
		     struct buffer *out)
{
	struct log_host entry = {
		.number = host->number,
		.name = {host->name, strlen(host->name)},
		.last = host->last,
		.checkpoint = host->checkpoint,
		.n_epochs = host->sequence > 0 ? 1 : 0,
	};
	struct log_epoch epoch = {.sequence = host->sequence};

	memcpy(entry.id, host->id, HM_ID_BYTES);
	memcpy(epoch.id, engine->epoch, HM_ID_BYTES);
	log_entry_put_host(out, &entry);
	if (entry.n_epochs > 0)
		log_entry_put_epoch(out, &epoch);
}

static void put_marks(const struct catalog_host *host, struct buffer *out)
{
	for (const struct epoch *epoch = host->epochs; epoch; epoch = epoch->next) {
		struct log_mark entry = {
			.host = host->number,
			.sequence = epoch->durable.sequence,
			.crc = epoch->durable.crc,
		};

		memcpy(entry.epoch, epoch->id, HM_ID_BYTES);
		if (entry.sequence > 0)
			log_entry_put_mark(out, &entry);
	}
}

/* The first segment that samples which are in no file need. With the mutex held. */
static uint32_t first_needed(const struct catalog *catalog)
{
	uint32_t number = UINT32_MAX;

	for (size_t i = 0; i < catalog->n_hosts; i++) {
		const struct catalog_host *host = catalog->all_hosts[i];

		if (host->last > host->checkpoint &&
		    log_position_segment(host->checkpoint) < number)
			number = log_position_segment(host->checkpoint);
	}
	return number;
}

/* A group of files that has begun and not ended is told again. With the mutex held. */
static int add_groups(struct committer *committer)
{
	const struct buffer *groups = &committer->engine->groups;
	struct cursor cursor = {.at = (const uint8_t *)groups->data, .left = groups->length};
	int result = 0;

	while (result == 0 && !cursor_is_done(&cursor)) {
		uint32_t n_bytes = cursor_get_u32(&cursor);
		struct buffer payload = {
			.data = (char *)cursor_get_bytes(&cursor, n_bytes),
			.length = n_bytes,
		};

		result = committer_add_record(committer, HM_RECORD_GROUP, &payload);
	}
	return result;
}

/* Before which times hosts' samples do not count. With the mutex held. */
static int add_horizons(struct committer *committer)
{
	const struct catalog *catalog = &committer->engine->catalog;
	struct buffer payload = {0};
	int result = 0;

	for (size_t i = 0; i < catalog->n_hosts && result == 0; i++) {
		const struct catalog_host *host = catalog->all_hosts[i];
		const struct log_horizon entry = {host->number, host->horizon_us};

		if (host->number != 0 && host->horizon_us != CATALOG_NO_TIME)
			log_entry_put_horizon(&payload, &entry);
		if (payload.length < SNAPSHOT_RECORD_BYTES && i + 1 < catalog->n_hosts)
			continue;
		if (payload.length > 0)
			result = committer_add_record(committer, HM_RECORD_HORIZON, &payload);
		buffer_clear(&payload);
	}
	buffer_done(&payload);
	return result;
}

/* Up to where the epochs of agents are durable. With the mutex held. */
static int add_marks(struct committer *committer)
{
	const struct catalog *catalog = &committer->engine->catalog;
	struct buffer payload = {0};
	int result = 0;

	for (size_t i = 0; i < catalog->n_hosts && result == 0; i++) {
		const struct catalog_host *host = catalog->all_hosts[i];

		if (host->number != 0)
			put_marks(host, &payload);
		if (payload.length < SNAPSHOT_RECORD_BYTES && i + 1 < catalog->n_hosts)
			continue;
		if (payload.length > 0)
			result = committer_add_record(committer, HM_RECORD_EPOCH, &payload);
		buffer_clear(&payload);
	}
	buffer_done(&payload);
	return result;
}

/* Gather the snapshot of all hosts. */
static int add_snapshot(struct committer *committer, uint32_t *ret_keep_from)
{
	struct engine *engine = committer->engine;
	const struct catalog *catalog = &engine->catalog;
	struct buffer payload = {0};
	int result = committer_add_record(committer, HM_RECORD_SNAPSHOT, NULL);

	pthread_mutex_lock(&engine->mutex);
	*ret_keep_from = first_needed(catalog);
	for (size_t i = 0; i < catalog->n_hosts && result == 0; i++) {
		/* One without a number has nothing in the log. */
		if (catalog->all_hosts[i]->number != 0)
			put_host(engine, catalog->all_hosts[i], &payload);
		if (payload.length < SNAPSHOT_RECORD_BYTES && i + 1 < catalog->n_hosts)
			continue;
		result = committer_add_record(committer, HM_RECORD_HOST, &payload);
		buffer_clear(&payload);
	}
	if (result == 0)
		result = add_marks(committer);
	if (result == 0)
		result = add_horizons(committer);
	if (result == 0)
		result = add_groups(committer);
	pthread_mutex_unlock(&engine->mutex);
	buffer_done(&payload);
	if (result == 0)
		result = committer_add_record(committer, HM_RECORD_SNAPSHOT_END, NULL);
	return result;
}

/* Is it a segment that we must not remove: another store's, or a later version's? */
static bool is_foreign(const struct engine *engine, uint32_t number)
{
	struct log_segment segment;
	int result = log_segment_open(&segment, engine->options.disk, engine->log_folder, number);
	bool is_foreign = result == -ENOTSUP;

	if (result == 0)
		is_foreign = memcmp(segment.header.store_id, engine->store_id, HM_ID_BYTES) != 0;
	log_segment_close(&segment);
	return is_foreign;
}

static void remove_segment(struct committer *committer, uint32_t number)
{
	int result;

	if (is_foreign(committer->engine, number)) {
		message_warning("segment %08" PRIx32 " of the log is not ours; left alone", number);
		return;
	}
	result = log_unlink(&committer->log, number);
	if (result < 0 && result != -ENOENT) {
		message_warning("cannot remove segment %08" PRIx32 " of the log: %s", number,
				strerror(-result));
	}
}

/* Remove the segments before one. */
static void remove_segments(struct committer *committer, uint32_t keep_from)
{
	struct engine *engine = committer->engine;
	uint32_t number;

	pthread_mutex_lock(&engine->mutex);
	number = engine->first_segment;
	if (keep_from > engine->first_segment)
		engine->first_segment = keep_from;
	engine->stats.n_log_segments = committer->next_number - engine->first_segment;
	pthread_mutex_unlock(&engine->mutex);
	for (; number < keep_from; number++)
		remove_segment(committer, number);
}

/* From which segment on are they needed, and is any before it still there? */
static bool find_needed(const struct committer *committer, uint32_t newest, uint32_t *ret_keep_from)
{
	struct engine *engine = committer->engine;
	uint32_t keep_from;
	bool is_worth;

	pthread_mutex_lock(&engine->mutex);
	keep_from = first_needed(&engine->catalog);
	if (keep_from > newest)
		keep_from = newest;
	is_worth = keep_from > engine->first_segment;
	pthread_mutex_unlock(&engine->mutex);
	*ret_keep_from = keep_from;
	return is_worth;
}

/*
 * The disk is full: what a checkpoint moved since the last snapshot is not needed here any more. With
 * a snapshot behind the present one it can go. Before the first segment of this process is begun, the
 * snapshot that was read at start says enough: what lies before it, and is in files, can go.
 */
static int free_segments(struct committer *committer)
{
	struct log *log = &committer->log;
	uint32_t keep_from;

	if (!find_needed(committer, log->number > 0 ? log->number : committer->base, &keep_from) ||
	    (log->number > 0 && !log_is_open(log)))
		return -ENOSPC;
	if (log->number > 0) {
		int result = add_snapshot(committer, &keep_from);

		if (result == 0)
			result = log_commit(log);
		if (result < 0) {
			log_forget(log);
			return result;
		}
		if (keep_from > log->number)
			keep_from = log->number;
	}
	remove_segments(committer, keep_from);
	return 0;
}

bool committer_must_yield(const struct committer *committer)
{
	struct engine *engine = committer->engine;
	bool must;

	pthread_mutex_lock(&engine->mutex);
	must = engine->stats.is_full && engine->groups.length > 0 && log_is_open(&committer->log);
	pthread_mutex_unlock(&engine->mutex);
	return must;
}

bool committer_is_full(int result)
{
	return result == -ENOSPC || result == -EDQUOT;
}

/* Make a segment, on a full disk with what can be done for that. */
static int make_segment(struct committer *committer)
{
	struct log *log = &committer->log;
	int result = log_begin(log, committer->next_number);

	if (committer_is_full(result) && free_segments(committer) == 0)
		result = log_begin(log, committer->next_number);
	/* Without any, no checkpoint could free more. */
	if (committer_is_full(result) && !log_is_open(log))
		result = log_begin_small(log, committer->next_number);
	/* One that could not be made may have left its file behind. */
	if (result == 0 || result == -EEXIST)
		committer->next_number++;
	return result;
}

int committer_begin_segment(struct committer *committer)
{
	uint32_t keep_from;
	int result = make_segment(committer);

	if (result < 0)
		return result;
	result = add_snapshot(committer, &keep_from);
	if (result == 0)
		result = log_commit(&committer->log);
	/* Without its snapshot it is no good, and its room is wanted: a disk that goes on failing would
	 * be filled with such ones. */
	if (result < 0) {
		log_abandon(&committer->log);
		return result;
	}
	pthread_mutex_lock(&committer->engine->mutex);
	committer->engine->newest_segment = committer->log.number;
	pthread_mutex_unlock(&committer->engine->mutex);
	/* One more than needed stays, should the newest snapshot be damaged one day. */
	if (keep_from > committer->log.number - 1)
		keep_from = committer->log.number - 1;
	remove_segments(committer, keep_from);
	return 0;
}
