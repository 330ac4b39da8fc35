/* SPDX-License-Identifier: MIT */
/* A spool on a simulated disk, and what an agent does with it. */

#include "tests/support/spool_world.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/spool_oracle.h"

#define SEGMENTS 6
#define HOUR_US  (INT64_C(3600) * 1000000)

/* What identifies the content of a spool. */
uint64_t world_digest(struct world *world)
{
	struct spool_epoch_info info;
	struct spool_message message;
	struct spool_tick tick;
	uint64_t sum = 0;

	for (size_t i = 0; spool_get_tick(world->spool, i, &tick) == 0; i++)
		sum = sum * 31 + tick.number;
	for (size_t i = 0; spool_get_epoch(world->spool, i, &info) == 0; i++) {
		message.sequence = info.acked;
		/* GAPs are joined where their segment goes. */
		while (spool_next(world->spool, info.id, message.sequence, &message) == 0)
			sum = message.type == HM_FRAME_GAP ? sum : sum * 31 + message.crc;
	}
	return sum;
}

bool world_is_in_memory(const struct world *world)
{
	struct spool_status status;

	spool_get_status(world->spool, &status);
	return status.is_in_memory;
}

bool world_has_dropped(const struct world *world)
{
	struct spool_status status;

	spool_get_status(world->spool, &status);
	return status.n_gone_batches > 0;
}

bool world_start(struct world *world, bool is_power)
{
	int result;

	world->options.folder = sim_disk_open_root(world->sim);
	result = spool_open(&world->options, &world->spool);
	if (result < 0)
		oracle_complain(world, "it does not open: %d", result);
	else
		oracle_check(world, is_power);
	return result == 0;
}

void world_end(struct world *world, bool is_power)
{
	for (uint64_t i = 1; is_power && i <= world->n_ticks; i++)
		world->ticks[i].is_taken = world->ticks[i].is_safe;
	spool_free(world->spool);
	world->spool = NULL;
	if (is_power)
		sim_disk_crash(world->sim);
	else
		sim_disk_kill(world->sim);
}

/* -- what an agent does ------------------------------------------------------------------------ */

static void note_sync(struct world *world)
{
	struct spool_status status;

	spool_get_status(world->spool, &status);
	for (uint64_t i = 1; i <= world->n_ticks && !status.is_in_memory; i++)
		world->ticks[i].is_safe |= world->ticks[i].is_taken;
}

void world_sync(struct world *world)
{
	if (spool_sync(world->spool) == 0)
		note_sync(world);
}

/* While nothing can be written, what comes in is in memory only. */
static void note_memory(struct world *world, uint64_t number)
{
	struct spool_status status;

	spool_get_status(world->spool, &status);
	world->ticks[number].is_taken = !status.is_in_memory;
}

static void seal(struct world *world)
{
	uint64_t numbers[WORLD_TICKS_MAX];
	struct spool_draft draft = {.type = HM_FRAME_BATCH, .body = numbers};
	struct spool_tick tick;
	uint64_t sequence;
	size_t n = 0;
	int result;

	while (n < WORLD_TICKS_MAX && spool_get_tick(world->spool, n, &tick) == 0) {
		memcpy(&numbers[n++], tick.payload, sizeof(*numbers));
		draft.ticks = tick.number;
	}
	if (n == 0)
		return;
	draft.body_bytes = n * sizeof(*numbers);
	draft.n_samples = n;
	draft.first_us = (int64_t)numbers[0];
	draft.last_us = (int64_t)numbers[n - 1];
	result = spool_append_message(world->spool, &draft, &sequence);
	if (result < 0)
		oracle_complain(world, "a batch of %zu is refused: %d", n, result);
}

