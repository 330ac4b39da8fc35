/* SPDX-License-Identifier: MIT */
/* Numbers by chance that can be had again. */

#include "tests/support/seeded.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

void seeded_init(struct seeded *seeded)
{
	const char *text = getenv("HM_SEED");
	struct timespec now;

	(void)clock_gettime(CLOCK_REALTIME, &now);
	seeded->state = text ? strtoull(text, NULL, 10)
			     : (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
	(void)fprintf(stderr, "HM_SEED=%" PRIu64 "\n", seeded->state);
}

/* SplitMix64. */
uint64_t seeded_next(struct seeded *seeded)
{
	uint64_t number = seeded->state += UINT64_C(0x9e3779b97f4a7c15);

	number = (number ^ number >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	number = (number ^ number >> 27) * UINT64_C(0x94d049bb133111eb);
	return number ^ number >> 31;
}

uint64_t seeded_below(struct seeded *seeded, uint64_t limit)
{
	return seeded_next(seeded) % limit;
}
