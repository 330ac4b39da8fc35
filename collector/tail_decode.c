/* SPDX-License-Identifier: MIT */
/* What a record of a host's chain says: samples, deletes, messages of its agent. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "collector/engine.h"
#include "collector/tail_part.h"
#include "common/array.h"
#include "common/crc32c.h"
#include "common/log_entry.h"
#include "common/wire_batch.h"

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
	const struct tail_samples samples = {series, rows->times_us + row, values, n_values,
					     rows->received_us};

	return n_values > 0 ? take->samples(take->context, &samples) : 0;
}

static int take_absences(const struct rows *rows, const struct block_column *column,
			 struct catalog_series *series, const struct tail_take *take)
{
	size_t row = 0;
	int result = 0;

	for (size_t i = 0; i < column->n_runs && result == 0; i++) {
		const struct block_run *run = &column->runs[i];
		size_t end = row + run->n_present + run->n_missing;

		row += run->n_present;
		for (; row < end && run->reason != HM_REASON_NONE && result == 0; row++) {
			struct metric_file_sample absence = {rows->times_us[row], run->reason};

			result = take->absence(take->context, series, &absence, rows->received_us);
		}
		row = end;
	}
	return result;
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
	if (result == 0 && take->absence)
		result = take_absences(rows, column, series, take);
	return result;
}

/* What the ids of a block mean. */
struct names {
	struct catalog_series *const *series;
	size_t n_series;
};

static int take_columns(struct tail *tail, const struct names *names, int64_t received_us,
			const struct tail_take *take)
{
	struct rows rows = {.received_us = received_us};
	size_t n_columns = block_decoder_n_columns(tail->decoder);
	int result = 0;

	rows.times_us = block_decoder_times(tail->decoder, &rows.n_times);
	for (size_t i = 0; i < n_columns && result == 0; i++) {
		uint32_t id = block_decoder_series_id(tail->decoder, i);
		struct block_column column;

		result = block_decoder_column(tail->decoder, i, &column);
		if (result == 0)
			result = take_column(&rows, &column, names->series[id], take);
	}
	return result;
}

/* Hand on the block that the decoder has open. */
static int take_block(struct tail *tail, const struct names *names, int64_t received_us,
		      const struct tail_take *take)
{
	size_t n_columns = block_decoder_n_columns(tail->decoder);

	/* Their ids grow. */
	if (block_decoder_series_id(tail->decoder, n_columns - 1) >= names->n_series)
		return -EBADMSG;
	if (take->block)
		return take->block(take->context, tail->decoder, names->series, received_us);
	return take_columns(tail, names, received_us, take);
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
		struct names names = {tail->series, head.n_series};
		const uint8_t *bytes = NULL;
		size_t length = 0;

		result = batch_get_block(&cursor, &bytes, &length);
		if (result == 0)
			result = block_decoder_open(tail->decoder, bytes, length);
		if (result == 0)
			result = take_block(tail, &names, record->received_us, take);
	}
	return result == -ENODATA ? 0 : result;
}

/* -- messages of agents --------------------------------------------------------------------------- */

/* Have a copy of what the ids of an epoch mean: others may declare more meanwhile. With the mutex held. */
static int copy_series(struct tail *tail, const struct epoch *epoch)
{
	/* Whatever is declared since, no batch of the range uses. */
	if (tail->epoch == epoch)
		return 0;
	tail->epoch = NULL;
	if (epoch->n_series > tail->epoch_series_capacity) {
		free(tail->epoch_series);
		tail->epoch_series_capacity = 0;
		tail->epoch_series = array_new(epoch->n_series, sizeof(struct catalog_series *));
		if (!tail->epoch_series)
			return -ENOMEM;
		tail->epoch_series_capacity = epoch->n_series;
	}
	if (epoch->n_series > 0)
		memcpy(tail->epoch_series, epoch->series,
		       epoch->n_series * sizeof(struct catalog_series *));
	tail->n_epoch_series = epoch->n_series;
	tail->epoch = epoch;
	return 0;
}

static int get_epoch(struct tail *tail, const struct wire_stamp *stamp, bool wants_series,
		     struct epoch **ret_epoch)
{
	struct engine *engine = tail->engine;
	int result = -EBADMSG;

