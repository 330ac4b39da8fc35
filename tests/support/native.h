/* SPDX-License-Identifier: MIT */
#ifndef TESTS_SUPPORT_NATIVE_H
#define TESTS_SUPPORT_NATIVE_H

/* A short session of the native protocol, message by message, as docs/protocol.md shows it. */

#include <stddef.h>
#include <stdint.h>

#include "common/buffer.h"
#include "common/wire_stamp.h"
#include "hostmetrics/wire.h"

struct native_message {
	const char *name;
	enum hm_frame_type type;
	void (*put)(struct buffer *out); /* its payload */
};

#define NATIVE_N_MESSAGES 10

extern const struct native_message native_messages[NATIVE_N_MESSAGES];

/* The stamp that its stored messages have, but for the sequence. */
struct wire_stamp native_stamp(uint64_t sequence);

/* Read a payload as what it is. @return why it is none */
typedef enum hm_reason (*native_read)(const uint8_t *payload, size_t length);

/*
 * Read the message cut anywhere, and with a byte behind it, from memory of just that length.
 * @return at how many lengths it was accepted, but for its own; SIZE_MAX: not even at that
 */
size_t native_count_accepted(const struct buffer *message, native_read read);

#endif
