/* SPDX-License-Identifier: MIT */
/* Integers in a fixed number of bits each, with exceptions. */

#include "common/packed.h"

#include <errno.h>
#include <string.h>

#include "common/bits.h"

#define WIDTH_MAX 64U
#define PIECE     ((size_t)256)
#define FEW       ((size_t)32) /* integers that are counted sooner than the counters are cleared */

/* Four integers side by side. */
typedef uint64_t words __attribute__((vector_size(32)));

BITS_LOOPS static uint64_t any_bits(const int64_t *integers, size_t n)
{
	uint64_t any = 0;

	for (size_t i = 0; i < n; i++)
		any |= varint_fold(integers[i]);
	return any;
}

static void count_few(const int64_t *integers, size_t n, struct packed_widths *widths)
{
	for (size_t i = 0; i < n; i++)
		widths->n[bits_length(varint_fold(integers[i]))]++;
}

BITS_LOOPS static void count(const int64_t *integers, size_t n, struct packed_widths *widths)
{
	/* Two counters take turns: a processor waits where it counts the same thing twice in a row. */
	uint32_t other[WIDTH_MAX + 1] = {0};
	size_t i = 0;

	for (; i + 1 < n; i += 2) {
		widths->n[bits_length(varint_fold(integers[i]))]++;
		other[bits_length(varint_fold(integers[i + 1]))]++;
	}
	if (i < n)
		widths->n[bits_length(varint_fold(integers[i]))]++;
	for (unsigned width = 0; width <= WIDTH_MAX; width++)
		widths->n[width] += other[width];
}

void packed_count(const int64_t *integers, size_t n, struct packed_widths *widths)
{
	/* Much of many columns is 0, and then seen at once. */
	for (size_t i = 0; i < n; i += PIECE) {
		size_t n_piece = n - i < PIECE ? n - i : PIECE;
		unsigned last = bits_length(any_bits(integers + i, n_piece));

		if (last > widths->last)
			widths->last = last;
		if (last == 0)
			widths->n[0] += (uint32_t)n_piece;
		else if (n_piece < FEW)
			count_few(integers + i, n_piece, widths);
		else
			count(integers + i, n_piece, widths);
	}
}

void packed_guess(const struct symbol_counts *counts, struct packed_widths *ret_widths)
{
	*ret_widths = (struct packed_widths){.last = 0};
	for (unsigned symbol = counts->first; symbol <= counts->last; symbol++) {
		unsigned class = symbol_class(symbol);

		/* Folding takes one more; -1 is the one of its class that it does not. */
		class += class > 0 && class < WIDTH_MAX && symbol != SYMBOL_ZERO - 1;
		ret_widths->n[class] += counts->n[symbol];
		if (class > ret_widths->last)
			ret_widths->last = class;
	}
}

size_t packed_size(const struct packed_widths *widths, size_t n, unsigned *ret_width)
{
	size_t best = SIZE_MAX;
	size_t exceptions = 0;
	size_t n_exceptions = 0;

	/* All fit into the greatest; wider ones are no use. The exceptions only become more. */
	for (unsigned width = widths->last;; width--) {
		size_t size = 1 + varint_length(n_exceptions) + (n * width + 7) / 8 + exceptions;

		if (size < best) {
			best = size;
			*ret_width = width;
		}
		if (width == 0 || exceptions >= best)
			return best;
		/* Next, those of this width do not fit. A gap is one byte, seldom more. */
		n_exceptions += widths->n[width];
		exceptions += widths->n[width] * (1 + (size_t)(width + 6) / 7);
	}
}

size_t packed_room(const struct packed_widths *widths, size_t n, unsigned width)
{
	size_t n_exceptions = 0;

	for (unsigned wider = width + 1; wider <= widths->last; wider++)
		n_exceptions += widths->n[wider];
	return 1 + VARINT_MAX_BYTES + (n * width + 7) / 8 + n_exceptions * 2 * VARINT_MAX_BYTES +
	       BITS_SLACK_BYTES;
}

/* The first from `i` on that does not fit. Most do: eight are looked at together. */
BITS_LOOPS static size_t find_exception(const int64_t *integers, size_t i, size_t n, uint64_t mask)
{
	for (; i + 8 <= n; i += 8) {
		uint64_t any = 0;

		for (size_t k = 0; k < 8; k++)
			any |= varint_fold(integers[i + k]);
		if (any > mask)
			break;
	}
	while (i < n && varint_fold(integers[i]) <= mask)
		i++;
	return i;
}

/* The exceptions: how many others lie before each, then the integer. */
static uint8_t *write_exceptions(uint8_t *out, const int64_t *integers, size_t n, unsigned width)
{
	const uint64_t mask = bits_mask(width);
	size_t next = 0;

	for (;;) {
		size_t i = find_exception(integers, next, n, mask);

		if (i == n)
			return out;
		out += varint_put(out, i - next);
		out += varint_put_signed(out, integers[i]);
		next = i + 1;
	}
}

BITS_LOOPS static uint8_t *write_slots(uint8_t *out, const int64_t *integers, size_t n,
				       unsigned width)
{
	struct bits_writer writer = {.at = out};
	const uint64_t mask = bits_mask(width);
	const unsigned low = width <= BITS_AT_ONCE ? width : 32;

	if (width == 0)
		return out;
	for (size_t i = 0; i < n; i++) {
		uint64_t folded = varint_fold(integers[i]);

		if (folded > mask)
			folded = 0;
		bits_put(&writer, folded & bits_mask(low), low);
		if (low < width)
			bits_put(&writer, folded >> low, width - low);
	}
	return bits_finish(&writer);
}

