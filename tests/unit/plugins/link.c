/* SPDX-License-Identifier: MIT */
/* Tests of plugins/link.c: messages of rtnetlink as no kernel sends them, too. */

#include "plugins/link.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <string.h>

static _Alignas(struct nlmsghdr) char buffer[4096];
static struct nlmsghdr *const message = (struct nlmsghdr *)buffer;
static struct link parsed;

static void begin(unsigned int flags)
{
	struct ifinfomsg *head = NLMSG_DATA(message);

	memset(buffer, 0, sizeof(buffer));
	message->nlmsg_len = NLMSG_LENGTH(sizeof(*head));
	message->nlmsg_type = RTM_NEWLINK;
	head->ifi_index = 7;
	head->ifi_type = 1;
	head->ifi_flags = flags;
	link_clear(&parsed);
}

static void add(unsigned short type, const void *data, size_t n_bytes)
{
	struct rtattr *attribute = (struct rtattr *)(buffer + NLMSG_ALIGN(message->nlmsg_len));

	attribute->rta_type = type;
	attribute->rta_len = (unsigned short)RTA_LENGTH(n_bytes);
	memcpy(RTA_DATA(attribute), data, n_bytes);
	message->nlmsg_len = NLMSG_ALIGN(message->nlmsg_len) + (uint32_t)RTA_LENGTH(n_bytes);
}

static void add_number(unsigned short type, uint32_t number)
{
	add(type, &number, sizeof(number));
}

Test(link, takes_a_message)
{
	struct rtnl_link_stats64 counters = {.rx_nohandler = UINT64_C(1) << 40};
	static const uint8_t state = 6;

	begin(IFF_UP | IFF_RUNNING | 0x10000U);
	add(IFLA_IFNAME, "eth0", 5);
	add_number(IFLA_MTU, 1500);
	add_number(IFLA_CARRIER_CHANGES, 3);
	add(IFLA_OPERSTATE, &state, 1);
	add(IFLA_LINKMODE, "\1", 1);
	add(IFLA_IFALIAS, "uplink", 6);
	add(IFLA_ADDRESS, "\0\x53\0\x12\xab\xcd", 6);
	add(IFLA_PERM_ADDRESS, "\0\x53\0\0\0\1", 6);
	add(IFLA_STATS64, &counters, sizeof(counters));

	cr_assert_eq(link_take_message(&parsed, message), 0);
	cr_expect_str_eq(parsed.name, "eth0");
	cr_expect(parsed.numbers[LINK_IFINDEX] == 7);
	cr_expect(parsed.numbers[LINK_IFLINK] == 7, "where no other is told it is its own");
	cr_expect(parsed.numbers[LINK_MTU] == 1500);
	cr_expect(parsed.numbers[LINK_CARRIER_CHANGES] == 3);
	cr_expect(parsed.numbers[LINK_CARRIER] == 1);
	cr_expect(parsed.numbers[LINK_DORMANT] == 0);
	cr_expect(parsed.numbers[LINK_FLAGS] == IFF_UP);
	cr_expect(parsed.numbers[LINK_MODE] == 1);
	cr_expect(parsed.numbers[LINK_NOHANDLER] == 0x1p40);
	cr_expect_str_eq(parsed.texts[LINK_OPERSTATE], "up");
	cr_expect_str_eq(parsed.texts[LINK_ALIAS], "uplink");
	cr_expect_str_eq(parsed.texts[LINK_ADDRESS], "00:53:00:12:ab:cd");
	cr_expect_str_eq(parsed.texts[LINK_PERMANENT_ADDRESS], "00:53:00:00:00:01");
	cr_expect_eq(parsed.errors[LINK_GROUP], -ENODATA);
	cr_expect_eq(parsed.errors[LINK_SPEED], -ENODATA);
}

Test(link, forgets_texts_that_the_next_message_does_not_have)
{
	begin(0);
	add(IFLA_IFNAME, "eth0", 5);
	add(IFLA_IFALIAS, "uplink", 7);
	cr_assert_eq(link_take_message(&parsed, message), 0);
	cr_expect_str_eq(parsed.texts[LINK_ALIAS], "uplink");

	message->nlmsg_len = NLMSG_LENGTH(sizeof(struct ifinfomsg)) + RTA_SPACE(5);
	cr_assert_eq(link_take_message(&parsed, message), 0);
	cr_expect_str_eq(parsed.texts[LINK_ALIAS], "");
}

Test(link, takes_the_first_line_of_an_alias_and_makes_it_fit)
{
	begin(0);
	add(IFLA_IFNAME, "eth0", 5);
	add(IFLA_IFALIAS, " B\374ro\t \nsecond", 15);
	cr_assert_eq(link_take_message(&parsed, message), 0);
	cr_expect_str_eq(parsed.texts[LINK_ALIAS], "B\357\277\275ro");
}

Test(link, has_flags_as_the_file_has_them)
{
	begin(IFF_UP | IFF_ALLMULTI | IFF_RUNNING | 0x20000U);
	add(IFLA_IFNAME, "eth0", 5);
	add_number(IFLA_PROMISCUITY, 2);
	cr_assert_eq(link_take_message(&parsed, message), 0);
	cr_expect(parsed.numbers[LINK_FLAGS] == (IFF_UP | IFF_ALLMULTI | IFF_PROMISC));
	cr_expect(parsed.numbers[LINK_CARRIER] == 0);
	cr_expect(parsed.numbers[LINK_DORMANT] == 1);

	begin(0);
	add(IFLA_IFNAME, "eth0", 5);
	cr_assert_eq(link_take_message(&parsed, message), 0);
	cr_expect_eq(parsed.errors[LINK_CARRIER], -ENODATA);
	cr_expect_eq(parsed.errors[LINK_DORMANT], -ENODATA);
}

