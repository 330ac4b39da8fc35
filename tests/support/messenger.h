/* SPDX-License-Identifier: MIT */
#ifndef TESTS_SUPPORT_MESSENGER_H
#define TESTS_SUPPORT_MESSENGER_H

/*
 * The agent of a host "web01" that sends its messages to an engine on a simulated disk, one by one; and what the
 * host's own file then says, in words. Ends the program where something is refused. Times are seconds behind
 * SIM_STORE_START_S.
 */

#include <stdint.h>

#include "collector/intake.h"
#include "common/buffer.h"
#include "hostmetrics/wire.h"
#include "tests/support/sim_store.h"

struct messenger {
	struct sim_store *store; /* borrowed */
	struct intake *intake;
	struct epoch *epoch;
	uint8_t number;    /* of the epoch */
	uint64_t sequence; /* of the last message */
	struct buffer payload;
	struct buffer words;
};

/* Say HELLO to the store's engine, and go on behind what that has. @param number  of the epoch, not 0 */
void messenger_open(struct messenger *agent, struct sim_store *store, uint8_t number);
void messenger_close(struct messenger *agent);

/* The power fails, and both begin again. */
void messenger_crash(struct messenger *agent);

/* All that was sent is durable. */
void messenger_commit(struct messenger *agent);

/* @param second  the clock behind the event. @param change_s  see enum hm_clock_event */
void messenger_clock(struct messenger *agent, enum hm_clock_event event, int64_t second,
		     int64_t change_s);

/* @param metrics  of one letter each, in order; every so many seconds as their place says: "ab" is a every
 * second, b every two */
void messenger_schedule(struct messenger *agent, int64_t second, const char *metrics);

/* What was to come, up to the next message, is gone. */
void messenger_gap(struct messenger *agent, int64_t since, int64_t until);

/* Series 0 is m, and 1 is n. */
void messenger_declare(struct messenger *agent);

/* A sample of series 0, of this second. */
void messenger_batch(struct messenger *agent, int64_t second, double value);

/*
 * The messages and events of the host's own file, in their order: "clock 1 @5", "schedule ab @7", "gap 3..9",
 * "delete 2..4", "event 62 3..9", with "; " behind each.
 * @return borrowed until the next call
 */
const char *messenger_told(struct messenger *agent);

#endif
