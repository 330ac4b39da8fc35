/* SPDX-License-Identifier: MIT */
#ifndef TESTS_SUPPORT_TRIAL_AGENT_H
#define TESTS_SUPPORT_TRIAL_AGENT_H

/*
 * Agents of a trial: each makes messages of chance, keeps all of them, and gives them to the engine until it is told
 * that they are durable, again after each end of a session. What the engine says of an epoch is held against
 * what it was given.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collector/intake.h"

struct trial;

#define TRIAL_AGENTS 2

/* A glob of their hosts' names. */
#define TRIAL_AGENT_HOSTS "agent*"

struct trial_message {
	enum hm_frame_type type;
	uint64_t first; /* sequence; more than one before the last: a GAP */
	uint64_t last;
	uint32_t crc;
	uint8_t *payload;
	size_t n_bytes;
	uint32_t end_id;     /* of a DECLARE: behind its last series */
	size_t first_sample; /* of the ledger */
	size_t n_samples;
};

struct trial_agent {
	uint8_t host_id[HM_ID_BYTES];
	uint8_t epoch_id[HM_ID_BYTES];
	char name[16];
	struct trial_message *messages; /* all of the epoch */
	size_t n_messages;
	uint32_t n_series;     /* that were declared */
	uint64_t acked;        /* the engine said that all up to this sequence is durable */
	size_t next;           /* message to be sent in this session */
	struct epoch *epoch;   /* NULL = no session */
	struct intake *intake; /* likewise */
	int64_t last_us;
};

/* Draw ids. */
void trial_agent_init(struct trial *trial, struct trial_agent *agent, unsigned number);
void trial_agent_done(struct trial_agent *agent);

/* Over a zeroed one: the same agent, without a session. */
void trial_agent_copy(struct trial_agent *to, const struct trial_agent *from);

/* The engine ends. */
void trial_agent_hang_up(struct trial_agent *agent);

/* Make a message, begin a session, or send some messages, as chance has it. */
void trial_agent_step(struct trial *trial, struct trial_agent *agent);

/*
 * Have the engine take all that the agent of a host has. Once that is committed, and the agent was told so, nothing
 * of it comes again.
 */
void trial_agent_send_all(struct trial *trial, const char *host);

/* Was it told so? */
bool trial_agent_is_done(const struct trial *trial, const char *host);

/* The engine has committed: what does it say? */
void trial_agent_ask(struct trial *trial, struct trial_agent *agent);

#endif
