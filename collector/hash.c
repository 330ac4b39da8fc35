/* SPDX-License-Identifier: MIT */
/* SipHash-1-3. */

#include "collector/hash.h"

#include <endian.h>
#include <errno.h>
#include <string.h>
#include <sys/random.h>

struct hash_state {
	uint64_t a, b, c, d;
};

int hash_key_new(struct hash_key *ret_key)
{
	struct hash_key key;
	ssize_t n_bytes;

	/* Up to 256 bytes come whole or not at all, once the kernel's pool is ready. */
	do {
		n_bytes = getrandom(&key, sizeof(key), 0);
	} while (n_bytes < 0 && errno == EINTR);
	if (n_bytes < 0)
		return -errno;
	if ((size_t)n_bytes != sizeof(key))
		return -EIO;

	*ret_key = key;
	return 0;
}

static inline uint64_t rotate(uint64_t word, int bits)
{
	return (word << bits) | (word >> (64 - bits));
}

static inline void stir(struct hash_state *state)
{
	state->a += state->b;
	state->b = rotate(state->b, 13) ^ state->a;
	state->a = rotate(state->a, 32);
	state->c += state->d;
	state->d = rotate(state->d, 16) ^ state->c;
	state->a += state->d;
	state->d = rotate(state->d, 21) ^ state->a;
	state->c += state->b;
	state->b = rotate(state->b, 17) ^ state->c;
	state->c = rotate(state->c, 32);
}

static inline void absorb(struct hash_state *state, uint64_t word)
{
	state->d ^= word;
	stir(state);
	state->a ^= word;
}

uint64_t hash_bytes(const struct hash_key *key, const void *data, size_t length)
{
	struct hash_state state = {
		key->words[0] ^ UINT64_C(0x736f6d6570736575),
		key->words[1] ^ UINT64_C(0x646f72616e646f6d),
		key->words[0] ^ UINT64_C(0x6c7967656e657261),
		key->words[1] ^ UINT64_C(0x7465646279746573),
	};
	const unsigned char *bytes = data;
	uint64_t word;

	for (size_t left = length; left >= sizeof(word); left -= sizeof(word)) {
		memcpy(&word, bytes, sizeof(word));
		absorb(&state, le64toh(word));
		bytes += sizeof(word);
	}

	word = 0;
	for (size_t i = 0; i < length % sizeof(word); i++)
		word |= (uint64_t)bytes[i] << (8 * i);
	absorb(&state, word | (uint64_t)length << 56);

	state.c ^= 0xff;
	stir(&state);
	stir(&state);
	stir(&state);
	return state.a ^ state.b ^ state.c ^ state.d;
}
