/* SPDX-License-Identifier: MIT */
/* The times of a series, with and without samples. */

#include "tests/support/ticks.h"

#include <errno.h>
#include <stdbool.h>

#include "collector/query.h"
#include "hostmetrics/format.h"

/* So much is held of what is read: the more, the fewer times a long series is looked at. */
#define MEMORY_BYTES ((int64_t)4 << 20)

/* A time is given when the next one is later. */
struct ticks {
	struct engine *engine;
	const struct ticks_wish *wish;
	struct budget memory;
	uint64_t n_lost;
	bool has_tick;
	int64_t time_us;
	uint8_t reason;
};

static int give(struct ticks *ticks)
{
	if (!ticks->has_tick)
		return 0;
	ticks->has_tick = false;
	return ticks->wish->take(ticks->wish->context, ticks->time_us, ticks->reason);
}

static int take_tick(struct ticks *ticks, int64_t time_us, uint8_t reason)
{
	int result;

	if (ticks->has_tick && time_us == ticks->time_us) {
		/* A sample is there, whatever was said before or behind it. */
		if (ticks->reason != HM_REASON_NONE)
			ticks->reason = reason;
		return 0;
	}
	result = give(ticks);
	ticks->has_tick = true;
	ticks->time_us = time_us;
	ticks->reason = reason;
	return result;
}

static int take_piece(struct ticks *ticks, const struct query_piece *piece)
{
	int result = 0;

	for (size_t i = 0; i < piece->n && result == 0; i++)
		result = take_tick(ticks, piece->times_us[i], (uint8_t)piece->values[i]);
	return result;
}

/* @return 0; -ENOBUFS, and nothing was taken; -errno */
static int read_span(struct ticks *ticks, int64_t since_us, int64_t until_us)
{
	const struct ticks_wish *wish = ticks->wish;
	const struct query_options options = {
		.chosen = &wish->series,
		.n_chosen = 1,
		.since_us = since_us,
		.until_us = until_us,
		.is_of_ticks = true,
		.limits = {&ticks->memory, wish->check, wish->context},
	};
	struct query_piece piece;
	struct query *query;
	int result = query_open(ticks->engine, &options, &query);

	if (result < 0)
		return result;
	while ((result = query_next_piece(query, &piece)) > 0) {
		result = take_piece(ticks, &piece);
		if (result < 0)
			break;
	}
	if (result != -ENOBUFS)
		ticks->n_lost += query_n_lost(query);
	query_free(query);
	return result;
}

/* The half of the way, without overflow. */
static int64_t middle(int64_t low, int64_t high)
{
	return (int64_t)((uint64_t)low + ((uint64_t)high - (uint64_t)low) / 2);
}

/* Twice as far from `low`, at most up to `max`. */
static int64_t widen(int64_t low, uint64_t width, int64_t max)
{
	uint64_t room = (uint64_t)max - (uint64_t)low;

	return width > room / 2 ? max : (int64_t)((uint64_t)low + width * 2);
}

/* Read some time after the other, as much of it as fits into the memory. */
static int read_all(struct ticks *ticks)
{
	const struct ticks_wish *wish = ticks->wish;
	int64_t low = wish->since_us;
	int64_t high = wish->until_us;

	for (;;) {
		int result = read_span(ticks, low, high);
		uint64_t width = (uint64_t)high - (uint64_t)low;

		if (result == -ENOBUFS && low < high) {
			high = middle(low, high);
			continue;
		}
		if (result < 0 || high >= wish->until_us)
			return result;
		low = high + 1;
		high = widen(low, width > 0 ? width : 1, wish->until_us);
	}
}

int ticks_read(struct engine *engine, const struct ticks_wish *wish, uint64_t *ret_n_lost)
{
	struct ticks ticks = {.engine = engine, .wish = wish, .memory.max = MEMORY_BYTES};
	int result = read_all(&ticks);

	*ret_n_lost = ticks.n_lost;
	return result == 0 ? give(&ticks) : result;
}
