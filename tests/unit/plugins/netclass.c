/* SPDX-License-Identifier: MIT */
/*
 * Tests of plugins/netclass.c and interfaces.c. tests/fixtures/network/sys/class/net is as Linux 6.1 has it, with two
 * cards in a bond.
 */

#include <criterion/criterion.h>
#include <errno.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/host.h"
#include "plugins/interfaces.h"
#include "tests/support/fake_root.h"
#include "tests/support/plugin_run.h"
#include "tests/support/scratch.h"

extern const struct hm_plugin netclass_plugin;

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

TestSuite(netclass, .init = setup, .fini = teardown);

#define OF(name, device) "node_network_" name "{device=\"" device "\"}"
#define INFO(device, address, broadcast, duplex, operstate, adminstate, alias)                     \
	"node_network_info{device=\"" device "\",address=\"" address "\",broadcast=\"" broadcast   \
	"\",duplex=\"" duplex "\",operstate=\"" operstate "\",adminstate=\"" adminstate            \
	"\",ifalias=\"" alias "\"}"

static void take_from(const char *path)
{
	cr_assert_eq(plugin_run_start(&run, &netclass_plugin, path), 0);
	cr_assert_eq(plugin_run_take(&run), 0);
}

Test(netclass, reports_the_files_of_an_interface)
{
	static const struct {
		const char *series;
		double value;
	} cases[] = {
		{OF("address_assign_type", "enp1s0f0"), 3},
		{OF("carrier", "enp1s0f0"), 1},
		{OF("carrier_changes_total", "enp1s0f1"), 9},
		{OF("carrier_up_changes_total", "enp1s0f1"), 4},
		{OF("carrier_down_changes_total", "enp1s0f1"), 5},
		{OF("device_id", "enp1s0f0"), 1},
		{OF("dormant", "enp1s0f0"), 0},
		{OF("flags", "enp1s0f0"), 0x1903},
		{OF("iface_id", "enp1s0f0"), 2},
		{OF("iface_link", "enp1s0f0"), 2},
		{OF("iface_link_mode", "enp1s0f0"), 0},
		{OF("mtu_bytes", "enp1s0f0"), 9000},
		{OF("name_assign_type", "enp1s0f0"), 4},
		{OF("net_dev_group", "enp1s0f0"), 5},
		{OF("speed_bytes", "enp1s0f0"), 3125000000},
		{OF("speed_bytes", "enp1s0f1"), -125000},
		{OF("transmit_queue_length", "enp1s0f0"), 1000},
		{OF("protocol_type", "enp1s0f0"), 1},
		{OF("receive_nohandler_total", "enp1s0f0"), 12},
		{OF("up", "enp1s0f0"), 1},
		{OF("up", "enp1s0f1"), 0},
		{INFO("enp1s0f0", "00:53:00:12:34:56", "ff:ff:ff:ff:ff:ff", "full", "up", "up",
		      "uplink to rack 7"),
		 1},
		{INFO("wg0.1", "", "", "", "down", "down", ""), 1},
	};

	take_from("tests/fixtures/network");
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		cr_expect(plugin_run_value(&run, cases[i].series) == cases[i].value, "%s",
			  cases[i].series);
	cr_expect_eq(run.batch.n_samples, 3 * 20 + 17);
}

Test(netclass, says_nothing_of_what_an_interface_that_is_down_does_not_have)
{
	take_from("tests/fixtures/network");

	cr_expect_eq(plugin_run_error(&run, OF("carrier", "wg0.1")), -ENOENT);
	cr_expect_eq(plugin_run_error(&run, OF("dormant", "wg0.1")), -ENOENT);
	cr_expect_eq(plugin_run_error(&run, OF("speed_bytes", "wg0.1")), -ENOENT);
}