Test(link, takes_nothing_of_attributes_that_are_too_short)
{
	begin(0);
	add(IFLA_IFNAME, "eth0", 4);
	add(IFLA_MTU, "\1\2\3", 3);
	add(IFLA_OPERSTATE, "", 0);
	add(IFLA_STATS64, "\1\2\3\4\5\6\7", 7);
	add(IFLA_PROMISCUITY, "\1\2", 2);
	add(IFLA_ADDRESS, "", 0);

	cr_assert_eq(link_take_message(&parsed, message), 0);
	cr_expect_str_eq(parsed.name, "eth0");
	cr_expect_eq(parsed.errors[LINK_MTU], -ENODATA);
	cr_expect_eq(parsed.errors[LINK_NOHANDLER], -ENODATA);
	cr_expect(parsed.numbers[LINK_FLAGS] == 0);
	cr_expect_str_eq(parsed.texts[LINK_OPERSTATE], "");
	cr_expect_str_eq(parsed.texts[LINK_ADDRESS], "");
}

Test(link, cuts_what_is_too_long)
{
	char bytes[1000];

	memset(bytes, 'a', sizeof(bytes));
	begin(0);
	add(IFLA_IFNAME, "eth0", 5);
	add(IFLA_ADDRESS, bytes, sizeof(bytes));
	add(IFLA_IFALIAS, bytes, sizeof(bytes));
	add(IFLA_OPERSTATE, "\7", 1);

	cr_assert_eq(link_take_message(&parsed, message), 0);
	cr_expect_eq(strlen(parsed.texts[LINK_ADDRESS]), 3 * 84 + 2);
	cr_expect_eq(strlen(parsed.texts[LINK_ALIAS]), LINK_TEXT_MAX_BYTES - 1);
	cr_expect_str_eq(parsed.texts[LINK_OPERSTATE], "");
}

Test(link, refuses_what_tells_of_no_interface)
{
	char name[HM_DEVICE_NAME_MAX + 1];

	memset(name, 'a', sizeof(name));
	begin(0);
	cr_expect_eq(link_take_message(&parsed, message), -EBADMSG, "no name");
	add(IFLA_IFNAME, "", 1);
	cr_expect_eq(link_take_message(&parsed, message), -EBADMSG, "an empty one");
	begin(0);
	add(IFLA_IFNAME, name, sizeof(name));
	cr_expect_eq(link_take_message(&parsed, message), -EBADMSG, "one that is too long");
	begin(0);
	add(IFLA_IFNAME, "eth0", 5);
	message->nlmsg_len -= 2;
	cr_expect_eq(link_take_message(&parsed, message), -EBADMSG, "a torn one");
	begin(0);
	add(IFLA_IFNAME, "eth0", 5);
	message->nlmsg_type = RTM_DELLINK;
	cr_expect_eq(link_take_message(&parsed, message), -EBADMSG);
	message->nlmsg_type = RTM_NEWLINK;
	message->nlmsg_len = NLMSG_LENGTH(0);
	cr_expect_eq(link_take_message(&parsed, message), -EBADMSG);
}

Test(link, takes_counters_and_nothing_else_of_a_message)
{
	struct rtnl_link_stats64 counters = {.rx_nohandler = 12};
	struct if_stats_msg *head = NLMSG_DATA(message);
	int index = 0;

	begin(0);
	memset(head, 0, sizeof(*head));
	head->ifindex = 9;
	message->nlmsg_type = RTM_NEWSTATS;
	message->nlmsg_len = NLMSG_LENGTH(sizeof(*head));
	cr_expect_eq(link_take_counters(&parsed, message), -EBADMSG, "there are none");
	add(IFLA_STATS_LINK_XSTATS, &counters, sizeof(counters));
	cr_expect_eq(link_take_counters(&parsed, message), -EBADMSG, "others");
	cr_expect_eq(parsed.errors[LINK_NOHANDLER], -ENODATA);
	add(IFLA_STATS_LINK_64, &counters, sizeof(counters));
	cr_expect_eq(link_take_counters(&parsed, message), 0);
	cr_expect_eq(parsed.errors[LINK_NOHANDLER], 0);
	cr_expect(parsed.numbers[LINK_NOHANDLER] == 12);
	cr_expect_eq(parsed.errors[LINK_MTU], -ENODATA);
	cr_expect_eq(link_of_counters(message, &index), 0);
	cr_expect_eq(index, 9);

	counters.rx_nohandler = 13;
	message->nlmsg_len = NLMSG_LENGTH(sizeof(*head));
	add(IFLA_STATS_LINK_64, &counters, sizeof(counters));
	message->nlmsg_len -= 8;
	cr_expect_eq(link_take_counters(&parsed, message), -EBADMSG, "a torn one");
	message->nlmsg_len = NLMSG_LENGTH(0);
	cr_expect_eq(link_of_counters(message, &index), -EBADMSG);
	message->nlmsg_len = NLMSG_LENGTH(sizeof(*head));
	message->nlmsg_type = RTM_NEWLINK;
	cr_expect_eq(link_take_counters(&parsed, message), -EBADMSG);
	cr_expect(parsed.numbers[LINK_NOHANDLER] == 12);
}
