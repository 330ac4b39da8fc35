/* SPDX-License-Identifier: MIT */
#ifndef AGENT_UPLINK_SOCKET_H
#define AGENT_UPLINK_SOCKET_H

/* The socket of a connection to the collector: it waits for nothing. */

#include <stdint.h>

#include "common/address.h"

/* Begin to connect. @return a descriptor owned by the caller; -errno */
int uplink_socket_open(const struct address *address);

/*
 * Has the connection been made?
 * @param events  of epoll(7)
 * @return 0; -EAGAIN: not yet; -errno of connect(2)
 */
int uplink_socket_finish(int fd, uint32_t events);

#endif
