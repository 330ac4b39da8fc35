/* SPDX-License-Identifier: MIT */
#ifndef TESTS_SUPPORT_SPOOL_WORLD_H
#define TESTS_SUPPORT_SPOOL_WORLD_H

/*
 * A spool on a simulated disk, and a collector that takes from it what it likes: both do what a seed says, and
 * every tick and message is known, so that after each end of the process or the power it can be said what
 * must be there, and what must not be there twice.
 */

#include <stdbool.h>
#include <stdint.h>

#include "agent/spool.h"
#include "tests/support/sim_disk.h"
#include "tests/support/sim_random.h"

#define WORLD_TICKS_MAX  512
#define WORLD_KNOWN_MAX  1024
#define WORLD_EPOCHS_MAX 64

/* A message that was offered once. */
struct world_known {
	unsigned epoch;
	uint64_t sequence;
	uint32_t crc;
	enum hm_frame_type type;
	uint64_t n_samples;
	uint64_t first_tick; /* of a BATCH */
	uint64_t last_tick;
};

/* An epoch, as the collector has it. */
struct world_stored {
	uint8_t id[HM_ID_BYTES];
	uint64_t mark;
	uint32_t crc;
	bool is_other; /* it says that it has something else */
};

/* What became of a tick. Its number is its time, too. */
struct world_tick {
	bool is_taken;    /* it survives the process */
	bool is_safe;     /* and the power */
	uint8_t n_stored; /* by the collector */
	bool is_gap;      /* there, or in the spool */
	bool is_batched;  /* a message has it */
};

struct world {
	struct sim_disk *sim;
	struct spool *spool; /* NULL between two processes */
	struct spool_options options;
	struct sim_random random;
	uint64_t n_ticks;
	struct world_tick ticks[WORLD_TICKS_MAX + 1];
	unsigned n_known;
	struct world_known known[WORLD_KNOWN_MAX];
	unsigned n_epochs;
	struct world_stored epochs[WORLD_EPOCHS_MAX];
	unsigned n_names;
	unsigned n_faults;
	bool is_faulty;    /* the disk fails now and then */
	bool is_rotten;    /* bits of what was written have changed */
	char problem[200]; /* "" = none */
};

/* Ends the program without memory. @param counts  borrowed */
struct world *world_new(uint64_t seed, bool is_faulty, struct sim_counts *counts);
/* Takes NULL. */
void world_free(struct world *world);

/* The same disk and knowledge, with another future, and without a process. */
struct world *world_fork(const struct world *world, uint64_t seed);

/* Begin a process, and check what it finds. @param is_power  only what was synced must be there */
bool world_start(struct world *world, bool is_power);

/* End it, with the power or alone. */
void world_end(struct world *world, bool is_power);

/* Do something. There must be a process. */
void world_step(struct world *world);

/* The disk is well: seal, sync and deliver all that there is, and check that it has come. */
void world_finish(struct world *world);

/* Can it not write? */
bool world_is_in_memory(const struct world *world);

/* Did it have to drop something since it began? */
bool world_has_dropped(const struct world *world);

/* What was taken is to be durable now. */
void world_sync(struct world *world);

/* There is no process: a bit of what was written changes, or a sector of it cannot be read any more. */
void world_rot(struct world *world);

/* What identifies the content of the spool. */
uint64_t world_digest(struct world *world);

#endif
