/* SPDX-License-Identifier: MIT */
#ifndef TESTS_SUPPORT_TRIAL_H
#define TESTS_SUPPORT_TRIAL_H

/*
 * An engine on a simulated disk, used as chance has it, with a ledger of what it was given and what
 * it said. Everything comes from the seed. What goes wrong is in ledger.problem. One thread.
 */

#include <stdbool.h>
#include <stdint.h>

#include "collector/bundle.h"
#include "collector/engine.h"
#include "tests/support/ledger.h"
#include "tests/support/sim_disk.h"
#include "tests/support/trial_agent.h"

/* So that a short run fills several. */
#define TRIAL_SEGMENT_BYTES ((uint64_t)65536)

/* What an engine did of itself. */
enum trial_event {
	TRIAL_LIMIT_MOVES,      /* steps for the sake of a size */
	TRIAL_LIMIT_FITS,       /* one that was too small was reached by them */
	TRIAL_LIMIT_STUCK,      /* or not, as only the newest samples are left */
	TRIAL_LIMIT_IMPOSSIBLE, /* or cannot be */
	TRIAL_EVENTS,
};

const char *trial_event_name(enum trial_event event);

/* How often what happened; the tester's, may be shared by many trials. Zeroed to begin. */
struct trial_counts {
	struct sim_counts disk;
	uint64_t events[TRIAL_EVENTS];
};

#define TRIAL_LIMITS_MAX 2

/* On the size of files. */
struct trial_limit {
	unsigned hosts; /* a bit for each whose files it is for */
	uint64_t bytes;
	bool is_removing; /* the engine takes steps until it is reached */
	int64_t kept_us;  /* so much of the newest times must stay then */
};

struct trial {
	struct sim_disk *sim;        /* owned */
	struct trial_counts *counts; /* borrowed */
	struct sim_random random;
	struct ledger ledger;
	struct engine *engine; /* NULL = not open */
	struct bundle bundle;
	int root;         /* the store's folder; below 0 = not open */
	bool is_faulty;   /* the disk may refuse anything: that is no problem */
	bool was_faulty;  /* so since it was opened first */
	bool is_patient;  /* when it opens, the time passes for which the disk is waited for */
	bool is_lossy;    /* the last query said that not all could be read */
	bool is_partial;  /* faults kept the engine from reading all, and it counted that */
	int open_result;  /* of the last engine_open() */
	unsigned n_pages; /* of old samples that were filled */
	struct trial_limit limits[TRIAL_LIMITS_MAX]; /* that the engine knows, in its order */
	size_t n_limits;
	struct trial_agent agents[TRIAL_AGENTS]; /* where the seed is even */
	bool has_agents;
};

/* @param counts  borrowed. @return ended by trial_free(); not opened yet */
struct trial *trial_new(uint64_t seed, struct trial_counts *counts);

/* Takes NULL. */
void trial_free(struct trial *trial);

/* The same disk and ledger at this moment, with another future; the engine is not open in it. */
struct trial *trial_fork(const struct trial *trial, uint64_t seed);

/* Open the store and read all of it. @return false: it could not be opened, see open_result */
bool trial_open(struct trial *trial, enum ledger_reading reading);

/* Close it as a process that ends does; nothing may be left open. */
void trial_close(struct trial *trial);

/* The process or the power ends, however far it was. The engine's memory is released. */
void trial_kill(struct trial *trial);
void trial_crash(struct trial *trial);

/* Append some samples of chance. */
void trial_append(struct trial *trial);

/* @return what engine_commit() said */
int trial_commit(struct trial *trial);

/* Delete some of what there is, as chance has it, and make that durable. */
void trial_delete(struct trial *trial);

/* Likewise move the horizon of a host. */
void trial_expire(struct trial *trial);

/* Likewise limit the size of hosts' files, and have horizons move until they are small enough. */
void trial_limit(struct trial *trial);

/* Take steps until there is nothing left to do, or an error. @return 0 or -errno */
int trial_checkpoint(struct trial *trial, enum engine_scope scope);

/* Commit, and move all into files. */
void trial_flush(struct trial *trial);

/* Read all of the store. @return 0 or -errno */
int trial_read(struct trial *trial, enum ledger_reading reading);

/* One of all these, as chance has it; also restarts, and time that passes. */
void trial_step(struct trial *trial);

/* Has a problem been found? */
bool trial_is_bad(const struct trial *trial);

#endif
