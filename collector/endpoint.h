/* SPDX-License-Identifier: MIT */
#ifndef COLLECTOR_ENDPOINT_H
#define COLLECTOR_ENDPOINT_H

/*
 * The address on which the collector listens: one TCP and one UDP socket of the same port for each
 * reactor.
 */

#include <stddef.h>

#include "common/address.h"

#define ENDPOINT_REACTORS_MAX 64

struct endpoint {
	size_t n; /* pairs of sockets */
	int tcp_fds[ENDPOINT_REACTORS_MAX];
	int udp_fds[ENDPOINT_REACTORS_MAX];
	char text[ADDRESS_TEXT_MAX_BYTES]; /* the address with its real port */
	long long udp_drops_before;        /* of those that it has replaced */
};

/*
 * Bind and listen.
 * @param address  HOST:PORT; HOST may be a name; port 0: one that is free
 * @param n        reactors, at most ENDPOINT_REACTORS_MAX
 * @return 0; -EADDRINUSE: another process listens there; -EADDRNOTAVAIL: no such address here;
 * -EINVAL: not HOST:PORT; other -errno. Nothing stays open on failure
 */
int endpoint_open(struct endpoint *endpoint, const char *address, size_t n);

/*
 * Listen on another address, perhaps of the same port, with as many sockets; those before are
 * closed. Who has a duplicate of one goes on with it.
 * @return as endpoint_open(); on failure all is as it was
 */
int endpoint_replace(struct endpoint *endpoint, const char *address);

/* Takes a zeroed endpoint. */
void endpoint_close(struct endpoint *endpoint);

/* Datagrams that the kernel dropped because we did not read them in time. Any thread. */
long long endpoint_udp_drops(const struct endpoint *endpoint);

#endif
