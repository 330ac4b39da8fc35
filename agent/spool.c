/* SPDX-License-Identifier: MIT */
/* The agent's spool. */

#include "agent/spool.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/spool_part.h"
#include "common/wire_id.h"

/* Segments of tests are not smaller, and no record's place is beyond 32 bits. */
#define SEGMENT_BYTES_MIN ((uint64_t)4096)
#define SEGMENT_BYTES_MAX ((uint64_t)1 << 30)

/* Of a segment, at most, for a message. */
#define BODY_PART 4

int64_t spool_age_us(const struct spool *spool)
{
	const struct disk *disk = spool->options.disk;

	return spool->age_then_us + disk->monotonic_us(disk->context) - spool->opened_us;
}

void spool_note_error(struct spool *spool, int error, const char *what)
{
	const struct disk *disk = spool->options.disk;

	spool->n_failed++;
	spool->last_error = error;
	spool->last_error_us = disk->now_us(disk->context);
	(void)snprintf(spool->last_error_what, sizeof(spool->last_error_what), "%s", what);
}

int spool_entry_set_body(struct spool_entry *entry, const void *body, size_t body_bytes)
{
	entry->body = malloc(body_bytes ? body_bytes : 1);
	if (!entry->body)
		return -ENOMEM;
	if (body_bytes > 0)
		memcpy(entry->body, body, body_bytes);
	entry->body_bytes = (uint32_t)body_bytes;
	return 0;
}

static bool are_valid(const struct spool_options *options)
{
	return options->segment_bytes >= SEGMENT_BYTES_MIN &&
	       options->segment_bytes <= SEGMENT_BYTES_MAX &&
	       options->max_bytes / options->segment_bytes >= SPOOL_SEGMENTS_MIN &&
	       options->max_age_us > 0 && options->host_name.length > 0 &&
	       options->host_name.length <= HM_HOST_NAME_MAX_BYTES &&
	       wire_id_is_set(options->host_id);
}

static bool is_of_host(const struct spool *spool, const struct spool_epoch *epoch)
{
	return memcmp(epoch->host_id, spool->options.host_id, HM_ID_BYTES) == 0 &&
	       epoch->host_name_bytes == spool->options.host_name.length &&
	       memcmp(epoch->host_name, spool->host_name, epoch->host_name_bytes) == 0;
}

/* A spool is used with the disk, or in memory, from its first moment on. */
static int start(struct spool *spool, bool is_uncertain)
{
	const struct spool_epoch *declaring = spool_find_declaring(spool);
	bool is_other = is_uncertain || spool->n_epochs == 0 ||
			spool_current(spool)->is_in_memory ||
			!is_of_host(spool, spool_current(spool));
	int result = 0;

	/* Those that are to be sealed have ids of series that the current one does not declare. */
	is_other |= spool->n_ticks > 0 && declaring && declaring != spool_current(spool);
	if (is_other)
		result = spool_begin_epoch(spool, declaring);
	if (result < 0)
		return result;
	if (spool->n_places >= spool_places_max(spool))
		spool_remove_empty(spool);
	spool->is_rewriting = true;
	result = spool_roll(spool);
	if (result == 0)
		result = spool_write_all(spool);
	result = spool_recover_write(spool, result, "begin a segment");
	if (result == 0 && !spool->is_in_memory)
		spool_remove_empty(spool);
	return result == 0 ? spool_make_room(spool) : result;
}

int spool_open(const struct spool_options *options, struct spool **ret_spool)
{
	struct spool *spool;
	bool is_uncertain = false;
	int result;

	if (!are_valid(options))
		return -EINVAL;
	spool = calloc(1, sizeof(*spool));
	if (!spool)
		return -ENOMEM;
	spool->options = *options;
	memcpy(spool->host_name, options->host_name.start, options->host_name.length);
	spool->options.host_name.start = spool->host_name;
	if (spool->options.max_memory_bytes > options->segment_bytes)
		spool->options.max_memory_bytes = options->segment_bytes;
	spool->segment =
		(struct spool_segment){.disk = options->disk, .folder = options->folder, .fd = -1};
	spool->opened_us = options->disk->monotonic_us(options->disk->context);
	/* Without a folder there is nothing to be read, whatever opening one would say. */
	result = options->folder < 0 ? 0 : spool_recover(spool, &is_uncertain);
	if (result == 0)
		result = start(spool, is_uncertain);
	if (result < 0) {
		spool_free(spool);
		return result;
	}
	spool_free_bodies(spool);
	*ret_spool = spool;
	return 0;
}

void spool_free(struct spool *spool)
{
	if (!spool)
		return;
	spool_segment_done(&spool->segment);
	for (size_t i = 0; i < spool->n_epochs; i++)
		spool_epoch_free(spool->epochs[i]);
	free(spool->epochs);
	spool_free_ticks(spool);
	free(spool->places);
	buffer_done(&spool->scratch);
	buffer_done(&spool->message);
	free(spool);
}

