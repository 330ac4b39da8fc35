/* SPDX-License-Identifier: MIT */
#ifndef TESTS_SUPPORT_SIM_STORE_H
#define TESTS_SUPPORT_SIM_STORE_H

/*
 * An engine on a simulated disk, for tests that say step by step what happens. Ends the program where
 * the set-up itself cannot work.
 */

#include <stdbool.h>
#include <stdint.h>

#include "collector/bundle.h"
#include "collector/engine.h"
#include "tests/support/sim_disk.h"

/* Small, so that a few batches fill one. */
#define SIM_STORE_SEGMENT_BYTES ((uint64_t)64 << 10)

/* Times in text are these eight digits of seconds and two more; the clock stands at ...00. */
#define SIM_STORE_AT        "17954160"
#define SIM_STORE_START_S   INT64_C(1795416000)
#define SIM_STORE_SECOND_US INT64_C(1000000)

struct sim_store {
	struct sim_counts counts;
	struct sim_disk *sim;
	struct bundle bundle;
	struct buffer found;
	char path[512];        /* of sim_store_find() */
	struct engine *engine; /* NULL = closed */
	int root;
};

/* An empty disk, no engine yet. */
void sim_store_init(struct sim_store *store);
void sim_store_done(struct sim_store *store);

/* @return as engine_open(), with the engine NULL after a failure */
int sim_store_open(struct sim_store *store);
void sim_store_close(struct sim_store *store);

/* Let the time pass as long as it waits for what the disk does not give. @return 0; -errno: it still does */
int sim_store_await(struct sim_store *store);

/* Both. @return 0 or -errno */
int sim_store_open_patiently(struct sim_store *store);

/* The process ends at once; nothing more is written. */
void sim_store_kill(struct sim_store *store);

/* It ends at once, and another one begins. */
void sim_store_reopen(struct sim_store *store);

/* So does the power: what was not synced is kept or lost by the disk's seed. */
void sim_store_crash(struct sim_store *store);

/* Give the engine the samples of text lines, the last one ended or not. */
void sim_store_put(struct sim_store *store, const char *text);

/* Put a line and commit it, `n` times: the value counts from `first` on. @return of the last commit */
int sim_store_fill(struct sim_store *store, const char *series, unsigned first, unsigned n);

/* Put a line for each second from 0 on, with that as its value, and commit them at once. */
int sim_store_put_many(struct sim_store *store, const char *series, unsigned n);

/* Move all into files, with the commits that it takes. @return 0 or -errno */
int sim_store_checkpoint(struct sim_store *store);

/* What the next one has left, as sim_store_read() tells it. */
extern const char sim_store_two_hosts[];

/* Put two samples of each of two hosts: the first ones in files, the others in the log only. The process is ended. */
void sim_store_put_two_hosts(struct sim_store *store);

/* Put lines, and move all into files. */
void sim_store_put_filed(struct sim_store *store, const char *text);

/*
 * All samples, as lines "seconds host metric{labels} value"; seconds are those of SIM_STORE_AT's two
 * digits. @return borrowed until the next call; "error ..." where they cannot be read
 */
const char *sim_store_read(struct sim_store *store);

/* How many lines it reads. */
unsigned sim_store_count(struct sim_store *store);

/* In how many places these lines hold a text. */
unsigned sim_store_count_of(struct sim_store *store, const char *text);

struct engine_stats sim_store_stats(struct sim_store *store);

/* Is there such a file? */
bool sim_store_has(struct sim_store *store, const char *path);

/*
 * The path of the file whose name begins so.
 * @param folder  a host's. @return borrowed until the next call; ends the program where there is not
 * one such file
 */
const char *sim_store_find(struct sim_store *store, const char *folder, const char *start);

/* A copy of the bytes of a file, that has to be there. @return owned by the caller */
uint8_t *sim_store_copy_file(struct sim_store *store, const char *path, uint64_t *ret_size);

/* Is there such a file, of these bytes and no others? */
bool sim_store_holds(struct sim_store *store, const char *path, const void *bytes, uint64_t size);

/* Make a file of these bytes, or overwrite one. */
void sim_store_write_file(struct sim_store *store, const char *path, const void *bytes,
			  size_t length);

/* Make of a file one that no reader of this version knows. */
void sim_store_write_later(struct sim_store *store, const char *path);

/* Rename what is in a folder. */
void sim_store_rename(struct sim_store *store, const char *folder, const char *from,
		      const char *to);

/* Remove a file; `folder` may have two names. */
void sim_store_remove(struct sim_store *store, const char *folder, const char *name);

/* Overwrite a part of a file with 0xa5. */
void sim_store_damage(struct sim_store *store, const char *path, uint64_t offset, size_t length);

#endif
