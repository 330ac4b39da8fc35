/* SPDX-License-Identifier: MIT */
/* How much room hosts' files may take: what follows from that for their horizons. */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/horizon.h"
#include "collector/retention_part.h"
#include "collector/trim_part.h"
#include "collector/usage.h"
#include "common/message.h"
#include "common/timestamp.h"

/* A file keeps its first page, and at its end what is not worth a hole yet and the names of its series. */
#define KEPT_BYTES            UINT64_C(8192)
#define KEPT_BYTES_PER_SERIES UINT64_C(256)

/* The hosts of one limit. */
struct members {
	struct catalog_host **hosts;
	struct quota_host *states;
	size_t n;
	uint64_t n_files;
};

static bool is_limit(const struct retention_rule *rule)
{
	return rule->limit_bytes > 0;
}

static bool has_limit(const struct retention_rules *rules)
{
	size_t i = 0;

	while (i < rules->n && !is_limit(&rules->at[i]))
		i++;
	return i < rules->n;
}

/* Of several max_size the last one counts, as of all settings. */
static size_t find_total(const struct retention_rules *rules)
{
	size_t i = rules->n;

	while (i > 0 && strcmp(rules->at[i - 1].glob, RETENTION_MAX_SIZE) != 0)
		i--;
	return i > 0 ? i - 1 : RETENTION_NONE;
}

/* -- what there is --------------------------------------------------------------------------------- */

/* Are files trimmed, or to be, so that what they take is not what it will be? */
static bool is_moving(const struct engine *engine, const struct retention *retention)
{
	if (engine->controls_durable < retention->ticket)
		return true;
	for (size_t i = 0; i < engine->catalog.n_hosts; i++) {
		const struct catalog_host *host = engine->catalog.all_hosts[i];

		if (host->horizon_us > host->trimmed_us && host->number != 0 && !host->is_unread)
			return true;
	}
	return false;
}

/* Add up what the hosts of each limit take. @param n_bytes  for each rule @return false: it is not known now */
static bool add_up(struct engine *engine, const struct retention *retention, uint64_t *n_bytes)
{
	const struct retention_rules *rules = &retention->rules;
	size_t total = find_total(rules);
	bool is_known;

	pthread_mutex_lock(&engine->mutex);
	is_known = engine->trouble == 0 && !is_moving(engine, retention);
	for (size_t i = 0; i < engine->catalog.n_hosts && is_known; i++) {
		const struct catalog_host *host = engine->catalog.all_hosts[i];
		size_t own = retention_rules_size(rules, host->name);

		if (own != RETENTION_NONE)
			n_bytes[own] += usage_bytes(&host->usage);
		if (total != RETENTION_NONE)
			n_bytes[total] += usage_bytes(&host->usage);
	}
	pthread_mutex_unlock(&engine->mutex);
	return is_known;
}

static uint64_t page_of(uint64_t offset)
{
	return offset < TRIM_PAGE_BYTES ? TRIM_PAGE_BYTES : offset - offset % TRIM_PAGE_BYTES;
}

/* What a file takes once the room before its front is given back, which has to wait for the log. After a
 * start it is not known whether that was done. */
static uint64_t bytes_of(const struct catalog_data *data)
{
	uint64_t n_bytes = data->n_sectors * USAGE_SECTOR_BYTES;
	const struct catalog_trim *trim = data->trim;
	uint64_t pending;
	uint64_t least;

	if (!trim || trim->front_part != data->end.part ||
	    trim->front_bytes <= trim->released_bytes || trim->front_bytes > data->end.length_bytes)
		return n_bytes;
	pending = page_of(trim->front_bytes) - page_of(trim->released_bytes);
	least = TRIM_PAGE_BYTES + data->end.length_bytes - page_of(trim->front_bytes);
	if (n_bytes <= least)
		return n_bytes;
	return n_bytes - pending > least && pending <= n_bytes ? n_bytes - pending : least;
}

/* A horizon up to there gives nothing of the file back. */
static int64_t first_end(const struct catalog_host *host, const struct catalog_data *data)
{
	int64_t first_us = host->oldest_us > host->horizon_us ? host->oldest_us : host->horizon_us;

	return data->trim && data->trim->oldest_last_us > first_us ? data->trim->oldest_last_us
								   : first_us;
}

