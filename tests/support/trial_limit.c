/* SPDX-License-Identifier: MIT */
/* A trial that limits the size of its store's files, and what follows from that. */

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "collector/controls.h"
#include "collector/retention_part.h"
#include "common/log_entry.h"
#include "tests/support/trial_part.h"

/* A file gets so many blocks of a page or more, in as many checkpoints. */
#define ROUNDS        4
#define ROUND_SAMPLES 600

/* What a file keeps, by the manual; none has more series. */
#define KEPT_FILE_BYTES (UINT64_C(8192) + UINT64_C(256) * 8)

#define STEPS_MAX 500

#define ALL_HOSTS ((1U << TRIAL_HOSTS) - 1)

const char *trial_event_name(enum trial_event event)
{
	static const char *const names[TRIAL_EVENTS] = {
		[TRIAL_LIMIT_MOVES] = "horizons moved for a size",
		[TRIAL_LIMIT_FITS] = "sizes kept by that",
		[TRIAL_LIMIT_STUCK] = "sizes with only the newest left",
		[TRIAL_LIMIT_IMPOSSIBLE] = "sizes that cannot be kept",
	};

	return names[event];
}

static void count(struct trial *trial, enum trial_event event)
{
	trial->counts->events[event]++;
}

/* -- what files take ------------------------------------------------------------------------------- */

/* What the files of some hosts take, as the disk has it. */
struct size {
	const struct sim_disk *sim;
	unsigned hosts;
	uint64_t n_bytes;
	uint64_t n_kept_bytes; /* at most so many of these stay in any case */
	unsigned givers;       /* hosts of which something need not */
};

/* The bit of the host whose name a text begins with. */
static unsigned host_bit(const char *text)
{
	static const char before[] = "host";
	size_t length = sizeof(before) - 1;

	if (strncmp(text, before, length) != 0 || text[length] < '0' ||
	    text[length] >= '0' + TRIAL_HOSTS)
		return 0;
	return 1U << (unsigned)(text[length] - '0');
}

static void add_file(void *argument, const char *path)
{
	static const char folder[] = "hosts/";
	struct size *size = argument;
	unsigned host = 0;
	uint64_t n_bytes;

	if (strncmp(path, folder, sizeof(folder) - 1) == 0)
		host = host_bit(path + sizeof(folder) - 1) & size->hosts;
	if (!host)
		return;
	n_bytes = sim_disk_allocated(size->sim, path);
	size->n_bytes += n_bytes;
	size->n_kept_bytes += n_bytes < KEPT_FILE_BYTES ? n_bytes : KEPT_FILE_BYTES;
	if (n_bytes > KEPT_FILE_BYTES)
		size->givers |= host;
}

static struct size get_size(const struct trial *trial, unsigned hosts)
{
	struct size size = {.sim = trial->sim, .hosts = hosts};

	sim_disk_walk(trial->sim, add_file, &size);
	return size;
}

/* The newest sample of some hosts that counts, and the oldest of those that can give something back. */
static void get_times(const struct trial *trial, const struct size *size, int64_t *ret_oldest_us,
		      int64_t *ret_newest_us)
{
	const struct ledger *ledger = &trial->ledger;

	*ret_oldest_us = INT64_MAX;
	*ret_newest_us = INT64_MIN;
	for (size_t i = 0; i < ledger->n_samples; i++) {
		const struct ledger_sample *sample = &ledger->samples[i];
		unsigned host = host_bit(ledger->series[sample->series].name);

		if (sample->state == LEDGER_GONE)
			continue;
		if ((host & size->givers) && sample->time_us < *ret_oldest_us)
			*ret_oldest_us = sample->time_us;
		if ((host & size->hosts) && sample->time_us > *ret_newest_us)
			*ret_newest_us = sample->time_us;
	}
}

/* -- what is to be done ---------------------------------------------------------------------------- */

