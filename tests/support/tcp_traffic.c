/* SPDX-License-Identifier: MIT */
/* What connections cost on a network. */

#include "tests/support/tcp_traffic.h"

#include <errno.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>

#define IP_BYTES      20
#define TCP_BYTES     20
#define STAMP_BYTES   12 /* the option of each segment but a RST that refuses */
#define OPENING_BYTES 8  /* beside that: MSS, SACK, window scale */

int tcp_traffic_limit(int fd)
{
	int bytes = TCP_TRAFFIC_SEGMENT_BYTES;

	return setsockopt(fd, IPPROTO_TCP, TCP_MAXSEG, &bytes, sizeof(bytes)) < 0 ? -errno : 0;
}

static void add(struct tcp_traffic *traffic, uint64_t n_out, uint64_t n_in)
{
	const uint64_t header_bytes = IP_BYTES + TCP_BYTES + STAMP_BYTES;

	traffic->n_segments_out += n_out;
	traffic->n_segments_in += n_in;
	traffic->n_bytes_out += n_out * header_bytes + OPENING_BYTES;
	traffic->n_bytes_in += n_in * header_bytes + OPENING_BYTES;
}

int tcp_traffic_add(struct tcp_traffic *traffic, int fd)
{
	struct tcp_info info = {0};
	socklen_t length = sizeof(info);

	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &length) < 0)
		return -errno;
	add(traffic, info.tcpi_segs_out, info.tcpi_segs_in);
	traffic->n_bytes_out += info.tcpi_bytes_sent;
	traffic->n_bytes_in += info.tcpi_bytes_received;
	return 0;
}

void tcp_traffic_add_refused(struct tcp_traffic *traffic)
{
	add(traffic, 1, 1);
	traffic->n_bytes_in -= STAMP_BYTES + OPENING_BYTES;
}
