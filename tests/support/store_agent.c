/* SPDX-License-Identifier: MIT */
/* An agent for a simulated store. */

#include "tests/support/store_agent.h"

#include <stdlib.h>
#include <string.h>

#include "common/batch.h"
#include "common/block.h"
#include "common/crc32c.h"
#include "common/wire_declare.h"

static const uint8_t host_id[HM_ID_BYTES] = {1};
static const uint8_t epoch_id[HM_ID_BYTES] = {2};

static const struct {
	char letter;
	uint8_t reason;
} letters[] = {
	{'-', HM_REASON_NONE},
	{'F', HM_REASON_SOURCE_FAILED},
	{'S', HM_REASON_SOURCE_STUCK},
	{'G', HM_REASON_SOURCE_GONE},
};

static void check(bool is_right)
{
	if (!is_right)
		abort();
}

char store_agent_letter(uint8_t reason)
{
	for (size_t i = 0; i < sizeof(letters) / sizeof(letters[0]); i++) {
		if (letters[i].reason == reason)
			return letters[i].letter;
	}
	return '?';
}

static uint8_t reason_of(char letter)
{
	for (size_t i = 0; i < sizeof(letters) / sizeof(letters[0]); i++) {
		if (letters[i].letter == letter)
			return letters[i].reason;
	}
	abort();
}

static struct wire_stamp next_stamp(struct store_agent *agent)
{
	struct wire_stamp stamp = {.sequence = ++agent->sequence};

	memcpy(stamp.host_id, host_id, HM_ID_BYTES);
	memcpy(stamp.epoch, epoch_id, HM_ID_BYTES);
	return stamp;
}

static void send(struct store_agent *agent, enum hm_frame_type type, struct buffer *payload)
{
	const uint8_t *bytes = (const uint8_t *)payload->data;

	check(!buffer_failed(payload));
	check(intake_take(agent->intake, agent->epoch, type, bytes, payload->length,
			  crc32c(0, bytes, payload->length)) == HM_REASON_NONE);
	check(engine_commit(agent->store->engine) == 0);
	buffer_done(payload);
}

void store_agent_begin(struct store_agent *agent, struct sim_store *store, const char *const *names,
		       uint32_t n_names)
{
	struct wire_hello hello = {.host = {"web01", 5}, .version = {"1", 1}};
	struct buffer payload = {0};
	struct intake_mark mark;
	struct wire_stamp stamp;

	memcpy(hello.host_id, host_id, HM_ID_BYTES);
	memcpy(hello.epoch, epoch_id, HM_ID_BYTES);
	*agent = (struct store_agent){.store = store, .n_series = n_names};
	check(n_names <= STORE_AGENT_SERIES_MAX);
	check(intake_new(store->engine, &agent->intake) == 0);
	check(intake_hello(agent->intake, &hello, &mark) == HM_REASON_NONE);
	agent->epoch = mark.epoch;
	agent->sequence = mark.sequence;
	if (mark.n_series > 0)
		return;
	stamp = next_stamp(agent);
	wire_declare_put(&payload, &stamp, 0);
	for (uint32_t i = 0; i < n_names; i++) {
		struct wire_series series = {.kind = HM_STORED_GAUGE};

		series.name = (struct series_text){names[i], strlen(names[i])};
		wire_declare_put_series(&payload, &series);
	}
	send(agent, HM_FRAME_DECLARE, &payload);
}

void store_agent_end(struct store_agent *agent)
{
	intake_free(agent->intake);
	*agent = (struct store_agent){0};
}

static void make_column(uint32_t id, const char *row, struct block_run *runs, double *values,
			struct block_column *ret_column)
{
	struct block_column column = {.series_id = id, .runs = runs, .values = values};

	for (; *row; row++) {
		bool is_there = *row >= '0' && *row <= '9';

		runs[column.n_runs++] = (struct block_run){
			is_there, !is_there, is_there ? HM_REASON_NONE : reason_of(*row)};
		if (is_there)
			values[column.n_values++] = *row - '0';
	}
	*ret_column = column;
}

void store_agent_send(struct store_agent *agent, int64_t second, const char *const *rows)
{
	static struct block_run runs[STORE_AGENT_SERIES_MAX][STORE_AGENT_TICKS_MAX];
	static double values[STORE_AGENT_SERIES_MAX][STORE_AGENT_TICKS_MAX];
	struct block_column columns[STORE_AGENT_SERIES_MAX];
	struct block_encoder *encoder = block_encoder_new();
	struct wire_stamp stamp = next_stamp(agent);
	int64_t times_us[STORE_AGENT_TICKS_MAX];
	struct buffer payload = {0};
	struct buffer block = {0};
	size_t n_columns = 0;
	size_t n_ticks = 0;

	check(encoder != NULL);
	for (uint32_t id = 0; id < agent->n_series; id++) {
		if (!rows[id])
			continue;
		n_ticks = strlen(rows[id]);
		check(n_ticks <= STORE_AGENT_TICKS_MAX);
		make_column(id, rows[id], runs[id], values[id], &columns[n_columns++]);
	}
	for (size_t i = 0; i < n_ticks; i++)
		times_us[i] = (SIM_STORE_START_S + second + (int64_t)i) * SIM_STORE_SECOND_US;
	check(block_encode(encoder, times_us, n_ticks, columns, n_columns, BLOCK_EFFORT_FAST,
			   &block) == 0);
	wire_stamp_put(&payload, &stamp);
	batch_put_block(&payload, block.data, block.length);
	send(agent, HM_FRAME_BATCH, &payload);
	buffer_done(&block);
	block_encoder_free(encoder);
}
