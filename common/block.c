/* SPDX-License-Identifier: MIT */
/* The one structure of samples on the wire, in the log and in metric files. */

#include "common/block.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/bits.h"
#include "common/column.h"
#include "common/integers.h"
#include "common/presence.h"
#include "common/varint.h"

/* The least that a column takes: id, encoding, length. */
#define COLUMN_MIN_BYTES ((size_t)3)

/* Times and what became of them. The blocks of one host mostly have the same, one after the other. */
struct known_times {
	struct buffer times;
	struct buffer bytes;
	bool is_dense;
};

struct block_encoder {
	struct column *column;
	struct integers *integers;
	struct buffer payload; /* of one column: its length stands before it */
	struct known_times known;
};

struct block_decoder {
	struct column *column;
	struct integers *integers;
	int64_t *times_us;
	size_t n_times;
	struct buffer
		known; /* the bytes that times_us holds the times of: often those of the next */
	size_t n_known_times;
	struct block_encoded *parts;
	size_t n_parts;
	double *values; /* of the column decoded last */
	struct block_run *runs;
	size_t times_capacity;
	size_t parts_capacity;
	size_t values_capacity;
	size_t runs_capacity;
};

/* -- encoding ------------------------------------------------------------------------------------- */

struct block_encoder *block_encoder_new(void)
{
	struct block_encoder *encoder = calloc(1, sizeof(*encoder));

	if (!encoder)
		return NULL;
	encoder->column = column_new();
	encoder->integers = integers_new();
	if (!encoder->column || !encoder->integers) {
		block_encoder_free(encoder);
		return NULL;
	}
	return encoder;
}

void block_encoder_free(struct block_encoder *encoder)
{
	if (!encoder)
		return;
	column_free(encoder->column);
	integers_free(encoder->integers);
	buffer_done(&encoder->payload);
	buffer_done(&encoder->known.times);
	buffer_done(&encoder->known.bytes);
	free(encoder);
}

static bool is_content(const struct buffer *buffer, const void *bytes, size_t length)
{
	return buffer->length == length && length > 0 && memcmp(buffer->data, bytes, length) == 0;
}

BITS_LOOPS static bool are_times_valid(const int64_t *times_us, size_t n_times)
{
	unsigned is_backwards = 0;

	for (size_t i = 1; i < n_times; i++)
		is_backwards |= times_us[i] < times_us[i - 1];
	return !is_backwards;
}

static bool are_columns_valid(const struct block_column *columns, size_t n_columns, size_t n_times)
{
	size_t n_samples = 0;

	if (n_columns < 1 || n_columns > BLOCK_COLUMNS_MAX)
		return false;
	for (size_t i = 0; i < n_columns; i++) {
		const struct block_column *column = &columns[i];
		struct presence presence = {.n_present = n_times};

		if (i > 0 && column->series_id <= columns[i - 1].series_id)
			return false;
		if (column->runs &&
		    !presence_is_valid(column->runs, column->n_runs, n_times, &presence))
			return false;
		if (column->n_values != presence.n_present)
			return false;
		n_samples += presence.n_present + presence.n_absent;
	}
	return n_samples <= BLOCK_SAMPLES_MAX;
}

static void put_number(struct buffer *out, uint64_t number)
{
	uint8_t bytes[VARINT_MAX_BYTES];

	buffer_append(out, bytes, varint_put(bytes, number));
}

static void put_payload(struct buffer *out, const struct buffer *payload)
{
	put_number(out, payload->length);
	buffer_append(out, payload->data, payload->length);
}

/* Times in order, which are known then. */
static int encode_times(struct block_encoder *encoder, const int64_t *times_us, size_t n_times,
			bool is_dense, struct buffer *out)
{
	struct known_times *known = &encoder->known;
	struct integers_form form;
	int error;

	buffer_clear(&known->times);
	buffer_clear(&known->bytes);
	buffer_clear(&encoder->payload);
	error = integers_encode(encoder->integers, times_us, n_times, is_dense, &form,
				&encoder->payload);
	if (error < 0)
		return error;
	buffer_append_byte(&known->bytes,
			   (char)((unsigned)form.coding | form.order << COLUMN_ORDER_SHIFT));
	put_payload(&known->bytes, &encoder->payload);
	if (buffer_failed(&known->bytes))
		return -ENOMEM;
	buffer_append(out, known->bytes.data, known->bytes.length);
	known->is_dense = is_dense;
	buffer_append(&known->times, times_us, n_times * sizeof(*times_us));
	return 0;
}

