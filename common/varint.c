/* SPDX-License-Identifier: MIT */
/* Numbers as LEB128. */

#include "common/varint.h"

#include <errno.h>

#define VALUE_BITS 7
#define VALUE_MASK 0x7fU
#define MORE       0x80U

size_t varint_put(uint8_t *out, uint64_t value)
{
	size_t n = 0;

	while (value > VALUE_MASK) {
		out[n++] = (uint8_t)(value | MORE);
		value >>= VALUE_BITS;
	}
	out[n++] = (uint8_t)value;
	return n;
}

size_t varint_put_signed(uint8_t *out, int64_t value)
{
	return varint_put(out, varint_fold(value));
}

size_t varint_length(uint64_t value)
{
	unsigned n_bits = 64 - (unsigned)__builtin_clzll(value | 1);

	return (n_bits + VALUE_BITS - 1) / VALUE_BITS;
}

int varint_get(struct varint_reader *reader, uint64_t *ret_value)
{
	uint64_t value = 0;
	size_t n_left = varint_left(reader);

	for (size_t i = 0; i < n_left && i < VARINT_MAX_BYTES; i++) {
		uint8_t byte = reader->at[i];

		/* The tenth byte holds the last bit. */
		if (i == VARINT_MAX_BYTES - 1 && byte > 1)
			return -EBADMSG;
		value |= (uint64_t)(byte & VALUE_MASK) << (VALUE_BITS * i);
		if (byte & MORE)
			continue;
		if (byte == 0 && i > 0)
			return -EBADMSG;
		reader->at += i + 1;
		*ret_value = value;
		return 0;
	}
	return -EBADMSG;
}

int varint_get_signed(struct varint_reader *reader, int64_t *ret_value)
{
	uint64_t value;
	int error = varint_get(reader, &value);

	if (error == 0)
		*ret_value = varint_unfold(value);
	return error;
}

int varint_get_limited(struct varint_reader *reader, uint64_t limit, uint64_t *ret_value)
{
	struct varint_reader copy = *reader;
	uint64_t value;

	if (varint_get(&copy, &value) < 0 || value > limit)
		return -EBADMSG;
	*reader = copy;
	*ret_value = value;
	return 0;
}

int varint_get_byte(struct varint_reader *reader, uint8_t *ret_byte)
{
	if (reader->at == reader->end)
		return -EBADMSG;
	*ret_byte = *reader->at++;
	return 0;
}
