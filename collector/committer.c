/* SPDX-License-Identifier: MIT */
/* The one writer of the log. */

#include "collector/committer.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/committer_part.h"
#include "collector/horizon.h"
#include "common/message.h"

/* What a flood needed is not kept. */
#define KEEP_BYTES ((size_t)4 << 20)

int committer_new(struct engine *engine, uint32_t number, const struct recovery *recovery,
		  struct committer **ret_committer)
{
	struct committer *committer = calloc(1, sizeof(*committer));
	struct log_options options = {
		.disk = engine->options.disk,
		.folder = engine->log_folder,
		.segment_bytes = engine->options.segment_bytes,
	};

	if (!committer)
		return -ENOMEM;
	memcpy(options.store_id, engine->store_id, HM_ID_BYTES);
	log_init(&committer->log, &options);
	committer->log.durable = recovery->end;
	committer->base = recovery->base;
	committer->engine = engine;
	committer->next_number = number;
	committer->sealer = sealer_new();
	if (!committer->sealer) {
		committer_free(committer);
		return -ENOMEM;
	}
	*ret_committer = committer;
	return 0;
}

void committer_free(struct committer *committer)
{
	if (!committer)
		return;
	sealer_free(committer->sealer);
	log_done(&committer->log);
	free(committer->entries);
	free(committer->gathered);
	buffer_done(&committer->payloads);
	buffer_done(&committer->fetched);
	buffer_done(&committer->messages);
	buffer_done(&committer->names);
	free(committer);
}

void committer_move(struct committer *committer, struct engine *engine)
{
	committer->engine = engine;
	committer->log.options.folder = engine->log_folder;
	/* From now on it is this engine's that are counted there. */
	committer->log.n_failed += engine->stats.n_failed_syncs;
}

/* -- what is durable ------------------------------------------------------------------------------ */

static void settle_entry(const struct committer *committer, const struct entry *entry)
{
	struct engine *engine = committer->engine;
	struct catalog_host *host = entry->host;

	if (entry->type == HM_RECORD_HORIZON)
		horizon_settle(engine, committer->payloads.data + entry->offset, entry->n_bytes);
	if (!host)
		return;
	host->last = entry->position;
	if (host->waiting_us == 0)
		host->waiting_us = entry->received_us;
	if (entry->epoch) {
		epoch_settle(entry->epoch, &entry->mark);
		entry->epoch->n_adding--;
		engine->stats.n_stored += entry->n_samples;
		engine->message_bytes -= entry->n_bytes;
	}
	if (entry->type != HM_RECORD_BATCH || entry->epoch)
		return;
	host->sequence++;
	engine->stats.n_stored += entry->n_samples;
	engine->pending_bytes -= (size_t)entry->n_samples * sizeof(struct catalog_sample);
}

/* Is it none of what came in? */
static bool is_control(const struct entry *entry)
{
	return entry->type != HM_RECORD_BATCH && !entry->epoch;
}

/* Do records of the checkpoint wait? */
static bool has_controls(const struct committer *committer)
{
	for (size_t i = committer->n_done; i < committer->n_entries; i++) {
		if (is_control(&committer->entries[i]))
			return true;
	}
	return false;
}

/* All entries up to `n_added` are durable: the engine may know. */
static void settle(struct committer *committer, size_t n_added)
{
	struct engine *engine = committer->engine;
	struct log *log = &committer->log;

	pthread_mutex_lock(&engine->mutex);
	for (size_t i = committer->n_done; i < n_added; i++)
		settle_entry(committer, &committer->entries[i]);
	committer->n_done = n_added;
	if (!has_controls(committer))
		engine->controls_durable = committer->controls;
	engine->durable = log->durable;
	engine->stats.n_syncs = log->n_syncs;
	engine->stats.n_log_bytes = log->n_bytes;
	engine->stats.n_log_disk_bytes = log_disk_bytes(log, engine->stats.n_log_segments);
	engine->stats.n_failed_syncs = log->n_failed;
	engine->stats.sync_longest_us = log->sync_longest_us;
	if (n_added == committer->n_entries) {
		engine->stats.is_full = log_is_small(log);
		engine->stats.is_readonly = false;
	}
	pthread_mutex_unlock(&engine->mutex);
	if (committer->n_done == committer->n_entries) {
		committer->is_said &= log_is_small(log);
		committer->n_done = 0;
		committer->n_entries = 0;
		buffer_trim(&committer->payloads, KEEP_BYTES);
	}
}

