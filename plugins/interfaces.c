/* SPDX-License-Identifier: MIT */
/* The network interfaces of the running system, kept from round to round. */

#include "plugins/interfaces.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* So often an answer is asked for in which nothing came or went meanwhile; then it is taken as it is. */
#define TRIES_MAX 3

int interfaces_open(struct interfaces *interfaces, const struct hm_host *host, const char *globs)
{
	TAILQ_INIT(&interfaces->list);
	interfaces->host = host;
	interfaces->globs = globs;
	interfaces->has_counters_only = true;
	return link_dump_open(&interfaces->dump);
}

static void interface_free(struct interface *interface)
{
	if (interface->speed_fd >= 0)
		close(interface->speed_fd);
	if (interface->duplex_fd >= 0)
		close(interface->duplex_fd);
	free(interface);
}

static void forget(struct interfaces *interfaces, struct interface *interface)
{
	TAILQ_REMOVE(&interfaces->list, interface, entry);
	interfaces->n--;
	interface_free(interface);
}

/* Forget those that the last round did not have. */
static void forget_gone(struct interfaces *interfaces)
{
	struct interface *interface;
	struct interface *next;

	TAILQ_FOREACH_SAFE(interface, &interfaces->list, entry, next) {
		if (interface->round != interfaces->round)
			forget(interfaces, interface);
	}
}

void interfaces_close(struct interfaces *interfaces)
{
	if (!interfaces->host)
		return;
	interfaces->round++;
	forget_gone(interfaces);
	link_dump_close(&interfaces->dump);
	*interfaces = (struct interfaces){0};
}

static int open_file(const struct interfaces *interfaces, const char *name, const char *file)
{
	char path[128];

	(void)snprintf(path, sizeof(path), "/sys/class/net/%s/%s", name, file);
	return hm_open(interfaces->host, path);
}

/* @return NULL without memory */
static struct interface *interface_new(const struct interfaces *interfaces, struct hm_span name,
				       int index)
{
	struct interface *interface = malloc(sizeof(*interface));
	struct link *link;

	if (!interface)
		return NULL;
	*interface = (struct interface){.index = index, .speed_fd = -1, .duplex_fd = -1};
	link = &interface->link;
	link_clear(link);
	memcpy(link->name, name.start, name.length);
	interface->is_ignored = hm_globs_take(interfaces->globs, link->name);
	if (interface->is_ignored)
		return interface;
	interface->speed_fd = open_file(interfaces, link->name, "speed");
	interface->duplex_fd = open_file(interfaces, link->name, "duplex");
	link_read_number(link, interfaces->host, LINK_DEVICE_ID);
	link_read_number(link, interfaces->host, LINK_NAME_ASSIGN_TYPE);
	link_read_number(link, interfaces->host, LINK_ADDRESS_ASSIGN_TYPE);
	return interface;
}

static bool is_same(const struct interface *interface, struct hm_span name, int index)
{
	return interface->index == index && !interface->is_gone &&
	       hm_span_equals(name, interface->link.name);
}

/* The list takes the order in which the round has them. */
static void place(struct interfaces *interfaces, struct interface *interface)
{
	if (interfaces->cursor)
		TAILQ_INSERT_BEFORE(interfaces->cursor, interface, entry);
	else
		TAILQ_INSERT_TAIL(&interfaces->list, interface, entry);
}

/* The interface of a message among the kept ones. @return NULL: it is new. One that was renamed is new, too */
static struct interface *find(struct interfaces *interfaces, struct hm_span name, int index)
{
	struct interface *interface;

	/* Where one is gone, the next is close by. */
	for (interface = interfaces->cursor; interface; interface = TAILQ_NEXT(interface, entry)) {
		if (is_same(interface, name, index))
			return interface;
	}
	TAILQ_FOREACH(interface, &interfaces->list, entry) {
		if (interface == interfaces->cursor)
			return NULL;
		if (is_same(interface, name, index))
			return interface;
	}
	return NULL;
}

/* Put it where the round is. */
static void move(struct interfaces *interfaces, struct interface *interface)
{
	if (interface == interfaces->cursor) {
		interfaces->cursor = TAILQ_NEXT(interface, entry);
		return;
	}
	TAILQ_REMOVE(&interfaces->list, interface, entry);
	place(interfaces, interface);
}

