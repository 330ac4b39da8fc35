/* SPDX-License-Identifier: MIT */
#ifndef COLLECTOR_TRAFFIC_H
#define COLLECTOR_TRAFFIC_H

/* What came in over the network since start: counted by the reactors, read by status. Any thread. */

#include <stdatomic.h>
#include <stdint.h>

struct traffic {
	int64_t connections_max; /* set before the first reactor runs */
	_Atomic int64_t connections;
	_Atomic int64_t connections_total;
	_Atomic int64_t connections_refused; /* over connections_max, or no descriptor left */
	_Atomic int64_t udp_datagrams;
	_Atomic int64_t udp_truncated; /* datagrams longer than the buffer: their rest is lost */
};

#endif
