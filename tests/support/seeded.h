/* SPDX-License-Identifier: MIT */
#ifndef TESTS_SUPPORT_SEEDED_H
#define TESTS_SUPPORT_SEEDED_H

/* Numbers by chance that can be had again: from a seed, the same on every machine. */

#include <stdint.h>

struct seeded {
	uint64_t state;
};

/* Begin with the seed $HM_SEED, or else one of the clock, and print it. */
void seeded_init(struct seeded *seeded);

uint64_t seeded_next(struct seeded *seeded);

/* @param limit  the number is below; not 0 */
uint64_t seeded_below(struct seeded *seeded, uint64_t limit);

#endif
