/* SPDX-License-Identifier: MIT */
/* A list of every sample that was given to a store. */

#include "tests/support/ledger.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *grow(void *memory, size_t n, size_t size)
{
	void *grown = reallocarray(memory, n + 1, size);

	if (!grown)
		abort();
	return grown;
}

static uint64_t bits_of(double value)
{
	uint64_t bits;

	memcpy(&bits, &value, sizeof(bits));
	return bits;
}

void ledger_done(struct ledger *ledger)
{
	free(ledger->samples);
	free(ledger->series);
	free(ledger->order);
	*ledger = (struct ledger){0};
}

void ledger_copy(struct ledger *to, const struct ledger *from)
{
	*to = *from;
	to->order = NULL;
	to->n_order = 0;
	to->samples = grow(NULL, from->samples_capacity, sizeof(*to->samples));
	to->series = grow(NULL, from->series_capacity, sizeof(*to->series));
	if (from->n_samples)
		memcpy(to->samples, from->samples, from->n_samples * sizeof(*to->samples));
	if (from->n_series)
		memcpy(to->series, from->series, from->n_series * sizeof(*to->series));
}

void ledger_complain(struct ledger *ledger, const char *format, ...)
{
	va_list arguments;

	if (ledger->problem[0])
		return;
	va_start(arguments, format);
	(void)vsnprintf(ledger->problem, sizeof(ledger->problem), format, arguments);
	va_end(arguments);
}

/* @return the series' number; n_series when it is not known */
static unsigned find_series(struct ledger *ledger, const char *name)
{
	if (ledger->recent < ledger->n_series &&
	    strcmp(ledger->series[ledger->recent].name, name) == 0)
		return ledger->recent;
	ledger->recent = 0;
	while (ledger->recent < ledger->n_series &&
	       strcmp(ledger->series[ledger->recent].name, name) != 0)
		ledger->recent++;
	return ledger->recent;
}

static unsigned get_series(struct ledger *ledger, const char *name)
{
	unsigned number = find_series(ledger, name);

	if (number < ledger->n_series)
		return number;
	if (ledger->n_series == ledger->series_capacity) {
		ledger->series_capacity = ledger->series_capacity * 2 + 16;
		ledger->series =
			grow(ledger->series, ledger->series_capacity, sizeof(*ledger->series));
	}
	ledger->series[ledger->n_series] = (struct ledger_series){0};
	(void)snprintf(ledger->series[ledger->n_series].name, LEDGER_NAME_MAX_BYTES, "%s", name);
	return ledger->n_series++;
}

/* Is it older than its host's horizon? */
static void expire_sample(struct ledger *ledger, struct ledger_sample *sample)
{
	const char *name = ledger->series[sample->series].name;

	for (unsigned i = 0; i < ledger->n_horizons; i++) {
		const struct ledger_horizon *horizon = &ledger->horizons[i];
		size_t length = strlen(horizon->host);

		if (strncmp(name, horizon->host, length) != 0 || name[length] != ' ' ||
		    sample->state == LEDGER_GONE)
			continue;
		if (sample->time_us < horizon->durable_us) {
			sample->state = LEDGER_GONE;
			sample->is_dying = false;
			sample->is_deleted = true;
			ledger->n_expired++;
		} else if (sample->time_us < horizon->given_us) {
			sample->is_dying = true;
		}
	}
}

void ledger_give(struct ledger *ledger, const char *name, int64_t time_us, double value)
{
	unsigned series = get_series(ledger, name);

	if (ledger->n_samples == ledger->samples_capacity) {
		ledger->samples_capacity = ledger->samples_capacity * 2 + 64;
		ledger->samples =
			grow(ledger->samples, ledger->samples_capacity, sizeof(*ledger->samples));
	}
	ledger->samples[ledger->n_samples] = (struct ledger_sample){
		.series = series,
		.state = LEDGER_GIVEN,
		.time_us = time_us,
		.bits = bits_of(value),
	};
	expire_sample(ledger, &ledger->samples[ledger->n_samples++]);
}

void ledger_delete(struct ledger *ledger, const char *name, int64_t since_us, int64_t until_us)
{
	unsigned series = find_series(ledger, name);

	for (size_t i = 0; i < ledger->n_samples; i++) {
		struct ledger_sample *sample = &ledger->samples[i];

		if (sample->series == series && sample->time_us >= since_us &&
		    sample->time_us <= until_us && sample->state != LEDGER_GONE)
			sample->is_dying = true;
	}
}

static struct ledger_horizon *get_horizon(struct ledger *ledger, const char *host)
{
	struct ledger_horizon *horizon;

	for (unsigned i = 0; i < ledger->n_horizons; i++) {
		if (strcmp(ledger->horizons[i].host, host) == 0)
			return &ledger->horizons[i];
	}
	if (ledger->n_horizons == LEDGER_HORIZONS_MAX)
		abort();
	horizon = &ledger->horizons[ledger->n_horizons++];
	*horizon = (struct ledger_horizon){.durable_us = INT64_MIN, .given_us = INT64_MIN};
	(void)snprintf(horizon->host, sizeof(horizon->host), "%s", host);
	return horizon;
}

