/* SPDX-License-Identifier: MIT */
/* What the log has of a host's samples beyond its files. */

#include "collector/tail.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "collector/engine.h"
#include "collector/tail_part.h"
#include "common/array.h"
#include "common/block.h"
#include "common/log_segment.h"
#include "common/message.h"

int tail_new(struct engine *engine, struct tail **ret_tail)
{
	struct tail *tail = calloc(1, sizeof(*tail));

	if (!tail)
		return -ENOMEM;
	tail->engine = engine;
	for (size_t i = 0; i < OPEN_MAX; i++)
		tail->segments[i].fd = -1;
	tail->decoder = block_decoder_new();
	if (!tail->decoder) {
		tail_free(tail);
		return -ENOMEM;
	}
	*ret_tail = tail;
	return 0;
}

static void close_segment(struct tail *tail, struct log_segment *segment)
{
	withheld_note_loss(&tail->withheld, segment);
	log_segment_close(segment);
}

void tail_rewind(struct tail *tail)
{
	for (size_t i = 0; i < OPEN_MAX; i++)
		close_segment(tail, &tail->segments[i]);
}

void tail_get_withheld(struct tail *tail, struct withheld *ret_withheld)
{
	for (size_t i = 0; i < OPEN_MAX; i++)
		withheld_note_loss(&tail->withheld, &tail->segments[i]);
	*ret_withheld = tail->withheld;
}

void tail_await(struct tail *tail, bool is_awaited)
{
	struct withheld withheld;

	tail_get_withheld(tail, &withheld);
	/* What was not given is to be asked for again. */
	if (withheld.error < 0)
		tail_rewind(tail);
	tail->withheld = (struct withheld){0};
	tail->is_awaited = is_awaited;
}

int tail_result(struct tail *tail)
{
	struct withheld withheld;

	tail_get_withheld(tail, &withheld);
	return tail->is_awaited ? withheld.error : 0;
}

void tail_free(struct tail *tail)
{
	if (!tail)
		return;
	tail_rewind(tail);
	block_decoder_free(tail->decoder);
	free(tail->positions);
	free(tail->holes);
	free(tail->masked);
	free(tail->epoch_series);
	free(tail);
}

int tail_get_segment(struct tail *tail, uint32_t number, struct log_segment **ret_segment)
{
	struct log_segment *segment;
	int result;

	for (size_t i = 0; i < OPEN_MAX; i++) {
		segment = &tail->segments[i];
		if (segment->fd >= 0 && segment->header.number == number) {
			*ret_segment = segment;
			return 0;
		}
	}
	segment = &tail->segments[tail->next_segment];
	tail->next_segment = (tail->next_segment + 1) % OPEN_MAX;
	close_segment(tail, segment);
	result = log_segment_open(segment, tail->engine->options.disk, tail->engine->log_folder,
				  number);
	if (disk_is_withheld(result)) {
		withheld_note(&tail->withheld, result, number);
		return tail->is_awaited ? result : -EBADMSG;
	}
	if (result < 0)
		return result;
	if (memcmp(segment->header.store_id, tail->engine->store_id, HM_ID_BYTES) != 0) {
		log_segment_close(segment);
		return -EXDEV;
	}
	*ret_segment = segment;
	return 0;
}

