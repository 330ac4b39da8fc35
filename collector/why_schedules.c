/* SPDX-License-Identifier: MIT */
/* What an agent has said of how often it samples. */

#include "collector/why_schedules.h"

#include <errno.h>
#include <string.h>

#include "collector/group.h"
#include "common/array.h"

/* From when it is sent to when it is stored. */
#define DELIVERED_US INT64_C(120000000)

static void remove_schedules(struct why_causes *causes, size_t first, size_t end)
{
	memmove(causes->schedules + first, causes->schedules + end,
		(causes->n_schedules - end) * sizeof(*causes->schedules));
	causes->n_schedules -= end - first;
}

void why_schedules_set_back(struct why_causes *causes, int64_t before_us, int64_t now_us)
{
	struct why_schedule *schedules = causes->schedules;
	size_t end = causes->n_schedules;
	size_t first;

	/* What was told since, of a later time, is none of it. */
	while (end > 0 && schedules[end - 1].since_us > before_us)
		end--;
	for (first = end; first > 0 && schedules[first - 1].since_us > now_us; first--)
		;
	if (first == end)
		return;
	schedules[end - 1].since_us = now_us;
	while (first > 0 && schedules[first - 1].since_us == now_us)
		first--;
	remove_schedules(causes, first, end - 1);
}

static bool is_same(const struct why_causes *causes, const struct why_schedule *schedule,
		    const struct wire_schedule *told)
{
	return schedule->n_bytes == told->n_bytes &&
	       (told->n_bytes == 0 ||
		memcmp(causes->bytes.data + schedule->bytes_at, told->entries, told->n_bytes) == 0);
}

/* What an epoch says later holds from its time on, whatever it said before. @return where it belongs */
static size_t make_place(struct why_causes *causes, const struct why_schedule *schedule)
{
	size_t i = causes->n_schedules;

	while (i > 0 && causes->schedules[i - 1].since_us >= schedule->since_us) {
		i--;
		if (memcmp(causes->schedules[i].epoch, schedule->epoch, HM_ID_BYTES) == 0)
			remove_schedules(causes, i, i + 1);
	}
	while (i < causes->n_schedules && causes->schedules[i].since_us == schedule->since_us)
		i++;
	return i;
}

int why_schedules_add(struct why_causes *causes, const struct wire_schedule *told,
		      int64_t received_us)
{
	struct why_schedule schedule = {
		.since_us = told->since_us,
		.ship_interval_us = told->ship_interval_us,
		.n_bytes = told->n_bytes,
	};
	struct why_schedule *grown;
	size_t i;

	/* By a clock that was far ahead: it holds already. */
	if (why_distance(received_us, told->since_us) > GROUP_AHEAD_US)
		schedule.since_us = received_us;
	memcpy(schedule.epoch, told->stamp.epoch, HM_ID_BYTES);
	grown = array_grow(causes->schedules, causes->n_schedules, &causes->schedules_capacity,
			   sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	causes->schedules = grown;
	i = make_place(causes, &schedule);
	/* An agent that starts again mostly says the same. */
	if (i > 0 && is_same(causes, &grown[i - 1], told))
		schedule.bytes_at = grown[i - 1].bytes_at;
	else if (why_causes_keep(causes, told->entries, told->n_bytes, &schedule.bytes_at) < 0)
		return -ENOMEM;
	memmove(grown + i + 1, grown + i, (causes->n_schedules - i) * sizeof(*grown));
	grown[i] = schedule;
	causes->n_schedules++;
	return 0;
}

void why_schedules_settle(struct why_causes *causes)
{
	struct why_schedule *schedules = causes->schedules;
	int64_t ship_us;
	size_t n = 0;

	if (causes->n_schedules == 0)
		return;
	ship_us = (int64_t)schedules[causes->n_schedules - 1].ship_interval_us;
	if (ship_us > WHY_SHIPPED_US - DELIVERED_US)
		causes->shipped_us = why_add_times(ship_us, DELIVERED_US);
	for (size_t i = 1; i < causes->n_schedules; i++) {
		if (schedules[i].bytes_at != schedules[n].bytes_at ||
		    schedules[i].n_bytes != schedules[n].n_bytes)
			schedules[++n] = schedules[i];
	}
	causes->n_schedules = n + 1;
}

int64_t why_schedule_interval(const struct why_causes *causes, const struct why_schedule *schedule,
			      const char *metric)
{
	struct wire_schedule entries = {.n_bytes = schedule->n_bytes};
	struct wire_schedule_entry entry;

	if (schedule->n_bytes > 0)
		entries.entries = (const uint8_t *)causes->bytes.data + schedule->bytes_at;
	while (wire_schedule_next(&entries, &entry)) {
		if (why_is_text(&entry.metric, metric))
			return (int64_t)entry.interval_us;
	}
	return 0;
}
