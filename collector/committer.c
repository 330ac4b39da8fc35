/* SPDX-License-Identifier: MIT */
/* The one writer of the log. */

#include "collector/committer.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/engine.h"
#include "collector/sealer.h"
#include "common/array.h"
#include "common/log_entry.h"
#include "common/log_segment.h"
#include "common/message.h"

/* A record with hosts of a snapshot is closed when it has so many bytes. */
#define SNAPSHOT_RECORD_BYTES ((size_t)200 << 10)

/* A record that is to be logged. */
struct entry {
	enum hm_record_type type;
	struct catalog_host *host; /* NULL: of no host */
	size_t offset;             /* of its payload in `payloads` */
	size_t n_bytes;
	uint64_t n_samples;
	uint64_t position; /* where it lies, once it was added */
	int64_t received_us;
};

struct committer {
	struct engine *engine; /* borrowed */
	struct sealer *sealer;
	struct log log;
	uint32_t next_number; /* of the next segment */
	uint32_t base; /* the newest segment with a snapshot, of the process before; 0 = none */
	struct entry *entries;
	size_t n_entries;
	size_t n_done; /* of these: durable */
	size_t entries_capacity;
	struct buffer payloads;
	struct buffer fetched;           /* records of the checkpoint that are no entries yet */
	uint64_t n_fetched;              /* how many controls there are with these */
	uint64_t controls;               /* how many controls are among all entries so far */
	struct catalog_sample *gathered; /* being sealed */
	size_t n_gathered;
	size_t n_sealed;
	struct catalog_host *gathered_of;
	bool is_said; /* that the log cannot be written */
};

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
	free(committer);
}

/* Room for one more entry. @return it, not counted yet, or NULL */
static struct entry *make_entry(struct committer *committer)
{
	struct entry *grown;

	grown = array_grow(committer->entries, committer->n_entries, &committer->entries_capacity,
			   sizeof(*grown));
	if (!grown)
		return NULL;
	committer->entries = grown;
	return &committer->entries[committer->n_entries];
}

/* -- what is to be logged ------------------------------------------------------------------------- */

/* Seal some of the samples that were taken over from a host. */
static int seal_some(struct committer *committer)
{
	struct engine *engine = committer->engine;
	struct catalog_host *host = committer->gathered_of;
	struct entry *entry = make_entry(committer);
	struct sealer_batch batch = {
		.host = host,
		.epoch = engine->epoch,
		.sequence = host->sealed + 1,
		.samples = committer->gathered + committer->n_sealed,
		.n_samples = committer->n_gathered - committer->n_sealed,
	};
	size_t offset = committer->payloads.length;
	size_t n_sealed;
	int result;

	if (!entry)
		return -ENOMEM;
	result = sealer_seal(committer->sealer, &batch, &engine->mutex, &committer->payloads,
			     &n_sealed);
	if (result < 0)
		return result;
	*entry = (struct entry){
		.type = HM_RECORD_BATCH,
		.host = host,
		.offset = offset,
		.n_bytes = committer->payloads.length - offset,
		.n_samples = n_sealed,
		.received_us = engine->options.disk->now_us(engine->options.disk->context),
	};
	committer->n_entries++;
	committer->n_sealed += n_sealed;
	host->sealed++;
	return 0;
}

/* Take over what a host has gathered. With the mutex held. */
static void take_samples(struct committer *committer, struct catalog_host *host)
{
	TAILQ_REMOVE(&committer->engine->gathering, host, gathering);
	host->is_gathering = false;
	free(committer->gathered);
	committer->gathered = host->gathered;
	committer->n_gathered = host->n_gathered;
	committer->n_sealed = 0;
	committer->gathered_of = host;
	host->gathered = NULL;
	host->n_gathered = 0;
	host->gathered_capacity = 0;
}

/* Take over what the next host has gathered. @return false: none has anything */
static bool take_host(struct committer *committer)
{
	struct engine *engine = committer->engine;
	struct catalog_host *host;

	pthread_mutex_lock(&engine->mutex);
	host = TAILQ_FIRST(&engine->gathering);
	if (host)
		take_samples(committer, host);
	pthread_mutex_unlock(&engine->mutex);
	return host != NULL;
}

/* Seal all that is gathered; what comes in meanwhile is for the next time, or else a flood would
 * have no end. */
static int seal_all(struct committer *committer)
{
	struct engine *engine = committer->engine;
	size_t n_hosts;
	int result = 0;

	pthread_mutex_lock(&engine->mutex);
	n_hosts = engine->catalog.n_hosts;
	pthread_mutex_unlock(&engine->mutex);
	while (result == 0) {
		while (result == 0 && committer->n_sealed < committer->n_gathered)
			result = seal_some(committer);
		if (result < 0 || n_hosts-- == 0 || !take_host(committer))
			break;
	}
	return result;
}

static void reverse(struct entry *entries, size_t n)
{
	for (size_t i = 0; i < n / 2; i++) {
		struct entry entry = entries[i];

		entries[i] = entries[n - 1 - i];
		entries[n - 1 - i] = entry;
	}
}