static int add_position(struct tail *tail, uint64_t position)
{
	uint64_t *grown;

	grown = array_grow(tail->positions, tail->n_positions, &tail->positions_capacity,
			   sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	tail->positions = grown;
	tail->positions[tail->n_positions++] = position;
	return 0;
}

int tail_read(struct tail *tail, uint64_t position, struct log_record *ret_record)
{
	struct log_segment *segment;
	int result = tail_get_segment(tail, log_position_segment(position), &segment);

	if (result == 0)
		result = log_segment_read(segment, log_position_offset(position), ret_record);
	return result;
}

bool tail_is_link(const struct log_record *record, uint32_t host)
{
	switch (record->type) {
	case HM_RECORD_BATCH:
	case HM_RECORD_DELETE:
	case HM_RECORD_DECLARE:
	case HM_RECORD_GAP:
	case HM_RECORD_CLOCK:
	case HM_RECORD_NAMES:
	case HM_RECORD_SCHEDULE:
		return record->host == host;
	default:
		return false;
	}
}

static int compare_positions(const void *a, const void *b)
{
	uint64_t position_a = *(const uint64_t *)a;
	uint64_t position_b = *(const uint64_t *)b;

	return position_a < position_b ? -1 : position_a > position_b;
}

/*
 * Up to where what lies in a segment counts: the snapshot of the one that was begun after it says how
 * far it was durable, where its sync failed or its end was lost.
 */
static int find_limit(struct tail *tail, uint32_t number, uint32_t last, uint64_t *ret_limit)
{
	int result = 0;

	*ret_limit = UINT64_MAX;
	while (result == 0 && number < last) {
		struct log_record record = {0};

		number++;
		result = tail_read(tail, log_position(number, HM_LOG_HEADER_BYTES), &record);
		if (result == 0 && record.type == HM_RECORD_SNAPSHOT) {
			*ret_limit = record.durable;
			break;
		}
		if (tail_is_damage(result) || result == -ENOENT)
			result = 0;
	}
	return result;
}

/* Look for the host's batches in a segment, between two positions. */
static int search_segment(struct tail *tail, uint32_t number, const struct tail_range *range,
			  uint64_t until)
{
	uint64_t offset = HM_LOG_HEADER_BYTES;
	struct log_segment *segment;
	struct log_record record = {0};
	uint64_t limit = until;
	int result = tail_get_segment(tail, number, &segment);

	/* Which may close this one again. Of one that is not there it would be asked of all that follow. */
	if (result == 0) {
		result = find_limit(tail, number, log_position_segment(range->last), &limit);
		if (result < 0)
			return result;
		result = tail_get_segment(tail, number, &segment);
	}
	if (limit > until)
		limit = until;
	/* Damaged headers: nothing of this segment can be read. */
	if (result == -EBADMSG || result == -EINVAL || result == -ENOTSUP || result == -EXDEV)
		return 0;
	while (result == 0) {
		result = log_segment_find(segment, offset, &record);
		if ((result != 0 && result != -EILSEQ) || record.position >= limit)
			break;
		offset = log_segment_behind(&record);
		if (result == 0 && tail_is_link(&record, range->host) &&
		    record.position > range->after)
			result = add_position(tail, record.position);
		if (result == -EILSEQ)
			result = 0;
	}
	return result == -ENODATA ? 0 : result;
}

/* The chain is broken: look at all of the log between `after` and what was found by the chain. */
static int search(struct tail *tail, const struct tail_range *range, uint64_t until)
{
	uint32_t last = log_position_segment(until);
	int result = 0;

	for (uint32_t number = log_position_segment(range->after); number <= last; number++) {
		result = search_segment(tail, number, range, until);
		/* The first ones may be gone: a checkpoint needs no more of them. */
		if (result == -ENOENT)
			result = 0;
		if (result < 0)
			return result;
	}
	return result;
}

bool tail_is_damage(int result)
{
	return result == -EBADMSG || result == -EILSEQ || result == -EMSGSIZE ||
	       result == -ENODATA || result == -EINVAL || result == -EXDEV || result == -ENOTSUP;
}

/* Is a segment that cannot be found lost? The log itself removes only those that nothing needs: then the
 * host's checkpoint is another by now. */
static bool is_lost(const struct tail *tail, const struct tail_range *range)
{
	struct engine *engine = tail->engine;
	const struct catalog_host *host;
	bool is_lost;

	pthread_mutex_lock(&engine->mutex);
	host = id_map_get(&engine->hosts, range->host);
	is_lost = !host || host->checkpoint <= range->after;
	pthread_mutex_unlock(&engine->mutex);
	return is_lost;
}

int tail_find(struct tail *tail, const struct tail_range *range, const uint64_t **ret_positions,
	      size_t *ret_n)
{
	uint64_t position = range->last;
	int result = 0;

	tail->range = *range;
	tail->n_positions = 0;
	tail->n_damaged = 0;
	tail->epoch = NULL;
	while (result == 0 && position > range->after) {
		struct log_record record = {0};

		result = tail_read(tail, position, &record);
		if (result == -EILSEQ && tail_is_link(&record, range->host)) {
			/* Its samples are lost, its link is not. */
			tail->n_damaged++;
			result = 0;
		} else if (tail_is_damage(result) || (result == -ENOENT && is_lost(tail, range)) ||
			   (result == 0 &&
			    (!tail_is_link(&record, range->host) || record.previous >= position))) {
			tail->n_damaged++;
			result = search(tail, range, position);
			break;
		} else if (result == 0) {
			result = add_position(tail, position);
		}
		if (result == 0)
			position = record.previous;
	}
	if (result < 0)
		return result;
	if (tail->n_positions > 0)
		qsort(tail->positions, tail->n_positions, sizeof(uint64_t), compare_positions);
	*ret_positions = tail->positions;
	*ret_n = tail->n_positions;
	return 0;
}

uint64_t tail_n_damaged(const struct tail *tail)
{
	return tail->n_damaged;
}
