/* SPDX-License-Identifier: MIT */
#ifndef AGENT_RECORDER_H
#define AGENT_RECORDER_H

/*
 * Writes what was sampled into the spool: each round at once, as ticks (agent/tick.h), and when it is to be shipped, as
 * batches (agent/encoder.h). A series is declared before the first tick that has it. On the main thread.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/clock_watch.h"
#include "agent/queue.h"
#include "agent/spool.h"
#include "hostmetrics/format.h"

struct recorder;

/*
 * @param spool    borrowed; ticks that it has are sealed first
 * @param boot_id  copied
 * @return 0 or -ENOMEM
 */
int recorder_new(struct spool *spool, const uint8_t boot_id[static HM_ID_BYTES],
		 struct recorder **ret_recorder);

/*
 * Write into another spool from now on, which was opened on what the one before has left.
 * @return 0 or -ENOMEM
 */
int recorder_use_spool(struct recorder *recorder, struct spool *spool);

/* Takes NULL. */
void recorder_free(struct recorder *recorder);

/*
 * Write a round. What cannot be written is lost, counted, and said once.
 * @param samples  as round_put() made them
 */
void recorder_take(struct recorder *recorder, const void *samples, size_t length);

/* Note what has happened to the time of this host, between what was taken before and after. */
void recorder_note(struct recorder *recorder, const struct clock_event *event);

/*
 * Write down what is sampled.
 * @param body  of a SCHEDULE
 * @return 0 or -errno: nothing was written
 */
int recorder_note_schedule(struct recorder *recorder, const void *body, size_t length);

/* Samples of these times are lost already: it is noted when the next are shipped, as what this loses itself. */
void recorder_lose(struct recorder *recorder, const struct queue_span *span);

/* What was written is lost: say again what is said once, that the agent began and which series are gone. */
void recorder_repeat(struct recorder *recorder);

/* Seal what was taken, and make it durable: it may be sent then. */
void recorder_ship(struct recorder *recorder);

/* Are there so many series that no more can be declared? */
bool recorder_is_full(const struct recorder *recorder);

/*
 * Are half of the series gone, and so many that they take memory for nothing, or that no more can be declared? On hosts whose
 * devices come and go under ever new names, as those of containers do.
 */
bool recorder_wants_anew(const struct recorder *recorder);

/*
 * Forget all series, and begin with those that are sampled from now on, where that is wanted, and nothing waits in the spool. To
 * be called when all is acknowledged.
 */
void recorder_begin_anew(struct recorder *recorder);

/* Samples that could not be written. */
uint64_t recorder_n_lost(const struct recorder *recorder);

/* Bytes that it has written, ticks and batches. */
uint64_t recorder_n_bytes(const struct recorder *recorder);

/* Samples that are in ticks only. */
uint64_t recorder_n_unsealed(const struct recorder *recorder);

#endif
