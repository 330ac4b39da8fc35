/* SPDX-License-Identifier: MIT */
/* What was taken at one tick. */

#include "agent/tick.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/cursor.h"
#include "common/varint.h"
#include "hostmetrics/wire.h"

#define VALUE_BYTES sizeof(uint64_t)
#define IS_MISSING  1U /* of a run: its lowest bit */
#define HALF_BITS   4

/* Successive ids that have the same: a value, or the same reason. */
struct run {
	uint32_t first_id;
	uint32_t n;
	bool is_missing;
	uint8_t reason;
};

void tick_done(struct tick *tick)
{
	free(tick->samples);
	*tick = (struct tick){0};
}

void tick_begin(struct tick *tick, int64_t time_us)
{
	tick->time_us = time_us;
	tick->n_ids = 0;
	tick->n_set = 0;
	tick->n_missing = 0;
}

/* Room for ids up to this one. */
static int reserve(struct tick *tick, uint32_t id)
{
	size_t capacity = tick->capacity ? tick->capacity : 64;
	struct tick_sample *samples;

	if (id < tick->capacity)
		return 0;
	while (capacity <= id)
		capacity *= 2;
	samples = reallocarray(tick->samples, capacity, sizeof(*samples));
	if (!samples)
		return -ENOMEM;
	tick->samples = samples;
	tick->capacity = capacity;
	return 0;
}

static int set(struct tick *tick, uint32_t id, const struct tick_sample *sample)
{
	if (id >= HM_EPOCH_SERIES_MAX)
		return -EINVAL;
	if (id < tick->n_ids && (tick->samples[id].is_there || tick->samples[id].is_missing))
		return -EEXIST;
	if (reserve(tick, id) < 0)
		return -ENOMEM;
	while (tick->n_ids <= id)
		tick->samples[tick->n_ids++] = (struct tick_sample){0};
	tick->samples[id] = *sample;
	tick->n_set++;
	tick->n_missing += sample->is_missing;
	return 0;
}

int tick_set(struct tick *tick, uint32_t id, double value)
{
	if (!isfinite(value))
		return -EINVAL;
	return set(tick, id, &(struct tick_sample){.value = value, .is_there = true});
}

int tick_set_missing(struct tick *tick, uint32_t id, enum hm_reason reason)
{
	return set(tick, id, &(struct tick_sample){.is_missing = true, .reason = (uint8_t)reason});
}

/* -- encoding ------------------------------------------------------------------------------------- */

static bool is_set(const struct tick_sample *sample)
{
	return sample->is_there || sample->is_missing;
}

/* The next run behind `id`. @return false: there is none */
static bool find_run(const struct tick *tick, uint32_t id, struct run *ret_run)
{
	const struct tick_sample *samples = tick->samples;
	uint32_t end;

	while (id < tick->n_ids && !is_set(&samples[id]))
		id++;
	if (id == tick->n_ids)
		return false;
	for (end = id; end < tick->n_ids && is_set(&samples[end]) &&
		       samples[end].is_missing == samples[id].is_missing &&
		       samples[end].reason == samples[id].reason;)
		end++;
	*ret_run = (struct run){.first_id = id,
				.n = end - id,
				.is_missing = samples[id].is_missing,
				.reason = samples[id].reason};
	return true;
}

static void put_number(struct buffer *out, uint64_t number)
{
	uint8_t bytes[VARINT_MAX_BYTES];

	buffer_append(out, bytes, varint_put(bytes, number));
}

static uint64_t bits_of(double value)
{
	uint64_t bits;

	memcpy(&bits, &value, sizeof(bits));
	return bits;
}

/* All but zeros at the low end. */
unsigned tick_value_bytes(double value)
{
	uint64_t bits = bits_of(value);

	return bits == 0 ? 0 : (unsigned)VALUE_BYTES - (unsigned)__builtin_ctzll(bits) / 8;
}

static void put_values(const struct tick_sample *samples, uint32_t n, struct buffer *out)
{
	for (uint32_t i = 0; i < n; i += 2) {
		unsigned second = i + 1 < n ? tick_value_bytes(samples[i + 1].value) : 0;

		buffer_append_byte(
			out, (char)(tick_value_bytes(samples[i].value) | second << HALF_BITS));
	}
	for (uint32_t i = 0; i < n; i++) {
		uint64_t bits = bits_of(samples[i].value);
		uint8_t bytes[VALUE_BYTES];

		for (size_t k = 0; k < VALUE_BYTES; k++)
			bytes[k] = (uint8_t)(bits >> 8 * (VALUE_BYTES - 1 - k));
		buffer_append(out, bytes, tick_value_bytes(samples[i].value));
	}
}