/* With the mutex held. */
static struct quota_host get_state(const struct catalog_host *host)
{
	struct quota_host state = {
		.oldest_us = INT64_MAX,
		.newest_us = host->is_last_odd ? INT64_MIN : host->last_time_us,
		.n_bytes = usage_bytes(&host->usage),
		.n_kept_bytes = host->n_sectors * USAGE_SECTOR_BYTES,
	};

	for (const struct catalog_file *file = host->files; file; file = file->next) {
		const struct catalog_data *data = &file->data[CATALOG_SIDE_MAIN];
		uint64_t n_bytes = bytes_of(data);
		uint64_t n_kept = KEPT_BYTES + data->end.next_series_id * KEPT_BYTES_PER_SERIES;

		state.n_bytes -= data->n_sectors * USAGE_SECTOR_BYTES - n_bytes;
		state.n_kept_bytes += n_bytes < n_kept ? n_bytes : n_kept;
		state.n_kept_bytes += file->data[CATALOG_SIDE_ODD].n_sectors * USAGE_SECTOR_BYTES;
		if (n_bytes > n_kept && first_end(host, data) < state.oldest_us)
			state.oldest_us = first_end(host, data);
	}
	/* Of one without anything in the log, after a start that found none, no horizon can be told yet. */
	if (host->is_unread || host->last == 0 || state.n_kept_bytes > state.n_bytes)
		state.n_kept_bytes = state.n_bytes;
	return state;
}

/* Have the hosts of a limit as they are. @return 0 or -ENOMEM; members_done() in any case */
static int get_members(struct engine *engine, const struct retention *retention, size_t limit,
		       struct members *ret_members)
{
	bool is_total = limit == find_total(&retention->rules);
	struct members *members = ret_members;
	size_t n;

	pthread_mutex_lock(&engine->mutex);
	n = engine->catalog.n_hosts;
	pthread_mutex_unlock(&engine->mutex);
	*members = (struct members){
		.hosts = calloc(n + 1, sizeof(struct catalog_host *)),
		.states = calloc(n + 1, sizeof(*members->states)),
	};
	if (!members->hosts || !members->states)
		return -ENOMEM;
	/* A host may have very many files: nobody waits for those of all. */
	for (size_t i = 0; i < n; i++) {
		struct catalog_host *host;

		pthread_mutex_lock(&engine->mutex);
		host = engine->catalog.all_hosts[i];
		if (is_total || retention_rules_size(&retention->rules, host->name) == limit) {
			members->hosts[members->n] = host;
			members->states[members->n++] = get_state(host);
			members->n_files += host->usage.n_files;
		}
		pthread_mutex_unlock(&engine->mutex);
	}
	return 0;
}

static void members_done(struct members *members)
{
	free(members->hosts);
	free(members->states);
}

/* -- what is done ---------------------------------------------------------------------------------- */

/* Have the horizon of those logged that have something older. @return 0 or -ENOMEM */
static int move(struct engine *engine, struct retention *retention, const struct members *members,
		int64_t horizon_us)
{
	int result = 0;

	pthread_mutex_lock(&engine->mutex);
	for (size_t i = 0; i < members->n && result == 0; i++) {
		const struct catalog_host *host = members->hosts[i];

		if (host->last > 0 && members->states[i].oldest_us < horizon_us &&
		    host->horizon_us < horizon_us)
			result = horizon_put(engine, host, horizon_us);
	}
	retention->ticket = ++engine->controls_wanted;
	pthread_mutex_unlock(&engine->mutex);
	return result;
}

static uint64_t count_bytes(const struct members *members)
{
	uint64_t n_bytes = 0;

	for (size_t i = 0; i < members->n; i++)
		n_bytes += members->states[i].n_bytes;
	return n_bytes;
}

static uint64_t count_kept(const struct members *members)
{
	uint64_t n_bytes = 0;

	for (size_t i = 0; i < members->n; i++)
		n_bytes += members->states[i].n_kept_bytes;
	return n_bytes;
}

/* Up to which time its hosts have lost something. */
static int64_t last_horizon(struct engine *engine, const struct members *members)
{
	int64_t horizon_us = CATALOG_NO_TIME;

	pthread_mutex_lock(&engine->mutex);
	for (size_t i = 0; i < members->n; i++) {
		if (members->hosts[i]->horizon_us > horizon_us)
			horizon_us = members->hosts[i]->horizon_us;
	}
	pthread_mutex_unlock(&engine->mutex);
	return horizon_us;
}

