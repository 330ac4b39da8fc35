/* SPDX-License-Identifier: MIT */
/* How the store takes messages of agents. */

#include "collector/intake.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/engine.h"
#include "collector/epoch.h"
#include "collector/group.h"
#include "common/batch.h"
#include "common/block.h"
#include "common/wire_batch.h"
#include "common/wire_clock.h"
#include "common/wire_gap.h"
#include "common/wire_schedule.h"

/* So many agents may call their host by one name. */
#define NUMBER_MAX 1000

/* With so many hosts there is no new one for an agent: each segment of the log begins with all. */
#define HOSTS_MAX ((size_t)100000)

struct intake {
	struct engine *engine;
	struct block_decoder *decoder;
};

int intake_new(struct engine *engine, struct intake **ret_intake)
{
	struct intake *intake = calloc(1, sizeof(*intake));

	if (!intake)
		return -ENOMEM;
	intake->engine = engine;
	intake->decoder = block_decoder_new();
	if (!intake->decoder) {
		intake_free(intake);
		return -ENOMEM;
	}
	*ret_intake = intake;
	return 0;
}

void intake_free(struct intake *intake)
{
	if (!intake)
		return;
	block_decoder_free(intake->decoder);
	free(intake);
}

/* -- who it is ------------------------------------------------------------------------------------ */

/* Find or add the host of a name that has no agent. @return 0; -ENOMEM; -ENAMETOOLONG */
static int find_free_host(struct engine *engine, const struct series_text *name,
			  struct catalog_host **ret_host)
{
	char numbered[HM_HOST_NAME_MAX_BYTES + 1];
	int result = catalog_get_host(&engine->catalog, name->start, name->length, ret_host);

	for (unsigned i = 2; result == 0 && (*ret_host)->has_agent; i++) {
		int length;

		if (i > NUMBER_MAX)
			return -ENAMETOOLONG;
		length = snprintf(numbered, sizeof(numbered), "%.*s~%u", (int)name->length,
				  name->start, i);
		if (length >= (int)sizeof(numbered))
			return -ENAMETOOLONG;
		result = catalog_get_host(&engine->catalog, numbered, (size_t)length, ret_host);
	}
	return result;
}

static int find_host(struct engine *engine, const struct wire_hello *hello,
		     struct catalog_host **ret_host)
{
	int result = 0;

	*ret_host = epoch_find_host(&engine->catalog, hello->host_id);
	if (*ret_host)
		return 0;
	if (engine->catalog.n_hosts >= HOSTS_MAX)
		return -E2BIG;
	result = find_free_host(engine, &hello->host, ret_host);
	if (result == 0)
		result = engine_introduce(engine, *ret_host);
	if (result == 0)
		result = epoch_give_host(&engine->catalog, *ret_host, hello->host_id);
	return result;
}

static enum hm_reason reason_of_hello(int error)
{
	switch (error) {
	case 0:
		return HM_REASON_NONE;
	case -ENAMETOOLONG:
		return HM_REASON_BAD_NAME;
	case -EXDEV:
		return HM_REASON_BAD_ID;
	case -E2BIG:
		return HM_REASON_TOO_MANY_EPOCHS;
	case -ENOMEM:
		return HM_REASON_NO_MEMORY;
	default:
		return HM_REASON_STORE_FAILED;
	}
}

enum hm_reason intake_hello(struct intake *intake, const struct wire_hello *hello,
			    struct intake_mark *ret_mark)
{
	struct engine *engine = intake->engine;
	struct catalog_host *host = NULL;
	struct epoch *epoch = NULL;
	int result;

	pthread_mutex_lock(&engine->mutex);
	result = engine->trouble;
	if (result == 0)
		result = find_host(engine, hello, &host);
	if (result == 0)
		result = epoch_get(&engine->catalog, host, hello->epoch, &epoch);
	/* What becomes of it is known in a moment, and WELCOME says it. */
	if (result == 0 && epoch->taken.sequence != epoch->durable.sequence)
		result = -EAGAIN;
	if (result == 0) {
		*ret_mark = (struct intake_mark){
			.epoch = epoch,
			.sequence = epoch->durable.sequence,
			.crc = epoch->durable.crc,
			.n_series = (uint32_t)epoch->n_series,
		};
		memcpy(ret_mark->store_id, engine->store_id, HM_ID_BYTES);
	}
	pthread_mutex_unlock(&engine->mutex);
	return reason_of_hello(result);
}

