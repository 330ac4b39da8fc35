/* SPDX-License-Identifier: MIT */
#ifndef COLLECTOR_SESSION_H
#define COLLECTOR_SESSION_H

/*
 * A sender of text lines: bytes in, samples and counted rejects out. No descriptor, no clock; the
 * same lines come out however the bytes were cut into pieces.
 */

#include <stdbool.h>
#include <stddef.h>

#include "collector/bundle.h"
#include "common/buffer.h"

struct declarations;

struct session {
	struct series_text default_host;   /* host of lines that name none; borrowed */
	struct buffer partial;             /* the beginning of a line; no memory without one */
	struct declarations *declarations; /* NULL until the first */
	bool has_declared;                 /* an agent or an exporter speaks */
	bool is_discarding;                /* inside a line that was refused for its length */
};

/* How the bytes of a session came to their end. */
enum session_ending {
	/* The sender closed: a last line without newline counts, unless the sender declares its
	 * metrics: a program ends its lines, so that one may be cut short. */
	SESSION_ENDING_CLOSED,
	/* Reset, timed out or ended by us: a line without newline was never said to its end. */
	SESSION_ENDING_BROKEN,
	/* A datagram, which is whole by nature: a last line without newline counts. */
	SESSION_ENDING_DATAGRAM,
};

/* @param default_host  borrowed until session_done() */
void session_init(struct session *session, const char *default_host);

/* Take bytes as they came. @param out  gets the samples; refused lines are counted in its rejects */
void session_feed(struct session *session, const char *bytes, size_t length, struct bundle *out);

/* Take or drop what is left. Once, before session_done(). */
void session_end(struct session *session, enum session_ending ending, struct bundle *out);

/* Release the memory. Takes a zeroed session. */
void session_done(struct session *session);

#endif
