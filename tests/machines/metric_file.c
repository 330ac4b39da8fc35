/* SPDX-License-Identifier: MIT */
/* Metric files on other machines: a header, and a block of each type. */

#include <string.h>

#include "common/store_file.h"
#include "tests/machines/formats.h"
#include "tests/support/random_block.h"

#define LABELS "{cpu=\"0\",mode=\"idle\"}"

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

static const char *put_data(struct state *state, uint64_t *random, struct buffer *out)
{
	struct store_file_data data = {
		.first_us = -(int64_t)(any(random) >> 1),
		.last_us = (int64_t)(any(random) >> 1),
		.highest_before_us = (int64_t)any(random),
		.names_offset = any(random),
	};

	store_file_put_data(out, &data);
	return blocks_write(state, any(random) % 1000, out);
}

static void put_series(uint64_t *random, struct buffer *out)
{
	store_file_put_names_offset(out, any(random));
	for (int i = 0; i < 3; i++) {
		struct store_file_series series = {(uint32_t)any(random), LABELS,
						   random_below(random, sizeof(LABELS))};

		store_file_put_series(out, &series);
	}
}

/* What stands in a host's own file. */
static void put_known(uint64_t *random, enum hm_block_type type, struct buffer *out)
{
	static const uint8_t id[HM_ID_BYTES] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
	struct store_file_meta meta = {any(random), HM_STORED_COUNTER, "seconds", 7};
	struct store_file_host host = {(uint32_t)any(random), id, any(random), "web01", 5};
	struct store_file_epoch epoch = {id, any(random), any(random)};
	struct store_file_event event = {.since_us = -(int64_t)(any(random) >> 1),
					 .until_us = (int64_t)(any(random) >> 1),
					 .position = any(random),
					 .count = any(random),
					 .reason = (uint32_t)any(random),
					 .text = "why",
					 .text_length = 3};

	if (type == HM_BLOCK_META)
		store_file_put_meta(out, &meta);
	else if (type == HM_BLOCK_HOST)
		store_file_put_host(out, &host);
	else if (type == HM_BLOCK_EPOCH)
		store_file_put_epoch(out, &epoch);
	else
		store_file_put_event(out, &event);
}

static const enum hm_block_type types[] = {HM_BLOCK_SERIES, HM_BLOCK_META,  HM_BLOCK_DATA,
					   HM_BLOCK_HOST,   HM_BLOCK_EPOCH, HM_BLOCK_EVENT};

#define N_TYPES (sizeof(types) / sizeof(*types))

const char *metric_file_write(struct state *state, uint64_t seed, struct buffer *out)
{
	uint64_t random = seed;
	uint8_t id[HM_ID_BYTES];
	struct store_file_header header = {
		.store_id = id,
		.salt = (uint32_t)any(&random),
		.part = (uint32_t)any(&random),
		.continues_bytes = any(&random),
		.type = HM_FILE_METRIC,
		.kind = HM_STORED_GAUGE,
		.host = "web01",
		.host_length = 5,
		.metric = "node_cpu_seconds_total",
		.metric_length = 1 + random_below(&random, 22),
		.unit = "seconds",
		.unit_length = random_below(&random, 8),
	};
	const char *problem = NULL;

	fill_id(&random, id);
	if (store_file_put_header(out, &header) < 0)
		return "a header cannot be written";
	for (size_t i = 0; i < N_TYPES && !problem; i++) {
		size_t start = store_file_begin_block(out, types[i], any(&random));

		if (types[i] == HM_BLOCK_SERIES)
			put_series(&random, out);
		else if (types[i] == HM_BLOCK_DATA)
			problem = put_data(state, &random, out);
		else
			put_known(&random, types[i], out);
		if (store_file_end_block(out, start, header.salt, start) < 0)
			problem = "a block cannot be written";
	}
	return problem;
}

/* -- read, and written again ---------------------------------------------------------------------- */

static int copy_series(const struct store_file_block *block, struct buffer *again)
{
	struct store_file_series_list list;
	struct store_file_series series;
	int result = store_file_get_series_list(block, &list);

	if (result < 0)
		return result;
	store_file_put_names_offset(again, list.names_offset);
	while (store_file_next_series(&list, &series))
		store_file_put_series(again, &series);
	return 0;
}

static int copy_data(struct state *state, const struct store_file_block *block,
		     struct buffer *again)
{
	struct store_file_data data;
	int result = store_file_get_data(block, &data);

	if (result < 0)
		return result;
	store_file_put_data(again, &data);
	buffer_append(again, data.bytes, data.n_bytes);
	return block_decoder_open(state->decoder, data.bytes, data.n_bytes);
}

static int copy_known(const struct store_file_block *block, struct buffer *again)
{
	struct store_file_meta meta;
	struct store_file_host host;
	struct store_file_epoch epoch;
	struct store_file_event event;
	int result = store_file_get_meta(block, &meta);

	if (result == 0) {
		store_file_put_meta(again, &meta);
	} else if ((result = store_file_get_host(block, &host)) == 0) {
		store_file_put_host(again, &host);
	} else if ((result = store_file_get_epoch(block, &epoch)) == 0) {
		store_file_put_epoch(again, &epoch);
	} else {
		result = store_file_get_event(block, &event);
		if (result == 0)
			store_file_put_event(again, &event);
	}
	return result;
}

/* Read the block behind what was written again, and write it as well. */
static const char *copy_block(struct state *state, uint32_t salt, const uint8_t *bytes,
			      size_t length, struct buffer *again)
{
	struct store_file_block block;
	size_t offset = again->length;
	size_t start;
	int result;

	if (offset > length ||
	    store_file_get_block(bytes + offset, length - offset, salt, offset, &block) < 0)
		return "a block does not verify";
	start = store_file_begin_block(again, (enum hm_block_type)block.type, block.position);
	if (block.type == HM_BLOCK_SERIES)
		result = copy_series(&block, again);
	else if (block.type == HM_BLOCK_DATA)
		result = copy_data(state, &block, again);
	else
		result = copy_known(&block, again);
	if (result < 0)
		return "a payload cannot be read";
	return store_file_end_block(again, start, salt, offset) < 0 ? "a block cannot be written"
								    : NULL;
}

const char *metric_file_read(struct state *state, uint64_t seed, const uint8_t *bytes,
			     size_t length)
{
	struct store_file_header header;
	struct buffer again = {0};
	const char *problem = NULL;

	(void)seed;
	if (store_file_get_header(bytes, length, &header) < 0)
		return "the header cannot be read";
	if (store_file_put_header(&again, &header) < 0)
		problem = "a header cannot be written";
	for (size_t i = 0; i < N_TYPES && !problem; i++)
		problem = copy_block(state, header.salt, bytes, length, &again);
	if (!problem && (again.length != length || memcmp(again.data, bytes, length) != 0))
		problem = "what is read gives other bytes";
	buffer_done(&again);
	return problem;
}
