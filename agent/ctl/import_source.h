/* SPDX-License-Identifier: MIT */
#ifndef AGENT_CTL_IMPORT_SOURCE_H
#define AGENT_CTL_IMPORT_SOURCE_H

/* The lines of a file or a pipe, one after the other, with their numbers. */

#include <stdbool.h>
#include <stdint.h>

#include "agent/ctl/interrupt.h"
#include "common/buffer.h"

struct import_source {
	const char *name; /* for people */
	int fd;           /* -1 = none */
	bool is_owned;
	bool has_ended;     /* the last bytes are read */
	int error;          /* -errno of reading; 0 = none */
	uint64_t number;    /* of the line given last, from 1 */
	bool is_discarding; /* inside a line that was refused for its length */
	struct buffer bytes;
	size_t n_used;    /* of bytes: given */
	size_t n_scanned; /* of bytes: they hold no further newline */
};

/* @param path  "-": standard input. Borrowed. @return 0 or -errno */
int import_source_open(struct import_source *source, const char *path);

/* Takes one that is not open. */
void import_source_close(struct import_source *source);

/*
 * The next line.
 * @param ret_line  without its newline; borrowed until the next call
 * @return 1; 0: there are no more; -EMSGSIZE: the line is too long, and its rest is passed over; -EINTR:
 * a signal has come; -ENOMEM; -errno of reading
 */
int import_source_next(struct import_source *source, struct interrupt *interrupt,
		       const char **ret_line, size_t *ret_length);

#endif