	pthread_mutex_lock(&engine->mutex);
	*ret_epoch = epoch_find(&engine->catalog, stamp->epoch);
	if (*ret_epoch)
		result = wants_series ? copy_series(tail, *ret_epoch) : 0;
	pthread_mutex_unlock(&engine->mutex);
	return result;
}

static int take_agent_blocks(struct tail *tail, const struct log_record *record,
			     const struct tail_take *take)
{
	struct wire_batch batch;
	int result = 0;

	if (wire_batch_get(record->payload, record->payload_bytes, &batch) != HM_REASON_NONE)
		return -EBADMSG;
	while (result == 0) {
		struct names names = {tail->epoch_series, tail->n_epoch_series};
		const uint8_t *bytes = NULL;
		size_t length = 0;

		result = batch_get_block(&batch.blocks, &bytes, &length);
		if (result == 0)
			result = block_decoder_open(tail->decoder, bytes, length);
		if (result == 0)
			result = take_block(tail, &names, record->received_us, take);
	}
	return result == -ENODATA ? 0 : result;
}

static int take_message(struct tail *tail, const struct log_record *record,
			const struct tail_take *take)
{
	struct cursor cursor = {.at = record->payload, .left = record->payload_bytes};
	struct epoch_mark mark = {.crc = crc32c(0, record->payload, record->payload_bytes)};
	struct epoch *epoch = NULL;
	struct wire_stamp stamp;
	int result;

	if (wire_stamp_get(&cursor, &stamp) != HM_REASON_NONE)
		return -EBADMSG;
	mark.sequence = stamp.sequence;
	result = get_epoch(tail, &stamp, record->type == HM_RECORD_BATCH, &epoch);
	if (result == 0 && take->mark && record->type != HM_RECORD_NAMES)
		result = take->mark(take->context, epoch, &mark);
	if (result == 0 && record->type == HM_RECORD_BATCH)
		result = take_agent_blocks(tail, record, take);
	else if (result == 0 && take->message && record->type != HM_RECORD_DECLARE &&
		 record->type != HM_RECORD_NAMES)
		result = take->message(take->context, record);
	return result;
}

/* Does a batch begin with the stamp of an agent, and name no series itself? */
static bool is_agents(const struct log_record *record)
{
	const uint8_t *payload = record->payload;

	return record->payload_bytes > 0 && payload[0] == 0;
}

static int read_link(struct tail *tail, uint32_t host, uint64_t position,
		     struct log_record *ret_record)
{
	int result = tail_read(tail, position, ret_record);

	if (result == 0 && !tail_is_link(ret_record, host))
		result = -EBADMSG;
	return tail_is_damage(result) ? -EBADMSG : result;
}

static int take_names(struct engine *engine, const struct log_record *record)
{
	struct cursor cursor = {.at = record->payload, .left = record->payload_bytes};
	enum hm_reason reason = HM_REASON_NOT_DECLARED;
	struct wire_stamp stamp;
	struct epoch *epoch;

	if (wire_stamp_get(&cursor, &stamp) != HM_REASON_NONE)
		return -EBADMSG;
	pthread_mutex_lock(&engine->mutex);
	epoch = epoch_find(&engine->catalog, stamp.epoch);
	if (epoch)
		reason = epoch_declare(&engine->catalog, epoch, record->payload,
				       record->payload_bytes);
	pthread_mutex_unlock(&engine->mutex);
	if (reason == HM_REASON_NO_MEMORY)
		return -ENOMEM;
	return reason == HM_REASON_NONE ? 0 : -EBADMSG;
}

int tail_take_names(struct tail *tail, uint32_t host, uint64_t position)
{
	struct log_record record = {0};
	int result = read_link(tail, host, position, &record);

	if (result == 0 && (record.type == HM_RECORD_DECLARE || record.type == HM_RECORD_NAMES))
		result = take_names(tail->engine, &record);
	return result;
}

int tail_decode(struct tail *tail, uint32_t host, uint64_t position, const struct tail_take *take)
{
	struct log_record record = {0};
	int result = read_link(tail, host, position, &record);

	if (result < 0)
		return result;
	if (record.type == HM_RECORD_DELETE) {
		result = take_delete(tail, &record, take);
		return result == 0 && take->message ? take->message(take->context, &record)
						    : result;
	}
	if (record.type == HM_RECORD_BATCH && !is_agents(&record))
		return take_batch(tail, &record, take);
	return take_message(tail, &record, take);
}