/* What the kernel says of neither while the interface is down; where it has no speed it has no duplex. */
static void read_speed(struct interfaces *interfaces, struct interface *interface)
{
	struct link *link = &interface->link;
	char text[LINK_TEXT_MAX_BYTES] = "";
	int error = interface->speed_fd;

	if (error >= 0)
		error = hm_read_string(interface->speed_fd, text, sizeof(text));
	interface->is_gone = error == -ENODEV;
	interfaces->has_gone |= interface->is_gone;
	link_take_number(link, LINK_SPEED, text, error);
	link->texts[LINK_DUPLEX][0] = '\0';
	if (error == 0 && interface->duplex_fd >= 0)
		(void)hm_read_string(interface->duplex_fd, link->texts[LINK_DUPLEX],
				     LINK_TEXT_MAX_BYTES);
}

static int take_message(void *context, const struct nlmsghdr *message)
{
	struct interfaces *interfaces = context;
	char address[LINK_TEXT_MAX_BYTES];
	struct interface *interface;
	struct hm_span name;
	int index;

	/* What tells of no interface is passed over, and what was told. */
	if (link_of_message(message, &name, &index) < 0)
		return 0;
	interface = find(interfaces, name, index);
	if (interface && interface->round == interfaces->round)
		return 0;
	if (interface) {
		move(interfaces, interface);
	} else {
		interface = interface_new(interfaces, name, index);
		if (!interface)
			return -ENOMEM;
		place(interfaces, interface);
		interfaces->n++;
	}
	interface->round = interfaces->round;
	if (interface->is_ignored)
		return 0;
	memcpy(address, interface->link.texts[LINK_ADDRESS], sizeof(address));
	(void)link_take_message(&interface->link, message);
	if (strcmp(address, interface->link.texts[LINK_ADDRESS]) != 0)
		link_read_number(&interface->link, interfaces->host, LINK_ADDRESS_ASSIGN_TYPE);
	read_speed(interfaces, interface);
	return 0;
}

/* Ask for all there is. */
static int look(struct interfaces *interfaces, int64_t now_us)
{
	int result = 0;

	for (int i = 0; i < TRIES_MAX; i++) {
		interfaces->round++;
		interfaces->has_gone = false;
		interfaces->cursor = TAILQ_FIRST(&interfaces->list);
		result = link_dump_take(&interfaces->dump, take_message, interfaces);
		if (result != -EINTR)
			break;
	}
	/* The next round may have an answer in which nothing came or went, and finds what came in the place of others. */
	interfaces->looked_us = result == 0 && !interfaces->has_gone ? now_us : 0;
	if (result == -EINTR)
		result = 0;
	if (result < 0)
		link_dump_close(&interfaces->dump);
	forget_gone(interfaces);
	return result;
}

/* They are told in the order of the interfaces. */
static int take_counters(void *context, const struct nlmsghdr *message)
{
	struct interfaces *interfaces = context;
	struct interface *interface;
	int index;

	if (link_of_counters(message, &index) < 0)
		return 0;
	interface = interfaces->cursor ? interfaces->cursor : TAILQ_FIRST(&interfaces->list);
	for (size_t i = 0; i < interfaces->n && interface->index != index; i++) {
		interface = TAILQ_NEXT(interface, entry);
		if (!interface)
			interface = TAILQ_FIRST(&interfaces->list);
	}
	if (!interface || interface->index != index ||
	    interface->counters_round == interfaces->round ||
	    link_take_counters(&interface->link, message) < 0)
		return 0;
	interface->counters_round = interfaces->round;
	interfaces->cursor = TAILQ_NEXT(interface, entry);
	interfaces->n_counted++;
	return 0;
}

/* Ask for the counters alone. @return false: they are not those of the interfaces that are known */
static bool count(struct interfaces *interfaces)
{
	int result;

	interfaces->round++;
	interfaces->cursor = TAILQ_FIRST(&interfaces->list);
	interfaces->n_counted = 0;
	result = link_dump_take_counters(&interfaces->dump, take_counters, interfaces);
	if (result == -EOPNOTSUPP)
		interfaces->has_counters_only = false;
	return result == 0 && interfaces->n_counted == interfaces->n;
}

static int64_t now_us(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int interfaces_take(struct interfaces *interfaces)
{
	const int64_t time_us = now_us();
	bool has_news;

	if (!interfaces->dump.buffer) {
		int result = link_dump_open(&interfaces->dump);

		if (result < 0)
			return result;
		interfaces->looked_us = 0;
	}
	/* Asked first: what changes while the interfaces are told is in the news of the next round. */
	has_news = link_dump_has_news(&interfaces->dump);
	if (has_news || interfaces->looked_us == 0 ||
	    time_us - interfaces->looked_us >= INTERFACES_LOOK_US ||
	    !interfaces->has_counters_only || !count(interfaces))
		return look(interfaces, time_us);
	return 0;
}
