/* SPDX-License-Identifier: MIT */
#ifndef TESTS_SUPPORT_BENCH_SESSION_H
#define TESTS_SUPPORT_BENCH_SESSION_H

/*
 * All that an agent and a collector say to each other while what was recorded of one host is shipped, a batch a minute. Each
 * message is acknowledged on its own. Ends the program where something cannot be said.
 */

#include <stddef.h>
#include <stdint.h>

#include "agent/dictionary.h"
#include "agent/encoder.h"
#include "agent/tick.h"
#include "common/buffer.h"
#include "hostmetrics/wire.h"
#include "tests/support/recording.h"
#include "tests/support/tcp_replay.h"

#define BENCH_SESSION_TURNS_MAX 64 /* the recording has 50 minutes */

struct bench_line;

struct bench_session {
	struct buffer sent;    /* all frames of the agent */
	struct buffer answers; /* and of the collector */
	struct tcp_turn
		turns[BENCH_SESSION_TURNS_MAX]; /* before more is sent, what was sent is answered */
	size_t n_turns;
	size_t n_samples;
	size_t n_batches;
	size_t n_declare_bytes;
	size_t n_spool_bytes; /* that its ticks would have in a spool */
	size_t largest;       /* payload of a batch, bytes */
	/* ------------------------------------------------------------------------------------------ */
	const struct recording *recording; /* borrowed */
	struct bench_line *lines;          /* of each of its series */
	int64_t *times_us;                 /* all ticks */
	size_t n_times;
	struct dictionary dictionary;
	uint32_t n_declared;
	struct tick tick;
	struct encoder *encoder;
	struct wire_stamp stamp;
	struct buffer payload;
	struct buffer spool; /* the ticks of an interval */
};

/* @param interval_us  whole seconds: what was recorded at other times is left out */
void bench_session_init(struct bench_session *session, const struct recording *recording,
			int64_t interval_us);
void bench_session_done(struct bench_session *session);

/* Say all, in place of what was said before. @return CPU time from the names on; their values are at hand, as an agent has
 * them */
double bench_session_write(struct bench_session *session);

#endif
