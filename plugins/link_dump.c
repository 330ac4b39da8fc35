/* SPDX-License-Identifier: MIT */
/* All network interfaces of the running system in one answer of rtnetlink. */

#include "plugins/link_dump.h"

#include <errno.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

/* The kernel fills as much as is asked for, up to this. */
#define BUFFER_BYTES 32768

int link_dump_open(struct link_dump *dump)
{
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);

	if (fd < 0)
		return -errno;
	dump->buffer = malloc(BUFFER_BYTES);
	if (!dump->buffer) {
		close(fd);
		return -ENOMEM;
	}
	dump->fd = fd;
	return 0;
}

void link_dump_close(struct link_dump *dump)
{
	if (!dump->buffer)
		return;
	close(dump->fd);
	free(dump->buffer);
	*dump = (struct link_dump){0};
}

static int ask(struct link_dump *dump)
{
	struct {
		struct nlmsghdr head;
		struct ifinfomsg link;
		struct rtattr mask;
		uint32_t bits;
	} request = {
		.head = {.nlmsg_len = sizeof(request),
			 .nlmsg_type = RTM_GETLINK,
			 .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP,
			 .nlmsg_seq = ++dump->sequence},
		/* Without the counters of each protocol, which are most of an answer. */
		.mask = {.rta_len = RTA_LENGTH(sizeof(request.bits)), .rta_type = IFLA_EXT_MASK},
		.bits = RTEXT_FILTER_SKIP_STATS,
	};
	struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};

	if (sendto(dump->fd, &request, sizeof(request), 0, (struct sockaddr *)&kernel,
		   sizeof(kernel)) < 0)
		return -errno;
	return 0;
}

/* What is done with the messages of one answer. */
struct taking {
	int (*found)(void *context, const struct nlmsghdr *message);
	void *context;
	int result; /* the first error; the answer is read to its end all the same */
	bool is_done;
	bool is_interrupted;
};

static int take_message(const struct link_dump *dump, const struct nlmsghdr *message,
			struct taking *taking)
{
	const struct nlmsgerr *error = NLMSG_DATA(message);

	/* What is left of an answer that was not read to its end. */
	if (message->nlmsg_seq != dump->sequence)
		return 0;
	if (message->nlmsg_flags & NLM_F_DUMP_INTR)
		taking->is_interrupted = true;
	switch (message->nlmsg_type) {
	case NLMSG_DONE:
		taking->is_done = true;
		return 0;
	case NLMSG_ERROR:
		taking->is_done = true;
		if (message->nlmsg_len < NLMSG_LENGTH(sizeof(*error)) || error->error >= 0)
			return -EBADMSG;
		return error->error;
	default:
		return taking->found(taking->context, message);
	}
}

/* The kernel writes the answer as it is read, so there is never anything to wait for. */
static int take_messages(const struct link_dump *dump, struct taking *taking)
{
	const struct nlmsghdr *message = (const struct nlmsghdr *)dump->buffer;
	ssize_t n_bytes = recv(dump->fd, dump->buffer, BUFFER_BYTES, MSG_DONTWAIT | MSG_TRUNC);
	int n_left = (int)n_bytes; /* as the macros want it: it may fall below 0 */

	if (n_bytes < 0)
		return -errno;
	if (n_bytes > BUFFER_BYTES)
		return -EMSGSIZE;
	for (; !taking->is_done && n_left > 0 && NLMSG_OK(message, (unsigned)n_left);
	     message = NLMSG_NEXT(message, n_left)) {
		int result = take_message(dump, message, taking);

		if (taking->result == 0)
			taking->result = result;
	}
	return 0;
}

int link_dump_take(struct link_dump *dump,
		   int (*found)(void *context, const struct nlmsghdr *message), void *context)
{
	struct taking taking = {.found = found, .context = context};
	int result = ask(dump);

	while (result == 0 && !taking.is_done)
		result = take_messages(dump, &taking);
	if (result == 0)
		result = taking.result;
	if (result == 0 && taking.is_interrupted)
		result = -EINTR;
	return result;
}
