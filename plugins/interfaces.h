/* SPDX-License-Identifier: MIT */
#ifndef PLUGINS_INTERFACES_H
#define PLUGINS_INTERFACES_H

/* The network interfaces of the running system, kept from round to round. */

#include <bsd/sys/queue.h>

#include "plugins/link.h"
#include "plugins/link_dump.h"

/*
 * One of them. Most of it comes with each answer of rtnetlink, for a fraction of what reading the files costs. Only files
 * tell how it got its name and address, which is read when these are new, and its speed: netlink's way to that (ethtool)
 * wakes cards that sleep.
 *
 * In most rounds nothing has changed but counters: all is asked for where the kernel has told of a change, and after
 * INTERFACES_LOOK_US, since it does not tell of all.
 */
#define INTERFACES_LOOK_US INT64_C(9500000)

struct interface {
	TAILQ_ENTRY(interface) entry;
	uint64_t round;          /* the last one that had it */
	uint64_t counters_round; /* the last one that had its counters */
	int index;
	bool is_ignored; /* then nothing else is known */
	bool is_gone;    /* its files said so; one of the same name may have come */
	int speed_fd;
	int duplex_fd;
	struct link link;
};

/* Zeroed = not open. */
struct interfaces {
	const struct hm_host *host; /* borrowed */
	const char *globs;          /* names to ignore; borrowed */
	struct link_dump dump;
	TAILQ_HEAD(interface_list, interface) list; /* in the order of the last round */
	struct interface *cursor; /* the one that is expected next; NULL = the end */
	uint64_t round;
	size_t n;
	int64_t looked_us;      /* CLOCK_MONOTONIC: when all was asked for; 0: it must be */
	bool has_counters_only; /* the kernel tells counters alone, as far as is known */
	bool has_gone;          /* the files of one have said so */
	size_t n_counted;       /* interfaces whose counters this round had */
};

/* @return 0; -errno as link_dump_open() */
int interfaces_open(struct interfaces *interfaces, const struct hm_host *host, const char *globs);

/* Take a round. @return 0; -errno of link_dump_take() and link_dump_open(): it gave nothing; -ENOMEM */
int interfaces_take(struct interfaces *interfaces);

/* Takes those that are not open. */
void interfaces_close(struct interfaces *interfaces);

#endif
