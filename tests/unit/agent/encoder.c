/* SPDX-License-Identifier: MIT */
/* Tests of sealing the ticks of an interval. */

#include "agent/encoder.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/array.h"
#include "common/wire_batch.h"
#include "tests/support/native.h"
#include "tests/support/random_block.h"

#define TIME_US   INT64_C(1795416400000000)
#define SECOND_US INT64_C(1000000)
#define ADDED_MAX 10000

/* What a series has at a time. */
struct seen {
	uint32_t id;
	int64_t time_us;
	double value; /* of one that is missing, its reason */
	bool is_missing;
	size_t place; /* in the order of taking */
};

struct seen_list {
	struct seen *at;
	size_t n;
	size_t capacity;
};

static struct encoder *encoder;
static struct block_decoder *decoder;
static struct tick tick;
static struct buffer out;
static struct seen_list given;
static struct seen_list found;
static size_t n_blocks, n_batches, largest;
static size_t n_divided; /* batches that have but a part of a tick */
static uint64_t n_added; /* numbers of ticks that were given */
static uint64_t last_tick;
static size_t n_given_up_to[ADDED_MAX]; /* samples, with each of them */

static void setup(void)
{
	encoder = encoder_new();
	decoder = block_decoder_new();
	cr_assert(encoder && decoder);
}

static void teardown(void)
{
	encoder_free(encoder);
	block_decoder_free(decoder);
	tick_done(&tick);
	buffer_done(&out);
	free(given.at);
	free(found.at);
}

TestSuite(encoder, .init = setup, .fini = teardown, .timeout = 60);

static void see(struct seen_list *list, const struct seen *seen)
{
	list->at = array_grow(list->at, list->n, &list->capacity, sizeof(*list->at));
	if (!list->at)
		abort();
	list->at[list->n] = *seen;
	list->at[list->n].place = list->n;
	list->n++;
}

static void begin(int64_t time_us)
{
	tick_begin(&tick, time_us);
}

static void set(uint32_t id, double value)
{
	cr_assert_eq(tick_set(&tick, id, value), 0);
	see(&given, &(struct seen){id, tick.time_us, value, false, 0});
}

static void miss(uint32_t id, enum hm_reason reason)
{
	cr_assert_eq(tick_set_missing(&tick, id, reason), 0);
	see(&given, &(struct seen){id, tick.time_us, (double)reason, true, 0});
}

static void add(void)
{
	cr_assert_eq(encoder_add(encoder, &tick, ++n_added), 0);
	cr_assert_lt(n_added, ADDED_MAX);
	n_given_up_to[n_added] = given.n;
}

static void see_column(const struct block_column *column)
{
	size_t n_times, row = 0, value = 0;
	const int64_t *times_us = block_decoder_times(decoder, &n_times);
	const struct block_run whole = {.n_present = (uint32_t)n_times};
	const struct block_run *runs = column->runs ? column->runs : &whole;
	size_t n_runs = column->runs ? column->n_runs : 1;

	for (size_t i = 0; i < n_runs; i++) {
		for (uint32_t k = 0; k < runs[i].n_present + runs[i].n_missing; k++) {
			bool is_missing = k >= runs[i].n_present;

			see(&found,
			    &(struct seen){column->series_id, times_us[row++],
					   is_missing ? runs[i].reason : column->values[value],
					   is_missing, 0});
			value += !is_missing;
		}
	}
}

static void see_blocks(struct cursor *blocks)
{
	const uint8_t *bytes;
	size_t length;

	while (batch_get_block(blocks, &bytes, &length) == 0) {
		cr_assert_eq(block_decoder_open(decoder, bytes, length), 0);
		for (size_t i = 0; i < block_decoder_n_columns(decoder); i++) {
			struct block_column column;

			cr_assert_eq(block_decoder_column(decoder, i, &column), 0);
			see_column(&column);
		}
		n_blocks++;
	}
}