BITS_LOOPS static size_t count_exceptions(const int64_t *integers, size_t n, unsigned width)
{
	const uint64_t mask = bits_mask(width);
	size_t n_exceptions = 0;

	for (size_t i = 0; i < n; i++)
		n_exceptions += varint_fold(integers[i]) > mask;
	return n_exceptions;
}

uint8_t *packed_write(uint8_t *out, const int64_t *integers, size_t n, unsigned width)
{
	*out++ = (uint8_t)width;
	out += varint_put(out, count_exceptions(integers, n, width));
	out = write_slots(out, integers, n, width);
	return write_exceptions(out, integers, n, width);
}

uint8_t *packed_write_few(uint8_t *out, const size_t *places, const int64_t *integers, size_t n_few)
{
	size_t next = 0;

	*out++ = 0; /* width */
	out += varint_put(out, n_few);
	for (size_t i = 0; i < n_few; i++) {
		out += varint_put(out, places[i] - next);
		out += varint_put_signed(out, integers[i]);
		next = places[i] + 1;
	}
	return out;
}

/* A slot wherever eight bytes may not be left, or which is wider than one load. */
static uint64_t read_slot(const uint8_t *bytes, size_t length, size_t i, unsigned width)
{
	size_t bit = i * width;
	uint64_t value;

	if (width <= BITS_AT_ONCE)
		return bits_load_end(bytes, length, bit) & bits_mask(width);
	value = bits_load_end(bytes, length, bit) & bits_mask(32);
	return value | (bits_load_end(bytes, length, bit + 32) & bits_mask(width - 32)) << 32;
}

/*
 * Slots as long as eight bytes can be loaded for each, eight slots at a time, which begin in full bytes: where
 * in these each slot lies is always the same.
 * @return how many
 */
BITS_LOOPS static size_t read_whole_slots(const uint8_t *bytes, size_t length, unsigned width,
					  int64_t *ret_integers, size_t n)
{
	const size_t last = (size_t)7 * width / 8;
	const uint64_t mask = bits_mask(width);
	size_t places[8];
	words shifts[2] = {{0}};
	size_t i = 0;

	for (unsigned k = 0; k < 8; k++) {
		places[k] = (size_t)k * width / 8;
		shifts[k / 4][k % 4] = k * width % 8;
	}
	for (; i + 8 <= n && last + 8 <= length; i += 8, bytes += width, length -= width) {
		for (unsigned half = 0; half < 2; half++) {
			const size_t *at = places + (size_t)4 * half;
			words four = {bits_get_le64(bytes + at[0]), bits_get_le64(bytes + at[1]),
				      bits_get_le64(bytes + at[2]), bits_get_le64(bytes + at[3])};

			four = four >> shifts[half] & mask;
			four = four >> 1 ^ (0 - (four & 1));
			memcpy(ret_integers + i + (size_t)4 * half, &four, sizeof(four));
		}
	}
	return i;
}

static void read_slots(const uint8_t *bytes, size_t length, unsigned width, int64_t *ret_integers,
		       size_t n)
{
	size_t i = 0;

	if (width <= BITS_AT_ONCE)
		i = read_whole_slots(bytes, length, width, ret_integers, n);
	for (; i < n; i++)
		ret_integers[i] = varint_unfold(read_slot(bytes, length, i, width));
}

static int read_exceptions(struct varint_reader *reader, uint64_t n_exceptions,
			   int64_t *ret_integers, size_t n)
{
	size_t next = 0;

	for (uint64_t i = 0; i < n_exceptions; i++) {
		uint64_t gap;

		if (next == n || varint_get_limited(reader, n - next - 1, &gap) < 0)
			return -EBADMSG;
		next += (size_t)gap;
		if (varint_get_signed(reader, &ret_integers[next++]) < 0)
			return -EBADMSG;
	}
	return reader->at == reader->end ? 0 : -EBADMSG;
}

int packed_read(struct varint_reader *reader, int64_t *ret_integers, size_t n)
{
	uint8_t width;
	uint64_t n_exceptions;
	size_t n_bits, n_bytes;

	if (varint_get_byte(reader, &width) < 0 || width > WIDTH_MAX ||
	    varint_get_limited(reader, n, &n_exceptions) < 0)
		return -EBADMSG;
	if (__builtin_mul_overflow(n, (size_t)width, &n_bits))
		return -EBADMSG;
	n_bytes = n_bits / 8 + (n_bits % 8 > 0);
	if (n_bytes > varint_left(reader))
		return -EBADMSG;
	/* What fills the last byte is 0. */
	if (n_bits % 8 > 0 && reader->at[n_bytes - 1] >> (n_bits % 8) > 0)
		return -EBADMSG;
	if (width == 0)
		memset(ret_integers, 0, n * sizeof(*ret_integers));
	else
		read_slots(reader->at, n_bytes, width, ret_integers, n);
	reader->at += n_bytes;
	return read_exceptions(reader, n_exceptions, ret_integers, n);
}
