/* SPDX-License-Identifier: MIT */
/* Tests of plugins/udp_queues.c. The files of tests/fixtures/network are as Linux 6.1 prints them. */

#include <criterion/criterion.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/support/fake_root.h"
#include "tests/support/plugin_run.h"
#include "tests/support/scratch.h"

extern const struct hm_plugin udp_queues_plugin;

static struct plugin_run run;
static const char *root;

static void setup(void)
{
	root = scratch_folder();
}

static void teardown(void)
{
	plugin_run_stop(&run);
	scratch_remove(root);
}

TestSuite(udp_queues, .init = setup, .fini = teardown);

#define HEADER         "  sl  local_address rem_address   st tx_queue rx_queue\n"
#define QUEUE(way, ip) "node_udp_queues{queue=\"" way "\",ip=\"" ip "\"}"

static void take_from(const char *path)
{
	cr_assert_eq(plugin_run_start(&run, &udp_queues_plugin, path), 0);
	cr_assert_eq(plugin_run_take(&run), 0);
}

Test(udp_queues, adds_up_the_queues_of_all_sockets)
{
	take_from("tests/fixtures/network");

	cr_expect_eq(run.batch.n_samples, 4);
	cr_expect(plugin_run_value(&run, QUEUE("tx", "v4")) == 0x2a0);
	cr_expect(plugin_run_value(&run, QUEUE("rx", "v4")) == 0xd00);
	cr_expect(plugin_run_value(&run, QUEUE("tx", "v6")) == 1);
	cr_expect(plugin_run_value(&run, QUEUE("rx", "v6")) == 0);

	cr_assert_eq(plugin_run_take(&run), 0);
	cr_expect(plugin_run_value(&run, QUEUE("rx", "v4")) == 0xd00);
}

Test(udp_queues, says_0_where_there_is_no_socket)
{
	fake_root_write(root, "/proc/net/udp6", HEADER);
	take_from(root);

	cr_expect_eq(run.batch.n_samples, 2);
	cr_expect(plugin_run_value(&run, QUEUE("tx", "v6")) == 0);
}

/* The sum would be too small. */
Test(udp_queues, has_no_sum_where_a_line_cannot_be_read)
{
	static const struct {
		const char *text;
		int error;
	} cases[] = {
		{HEADER "1: a:1 b:2 07 00000001:00000002 x\n2: a:1 b:2 07\n", -ENODATA},
		{HEADER "1: a:1 b:2 07 0000000100000002\n", -EINVAL},
		{HEADER "1: a:1 b:2 07 00000001:x\n", -EINVAL},
		{HEADER "1: a:1 b:2 07 :0\n", -EINVAL},
		{HEADER "1: a:1 b:2 07 10000000000000000:0\n", -ERANGE},
		{"", -ENODATA},
	};

	fake_root_write(root, "/proc/net/udp6", HEADER "1: a:1 b:2 07 00000001:00000002\n");
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		fake_root_write(root, "/proc/net/udp", cases[i].text);
		take_from(root);
		cr_expect_eq(plugin_run_error(&run, QUEUE("tx", "v4")), cases[i].error, "%zu", i);
		cr_expect_eq(plugin_run_error(&run, QUEUE("rx", "v4")), cases[i].error, "%zu", i);
		cr_expect(plugin_run_value(&run, QUEUE("rx", "v6")) == 2);
	}
}

Test(udp_queues, says_why_there_is_nothing)
{
	fake_root_write(root, "/proc/net/udp/file", "");
	cr_assert_eq(plugin_run_start(&run, &udp_queues_plugin, root), 0);
	cr_expect_eq(plugin_run_take(&run), -EISDIR);
	cr_expect_eq(plugin_run_error(&run, QUEUE("tx", "v4")), -EISDIR);
}

Test(udp_queues, says_enodev_on_a_host_without_the_files)
{
	cr_expect_eq(plugin_run_start(&run, &udp_queues_plugin, "tests/fixtures/empty"), -ENODEV);
}

Test(udp_queues, reads_the_running_system)
{
	take_from("");
	cr_expect(plugin_run_has(&run, QUEUE("rx", "v4")));
}

static void bring_loopback_up(void)
{
	struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	cr_assert_geq(fd, 0);
	cr_assert_eq(ioctl(fd, SIOCSIFFLAGS, &request), 0);
	close(fd);
}

/* Where the kernel says that there are none, their lines are not asked for. */
Test(udp_queues, sees_a_socket_that_comes_and_one_that_goes)
{
	struct sockaddr_in6 address = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_ANY_INIT};
	socklen_t length = sizeof(address);
	int fd;

	if (unshare(CLONE_NEWNET) < 0)
		cr_skip_test("no network of its own: %s", strerror(errno));
	take_from("");
	cr_expect(plugin_run_value(&run, QUEUE("rx", "v4")) == 0);
	fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || !plugin_run_has(&run, QUEUE("rx", "v6")))
		cr_skip_test("no IPv6");
	cr_expect(plugin_run_value(&run, QUEUE("rx", "v6")) == 0);

	cr_assert_eq(bind(fd, (struct sockaddr *)&address, length), 0);
	cr_assert_eq(getsockname(fd, (struct sockaddr *)&address, &length), 0);
	cr_assert_eq(plugin_run_take(&run), 0);
	cr_expect(plugin_run_value(&run, QUEUE("rx", "v6")) == 0);
	bring_loopback_up();
	address.sin6_addr = (struct in6_addr)IN6ADDR_LOOPBACK_INIT;
	cr_assert_eq(sendto(fd, "hello", 5, 0, (struct sockaddr *)&address, length), 5);
	cr_assert_eq(plugin_run_take(&run), 0);
	cr_expect(plugin_run_value(&run, QUEUE("rx", "v6")) > 5);
	cr_expect(plugin_run_value(&run, QUEUE("rx", "v4")) == 0);

	close(fd);
	cr_assert_eq(plugin_run_take(&run), 0);
	cr_expect(plugin_run_value(&run, QUEUE("rx", "v6")) == 0);
}
