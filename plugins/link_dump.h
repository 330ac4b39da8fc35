/* SPDX-License-Identifier: MIT */
#ifndef PLUGINS_LINK_DUMP_H
#define PLUGINS_LINK_DUMP_H

/* All network interfaces of the running system in one answer of rtnetlink, and whether there is anything new to ask for. */

#include <linux/netlink.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Zeroed = not open. */
struct link_dump {
	int fd;      /* of a socket; counts while `buffer` is set, as does the next */
	int news_fd; /* that the kernel tells what changes; -1: it does not */
	char *buffer;
	uint32_t sequence; /* of the last request */
};

/* @return 0; -EAFNOSUPPORT and others of socket(2): this process may not ask; -ENOMEM */
int link_dump_open(struct link_dump *dump);

/*
 * Ask for all interfaces, and call `found` for each, in an order that does not change by itself.
 * @param message  RTM_NEWLINK; valid during the call
 * @return 0; the first error that `found` returned; -EINTR: interfaces came or went meanwhile, so that one may be missing or
 * have been told twice. After others, such as -EAGAIN (no whole answer) and those of send(2) and recv(2), close it
 */
int link_dump_take(struct link_dump *dump,
		   int (*found)(void *context, const struct nlmsghdr *message), void *context);

/*
 * The same for the counters of all interfaces alone, which costs a fifth.
 * @param message  RTM_NEWSTATS with IFLA_STATS_LINK_64
 * @return likewise; -EOPNOTSUPP: Linux before 4.7 does not know that
 */
int link_dump_take_counters(struct link_dump *dump,
			    int (*found)(void *context, const struct nlmsghdr *message),
			    void *context);

/*
 * Has the kernel told of changes since this was asked last? What link_dump_take() says after this has them all. A change of
 * the carrier is told up to a second late; that of a group by its file in sysfs is not told, nor are counters.
 */
bool link_dump_has_news(struct link_dump *dump);

/* Takes one that is not open. */
void link_dump_close(struct link_dump *dump);

#endif