/* Keep a copy in memory, until a batch supersedes it. @return 0 or -ENOMEM */
static int keep_tick(struct spool *spool, const void *payload, size_t length)
{
	const struct spool_kept_tick tick = {.number = spool->last_tick + 1,
					     .payload_bytes = length};
	int result = spool_add_tick(spool, spool->n_ticks, &tick, payload);

	if (result == 0)
		spool->last_tick++;
	return result;
}

int spool_append_tick(struct spool *spool, const void *payload, size_t length, uint64_t *ret_number)
{
	int result;

	if (length == 0 || spool_tick_bytes(length) > spool_ticks_max(spool))
		return -EMSGSIZE;
	if (spool_ticks_bytes(spool) + spool_tick_bytes(length) > spool_ticks_max(spool))
		return -ENOBUFS;
	result = keep_tick(spool, payload, length);
	if (result < 0)
		return result;
	*ret_number = spool->last_tick;
	if (!spool->is_in_memory)
		result = spool_write_tick(spool, &spool->ticks[spool->n_ticks - 1]);
	if (result == 0 && !spool->is_in_memory && spool->options.sync_always)
		result = spool_commit(spool);
	result = spool_recover_write(spool, result, "write a tick");
	return result == 0 ? spool_make_room(spool) : result;
}

int spool_get_tick(const struct spool *spool, size_t i, struct spool_tick *ret_tick)
{
	if (i >= spool->n_ticks)
		return -ENOENT;
	*ret_tick = (struct spool_tick){
		.number = spool->ticks[i].number,
		.payload = spool->ticks[i].payload,
		.payload_bytes = spool->ticks[i].payload_bytes,
	};
	return 0;
}

static int check_draft(const struct spool *spool, const struct spool_draft *draft)
{
	bool is_batch = draft->type == HM_FRAME_BATCH;

	if (draft->type != HM_FRAME_DECLARE && !spool_is_event(draft->type) && !is_batch)
		return -EINVAL;
	if (draft->body_bytes == 0 || draft->body_bytes > SPOOL_BODY_MAX_BYTES ||
	    draft->body_bytes > spool->options.segment_bytes / BODY_PART)
		return -EMSGSIZE;
	if (is_batch && (draft->first_us == INT64_MIN || draft->first_us > draft->last_us ||
			 draft->ticks > spool->last_tick))
		return -EINVAL;
	if (!is_batch && !spool_may_carry(spool, draft->body_bytes, draft->is_minor))
		return -EDQUOT;
	return spool_current(spool)->last >= HM_SEQUENCE_MAX ? -EOVERFLOW : 0;
}

static int append(struct spool *spool, struct spool_epoch *epoch, const struct spool_draft *draft,
		  bool is_seal)
{
	bool is_batch = draft->type == HM_FRAME_BATCH;
	struct spool_entry entry = {
		.sequence = epoch->last + 1,
		.first = epoch->last + 1,
		.type = (uint8_t)draft->type,
		.first_us = is_batch ? draft->first_us : INT64_MAX,
		.last_us = is_batch ? draft->last_us : INT64_MIN,
		.n_samples = is_batch ? draft->n_samples : 0,
		.age_us = spool_age_us(spool),
		.is_seal = is_seal,
	};
	int result = spool_entry_set_body(&entry, draft->body, draft->body_bytes);

	if (is_batch && spool->n_ticks > 0 && spool->ticks[0].number <= draft->ticks) {
		entry.first_tick = spool->ticks[0].number;
		entry.ticks = draft->ticks;
	}
	if (result == 0 && !spool_epoch_push(epoch, &entry)) {
		free(entry.body);
		result = -ENOMEM;
	}
	if (result == 0)
		epoch->last++;
	return result;
}

/*
 * In memory a BATCH of ticks that are on the disk must not be sent: after a crash they would be sealed, and sent, once
 * more. It waits for the disk, in the epoch that was ended; and what its series mean does so with it.
 */
static struct spool_epoch *waiting_epoch(const struct spool *spool)
{
	return spool->is_in_memory && spool->n_epochs > 1 ? spool->epochs[spool->n_epochs - 2]
							  : NULL;
}

/* What comes back where the power takes a batch is to fit the front of a segment. */
static int make_ticks_durable(struct spool *spool, uint64_t up_to)
{
	size_t n_bytes = 0;
	int result = 0;

	for (size_t i = 0; i < spool->n_ticks && spool->ticks[i].number <= up_to; i++)
		n_bytes += spool_tick_bytes(spool->ticks[i].payload_bytes);
	if (!spool->is_in_memory && spool->sealing_bytes + n_bytes > spool_ticks_max(spool))
		result = spool_sync(spool);
	spool->sealing_bytes += n_bytes;
	return result;
}