static void expire_samples(struct ledger *ledger)
{
	for (size_t i = 0; i < ledger->n_samples; i++)
		expire_sample(ledger, &ledger->samples[i]);
}

void ledger_expire(struct ledger *ledger, const char *host, int64_t horizon_us)
{
	get_horizon(ledger, host)->given_us = horizon_us;
	expire_samples(ledger);
}

void ledger_settle(struct ledger *ledger)
{
	for (unsigned i = 0; i < ledger->n_horizons; i++)
		ledger->horizons[i].durable_us = ledger->horizons[i].given_us;
	expire_samples(ledger);
	for (size_t i = 0; i < ledger->n_samples; i++) {
		if (!ledger->samples[i].is_dying)
			continue;
		ledger->samples[i].state = LEDGER_GONE;
		ledger->samples[i].is_dying = false;
		ledger->samples[i].is_deleted = true;
		ledger->n_deleted++;
	}
}

void ledger_find_horizon(struct ledger *ledger, const char *host, int64_t horizon_us)
{
	struct ledger_horizon *horizon = get_horizon(ledger, host);

	if (horizon_us != horizon->durable_us && horizon_us != horizon->given_us)
		ledger_complain(ledger, "%s: the horizon is %" PRId64 ", not %" PRId64, host,
				horizon_us, horizon->durable_us);
	horizon->durable_us = horizon_us;
	horizon->given_us = horizon_us;
	expire_samples(ledger);
}

void ledger_confirm(struct ledger *ledger, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (ledger->samples[i].state != LEDGER_GONE &&
		    ledger->samples[i].state != LEDGER_HELD && !ledger->samples[i].is_doubtful)
			ledger->samples[i].state = LEDGER_DURABLE;
	}
}

void ledger_hold(struct ledger *ledger, size_t n)
{
	for (size_t i = n; i < ledger->n_samples; i++)
		ledger->samples[i].state = LEDGER_HELD;
}

void ledger_confirm_held(struct ledger *ledger, size_t i, size_t n)
{
	for (size_t end = i + n; i < end; i++) {
		if (ledger->samples[i].state == LEDGER_HELD)
			ledger->samples[i].state = LEDGER_DURABLE;
	}
}

void ledger_doubt(struct ledger *ledger, size_t n)
{
	for (size_t i = n; i < ledger->n_samples; i++)
		ledger->samples[i].is_doubtful = ledger->samples[i].state != LEDGER_HELD;
}

void ledger_lose_power(struct ledger *ledger)
{
	for (size_t i = 0; i < ledger->n_samples; i++) {
		if (ledger->samples[i].state == LEDGER_SEEN)
			ledger->samples[i].state = LEDGER_GIVEN;
	}
}

/* By series, time and value. */
static int compare_keys(const struct ledger_sample *a, const struct ledger_sample *b)
{
	if (a->series != b->series)
		return a->series < b->series ? -1 : 1;
	if (a->time_us != b->time_us)
		return a->time_us < b->time_us ? -1 : 1;
	if (a->bits != b->bits)
		return a->bits < b->bits ? -1 : 1;
	return 0;
}

/*
 * Of equal ones those first that must be there, then those that may be, then those that came first. Two equal
 * samples are two, but nobody can tell which of them is read: so as many must be there as were neither
 * deleted nor unconfirmed, and no more can be there than were not deleted for good. More is not promised, and
 * no less is asked here.
 */
static int compare_places(const void *a, const void *b, void *context)
{
	const struct ledger_sample *samples = context;
	size_t place_a = *(const size_t *)a;
	size_t place_b = *(const size_t *)b;
	int order = compare_keys(&samples[place_a], &samples[place_b]);

	if (order)
		return order;
	if ((samples[place_a].state == LEDGER_GONE) == (samples[place_b].state == LEDGER_GONE) &&
	    samples[place_a].is_dying != samples[place_b].is_dying)
		return samples[place_a].is_dying ? 1 : -1;
	if (samples[place_a].state != samples[place_b].state)
		return samples[place_a].state > samples[place_b].state ? -1 : 1;
	return place_a < place_b ? -1 : place_a > place_b;
}

void ledger_read_begin(struct ledger *ledger)
{
	ledger->order = grow(ledger->order, ledger->n_samples, sizeof(*ledger->order));
	ledger->n_order = ledger->n_samples;
	ledger->n_rows = 0;
	for (size_t i = 0; i < ledger->n_samples; i++) {
		ledger->order[i] = i;
		ledger->samples[i].is_read = false;
	}
	qsort_r(ledger->order, ledger->n_order, sizeof(*ledger->order), compare_places,
		ledger->samples);
	for (unsigned i = 0; i < ledger->n_series; i++)
		ledger->series[i].has_row = false;
}

