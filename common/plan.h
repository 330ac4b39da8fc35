/* SPDX-License-Identifier: MIT */
#ifndef COMMON_PLAN_H
#define COMMON_PLAN_H

/* How a column of integers is turned into residuals: (t - base) / divisor, t of some order. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/divisor.h"

/* What the tables of the denser coding cost at least. */
#define PLAN_TABLES_BITS ((uint64_t)500)

struct plan {
	unsigned order; /* differences of so many times */
	int64_t base;
	struct divisor divisor;
	uint64_t cost; /* guessed, in bits of some samples */
};

/* Windows of a long column that are looked at. */
#define PLAN_WINDOWS     8U
#define PLAN_WINDOW      64U
#define PLAN_SAMPLES_MAX ((size_t)PLAN_WINDOWS * PLAN_WINDOW)

/* Scratch memory. */
struct plan_samples {
	int64_t residuals[PLAN_SAMPLES_MAX];
	uint8_t symbols[PLAN_SAMPLES_MAX];
	size_t n;
};

/*
 * Choose an order and a base by looking at some of the values.
 * @param best      its divisor is set before
 * @param is_dense  for the denser coding, where that is smaller
 */
void plan_choose(struct plan *best, const int64_t *values, size_t n, bool is_dense,
		 struct plan_samples *samples);

/* @param values  of the first residual; as many as the order stand before it */
void plan_make_residuals(const struct plan *plan, const int64_t *values, size_t n,
			 int64_t *ret_residuals);

#endif