static bool has_written_ticks(const struct spool *spool, uint64_t up_to)
{
	bool is_written = false;

	for (size_t i = 0; i < spool->n_ticks && spool->ticks[i].number <= up_to; i++)
		is_written |= spool->ticks[i].is_written;
	return is_written;
}

/* Give it to the epoch that it is for. @return that one, or NULL without memory */
static struct spool_epoch *append_anywhere(struct spool *spool, const struct spool_draft *draft)
{
	struct spool_epoch *epoch = spool_current(spool);
	struct spool_epoch *waiting = waiting_epoch(spool);
	bool is_seal = draft->type == HM_FRAME_BATCH && has_written_ticks(spool, draft->ticks);
	int result = 0;

	if (waiting && draft->type == HM_FRAME_DECLARE && has_written_ticks(spool, UINT64_MAX))
		result = append(spool, waiting, draft, false);
	if (waiting && is_seal)
		epoch = waiting;
	if (result == 0)
		result = append(spool, epoch, draft, is_seal);
	if (result == 0 && draft->type == HM_FRAME_BATCH)
		spool_drop_ticks(spool, 0, draft->ticks);
	return result == 0 ? epoch : NULL;
}

int spool_append_message(struct spool *spool, const struct spool_draft *draft,
			 uint64_t *ret_sequence)
{
	struct spool_epoch *epoch;
	int result = check_draft(spool, draft);

	if (result == 0 && draft->type == HM_FRAME_BATCH)
		result = make_ticks_durable(spool, draft->ticks);
	if (result < 0)
		return result;
	epoch = append_anywhere(spool, draft);
	if (!epoch)
		return -ENOMEM;
	*ret_sequence = epoch->last;
	if (!spool->is_in_memory) {
		result = spool_write_entry(spool, epoch, &epoch->entries[epoch->n_entries - 1],
					   false);
		result = spool_recover_write(spool, result, "write a message");
	}
	if (result == 0)
		result = spool->is_in_memory ? spool_limit_memory(spool) : spool_make_room(spool);
	return result;
}

/* What was in it is written once more where it is still there: what series mean. */
static int leave_segment(struct spool *spool)
{
	struct spool_epoch *epoch = spool_current(spool);

	spool_segment_close(&spool->segment);
	for (size_t i = 0; i < epoch->n_entries; i++) {
		struct spool_entry *entry = &epoch->entries[i];

		if (!entry->body || !entry->is_durable)
			continue;
		entry->is_durable = false;
		entry->position = 0;
		epoch->n_undurable++;
	}
	return -ENOENT;
}

int spool_sync(struct spool *spool)
{
	int result = 0;

	if (spool->is_in_memory)
		return spool_limit_memory(spool);
	result = spool_segment_is_removed(&spool->segment) ? leave_segment(spool)
							   : spool_write_all(spool);
	result = spool_recover_write(spool, result, "sync");
	if (result == 0)
		result = spool_make_room(spool);
	buffer_trim(&spool->scratch, SPOOL_KEEP_BYTES);
	buffer_trim(&spool->segment.scratch, SPOOL_KEEP_BYTES);
	return result;
}

void spool_get_status(const struct spool *spool, struct spool_status *ret_status)
{
	struct spool_status status = {
		.n_bytes = spool->n_places * spool->options.segment_bytes,
		.n_memory_bytes = spool_memory_bytes(spool),
		.n_segments = spool->n_places,
		.n_acked_samples = spool->n_acked_samples,
		.oldest_us = INT64_MIN,
		.n_ticks = spool->n_ticks,
		.n_gone_batches = spool->n_gone_batches,
		.n_gone_samples = spool->n_gone_samples,
		.n_damaged = spool->n_damaged,
		.n_failed = spool->n_failed,
		.is_in_memory = spool->is_in_memory,
		.last_error = spool->last_error,
		.last_error_us = spool->last_error_us,
	};

	for (size_t i = 0; i < spool->n_epochs; i++) {
		const struct spool_epoch *epoch = spool->epochs[i];
		size_t at = spool_epoch_find(epoch, epoch->acked + 1);

		if (spool_is_over(spool, i))
			continue;
		status.n_epochs++;
		status.n_messages += epoch->n_entries - at;
		for (; at < epoch->n_entries; at++) {
			if (epoch->entries[at].type != HM_FRAME_BATCH)
				continue;
			status.n_samples += epoch->entries[at].n_samples;
			status.n_waiting_bytes += epoch->entries[at].body_bytes;
			if (status.oldest_us == INT64_MIN)
				status.oldest_us = epoch->entries[at].first_us;
		}
	}
	memcpy(status.last_error_what, spool->last_error_what, sizeof(status.last_error_what));
	*ret_status = status;
}
