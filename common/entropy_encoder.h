/* SPDX-License-Identifier: MIT */
#ifndef COMMON_ENTROPY_ENCODER_H
#define COMMON_ENTROPY_ENCODER_H

/* Encodes integers as common/entropy.h says. */

#include <stddef.h>
#include <stdint.h>

#include "common/symbol.h"

struct entropy_encoder; /* scratch memory */

/* @return NULL without memory */
struct entropy_encoder *entropy_encoder_new(void);

/* Takes NULL. */
void entropy_encoder_free(struct entropy_encoder *encoder);

/*
 * Begin with a column.
 * @param n           ENTROPY_MIN or more
 * @param ret_counts  of its symbols; borrowed until the next call
 * @return 0 or -ENOMEM
 */
int entropy_encoder_load(struct entropy_encoder *encoder, const int64_t *integers, size_t n,
			 const struct symbol_counts **ret_counts);

/*
 * Look at the column that was loaded last.
 * @return about how many bytes it takes; SIZE_MAX where it cannot be coded this way
 */
size_t entropy_encoder_plan(struct entropy_encoder *encoder);

/* What entropy_encoder_write() may need for the column that was planned last. */
size_t entropy_encoder_room(const struct entropy_encoder *encoder);

/* Write the column that was planned last. @param integers  as loaded. @return behind the last byte */
uint8_t *entropy_encoder_write(struct entropy_encoder *encoder, uint8_t *out,
			       const int64_t *integers);

#endif
