/* SPDX-License-Identifier: MIT */
#ifndef COLLECTOR_REJECTS_H
#define COLLECTOR_REJECTS_H

/* What was refused, lines or connections: how many for each reason, and one of them to look at. Any
 * thread. */

#include <stddef.h>
#include <stdint.h>

#include "hostmetrics/format.h"

/* An example is at most this long, escapes included; its NUL is not counted. */
#define REJECTS_EXAMPLE_MAX_BYTES 120

struct rejects;

struct reject {
	uint64_t n;
	char example[REJECTS_EXAMPLE_MAX_BYTES + 1]; /* printable; "" while n is 0 */
};

/* @return 0, -ENOMEM or -errno */
int rejects_new(struct rejects **ret_rejects);

/* Takes NULL. */
void rejects_free(struct rejects *rejects);

/*
 * Count one.
 * @param text  the line or its beginning, or the peer; any bytes; copied. The example is renewed at most once a
 * second.
 */
void rejects_add(struct rejects *rejects, enum hm_reason reason, const char *text, size_t length);

/* What is known of one reason. */
void rejects_get(struct rejects *rejects, enum hm_reason reason, struct reject *ret_reject);

/* Of all reasons. */
uint64_t rejects_total(struct rejects *rejects);

#endif