/* The ticks that it is said to have are in it, and nothing else. */
static void note_batch(const struct encoder_sealed *sealed)
{
	n_batches++;
	n_divided += sealed->last_tick == 0;
	if (sealed->last_tick == 0)
		return;
	cr_expect_gt(sealed->last_tick, last_tick);
	last_tick = sealed->last_tick;
	cr_expect_eq(found.n, n_given_up_to[last_tick]);
}

/* Take a body as a collector does. */
static void take_batch(const struct encoder_sealed *sealed)
{
	struct wire_stamp stamp = native_stamp(1);
	struct buffer payload = {0};
	struct wire_batch_content content;
	struct wire_batch batch;

	wire_stamp_put(&payload, &stamp);
	buffer_append(&payload, out.data, out.length);
	cr_assert_leq(payload.length, HM_SEAL_MAX_BYTES);
	largest = payload.length > largest ? payload.length : largest;
	cr_assert_eq(wire_batch_check(decoder, (const uint8_t *)payload.data, payload.length,
				      HM_EPOCH_SERIES_MAX, &content),
		     HM_REASON_NONE);
	cr_expect_eq(content.n_samples, sealed->n_samples);
	cr_expect_eq(content.first_us, sealed->first_us);
	cr_expect_eq(content.last_us, sealed->last_us);
	cr_assert_eq(wire_batch_get((const uint8_t *)payload.data, payload.length, &batch),
		     HM_REASON_NONE);
	see_blocks(&batch.blocks);
	note_batch(sealed);
	buffer_done(&payload);
}

static int compare_seen(const void *left, const void *right)
{
	const struct seen *a = left;
	const struct seen *b = right;

	if (a->id != b->id)
		return a->id < b->id ? -1 : 1;
	return a->place < b->place ? -1 : a->place > b->place;
}

/* Of each series the same, in the same order. */
static void compare(void)
{
	cr_assert_eq(found.n, given.n);
	if (found.n == 0)
		return;
	qsort(given.at, given.n, sizeof(*given.at), compare_seen);
	qsort(found.at, found.n, sizeof(*found.at), compare_seen);
	for (size_t i = 0; i < given.n; i++) {
		const struct seen *a = &given.at[i];
		const struct seen *b = &found.at[i];

		cr_assert(a->id == b->id && a->time_us == b->time_us &&
				  a->is_missing == b->is_missing && a->value == b->value,
			  "series %u differs", a->id);
	}
}

/* Seal all, compare, and begin anew. */
static void seal(void)
{
	struct encoder_sealed sealed;
	int result;

	n_batches = n_blocks = n_divided = largest = 0;
	found.n = 0;
	buffer_clear(&out);
	while ((result = encoder_seal(encoder, &out, &sealed)) == 0) {
		take_batch(&sealed);
		buffer_clear(&out);
	}
	cr_assert_eq(result, -ENODATA);
	cr_expect_eq(out.length, 0);
	compare();
	given.n = 0;
}

Test(encoder, series_with_the_same_ticks_share_a_block)
{
	for (int i = 0; i < 6; i++) {
		begin(TIME_US + i * SECOND_US);
		for (uint32_t id = 0; id < 100; id++)
			set(id, id + 0.5 * i);
		add();
	}
	seal();
	cr_expect_eq(n_batches, 1);
	cr_expect_eq(n_blocks, 1);
}

Test(encoder, each_set_of_ticks_has_a_block)
{
	for (int i = 0; i < 6; i++) {
		begin(TIME_US + i * SECOND_US);
		set(1, i);
		set(4, i);
		if (i % 2 == 0)
			set(2, i);
		if (i >= 3)
			set(0, i);
		if (i % 2 == 0)
			set(5, i);
		add();
	}
	seal();
	cr_expect_eq(n_batches, 1);
	cr_expect_eq(n_blocks, 3);
}