/* Have the entries from `index` on before all others that are not durable yet. */
static void put_first(struct committer *committer, size_t index)
{
	struct entry *entries = committer->entries;
	size_t n_moved = committer->n_entries - index;

	if (n_moved == 0 || index == committer->n_done)
		return;
	reverse(entries + committer->n_done, index - committer->n_done);
	reverse(entries + index, n_moved);
	reverse(entries + committer->n_done, committer->n_entries - committer->n_done);
}

/* Add one of the records that were taken over. @return 0 or -ENOMEM */
static int add_control(struct committer *committer, struct cursor *cursor)
{
	struct entry *entry = make_entry(committer);
	uint32_t type = cursor_get_u32(cursor);
	uint32_t n_bytes = cursor_get_u32(cursor);

	if (!entry || buffer_reserve(&committer->payloads, n_bytes) < 0)
		return -ENOMEM;
	*entry = (struct entry){
		.type = (enum hm_record_type)type,
		.offset = committer->payloads.length,
		.n_bytes = n_bytes,
	};
	buffer_append(&committer->payloads, cursor_get_bytes(cursor, n_bytes), n_bytes);
	committer->n_entries++;
	return 0;
}

/* Have the records that the checkpoint wants to have logged, but for those that are still here from a
 * run that had no memory for them. */
static void fetch_controls(struct committer *committer)
{
	struct engine *engine = committer->engine;

	if (committer->fetched.length > 0)
		return;
	pthread_mutex_lock(&engine->mutex);
	buffer_done(&committer->fetched);
	committer->fetched = engine->controls;
	engine->controls = (struct buffer){0};
	committer->n_fetched = engine->controls_wanted;
	pthread_mutex_unlock(&engine->mutex);
}

/*
 * Take over the records that the checkpoint wants to have logged, each with its type and length: all of
 * them or none. They go before batches that wait: on a full disk there is room for them, and not for
 * those.
 */
static int take_controls(struct committer *committer)
{
	size_t n_before = committer->n_entries;
	size_t length = committer->payloads.length;
	struct cursor cursor;

	fetch_controls(committer);
	cursor = (struct cursor){
		.at = (const uint8_t *)committer->fetched.data,
		.left = committer->fetched.length,
	};
	while (!cursor_is_done(&cursor)) {
		if (add_control(committer, &cursor) < 0) {
			committer->n_entries = n_before;
			committer->payloads.length = length;
			committer->payloads.failed = false;
			return -ENOMEM;
		}
	}
	buffer_done(&committer->fetched);
	committer->controls = committer->n_fetched;
	put_first(committer, n_before);
	return 0;
}

/* -- what is durable ------------------------------------------------------------------------------ */

static void settle_entry(struct engine *engine, const struct entry *entry)
{
	struct catalog_host *host = entry->host;

	if (entry->type != HM_RECORD_BATCH)
		return;
	host->last = entry->position;
	host->sequence++;
	if (host->waiting_us == 0)
		host->waiting_us = entry->received_us;
	engine->stats.n_stored += entry->n_samples;
	engine->pending_bytes -= (size_t)entry->n_samples * sizeof(struct catalog_sample);
}

/* Do records of the checkpoint wait? */
static bool has_controls(const struct committer *committer)
{
	for (size_t i = committer->n_done; i < committer->n_entries; i++) {
		if (committer->entries[i].type != HM_RECORD_BATCH)
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
		settle_entry(engine, &committer->entries[i]);
	committer->n_done = n_added;
	if (!has_controls(committer))
		engine->controls_durable = committer->controls;
	engine->durable = log->durable;
	engine->stats.n_syncs = log->n_syncs;
	engine->stats.n_log_bytes = log->n_bytes;
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
		buffer_clear(&committer->payloads);
	}
}

/* -- segments ------------------------------------------------------------------------------------- */

static int add_record(struct committer *committer, enum hm_record_type type,
		      const struct buffer *payload)
{
	struct log_record record = {
		.type = type,
		.payload = payload ? payload->data : NULL,
		.payload_bytes = payload ? (uint32_t)payload->length : 0,
	};

	if (payload && buffer_failed(payload))
		return -ENOMEM;
	if (!log_has_room(&committer->log, type, record.payload_bytes))
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

		result = add_record(committer, HM_RECORD_GROUP, &payload);
	}
	return result;
}