/* -- what it sends -------------------------------------------------------------------------------- */

/* A message, and what was found in it. */
struct message {
	enum hm_frame_type type;
	const uint8_t *payload;
	size_t length;
	struct wire_stamp stamp;
	uint64_t first; /* sequence that it takes, up to that of the stamp */
	uint32_t crc;
	uint64_t n_samples;
	bool is_checked; /* a batch: as one with so many series: */
	size_t n_series;
};

/* What of its place an epoch can tell. */
enum place {
	PLACE_NEXT,
	PLACE_REPEATED,
	PLACE_AHEAD,
	PLACE_OTHER, /* another message has it */
};

static enum place find_place(const struct epoch *epoch, const struct message *message)
{
	uint32_t crc;

	if (message->first > epoch->taken.sequence + 1)
		return PLACE_AHEAD;
	if (message->stamp.sequence > epoch->taken.sequence)
		return PLACE_NEXT;
	if (epoch_get_taken(epoch, message->stamp.sequence, &crc) && crc != message->crc)
		return PLACE_OTHER;
	return PLACE_REPEATED;
}

/* Read the stamp, and of what is short all. */
static enum hm_reason read_message(struct message *message)
{
	struct cursor cursor = {.at = message->payload, .left = message->length};
	struct wire_gap gap;
	struct wire_clock clock;
	struct wire_schedule schedule;
	enum hm_reason reason;

	switch (message->type) {
	case HM_FRAME_GAP:
		reason = wire_gap_get(message->payload, message->length, &gap);
		message->stamp = gap.stamp;
		message->first = gap.first;
		return reason;
	case HM_FRAME_CLOCK:
		reason = wire_clock_get(message->payload, message->length, &clock);
		message->stamp = clock.stamp;
		break;
	case HM_FRAME_SCHEDULE:
		reason = wire_schedule_get(message->payload, message->length, &schedule);
		message->stamp = schedule.stamp;
		break;
	default:
		reason = wire_stamp_get(&cursor, &message->stamp);
	}
	message->first = message->stamp.sequence;
	return reason;
}

static enum hm_record_type record_type(enum hm_frame_type type)
{
	switch (type) {
	case HM_FRAME_DECLARE:
		return HM_RECORD_DECLARE;
	case HM_FRAME_GAP:
		return HM_RECORD_GAP;
	case HM_FRAME_CLOCK:
		return HM_RECORD_CLOCK;
	case HM_FRAME_SCHEDULE:
		return HM_RECORD_SCHEDULE;
	default:
		return HM_RECORD_BATCH;
	}
}

/* Have it logged. With the mutex held. @return 0 or -ENOMEM */
static int put_message(struct engine *engine, struct epoch *epoch, const struct message *message)
{
	struct intake_message entry = {
		.epoch = epoch,
		.type = record_type(message->type),
		.sequence = message->stamp.sequence,
		.crc = message->crc,
		.n_samples = message->n_samples,
		.n_bytes = message->length,
		.received_us = engine->options.disk->now_us(engine->options.disk->context),
	};
	const struct epoch_mark mark = {entry.sequence, entry.crc};
	struct buffer *messages = &engine->messages;

	if (engine->message_bytes > INTAKE_WAITING_MAX_BYTES)
		return -ENOMEM;
	if (buffer_reserve(messages, sizeof(entry) + message->length) < 0) {
		messages->failed = false;
		return -ENOMEM;
	}
	if (epoch_take(epoch, &mark) < 0)
		return -ENOMEM;
	buffer_append(messages, &entry, sizeof(entry));
	buffer_append(messages, message->payload, message->length);
	engine->message_bytes += message->length;
	return 0;
}

/* Note a sample of a series, the first or last one of those that a column brings. */
static void note_sample(struct engine *engine, struct catalog_series *series, int64_t time_us,
			double value, int64_t now_us)
{
	bool is_odd = group_is_odd(time_us, now_us);

	catalog_note(series, time_us, value, is_odd);
	engine->stats.n_odd += is_odd;
}

