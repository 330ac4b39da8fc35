/* SPDX-License-Identifier: MIT */
/* The ticks of the spool that no BATCH supersedes, kept in memory beside the disk. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/spool_part.h"
#include "common/array.h"

/* Of a segment, at most, for all ticks that wait. */
#define TICKS_PART 4

/* Payloads are given so much more than they need, so that the memory of one does for the next. */
#define SPARE_PART 8

/* Memory of ticks that were dropped is kept for so many times as many as there were. */
#define SPARES_PART 2

size_t spool_ticks_max(const struct spool *spool)
{
	uint64_t part = spool->options.segment_bytes / TICKS_PART;

	return part < SPOOL_TICKS_MAX_BYTES ? (size_t)part : SPOOL_TICKS_MAX_BYTES;
}

size_t spool_tick_bytes(size_t length)
{
	return log_file_record_bytes(length);
}

size_t spool_ticks_bytes(const struct spool *spool)
{
	return spool->ticks_bytes + spool->n_ticks * spool_tick_bytes(0);
}

/* Have a place behind the ticks. @return 0 or -ENOMEM */
static int make_place(struct spool *spool)
{
	struct spool_kept_tick *ticks;

	if (spool->n_ticks < spool->n_tick_places)
		return 0;
	ticks = array_grow(spool->ticks, spool->n_ticks, &spool->ticks_capacity, sizeof(*ticks));
	if (!ticks)
		return -ENOMEM;
	spool->ticks = ticks;
	ticks[spool->n_tick_places++] = (struct spool_kept_tick){.payload = NULL};
	return 0;
}

/* Have memory there, too. @return 0 or -ENOMEM */
static int make_room(struct spool_kept_tick *place, size_t payload_bytes)
{
	const size_t capacity = payload_bytes + payload_bytes / SPARE_PART;
	uint8_t *payload;

	if (place->capacity >= payload_bytes)
		return 0;
	payload = realloc(place->payload, capacity);
	if (!payload)
		return -ENOMEM;
	place->payload = payload;
	place->capacity = capacity;
	return 0;
}

int spool_add_tick(struct spool *spool, size_t at, const struct spool_kept_tick *tick,
		   const void *payload)
{
	struct spool_kept_tick added;
	int result = make_place(spool);

	if (result < 0)
		return result;
	added = spool->ticks[spool->n_ticks];
	result = make_room(&added, tick->payload_bytes);
	if (result < 0)
		return result;
	memmove(spool->ticks + at + 1, spool->ticks + at,
		(spool->n_ticks - at) * sizeof(*spool->ticks));
	memcpy(added.payload, payload, tick->payload_bytes);
	added.payload_bytes = tick->payload_bytes;
	added.number = tick->number;
	added.is_written = tick->is_written;
	spool->ticks[at] = added;
	spool->n_ticks++;
	spool->ticks_bytes += tick->payload_bytes;
	return 0;
}

static void free_spares(struct spool *spool, size_t n_left)
{
	while (spool->n_tick_places > n_left)
		free(spool->ticks[--spool->n_tick_places].payload);
}

void spool_drop_ticks(struct spool *spool, uint64_t first, uint64_t last)
{
	const size_t n_before = spool->n_ticks;
	size_t n_kept = 0;

	for (size_t i = 0; i < n_before; i++) {
		const struct spool_kept_tick tick = spool->ticks[i];

		if (tick.number >= first && tick.number <= last) {
			spool->ticks_bytes -= tick.payload_bytes;
			continue;
		}
		/* What was dropped goes behind those that stay. */
		spool->ticks[i] = spool->ticks[n_kept];
		spool->ticks[n_kept++] = tick;
	}
	spool->n_ticks = n_kept;
	free_spares(spool, SPARES_PART * n_before);
}

void spool_free_ticks(struct spool *spool)
{
	spool->n_ticks = 0;
	spool->ticks_bytes = 0;
	free_spares(spool, 0);
	free(spool->ticks);
	spool->ticks = NULL;
}
