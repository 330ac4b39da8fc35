/* SPDX-License-Identifier: MIT */
#ifndef COLLECTOR_DATAGRAM_H
#define COLLECTOR_DATAGRAM_H

/* Receives UDP datagrams of text lines on a reactor's loop. */

#include <stdbool.h>
#include <stddef.h>

#include "collector/bundle.h"
#include "collector/traffic.h"
#include "common/address.h"

/* Received with one call. */
#define DATAGRAM_BATCH 16

/* So many are taken in one turn before the others have theirs. */
#define DATAGRAMS_PER_TURN ((size_t)64)

struct datagram;

/*
 * @param fd        bound, non-blocking; borrowed
 * @param hostname  the host of lines from loopback that name none; borrowed
 * @param traffic   borrowed
 * @return 0 or -ENOMEM
 */
int datagram_new(int fd, const char *hostname, struct traffic *traffic,
		 struct datagram **ret_datagram);

/* Takes NULL. */
void datagram_free(struct datagram *datagram);

/*
 * Receive what is there, about `n` datagrams at most, into the bundle.
 * @return true = there may be more
 */
bool datagram_receive(struct datagram *datagram, size_t n, struct bundle *out);

/*
 * Take the lines of one datagram.
 * @param is_truncated  its end is missing: a last line without newline does not count
 */
void datagram_take(const struct datagram *datagram, const struct address *peer, const char *bytes,
		   size_t length, bool is_truncated, struct bundle *out);

#endif