/* A segment failed: what it has must be right on the device, or else somebody must know. */
static void verify_failed(const struct committer *committer, uint32_t number, uint64_t end_offset,
			  int error)
{
	struct engine *engine = committer->engine;
	uint64_t n_damaged = 0;
	int result = log_verify(&committer->log, number, end_offset, &n_damaged);

	message_error("segment %08" PRIx32
		      " of the log cannot be written any more: %s; going on in "
		      "a new one",
		      number, strerror(-error));
	if (result < 0)
		message_warning("what it holds could not be verified: %s", strerror(-result));
	if (n_damaged == 0)
		return;
	message_error("segment %08" PRIx32 " of the log: %" PRIu64 " damaged ranges", number,
		      n_damaged);
	pthread_mutex_lock(&engine->mutex);
	engine->stats.n_damaged_ranges += n_damaged;
	pthread_mutex_unlock(&engine->mutex);
}

/* Write and sync what is gathered; a segment that fails is left for ever. */
static int commit(struct committer *committer, size_t n_added)
{
	struct log *log = &committer->log;
	uint64_t end_offset = log->written;
	int result = log_commit(log);

	if (result == 0)
		settle(committer, n_added);
	else
		verify_failed(committer, log->number, end_offset, result);
	return result;
}

/* -- a run ---------------------------------------------------------------------------------------- */

int committer_make_room(struct committer *committer, size_t index, size_t n_bytes)
{
	bool is_content = !is_control(&committer->entries[index]);
	struct log *log = &committer->log;
	int result = 0;

	if (log_is_open(log) && log_has_room(log, is_content, n_bytes))
		return 0;
	if (log_is_open(log))
		result = commit(committer, index);
	if (result == 0 && is_content && committer_must_yield(committer))
		result = -ENOSPC;
	if (result == 0)
		result = committer_begin_segment(committer);
	/* A small one is for the records of a checkpoint only. */
	if (result == 0 && !log_has_room(log, is_content, n_bytes))
		result = log_is_small(log) ? -ENOSPC : -EFBIG;
	return result;
}

int committer_add_link(struct committer *committer, struct catalog_host *host,
		       struct log_record *record)
{
	int result;

	if (host) {
		record->host = host->number;
		record->previous = host->appended;
	}
	result = log_add(&committer->log, record);
	if (host && result == 0)
		host->appended = record->position;
	return result;
}

static int add_entry(struct committer *committer, size_t index)
{
	struct entry *entry = &committer->entries[index];
	struct log_record record = {
		.type = entry->type,
		.payload = committer->payloads.data + entry->offset,
		.payload_bytes = (uint32_t)entry->n_bytes,
		.received_us = entry->received_us,
	};
	/* What ids mean is not lost with one damaged place. */
	int n_copies = entry->type == HM_RECORD_DECLARE ? 2 : 1;
	int result = 0;

	for (int i = 0; i < n_copies && result == 0; i++) {
		result = committer_make_room(committer, index, entry->n_bytes);
		if (result == 0)
			result = committer_add_link(committer, entry->host, &record);
	}
	entry->position = record.position;
	return result;
}

/* What a failed run added is nowhere: the links begin at what is durable, and what was told must be again. */
static void rewind_links(struct committer *committer)
{
	pthread_mutex_lock(&committer->engine->mutex);
	for (size_t i = committer->n_done; i < committer->n_entries; i++) {
		const struct entry *entry = &committer->entries[i];

		if (!entry->host)
			continue;
		entry->host->appended = entry->host->last;
		if (!entry->epoch || entry->epoch->n_adding == 0)
			continue;
		entry->host->n_told = 0;
		entry->epoch->n_named = 0;
		entry->epoch->n_adding = 0;
	}
	pthread_mutex_unlock(&committer->engine->mutex);
}

