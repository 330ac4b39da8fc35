/* SPDX-License-Identifier: MIT */
#ifndef TESTS_SUPPORT_TCP_REPLAY_H
#define TESTS_SUPPORT_TCP_REPLAY_H

/*
 * Sends a session once more, over a real connection of the loopback device, with what Ethernet takes in a segment, to see
 * what TCP adds. Between two turns the connection rests for so long that the kernel does not take it for a busy one any
 * more: a minute makes no other difference. Ends the program where the network fails.
 */

#include <stddef.h>

#include "common/buffer.h"
#include "tests/support/tcp_traffic.h"

/* What one side says, and then the other: up to where, in all that it says. */
struct tcp_turn {
	size_t asked_end;
	size_t answered_end;
};

/* @param ret_traffic  as it was for who asks, from the handshake until both ends are closed */
void tcp_replay(const struct buffer *asked, const struct buffer *answered,
		const struct tcp_turn *turns, size_t n_turns, struct tcp_traffic *ret_traffic);

#endif