/* Gather the snapshot of all hosts. */
static int add_snapshot(struct committer *committer, uint32_t *ret_keep_from)
{
	struct engine *engine = committer->engine;
	const struct catalog *catalog = &engine->catalog;
	struct buffer payload = {0};
	int result = add_record(committer, HM_RECORD_SNAPSHOT, NULL);

	pthread_mutex_lock(&engine->mutex);
	*ret_keep_from = first_needed(catalog);
	for (size_t i = 0; i < catalog->n_hosts && result == 0; i++) {
		/* One without a number has nothing in the log. */
		if (catalog->all_hosts[i]->number != 0)
			put_host(engine, catalog->all_hosts[i], &payload);
		if (payload.length < SNAPSHOT_RECORD_BYTES && i + 1 < catalog->n_hosts)
			continue;
		result = add_record(committer, HM_RECORD_HOST, &payload);
		buffer_clear(&payload);
	}
	if (result == 0)
		result = add_groups(committer);
	pthread_mutex_unlock(&engine->mutex);
	buffer_done(&payload);
	if (result == 0)
		result = add_record(committer, HM_RECORD_SNAPSHOT_END, NULL);
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
	int result;

	if (!find_needed(committer, log->number > 0 ? log->number : committer->base, &keep_from) ||
	    (log->number > 0 && !log_is_open(log)))
		return -ENOSPC;
	if (log->number > 0) {
		result = add_snapshot(committer, &keep_from);
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

/* Is a checkpoint under way on a full disk? What is free is its own, until it ends. */
static bool must_yield(const struct committer *committer)
{
	struct engine *engine = committer->engine;
	bool must;

	pthread_mutex_lock(&engine->mutex);
	must = engine->stats.is_full && engine->groups.length > 0 && log_is_open(&committer->log);
	pthread_mutex_unlock(&engine->mutex);
	return must;
}

static bool is_full(int result)
{
	return result == -ENOSPC || result == -EDQUOT;
}

/* Make a segment, on a full disk with what can be done for that. */
static int make_segment(struct committer *committer)
{
	struct log *log = &committer->log;
	int result = log_begin(log, committer->next_number);

	if (is_full(result) && free_segments(committer) == 0)
		result = log_begin(log, committer->next_number);
	/* Without any, no checkpoint could free more. */
	if (is_full(result) && !log_is_open(log))
		result = log_begin_small(log, committer->next_number);
	/* One that could not be made may have left its file behind. */
	if (result == 0 || result == -EEXIST)
		committer->next_number++;
	return result;
}

/* Begin a segment: its snapshot is durable before anything else is written there. */
static int begin_segment(struct committer *committer)
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
	/* One more than needed stays, should the newest snapshot be damaged one day. */
	if (keep_from > committer->log.number - 1)
		keep_from = committer->log.number - 1;
	remove_segments(committer, keep_from);
	return 0;
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

static int add_entry(struct committer *committer, size_t index)
{
	struct entry *entry = &committer->entries[index];
	struct log_record record = {
		.type = entry->type,
		.payload = committer->payloads.data + entry->offset,
		.payload_bytes = (uint32_t)entry->n_bytes,
		.received_us = entry->received_us,
	};
	int result;

	if (entry->host) {
		record.host = entry->host->number;
		record.previous = entry->host->appended;
	}
	result = log_add(&committer->log, &record);
	entry->position = record.position;
	if (entry->host && result == 0)
		entry->host->appended = record.position;
	return result;
}

/* What a failed run added is nowhere: the links begin at what is durable. */
static void rewind_links(struct committer *committer)
{
	for (size_t i = committer->n_done; i < committer->n_entries; i++) {
		struct catalog_host *host = committer->entries[i].host;

		if (host)
			host->appended = host->last;
	}
}

/* Have room for an entry in an open segment. What was added before it may have to be committed. */
static int make_room(struct committer *committer, size_t index)
{
	const struct entry *entry = &committer->entries[index];
	struct log *log = &committer->log;
	int result = 0;

	if (log_is_open(log) && log_has_room(log, entry->type, entry->n_bytes))
		return 0;
	if (log_is_open(log))
		result = commit(committer, index);
	if (result == 0 && entry->type == HM_RECORD_BATCH && must_yield(committer))
		result = -ENOSPC;
	if (result == 0)
		result = begin_segment(committer);
	if (result == 0 && !log_has_room(log, entry->type, entry->n_bytes))
		result = -EFBIG;
	return result;
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
		result = make_room(committer, i);
		if (result == 0)
			result = add_entry(committer, i);
	}
	if (result == 0)
		return commit(committer, committer->n_entries);
	log_forget(log);
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
	if (!log_has_room(log, HM_RECORD_MARK, 0))
		return 0;
	log->marked = log_position(log->number, log->end + log_file_record_bytes(0));
	return add_record(committer, HM_RECORD_MARK, NULL);
}

/* Say what went wrong, once. */
static void tell(struct committer *committer, int result)
{
	struct engine *engine = committer->engine;

	pthread_mutex_lock(&engine->mutex);
	engine->stats.is_full = is_full(result);
	engine->stats.is_readonly = !is_full(result);
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
	int result = begin_segment(committer);

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

	return !log_is_open(log) || (log_is_small(log) && !must_yield(committer));
}

int committer_run(struct committer *committer)
{
	bool has_left = committer->n_entries > 0;
	int result;

	give_reserve(committer);
	result = take_controls(committer);
	/* What a failed run left goes first, as it was. */
	if (result == 0 && has_left)
		result = log_entries(committer);
	if (result == 0)
		result = seal_all(committer);
	if (result == 0)
		result = add_mark(committer);
	if (result == 0)
		result = log_entries(committer);
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
