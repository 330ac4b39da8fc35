/* SPDX-License-Identifier: MIT */
/* What is known of one network interface. */

#include "plugins/link.h"

#include <bsd/string.h>
#include <errno.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

#define PATH_MAX_BYTES 256

/* Of what the kernel calls IFF_..., these are not in <net/if.h>. */
#define FLAG_LOWER_UP 0x10000U
#define FLAG_DORMANT  0x20000U

static const char *const number_files[N_LINK_NUMBERS] = {
	[LINK_ADDRESS_ASSIGN_TYPE] = "addr_assign_type",
	[LINK_CARRIER] = "carrier",
	[LINK_CARRIER_CHANGES] = "carrier_changes",
	[LINK_CARRIER_UP_CHANGES] = "carrier_up_count",
	[LINK_CARRIER_DOWN_CHANGES] = "carrier_down_count",
	[LINK_DEVICE_ID] = "dev_id",
	[LINK_DORMANT] = "dormant",
	[LINK_FLAGS] = "flags",
	[LINK_IFINDEX] = "ifindex",
	[LINK_IFLINK] = "iflink",
	[LINK_MODE] = "link_mode",
	[LINK_MTU] = "mtu",
	[LINK_NAME_ASSIGN_TYPE] = "name_assign_type",
	[LINK_GROUP] = "netdev_group",
	[LINK_SPEED] = "speed",
	[LINK_QUEUE_LENGTH] = "tx_queue_len",
	[LINK_TYPE] = "type",
	[LINK_NOHANDLER] = "statistics/rx_nohandler",
};

static const char *const text_files[N_LINK_TEXTS] = {
	[LINK_ADDRESS] = "address",     [LINK_BROADCAST] = "broadcast", [LINK_DUPLEX] = "duplex",
	[LINK_OPERSTATE] = "operstate", [LINK_ALIAS] = "ifalias",
};

void link_clear(struct link *link)
{
	*link = (struct link){0};
	for (size_t i = 0; i < N_LINK_NUMBERS; i++)
		link->errors[i] = -ENODATA;
}

static void set_number(struct link *link, enum link_number number, double value)
{
	link->errors[number] = 0;
	link->numbers[number] = value;
}

/* "1500", "-1" or "0x1003" */
static int parse_number(const char *text, double *ret_value)
{
	struct hm_span line = {text, strlen(text)};
	struct hm_span word;
	struct hm_span more;
	int64_t integer;
	uint64_t bits;
	int result;

	if (!hm_next_word(&line, &word) || hm_next_word(&line, &more))
		return -EINVAL;
	if (strncmp(word.start, "0x", 2) == 0) {
		result = hm_span_hex((struct hm_span){word.start + 2, word.length - 2}, &bits);
		if (result == 0)
			*ret_value = (double)bits;
		return result;
	}
	result = hm_span_int64(word, &integer);
	if (result == 0)
		*ret_value = (double)integer;
	return result;
}

/* What an interface does not have, or not while it is down, is answered so. */
static bool is_absent(int error)
{
	return error == -ENOENT || error == -EINVAL || error == -EOPNOTSUPP || error == -EACCES ||
	       error == -EPERM;
}

void link_take_number(struct link *link, enum link_number number, const char *text, int error)
{
	double value = 0;

	if (error < 0)
		error = is_absent(error) ? -ENODATA : error;
	else
		error = parse_number(text, &value);
	link->errors[number] = error;
	link->numbers[number] = value;
}

static int read_file(const struct link *link, const struct hm_host *host, const char *file,
		     char *text, size_t size)
{
	char path[PATH_MAX_BYTES];

	(void)snprintf(path, sizeof(path), "/sys/class/net/%s/%s", link->name, file);
	return hm_read_line_of(host, path, text, size);
}

void link_read_number(struct link *link, const struct hm_host *host, enum link_number number)
{
	char text[64];
	int error = read_file(link, host, number_files[number], text, sizeof(text));

	link_take_number(link, number, text, error);
}

/* The first line, as node_exporter does without the blanks around it. An alias may be any bytes. */
static void take_text(struct link *link, enum link_text text, const char *from, size_t length)
{
	const char *newline = memchr(from, '\n', length);
	char *to = link->texts[text];

	if (newline)
		length = (size_t)(newline - from);
	for (; length > 0 && (*from == ' ' || *from == '\t'); length--)
		from++;
	while (length > 0 && (from[length - 1] == ' ' || from[length - 1] == '\t'))
		length--;
	if (length >= LINK_TEXT_MAX_BYTES)
		length = LINK_TEXT_MAX_BYTES - 1;
	memcpy(to, from, length);
	to[length] = '\0';
	hm_label_clean(to, LINK_TEXT_MAX_BYTES);
}

int link_read_text(struct link *link, const struct hm_host *host, enum link_text text)
{
	char line[LINK_TEXT_MAX_BYTES + 2];
	int result = read_file(link, host, text_files[text], line, sizeof(line));

	take_text(link, text, line, strlen(line));
	return result;
}

