/* SPDX-License-Identifier: MIT */
/* Texts, each kept once, in pieces of memory that never move. */

#include "collector/text_pool.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/array.h"

#define OFFSET_BITS 17U
#define PIECE_BYTES ((size_t)1 << OFFSET_BITS)
#define PIECES_MAX  ((size_t)1 << (32U - OFFSET_BITS))

/* Before each text lies its length. */
#define LENGTH_BYTES sizeof(uint16_t)

_Static_assert(LENGTH_BYTES + TEXT_POOL_MAX_BYTES < PIECE_BYTES,
	       "the longest text fits into a piece");

/* What is looked for, and where. */
struct wish {
	const struct text_pool *pool;
	const char *text;
	size_t length;
};

static char *text_at(const struct text_pool *pool, uint32_t place)
{
	return pool->pieces[place >> OFFSET_BITS] + (place & (PIECE_BYTES - 1));
}

static bool is_text(uint32_t place, const void *key)
{
	const struct wish *wish = key;
	const char *text = text_at(wish->pool, place);
	uint16_t length;

	memcpy(&length, text - LENGTH_BYTES, sizeof(length));
	return length == wish->length && memcmp(text, wish->text, wish->length) == 0;
}

static bool add_piece(struct text_pool *pool)
{
	char *piece;
	char **pieces;

	/* The last place of all would be no number. */
	if (pool->n_pieces + 1 >= PIECES_MAX)
		return false;
	piece = malloc(PIECE_BYTES);
	if (!piece)
		return false;
	pieces = array_grow(pool->pieces, pool->n_pieces, &pool->pieces_capacity, sizeof(*pieces));
	if (!pieces) {
		free(piece);
		return false;
	}
	pieces[pool->n_pieces++] = piece;
	pool->pieces = pieces;
	pool->n_used = 0;
	return true;
}

/* Have room for so many bytes in the last piece. */
static bool make_room(struct text_pool *pool, size_t n_bytes)
{
	return (pool->n_pieces > 0 && PIECE_BYTES - pool->n_used >= n_bytes) || add_piece(pool);
}

const char *text_pool_get(struct text_pool *pool, const struct hash_key *key, const char *text,
			  size_t length)
{
	struct wish wish = {pool, text, length};
	uint64_t hash = hash_bytes(key, text, length);
	uint32_t place = number_table_find(&pool->table, hash, is_text, &wish);
	uint16_t short_length = (uint16_t)length;
	char *copy;

	if (place != NUMBER_TABLE_NONE)
		return text_at(pool, place);
	if (length > TEXT_POOL_MAX_BYTES || !make_room(pool, LENGTH_BYTES + length + 1))
		return NULL;
	place = (uint32_t)(((pool->n_pieces - 1) << OFFSET_BITS) + pool->n_used + LENGTH_BYTES);
	if (number_table_add(&pool->table, hash, place) < 0)
		return NULL;
	copy = text_at(pool, place);
	memcpy(copy - LENGTH_BYTES, &short_length, LENGTH_BYTES);
	memcpy(copy, text, length);
	copy[length] = '\0';
	pool->n_used += LENGTH_BYTES + length + 1;
	return copy;
}

void text_pool_done(struct text_pool *pool)
{
	for (size_t i = 0; i < pool->n_pieces; i++)
		free(pool->pieces[i]);
	free(pool->pieces);
	number_table_done(&pool->table);
	*pool = (struct text_pool){0};
}
