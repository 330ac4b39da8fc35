/* SPDX-License-Identifier: MIT */
/* Things of one size that never move, in pieces of memory. */

#include "collector/pool.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/array.h"

static bool add_piece(struct pool *pool)
{
	char *piece = calloc(POOL_PIECE_ITEMS, pool->item_bytes);
	char **pieces;

	if (!piece)
		return false;
	pieces = array_grow(pool->pieces, pool->n_pieces, &pool->pieces_capacity, sizeof(*pieces));
	if (!pieces) {
		free(piece);
		return false;
	}
	pieces[pool->n_pieces++] = piece;
	pool->pieces = pieces;
	return true;
}

void *pool_make(struct pool *pool)
{
	void *item;

	if (pool->n == pool->n_pieces * POOL_PIECE_ITEMS && !add_piece(pool))
		return NULL;
	item = pool_at(pool, pool->n);
	/* One that was made before and did not count in the end. */
	memset(item, 0, pool->item_bytes);
	return item;
}

void pool_done(struct pool *pool)
{
	for (size_t i = 0; i < pool->n_pieces; i++)
		free(pool->pieces[i]);
	free(pool->pieces);
	*pool = (struct pool){.item_bytes = pool->item_bytes};
}