/* -- messages ----------------------------------------------------------------------------------- */

/* The payload of an attribute, which is as long as at least this; else NULL. */
static const void *payload(const struct rtattr *attribute, size_t n_bytes)
{
	return RTA_PAYLOAD(attribute) >= n_bytes ? RTA_DATA(attribute) : NULL;
}

/* Numbers of 1 or 4 bytes, as the kernel has them. */
static void take_integer(struct link *link, enum link_number number, const struct rtattr *attribute)
{
	uint32_t value;

	if (RTA_PAYLOAD(attribute) == 1) {
		set_number(link, number, *(const uint8_t *)RTA_DATA(attribute));
		return;
	}
	if (!payload(attribute, sizeof(value)))
		return;
	memcpy(&value, RTA_DATA(attribute), sizeof(value));
	set_number(link, number, value);
}

/* "02:fc:00:00:00:01" */
static void take_address(struct link *link, enum link_text text, const struct rtattr *attribute)
{
	static const char digits[] = "0123456789abcdef";
	const uint8_t *bytes = RTA_DATA(attribute);
	size_t n_bytes = RTA_PAYLOAD(attribute);
	char *to = link->texts[text];

	for (size_t i = 0; i < n_bytes && 3 * i + 3 < LINK_TEXT_MAX_BYTES; i++) {
		if (i > 0)
			*to++ = ':';
		*to++ = digits[bytes[i] >> 4];
		*to++ = digits[bytes[i] & 15];
	}
	*to = '\0';
}

static void take_operstate(struct link *link, const struct rtattr *attribute)
{
	static const char *const names[] = {"unknown", "notpresent", "down", "lowerlayerdown",
					    "testing", "dormant",    "up"};
	const uint8_t *state = payload(attribute, 1);

	if (state && *state < sizeof(names) / sizeof(names[0]))
		(void)strlcpy(link->texts[LINK_OPERSTATE], names[*state], LINK_TEXT_MAX_BYTES);
}

static void take_nohandler(struct link *link, const struct rtattr *attribute)
{
	uint64_t value;
	const char *counters = payload(attribute, offsetof(struct rtnl_link_stats64, rx_nohandler) +
							  sizeof(value));

	if (!counters)
		return;
	memcpy(&value, counters + offsetof(struct rtnl_link_stats64, rx_nohandler), sizeof(value));
	set_number(link, LINK_NOHANDLER, (double)value);
}

/* What the message says in a way of its own. */
struct message_flags {
	uint32_t flags;         /* of its head */
	uint32_t n_promiscuous; /* how often that was asked for */
	uint32_t n_allmulti;
};

static uint32_t read_uint32(const struct rtattr *attribute)
{
	uint32_t value = 0;

	if (payload(attribute, sizeof(value)))
		memcpy(&value, RTA_DATA(attribute), sizeof(value));
	return value;
}

static void take_attribute(struct link *link, const struct rtattr *attribute,
			   struct message_flags *flags)
{
	static const struct {
		unsigned short type;
		enum link_number number;
	} integers[] = {
		{IFLA_MTU, LINK_MTU},
		{IFLA_LINK, LINK_IFLINK},
		{IFLA_LINKMODE, LINK_MODE},
		{IFLA_GROUP, LINK_GROUP},
		{IFLA_TXQLEN, LINK_QUEUE_LENGTH},
		{IFLA_CARRIER_CHANGES, LINK_CARRIER_CHANGES},
		{IFLA_CARRIER_UP_COUNT, LINK_CARRIER_UP_CHANGES},
		{IFLA_CARRIER_DOWN_COUNT, LINK_CARRIER_DOWN_CHANGES},
	};

	for (size_t i = 0; i < sizeof(integers) / sizeof(integers[0]); i++) {
		if (attribute->rta_type == integers[i].type)
			take_integer(link, integers[i].number, attribute);
	}
	switch (attribute->rta_type) {
	case IFLA_ADDRESS:
		take_address(link, LINK_ADDRESS, attribute);
		break;
	case IFLA_BROADCAST:
		take_address(link, LINK_BROADCAST, attribute);
		break;
	case IFLA_PERM_ADDRESS:
		take_address(link, LINK_PERMANENT_ADDRESS, attribute);
		break;
	case IFLA_OPERSTATE:
		take_operstate(link, attribute);
		break;
	case IFLA_IFALIAS:
		take_text(link, LINK_ALIAS, RTA_DATA(attribute),
			  strnlen(RTA_DATA(attribute), RTA_PAYLOAD(attribute)));
		break;
	case IFLA_STATS64:
		take_nohandler(link, attribute);
		break;
	case IFLA_PROMISCUITY:
		flags->n_promiscuous = read_uint32(attribute);
		break;
	case IFLA_ALLMULTI:
		flags->n_allmulti = read_uint32(attribute);
		break;
	default:
		break;
	}
}

