/* SPDX-License-Identifier: MIT */
#ifndef COMMON_PACKED_H
#define COMMON_PACKED_H

/*
 * Integers in a fixed number of bits each, and the few that do not fit one by one behind them: fast,
 * and small where most are about as large. docs/format.md has the bytes.
 */

#include <stddef.h>
#include <stdint.h>

#include "common/symbol.h"
#include "common/varint.h"

/* How many of a column's integers have so many bits, once folded. */
struct packed_widths {
	uint32_t n[65];
	unsigned last; /* no integer has more bits */
};

/* Add integers to the counts. */
void packed_count(const int64_t *integers, size_t n, struct packed_widths *widths);

/* Set the counts by those of the symbols: seldom one bit more than an integer has. */
void packed_guess(const struct symbol_counts *counts, struct packed_widths *ret_widths);

/* @return bytes of the smallest form, at most. @param ret_width  of that */
size_t packed_size(const struct packed_widths *widths, size_t n, unsigned *ret_width);

/* What packed_write() may need for so many integers, of these widths, in so many bits. */
size_t packed_room(const struct packed_widths *widths, size_t n, unsigned width);

/* @return behind the last byte */
uint8_t *packed_write(uint8_t *out, const int64_t *integers, size_t n, unsigned width);

/* The same in no bits each, where all but these few are 0. @param places  of them, growing */
uint8_t *packed_write_few(uint8_t *out, const size_t *places, const int64_t *integers,
			  size_t n_few);

/* Takes all that is left. @return 0 or -EBADMSG */
int packed_read(struct varint_reader *reader, int64_t *ret_integers, size_t n);

#endif