/* Where those that are equal begin in the order. */
static size_t find_equals(const struct ledger *ledger, const struct ledger_sample *wanted)
{
	size_t low = 0;
	size_t high = ledger->n_order;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (compare_keys(&ledger->samples[ledger->order[middle]], wanted) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* The first that is equal and was not read yet. @return its place; n_samples: there is none */
static size_t find_sample(const struct ledger *ledger, const struct ledger_sample *wanted)
{
	for (size_t i = find_equals(ledger, wanted); i < ledger->n_order; i++) {
		const struct ledger_sample *sample = &ledger->samples[ledger->order[i]];

		if (compare_keys(sample, wanted) != 0)
			break;
		if (!sample->is_read)
			return ledger->order[i];
	}
	return ledger->n_samples;
}

/* The lowest place of one that is equal, from `from` on. Which of two equal ones was read nobody
 * knows: this is the one that leaves most room for others. */
static size_t find_place(const struct ledger *ledger, const struct ledger_sample *wanted,
			 size_t from)
{
	size_t found = ledger->n_samples;

	for (size_t i = find_equals(ledger, wanted); i < ledger->n_order; i++) {
		size_t place = ledger->order[i];

		if (compare_keys(&ledger->samples[place], wanted) != 0)
			break;
		if (place >= from && place < found)
			found = place;
	}
	return found;
}

static void check_order(struct ledger *ledger, struct ledger_series *series,
			const struct ledger_sample *sample)
{
	bool is_equal_time = series->has_row && sample->time_us == series->last_time_us;
	size_t place = find_place(ledger, sample, is_equal_time ? series->last_sample + 1 : 0);

	if (series->has_row && sample->time_us < series->last_time_us) {
		ledger_complain(ledger, "%s: time %" PRId64 " is read behind %" PRId64,
				series->name, sample->time_us, series->last_time_us);
	}
	if (place == ledger->n_samples) {
		ledger_complain(ledger, "%s: at %" PRId64 " sample %zu is read behind %zu",
				series->name, sample->time_us, (size_t)(sample - ledger->samples),
				series->last_sample);
	}
	series->last_sample = place;
	series->has_row = true;
	series->last_time_us = sample->time_us;
}

void ledger_read_row(struct ledger *ledger, const char *name, int64_t time_us, double value)
{
	struct ledger_sample wanted = {
		.series = find_series(ledger, name),
		.time_us = time_us,
		.bits = bits_of(value),
	};
	size_t place = find_sample(ledger, &wanted);

	ledger->n_rows++;
	if (place == ledger->n_samples) {
		ledger_complain(ledger,
				"%s %" PRId64 " %.17g (%016" PRIx64
				") was never given, or is read twice",
				name, time_us, value, wanted.bits);
		return;
	}
	ledger->samples[place].is_read = true;
	check_order(ledger, &ledger->series[wanted.series], &ledger->samples[place]);
	if (ledger->forgives && ledger->samples[place].is_deleted) {
		ledger->n_returned++;
	} else if (ledger->samples[place].state == LEDGER_GONE) {
		ledger_complain(ledger, "%s %" PRId64 " %.17g (sample %zu) has come back", name,
				time_us, value, place);
	}
}

static void end_sample(struct ledger *ledger, struct ledger_sample *sample,
		       enum ledger_reading reading)
{
	bool is_restart = reading == LEDGER_RESTART;

	/* A start on a disk that does not sync serves what it could read: a delete that was not confirmed
	 * may be in that, and not on the disk. Whether it is there is known once that is secured. */
	if (ledger->is_unsecured && sample->is_dying)
		return;
	if (sample->state == LEDGER_HELD)
		return;
	if (sample->is_read) {
		if (is_restart && sample->state == LEDGER_GIVEN)
			sample->state = LEDGER_SEEN;
		/* The delete was lost, and does not come back. */
		if (is_restart)
			sample->is_dying = false;
		return;
	}
	if (reading != LEDGER_DAMAGED && sample->state >= LEDGER_SEEN && !sample->is_dying) {
		ledger_complain(ledger, "%s %" PRId64 " (sample %zu of %zu), %s, is not read",
				ledger->series[sample->series].name, sample->time_us,
				(size_t)(sample - ledger->samples), ledger->n_samples,
				sample->state == LEDGER_SEEN ? "seen before" : "durable");
	}
	if (is_restart) {
		sample->is_deleted |= sample->is_dying;
		sample->state = LEDGER_GONE;
		sample->is_dying = false;
	}
}

void ledger_read_end(struct ledger *ledger, enum ledger_reading reading)
{
	for (size_t i = 0; i < ledger->n_order; i++)
		end_sample(ledger, &ledger->samples[i], reading);
}

size_t ledger_n_missing(const struct ledger *ledger)
{
	size_t n = 0;

	for (size_t i = 0; i < ledger->n_samples; i++)
		n += !ledger->samples[i].is_read && ledger->samples[i].state >= LEDGER_SEEN &&
		     !ledger->samples[i].is_dying;
	return n;
}