Test(netclass, leaves_out_what_the_option_says)
{
	static const char *const values[] = {"*0f? bond0"};

	take_from("tests/fixtures/network");
	cr_expect_eq(plugin_run_error(&run, OF("up", "veth1f3c9a2")), -ENOENT);

	run.option_values = values;
	take_from("tests/fixtures/network");
	cr_expect(plugin_run_has(&run, OF("up", "veth1f3c9a2")));
	cr_expect_eq(plugin_run_error(&run, OF("up", "enp1s0f0")), -ENOENT);
	cr_expect_eq(plugin_run_error(&run, OF("up", "bond0")), -ENOENT);
}

Test(netclass, gives_a_reason_and_no_value_for_each_wrong_number)
{
	fake_root_write(root, "/sys/class/net/eth0/operstate", "dormant\n");
	fake_root_write(root, "/sys/class/net/eth0/mtu", "1500 1500\n");
	fake_root_write(root, "/sys/class/net/eth0/flags", "0xx\n");
	fake_root_write(root, "/sys/class/net/eth0/type", "9223372036854775808\n");
	fake_root_write(root, "/sys/class/net/eth0/dev_id", "\n");
	fake_root_write(root, "/sys/class/net/eth0/carrier/file", "");
	fake_root_write(root, "/sys/class/net/eth0/ifindex", "7\n");
	take_from(root);

	cr_expect_eq(plugin_run_error(&run, OF("mtu_bytes", "eth0")), -EINVAL);
	cr_expect_eq(plugin_run_error(&run, OF("flags", "eth0")), -EINVAL);
	cr_expect_eq(plugin_run_error(&run, OF("protocol_type", "eth0")), -ERANGE);
	cr_expect_eq(plugin_run_error(&run, OF("device_id", "eth0")), -EINVAL);
	cr_expect_eq(plugin_run_error(&run, OF("carrier", "eth0")), -EISDIR);
	cr_expect(plugin_run_value(&run, OF("iface_id", "eth0")) == 7);
	cr_expect(plugin_run_value(&run, OF("up", "eth0")) == 0);
	cr_expect(plugin_run_has(&run, INFO("eth0", "", "", "", "dormant", "unknown", "")));
}

Test(netclass, does_not_know_the_state_of_flags_that_are_none)
{
	static const char *const flags[] = {"-500\n", "0x100000001\n", "0xffffffffffffffff\n",
					    "x\n"};

	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
		fake_root_write(root, "/sys/class/net/eth0/operstate", "up\n");
		fake_root_write(root, "/sys/class/net/eth0/flags", flags[i]);
		take_from(root);
		cr_expect(plugin_run_has(&run, INFO("eth0", "", "", "", "up", "unknown", "")));
	}
}

Test(netclass, takes_hostile_texts)
{
	char alias[400];

	memset(alias, 'a', sizeof(alias));
	alias[sizeof(alias) - 1] = '\0';
	fake_root_write(root, "/sys/class/net/a b%s/operstate", "up\n");
	fake_root_write(root, "/sys/class/net/a b%s/ifalias", " \t say \"hi\" \\ %n \nsecond\n");
	fake_root_write(root, "/sys/class/net/b/operstate", "");
	fake_root_write(root, "/sys/class/net/b/ifalias", alias);
	fake_root_write(root, "/sys/class/net/bonding_masters", "b\n");
	take_from(root);

	cr_expect(plugin_run_has(&run,
				 INFO("a b%s", "", "", "", "up", "unknown", "say \"hi\" \\ %n")));
	cr_expect_eq(plugin_run_error(&run, OF("up", "b")), -ENODATA);
	cr_expect(plugin_run_has(&run, INFO("b", "", "", "", "", "unknown", "")));
	cr_expect_eq(run.batch.n_samples, 4);
}

Test(netclass, makes_an_alias_fit)
{
	fake_root_write(root, "/sys/class/net/eth0/operstate", "up\n");
	fake_root_write(root, "/sys/class/net/eth0/ifalias", "B\374ro\001\n");
	take_from(root);

	cr_expect(plugin_run_has(
		&run, INFO("eth0", "", "", "", "up", "unknown", "B\357\277\275ro\357\277\275")));
}

