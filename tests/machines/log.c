/* SPDX-License-Identifier: MIT */
/* The log on other machines: a header, and a record of each kind with its payload. */

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "common/batch.h"
#include "common/log_entry.h"
#include "common/log_file.h"
#include "tests/machines/formats.h"
#include "tests/support/random_block.h"

/* A number of any length. */
static uint64_t any(uint64_t *random)
{
	uint64_t number = random_next(random);

	return number >> random_below(random, 64);
}

static void fill_id(uint64_t *random, uint8_t id[static HM_ID_BYTES])
{
	for (size_t i = 0; i < HM_ID_BYTES; i++)
		id[i] = (uint8_t)random_next(random);
}

static struct series_text any_text(uint64_t *random)
{
	static const char text[] = "node_cpu_seconds_total h\xc3\xb6st {cpu=\"0\"}";

	return (struct series_text){text, 1 + random_below(random, 20)};
}

static void put_hosts(uint64_t *random, struct buffer *out)
{
	struct log_host host = {
		.number = (uint32_t)any(random) | 1,
		.name = any_text(random),
		.last = any(random),
		.checkpoint = any(random),
		.n_epochs = (uint32_t)random_below(random, 3),
	};

	fill_id(random, host.id);
	log_entry_put_host(out, &host);
	for (uint32_t i = 0; i < host.n_epochs; i++) {
		struct log_epoch epoch = {.sequence = any(random)};

		fill_id(random, epoch.id);
		log_entry_put_epoch(out, &epoch);
	}
}

static void put_group(uint64_t *random, struct buffer *out)
{
	struct log_group_file file = {
		.host = (uint32_t)any(random),
		.name = any_text(random),
		.length_bytes = any(random),
	};

	log_entry_put_group(out, any(random));
	log_entry_put_group_file(out, &file);
}

static void put_checkpoint(uint64_t *random, struct buffer *out)
{
	struct log_checkpoint checkpoint = {(uint32_t)any(random), any(random)};

	log_entry_put_group(out, any(random));
	log_entry_put_checkpoint(out, &checkpoint);
}

static const char *put_batch(struct state *state, uint64_t *random, struct buffer *out)
{
	struct batch_head head = {
		.sequence = any(random) | 1,
		.host = any_text(random),
		.n_series = (uint32_t)random_below(random, 4),
	};
	struct buffer block = {0};
	const char *problem = blocks_write(state, any(random) % 1000, &block);

	fill_id(random, head.epoch);
	fill_id(random, head.host_id);
	batch_put_head(out, &head);
	for (uint32_t i = 0; i < head.n_series; i++) {
		struct batch_series series = {
			.kind = (enum hm_stored_kind)random_below(random, 3),
			.unit = any_text(random),
			.metric = any_text(random),
			.labels = any_text(random),
		};

		batch_put_series(out, &series);
	}
	batch_put_block(out, block.data, block.length);
	buffer_done(&block);
	return problem;
}

static void put_record(uint64_t *random, const struct log_file_header *header,
		       enum hm_record_type type, const struct buffer *payload, struct buffer *out)
{
	struct log_record record = {
		.type = type,
		.host = (uint32_t)any(random),
		.position = log_position(header->number, out->length),
		.previous = any(random),
		.durable = any(random),
		.received_us = (int64_t)any(random),
		.payload = payload->data,
		.payload_bytes = (uint32_t)payload->length,
	};

	log_file_put_record(out, header->salt, &record);
}

const char *log_write(struct state *state, uint64_t seed, struct buffer *out)
{
	static void (*const puts[])(uint64_t * random, struct buffer * out) = {
		[HM_RECORD_HOST] = put_hosts,
		[HM_RECORD_GROUP] = put_group,
		[HM_RECORD_CHECKPOINT] = put_checkpoint,
	};
	uint64_t random = seed;
	struct log_file_header header = {.number = (uint32_t)any(&random) | 1,
					 .salt = (uint32_t)any(&random),
					 .created_us = -(int64_t)(any(&random) >> 1)};
	const char *problem = NULL;

	fill_id(&random, header.store_id);
	log_file_put_header(out, &header);
	for (int type = HM_RECORD_SNAPSHOT; type <= HM_RECORD_CHECKPOINT && !problem; type++) {
		struct buffer payload = {0};

		if (type == HM_RECORD_BATCH)
			problem = put_batch(state, &random, &payload);
		else if (puts[type])
			puts[type](&random, &payload);
		put_record(&random, &header, (enum hm_record_type)type, &payload, out);
		buffer_done(&payload);
	}
	return problem;
}

