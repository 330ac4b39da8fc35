/* SPDX-License-Identifier: MIT */
#ifndef COMMON_BITS_H
#define COMMON_BITS_H

/* Streams of bits, the lowest bit of the first byte first. For the inner loops of the encodings. */

#include <endian.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* What bits_put() and bits_load() take at once. */
#define BITS_AT_ONCE 56U
/* How far bits_put() writes behind the last bit. */
#define BITS_SLACK_BYTES ((size_t)8)

/*
 * For functions that are loops over whole columns: optimised as such, and on x86-64 made twice, for
 * newer processors too. No multiplication is fused with an addition: that would make the bytes depend
 * on the machine.
 */
#if !defined(__GNUC__) || defined(__clang__)
#define BITS_LOOPS
#elif !defined(__x86_64__) || __GNUC__ < 12 || defined(__SANITIZE_ADDRESS__) ||                    \
	defined(__SANITIZE_THREAD__)
#define BITS_LOOPS __attribute__((optimize("O3", "fp-contract=off")))
#else
#define BITS_LOOPS                                                                                 \
	__attribute__((optimize("O3", "fp-contract=off"),                                          \
		       target_clones("arch=x86-64-v3", "default")))
#endif

struct bits_writer {
	uint8_t *at;
	uint64_t pending;   /* the lowest n_pending bits count */
	unsigned n_pending; /* below 8 */
};

static inline uint64_t bits_get_le64(const uint8_t *bytes)
{
	uint64_t value;

	memcpy(&value, bytes, sizeof(value));
	return le64toh(value);
}

static inline void bits_put_le64(uint8_t *bytes, uint64_t value)
{
	value = htole64(value);
	memcpy(bytes, &value, sizeof(value));
}

static inline uint64_t bits_mask(unsigned n_bits)
{
	return n_bits >= 64 ? UINT64_MAX : ((uint64_t)1 << n_bits) - 1;
}

/* How many bits a number has: 0 for 0, 64 at most. */
static inline unsigned bits_length(uint64_t value)
{
	return 64 - (unsigned)__builtin_clzll(value | 1) - (value == 0);
}

/* @param value  below 2^n_bits. @param n_bits  at most BITS_AT_ONCE */
static inline void bits_put(struct bits_writer *writer, uint64_t value, unsigned n_bits)
{
	writer->pending |= value << writer->n_pending;
	writer->n_pending += n_bits;
	bits_put_le64(writer->at, writer->pending);
	writer->at += writer->n_pending >> 3;
	writer->pending >>= writer->n_pending & ~7U;
	writer->n_pending &= 7;
}

/* @return behind the last byte */
static inline uint8_t *bits_finish(struct bits_writer *writer)
{
	return writer->at + (writer->n_pending > 0);
}

/* The BITS_AT_ONCE bits or more from `bit` on. Reads eight bytes. */
static inline uint64_t bits_load(const uint8_t *bytes, size_t bit)
{
	return bits_get_le64(bytes + (bit >> 3)) >> (bit & 7);
}

/* The same where fewer than eight bytes may be left; zeros stand behind the end. */
static inline uint64_t bits_load_end(const uint8_t *bytes, size_t length, size_t bit)
{
	uint8_t copy[8] = {0};
	size_t first = bit >> 3;
	size_t n_left = first < length ? length - first : 0;

	if (n_left > 0)
		memcpy(copy, bytes + first, n_left < sizeof(copy) ? n_left : sizeof(copy));
	return bits_get_le64(copy) >> (bit & 7);
}

#endif
