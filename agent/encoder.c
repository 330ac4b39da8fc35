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
#define NO_PLAN      SIZE_MAX

/* A column of all ticks fits into a batch. */
_Static_assert(ENCODER_TICKS_MAX < BLOCK_PLAN_NO_TICK, "ticks have 16 bits");
_Static_assert(ENCODER_TICKS_MAX <= HM_BATCH_TIMES_MAX, "so many times");
_Static_assert(ENCODER_TICKS_MAX <= HM_BATCH_SAMPLES_MAX, "so many samples");

/* What is sealed next. */
struct position {
	size_t first_row;
	uint32_t set;           /* of the plan from there on; the first one has no ticks */
	uint32_t column;        /* of the set */
	uint32_t n_columns_max; /* that fit into a block of it, as far as is known */
};

struct encoder {
	int64_t times_us[ENCODER_TICKS_MAX];
	size_t n_ticks;
	struct block_plan_row *rows;
	size_t n_rows;
	size_t rows_capacity;
	uint32_t n_ids;
	bool is_sealing;
	struct block_plan plan;
	size_t plan_row; /* its first one; or NO_PLAN */
	struct position position;
	struct block_encoder *encoder;
	int64_t block_times_us[ENCODER_TICKS_MAX];
	struct buffer block;
};

/* A batch that is being made. */
struct batch {
	struct buffer *out;
	size_t start; /* of its body */
	size_t n_blocks;
	size_t n_times;
	struct encoder_sealed sealed;
};

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
	encoder->plan_row = NO_PLAN;
	return encoder;
}

