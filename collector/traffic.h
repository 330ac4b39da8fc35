/* SPDX-License-Identifier: MIT */
#ifndef COLLECTOR_TRAFFIC_H
#define COLLECTOR_TRAFFIC_H

/* What came in over the network since start: counted by the reactors, read by status. Any thread. */

#include <stdatomic.h>
#include <stdint.h>

#include "collector/budget.h"
#include "collector/rejects.h"

struct traffic {
	_Atomic int64_t connections_max; /* of text clients; may change at any time */
	_Atomic int64_t idle_us;         /* who brings nothing for so long is closed; so too */
	struct budget declarations;      /* bytes that all connections declare together */
	struct rejects *closed;          /* connections refused or cut, and the peer; borrowed */
	_Atomic int64_t connections;
	_Atomic int64_t connections_total;
	_Atomic int64_t connections_refused; /* never taken: the first part of `closed` */
	_Atomic int64_t udp_datagrams;
	_Atomic int64_t udp_truncated; /* datagrams longer than the buffer: their rest is lost */
};

#endif
