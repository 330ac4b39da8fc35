/* SPDX-License-Identifier: MIT */
/* What the log has of a host's samples beyond its files. */

#include "collector/tail.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "collector/engine.h"
#include "common/array.h"
#include "common/batch.h"
#include "common/block.h"
#include "common/log_entry.h"
#include "common/log_segment.h"
#include "common/message.h"

/* So many segments are open at a time. */
#define OPEN_MAX 4

struct tail {
	struct engine *engine;
	struct log_segment segments[OPEN_MAX];
	size_t next_segment; /* to be closed when another is to be opened */
	struct block_decoder *decoder;
	uint64_t *positions;
	size_t n_positions;
	size_t positions_capacity;
	uint64_t n_damaged;                              /* of the range that was looked for */
	struct catalog_series *series[BATCH_SERIES_MAX]; /* of the batch being decoded */
	struct catalog_series **masked;                  /* of the delete being decoded */
	size_t n_masked;
	size_t masked_capacity;
};

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

void tail_rewind(struct tail *tail)
{
	for (size_t i = 0; i < OPEN_MAX; i++)
		log_segment_close(&tail->segments[i]);
}

void tail_free(struct tail *tail)
{
	if (!tail)
		return;
	tail_rewind(tail);
	block_decoder_free(tail->decoder);
	free(tail->positions);
	free(tail->masked);
	free(tail);
}

/* The open segment of a number. */
static int get_segment(struct tail *tail, uint32_t number, struct log_segment **ret_segment)
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
	log_segment_close(segment);
	result = log_segment_open(segment, tail->engine->options.disk, tail->engine->log_folder,
				  number);
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

static int read_record(struct tail *tail, uint64_t position, struct log_record *ret_record)
{
	struct log_segment *segment;
	int result = get_segment(tail, log_position_segment(position), &segment);

	if (result == 0)
		result = log_segment_read(segment, log_position_offset(position), ret_record);
	return result;
}

/* Is a record a batch of the host, or what it deleted? What is damaged but for its payload still has its
 * back link. */
