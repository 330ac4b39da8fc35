/* SPDX-License-Identifier: MIT */
/* Seals the ticks of an interval into batches. */

#include "agent/encoder.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "agent/block_plan.h"
#include "common/batch.h"
#include "common/block.h"
#include "hostmetrics/wire.h"

#define BODY_MAX     (HM_SEAL_MAX_BYTES - HM_STAMP_BYTES)
#define LENGTH_BYTES sizeof(uint32_t) /* before each block */
#define COLUMN_BYTES ((size_t)3)      /* the least that one takes */

_Static_assert(ENCODER_TICKS_MAX < BLOCK_PLAN_NO_TICK, "ticks have 16 bits");
_Static_assert(ENCODER_TICKS_MAX <= BLOCK_TIMES_MAX, "a block may have all of them");
_Static_assert(BLOCK_COLUMNS_MAX *COLUMN_BYTES > BODY_MAX,
	       "a batch has no more columns than a block");
/* Each time of a block is that of a row. */
/* NOLINTNEXTLINE(misc-redundant-expression): they are the same now */
_Static_assert(HM_BATCH_TIMES_MAX >= HM_BATCH_SAMPLES_MAX, "rows limit times and samples");

struct encoder {
	int64_t times_us[ENCODER_TICKS_MAX];
	uint64_t numbers[ENCODER_TICKS_MAX];
	size_t ends[ENCODER_TICKS_MAX]; /* of their rows */
	size_t n_ticks;
	struct block_plan_row *rows;
	size_t n_rows;
	size_t rows_capacity;
	uint32_t n_ids;
	/* What is sealed. */
	bool is_sealing;
	size_t n_sealed_ticks;
	size_t n_sealed_rows;      /* theirs */
	uint32_t n_sealed_columns; /* of the tick behind them, which is too long for one batch */
	size_t n_ticks_max;        /* that are tried for a batch */
	/* Scratch. */
	struct block_plan plan;
	struct block_encoder *encoder;
	int64_t block_times_us[ENCODER_TICKS_MAX];
	struct buffer block;
};

/* A batch that is being made. */
struct batch {
	struct buffer *out;
	size_t start;    /* of its body */
	size_t n_wanted; /* bytes, where it is too long: so many at least */
	size_t n_blocks;
	struct encoder_sealed sealed;
};

static void forget(struct encoder *encoder)
{
	encoder->n_ticks = 0;
	encoder->n_rows = 0;
	encoder->n_ids = 0;
	encoder->is_sealing = false;
	encoder->n_sealed_ticks = 0;
	encoder->n_sealed_rows = 0;
	encoder->n_sealed_columns = 0;
	encoder->n_ticks_max = ENCODER_TICKS_MAX;
}

struct encoder *encoder_new(void)
{
	struct encoder *encoder = calloc(1, sizeof(*encoder));

	if (!encoder)
		return NULL;
	encoder->encoder = block_encoder_new();
	if (!encoder->encoder) {
		encoder_free(encoder);
		return NULL;
	}
	forget(encoder);
	return encoder;
}

/* Give the memory of an interval back: it is needed for a moment, and the next one is far. */
static void release(struct encoder *encoder)
{
	buffer_done(&encoder->block);
	free(encoder->rows);
	encoder->rows = NULL;
	encoder->rows_capacity = 0;
	block_plan_done(&encoder->plan);
}

void encoder_free(struct encoder *encoder)
{
	if (!encoder)
		return;
	block_encoder_free(encoder->encoder);
	release(encoder);
	free(encoder);
}

/* -- gathering ------------------------------------------------------------------------------------ */

bool encoder_is_full(const struct encoder *encoder)
{
	return encoder->n_ticks == ENCODER_TICKS_MAX || encoder->n_rows >= HM_BATCH_SAMPLES_MAX;
}

static int reserve_rows(struct encoder *encoder, size_t n)
{
	size_t capacity = n + n / 2;
	struct block_plan_row *rows;

	if (n <= encoder->rows_capacity)
		return 0;
	rows = reallocarray(encoder->rows, capacity, sizeof(*rows));
	if (!rows)
		return -ENOMEM;
	encoder->rows = rows;
	encoder->rows_capacity = capacity;
	return 0;
}