/* A column of times that all are possible: its first and its last sample tell all. */
static void note_ends(struct engine *engine, struct catalog_series *series,
		      const struct block_column *column, const int64_t *times_us, size_t n_times,
		      int64_t now_us)
{
	size_t first = column->runs ? SIZE_MAX : 0;
	size_t last = n_times - 1;
	size_t row = 0;

	for (size_t i = 0; column->runs && i < column->n_runs; i++) {
		const struct block_run *run = &column->runs[i];

		if (run->n_present > 0) {
			first = first == SIZE_MAX ? row : first;
			last = row + run->n_present - 1;
		}
		row += (size_t)run->n_present + run->n_missing;
	}
	if (column->n_values == 0)
		return;
	note_sample(engine, series, times_us[first], column->values[0], now_us);
	if (last != first) {
		note_sample(engine, series, times_us[last], column->values[column->n_values - 1],
			    now_us);
	}
}

static void note_all(struct engine *engine, struct catalog_series *series,
		     const struct block_column *column, const int64_t *times_us, int64_t now_us)
{
	const struct block_run all = {.n_present = (uint32_t)column->n_values};
	const struct block_run *runs = column->runs ? column->runs : &all;
	size_t n_runs = column->runs ? column->n_runs : 1;
	const double *values = column->values;
	size_t row = 0;

	for (size_t i = 0; i < n_runs; i++) {
		for (uint32_t k = 0; k < runs[i].n_present; k++)
			note_sample(engine, series, times_us[row + k], *values++, now_us);
		row += (size_t)runs[i].n_present + runs[i].n_missing;
	}
}

static void note_column(struct engine *engine, struct catalog_series *series,
			const struct block_column *column, const int64_t *times_us, size_t n_times,
			int64_t now_us)
{
	/* They grow. */
	bool has_odd =
		group_is_odd(times_us[0], now_us) || group_is_odd(times_us[n_times - 1], now_us);

	if (has_odd)
		note_all(engine, series, column, times_us, now_us);
	else
		note_ends(engine, series, column, times_us, n_times, now_us);
}

/* Of a batch that was checked. With the mutex held. */
static void note_batch(struct intake *intake, const struct epoch *epoch,
		       const struct message *message)
{
	struct engine *engine = intake->engine;
	const struct disk *disk = engine->options.disk;
	int64_t now_us = disk->now_us(disk->context);
	struct wire_batch batch;
	const uint8_t *bytes;
	size_t n_bytes;

	if (wire_batch_get(message->payload, message->length, &batch) != HM_REASON_NONE)
		return;
	while (batch_get_block(&batch.blocks, &bytes, &n_bytes) == 0 &&
	       block_decoder_open(intake->decoder, bytes, n_bytes) == 0) {
		size_t n_times;
		const int64_t *times_us = block_decoder_times(intake->decoder, &n_times);
		size_t n_columns = block_decoder_n_columns(intake->decoder);

		for (size_t i = 0; i < n_columns; i++) {
			uint32_t id = block_decoder_series_id(intake->decoder, i);
			struct block_column column;

			if (block_decoder_column(intake->decoder, i, &column) == 0)
				note_column(engine, epoch->series[id], &column, times_us, n_times,
					    now_us);
		}
	}
	epoch->host->n_samples += message->n_samples;
	engine->stats.n_accepted += message->n_samples;
	rate_add(&epoch->host->rate, message->n_samples, disk->monotonic_us(disk->context));
}

/* Take what is the next of its epoch. With the mutex held. */
static enum hm_reason take_next(struct intake *intake, struct epoch *epoch,
				const struct message *message)
{
	struct engine *engine = intake->engine;
	size_t n_series = epoch->n_series;
	enum hm_reason reason = HM_REASON_NONE;

	if (message->type == HM_FRAME_DECLARE)
		reason = epoch_check_declare(epoch, message->payload, message->length);
	if (reason == HM_REASON_NONE && message->type == HM_FRAME_DECLARE)
		reason = epoch_declare(&engine->catalog, epoch, message->payload, message->length);
	if (reason == HM_REASON_NONE && put_message(engine, epoch, message) < 0) {
		epoch->n_series = n_series;
		reason = HM_REASON_NO_MEMORY;
	}
	if (reason == HM_REASON_NONE && message->type == HM_FRAME_BATCH)
		note_batch(intake, epoch, message);
	return reason;
}