Test(netclass, follows_interfaces_that_come_and_go)
{
	fake_root_write(root, "/sys/class/net/a/operstate", "up\n");
	take_from(root);
	cr_expect_eq(run.batch.n_samples, 2);
	fake_root_write(root, "/sys/class/net/b/operstate", "up\n");
	cr_assert_eq(plugin_run_take(&run), 0);
	cr_expect_eq(run.batch.n_samples, 4);
}

Test(netclass, says_why_there_is_nothing)
{
	cr_expect_eq(plugin_run_start(&run, &netclass_plugin, "tests/fixtures/empty"), -ENODEV);

	fake_root_write(root, "/sys/class/net/bonding_masters", "");
	cr_assert_eq(plugin_run_start(&run, &netclass_plugin, root), 0);
	cr_expect_eq(plugin_run_take(&run), -ENODATA);
}

/* What files and rtnetlink say of the same interfaces; "//" is a root like any other. */
static void expect_the_same_of_both(void)
{
	struct plugin_run files = {0};
	size_t n_permanent = 0;

	cr_assert_eq(plugin_run_start(&files, &netclass_plugin, "//"), 0);
	cr_assert_eq(plugin_run_take(&files), 0);
	for (size_t i = 0; i < files.batch.n_samples; i++) {
		const struct fake_sample *sample = &files.batch.samples[i];

		cr_expect_eq(plugin_run_error(&run, sample->series), sample->error, "%s",
			     sample->series);
		if (sample->error == 0 && plugin_run_has(&run, sample->series))
			cr_expect(plugin_run_value(&run, sample->series) == sample->value, "%s",
				  sample->series);
	}
	for (size_t i = 0; i < run.batch.n_samples; i++)
		n_permanent += strstr(run.batch.samples[i].series, "permanent") != NULL;
	cr_expect_eq(run.batch.n_samples, files.batch.n_samples + n_permanent);
	plugin_run_stop(&files);
}

Test(netclass, says_the_same_of_files_and_of_rtnetlink)
{
	take_from("");
	cr_assert_eq(plugin_run_take(&run), 0);

	cr_expect(plugin_run_has(&run, OF("up", "lo")));
	expect_the_same_of_both();
}

static void change_interface(unsigned long request, const char *name, short flags,
			     const char *new_name)
{
	struct ifreq change = {0};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	(void)snprintf(change.ifr_name, sizeof(change.ifr_name), "%s", name);
	if (new_name)
		(void)snprintf(change.ifr_newname, sizeof(change.ifr_newname), "%s", new_name);
	else
		change.ifr_flags = flags;
	cr_assert_eq(ioctl(fd, request, &change), 0, "%s: %s", name, strerror(errno));
	close(fd);
}

/* A network of its own, with a loopback interface that is down, and a /sys of its own that shows it. */
static void enter_own_network(void)
{
	if (unshare(CLONE_NEWNET | CLONE_NEWNS) < 0 ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("sysfs", "/sys", "sysfs", 0, NULL) < 0)
		cr_skip_test("no network of its own: %s", strerror(errno));
}

Test(netclass, follows_an_interface_of_the_running_system)
{
	enter_own_network();
	take_from("");
	cr_expect(plugin_run_value(&run, OF("flags", "lo")) == IFF_LOOPBACK);
	cr_expect_eq(plugin_run_error(&run, OF("carrier", "lo")), -ENOENT);
	expect_the_same_of_both();

	change_interface(SIOCSIFFLAGS, "lo", IFF_UP, NULL);
	cr_assert_eq(plugin_run_take(&run), 0);
	cr_expect(plugin_run_value(&run, OF("carrier", "lo")) == 1);
	expect_the_same_of_both();

	change_interface(SIOCSIFFLAGS, "lo", 0, NULL);
	change_interface(SIOCSIFNAME, "lo", 0, "other");
	cr_assert_eq(plugin_run_take(&run), 0);
	cr_expect_eq(plugin_run_error(&run, OF("up", "lo")), -ENOENT);
	cr_expect(plugin_run_has(&run, OF("up", "other")));
	expect_the_same_of_both();
}