/* What was done, and why. */
static void describe(struct engine *engine, const struct retention_limit *limit,
		     const struct members *members, enum quota_result result, struct buffer *out)
{
	int64_t horizon_us = last_horizon(engine, members);
	uint64_t n_bytes = count_bytes(members);

	if (result == QUOTA_IMPOSSIBLE) {
		buffer_printf(out,
			      "cannot be kept, and nothing is removed: of the %" PRIu64
			      " bytes of %" PRIu64 " files about %" PRIu64 " stay in any case",
			      n_bytes, members->n_files, count_kept(members));
		return;
	}
	if (limit->begin_bytes > n_bytes && horizon_us != CATALOG_NO_TIME) {
		char time[TIMESTAMP_TEXT_MAX_BYTES];

		(void)timestamp_format_local(horizon_us, time);
		buffer_printf(out, "%" PRIu64 " bytes of samples before %s removed; ",
			      limit->begin_bytes - n_bytes, time);
	}
	buffer_printf(out, "%" PRIu64 " bytes are left%s", n_bytes,
		      result == QUOTA_STUCK ? ", of the newest times, which stay" : "");
}

/* Keep it for the status; tell it where that is news. */
static void tell(struct engine *engine, const struct retention_rule *rule,
		 struct retention_limit *limit, const struct members *members,
		 enum quota_result result)
{
	struct buffer text = {0};

	buffer_printf(&text, "%.80s = %" PRIu64 " bytes: ", rule->glob, rule->limit_bytes);
	describe(engine, limit, members, result, &text);
	pthread_mutex_lock(&engine->mutex);
	(void)snprintf(engine->stats.retention, sizeof(engine->stats.retention), "%s",
		       buffer_text(&text));
	pthread_mutex_unlock(&engine->mutex);
	if (result == QUOTA_FITS)
		message_info("%s", buffer_text(&text));
	else if (result != QUOTA_MOVE && result != limit->told)
		message_warning("%s", buffer_text(&text));
	if (result != QUOTA_MOVE)
		limit->told = result;
	buffer_done(&text);
}

/* It begins. */
static void begin(const struct retention_rule *rule, struct retention_limit *limit,
		  const struct members *members)
{
	limit->begin_bytes = count_bytes(members);
	limit->told = QUOTA_MOVE;
	message_info("%s = %" PRIu64 " bytes: files take %" PRIu64
		     "; the oldest samples are removed",
		     rule->glob, rule->limit_bytes, limit->begin_bytes);
}

/* It is reached: have the room back now, and not when the log has grown. */
static void want_segment(struct engine *engine)
{
	pthread_mutex_lock(&engine->mutex);
	engine->wants_segment |= !engine->stats.is_full;
	pthread_mutex_unlock(&engine->mutex);
}

/* @return as retention_run() */
static int take_step(struct engine *engine, struct retention *retention, size_t place,
		     const struct members *members)
{
	const struct retention_rule *rule = &retention->rules.at[place];
	struct retention_limit *limit = &retention->limits[place];
	bool was_removing = limit->quota.is_removing;
	int64_t horizon_us;
	enum quota_result step =
		quota_step(&limit->quota, members->states, members->n, &horizon_us);

	if (step == QUOTA_MOVE && !was_removing)
		begin(rule, limit, members);
	if (step != QUOTA_FITS || was_removing)
		tell(engine, rule, limit, members, step);
	if (step == QUOTA_FITS && was_removing)
		want_segment(engine);
	if (step != QUOTA_MOVE)
		return 0;
	return move(engine, retention, members, horizon_us) < 0 ? -ENOMEM : 1;
}

/* @return as retention_run() */
static int run_limit(struct engine *engine, struct retention *retention, size_t place)
{
	struct members members;
	int result = get_members(engine, retention, place, &members);

	if (result == 0)
		result = take_step(engine, retention, place, &members);
	members_done(&members);
	return result;
}

int retention_run_sizes(struct engine *engine, struct retention *retention)
{
	const struct retention_rules *rules = &retention->rules;
	uint64_t *n_bytes;
	int result = 0;

	if (!has_limit(rules))
		return 0;
	n_bytes = calloc(rules->n + 1, sizeof(*n_bytes));
	if (!n_bytes)
		return -ENOMEM;
	if (add_up(engine, retention, n_bytes)) {
		for (size_t i = 0; i < rules->n && result == 0; i++) {
			bool is_over = n_bytes[i] > rules->at[i].limit_bytes;

			if (is_limit(&rules->at[i]) &&
			    (is_over || retention->limits[i].quota.is_removing))
				result = run_limit(engine, retention, i);
		}
	}
	free(n_bytes);
	return result;
}