/* @return as block_encode() */
static int put_times(struct block_encoder *encoder, const int64_t *times_us, size_t n_times,
		     bool is_dense, struct buffer *out)
{
	const struct known_times *known = &encoder->known;

	if (known->is_dense == is_dense &&
	    is_content(&known->times, times_us, n_times * sizeof(*times_us))) {
		buffer_append(out, known->bytes.data, known->bytes.length);
		return 0;
	}
	if (!are_times_valid(times_us, n_times))
		return -EINVAL;
	return encode_times(encoder, times_us, n_times, is_dense, out);
}

static int encode_column(struct block_encoder *encoder, const struct block_column *column,
			 uint32_t id_difference, bool is_dense, struct buffer *out)
{
	bool has_runs = false;
	uint8_t encoding;
	int error;

	for (size_t i = 0; column->runs && i < column->n_runs; i++)
		has_runs |= column->runs[i].n_missing > 0;
	buffer_clear(&encoder->payload);
	error = column_encode(encoder->column, column->values, column->n_values, is_dense,
			      &encoding, &encoder->payload);
	if (error < 0)
		return error;
	put_number(out, id_difference);
	buffer_append_byte(out, (char)(encoding | (has_runs ? COLUMN_HAS_RUNS : 0)));
	if (has_runs)
		presence_write(out, column->runs, column->n_runs);
	put_payload(out, &encoder->payload);
	return 0;
}

/* NOLINTNEXTLINE(readability-function-size): seven parameters, as the contract has them */
int block_encode(struct block_encoder *encoder, const int64_t *times_us, size_t n_times,
		 const struct block_column *columns, size_t n_columns, enum block_effort effort,
		 struct buffer *out)
{
	const bool is_dense = effort == BLOCK_EFFORT_SMALL;
	const size_t start = out->length;
	int error;

	if (n_times < 1 || n_times > BLOCK_TIMES_MAX ||
	    !are_columns_valid(columns, n_columns, n_times))
		return -EINVAL;
	put_number(out, n_times);
	put_number(out, n_columns);
	error = put_times(encoder, times_us, n_times, is_dense, out);
	for (size_t i = 0; i < n_columns && error == 0; i++) {
		uint32_t difference = columns[i].series_id;

		/* Ids grow, by 1 more than is written. */
		if (i > 0)
			difference -= columns[i - 1].series_id + 1;
		error = encode_column(encoder, &columns[i], difference, is_dense, out);
	}
	if (error == 0 && buffer_failed(out))
		error = -ENOMEM;
	if (error < 0)
		out->length = start;
	return error;
}

/* -- decoding ------------------------------------------------------------------------------------- */

struct block_decoder *block_decoder_new(void)
{
	struct block_decoder *decoder = calloc(1, sizeof(*decoder));

	if (!decoder)
		return NULL;
	decoder->column = column_new();
	decoder->integers = integers_new();
	if (!decoder->column || !decoder->integers) {
		block_decoder_free(decoder);
		return NULL;
	}
	return decoder;
}

void block_decoder_free(struct block_decoder *decoder)
{
	if (!decoder)
		return;
	column_free(decoder->column);
	integers_free(decoder->integers);
	free(decoder->times_us);
	buffer_done(&decoder->known);
	free(decoder->parts);
	free(decoder->values);
	free(decoder->runs);
	free(decoder);
}

/* Room for n of `size` bytes; what was there is lost. @return NULL without memory, and all is freed */
static void *reserve(void *memory, size_t *capacity, size_t n, size_t size)
{
	if (n <= *capacity && memory)
		return memory;
	free(memory);
	memory = malloc((n + 1) * size);
	*capacity = memory ? n : 0;
	return memory;
}