void tick_encode(const struct tick *tick, struct buffer *out)
{
	uint32_t id = 0;
	struct run run;

	cursor_put_u64(out, (uint64_t)tick->time_us);
	for (; find_run(tick, id, &run); id = run.first_id + run.n) {
		put_number(out, run.first_id - id);
		put_number(out, (uint64_t)run.n << 1 | (run.is_missing ? IS_MISSING : 0));
		if (run.is_missing)
			buffer_append_byte(out, (char)run.reason);
		else
			put_values(&tick->samples[run.first_id], run.n, out);
	}
}

/* -- decoding ------------------------------------------------------------------------------------- */

/* @param end  of the run before */
static int read_run(struct varint_reader *reader, const struct run *before, uint32_t n_series,
		    struct run *ret_run)
{
	const uint32_t end = before->first_id + before->n;
	uint64_t n_left_out, n;

	if (varint_get_limited(reader, n_series - end, &n_left_out) < 0 ||
	    varint_get_limited(reader, (uint64_t)(n_series - end - n_left_out) << 1 | IS_MISSING,
			       &n) < 0 ||
	    n >> 1 == 0)
		return -EBADMSG;
	*ret_run = (struct run){.first_id = end + (uint32_t)n_left_out,
				.n = (uint32_t)(n >> 1),
				.is_missing = n & IS_MISSING};
	if (ret_run->is_missing && varint_get_byte(reader, &ret_run->reason) < 0)
		return -EBADMSG;
	/* The two would have been one. */
	if (n_left_out == 0 && before->n > 0 && before->is_missing == ret_run->is_missing &&
	    before->reason == ret_run->reason)
		return -EBADMSG;
	return 0;
}

/* @param n_bytes  of the value; the last of them is not 0 */
static int read_value(struct varint_reader *reader, unsigned n_bytes, double *ret_value)
{
	uint64_t bits = 0;

	if (n_bytes > VALUE_BYTES || n_bytes > varint_left(reader))
		return -EBADMSG;
	for (unsigned i = 0; i < n_bytes; i++)
		bits |= (uint64_t)reader->at[i] << 8 * (VALUE_BYTES - 1 - i);
	reader->at += n_bytes;
	memcpy(ret_value, &bits, sizeof(bits));
	return tick_value_bytes(*ret_value) == n_bytes ? 0 : -EBADMSG;
}

static int read_values(struct tick *tick, const struct run *run, struct varint_reader *reader)
{
	const uint8_t *lengths = reader->at;
	const size_t n_bytes = ((size_t)run->n + 1) / 2;

	if (n_bytes > varint_left(reader))
		return -EBADMSG;
	reader->at += n_bytes;
	if (run->n % 2 == 1 && lengths[n_bytes - 1] >> HALF_BITS != 0)
		return -EBADMSG;
	for (uint32_t i = 0; i < run->n; i++) {
		unsigned length = lengths[i / 2] >> (i % 2 ? HALF_BITS : 0) & 0xfU;
		double value;
		int error = read_value(reader, length, &value);

		if (error == 0)
			error = tick_set(tick, run->first_id + i, value);
		if (error < 0)
			return error == -ENOMEM ? error : -EBADMSG;
	}
	return 0;
}

static int read_missing(struct tick *tick, const struct run *run)
{
	for (uint32_t i = 0; i < run->n; i++) {
		int error = tick_set_missing(tick, run->first_id + i, (enum hm_reason)run->reason);

		if (error < 0)
			return error;
	}
	return 0;
}

static int read_runs(struct tick *tick, struct varint_reader *reader, uint32_t n_series)
{
	struct run run = {0};
	int error = 0;

	while (error == 0 && varint_left(reader) > 0) {
		const struct run before = run;

		error = read_run(reader, &before, n_series, &run);
		if (error == 0)
			error = run.is_missing ? read_missing(tick, &run)
					       : read_values(tick, &run, reader);
	}
	return error;
}

int tick_decode(struct tick *tick, const void *bytes, size_t length, uint32_t n_series)
{
	struct cursor cursor = {.at = bytes, .left = length};
	struct varint_reader reader;
	int error;

	tick_begin(tick, (int64_t)cursor_get_u64(&cursor));
	if (cursor_failed(&cursor) || tick->time_us == INT64_MIN)
		return -EBADMSG;
	if (n_series > HM_EPOCH_SERIES_MAX)
		n_series = HM_EPOCH_SERIES_MAX;
	reader = (struct varint_reader){cursor.at, cursor.at + cursor.left};
	error = read_runs(tick, &reader, n_series);
	if (error < 0)
		tick_begin(tick, tick->time_us);
	return error;
}
