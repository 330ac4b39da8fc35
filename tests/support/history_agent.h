/* SPDX-License-Identifier: MIT */
#ifndef TESTS_SUPPORT_HISTORY_AGENT_H
#define TESTS_SUPPORT_HISTORY_AGENT_H

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

struct history_agent {
	struct sim_store *store; /* borrowed */
	struct intake *intake;
	struct epoch *epoch;
	uint8_t number;    /* of the epoch */
	uint64_t sequence; /* of the last message */
	uint64_t declared; /* that of the DECLARE */
	struct buffer payload;
	struct buffer words;
};

/* Say HELLO to the store's engine, and go on behind what that has. @param number  of the epoch, not 0 */
void history_agent_open(struct history_agent *agent, struct sim_store *store, uint8_t number);
void history_agent_close(struct history_agent *agent);

/* The power fails, and both begin again. */
void history_agent_crash(struct history_agent *agent);

/* All that was sent is durable. */
void history_agent_commit(struct history_agent *agent);

/* @param second  the clock behind the event. @param change_s  see enum hm_clock_event */
void history_agent_clock(struct history_agent *agent, enum hm_clock_event event, int64_t second,
			 int64_t change_s);

/* @param metrics  of one letter each, in order; every so many seconds as their place says: "ab" is a every
 * second, b every two */
void history_agent_schedule(struct history_agent *agent, int64_t second, const char *metrics);

/* What was to come, up to the next message, is gone. */
void history_agent_gap(struct history_agent *agent, int64_t since, int64_t until);

/* Series 0 is m, and 1 is n. */
void history_agent_declare(struct history_agent *agent);

/* A sample of series 0, of this second. */
void history_agent_batch(struct history_agent *agent, int64_t second, double value);

/*
 * The messages and events of the host's own file, in their order: "clock 1 @5", "schedule ab @7", "gap 3..9",
 * "delete 2..4", "event 62 3..9", with "; " behind each.
 * @return borrowed until the next call
 */
const char *history_agent_told(struct history_agent *agent);

#endif
