/* SPDX-License-Identifier: MIT */
/* Random numbers that a seed makes again. */

#include "tests/support/sim_random.h"

uint64_t sim_random_next(struct sim_random *random)
{
	uint64_t x = random->state += 0x9e3779b97f4a7c15U;

	/* A counter, well mixed: every seed has the full period. */
	x = (x ^ x >> 32) * 0xd6e8feb86659fd93U;
	x = (x ^ x >> 32) * 0xd6e8feb86659fd93U;
	return x ^ x >> 32;
}

uint64_t sim_random_below(struct sim_random *random, uint64_t n)
{
	return n ? sim_random_next(random) % n : 0;
}

bool sim_random_chance(struct sim_random *random, unsigned n, unsigned of)
{
	return sim_random_below(random, of) < n;
}

void sim_random_fill(struct sim_random *random, void *bytes, size_t length)
{
	for (size_t i = 0; i < length; i++)
		((uint8_t *)bytes)[i] = (uint8_t)sim_random_next(random);
}