void encoder_free(struct encoder *encoder)
{
	if (!encoder)
		return;
	block_encoder_free(encoder->encoder);
	buffer_done(&encoder->block);
	free(encoder->rows);
	block_plan_done(&encoder->plan);
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

int encoder_add(struct encoder *encoder, const struct tick *tick)
{
	if (encoder->is_sealing)
		return -EBUSY;
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
	encoder->times_us[encoder->n_ticks++] = tick->time_us;
	return 0;
}

/* -- sealing -------------------------------------------------------------------------------------- */

/* Go on to the set behind the present one, or to the next plan. */
static void go_on(struct encoder *encoder)
{
	struct position *position = &encoder->position;
	uint32_t set = position->set + 1;

	while (set < encoder->plan.n_sets && encoder->plan.sets[set].n_columns == 0)
		set++;
	*position = (struct position){.first_row = position->first_row, .set = set};
	if (set == encoder->plan.n_sets)
		*position =
			(struct position){.first_row = position->first_row + encoder->plan.n_rows};
}

/* Have the plan from the position's row on. */
static int need_plan(struct encoder *encoder)
{
	const size_t first_row = encoder->position.first_row;
	int error = 0;

	if (encoder->plan_row != first_row) {
		encoder->plan_row = NO_PLAN;
		error = block_plan_make(&encoder->plan, encoder->rows + first_row,
					encoder->n_rows - first_row, encoder->times_us,
					encoder->n_ids);
	}
	if (error < 0)
		return error;
	encoder->plan_row = first_row;
	if (encoder->position.set == 0)
		go_on(encoder);
	return 0;
}

/* How many columns of the set may go into this batch. @return 0: none, it is full */
static uint32_t count_columns(const struct encoder *encoder, const struct batch *batch,
			      const struct block_plan_set *set)
{
	const struct position *position = &encoder->position;
	size_t n_samples = batch->sealed.n_samples;
	uint32_t n_max = position->n_columns_max ? position->n_columns_max : BLOCK_COLUMNS_MAX;
	uint32_t n = 0;

	if (batch->n_times + set->n_ticks > HM_BATCH_TIMES_MAX)
		return 0;
	for (; n < n_max && position->column + n < set->n_columns; n++) {
		n_samples +=
			encoder->plan.columns[set->first_column + position->column + n].n_values;
		if (n_samples > HM_BATCH_SAMPLES_MAX)
			break;
	}
	return n;
}

/* Encode as many of n columns as have room. @return 0; -ENOSPC: the batch is full; -ENOMEM */
static int encode_block(struct encoder *encoder, const struct batch *batch,
			const struct block_plan_set *set, uint32_t *n)
{
	const struct block_column *columns =
		&encoder->plan.columns[set->first_column + encoder->position.column];
	const size_t room = BODY_MAX - (batch->out->length - batch->start);

	for (;;) {
		size_t length;
		int error;

		buffer_clear(&encoder->block);
		error = block_encode(encoder->encoder, encoder->block_times_us, set->n_ticks,
				     columns, *n, BLOCK_EFFORT_FAST, &encoder->block);
		assert(error != -EINVAL);
		if (error < 0)
			return error;
		length = LENGTH_BYTES + encoder->block.length;
		if (length <= room)
			return 0;
		if (batch->n_blocks > 0)
			return -ENOSPC;
		assert(*n > 1);
		/* A little less than what would fit if all were alike. */
		*n = (uint32_t)((uint64_t)*n * room / length);
		*n -= *n / 16;
		*n += *n == 0;
		encoder->position.n_columns_max = *n;
	}
}

static void note_block(struct batch *batch, const struct block_plan_set *set,
		       const int64_t *times_us, const struct block_column *columns,
		       uint32_t n_columns)
{
	struct encoder_sealed *sealed = &batch->sealed;

	for (uint32_t i = 0; i < n_columns; i++)
		sealed->n_samples += columns[i].n_values;
	if (batch->n_blocks == 0 || times_us[0] < sealed->first_us)
		sealed->first_us = times_us[0];
	if (batch->n_blocks == 0 || times_us[set->n_ticks - 1] > sealed->last_us)
		sealed->last_us = times_us[set->n_ticks - 1];
	batch->n_times += set->n_ticks;
	batch->n_blocks++;
}

/* Append the next block. @return 0; -ENOSPC: the batch is full; -ENOMEM */
static int seal_block(struct encoder *encoder, struct batch *batch)
{
	struct position *position = &encoder->position;
	const struct block_plan_set *set;
	uint32_t n;
	int error = need_plan(encoder);

	if (error < 0)
		return error;
	set = &encoder->plan.sets[position->set];
	n = count_columns(encoder, batch, set);
	if (n == 0)
		return -ENOSPC;
	block_plan_times(&encoder->plan, position->set, encoder->times_us, encoder->block_times_us);
	error = encode_block(encoder, batch, set, &n);
	if (error < 0)
		return error;
	batch_put_block(batch->out, encoder->block.data, encoder->block.length);
	if (buffer_failed(batch->out))
		return -ENOMEM;
	note_block(batch, set, encoder->block_times_us,
		   &encoder->plan.columns[set->first_column + position->column], n);
	position->column += n;
	if (position->column == set->n_columns)
		go_on(encoder);
	return 0;
}

static void forget(struct encoder *encoder)
{
	encoder->n_ticks = 0;
	encoder->n_rows = 0;
	encoder->n_ids = 0;
	encoder->is_sealing = false;
	encoder->plan_row = NO_PLAN;
	encoder->position = (struct position){0};
}

int encoder_seal(struct encoder *encoder, struct buffer *out, struct encoder_sealed *ret_sealed)
{
	const struct position start = encoder->position;
	struct batch batch = {.out = out, .start = out->length};
	int error = 0;

	if (buffer_failed(out))
		return -ENOMEM;
	if (start.first_row == encoder->n_rows) {
		forget(encoder);
		return -ENODATA;
	}
	while (error == 0 && encoder->position.first_row < encoder->n_rows)
		error = seal_block(encoder, &batch);
	if (error == -ENOMEM) {
		out->length = batch.start;
		out->failed = false;
		encoder->position = start;
		encoder->plan_row = NO_PLAN;
		return error;
	}
	encoder->is_sealing = true;
	*ret_sealed = batch.sealed;
	return 0;
}