/* Something of several times in the files of some hosts. */
static void fill(struct trial *trial)
{
	const struct disk *disk = sim_disk_table(trial->sim);
	unsigned hosts = 1U << sim_random_below(&trial->random, TRIAL_HOSTS);
	int64_t time_us = disk->now_us(disk->context) - TRIAL_PAST_US;

	if (sim_random_chance(&trial->random, 1, 3))
		hosts |= 1U << sim_random_below(&trial->random, TRIAL_HOSTS);
	for (unsigned round = 0; round < ROUNDS; round++) {
		for (unsigned i = 0; i < TRIAL_HOSTS; i++) {
			char host[16];

			(void)snprintf(host, sizeof(host), "host%u", i);
			time_us += TRIAL_PAST_US / (ROUNDS * TRIAL_HOSTS + 1);
			if (host_bit(host) & hosts)
				trial_give_many(trial, host, "size{cpu=\"0\"} 0", time_us,
						ROUND_SAMPLES);
		}
		trial_flush(trial);
	}
}

/* One that can be kept, by chance; or one that cannot. */
static uint64_t choose_kib(struct trial *trial, unsigned hosts)
{
	struct size size = get_size(trial, hosts);
	uint64_t removable = size.n_bytes - size.n_kept_bytes;
	uint64_t n_bytes =
		size.n_kept_bytes + removable / 16 * (1 + sim_random_below(&trial->random, 16));

	if (sim_random_chance(&trial->random, 1, 10))
		n_bytes = size.n_kept_bytes / 2;
	return n_bytes / 1024 + 1;
}

static void add_limit(struct trial *trial, unsigned hosts, const char *glob, struct buffer *text)
{
	uint64_t n_kib = choose_kib(trial, hosts);

	trial->limits[trial->n_limits++] =
		(struct trial_limit){.hosts = hosts, .bytes = n_kib * 1024};
	buffer_printf(text, "%s%s=%" PRIu64 "K", text->length > 0 ? ";" : "", glob, n_kib);
}

/* From now on there are others. */
static void set_limits(struct trial *trial)
{
	unsigned bit = (unsigned)sim_random_below(&trial->random, TRIAL_HOSTS);
	uint64_t dice = sim_random_below(&trial->random, 5);
	struct buffer text = {0};
	char host[16];

	/* What is for all would be for agents' hosts, too. */
	if (trial->has_agents)
		dice = 1 + dice % 2;
	(void)snprintf(host, sizeof(host), "host%u", bit);
	trial->n_limits = 0;
	switch (dice) {
	case 0:
		add_limit(trial, ALL_HOSTS, RETENTION_MAX_SIZE, &text);
		break;
	case 1:
		add_limit(trial, ALL_HOSTS, "host*", &text);
		break;
	case 2:
		add_limit(trial, 1U << bit, host, &text);
		break;
	case 3:
		add_limit(trial, 1U << bit, host, &text);
		add_limit(trial, ALL_HOSTS & ~(1U << bit), RETENTION_DEFAULT, &text);
		break;
	default:
		add_limit(trial, ALL_HOSTS, RETENTION_MAX_SIZE, &text);
		add_limit(trial, 1U << bit, host, &text);
		break;
	}
	if (buffer_failed(&text) || retention_set(trial->engine, buffer_text(&text)) < 0)
		trial_give_up("retention");
	buffer_done(&text);
}

/* -- what it does ---------------------------------------------------------------------------------- */

/* Horizons that were put for the log. */
struct move {
	unsigned hosts;
	int64_t horizon_us; /* of all of them */
};

/* Have the ledger know of one. */
static void take_horizon(struct trial *trial, const struct log_horizon *entry, struct move *move)
{
	const struct catalog_host *host = id_map_get(&trial->engine->hosts, entry->host);

	if (!host)
		trial_give_up("a horizon of no host");
	if (entry->horizon_us <= host->horizon_us)
		ledger_complain(&trial->ledger, "%s: a size moves the horizon back", host->name);
	move->hosts |= host_bit(host->name);
	move->horizon_us = entry->horizon_us;
	ledger_expire(&trial->ledger, host->name, entry->horizon_us);
}

/* Those that wait to be logged. @param from  behind what waited before */
static struct move take_horizons(struct trial *trial, size_t from)
{
	const struct buffer *controls = &trial->engine->controls;
	struct cursor cursor;
	struct move move = {0};

