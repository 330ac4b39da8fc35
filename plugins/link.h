/* SPDX-License-Identifier: MIT */
#ifndef PLUGINS_LINK_H
#define PLUGINS_LINK_H

/* What is known of one network interface, from its folder in /sys/class/net or from a message of rtnetlink. */

#include <linux/netlink.h>

#include "hostmetrics/sysfs.h"

/* Numbers, each a file of the interface's folder. */
enum link_number {
	LINK_ADDRESS_ASSIGN_TYPE,
	LINK_CARRIER,
	LINK_CARRIER_CHANGES,
	LINK_CARRIER_UP_CHANGES,
	LINK_CARRIER_DOWN_CHANGES,
	LINK_DEVICE_ID,
	LINK_DORMANT,
	LINK_FLAGS,
	LINK_IFINDEX,
	LINK_IFLINK,
	LINK_MODE,
	LINK_MTU,
	LINK_NAME_ASSIGN_TYPE,
	LINK_GROUP,
	LINK_SPEED,
	LINK_QUEUE_LENGTH,
	LINK_TYPE,
	LINK_NOHANDLER,
	N_LINK_NUMBERS,
};

/* Texts likewise; the last one is in no file. */
enum link_text {
	LINK_ADDRESS,
	LINK_BROADCAST,
	LINK_DUPLEX,
	LINK_OPERSTATE,
	LINK_ALIAS,
	LINK_PERMANENT_ADDRESS,
	N_LINK_TEXTS,
};

/* An alias has at most 255 bytes, an address 32 times "00:". */
#define LINK_TEXT_MAX_BYTES 256

struct link {
	char name[HM_DEVICE_NAME_MAX];
	/* 0; or why there is no number, and -ENODATA where there is none by nature. */
	int errors[N_LINK_NUMBERS];
	double numbers[N_LINK_NUMBERS];
	char texts[N_LINK_TEXTS][LINK_TEXT_MAX_BYTES]; /* "" = not known */
};

/* No number is known, and no text. */
void link_clear(struct link *link);

/* Read a number from its file. */
void link_read_number(struct link *link, const struct hm_host *host, enum link_number number);

/* Read a text from its file. @return 0 or -errno; then it is "" */
int link_read_text(struct link *link, const struct hm_host *host, enum link_text text);

/* Take over what a number's file holds, or the error of reading it. */
void link_take_number(struct link *link, enum link_number number, const char *text, int error);

/*
 * Take over what a message says: all but LINK_SPEED, LINK_DUPLEX and what only files tell, which stay.
 * @param message  of type RTM_NEWLINK, whole; nothing in it is believed
 * @return 0; -EBADMSG: it tells of no interface
 */
int link_take_message(struct link *link, const struct nlmsghdr *message);

/* The name and the index in a message. @return 0; -EBADMSG */
int link_of_message(const struct nlmsghdr *message, struct hm_span *ret_name, int *ret_index);

/*
 * Take over the counters that a message has: LINK_NOHANDLER.
 * @param message  of type RTM_NEWSTATS, likewise. @return 0; -EBADMSG: it has none, and the link has what it had
 */
int link_take_counters(struct link *link, const struct nlmsghdr *message);

/* The index of the interface whose counters a message has. @return 0; -EBADMSG */
int link_of_counters(const struct nlmsghdr *message, int *ret_index);

#endif