static int read_payload(struct varint_reader *reader, struct varint_reader *ret_payload)
{
	uint64_t length;

	if (varint_get(reader, &length) < 0 || length > varint_left(reader))
		return -EBADMSG;
	*ret_payload = (struct varint_reader){reader->at, reader->at + length};
	reader->at += length;
	return 0;
}

static int decode_times(struct block_decoder *decoder, uint8_t encoding,
			struct varint_reader payload)
{
	const struct integers_form form = {.coding = encoding & COLUMN_CODING,
					   .order = encoding >> COLUMN_ORDER_SHIFT};
	int error;

	decoder->times_us = reserve(decoder->times_us, &decoder->times_capacity, decoder->n_times,
				    sizeof(*decoder->times_us));
	if (!decoder->times_us)
		return -ENOMEM;
	error = integers_decode(decoder->integers, form, &payload, decoder->times_us,
				decoder->n_times);
	if (error < 0)
		return error;
	return are_times_valid(decoder->times_us, decoder->n_times) ? 0 : -EBADMSG;
}

static int read_times(struct block_decoder *decoder, struct varint_reader *reader)
{
	const unsigned known = COLUMN_CODING | 3U << COLUMN_ORDER_SHIFT;
	const uint8_t *start = reader->at;
	struct varint_reader payload;
	uint8_t encoding;
	int error;

	if (varint_get_byte(reader, &encoding) < 0)
		return -EBADMSG;
	if (!column_is_known(encoding) || encoding > known)
		return -ENOTSUP;
	if (read_payload(reader, &payload) < 0)
		return -EBADMSG;
	if (decoder->n_known_times == decoder->n_times &&
	    is_content(&decoder->known, start, (size_t)(reader->at - start)))
		return 0;
	decoder->n_known_times = 0;
	error = decode_times(decoder, encoding, payload);
	if (error < 0)
		return error;
	buffer_clear(&decoder->known);
	buffer_append(&decoder->known, start, (size_t)(reader->at - start));
	decoder->n_known_times = decoder->n_times;
	return 0;
}

/* @param next_id  the least that the series may have. */
static int read_part(struct varint_reader *reader, size_t n_times, uint64_t next_id,
		     struct block_encoded *ret_part)
{
	struct block_encoded part = {.n_values = (uint32_t)n_times};
	struct varint_reader payload;
	uint64_t difference;

	if (next_id > UINT32_MAX ||
	    varint_get_limited(reader, UINT32_MAX - next_id, &difference) < 0 ||
	    varint_get_byte(reader, &part.encoding) < 0)
		return -EBADMSG;
	if (!column_is_known(part.encoding))
		return -ENOTSUP;
	part.series_id = (uint32_t)(next_id + difference);
	part.bytes = reader->at;
	if (part.encoding & COLUMN_HAS_RUNS) {
		struct presence presence;

		if (presence_check(reader, n_times, &presence) < 0)
			return -EBADMSG;
		part.n_values = (uint32_t)presence.n_present;
		part.n_absent = (uint32_t)presence.n_absent;
		part.n_runs = (uint32_t)presence.n_runs;
	}
	if (read_payload(reader, &payload) < 0)
		return -EBADMSG;
	if (part.n_runs == 0)
		part.bytes = payload.at;
	part.payload_at = (size_t)(payload.at - part.bytes);
	part.n_bytes = (size_t)(payload.end - part.bytes);
	*ret_part = part;
	return 0;
}