static double group_of_lo(const struct interfaces *interfaces)
{
	const struct interface *lo = TAILQ_FIRST(&interfaces->list);

	cr_assert_str_eq(lo->link.name, "lo");
	return lo->link.numbers[LINK_GROUP];
}

/* The kernel does not tell of a group that is changed by its file, so that shows whether all was asked for. */
Test(netclass, asks_for_all_where_something_has_changed_and_now_and_then)
{
	const struct hm_host host = {.root = "", .root_fd = -1};
	struct interfaces interfaces = {0};

	enter_own_network();
	cr_assert_eq(interfaces_open(&interfaces, &host, ""), 0);
	cr_assert_eq(interfaces_take(&interfaces), 0);
	cr_assert_eq(interfaces_take(&interfaces), 0);
	fake_root_write("", "/sys/class/net/lo/netdev_group", "7\n");
	cr_assert_eq(interfaces_take(&interfaces), 0);
	cr_expect(group_of_lo(&interfaces) == 0, "nothing but the counters");

	interfaces.looked_us -= INTERFACES_LOOK_US;
	cr_assert_eq(interfaces_take(&interfaces), 0);
	cr_expect(group_of_lo(&interfaces) == 7);

	fake_root_write("", "/sys/class/net/lo/netdev_group", "8\n");
	change_interface(SIOCSIFFLAGS, "lo", IFF_UP, NULL);
	cr_assert_eq(interfaces_take(&interfaces), 0);
	cr_expect(group_of_lo(&interfaces) == 8);
	interfaces_close(&interfaces);
}

/* As the files say of one in whose place another has come, of the same name and index. */
Test(netclass, takes_an_interface_whose_files_are_gone_for_another_one_in_the_next_round)
{
	const struct hm_host host = {.root = "", .root_fd = -1};
	struct interfaces interfaces = {0};
	struct interface *lo;

	enter_own_network();
	cr_assert_eq(interfaces_open(&interfaces, &host, ""), 0);
	cr_assert_eq(interfaces_take(&interfaces), 0);
	lo = TAILQ_FIRST(&interfaces.list);
	close(lo->speed_fd);
	lo->speed_fd = -ENODEV;
	change_interface(SIOCSIFFLAGS, "lo", IFF_UP, NULL);
	cr_assert_eq(interfaces_take(&interfaces), 0);
	cr_assert_eq(lo->link.errors[LINK_SPEED], -ENODEV);

	cr_assert_eq(interfaces_take(&interfaces), 0);
	cr_assert_eq(interfaces.n, 1);
	cr_expect_eq(TAILQ_FIRST(&interfaces.list)->link.errors[LINK_SPEED], -ENODATA);
	interfaces_close(&interfaces);
}

/* The kernel may not tell of changes, nor counters alone: then all is asked for in each round. */
Test(netclass, asks_for_all_where_the_kernel_tells_no_less)
{
	const struct hm_host host = {.root = "", .root_fd = -1};
	struct interfaces interfaces = {0};
	int news_fd;

	enter_own_network();
	cr_assert_eq(interfaces_open(&interfaces, &host, ""), 0);
	cr_assert_eq(interfaces_take(&interfaces), 0);
	interfaces.has_counters_only = false;
	fake_root_write("", "/sys/class/net/lo/netdev_group", "7\n");
	cr_assert_eq(interfaces_take(&interfaces), 0);
	cr_expect(group_of_lo(&interfaces) == 7);

	interfaces.has_counters_only = true;
	news_fd = interfaces.dump.news_fd;
	interfaces.dump.news_fd = -1;
	fake_root_write("", "/sys/class/net/lo/netdev_group", "8\n");
	cr_assert_eq(interfaces_take(&interfaces), 0);
	cr_expect(group_of_lo(&interfaces) == 8);
	interfaces.dump.news_fd = news_fd;
	interfaces_close(&interfaces);
}