	if (controls->length == from)
		return move;
	cursor = (struct cursor){
		.at = (const uint8_t *)controls->data + from,
		.left = controls->length - from,
	};
	while (!cursor_is_done(&cursor)) {
		struct cursor payload;
		struct log_horizon entry;
		struct control control;

		controls_get(&cursor, &control);
		payload = (struct cursor){.at = control.payload, .left = control.payload_bytes};
		if (control.type != HM_RECORD_HORIZON)
			continue;
		while (log_entry_get_horizon(&payload, &entry) == 0)
			take_horizon(trial, &entry, &move);
	}
	return move;
}

/* Why a limit is no reason for a move. @return NULL: it is one */
static const char *find_objection(const struct trial *trial, size_t place, const struct move *move,
				  int64_t *ret_kept_us)
{
	const struct trial_limit *limit = &trial->limits[place];
	uint64_t spare = limit->is_removing ? limit->bytes / QUOTA_SPARE_PART : 0;
	int64_t kept_us = limit->kept_us;
	struct size size;
	int64_t oldest_us;
	int64_t newest_us;

	if (move->hosts & ~limit->hosts)
		return "that is not for all these hosts";
	if (trial->was_faulty || trial->is_faulty)
		return NULL;
	size = get_size(trial, limit->hosts);
	if (size.n_bytes <= limit->bytes - spare)
		return "although files take no more";
	get_times(trial, &size, &oldest_us, &newest_us);
	if (!limit->is_removing && oldest_us < newest_us)
		kept_us = (newest_us - oldest_us) / QUOTA_KEPT_PART;
	*ret_kept_us = kept_us;
	return move->horizon_us > newest_us - kept_us ? "and takes of the newest times" : NULL;
}

static bool is_removing(const struct trial *trial, size_t place)
{
	return trial->engine->retention->limits[place].quota.is_removing;
}

/* The limit that has just begun to remove something. @return its place; n_limits: none has */
static size_t find_begun(const struct trial *trial)
{
	size_t i = 0;

	while (i < trial->n_limits && (trial->limits[i].is_removing || !is_removing(trial, i)))
		i++;
	return i;
}

static void check_move(struct trial *trial, const struct move *move)
{
	const char *objection = "and there is none";
	size_t begun;

	count(trial, TRIAL_LIMIT_MOVES);
	for (size_t i = 0; i < trial->n_limits; i++)
		trial->limits[i].is_removing &= is_removing(trial, i);
	begun = find_begun(trial);
	for (size_t i = 0; i < trial->n_limits; i++) {
		int64_t kept_us = 0;

		if (!is_removing(trial, i) || (begun < trial->n_limits && i != begun))
			continue;
		objection = find_objection(trial, i, move, &kept_us);
		if (objection)
			continue;
		if (i == begun)
			trial->limits[i].kept_us = kept_us;
		trial->limits[i].is_removing = true;
		return;
	}
	ledger_complain(&trial->ledger, "a horizon moves to %" PRId64 " for a size, %s",
			move->horizon_us, objection);
}

/* @return has a horizon moved? */
static bool run(struct trial *trial)
{
	size_t n_waiting = trial->engine->controls.length;
	struct move move;
	int result = retention_run(trial->engine);

	if (result < 0)
		trial_give_up("retention");
	move = take_horizons(trial, n_waiting);
	if ((result == 1) != (move.hosts != 0))
		ledger_complain(&trial->ledger, "a step of %u horizons says %d", move.hosts,
				result);
	if (move.hosts)
		check_move(trial, &move);
	return move.hosts != 0;
}

/* Before the last step is done nobody knows what the next one is. */
static void run_early(struct trial *trial)
{
	if (sim_random_chance(&trial->random, 1, 4) && run(trial))
		ledger_complain(&trial->ledger, "a step is taken before the last one is done");
}

/* -- how it ends ----------------------------------------------------------------------------------- */