static void take_tick(struct world *world)
{
	uint64_t payload[100] = {0};
	size_t n = 1 + sim_random_below(&world->random, 100);
	uint64_t number;
	int result;

	if (world->n_ticks == WORLD_TICKS_MAX)
		return;
	payload[0] = ++world->n_ticks;
	result = spool_append_tick(world->spool, payload, n * sizeof(*payload), &number);
	if (result == -ENOBUFS) {
		seal(world);
		result = spool_append_tick(world->spool, payload, n * sizeof(*payload), &number);
	}
	if (result < 0)
		oracle_complain(world, "a tick is refused: %d", result);
	note_memory(world, world->n_ticks);
}

static void append_small(struct world *world, enum hm_frame_type type)
{
	struct spool_draft draft = {.type = type, .body = "01234567890123456789", .body_bytes = 20};
	uint64_t sequence;
	int result;

	draft.body_bytes -= sim_random_below(&world->random, 10);
	result = spool_append_message(world->spool, &draft, &sequence);
	if (result < 0 && result != -EDQUOT)
		oracle_complain(world, "a message is refused: %d", result);
}

static void break_disk(struct world *world)
{
	static const enum sim_call calls[] = {SIM_PWRITE, SIM_FDATASYNC, SIM_FALLOCATE, SIM_FSYNC};
	static const int errors[] = {EIO, EIO, ENOSPC, EIO};
	unsigned i = (unsigned)sim_random_below(&world->random, 4);

	if (!world->is_faulty)
		return;
	/* It knows only some faults at a time. */
	if (++world->n_faults % 4 == 0)
		sim_disk_heal(world->sim);
	sim_disk_fail(world->sim, calls[i], 1 + sim_random_below(&world->random, 3), errors[i],
		      sim_random_chance(&world->random, 1, 2));
}

static void heal_disk(struct world *world)
{
	int result;

	sim_disk_heal(world->sim);
	result = spool_retry(world->spool);
	if (result < 0)
		oracle_complain(world, "a disk that is well is not used: %d", result);
	world_sync(world);
}

/* All is stored, if there is a disk: then the spool may forget what series mean. */
static void begin_anew(struct world *world)
{
	struct spool_epoch_info info = {.last = 0};
	struct spool_message message;
	int result;

	seal(world);
	world_sync(world);
	oracle_deliver(world, 64, true);
	world_sync(world);
	world_sync(world);
	result = spool_begin_anew(world->spool);
	if (result == -EAGAIN)
		return;
	for (size_t i = 0; spool_get_epoch(world->spool, i, &info) == 0; i++)
		;
	if (result < 0 || info.last > 0 ||
	    spool_next_declare(world->spool, info.id, 0, &message) != -ENOENT)
		oracle_complain(world, "it does not begin anew: %d", result);
}

static void change_host(struct world *world)
{
	static const char *const names[] = {"web01", "web02", "web03"};

	if (sim_random_chance(&world->random, 1, 3))
		world->options.host_name.start = names[world->n_names++ % 3];
	world_end(world, false);
	(void)world_start(world, false);
}

void world_step(struct world *world)
{
	uint64_t what = sim_random_below(&world->random, 100);

	if (what < 45) {
		take_tick(world);
	} else if (what < 57) {
		seal(world);
	} else if (what < 60) {
		append_small(world, HM_FRAME_DECLARE);
	} else if (what < 63) {
		append_small(world, what == 62 ? HM_FRAME_SCHEDULE : HM_FRAME_CLOCK);
	} else if (what < 78) {
		world_sync(world);
	} else if (what < 88) {
		oracle_deliver(world, (unsigned)sim_random_below(&world->random, 6),
			       sim_random_chance(&world->random, 3, 4));
	} else if (what < 92) {
		sim_disk_advance(world->sim,
				 (int64_t)sim_random_below(&world->random, 6) * HOUR_US);
	} else if (what < 94) {
		break_disk(world);
	} else if (what < 95) {
		begin_anew(world);
	} else if (what < 98) {
		heal_disk(world);
	} else if (what == 98) {
		oracle_collide(world);
	} else {
		change_host(world);
	}
	oracle_check_limits(world);
}

