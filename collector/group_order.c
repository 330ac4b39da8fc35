/* SPDX-License-Identifier: MIT */
/* The order of a group's runs. */

#include "collector/group_order.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/array.h"

#define NONE       UINT32_MAX
#define SLOTS_MIN  ((size_t)1024)
#define RADIX_BITS 8U
#define RADIX      (1U << RADIX_BITS)

/* A side of a series: its runs stay together. */
struct side {
	struct catalog_series *series;
	uint32_t n_runs;
	uint32_t next;  /* which had the run after its last one: likely the same again */
	uint32_t place; /* of its next run in the order */
	uint8_t side;
};

/* What sides are sorted by, the last word first. */
enum { WORD_FILE, WORD_SERIES, N_WORDS };

struct sort_key {
	uint64_t words[N_WORDS];
	uint32_t side; /* which of the sides */
};

struct sides {
	struct side *at; /* in the order of their first runs */
	size_t n;
	size_t capacity;
	uint32_t *slots; /* by hash: index of a side, or NONE */
	size_t n_slots;  /* a power of 2 */
	struct sort_key *keys;
	struct sort_key *other_keys;
};

static size_t hash(const struct catalog_series *series, uint8_t side)
{
	uint64_t number = ((uint64_t)(uintptr_t)series + side) * UINT64_C(0x9e3779b97f4a7c15);

	return (size_t)(number >> 32);
}

static uint32_t *find_slot(const struct sides *sides, const struct catalog_series *series,
			   uint8_t side)
{
	size_t slot = hash(series, side) & (sides->n_slots - 1);

	while (sides->slots[slot] != NONE) {
		const struct side *found = &sides->at[sides->slots[slot]];

		if (found->series == series && found->side == side)
			break;
		slot = (slot + 1) & (sides->n_slots - 1);
	}
	return &sides->slots[slot];
}

/* Have twice as many slots. */
static int grow_slots(struct sides *sides)
{
	size_t n_slots = sides->n_slots ? sides->n_slots * 2 : SLOTS_MIN;
	uint32_t *slots = reallocarray(NULL, n_slots, sizeof(*slots));

	if (!slots)
		return -ENOMEM;
	memset(slots, 0xff, n_slots * sizeof(*slots));
	free(sides->slots);
	sides->slots = slots;
	sides->n_slots = n_slots;
	for (size_t i = 0; i < sides->n; i++)
		*find_slot(sides, sides->at[i].series, sides->at[i].side) = (uint32_t)i;
	return 0;
}

static int add_side(struct sides *sides, const struct group_run *run, uint32_t *ret_index)
{
	struct side *at = array_grow(sides->at, sides->n, &sides->capacity, sizeof(*at));

	if (!at)
		return -ENOMEM;
	sides->at = at;
	at[sides->n] = (struct side){
		.series = run->series, .next = (uint32_t)sides->n + 1, .side = run->side};
	*ret_index = (uint32_t)sides->n++;
	return 0;
}

static int find_or_add(struct sides *sides, const struct group_run *run, uint32_t *ret_index)
{
	uint32_t *slot;

	if (2 * sides->n >= sides->n_slots && grow_slots(sides) < 0)
		return -ENOMEM;
	slot = find_slot(sides, run->series, run->side);
	if (*slot == NONE && add_side(sides, run, slot) < 0)
		return -ENOMEM;
	*ret_index = *slot;
	assert(sides->at && *ret_index < sides->n);
	return 0;
}

static bool is_of(const struct sides *sides, uint32_t index, const struct group_run *run)
{
	return index < sides->n && sides->at[index].series == run->series &&
	       sides->at[index].side == run->side;
}

/* Find all sides and how many runs each has; a run's index becomes that of its side. */
static int count_runs(struct sides *sides, struct group_run *runs, size_t n)
{
	uint32_t index = 0;

	for (size_t i = 0; i < n; i++) {
		uint32_t before = index;

		index = sides->at ? sides->at[before].next : 0;
		if (!is_of(sides, index, &runs[i])) {
			int result = find_or_add(sides, &runs[i], &index);

			if (result < 0)
				return result;
			sides->at[before].next = index;
		}
		runs[i].index = index;
		sides->at[index].n_runs++;
	}
	return 0;
}

/* Sort by one byte of a word, keeping the order of equal ones. */
static void sort_by_byte(const struct sort_key *keys, size_t n, unsigned word, unsigned shift,
			 struct sort_key *ret_keys)
{
	size_t places[RADIX] = {0};
	size_t place = 0;

	for (size_t i = 0; i < n; i++)
		places[keys[i].words[word] >> shift & (RADIX - 1)]++;
	for (size_t i = 0; i < RADIX; i++) {
		size_t n_equal = places[i];

		places[i] = place;
		place += n_equal;
	}
	for (size_t i = 0; i < n; i++)
		ret_keys[places[keys[i].words[word] >> shift & (RADIX - 1)]++] = keys[i];
}

/* Bytes that all have alike are passed over. */
static void sort_by_word(struct sides *sides, unsigned word)
{
	uint64_t unlike = 0;

	for (size_t i = 0; i < sides->n; i++)
		unlike |= sides->keys[i].words[word] ^ sides->keys[0].words[word];
	for (unsigned shift = 0; shift < 64; shift += RADIX_BITS) {
		struct sort_key *sorted = sides->other_keys;

		if ((unlike >> shift & (RADIX - 1)) == 0)
			continue;
		sort_by_byte(sides->keys, sides->n, word, shift, sorted);
		sides->other_keys = sides->keys;
		sides->keys = sorted;
	}
}

/* Give each side the place of its first run. */
static int place_sides(struct sides *sides)
{
	uint32_t place = 0;

	sides->keys = calloc(sides->n + 1, sizeof(*sides->keys));
	sides->other_keys = calloc(sides->n + 1, sizeof(*sides->other_keys));
	if (!sides->keys || !sides->other_keys)
		return -ENOMEM;
	for (size_t i = 0; i < sides->n; i++) {
		const struct side *side = &sides->at[i];

		sides->keys[i] = (struct sort_key){
			.words[WORD_FILE] = (uintptr_t)side->series->file,
			.words[WORD_SERIES] = (uint64_t)side->side << 32 | side->series->id,
			.side = (uint32_t)i,
		};
	}
	sort_by_word(sides, WORD_SERIES);
	sort_by_word(sides, WORD_FILE);
	for (size_t i = 0; i < sides->n; i++) {
		struct side *side = &sides->at[sides->keys[i].side];

		side->place = place;
		place += side->n_runs;
	}
	return 0;
}

/* Copy each run to its place. In place it would wait for memory: each next one would be known only from
 * where the one before goes. */
static void place_runs(struct sides *sides, const struct group_run *runs, size_t n,
		       struct group_run *ret_runs)
{
	for (size_t i = 0; i < n; i++)
		ret_runs[sides->at[runs[i].index].place++] = runs[i];
}

int group_order(struct group_run **runs, size_t n, size_t capacity)
{
	struct group_run *ordered;
	struct sides sides = {0};
	int result;

	if (n == 0)
		return 0;
	ordered = array_new(capacity, sizeof(*ordered));
	result = ordered ? count_runs(&sides, *runs, n) : -ENOMEM;
	if (result == 0)
		result = place_sides(&sides);
	if (result == 0) {
		place_runs(&sides, *runs, n, ordered);
		free(*runs);
		*runs = ordered;
		ordered = NULL;
	}
	free(ordered);
	free(sides.at);
	free(sides.slots);
	free(sides.keys);
	free(sides.other_keys);
	return result;
}
