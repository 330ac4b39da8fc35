/* SPDX-License-Identifier: MIT */
/* What a session declared of its metrics: names in one run of bytes, found by a hash table. */

#include "collector/declarations.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/buffer.h"

#define SLOTS_FIRST 32

struct declaration {
	uint32_t metric_offset;
	uint32_t unit_offset;
	uint16_t metric_length;
	uint8_t unit_length;
	uint8_t kind;
};

struct declarations {
	struct declaration *at;
	uint32_t n;
	uint32_t last;    /* the one found last: lines of a metric come one after the other */
	uint16_t *slots;  /* number of a declaration plus 1; 0 = free */
	uint32_t n_slots; /* a power of two, at least twice n */
	struct buffer text;
	struct budget *budget; /* NULL = none */
	int64_t charged_bytes; /* to it */
};

_Static_assert(DECLARATIONS_MAX < UINT16_MAX, "a slot holds the number of a declaration");

/* Before memory is taken. @return 0 or -ENOSPC */
static int charge(struct declarations *declarations, size_t n_bytes)
{
	if (declarations->budget && !budget_take(declarations->budget, (int64_t)n_bytes))
		return -ENOSPC;
	declarations->charged_bytes += (int64_t)n_bytes;
	return 0;
}

int declarations_new(struct budget *budget, struct declarations **ret_declarations)
{
	struct declarations *declarations = calloc(1, sizeof(*declarations));
	int result;

	if (!declarations)
		return -ENOMEM;
	declarations->budget = budget;
	result = charge(declarations, sizeof(*declarations));
	if (result < 0) {
		free(declarations);
		return result;
	}
	*ret_declarations = declarations;
	return 0;
}

void declarations_free(struct declarations *declarations)
{
	if (!declarations)
		return;
	free(declarations->at);
	free(declarations->slots);
	buffer_done(&declarations->text);
	if (declarations->budget)
		budget_give(declarations->budget, declarations->charged_bytes);
	free(declarations);
}

static bool names_metric(const struct declarations *declarations, uint32_t number,
			 const struct series_text *metric)
{
	const struct declaration *declaration = &declarations->at[number];

	return declaration->metric_length == metric->length &&
	       memcmp(declarations->text.data + declaration->metric_offset, metric->start,
		      metric->length) == 0;
}

/* The slot of the metric, or the free one where it belongs. */
static uint16_t *find_slot(const struct declarations *declarations, uint64_t hash,
			   const struct series_text *metric)
{
	uint32_t mask = declarations->n_slots - 1;
	uint32_t i = (uint32_t)hash & mask;

	while (declarations->slots[i] &&
	       !names_metric(declarations, declarations->slots[i] - 1u, metric))
		i = (i + 1) & mask;
	return &declarations->slots[i];
}

static struct declaration *find(struct declarations *declarations, const struct hash_key *key,
				const struct series_text *metric)
{
	uint16_t slot;

	if (declarations->n == 0)
		return NULL;
	if (names_metric(declarations, declarations->last, metric))
		return &declarations->at[declarations->last];
	slot = *find_slot(declarations, hash_bytes(key, metric->start, metric->length), metric);
	if (slot == 0)
		return NULL;
	declarations->last = slot - 1u;
	return &declarations->at[declarations->last];
}

