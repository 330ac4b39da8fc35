/* SPDX-License-Identifier: MIT */
/* Which hosts are due, and what the log has of them. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "collector/checkpoint_part.h"
#include "collector/names.h"
#include "common/log_file.h"
#include "common/message.h"

/* A position for what is done to the files of a host that has nothing to be moved: behind all that is
 * durable of the host, and before all that comes. */
static uint64_t trim_position(const struct checkpoint *checkpoint)
{
	return checkpoint->engine->durable > 0 ? checkpoint->engine->durable - 1 : 0;
}

/* Has a host's horizon moved on since its files were trimmed? */
static bool is_expiring(const struct checkpoint *checkpoint, const struct catalog_host *host)
{
	return host->horizon_us > host->trimmed_us && host->number != 0 &&
	       (host->last > host->checkpoint || host->checkpoint < trim_position(checkpoint));
}

static bool is_due(const struct checkpoint *checkpoint, const struct catalog_host *host,
		   enum engine_scope scope, int64_t now_us)
{
	const struct engine *engine = checkpoint->engine;
	uint64_t lag;

	if (host->is_unread)
		return false;
	if (is_expiring(checkpoint, host))
		return true;
	if (host->last <= host->checkpoint)
		return false;
	if (scope == ENGINE_SCOPE_ALL)
		return host->checkpoint < checkpoint->until;
	lag = log_position_segment(engine->durable) - log_position_segment(host->checkpoint);
	return lag >= (engine->stats.is_full ? ENGINE_CHECKPOINT_SEGMENTS_FULL
					     : ENGINE_CHECKPOINT_SEGMENTS) ||
	       now_us - host->waiting_us >= ENGINE_CHECKPOINT_AGE_US;
}

/* What is due of a host. */
struct due {
	struct tail_range range;   /* empty: its files are only trimmed, */
	uint64_t durable;          /* up to here the log has all; the range ends before */
	uint64_t trimmed;          /* at this position */
	uint64_t n_trimmed_series; /* whose files are looked at; 0 = none are */
};

/* The next host in turn that is due, once round. @return NULL: none is */
static struct catalog_host *next_due(struct checkpoint *checkpoint, enum engine_scope scope,
				     size_t *n_left, struct due *ret_due)
{
	struct engine *engine = checkpoint->engine;
	int64_t now_us = engine->options.disk->now_us(engine->options.disk->context);
	struct catalog_host *found = NULL;

	pthread_mutex_lock(&engine->mutex);
	while (!found && *n_left > 0) {
		struct catalog_host *host;

		(*n_left)--;
		checkpoint->next_host = (checkpoint->next_host + 1) % engine->catalog.n_hosts;
		host = engine->catalog.all_hosts[checkpoint->next_host];
		if (is_due(checkpoint, host, scope, now_us) &&
		    names_tell_again(engine, host) == 0) {
			*ret_due = (struct due){
				.range = {host->number, host->checkpoint, host->last},
				.durable = engine->durable,
				.trimmed = trim_position(checkpoint),
				.n_trimmed_series =
					is_expiring(checkpoint, host) ? host->n_series : 0,
			};
			found = host;
		}
	}
	pthread_mutex_unlock(&engine->mutex);
	return found;
}

static void count_damage(struct engine *engine, const struct catalog_host *host, uint64_t n_damaged)
{
	if (n_damaged == 0)
		return;
	message_warning("host %s: %llu damaged batches in the log are passed over", host->name,
			(unsigned long long)n_damaged);
	pthread_mutex_lock(&engine->mutex);
	engine->stats.n_damaged_ranges += n_damaged;
	pthread_mutex_unlock(&engine->mutex);
}

/* What was read ahead for a host before may have ended in the middle of what has become durable since.
 * @param fresh  up to where what was read ahead is what the log has */
static void read_afresh(struct checkpoint *checkpoint, const struct due *due, uint64_t *fresh)
{
	if (due->range.last < *fresh)
		return;
	tail_rewind(checkpoint->tail);
	*fresh = due->durable;
}

static void note_awaited(struct engine *engine, const struct catalog_host *host, int error)
{
	pthread_mutex_lock(&engine->mutex);
	(void)snprintf(engine->stats.last_error, sizeof(engine->stats.last_error),
		       "samples of host %.100s stay in the log, which cannot be read now: %s",
		       host->name, strerror(-error));
	pthread_mutex_unlock(&engine->mutex);
}

/* Add what the log has of a host. What the disk does not give stays there for a while, and is asked for again. */
static int add_host(struct checkpoint *checkpoint, struct catalog_host *host,
		    const struct tail_range *range, uint64_t *ret_n_damaged)
{
	int result;

	tail_await(checkpoint->tail, true);
	result = group_add_host(&checkpoint->group, checkpoint->tail, host, range, ret_n_damaged);
	if (!disk_is_withheld(result))
		return result;
	if (engine_awaits_disk(checkpoint->engine)) {
		note_awaited(checkpoint->engine, host, result);
		return result;
	}
	tail_await(checkpoint->tail, false);
	return group_add_host(&checkpoint->group, checkpoint->tail, host, range, ret_n_damaged);
}

int checkpoint_gather(struct checkpoint *checkpoint, enum engine_scope scope)
{
	struct engine *engine = checkpoint->engine;
	struct group *group = &checkpoint->group;
	const struct tail_range *range;
	uint64_t n_trimmed_series = 0;
	uint64_t fresh = 0;
	struct due due;
	size_t n_left;
	int error = 0;
	int result = 0;

	group_clear(group);
	pthread_mutex_lock(&engine->mutex);
	n_left = engine->catalog.n_hosts;
	pthread_mutex_unlock(&engine->mutex);
	range = &due.range;
	/* A horizon moves for all hosts at once: their files are not all looked at in one group. */
	while (result == 0 && !group_is_full(group, n_trimmed_series)) {
		struct catalog_host *host = next_due(checkpoint, scope, &n_left, &due);
		uint64_t n_damaged = 0;

		if (!host)
			break;
		n_trimmed_series += due.n_trimmed_series;
		read_afresh(checkpoint, &due, &fresh);
		if (range->last > range->after)
			result = add_host(checkpoint, host, range, &n_damaged);
		else
			result = group_add_trimmed(group, host, due.trimmed);
		if (result == 0 && group->hosts[group->n_hosts - 1].position < range->last)
			result = names_tell_of_rest(engine, host);
		if (result == 0) {
			count_damage(engine, host, n_damaged);
		} else if (result != -ENOMEM) {
			/* It stays in the log, and no other host has to wait for it. */
			error = result;
			result = 0;
		}
	}
	if (result == 0 && group->n_hosts == 0)
		result = error;
	return result == 0 ? group_complete(group, &engine->mutex) : result;
}