/* Nothing is done for a limit. @return has it just been reached? */
static bool end_limit(struct trial *trial, size_t place)
{
	const struct retention_limit *told = &trial->engine->retention->limits[place];
	struct trial_limit *limit = &trial->limits[place];
	struct size size = get_size(trial, limit->hosts);
	bool was_removing = limit->is_removing;

	limit->is_removing = told->quota.is_removing;
	if (told->told == QUOTA_FITS && was_removing)
		count(trial, TRIAL_LIMIT_FITS);
	if (size.n_bytes <= limit->bytes || told->told == QUOTA_FITS)
		return told->told == QUOTA_FITS && was_removing;
	count(trial, told->told == QUOTA_STUCK ? TRIAL_LIMIT_STUCK : TRIAL_LIMIT_IMPOSSIBLE);
	if (told->told == QUOTA_IMPOSSIBLE && size.n_kept_bytes < limit->bytes)
		ledger_complain(&trial->ledger, "%" PRIu64 " bytes could be kept, of %" PRIu64,
				limit->bytes, size.n_bytes);
	return false;
}

/*
 * To the byte: what a hole will give back is known before to the page, and what was held back for the log is
 * given back by now. Only the first look after a start may miss a page of each file, and trial_limit()
 * has such ones flushed before.
 */
static void check_size(struct trial *trial, size_t place)
{
	const struct trial_limit *limit = &trial->limits[place];
	struct size size = get_size(trial, limit->hosts);

	if (size.n_bytes > limit->bytes && !sim_disk_is_stopped(trial->sim))
		ledger_complain(&trial->ledger, "files take %" PRIu64 " bytes, and not %" PRIu64,
				size.n_bytes, limit->bytes);
}

/* Once a segment is begun that was asked for, room is given back. */
static void end(struct trial *trial, bool has_news)
{
	bool is_reached[TRIAL_LIMITS_MAX] = {false};

	for (size_t i = 0; i < trial->n_limits; i++)
		is_reached[i] = end_limit(trial, i);
	if (trial_commit(trial) < 0 || trial_checkpoint(trial, ENGINE_SCOPE_DUE) < 0 ||
	    trial->is_faulty || trial->was_faulty || has_news)
		return;
	for (size_t i = 0; i < trial->n_limits; i++) {
		if (is_reached[i])
			check_size(trial, i);
	}
	if (run(trial))
		ledger_complain(&trial->ledger, "steps go on behind the last one");
	if (!sim_random_chance(&trial->random, 1, 2))
		return;
	/* And without that after a while. */
	trial_give_back(trial);
	for (size_t i = 0; i < trial->n_limits; i++) {
		if (trial->engine->retention->limits[i].told == QUOTA_FITS)
			check_size(trial, i);
	}
}

/* As collector/store_checkpoint.c does. */
static void take_steps(struct trial *trial, bool has_news)
{
	unsigned n = 0;

	while (run(trial)) {
		run_early(trial);
		if (trial_commit(trial) < 0)
			return;
		run_early(trial);
		if (sim_random_chance(&trial->random, 1, 32)) {
			has_news = true;
			trial_append(trial);
		}
		if (trial_checkpoint(trial, ENGINE_SCOPE_DUE) < 0 || trial_is_bad(trial))
			return;
		if (sim_random_chance(&trial->random, 1, 16))
			trial_give_back(trial);
		if (++n == STEPS_MAX) {
			ledger_complain(&trial->ledger, "a size is never reached");
			return;
		}
	}
	end(trial, has_news);
}

void trial_limit(struct trial *trial)
{
	bool is_same = trial->n_limits > 0 && sim_random_chance(&trial->random, 1, 4);
	bool has_news = sim_random_chance(&trial->random, 1, 8);

	/* Before it has taken over all that there is, others stand for its hosts. */
	if (trial_commit(trial) < 0)
		return;
	/* What is in the log only would come on top, at any time. */
	if (!is_same && !has_news)
		fill(trial);
	else if (!has_news)
		trial_flush(trial);
	if (!is_same)
		set_limits(trial);
	if (trial_commit(trial) == 0 && trial->engine->trouble == 0)
		take_steps(trial, has_news);
}
