/* SPDX-License-Identifier: MIT */
/* The values of one series as bytes. */

#include "common/column.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/bits.h"
#include "common/decimal.h"
#include "common/integers.h"

#define VALUE_BYTES ((size_t)8)

/* The first byte of a payload. */
#define SCALE_PLACES     0x0fU
#define SCALE_FORM_SHIFT 4U

struct column {
	struct integers *integers;
	int64_t *scaled;
	size_t capacity;
};

struct column *column_new(void)
{
	struct column *column = calloc(1, sizeof(*column));

	if (!column)
		return NULL;
	column->integers = integers_new();
	if (!column->integers) {
		column_free(column);
		return NULL;
	}
	return column;
}

void column_free(struct column *column)
{
	if (!column)
		return;
	integers_free(column->integers);
	free(column->scaled);
	free(column);
}

static int reserve(struct column *column, size_t n)
{
	int64_t *scaled;

	if (n <= column->capacity)
		return 0;
	scaled = malloc(n * sizeof(*scaled));
	if (!scaled)
		return -ENOMEM;
	free(column->scaled);
	column->scaled = scaled;
	column->capacity = n;
	return 0;
}

/* -- writing -------------------------------------------------------------------------------------- */

BITS_LOOPS static bool is_constant(const double *values, size_t n)
{
	uint64_t first = decimal_double_bits(values[0]);
	uint64_t differences = 0;

	/* Most columns that are not constant differ early. */
	if (decimal_double_bits(values[n / 2]) != first ||
	    decimal_double_bits(values[n - 1]) != first)
		return false;
	for (size_t i = 0; i < n; i++) {
		uint64_t bits;

		memcpy(&bits, &values[i], sizeof(bits));
		differences |= bits ^ first;
	}
	return differences == 0;
}

static void put_scale(struct buffer *out, struct decimal decimal)
{
	buffer_append_byte(out,
			   (char)(decimal.places | (unsigned)decimal.form << SCALE_FORM_SHIFT));
}

static void put_value(struct buffer *out, double value)
{
	uint8_t bytes[VALUE_BYTES];

	bits_put_le64(bytes, decimal_double_bits(value));
	buffer_append(out, bytes, sizeof(bytes));
}

static void put_number(struct buffer *out, uint64_t number)
{
	uint8_t bytes[VARINT_MAX_BYTES];

	buffer_append(out, bytes, varint_put(bytes, number));
}

static void encode_constant(double value, struct buffer *out)
{
	struct decimal decimal;
	int64_t scaled;

	(void)decimal_find(&value, 1, &decimal, &scaled);
	put_scale(out, decimal);
	if (decimal.form == DECIMAL_BITS)
		put_value(out, value);
	else
		put_number(out, varint_fold(scaled));
}

/* How many values they are; then how many others lie before each, and the value. */
static void put_odd(struct buffer *out, const double *values, size_t n, struct decimal decimal,
		    size_t n_odd)
{
	size_t next = 0;
	int64_t ignored;

	put_number(out, n_odd);
	for (size_t i = 0; i < n; i++) {
		if (decimal_convert_one(values[i], decimal, &ignored))
			continue;
		put_number(out, i - next);
		put_value(out, values[i]);
		next = i + 1;
	}
}

int column_encode(struct column *column, const double *values, size_t n, bool is_dense,
		  uint8_t *ret_encoding, struct buffer *out)
{
	struct decimal decimal;
	struct integers_form form;
	size_t n_odd;
	int error;

	*ret_encoding = INTEGERS_CONSTANT;
	if (n == 0)
		return 0;
	if (is_constant(values, n)) {
		encode_constant(values[0], out);
		return buffer_failed(out) ? -ENOMEM : 0;
	}
	if (reserve(column, n) < 0)
		return -ENOMEM;
	n_odd = decimal_find(values, n, &decimal, column->scaled);
	put_scale(out, decimal);
	if (n_odd > 0)
		put_odd(out, values, n, decimal, n_odd);
	error = integers_encode(column->integers, column->scaled, n, is_dense, &form, out);
	if (error < 0 || buffer_failed(out))
		return -ENOMEM;
	*ret_encoding = (uint8_t)((unsigned)form.coding | form.order << COLUMN_ORDER_SHIFT |
				  (n_odd > 0 ? COLUMN_HAS_ODD : 0));
	return 0;
}

