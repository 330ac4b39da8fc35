/* SPDX-License-Identifier: MIT */
/* Receives UDP datagrams of text lines. */

#include "collector/datagram.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "collector/session.h"

/* The largest datagram there is over IPv4, and more than ever comes over IPv6. */
#define DATAGRAM_MAX_BYTES 65536

struct datagram {
	int fd;
	const char *hostname;
	struct traffic *traffic;
	struct mmsghdr messages[DATAGRAM_BATCH];
	struct iovec vectors[DATAGRAM_BATCH];
	struct address peers[DATAGRAM_BATCH];
	/* Pages of it that no datagram ever reached are never touched. */
	char bytes[DATAGRAM_BATCH][DATAGRAM_MAX_BYTES];
};

int datagram_new(int fd, const char *hostname, struct traffic *traffic,
		 struct datagram **ret_datagram)
{
	struct datagram *datagram = calloc(1, sizeof(*datagram));

	if (!datagram)
		return -ENOMEM;
	datagram->fd = fd;
	datagram->hostname = hostname;
	datagram->traffic = traffic;
	for (size_t i = 0; i < DATAGRAM_BATCH; i++) {
		datagram->vectors[i] = (struct iovec){datagram->bytes[i], DATAGRAM_MAX_BYTES};
		datagram->messages[i].msg_hdr.msg_iov = &datagram->vectors[i];
		datagram->messages[i].msg_hdr.msg_iovlen = 1;
	}
	*ret_datagram = datagram;
	return 0;
}

void datagram_free(struct datagram *datagram)
{
	free(datagram);
}

void datagram_take(const struct datagram *datagram, const struct address *peer, const char *bytes,
		   size_t length, bool is_truncated, struct bundle *out)
{
	char host[ADDRESS_TEXT_MAX_BYTES];
	const char *default_host = datagram->hostname;
	struct session session;

	if (!address_is_loopback(peer)) {
		address_format_host(peer, host);
		default_host = host;
	}
	datagram->traffic->udp_datagrams++;
	if (is_truncated)
		datagram->traffic->udp_truncated++;
	session_init(&session, default_host);
	session_feed(&session, bytes, length, out);
	session_end(&session, is_truncated ? SESSION_ENDING_BROKEN : SESSION_ENDING_DATAGRAM, out);
	session_done(&session);
}

static int receive_batch(struct datagram *datagram)
{
	int n_messages;

	for (size_t i = 0; i < DATAGRAM_BATCH; i++) {
		datagram->messages[i].msg_hdr.msg_name = &datagram->peers[i].storage;
		datagram->messages[i].msg_hdr.msg_namelen = sizeof(datagram->peers[i].storage);
	}
	n_messages = recvmmsg(datagram->fd, datagram->messages, DATAGRAM_BATCH, MSG_DONTWAIT, NULL);
	return n_messages < 0 ? -errno : n_messages;
}

bool datagram_receive(struct datagram *datagram, size_t n, struct bundle *out)
{
	for (size_t received = 0; received < n;) {
		int n_messages = receive_batch(datagram);

		if (n_messages == -EAGAIN)
			return false;
		/* An error that an ICMP message brought, say: it is taken off the socket. */
		if (n_messages < 0) {
			received++;
			continue;
		}
		for (int i = 0; i < n_messages; i++) {
			const struct msghdr *header = &datagram->messages[i].msg_hdr;

			datagram->peers[i].length = header->msg_namelen;
			datagram_take(datagram, &datagram->peers[i], datagram->bytes[i],
				      datagram->messages[i].msg_len,
				      (header->msg_flags & MSG_TRUNC) != 0, out);
		}
		received += (size_t)n_messages;
	}
	return true;
}
