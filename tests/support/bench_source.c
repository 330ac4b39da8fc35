/* SPDX-License-Identifier: MIT */
/* What the agents of tests/bench/agents have to say. */

#include "tests/support/bench_source.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/batch.h"
#include "common/crc32c.h"
#include "common/wire_declare.h"
#include "tests/support/bench.h"

struct bench_source *bench_source_new(size_t n_series, size_t n_times)
{
	struct bench_source *source = bench_need(calloc(1, sizeof(*source)));

	source->n_series = n_series;
	source->n_times = n_times;
	source->encoder = bench_need(block_encoder_new());
	return source;
}

void bench_source_free(struct bench_source *source)
{
	if (!source)
		return;
	block_encoder_free(source->encoder);
	buffer_done(&source->payload);
	buffer_done(&source->block);
	free(source);
}

/* A third stand still, a third count, a third go up and down by hundredths. */
double bench_source_value(unsigned agent, size_t series, uint64_t n)
{
	uint64_t mixed =
		(agent * UINT64_C(0x9e3779b97f4a7c15) + series) * UINT64_C(0xbf58476d1ce4e5b9) +
		n * UINT64_C(0x94d049bb133111eb);

	mixed ^= mixed >> 31;
	if (series % 3 == 0)
		return (double)((uint64_t)agent * 1000 + series);
	if (series % 3 == 1)
		return (double)(n * 100 + mixed % 64);
	return (double)(mixed % 10000) / 100;
}

static void fill_id(uint8_t id[static HM_ID_BYTES], unsigned agent, uint8_t kind)
{
	memset(id, 0, HM_ID_BYTES);
	memcpy(id, &agent, sizeof(agent));
	id[HM_ID_BYTES - 1] = kind;
}

void bench_source_hello(struct bench_source *source, unsigned agent, struct wire_hello *ret_hello)
{
	int length = snprintf(source->host, sizeof(source->host), "agent%u", agent);

	*ret_hello = (struct wire_hello){
		.now_us = BENCH_START_US,
		.host = {source->host, (size_t)length},
		.version = {"bench", 5},
	};
	fill_id(ret_hello->host_id, agent, 1);
	fill_id(ret_hello->epoch, agent, 2);
	fill_id(ret_hello->boot_id, agent, 3);
}

static void put_series(struct bench_source *source)
{
	for (size_t i = 0; i < source->n_series; i++) {
		char name[80];
		int length = snprintf(name, sizeof(name),
				      "node_bench_%zu_total{device=\"disk%zu\"}", i / 8, i);
		struct wire_series series = {.kind = HM_STORED_GAUGE,
					     .name = {name, (size_t)length}};

		wire_declare_put_series(&source->payload, &series);
	}
}

static void put_batch(struct bench_source *source, unsigned agent, uint64_t sequence)
{
	uint64_t first = (sequence - 2) * source->n_times;

	for (size_t t = 0; t < source->n_times; t++)
		source->times_us[t] = BENCH_START_US + (int64_t)(first + t) * INT64_C(1000000);
	for (size_t i = 0; i < source->n_series; i++) {
		for (size_t t = 0; t < source->n_times; t++)
			source->values[i][t] = bench_source_value(agent, i, first + t);
		source->columns[i] = (struct block_column){.series_id = (uint32_t)i,
							   .values = source->values[i],
							   .n_values = source->n_times};
	}
	buffer_clear(&source->block);
	if (block_encode(source->encoder, source->times_us, source->n_times, source->columns,
			 source->n_series, BLOCK_EFFORT_FAST, &source->block) < 0)
		bench_die("no block");
	batch_put_block(&source->payload, source->block.data, source->block.length);
}

void bench_source_message(struct bench_source *source, unsigned agent, uint64_t sequence,
			  struct delivery_message *ret_message)
{
	struct wire_stamp stamp = {.sequence = sequence};

	fill_id(stamp.host_id, agent, 1);
	fill_id(stamp.epoch, agent, 2);
	buffer_clear(&source->payload);
	if (sequence == 1) {
		wire_declare_put(&source->payload, &stamp, 0);
		put_series(source);
	} else {
		wire_stamp_put(&source->payload, &stamp);
		put_batch(source, agent, sequence);
	}
	if (buffer_failed(&source->payload))
		bench_die("no memory");
	*ret_message = (struct delivery_message){
		.type = sequence == 1 ? HM_FRAME_DECLARE : HM_FRAME_BATCH,
		.sequence = sequence,
		.payload = source->payload.data,
		.length = source->payload.length,
		.crc = crc32c(0, source->payload.data, source->payload.length),
	};
}
