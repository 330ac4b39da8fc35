/* SPDX-License-Identifier: MIT */
/* The checksum of files and frames. */

#include "common/crc32c.h"

#include <string.h>
#ifdef __x86_64__
#include <nmmintrin.h>
#include <wmmintrin.h>

#define WORD_BYTES sizeof(uint64_t)

/* Of what is summed up side by side; and x^(8 n - 33) of so many bytes, and of twice as many, by the
 * polynomial. */
#define RUN_BYTES         ((size_t)512)
#define POWER_OF_RUN      0xdd7e3b0c
#define POWER_OF_TWO_RUNS 0x170076fa

static inline uint64_t get_word(const uint8_t *bytes)
{
	uint64_t word;

	memcpy(&word, bytes, sizeof(word));
	return word;
}
#endif

/* Remainders of all half bytes by the reflected polynomial 0x82f63b78. */
static const uint32_t remainders[16] = {
	0x00000000, 0x105ec76f, 0x20bd8ede, 0x30e349b1, 0x417b1dbc, 0x5125dad3,
	0x61c69362, 0x7198540d, 0x82f63b78, 0x92a8fc17, 0xa24bb5a6, 0xb21572c9,
	0xc38d26c4, 0xd3d3e1ab, 0xe330a81a, 0xf36e6f75,
};

uint32_t crc32c_by_table(uint32_t crc, const void *bytes, size_t length)
{
	const uint8_t *at = bytes;

	crc = ~crc;
	for (size_t i = 0; i < length; i++) {
		crc ^= at[i];
		crc = crc >> 4 ^ remainders[crc & 15];
		crc = crc >> 4 ^ remainders[crc & 15];
	}
	return ~crc;
}

#ifdef __x86_64__
__attribute__((target("sse4.2"))) static uint32_t crc32c_by_instruction(uint32_t crc,
									const void *bytes,
									size_t length)
{
	const uint8_t *at = bytes;
	uint64_t sum = ~crc;

	for (; length >= WORD_BYTES; length -= WORD_BYTES, at += WORD_BYTES)
		sum = _mm_crc32_u64(sum, get_word(at));
	for (; length > 0; length--)
		sum = _mm_crc32_u8((uint32_t)sum, *at++);
	return ~(uint32_t)sum;
}

/* What a sum becomes when zeros follow. @param power  x^(8 n - 33) for n of them: a carry-less product
 * is one bit off, and the instruction multiplies by x^32 */
__attribute__((target("sse4.2,pclmul"))) static inline uint64_t shift(uint64_t sum, uint32_t power)
{
	__m128i product = _mm_clmulepi64_si128(_mm_cvtsi64_si128((int64_t)sum),
					       _mm_cvtsi64_si128((int64_t)power), 0);

	return _mm_crc32_u64(0, (uint64_t)_mm_cvtsi128_si64(product));
}

/* The instruction takes three cycles, but one can begin in each: three runs are summed up side by side. */
__attribute__((target("sse4.2,pclmul"))) static uint32_t crc32c_by_runs(uint32_t crc,
									const void *bytes,
									size_t length)
{
	const uint8_t *at = bytes;
	uint64_t sum = ~crc;

	for (; length >= 3 * RUN_BYTES; length -= 3 * RUN_BYTES, at += 3 * RUN_BYTES) {
		uint64_t second = 0, third = 0;

		for (size_t i = 0; i < RUN_BYTES; i += WORD_BYTES) {
			sum = _mm_crc32_u64(sum, get_word(at + i));
			second = _mm_crc32_u64(second, get_word(at + RUN_BYTES + i));
			third = _mm_crc32_u64(third, get_word(at + 2 * RUN_BYTES + i));
		}
		sum = shift(sum, POWER_OF_TWO_RUNS) ^ shift(second, POWER_OF_RUN) ^ third;
	}
	return crc32c_by_instruction(~(uint32_t)sum, at, length);
}
#endif

uint32_t crc32c(uint32_t crc, const void *bytes, size_t length)
{
#ifdef __x86_64__
	if (length >= 3 * RUN_BYTES && __builtin_cpu_supports("sse4.2") &&
	    __builtin_cpu_supports("pclmul"))
		return crc32c_by_runs(crc, bytes, length);
	if (__builtin_cpu_supports("sse4.2"))
		return crc32c_by_instruction(crc, bytes, length);
#endif
	return crc32c_by_table(crc, bytes, length);
}
