/* SPDX-License-Identifier: MIT */
#ifndef COMMON_VARINT_H
#define COMMON_VARINT_H

/*
 * Numbers as LEB128: seven bits a byte, the lowest first, the top bit says that more follow. Only the
 * shortest form is read, so a number has one form. Signed ones are folded first (0, -1, 1, -2 ...).
 */

#include <stddef.h>
#include <stdint.h>

#define VARINT_MAX_BYTES ((size_t)10)

/* Bytes that are read one after the other. */
struct varint_reader {
	const uint8_t *at;
	const uint8_t *end;
};

/* @param out  room for VARINT_MAX_BYTES. @return bytes written */
size_t varint_put(uint8_t *out, uint64_t value);
size_t varint_put_signed(uint8_t *out, int64_t value);

/* How many bytes varint_put() writes. */
size_t varint_length(uint64_t value);

/* @return 0; -EBADMSG: cut, longer than needed or beyond 64 bits (nothing is consumed) */
int varint_get(struct varint_reader *reader, uint64_t *ret_value);
int varint_get_signed(struct varint_reader *reader, int64_t *ret_value);

/* A number of at most `limit`. @return 0; -EBADMSG: also beyond the limit */
int varint_get_limited(struct varint_reader *reader, uint64_t limit, uint64_t *ret_value);

/* @return 0; -EBADMSG: there is none */
int varint_get_byte(struct varint_reader *reader, uint8_t *ret_byte);

static inline size_t varint_left(const struct varint_reader *reader)
{
	return (size_t)(reader->end - reader->at);
}

static inline uint64_t varint_fold(int64_t value)
{
	return (uint64_t)value << 1 ^ (0 - (uint64_t)(value < 0));
}

static inline int64_t varint_unfold(uint64_t value)
{
	return (int64_t)(value >> 1 ^ (0 - (value & 1)));
}

#endif
