/* SPDX-License-Identifier: MIT */
#ifndef TESTS_SUPPORT_AGENT_TALK_H
#define TESTS_SUPPORT_AGENT_TALK_H

/* A session of an agent, without a connection: its driver, its store, and what came back. */

#include <stddef.h>
#include <stdint.h>

#include "collector/agent_session.h"
#include "common/buffer.h"
#include "tests/support/fake_agent_store.h"

struct agent_talk {
	struct fake_agent_store store;
	struct agent_session session;
	int64_t now_us;      /* CLOCK_MONOTONIC, as the session sees it */
	struct buffer came;  /* all that the session sent */
	struct buffer words; /* of agent_talk_words() */
	size_t n_read;       /* of `came`, by that */
};

/* Begin. It ends by agent_talk_done(). */
void agent_talk_init(struct agent_talk *talk);
void agent_talk_done(struct agent_talk *talk);

/* Begin another session with the same store, at once. */
void agent_talk_again(struct agent_talk *talk);

/* The agent sends bytes, which lie in memory of just that length; then all that it gets is taken. */
void agent_talk_feed(struct agent_talk *talk, const void *bytes, size_t length);
void agent_talk_feed_buffer(struct agent_talk *talk, const struct buffer *bytes);

/* Take what is to be sent, `piece` bytes at a time. */
void agent_talk_take(struct agent_talk *talk, size_t piece);

/* The store has all durable now, and says so. */
void agent_talk_commit(struct agent_talk *talk);

/* Time passes. */
void agent_talk_wait(struct agent_talk *talk, int64_t us);

/* What came since the last call, as agent_side_read() puts it; borrowed until the next. */
const char *agent_talk_words(struct agent_talk *talk);

#endif