/* -- reading -------------------------------------------------------------------------------------- */

static unsigned order_of(uint8_t encoding)
{
	return encoding >> COLUMN_ORDER_SHIFT & 3;
}

bool column_is_known(uint8_t encoding)
{
	const unsigned most = INTEGERS_ENTROPY | INTEGERS_ORDER_MAX << COLUMN_ORDER_SHIFT |
			      COLUMN_HAS_ODD | COLUMN_HAS_RUNS;

	return encoding <= (most | COLUMN_CODING | 3U << COLUMN_ORDER_SHIFT) &&
	       (encoding & COLUMN_CODING) <= INTEGERS_ENTROPY &&
	       order_of(encoding) <= INTEGERS_ORDER_MAX;
}

static int get_value(struct varint_reader *reader, double *ret_value)
{
	if (varint_left(reader) < VALUE_BYTES)
		return -EBADMSG;
	*ret_value = decimal_from_bits(bits_get_le64(reader->at));
	reader->at += VALUE_BYTES;
	return 0;
}

/* Read the odd values, or with NULL only pass over them. */
static int get_odd(struct varint_reader *reader, double *ret_values, size_t n)
{
	uint64_t n_odd;
	size_t next = 0;

	if (varint_get_limited(reader, n, &n_odd) < 0 || n_odd == 0)
		return -EBADMSG;
	for (uint64_t i = 0; i < n_odd; i++) {
		uint64_t gap;
		double value;

		if (next == n || varint_get_limited(reader, n - next - 1, &gap) < 0 ||
		    get_value(reader, &value) < 0)
			return -EBADMSG;
		next += (size_t)gap;
		if (ret_values)
			ret_values[next] = value;
		next++;
	}
	return 0;
}

BITS_LOOPS static void fill(double *values, size_t n, double value)
{
	for (size_t i = 0; i < n; i++)
		values[i] = value;
}

static int decode_constant(struct varint_reader *reader, struct decimal decimal, double *ret_values,
			   size_t n)
{
	double value;
	int64_t scaled;

	if (decimal.form == DECIMAL_BITS) {
		if (get_value(reader, &value) < 0)
			return -EBADMSG;
	} else {
		if (varint_get_signed(reader, &scaled) < 0 ||
		    !decimal_restore(&scaled, 1, decimal, &value))
			return -EBADMSG;
	}
	if (reader->at != reader->end)
		return -EBADMSG;
	fill(ret_values, n, value);
	return 0;
}

static int decode_scaled(struct column *column, uint8_t encoding, struct decimal decimal,
			 struct varint_reader *reader, double *ret_values, size_t n)
{
	const struct integers_form form = {.coding = encoding & COLUMN_CODING,
					   .order = order_of(encoding)};
	struct varint_reader odd = *reader;
	int error;

	if (reserve(column, n) < 0)
		return -ENOMEM;
	if (encoding & COLUMN_HAS_ODD && get_odd(reader, NULL, n) < 0)
		return -EBADMSG;
	error = integers_decode(column->integers, form, reader, column->scaled, n);
	if (error < 0)
		return error;
	if (!decimal_restore(column->scaled, n, decimal, ret_values))
		return -EBADMSG;
	return encoding & COLUMN_HAS_ODD ? get_odd(&odd, ret_values, n) : 0;
}

int column_decode(struct column *column, uint8_t encoding, struct varint_reader *reader,
		  double *ret_values, size_t n)
{
	struct decimal decimal;
	uint8_t scale;

	encoding &= (uint8_t)~COLUMN_HAS_RUNS;
	if (n == 0)
		return encoding == INTEGERS_CONSTANT && reader->at == reader->end ? 0 : -EBADMSG;
	if (varint_get_byte(reader, &scale) < 0 ||
	    !decimal_is_valid(scale >> SCALE_FORM_SHIFT, scale & SCALE_PLACES))
		return -EBADMSG;
	decimal.form = (enum decimal_form)(scale >> SCALE_FORM_SHIFT);
	decimal.places = scale & SCALE_PLACES;
	if (encoding == INTEGERS_CONSTANT)
		return decode_constant(reader, decimal, ret_values, n);
	return decode_scaled(column, encoding, decimal, reader, ret_values, n);
}
