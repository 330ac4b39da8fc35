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

/* So many changes are taken note of in a round; the rest are news for the next one. */
#define NEWS_MAX 1024

/* @return -1: the kernel will not tell */
static int open_news(void)
{
	struct sockaddr_nl links = {.nl_family = AF_NETLINK, .nl_groups = RTMGRP_LINK};
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);

	if (fd >= 0 && bind(fd, (struct sockaddr *)&links, sizeof(links)) < 0) {
		close(fd);
		fd = -1;
	}
	return fd;
}

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
	dump->news_fd = open_news();
	return 0;
}

void link_dump_close(struct link_dump *dump)
{
	if (!dump->buffer)
		return;
	close(dump->fd);
	if (dump->news_fd >= 0)
		close(dump->news_fd);
	free(dump->buffer);
	*dump = (struct link_dump){0};
}

bool link_dump_has_news(struct link_dump *dump)
{
	char byte;

	if (dump->news_fd < 0)
		return true;
	/* What they say is asked for; that some were lost (ENOBUFS) is news, too. */
	for (int i = 0; i < NEWS_MAX; i++) {
		if (recv(dump->news_fd, &byte, sizeof(byte), MSG_DONTWAIT) < 0 && errno == EAGAIN)
			return i > 0;
	}
	return true;
}

static int send_request(struct link_dump *dump, struct nlmsghdr *head)
{
	struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};

	head->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	head->nlmsg_seq = ++dump->sequence;
	if (sendto(dump->fd, head, head->nlmsg_len, 0, (struct sockaddr *)&kernel, sizeof(kernel)) <
	    0)
		return -errno;
	return 0;
}

static int ask(struct link_dump *dump)
{
	struct {
		struct nlmsghdr head;
		struct ifinfomsg link;
		struct rtattr mask;
		uint32_t bits;
	} request = {
		.head = {.nlmsg_len = sizeof(request), .nlmsg_type = RTM_GETLINK},
		/* Without the counters of each protocol, which are most of an answer. */
		.mask = {.rta_len = RTA_LENGTH(sizeof(request.bits)), .rta_type = IFLA_EXT_MASK},
		.bits = RTEXT_FILTER_SKIP_STATS,
	};

	return send_request(dump, &request.head);
}

static int ask_counters(struct link_dump *dump)
{
	struct {
		struct nlmsghdr head;
		struct if_stats_msg stats;
	} request = {
		.head = {.nlmsg_len = sizeof(request), .nlmsg_type = RTM_GETSTATS},
		.stats = {.filter_mask = IFLA_STATS_FILTER_BIT(IFLA_STATS_LINK_64)},
	};

	return send_request(dump, &request.head);
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

/* @param result  of asking */
static int take_answer(const struct link_dump *dump, struct taking taking, int result)
{
	while (result == 0 && !taking.is_done)
		result = take_messages(dump, &taking);
	if (result == 0)
		result = taking.result;
	if (result == 0 && taking.is_interrupted)
		result = -EINTR;
	return result;
}

int link_dump_take(struct link_dump *dump,
		   int (*found)(void *context, const struct nlmsghdr *message), void *context)
{
	const struct taking taking = {.found = found, .context = context};

	return take_answer(dump, taking, ask(dump));
}

int link_dump_take_counters(struct link_dump *dump,
			    int (*found)(void *context, const struct nlmsghdr *message),
			    void *context)
{
	const struct taking taking = {.found = found, .context = context};

	return take_answer(dump, taking, ask_counters(dump));
}
