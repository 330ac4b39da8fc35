/* SPDX-License-Identifier: MIT */
#ifndef COLLECTOR_TEXT_POOL_H
#define COLLECTOR_TEXT_POOL_H

/*
 * Texts that many things have in common, each kept once, for good: names of metrics, label sets, units. Pointers to
 * them stay valid, and equal texts have equal pointers. Zeroed = empty.
 */

#include <stddef.h>
#include <stdint.h>

#include "collector/hash.h"
#include "collector/number_table.h"

/* A longer one is refused. */
#define TEXT_POOL_MAX_BYTES ((size_t)UINT16_MAX)

struct text_pool {
	struct number_table table; /* by where a text begins: number of the piece, then the byte */
	char **pieces;
	size_t n_pieces;
	size_t pieces_capacity;
	size_t n_used; /* bytes of the last piece */
};

/*
 * Have a text.
 * @return it, ended by a NUL; NULL: it is too long, or there is no memory
 */
const char *text_pool_get(struct text_pool *pool, const struct hash_key *key, const char *text,
			  size_t length);

/* Release the memory; it is empty again. */
void text_pool_done(struct text_pool *pool);

#endif