/* It was taken before; but what its series are called may not be known any more. With the mutex held. */
static enum hm_reason take_again(struct intake *intake, struct epoch *epoch,
				 const struct message *message)
{
	size_t n_series = epoch->n_series;
	enum hm_reason reason = HM_REASON_NONE;

	if (message->type == HM_FRAME_DECLARE)
		reason = epoch_declare(&intake->engine->catalog, epoch, message->payload,
				       message->length);
	/* What the log says of them is less. */
	if (epoch->n_series > n_series)
		epoch->n_named = 0;
	return reason;
}

/* With the mutex held. */
static enum hm_reason take(struct intake *intake, struct epoch *epoch,
			   const struct message *message)
{
	switch (find_place(epoch, message)) {
	case PLACE_NEXT:
		return take_next(intake, epoch, message);
	case PLACE_REPEATED:
		return take_again(intake, epoch, message);
	case PLACE_AHEAD:
		return HM_REASON_SEQUENCE_AHEAD;
	default:
		return HM_REASON_SEQUENCE_OTHER;
	}
}

/* Is it a batch that is taken only when it was decoded? Another session of the epoch may change that at any time.
 * With the mutex held. */
static bool must_be_checked(const struct epoch *epoch, const struct message *message)
{
	return message->type == HM_FRAME_BATCH && find_place(epoch, message) == PLACE_NEXT &&
	       (!message->is_checked || message->n_series > epoch->n_series);
}

/* Is a message of this epoch? Without the mutex. */
static enum hm_reason look_at(struct intake *intake, const struct epoch *epoch,
			      struct message *message, bool *ret_must_be_checked)
{
	enum hm_reason reason = HM_REASON_NONE;

	pthread_mutex_lock(&intake->engine->mutex);
	if (memcmp(epoch->id, message->stamp.epoch, HM_ID_BYTES) != 0 ||
	    memcmp(epoch->host->id, message->stamp.host_id, HM_ID_BYTES) != 0)
		reason = HM_REASON_OTHER_STAMP;
	*ret_must_be_checked = must_be_checked(epoch, message);
	message->n_series = epoch->n_series;
	pthread_mutex_unlock(&intake->engine->mutex);
	return reason;
}

/* Decode a batch. Without the mutex: others may go on meanwhile. */
static enum hm_reason check_batch(struct intake *intake, struct message *message)
{
	struct wire_batch_content content;
	enum hm_reason reason = wire_batch_check(intake->decoder, message->payload, message->length,
						 (uint32_t)message->n_series, &content);

	if (reason != HM_REASON_NONE)
		return reason;
	message->is_checked = true;
	message->n_samples = content.n_samples;
	return HM_REASON_NONE;
}

enum hm_reason intake_take(struct intake *intake, struct epoch *epoch, enum hm_frame_type type,
			   const uint8_t *payload, size_t length, uint32_t crc)
{
	struct message message = {.type = type, .payload = payload, .length = length, .crc = crc};
	enum hm_reason reason = read_message(&message);
	bool must_check = false;

	do {
		if (reason == HM_REASON_NONE)
			reason = look_at(intake, epoch, &message, &must_check);
		if (reason == HM_REASON_NONE && must_check)
			reason = check_batch(intake, &message);
		if (reason != HM_REASON_NONE)
			return reason;
		pthread_mutex_lock(&intake->engine->mutex);
		must_check = must_be_checked(epoch, &message);
		if (!must_check)
			reason = take(intake, epoch, &message);
		pthread_mutex_unlock(&intake->engine->mutex);
	} while (must_check);
	return reason;
}

uint64_t intake_durable(struct engine *engine, const struct epoch *epoch)
{
	uint64_t sequence;

	pthread_mutex_lock(&engine->mutex);
	sequence = epoch->durable.sequence;
	pthread_mutex_unlock(&engine->mutex);
	return sequence;
}
