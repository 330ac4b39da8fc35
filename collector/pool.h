/* SPDX-License-Identifier: MIT */
#ifndef COLLECTOR_POOL_H
#define COLLECTOR_POOL_H

/*
 * Things of one size, numbered from 0 on, that are never taken out again and never move: pointers to them
 * stay valid. Takes no memory beside them but for the last piece. Zeroed but for item_bytes = empty.
 */

#include <stddef.h>

#define POOL_PIECE_ITEMS ((size_t)512)

struct pool {
	size_t item_bytes; /* a multiple of what their alignment asks for */
	size_t n;
	char **pieces;
	size_t n_pieces;
	size_t pieces_capacity;
};

/* @param number  below pool->n */
static inline void *pool_at(const struct pool *pool, size_t number)
{
	return pool->pieces[number / POOL_PIECE_ITEMS] +
	       number % POOL_PIECE_ITEMS * pool->item_bytes;
}

/* Room for one more, zeroed. It counts once pool->n does. @return NULL without memory */
void *pool_make(struct pool *pool);

/* Release the memory; it is empty again. */
void pool_done(struct pool *pool);

#endif