static bool is_link(const struct log_record *record, uint32_t host)
{
	return (record->type == HM_RECORD_BATCH || record->type == HM_RECORD_DELETE) &&
	       record->host == host;
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
static uint64_t find_limit(struct tail *tail, uint32_t number, uint32_t last)
{
	while (number < last) {
		struct log_record record = {0};
		int result;

		number++;
		result = read_record(tail, log_position(number, HM_LOG_HEADER_BYTES), &record);
		if (result == 0 && record.type == HM_RECORD_SNAPSHOT)
			return record.durable;
	}
	return UINT64_MAX;
}

/* Look for the host's batches in a segment, between two positions. */
static int search_segment(struct tail *tail, uint32_t number, const struct tail_range *range,
			  uint64_t until)
{
	uint64_t offset = HM_LOG_HEADER_BYTES;
	struct log_segment *segment;
	struct log_record record = {0};
	uint64_t limit = until;
	int result = get_segment(tail, number, &segment);

	/* Which may close this one again. Of one that is not there it would be asked of all that follow. */
	if (result == 0) {
		limit = find_limit(tail, number, log_position_segment(range->last));
		result = get_segment(tail, number, &segment);
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
		if (result == 0 && is_link(&record, range->host) && record.position > range->after)
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

/* Which results say that bytes are damaged, and not that they cannot be had. */
static bool is_damage(int result)
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

	tail->n_positions = 0;
	tail->n_damaged = 0;
	while (result == 0 && position > range->after) {
		struct log_record record = {0};

		result = read_record(tail, position, &record);
		if (result == -EILSEQ && is_link(&record, range->host)) {
			/* Its samples are lost, its link is not. */
			tail->n_damaged++;
			result = 0;
		} else if (is_damage(result) || (result == -ENOENT && is_lost(tail, range)) ||
			   (result == 0 &&
			    (!is_link(&record, range->host) || record.previous >= position))) {
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

/* What names a series in full. @param text  keeps the identity's text @return 0 or -ENOMEM */
static int make_identity(const struct engine *engine, const struct series_text *host,
			 const struct batch_series *series, struct buffer *text,
			 struct identity *ret_identity)
{
	struct identity identity = {
		.host_length = host->length,
		.metric_length = series->metric.length,
		.labels_length = series->labels.length,
	};

	buffer_clear(text);
	buffer_append(text, host->start, host->length);
	buffer_append_byte(text, '\0');
	buffer_append(text, series->metric.start, series->metric.length);
	buffer_append_byte(text, '\0');
	buffer_append(text, series->labels.start, series->labels.length);
	buffer_append_byte(text, '\0');
	if (buffer_failed(text))
		return -ENOMEM;
	identity.text = text->data;
	identity.hash =
		hash_bytes(&engine->catalog.key, text->data, identity_text_bytes(&identity));
	*ret_identity = identity;
	return 0;
}

/* Find or add a series that a batch names. With the mutex held. */
static int get_series(struct engine *engine, const struct batch_head *head,
		      const struct batch_series *series, struct buffer *text,
		      struct catalog_series **ret_series)
{
	struct identity identity;
	int result = make_identity(engine, &head->host, series, text, &identity);

	if (result < 0)
		return result;
	*ret_series = catalog_find(&engine->catalog, &identity);
	if (!*ret_series)
		result = catalog_add(&engine->catalog, &identity, CATALOG_NEXT_ID, ret_series);
	if (result == 0)
		result = catalog_describe(&engine->catalog, (*ret_series)->file, series->kind,
					  series->unit.start, series->unit.length);
	return result;
}

/* @return how many series are wanted, or -errno */
static int get_names(struct tail *tail, const struct batch_head *head, struct cursor *cursor,
		     const struct tail_take *take)
{
	struct engine *engine = tail->engine;
	struct buffer text = {0};
	int n_wanted = 0;
	int result = 0;

	pthread_mutex_lock(&engine->mutex);
	for (uint32_t i = 0; i < head->n_series && result == 0; i++) {
		struct batch_series series;

		tail->series[i] = NULL;
		result = batch_get_series(cursor, &series);
		if (result < 0 || (take->wants && !take->wants(take->context, series.metric)))
			continue;
		result = get_series(engine, head, &series, &text, &tail->series[i]);
		n_wanted++;
	}
	pthread_mutex_unlock(&engine->mutex);
	buffer_done(&text);
	return result < 0 ? result : n_wanted;
}

struct rows {
	const int64_t *times_us;
	size_t n_times;
	int64_t received_us;
};

static int take_run(const struct rows *rows, size_t row, struct catalog_series *series,
		    const double *values, size_t n_values, const struct tail_take *take)
{
	for (size_t i = 0; i < n_values; i++) {
		struct metric_file_sample sample = {rows->times_us[row + i], values[i]};
		int result = take->sample(take->context, series, &sample, rows->received_us);

		if (result < 0)
			return result;
	}
	return 0;
}

static int take_column(const struct rows *rows, const struct block_column *column,
		       struct catalog_series *series, const struct tail_take *take)
{
	const double *values = column->values;
	size_t row = 0;
	int result = 0;

	if (!column->runs)
		return take_run(rows, 0, series, values, column->n_values, take);
	for (size_t i = 0; i < column->n_runs && result == 0; i++) {
		const struct block_run *run = &column->runs[i];

		result = take_run(rows, row, series, values, run->n_present, take);
		values += run->n_present;
		row += (size_t)run->n_present + run->n_missing;
	}
	return result;
}

/* Hand a block on as it is. */
static int give_block(struct tail *tail, const struct batch_head *head, int64_t received_us,
		      const struct tail_take *take)
{
	size_t n_columns = block_decoder_n_columns(tail->decoder);

	/* Their ids grow. */
	if (block_decoder_series_id(tail->decoder, n_columns - 1) >= head->n_series)
		return -EBADMSG;
	return take->block(take->context, tail->decoder, tail->series, received_us);
}

static int take_block(struct tail *tail, const struct batch_head *head, int64_t received_us,
		      const struct tail_take *take)
{
	struct rows rows = {.received_us = received_us};
	size_t n_columns = block_decoder_n_columns(tail->decoder);
	int result = 0;

	rows.times_us = block_decoder_times(tail->decoder, &rows.n_times);
	for (size_t i = 0; i < n_columns && result == 0; i++) {
		uint32_t id = block_decoder_series_id(tail->decoder, i);
		struct block_column column;

		if (id >= head->n_series)
			return -EBADMSG;
		result = block_decoder_column(tail->decoder, i, &column);
		if (result == 0)
			result = take_column(&rows, &column, tail->series[id], take);
	}
	return result;
}

static int compare_series(const void *a_pointer, const void *b_pointer)
{
	uintptr_t a = (uintptr_t) * (struct catalog_series *const *)a_pointer;
	uintptr_t b = (uintptr_t) * (struct catalog_series *const *)b_pointer;

	return a < b ? -1 : a > b;
}

bool tail_mask_has(const struct tail_mask *mask, const struct catalog_series *series)
{
	return mask->n_series > 0 &&
	       bsearch(&series, mask->series, mask->n_series, sizeof(struct catalog_series *),
		       compare_series) != NULL;
}

/* Add a series that a delete names. Of one that is not known there is nothing. With the mutex held. */
static int add_masked(struct tail *tail, const struct series_text *host,
		      const struct batch_series *named, struct buffer *text)
{
	struct engine *engine = tail->engine;
	struct catalog_series **grown;
	struct catalog_series *series;
	struct identity identity;
	int result = make_identity(engine, host, named, text, &identity);

	series = result == 0 ? catalog_find(&engine->catalog, &identity) : NULL;
	if (!series)
		return result;
	grown = array_grow(tail->masked, tail->n_masked, &tail->masked_capacity,
			   sizeof(struct catalog_series *));
	if (!grown)
		return -ENOMEM;
	tail->masked = grown;
	grown[tail->n_masked++] = series;
	return 0;
}

static int take_delete(struct tail *tail, const struct log_record *record,
		       const struct tail_take *take)
{
	struct cursor cursor = {.at = record->payload, .left = record->payload_bytes};
	struct tail_mask mask = {.position = record->position};
	struct buffer text = {0};
	struct log_delete entry;
	int result = log_entry_get_delete(&cursor, &entry);

	tail->n_masked = 0;
	pthread_mutex_lock(&tail->engine->mutex);
	while (result == 0) {
		struct batch_series named = {0};

		result = log_entry_get_delete_series(&cursor, &named.metric, &named.labels);
		if (result == 0)
			result = add_masked(tail, &entry.name, &named, &text);
	}
	pthread_mutex_unlock(&tail->engine->mutex);
	buffer_done(&text);
	if (result != -ENODATA)
		return result;
	if (tail->n_masked > 1)
		qsort(tail->masked, tail->n_masked, sizeof(struct catalog_series *),
		      compare_series);
	mask.series = tail->masked;
	mask.n_series = tail->n_masked;
	mask.since_us = entry.since_us;
	mask.until_us = entry.until_us;
	return take->mask ? take->mask(take->context, &mask) : 0;
}

static int take_batch(struct tail *tail, const struct log_record *record,
		      const struct tail_take *take)
{
	struct cursor cursor = {.at = record->payload, .left = record->payload_bytes};
	struct batch_head head = {0};
	int result = batch_get_head(&cursor, &head);

	if (result == 0)
		result = get_names(tail, &head, &cursor, take);
	if (result == 0 && head.n_series > 0)
		return 0;
	if (result > 0)
		result = 0;
	while (result == 0) {
		const uint8_t *bytes = NULL;
		size_t length = 0;

		result = batch_get_block(&cursor, &bytes, &length);
		if (result == 0)
			result = block_decoder_open(tail->decoder, bytes, length);
		if (result == 0 && take->block)
			result = give_block(tail, &head, record->received_us, take);
		else if (result == 0)
			result = take_block(tail, &head, record->received_us, take);
	}
	return result == -ENODATA ? 0 : result;
}

int tail_decode(struct tail *tail, uint32_t host, uint64_t position, const struct tail_take *take)
{
	struct log_record record = {0};
	int result = read_record(tail, position, &record);

	if (result == 0 && !is_link(&record, host))
		result = -EBADMSG;
	if (is_damage(result))
		return -EBADMSG;
	if (result < 0)
		return result;
	return record.type == HM_RECORD_DELETE ? take_delete(tail, &record, take)
					       : take_batch(tail, &record, take);
}
