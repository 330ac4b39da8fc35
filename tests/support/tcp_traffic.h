/* SPDX-License-Identifier: MIT */
#ifndef TESTS_SUPPORT_TCP_TRAFFIC_H
#define TESTS_SUPPORT_TCP_TRAFFIC_H

/*
 * What connections cost on a network of IPv4, as one end of each has counted it (TCP_INFO): bytes with what was sent again,
 * and segments, each with 20 bytes of IPv4 and 32 of TCP (its timestamps are on), the two that open a connection with 60 in
 * all. Handshakes, ACKs, FINs and RSTs are segments. Link layers are not counted.
 */

#include <stdint.h>

/* What Ethernet carries: a loopback device would take 64 KiB in one segment. */
#define TCP_TRAFFIC_SEGMENT_BYTES 1460

struct tcp_traffic {
	uint64_t n_segments_out;
	uint64_t n_segments_in;
	uint64_t n_bytes_out; /* headers and all */
	uint64_t n_bytes_in;
};

/*
 * Have a socket send and take segments as they go over Ethernet: before connect(2), or before listen(2), whose connections
 * have it then. @return 0 or -errno
 */
int tcp_traffic_limit(int fd);

/* Add a connection, once its end is seen. @return 0 or -errno */
int tcp_traffic_add(struct tcp_traffic *traffic, int fd);

/* Add a try that was refused: a SYN, and a RST. */
void tcp_traffic_add_refused(struct tcp_traffic *traffic);

#endif
