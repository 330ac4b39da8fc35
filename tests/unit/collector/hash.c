/* SPDX-License-Identifier: MIT */
/* Tests of the keyed hash. */

#include "collector/hash.h"

#include <criterion/criterion.h>
#include <string.h>

/* Of the authors' reference implementation: key 00 01 .. 0f, message 00 01 .. of growing length. */
static const uint64_t reference[] = {
	UINT64_C(0xabac0158050fc4dc),
	UINT64_C(0xc9f49bf37d57ca93),
};

static struct hash_key counting_key(void)
{
	return (struct hash_key){
		{UINT64_C(0x0706050403020100), UINT64_C(0x0f0e0d0c0b0a0908)},
	};
}

Test(hash, gives_the_values_of_the_reference_implementation)
{
	struct hash_key key = counting_key();
	unsigned char message[] = {0, 1};

	for (size_t i = 0; i < sizeof(reference) / sizeof(reference[0]); i++)
		cr_assert_eq(hash_bytes(&key, message, i), reference[i], "length %zu", i);
}

Test(hash, depends_on_every_byte_of_every_length)
{
	struct hash_key key = counting_key();
	unsigned char message[24] = {0};

	for (size_t length = 1; length <= sizeof(message); length++) {
		uint64_t hash = hash_bytes(&key, message, length);

		cr_assert_neq(hash, hash_bytes(&key, message, length - 1));
		for (size_t i = 0; i < length; i++) {
			message[i] ^= 1;
			cr_assert_neq(hash, hash_bytes(&key, message, length));
			message[i] ^= 1;
		}
	}
}

Test(hash, draws_a_new_key_each_time)
{
	struct hash_key one;
	struct hash_key other;

	cr_assert_eq(hash_key_new(&one), 0);
	cr_assert_eq(hash_key_new(&other), 0);

	cr_assert_neq(hash_bytes(&one, "x", 1), hash_bytes(&other, "x", 1));
}
