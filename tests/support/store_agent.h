/* SPDX-License-Identifier: MIT */
#ifndef TESTS_SUPPORT_STORE_AGENT_H
#define TESTS_SUPPORT_STORE_AGENT_H

/*
 * An agent of the host "web01", for a simulated store: what it says of its ticks, samples and reasons why there is
 * none. Ends the program where the set-up itself cannot work.
 */

#include <stddef.h>
#include <stdint.h>

#include "collector/intake.h"
#include "tests/support/sim_store.h"

#define STORE_AGENT_SERIES_MAX 8
#define STORE_AGENT_TICKS_MAX  200

struct store_agent {
	struct sim_store *store;
	struct intake *intake;
	struct epoch *epoch;
	uint64_t sequence;
	uint32_t n_series;
};

/* Begin with an open store, and declare gauges, whose ids count from 0 on. */
void store_agent_begin(struct store_agent *agent, struct sim_store *store, const char *const *names,
		       uint32_t n_names);

/* End; before its store does. Takes a zeroed one. */
void store_agent_end(struct store_agent *agent);

/*
 * Send a batch of ticks, a second apart, and commit it.
 * @param second  of the first, from SIM_STORE_START_S on
 * @param rows    for each series a character for each tick, of all the same number: a digit is a sample; F, S and G are
 * HM_REASON_SOURCE_FAILED, _STUCK and _GONE; '-': nothing is said. NULL: it is not in the batch
 */
void store_agent_send(struct store_agent *agent, int64_t second, const char *const *rows);

/* The character of a reason, as above; '?' = another one. */
char store_agent_letter(uint8_t reason);

#endif
