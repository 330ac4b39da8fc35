/* SPDX-License-Identifier: MIT */
/* How long samples are kept. */

#include "collector/retention.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "collector/engine.h"
#include "collector/group.h"
#include "collector/horizon.h"
#include "common/match.h"
#include "common/timestamp.h"

/* A horizon moves when it has fallen behind by so much, or by this part of the age. */
#define STEP_MAX_US INT64_C(3600000000)
#define STEP_PART   32

/* The clock is believed only so far ahead of the newest sample of all: one that was set wrong would
 * delete everything. */
#define AHEAD_MAX_US INT64_C(86400000000)

#define RULE_END   ';'
#define RULE_EQUAL '='

/* -- reading -------------------------------------------------------------------------------------- */

static int put_rule(const struct config_entry *entry, struct buffer *out,
		    struct config_error *error)
{
	int64_t age_us;

	if (duration_parse(entry->value, &age_us) < 0 || age_us <= 0) {
		config_error_printf(
			error,
			"%s:%d: %s: '%s' is not a duration; write a number with h or d, "
			"such as 400d",
			entry->file, entry->line_number, entry->key, entry->value);
		return -EINVAL;
	}
	if (strchr(entry->key, RULE_END)) {
		config_error_printf(error, "%s:%d: no host has a name with '%c'", entry->file,
				    entry->line_number, RULE_END);
		return -EINVAL;
	}
	buffer_printf(out, "%s%s%c%s", out->length > 0 ? ";" : "", entry->key, RULE_EQUAL,
		      entry->value);
	return 0;
}

int retention_read(const struct config *config, const char *section, char **ret_text,
		   struct config_error *error)
{
	struct buffer text = {0};
	char *copy = NULL;
	int result = 0;

	for (size_t i = 0; i < config->n_entries && result == 0; i++) {
		if (strcmp(config->entries[i].section, section) == 0)
			result = put_rule(&config->entries[i], &text, error);
	}
	if (result == 0)
		copy = strdup(buffer_text(&text));
	if (result == 0 && (!copy || buffer_failed(&text)))
		result = -ENOMEM;
	buffer_done(&text);
	if (result < 0) {
		free(copy);
		return result;
	}
	free(*ret_text);
	*ret_text = copy;
	return 0;
}

int retention_set(struct engine *engine, const char *text)
{
	char *copy = strdup(text ? text : "");
	char *before;

	if (!copy)
		return -ENOMEM;
	pthread_mutex_lock(&engine->mutex);
	before = engine->retention;
	engine->retention = copy;
	pthread_mutex_unlock(&engine->mutex);
	free(before);
	return 0;
}

/* -- what follows from it ------------------------------------------------------------------------- */

int64_t retention_age(const char *rules, const char *host)
{
	char *copy = strdup(rules);
	char *rest = copy;
	int64_t default_us = 0;
	int64_t age_us = 0;
	char *rule;

	/* Without memory all is kept: the default alone could be less than what is meant. */
	while (age_us == 0 && (rule = strsep(&rest, ";"))) {
		char *equal = strrchr(rule, RULE_EQUAL);
		int64_t its_us;

		if (!equal || duration_parse(equal + 1, &its_us) < 0)
			continue;
		*equal = '\0';
		if (strcmp(rule, RETENTION_DEFAULT) == 0)
			default_us = its_us;
		else if (match_host(rule, host))
			age_us = its_us;
	}
	free(copy);
	return age_us > 0 ? age_us : default_us;
}

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
	int64_t age_us = retention_age(engine->retention, host->name);
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

int retention_run(struct engine *engine)
{
	bool has_moved = false;
	int64_t now_us;
	int result = 0;

	pthread_mutex_lock(&engine->mutex);
	now_us = engine->trouble == 0 && engine->retention && engine->retention[0]
			 ? believed_now(engine)
			 : CATALOG_NO_TIME;
	for (size_t i = 0; i < engine->catalog.n_hosts && now_us > GROUP_EARLIEST_US && result >= 0;
	     i++) {
		result = move_host(engine, engine->catalog.all_hosts[i], now_us);
		has_moved |= result > 0;
	}
	engine->controls_wanted += has_moved;
	pthread_mutex_unlock(&engine->mutex);
	return result < 0 ? result : 0;
}