/* -- read, and written again ---------------------------------------------------------------------- */

static int copy_host(struct state *state, struct cursor *cursor, struct buffer *again)
{
	struct log_host host;
	int result = log_entry_get_host(cursor, &host);

	(void)state;
	if (result < 0)
		return result;
	log_entry_put_host(again, &host);
	for (uint32_t i = 0; i < host.n_epochs && result == 0; i++) {
		struct log_epoch epoch;

		result = log_entry_get_epoch(cursor, &epoch);
		if (result == 0)
			log_entry_put_epoch(again, &epoch);
	}
	return result;
}

static int copy_group(struct state *state, struct cursor *cursor, struct buffer *again)
{
	struct log_group_file file;
	uint64_t group;
	int result = log_entry_get_group(cursor, &group);

	(void)state;
	if (result == 0)
		result = log_entry_get_group_file(cursor, &file);
	if (result < 0)
		return result;
	log_entry_put_group(again, group);
	log_entry_put_group_file(again, &file);
	return 0;
}

static int copy_checkpoint(struct state *state, struct cursor *cursor, struct buffer *again)
{
	struct log_checkpoint checkpoint;
	uint64_t group;
	int result = log_entry_get_group(cursor, &group);

	(void)state;
	if (result == 0)
		result = log_entry_get_checkpoint(cursor, &checkpoint);
	if (result < 0)
		return result;
	log_entry_put_group(again, group);
	log_entry_put_checkpoint(again, &checkpoint);
	return 0;
}

static int copy_batch(struct state *state, struct cursor *cursor, struct buffer *again)
{
	struct batch_head head;
	const uint8_t *bytes;
	size_t length;
	int result = batch_get_head(cursor, &head);

	if (result < 0)
		return result;
	batch_put_head(again, &head);
	for (uint32_t i = 0; i < head.n_series && result == 0; i++) {
		struct batch_series series;

		result = batch_get_series(cursor, &series);
		if (result == 0)
			batch_put_series(again, &series);
	}
	if (result == 0)
		result = batch_get_block(cursor, &bytes, &length);
	if (result == 0)
		result = block_decoder_open(state->decoder, bytes, length);
	if (result == 0)
		batch_put_block(again, bytes, length);
	return result;
}

/* @return 0, with the payload written again */
static int copy_payload(struct state *state, const struct log_record *record, struct buffer *again)
{
	static int (*const copies[])(struct state * state, struct cursor * cursor,
				     struct buffer * again) = {
		[HM_RECORD_HOST] = copy_host,
		[HM_RECORD_BATCH] = copy_batch,
		[HM_RECORD_GROUP] = copy_group,
		[HM_RECORD_CHECKPOINT] = copy_checkpoint,
	};
	struct cursor cursor = {.at = record->payload, .left = record->payload_bytes};
	int result = 0;

	if (copies[record->type])
		result = copies[record->type](state, &cursor, again);
	return result == 0 && cursor.left > 0 ? -EBADMSG : result;
}

/* Read the record behind what was written again, and write it as well. */
static const char *copy_record(struct state *state, const struct log_file_header *header,
			       const uint8_t *bytes, size_t length, struct buffer *again)
{
	struct buffer payload = {0};
	struct log_record record;
	const char *problem = NULL;
	size_t offset = again->length;

	if (offset > length ||
	    log_file_get_record(bytes + offset, length - offset, header->salt,
				log_position(header->number, offset), &record) != 0)
		return "a record does not verify";
	if (record.type > HM_RECORD_CHECKPOINT || copy_payload(state, &record, &payload) < 0)
		problem = "a payload cannot be read";
	record.payload = payload.data;
	record.payload_bytes = (uint32_t)payload.length;
	log_file_put_record(again, header->salt, &record);
	buffer_done(&payload);
	return problem;
}

const char *log_read(struct state *state, uint64_t seed, const uint8_t *bytes, size_t length)
{
	struct log_file_header header;
	struct buffer again = {0};
	const char *problem = NULL;

	(void)seed;
	if (log_file_get_header(bytes, length, &header) < 0)
		return "the header cannot be read";
	log_file_put_header(&again, &header);
	for (int type = HM_RECORD_SNAPSHOT; type <= HM_RECORD_CHECKPOINT && !problem; type++)
		problem = copy_record(state, &header, bytes, length, &again);
	if (!problem && (again.length != length || memcmp(again.data, bytes, length) != 0))
		problem = "what is read gives other bytes";
	buffer_done(&again);
	return problem;
}
