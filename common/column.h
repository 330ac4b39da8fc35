/* SPDX-License-Identifier: MIT */
#ifndef COMMON_COLUMN_H
#define COMMON_COLUMN_H

/*
 * The values of one series as bytes: integers by one of a few formulas (common/decimal.h), and the
 * few values that the formula does not give as they are. docs/format.md has the bytes.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buffer.h"
#include "common/varint.h"

/* Bits of a column's encoding. */
#define COLUMN_CODING      0x03U /* enum integers_coding */
#define COLUMN_ORDER_SHIFT 2U    /* two bits: differences of so many times */
#define COLUMN_HAS_ODD     0x10U /* values that the formula does not give */
#define COLUMN_HAS_RUNS    0x20U /* not of the column but of the block: not every time has a sample */

struct column; /* scratch memory */

/* @return NULL without memory */
struct column *column_new(void);

/* Takes NULL. */
void column_free(struct column *column);

/*
 * Append the bytes of a column's values.
 * @param n             may be 0
 * @param ret_encoding  is not among the bytes
 * @return 0 or -ENOMEM
 */
int column_encode(struct column *column, const double *values, size_t n, bool is_dense,
		  uint8_t *ret_encoding, struct buffer *out);

/* Does this version know the encoding? */
bool column_is_known(uint8_t encoding);

/*
 * Decode a column's values.
 * @param encoding  a known one
 * @param reader    all of what is left is consumed
 * @return 0; -EBADMSG; -ENOMEM
 */
int column_decode(struct column *column, uint8_t encoding, struct varint_reader *reader,
		  double *ret_values, size_t n);

#endif