int encoder_add(struct encoder *encoder, const struct tick *tick, uint64_t number)
{
	if (encoder->is_sealing)
		return -EBUSY;
	if (tick->n_set == 0)
		return 0;
	if (encoder_is_full(encoder))
		return -ENOSPC;
	if (reserve_rows(encoder, encoder->n_rows + tick->n_set) < 0)
		return -ENOMEM;
	for (uint32_t id = 0; id < tick->n_ids; id++) {
		const struct tick_sample *sample = &tick->samples[id];

		if (sample->is_there || sample->is_missing) {
			encoder->rows[encoder->n_rows++] = (struct block_plan_row){
				.value = sample->value,
				.series_id = id,
				.tick = (uint16_t)encoder->n_ticks,
				.mark = {sample->is_missing, sample->reason}};
		}
	}
	if (tick->n_ids > encoder->n_ids)
		encoder->n_ids = tick->n_ids;
	encoder->times_us[encoder->n_ticks] = tick->time_us;
	encoder->numbers[encoder->n_ticks] = number;
	encoder->ends[encoder->n_ticks++] = encoder->n_rows;
	return 0;
}

/* -- sealing -------------------------------------------------------------------------------------- */

static void note_block(struct batch *batch, const int64_t *times_us, size_t n_times,
		       const struct block_column *columns, uint32_t n_columns)
{
	struct encoder_sealed *sealed = &batch->sealed;

	for (uint32_t i = 0; i < n_columns; i++)
		sealed->n_samples += columns[i].n_values;
	if (batch->n_blocks == 0 || times_us[0] < sealed->first_us)
		sealed->first_us = times_us[0];
	if (batch->n_blocks == 0 || times_us[n_times - 1] > sealed->last_us)
		sealed->last_us = times_us[n_times - 1];
	batch->n_blocks++;
}

/*
 * Append a block of some columns of a set, from `first` on.
 * @return 0; -ENOSPC: there is no room for it in the batch; -ENOMEM
 */
static int put_block(struct encoder *encoder, struct batch *batch, uint32_t set, uint32_t first,
		     uint32_t n_columns)
{
	const struct block_plan *plan = &encoder->plan;
	const size_t n_times = plan->sets[set].n_ticks;
	const struct block_column *columns = &plan->columns[plan->sets[set].first_column + first];
	int error;

	batch->n_wanted = batch->out->length - batch->start + n_columns * COLUMN_BYTES;
	if (batch->n_wanted > BODY_MAX)
		return -ENOSPC;
	block_plan_times(plan, set, encoder->times_us, encoder->block_times_us);
	buffer_clear(&encoder->block);
	error = block_encode(encoder->encoder, encoder->block_times_us, n_times, columns, n_columns,
			     BLOCK_EFFORT_FAST, &encoder->block);
	assert(error != -EINVAL);
	if (error < 0)
		return error;
	batch->n_wanted = batch->out->length - batch->start + LENGTH_BYTES + encoder->block.length;
	if (batch->n_wanted > BODY_MAX)
		return -ENOSPC;
	batch_put_block(batch->out, encoder->block.data, encoder->block.length);
	if (buffer_failed(batch->out))
		return -ENOMEM;
	note_block(batch, encoder->block_times_us, n_times, columns, n_columns);
	return 0;
}

/* Plan the rows from `first` on, up to `end` or where times go back. */
static int make_plan(struct encoder *encoder, size_t first, size_t end)
{
	return block_plan_make(&encoder->plan, encoder->rows + first, end - first,
			       encoder->times_us, encoder->n_ids);
}

/* Append all blocks of the plan. @return as put_block() */
static int put_plan(struct encoder *encoder, struct batch *batch)
{
	int error = 0;

	for (uint32_t i = 0; i < encoder->plan.n_sets && error == 0; i++) {
		uint32_t n_columns = encoder->plan.sets[i].n_columns;

		if (n_columns > 0)
			error = put_block(encoder, batch, i, 0, n_columns);
	}
	return error;
}