Test(encoder, ticks_without_a_sample_carry_their_reasons)
{
	for (int i = 0; i < 9; i++) {
		begin(TIME_US + i * SECOND_US);
		set(0, i);
		if (i == 3 || i == 4)
			miss(1, HM_REASON_STORE_FAILED);
		else if (i == 5)
			miss(1, HM_REASON_NONE);
		else
			set(1, i);
		miss(2, i < 4 ? HM_REASON_STORE_FAILED : HM_REASON_NO_MEMORY);
		add();
	}
	seal();
	cr_expect_eq(n_blocks, 1, "they have the same ticks");
}

Test(encoder, the_clock_may_go_back)
{
	static const int seconds[] = {10, 11, 12, 5, 6, 6, 7, 11, 3, 12};

	for (size_t i = 0; i < sizeof(seconds) / sizeof(seconds[0]); i++) {
		begin(TIME_US + seconds[i] * SECOND_US);
		set(0, (double)i);
		set(1, (double)i);
		if (i % 3 == 0)
			set(2, (double)i);
		add();
	}
	seal();
	cr_expect_eq(n_batches, 1);
}

Test(encoder, nothing_is_no_batch)
{
	begin(TIME_US);
	add();
	seal();
	cr_expect_eq(n_batches, 0);
}

Test(encoder, takes_nothing_while_it_seals)
{
	struct encoder_sealed sealed;

	begin(TIME_US);
	set(0, 1);
	add();
	cr_assert_eq(encoder_seal(encoder, &out, &sealed), 0);
	cr_expect_eq(encoder_add(encoder, &tick, ++n_added), -EBUSY);
	cr_assert_eq(encoder_seal(encoder, &out, &sealed), -ENODATA);
	cr_expect_eq(encoder_add(encoder, &tick, ++n_added), 0);
}

/* Values that no encoding makes small. */
static double noise(uint64_t *state)
{
	uint64_t bits = random_next(state);
	double value;

	memcpy(&value, &bits, sizeof(value));
	return isfinite(value) ? value : 0.1;
}

Test(encoder, as_many_batches_as_it_takes_each_of_whole_ticks)
{
	uint64_t state = 1;

	for (int i = 0; i < 60; i++) {
		begin(TIME_US + i * SECOND_US);
		/* Two blocks, of which the second is too much. */
		for (uint32_t id = i == 0 ? 10 : 0; id < 2000; id++)
			set(id, noise(&state));
		add();
	}
	seal();
	cr_expect_geq(n_batches, 5);
	cr_expect_leq(n_batches, 7);
	cr_expect_gt(largest, HM_SEAL_MAX_BYTES * 3 / 4);
	cr_expect_eq(n_divided, 0);
	cr_expect_eq(last_tick, n_added);
}

Test(encoder, only_a_tick_that_is_too_long_alone_is_divided)
{
	uint64_t state = 1;

	for (int i = 0; i < 5; i++) {
		begin(TIME_US + i * SECOND_US);
		if (i == 0)
			add(); /* One without samples is no batch. */
		for (uint32_t id = 0; id < (i == 0 ? 40000 : 100); id++)
			set(id, noise(&state));
		add();
	}
	seal();
	cr_expect_eq(n_batches, 4);
	cr_expect_eq(n_divided, 2);
	cr_expect_eq(last_tick, n_added);
}

Test(encoder, a_batch_has_no_more_samples_than_it_may)
{
	enum { N_IDS = 4400 };

	/* They would fit into far less than a frame. */
	for (int64_t i = 0; !encoder_is_full(encoder); i++) {
		begin(TIME_US + i * SECOND_US);
		for (uint32_t id = 0; id < 4400; id++)
			set(id, 1);
		add();
	}
	cr_expect_gt(given.n, HM_BATCH_SAMPLES_MAX);
	cr_expect_eq(encoder_add(encoder, &tick, ++n_added), -ENOSPC);
	seal();
	cr_expect_eq(n_batches, 2);
}