/* Twice as many slots and room for half as many declarations. @return 0, -ENOSPC or -ENOMEM */
static int grow(struct declarations *declarations, const struct hash_key *key)
{
	uint32_t n_slots = declarations->n_slots ? declarations->n_slots * 2 : SLOTS_FIRST;
	uint32_t n_more = n_slots - declarations->n_slots;
	struct declaration *at;
	uint16_t *slots;
	int result = charge(declarations, n_more * sizeof(*slots) + n_more / 2 * sizeof(*at));

	if (result < 0)
		return result;
	slots = calloc(n_slots, sizeof(*slots));
	at = reallocarray(declarations->at, n_slots / 2, sizeof(*at));
	if (at)
		declarations->at = at;
	if (!slots || !at) {
		free(slots);
		return -ENOMEM;
	}
	free(declarations->slots);
	declarations->slots = slots;
	declarations->n_slots = n_slots;
	for (uint32_t i = 0; i < declarations->n; i++) {
		struct series_text metric = {declarations->text.data + at[i].metric_offset,
					     at[i].metric_length};
		uint64_t hash = hash_bytes(key, metric.start, metric.length);

		*find_slot(declarations, hash, &metric) = (uint16_t)(i + 1);
	}
	return 0;
}

/* Append text that is kept. @return 0, -ENOSPC or -ENOMEM */
static int keep_text(struct declarations *declarations, const struct series_text *text,
		     uint32_t *ret_offset)
{
	size_t offset = declarations->text.length;

	if (text->length > DECLARATIONS_MAX_BYTES - offset ||
	    charge(declarations, text->length) < 0)
		return -ENOSPC;
	buffer_append(&declarations->text, text->start, text->length);
	if (buffer_failed(&declarations->text)) {
		declarations->text.failed = false;
		return -ENOMEM;
	}
	*ret_offset = (uint32_t)offset;
	return 0;
}

static int make(struct declarations *declarations, const struct hash_key *key,
		const struct series_text *metric, struct declaration **ret_declaration)
{
	uint32_t offset;
	int result = 0;

	if (declarations->n == DECLARATIONS_MAX)
		return -ENOSPC;
	if (metric->length > HM_METRIC_NAME_MAX_BYTES)
		return -EINVAL;
	if (declarations->n >= declarations->n_slots / 2)
		result = grow(declarations, key);
	if (result == 0)
		result = keep_text(declarations, metric, &offset);
	if (result < 0)
		return result;

	declarations->at[declarations->n] = (struct declaration){
		.metric_offset = offset,
		.metric_length = (uint16_t)metric->length,
	};
	*find_slot(declarations, hash_bytes(key, metric->start, metric->length), metric) =
		(uint16_t)(declarations->n + 1);
	*ret_declaration = &declarations->at[declarations->n];
	declarations->n++;
	return 0;
}

static int set_unit(struct declarations *declarations, struct declaration *declaration,
		    const struct series_text *unit)
{
	uint32_t offset;
	int result;

	/* A sender that says it again and again shall not fill the memory. */
	if (declaration->unit_length == unit->length &&
	    (unit->length == 0 || memcmp(declarations->text.data + declaration->unit_offset,
					 unit->start, unit->length) == 0))
		return 0;
	result = keep_text(declarations, unit, &offset);
	if (result < 0)
		return result;
	declaration->unit_offset = offset;
	declaration->unit_length = (uint8_t)unit->length;
	return 0;
}

int declarations_add(struct declarations *declarations, const struct hash_key *key,
		     const struct line *line)
{
	const struct series_text *metric = &line->series.metric;
	struct declaration *declaration;

	if (line->type == LINE_UNIT && line->unit.length > BUNDLE_UNIT_MAX_BYTES)
		return -EINVAL;
	declaration = find(declarations, key, metric);
	if (!declaration) {
		int result = make(declarations, key, metric, &declaration);

		if (result < 0)
			return result;
	}
	if (line->type == LINE_UNIT)
		return set_unit(declarations, declaration, &line->unit);
	declaration->kind = (uint8_t)line->kind;
	return 0;
}

struct bundle_meta declarations_find(struct declarations *declarations, const struct hash_key *key,
				     const struct series_text *metric)
{
	const struct declaration *declaration = find(declarations, key, metric);

	if (!declaration)
		return (struct bundle_meta){0};
	return (struct bundle_meta){
		.kind = declaration->kind,
		.unit = declarations->text.data + declaration->unit_offset,
		.unit_length = declaration->unit_length,
	};
}