/* Append the blocks of some ticks. @return 0; -ENOSPC: they are too long for a batch; -ENOMEM */
static int put_ticks(struct encoder *encoder, struct batch *batch, size_t n_ticks)
{
	const size_t end = encoder->ends[encoder->n_sealed_ticks + n_ticks - 1];
	int error = 0;

	for (size_t at = encoder->n_sealed_rows; at < end && error == 0;) {
		error = make_plan(encoder, at, end);
		if (error == 0)
			error = put_plan(encoder, batch);
		at += encoder->plan.n_rows;
	}
	return error;
}

/* All of the next n ticks is sealed then. */
static void finish_ticks(struct encoder *encoder, struct batch *batch, size_t n)
{
	encoder->n_sealed_ticks += n;
	encoder->n_sealed_rows = encoder->ends[encoder->n_sealed_ticks - 1];
	encoder->n_sealed_columns = 0;
	batch->sealed.last_tick = encoder->numbers[encoder->n_sealed_ticks - 1];
}

/* How many ticks may be in the next batch, by their samples. @return 0: not even one */
static size_t count_ticks(const struct encoder *encoder)
{
	size_t n = 0;

	while (encoder->n_sealed_ticks + n < encoder->n_ticks && n < encoder->n_ticks_max &&
	       encoder->ends[encoder->n_sealed_ticks + n] - encoder->n_sealed_rows <=
		       HM_BATCH_SAMPLES_MAX)
		n++;
	return n;
}

/* What may fit where n of something were too much: a little less than if all were alike. */
static size_t count_fewer(size_t n, size_t n_wanted)
{
	size_t fewer;

	assert(n_wanted > BODY_MAX);
	fewer = (size_t)((uint64_t)n * BODY_MAX / n_wanted);
	fewer -= fewer / 16;
	return fewer < n ? fewer : n - 1;
}

static void begin_batch(struct batch *batch, struct buffer *out, size_t start)
{
	out->length = start;
	*batch = (struct batch){.out = out, .start = start};
}

/* Seal as many whole ticks as one batch holds. @return 0; -ENOSPC: it holds not even one; -ENOMEM */
static int seal_ticks(struct encoder *encoder, struct batch *batch)
{
	size_t n = count_ticks(encoder);
	int error = -ENOSPC;

	while (n > 0) {
		begin_batch(batch, batch->out, batch->start);
		error = put_ticks(encoder, batch, n);
		if (error != -ENOSPC)
			break;
		n = count_fewer(n, batch->n_wanted);
	}
	if (error == 0) {
		finish_ticks(encoder, batch, n);
		/* The next ones are mostly alike: all that are left need not be tried. */
		encoder->n_ticks_max = 2 * n;
	}
	return error;
}

/* Seal as many columns of the next tick as one batch holds. @return 0 or -ENOMEM */
static int seal_columns(struct encoder *encoder, struct batch *batch)
{
	const uint32_t first = encoder->n_sealed_columns;
	int error =
		make_plan(encoder, encoder->n_sealed_rows, encoder->ends[encoder->n_sealed_ticks]);
	uint32_t n_columns, n;

	if (error < 0)
		return error;
	/* One tick is one set, behind the one without ticks. */
	n_columns = encoder->plan.sets[1].n_columns;
	n = n_columns - first;
	do {
		begin_batch(batch, batch->out, batch->start);
		error = put_block(encoder, batch, 1, first, n);
		if (error == -ENOSPC)
			n = (uint32_t)count_fewer(n, batch->n_wanted);
	} while (error == -ENOSPC);
	if (error < 0)
		return error;
	encoder->n_sealed_columns += n;
	if (encoder->n_sealed_columns == n_columns)
		finish_ticks(encoder, batch, 1);
	return 0;
}

int encoder_seal(struct encoder *encoder, struct buffer *out, struct encoder_sealed *ret_sealed)
{
	struct batch batch = {.out = out, .start = out->length};
	int error = -ENOSPC;

	if (buffer_failed(out))
		return -ENOMEM;
	if (encoder->n_sealed_rows == encoder->n_rows) {
		forget(encoder);
		release(encoder);
		return -ENODATA;
	}
	if (encoder->n_sealed_columns == 0)
		error = seal_ticks(encoder, &batch);
	if (error == -ENOSPC)
		error = seal_columns(encoder, &batch);
	if (error < 0) {
		out->length = batch.start;
		out->failed = false;
		return error;
	}
	encoder->is_sealing = true;
	*ret_sealed = batch.sealed;
	return 0;
}
