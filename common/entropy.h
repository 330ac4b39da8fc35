/* SPDX-License-Identifier: MIT */
#ifndef COMMON_ENTROPY_H
#define COMMON_ENTROPY_H

/*
 * Integers in as many bits as their rarity asks for: the sign and the number of bits of each is a
 * symbol, coded with range ANS by how often it comes after one of about that size; the bits below
 * the leading one follow as they are. Denser than common/packed.h, and slower. docs/format.md has the
 * bytes.
 */

#include <stddef.h>
#include <stdint.h>

#include "common/varint.h"

/* Fewer integers than this are never worth it. */
#define ENTROPY_MIN ((size_t)64)

struct entropy; /* scratch memory */

/* @return NULL without memory */
struct entropy *entropy_new(void);

/* Takes NULL. */
void entropy_free(struct entropy *entropy);

/*
 * Look at a column.
 * @param n         ENTROPY_MIN or more
 * @param ret_size  about how many bytes it takes; SIZE_MAX where it cannot be coded this way
 * @return 0 or -ENOMEM
 */
int entropy_plan(struct entropy *entropy, const int64_t *integers, size_t n, size_t *ret_size);

/* What entropy_write() may need. */
size_t entropy_room(size_t n);

/* Write the column that was planned last. @return behind the last byte */
uint8_t *entropy_write(struct entropy *entropy, uint8_t *out, const int64_t *integers, size_t n);

/* Takes all that is left. @return 0; -EBADMSG; -ENOMEM */
int entropy_read(struct entropy *entropy, struct varint_reader *reader, int64_t *ret_integers,
		 size_t n);

#endif