void world_finish(struct world *world)
{
	struct spool_epoch_info info;
	uint64_t n_left = 1;

	heal_disk(world);
	seal(world);
	heal_disk(world);
	for (unsigned i = 0; i < 2000 && n_left > 0 && !world->problem[0]; i++) {
		oracle_deliver(world, 64, true);
		n_left = 0;
		for (size_t k = 0; spool_get_epoch(world->spool, k, &info) == 0; k++)
			n_left += info.last - info.acked;
	}
	if (n_left > 0)
		oracle_complain(world, "%llu messages are never delivered",
				(unsigned long long)n_left);
	oracle_check(world, true);
}

/* -- rot --------------------------------------------------------------------------------------- */

/* The files of a disk. */
struct files {
	char paths[SEGMENTS + 4][32];
	unsigned n;
};

static void add_file(void *argument, const char *path)
{
	struct files *files = argument;

	if (files->n < sizeof(files->paths) / sizeof(*files->paths))
		(void)snprintf(files->paths[files->n++], sizeof(*files->paths), "%s", path);
}

/* A byte where something was written. @return UINT64_MAX: there is none */
static uint64_t find_written(struct world *world, const char *path)
{
	uint64_t size = 0;
	const uint8_t *content = sim_disk_content(world->sim, path, &size);

	for (unsigned i = 0; content && size > 0 && i < 100; i++) {
		uint64_t at = sim_random_below(&world->random, size);

		if (content[at] != 0)
			return at;
	}
	return UINT64_MAX;
}

void world_rot(struct world *world)
{
	struct files files = {.n = 0};
	const char *path;
	uint64_t at;

	world->is_rotten = true;
	sim_disk_walk(world->sim, add_file, &files);
	if (files.n == 0)
		return;
	path = files.paths[sim_random_below(&world->random, files.n)];
	at = find_written(world, path);
	if (at == UINT64_MAX)
		return;
	if (sim_random_chance(&world->random, 1, 4)) {
		(void)sim_disk_spoil(world->sim, path,
				     at / SIM_DISK_SECTOR_BYTES * SIM_DISK_SECTOR_BYTES,
				     SIM_DISK_SECTOR_BYTES);
	} else {
		(void)sim_disk_flip(world->sim, path, at * 8 + sim_random_below(&world->random, 8));
	}
}

/* -- worlds ------------------------------------------------------------------------------------ */

struct world *world_new(uint64_t seed, bool is_faulty, struct sim_counts *counts)
{
	struct world *world = calloc(1, sizeof(*world));

	if (!world)
		abort();
	world->sim = sim_disk_new(seed, counts);
	world->random.state = seed;
	world->is_faulty = is_faulty;
	sim_disk_set_short(world->sim, seed % 3 == 0 ? 64 : 0);
	world->options = (struct spool_options){
		.disk = sim_disk_table(world->sim),
		.segment_bytes = WORLD_SEGMENT_BYTES,
		.max_bytes = SEGMENTS * WORLD_SEGMENT_BYTES,
		.max_age_us = 100 * HOUR_US,
		.max_memory_bytes = WORLD_SEGMENT_BYTES / 2,
		.sync_always = seed % 4 == 0,
		.host_id = {1},
		.host_name = {"web01", 5},
	};
	return world;
}

void world_free(struct world *world)
{
	if (!world)
		return;
	spool_free(world->spool);
	sim_disk_free(world->sim);
	free(world);
}

struct world *world_fork(const struct world *world, uint64_t seed)
{
	struct world *fork = malloc(sizeof(*fork));

	if (!fork)
		abort();
	memcpy(fork, world, sizeof(*fork));
	fork->spool = NULL;
	fork->sim = sim_disk_clone(world->sim);
	sim_disk_seed(fork->sim, seed);
	fork->random.state = seed;
	fork->options.disk = sim_disk_table(fork->sim);
	return fork;
}
