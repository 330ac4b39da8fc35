/* SPDX-License-Identifier: MIT */
#ifndef TESTS_SUPPORT_SIM_RANDOM_H
#define TESTS_SUPPORT_SIM_RANDOM_H

/* Random numbers that a seed makes again, on every machine the same. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Zeroed = seed 0; to be set to any number. */
struct sim_random {
	uint64_t state;
};

uint64_t sim_random_next(struct sim_random *random);

/* @return 0 to n - 1; 0 for n = 0 */
uint64_t sim_random_below(struct sim_random *random, uint64_t n);

/* True in `n` of `of` cases. */
bool sim_random_chance(struct sim_random *random, unsigned n, unsigned of);

void sim_random_fill(struct sim_random *random, void *bytes, size_t length);

#endif
