/* SPDX-License-Identifier: MIT */
#ifndef TESTS_SUPPORT_FAKE_AGENT_STORE_H
#define TESTS_SUPPORT_FAKE_AGENT_STORE_H

/*
 * What agent sessions give their messages to, in place of the store. It knows sequences, and notes what came.
 * A call that no session may make ends the program. Its functions, and fake_agent_store_commit(): any thread.
 */

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collector/agent_session.h"
#include "common/buffer.h"

#define FAKE_AGENT_EPOCHS_MAX 64

struct fake_agent_epoch {
	uint8_t host[HM_ID_BYTES];
	uint8_t epoch[HM_ID_BYTES];
	uint64_t taken; /* the highest sequence */
	uint64_t durable;
	uint32_t crc;
};

/* Zeroed but for `functions`, by fake_agent_store_init(). */
struct fake_agent_store {
	struct agent_store functions;
	pthread_mutex_t lock;
	struct fake_agent_epoch epochs[FAKE_AGENT_EPOCHS_MAX]; /* in the order of their HELLOs */
	size_t n_epochs;
	size_t n_hellos;
	size_t n_taken;
	struct buffer log;     /* "TYPE SEQUENCE CRC\n" of each message taken */
	enum hm_reason refuse; /* what every call returns; HM_REASON_NONE: as it should be */
	bool is_fast;          /* what was taken is durable at once */
};

void fake_agent_store_init(struct fake_agent_store *fake);
void fake_agent_store_done(struct fake_agent_store *fake);

/* All that was taken is durable now. */
void fake_agent_store_commit(struct fake_agent_store *fake);

#endif
