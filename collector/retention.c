/* SPDX-License-Identifier: MIT */
/* How long samples are kept. */

#include "collector/retention.h"

#include <errno.h>
#include <stdlib.h>

#include "collector/group.h"
#include "collector/horizon.h"
#include "collector/retention_part.h"

/* A horizon moves when it has fallen behind by so much, or by this part of the age. */
#define STEP_MAX_US INT64_C(3600000000)
#define STEP_PART   32

/* The clock is believed only so far ahead of the newest sample of all: one that was set wrong would
 * delete everything. */
#define AHEAD_MAX_US INT64_C(86400000000)

void retention_free(struct retention *retention)
{
	if (!retention)
		return;
	retention_rules_done(&retention->rules);
	free(retention->limits);
	free(retention);
}

static int retention_new(const char *text, struct retention **ret_retention)
{
	struct retention *retention = calloc(1, sizeof(*retention));
	int result = retention ? retention_rules_parse(text, &retention->rules) : -ENOMEM;

	if (result == 0) {
		retention->limits = calloc(retention->rules.n + 1, sizeof(*retention->limits));
		result = retention->limits ? 0 : -ENOMEM;
	}
	if (result < 0) {
		retention_free(retention);
		return result;
	}
	for (size_t i = 0; i < retention->rules.n; i++)
		retention->limits[i].quota.limit_bytes = retention->rules.at[i].limit_bytes;
	*ret_retention = retention;
	return 0;
}

int retention_set(struct engine *engine, const char *text)
{
	struct retention *retention;
	struct retention *before;
	int result = retention_new(text, &retention);

	if (result < 0)
		return result;
	pthread_mutex_lock(&engine->mutex);
	before = engine->retention_next;
	engine->retention_next = retention;
	pthread_mutex_unlock(&engine->mutex);
	retention_free(before);
	return 0;
}

/* What was set last counts. */
static void take_over(struct engine *engine)
{
	struct retention *next;

	pthread_mutex_lock(&engine->mutex);
	next = engine->retention_next;
	engine->retention_next = NULL;
	if (next)
		engine->stats.retention[0] = '\0';
	pthread_mutex_unlock(&engine->mutex);
	if (!next)
		return;
	if (engine->retention)
		next->ticket = engine->retention->ticket;
	retention_free(engine->retention);
	engine->retention = next;
}

/* -- ages ------------------------------------------------------------------------------------------ */

/* Now, but no more than a day behind the newest sample of all. */
static int64_t believed_now(const struct engine *engine)
{
	const struct disk *disk = engine->options.disk;
	int64_t now_us = disk->now_us(disk->context);
	int64_t newest_us = CATALOG_NO_TIME;

	for (size_t i = 0; i < engine->catalog.n_hosts; i++) {
		const struct catalog_host *host = engine->catalog.all_hosts[i];

		if (!host->is_last_odd && host->last_time_us > newest_us)
			newest_us = host->last_time_us;
	}
	if (newest_us == CATALOG_NO_TIME)
		return CATALOG_NO_TIME;
	return now_us - newest_us > AHEAD_MAX_US ? newest_us + AHEAD_MAX_US : now_us;
}

/* @return 1: it has moved; 0; -ENOMEM */
static int move_host(struct engine *engine, const struct catalog_host *host, int64_t now_us)
{
	int64_t age_us = retention_rules_age(&engine->retention->rules, host->name);
	int64_t step_us;
	int64_t horizon_us;

	/* One without anything durable cannot be told of yet; what is older than all times is apart. */
	if (age_us == 0 || host->last == 0 || age_us > now_us - GROUP_EARLIEST_US)
		return 0;
	horizon_us = now_us - age_us;
	step_us = age_us / STEP_PART < STEP_MAX_US ? age_us / STEP_PART : STEP_MAX_US;
	if (host->horizon_us != CATALOG_NO_TIME && horizon_us - host->horizon_us < step_us)
		return 0;
	return horizon_put(engine, host, horizon_us) < 0 ? -ENOMEM : 1;
}

/* @return 0 or -ENOMEM */
static int run_ages(struct engine *engine)
{
	bool has_moved = false;
	int64_t now_us;
	int result = 0;

	pthread_mutex_lock(&engine->mutex);
	now_us = engine->trouble == 0 ? believed_now(engine) : CATALOG_NO_TIME;
	for (size_t i = 0; i < engine->catalog.n_hosts && now_us > GROUP_EARLIEST_US && result >= 0;
	     i++) {
		result = move_host(engine, engine->catalog.all_hosts[i], now_us);
		has_moved |= result > 0;
	}
	if (has_moved)
		engine->retention->ticket = ++engine->controls_wanted;
	pthread_mutex_unlock(&engine->mutex);
	return result < 0 ? result : 0;
}

int retention_run(struct engine *engine)
{
	int result;

	take_over(engine);
	if (!engine->retention || engine->retention->rules.n == 0)
		return 0;
	result = run_ages(engine);
	return result < 0 ? result : retention_run_sizes(engine, engine->retention);
}