/*
 * The file `flags` has what holds; the message has what was asked for by hand, and the state beside it. The files
 * `carrier` and `dormant` cannot be read while the interface is down.
 */
static void take_flags(struct link *link, const struct message_flags *flags)
{
	uint32_t held = flags->flags & ~(uint32_t)(IFF_RUNNING | FLAG_LOWER_UP | FLAG_DORMANT);

	if (flags->n_promiscuous > 0)
		held |= IFF_PROMISC;
	if (flags->n_allmulti > 0)
		held |= IFF_ALLMULTI;
	set_number(link, LINK_FLAGS, held);
	link->errors[LINK_CARRIER] = -ENODATA;
	link->errors[LINK_DORMANT] = -ENODATA;
	if (!(flags->flags & IFF_UP))
		return;
	set_number(link, LINK_CARRIER, (flags->flags & FLAG_LOWER_UP) != 0);
	set_number(link, LINK_DORMANT, (flags->flags & FLAG_DORMANT) != 0);
}

int link_of_message(const struct nlmsghdr *message, struct hm_span *ret_name, int *ret_index)
{
	const struct ifinfomsg *head = NLMSG_DATA(message);
	const struct rtattr *attribute;
	int n_bytes; /* as the macros want it: it may fall below 0 */

	if (message->nlmsg_type != RTM_NEWLINK || message->nlmsg_len < NLMSG_LENGTH(sizeof(*head)))
		return -EBADMSG;
	attribute = IFLA_RTA(head);
	n_bytes = (int)IFLA_PAYLOAD(message);
	for (; RTA_OK(attribute, n_bytes); attribute = RTA_NEXT(attribute, n_bytes)) {
		if (attribute->rta_type != IFLA_IFNAME)
			continue;
		*ret_name = (struct hm_span){RTA_DATA(attribute),
					     strnlen(RTA_DATA(attribute), RTA_PAYLOAD(attribute))};
		*ret_index = head->ifi_index;
		return ret_name->length > 0 && ret_name->length < HM_DEVICE_NAME_MAX ? 0 : -EBADMSG;
	}
	return -EBADMSG;
}

/* These are only in attributes: one that is not there is not what the last message said. */
static void forget_texts(struct link *link)
{
	link->texts[LINK_ADDRESS][0] = '\0';
	link->texts[LINK_BROADCAST][0] = '\0';
	link->texts[LINK_PERMANENT_ADDRESS][0] = '\0';
	link->texts[LINK_OPERSTATE][0] = '\0';
	link->texts[LINK_ALIAS][0] = '\0';
}

int link_take_message(struct link *link, const struct nlmsghdr *message)
{
	const struct ifinfomsg *head = NLMSG_DATA(message);
	struct message_flags flags = {0};
	const struct rtattr *attribute;
	struct hm_span name;
	int n_bytes;
	int index;
	int result = link_of_message(message, &name, &index);

	if (result < 0)
		return result;
	memcpy(link->name, name.start, name.length);
	link->name[name.length] = '\0';
	forget_texts(link);
	flags.flags = head->ifi_flags;
	set_number(link, LINK_IFINDEX, index);
	set_number(link, LINK_IFLINK, index);
	set_number(link, LINK_TYPE, head->ifi_type);
	attribute = IFLA_RTA(head);
	n_bytes = (int)IFLA_PAYLOAD(message);
	for (; RTA_OK(attribute, n_bytes); attribute = RTA_NEXT(attribute, n_bytes))
		take_attribute(link, attribute, &flags);
	take_flags(link, &flags);
	return 0;
}

int link_of_counters(const struct nlmsghdr *message, int *ret_index)
{
	const struct if_stats_msg *head = NLMSG_DATA(message);

	if (message->nlmsg_type != RTM_NEWSTATS || message->nlmsg_len < NLMSG_LENGTH(sizeof(*head)))
		return -EBADMSG;
	*ret_index = (int)head->ifindex;
	return 0;
}

int link_take_counters(struct link *link, const struct nlmsghdr *message)
{
	const size_t head_bytes = NLMSG_LENGTH(sizeof(struct if_stats_msg));
	const struct rtattr *attribute;
	int n_bytes; /* as the macros want it: it may fall below 0 */
	int index;

	if (link_of_counters(message, &index) < 0)
		return -EBADMSG;
	attribute = (const struct rtattr *)(const void *)((const char *)message +
							  NLMSG_ALIGN(head_bytes));
	n_bytes = (int)(message->nlmsg_len - head_bytes);
	for (; RTA_OK(attribute, n_bytes); attribute = RTA_NEXT(attribute, n_bytes)) {
		if (attribute->rta_type != IFLA_STATS_LINK_64)
			continue;
		take_nohandler(link, attribute);
		return 0;
	}
	return -EBADMSG;
}
