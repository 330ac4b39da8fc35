/* SPDX-License-Identifier: MIT */
#ifndef TESTS_SUPPORT_AGENT_REACTOR_H
#define TESTS_SUPPORT_AGENT_REACTOR_H

/* A real reactor with a store of numbers, and agents that reach it over loopback. All on the test's thread. */

#include <stddef.h>
#include <stdint.h>

#include "collector/endpoint.h"
#include "collector/reactor.h"
#include "collector/rejects.h"
#include "common/buffer.h"
#include "tests/support/fake_agent_store.h"

struct agent_reactor {
	struct endpoint endpoint;
	struct rejects *rejects;
	struct rejects *closed;
	struct traffic traffic;
	struct agent_claims *claims;
	struct fake_agent_store store;
	struct reactor_options options;
	struct reactor *reactor;
	struct buffer delivered; /* lines of text, as sample_lines_format() has them */
	struct buffer words;     /* what came last, as agent_side_read() puts it */
};

/* What cannot be had ends the program. It ends by agent_reactor_done(). */
void agent_reactor_init(struct agent_reactor *net);
void agent_reactor_done(struct agent_reactor *net);

/* Turns of the loop, none of which waits. */
void agent_reactor_turn(struct agent_reactor *net, int n_turns);

/* Connect; then a turn. @return a descriptor, the caller's */
int agent_reactor_dial(struct agent_reactor *net);

/* Send; then a turn. */
void agent_reactor_send(struct agent_reactor *net, int fd, const void *bytes, size_t length);

/* The same, and the buffer is empty. */
void agent_reactor_send_buffer(struct agent_reactor *net, int fd, struct buffer *bytes);

/* Connect, and send HELLO of an epoch whose bytes are all `epoch`. */
int agent_reactor_greet(struct agent_reactor *net, uint8_t epoch);

/* The store has all durable now. */
void agent_reactor_commit(struct agent_reactor *net);

/*
 * What comes, at once or within two seconds, up to the words `until`. Behind it "END" where the collector has closed
 * its side, and "RESET" where the connection was reset.
 * @return borrowed until the next call
 */
const char *agent_reactor_receive(struct agent_reactor *net, int fd, const char *until);

/* End a connection by a reset. */
void agent_reactor_reset(struct agent_reactor *net, int fd);

/* So many connections were refused or cut for that reason. */
uint64_t agent_reactor_n_closed(struct agent_reactor *net, enum hm_reason reason);

#endif