/* Log all entries that are not durable yet. */
static int log_entries(struct committer *committer)
{
	struct log *log = &committer->log;
	int result = 0;

	if (committer->n_entries == 0 && log->end == log->written)
		return 0;
	rewind_links(committer);
	for (size_t i = committer->n_done; i < committer->n_entries && result == 0; i++) {
		if (committer->entries[i].epoch)
			result = committer_add_preface(committer, i);
		if (result == 0)
			result = add_entry(committer, i);
	}
	if (result == 0)
		result = commit(committer, committer->n_entries);
	else
		log_forget(log);
	if (result < 0)
		rewind_links(committer);
	return result;
}

/* With nothing else to log, say once what is durable. */
static int add_mark(struct committer *committer)
{
	struct log *log = &committer->log;

	if (!log_is_open(log))
		return 0;
	if (committer->n_entries > 0 || log->said == log->durable || log->marked == log->durable)
		return 0;
	if (!log_has_room(log, false, 0))
		return 0;
	log->marked = log_position(log->number, log->end + log_file_record_bytes(0));
	return committer_add_record(committer, HM_RECORD_MARK, NULL);
}

/* Say what went wrong, once. */
static void tell(struct committer *committer, int result)
{
	struct engine *engine = committer->engine;

	pthread_mutex_lock(&engine->mutex);
	engine->stats.is_full = committer_is_full(result);
	engine->stats.is_readonly = !committer_is_full(result);
	engine->stats.n_failed_syncs = committer->log.n_failed;
	(void)snprintf(engine->stats.last_error, sizeof(engine->stats.last_error),
		       "the log cannot be written: %s", strerror(-result));
	pthread_mutex_unlock(&engine->mutex);
	if (committer->is_said)
		return;
	committer->is_said = true;
	message_error("the log cannot be written: %s; what comes in waits in memory, and what is "
		      "stored can be read",
		      strerror(-result));
}

/* A checkpoint found the disk full: it gets what was kept for it. */
static void give_reserve(struct committer *committer)
{
	struct engine *engine = committer->engine;
	bool wants_room;

	pthread_mutex_lock(&engine->mutex);
	wants_room = engine->wants_room;
	engine->wants_room = false;
	pthread_mutex_unlock(&engine->mutex);
	if (wants_room)
		(void)log_release_reserve(&committer->log);
}

int committer_begin(struct committer *committer)
{
	int result = committer_begin_segment(committer);

	if (result == 0)
		settle(committer, 0);
	/* There is a segment, and no room for samples. */
	if (result == 0 && log_is_small(&committer->log))
		result = -ENOSPC;
	if (result < 0)
		tell(committer, result);
	return result;
}

/* Is there none that samples could be written to? */
static bool wants_segment(const struct committer *committer)
{
	const struct log *log = &committer->log;

	return !log_is_open(log) || (log_is_small(log) && !committer_must_yield(committer));
}

/* Somebody waits for a later segment: where it cannot be begun now, that does no harm. */
static void begin_wanted(struct committer *committer)
{
	struct engine *engine = committer->engine;
	bool is_wanted;

	pthread_mutex_lock(&engine->mutex);
	is_wanted = engine->wants_segment;
	engine->wants_segment = false;
	pthread_mutex_unlock(&engine->mutex);
	if (is_wanted && committer_begin_segment(committer) == 0)
		settle(committer, 0);
}

int committer_run(struct committer *committer)
{
	bool has_left = committer->n_entries > 0;
	int result;

	give_reserve(committer);
	result = committer_take_controls(committer);
	/* What a failed run left goes first, as it was. */
	if (result == 0 && has_left)
		result = log_entries(committer);
	if (result == 0)
		result = committer_take_messages(committer);
	if (result == 0)
		result = committer_seal_all(committer);
	if (result == 0)
		result = add_mark(committer);
	if (result == 0)
		result = log_entries(committer);
	if (result == 0)
		begin_wanted(committer);
	if (result == 0 && wants_segment(committer))
		return committer_begin(committer);
	if (result < 0)
		tell(committer, result);
	return result;
}

bool committer_has_pending(const struct committer *committer)
{
	const struct log *log = &committer->log;

	return committer->n_entries > 0 || !log_is_open(log) || log_is_small(log) ||
	       (log->said != log->durable && log->marked != log->durable);
}