static int read_parts(struct block_decoder *decoder, struct varint_reader *reader, size_t n_columns)
{
	size_t n_samples = 0;
	uint64_t next_id = 0;

	if (n_columns > varint_left(reader) / COLUMN_MIN_BYTES)
		return -EBADMSG;
	decoder->parts = reserve(decoder->parts, &decoder->parts_capacity, n_columns,
				 sizeof(*decoder->parts));
	if (!decoder->parts)
		return -ENOMEM;
	for (size_t i = 0; i < n_columns; i++) {
		int error = read_part(reader, decoder->n_times, next_id, &decoder->parts[i]);

		if (error < 0)
			return error;
		next_id = (uint64_t)decoder->parts[i].series_id + 1;
		n_samples += (size_t)decoder->parts[i].n_values + decoder->parts[i].n_absent;
	}
	if (reader->at != reader->end || n_samples > BLOCK_SAMPLES_MAX)
		return -EBADMSG;
	decoder->n_parts = n_columns;
	return 0;
}

int block_decoder_open(struct block_decoder *decoder, const uint8_t *bytes, size_t length)
{
	struct varint_reader reader = {bytes, bytes + length};
	uint64_t n_times, n_columns;
	int error;

	decoder->n_times = 0;
	decoder->n_parts = 0;
	if (varint_get_limited(&reader, BLOCK_TIMES_MAX, &n_times) < 0 || n_times < 1 ||
	    varint_get_limited(&reader, BLOCK_COLUMNS_MAX, &n_columns) < 0 || n_columns < 1)
		return -EBADMSG;
	decoder->n_times = (size_t)n_times;
	error = read_times(decoder, &reader);
	if (error == 0)
		error = read_parts(decoder, &reader, (size_t)n_columns);
	if (error < 0)
		decoder->n_times = 0;
	return error;
}

const int64_t *block_decoder_times(const struct block_decoder *decoder, size_t *ret_n_times)
{
	*ret_n_times = decoder->n_times;
	return decoder->times_us;
}

size_t block_decoder_n_columns(const struct block_decoder *decoder)
{
	return decoder->n_parts;
}

uint32_t block_decoder_series_id(const struct block_decoder *decoder, size_t column)
{
	return decoder->parts[column].series_id;
}

void block_decoder_encoded(const struct block_decoder *decoder, size_t column,
			   struct block_encoded *ret_encoded)
{
	*ret_encoded = decoder->parts[column];
}

static int read_runs(struct block_decoder *decoder, const struct block_encoded *encoded)
{
	const uint8_t *end = encoded->bytes + encoded->payload_at;

	if (encoded->n_runs == 0)
		return 0;
	decoder->runs = reserve(decoder->runs, &decoder->runs_capacity, encoded->n_runs,
				sizeof(*decoder->runs));
	if (!decoder->runs)
		return -ENOMEM;
	presence_read((struct varint_reader){encoded->bytes, end}, decoder->runs, encoded->n_runs);
	return 0;
}

int block_decoder_runs(struct block_decoder *decoder, size_t column,
		       const struct block_run **ret_runs, size_t *ret_n)
{
	const struct block_encoded *encoded = &decoder->parts[column];
	int error = read_runs(decoder, encoded);

	if (error < 0)
		return error;
	*ret_runs = encoded->n_runs > 0 ? decoder->runs : NULL;
	*ret_n = encoded->n_runs;
	return 0;
}

int block_decoder_decode(struct block_decoder *decoder, const struct block_encoded *encoded,
			 struct block_column *ret_column)
{
	struct varint_reader payload = {encoded->bytes + encoded->payload_at,
					encoded->bytes + encoded->n_bytes};
	int error;

	decoder->values = reserve(decoder->values, &decoder->values_capacity, encoded->n_values,
				  sizeof(*decoder->values));
	if (!decoder->values)
		return -ENOMEM;
	error = column_decode(decoder->column, encoded->encoding, &payload, decoder->values,
			      encoded->n_values);
	if (error == 0)
		error = read_runs(decoder, encoded);
	if (error < 0)
		return error;
	*ret_column = (struct block_column){.series_id = encoded->series_id,
					    .runs = encoded->n_runs > 0 ? decoder->runs : NULL,
					    .n_runs = encoded->n_runs,
					    .values = decoder->values,
					    .n_values = encoded->n_values};
	return 0;
}

int block_decoder_column(struct block_decoder *decoder, size_t column,
			 struct block_column *ret_column)
{
	return block_decoder_decode(decoder, &decoder->parts[column], ret_column);
}