Test(encoder, one_tick_may_take_several_batches)
{
	begin(TIME_US);
	for (uint32_t id = 0; id < HM_BATCH_SAMPLES_MAX + 70000; id++)
		set(id, 1);
	add();
	cr_expect(encoder_is_full(encoder));
	seal();
	cr_expect_geq(n_batches, 2);
	cr_expect_eq(n_divided, n_batches - 1);
}

Test(encoder, a_batch_has_no_more_times_than_it_may)
{
	/* Each series leaves out a tick of its own; none has a sample. */
	for (uint32_t i = 0; i < 600; i++) {
		begin(TIME_US + i * SECOND_US);
		for (uint32_t id = 0; id < 500; id++)
			if (id != i && !encoder_is_full(encoder))
				miss(id, HM_REASON_STORE_FAILED);
		if (encoder_is_full(encoder))
			break;
		add();
	}
	seal();
	cr_expect_eq(n_batches, 2);
	cr_expect_eq(n_divided, 0);
}

Test(encoder, takes_so_many_ticks_whatever_they_hold)
{
	uint64_t state = 2;
	int64_t time_us = -INT64_MAX;

	while (!encoder_is_full(encoder)) {
		begin(time_us);
		time_us += (int64_t)(random_next(&state) >> 12);
		set(0, noise(&state));
		if (random_below(&state, 2))
			set(1, noise(&state));
		else
			miss(1, (enum hm_reason)random_below(&state, 256));
		miss(2, (enum hm_reason)random_below(&state, 256));
		add();
	}
	cr_expect_eq(given.n, 3 * ENCODER_TICKS_MAX);
	cr_expect_eq(encoder_add(encoder, &tick, ++n_added), -ENOSPC);
	seal();
}

static void add_random(uint64_t *state)
{
	const uint32_t n_ids = 1 + (uint32_t)random_below(state, 200);
	const unsigned shape = (unsigned)random_below(state, 4);
	int64_t time_us = TIME_US;

	for (uint64_t i = random_below(state, 40); i > 0; i--) {
		time_us += (int64_t)random_below(state, 3) * SECOND_US;
		if (random_below(state, 10) == 0)
			time_us -= (int64_t)random_below(state, 10) * SECOND_US;
		begin(time_us);
		for (uint32_t id = 0; id < n_ids; id++) {
			if (random_below(state, 4) < shape && id % 3 > i % 2)
				continue;
			if (random_below(state, 20) == 0)
				miss(id, (enum hm_reason)random_below(state, 3));
			else if (random_below(state, 30) != 0)
				set(id, (double)random_below(state, 1000) / 8);
		}
		add();
	}
}

Test(encoder, random_intervals_come_back)
{
	uint64_t state = 3;

	for (int round = 0; round < 100; round++) {
		add_random(&state);
		seal();
	}
}

Test(encoder, the_same_ticks_give_the_same_batches)
{
	struct buffer before = {0};
	struct encoder_sealed sealed;

	for (int round = 0; round < 2; round++) {
		uint64_t state = 4;

		add_random(&state);
		add_random(&state);
		buffer_clear(&out);
		while (encoder_seal(encoder, &out, &sealed) == 0)
			;
		if (round == 0)
			buffer_append(&before, out.data, out.length);
		/* Something else between. */
		given.n = 0;
		begin(TIME_US);
		set(3, 3);
		add();
		if (round == 0)
			seal();
	}
	cr_assert_eq(before.length, out.length);
	cr_expect_eq(memcmp(before.data, out.data, out.length), 0);
	buffer_done(&before);
}

Test(encoder, a_buffer_that_failed_stays_as_it_is)
{
	struct encoder_sealed sealed;

	begin(TIME_US);
	set(0, 1);
	add();
	out.failed = true;
	cr_expect_eq(encoder_seal(encoder, &out, &sealed), -ENOMEM);
	cr_expect(out.failed);
	/* Sealing has not begun. */
	begin(TIME_US);
	set(0, 2);
	add();
	seal();
}
