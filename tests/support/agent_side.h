/* SPDX-License-Identifier: MIT */
#ifndef TESTS_SUPPORT_AGENT_SIDE_H
#define TESTS_SUPPORT_AGENT_SIDE_H

/* The agent's side of the native protocol: frames to send, and words for those that come back. */

#include <stddef.h>
#include <stdint.h>

#include "common/buffer.h"
#include "hostmetrics/wire.h"

/* Append messages of the session in docs/protocol.md, from native_messages[first] on, that the agent sends. */
void agent_side_put_example(struct buffer *out, size_t first, size_t n);

/* Append HELLO of an epoch whose bytes are all `epoch`; that of the example is 0x22. */
void agent_side_put_hello(struct buffer *out, uint8_t epoch);

/* Append the shortest message that is stored. */
void agent_side_put_clock(struct buffer *out, uint8_t epoch, uint64_t sequence);

/*
 * Take the whole frames off what came, and append a line for each: "WELCOME 0", "ACK 3", "ERROR bad_id 60000",
 * "BYE idle 0"; "DAMAGED" where there is no frame.
 */
void agent_side_read(struct buffer *came, struct buffer *words);

#endif
