/* SPDX-License-Identifier: MIT */
/*
 * Tests of plugins/netstat.c. The files of tests/fixtures/network have the fields that Linux 6.18 has, with numbers that
 * tell which one they are: the line and the column.
 */

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "tests/support/fake_root.h"
#include "tests/support/plugin_run.h"
#include "tests/support/scratch.h"

extern const struct hm_plugin netstat_plugin;

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

TestSuite(netstat, .init = setup, .fini = teardown);

#define FIELD(name) "node_netstat_" name

static void start(void)
{
	cr_assert_eq(plugin_run_start(&run, &netstat_plugin, root), 0);
}

static void take_round(void)
{
	cr_assert_eq(plugin_run_take(&run), 0);
}

Test(netstat, reports_what_node_exporter_has_by_default)
{
	cr_assert_eq(plugin_run_start(&run, &netstat_plugin, "tests/fixtures/network"), 0);
	take_round();

	cr_expect_eq(run.batch.n_samples, 42);
	cr_expect_eq(fake_batch_n_values(&run.batch), 42);
	cr_expect(plugin_run_value(&run, FIELD("TcpExt_SyncookiesSent")) == 1001);
	cr_expect(plugin_run_value(&run, FIELD("TcpExt_ListenDrops")) == 1024);
	cr_expect(plugin_run_value(&run, FIELD("IpExt_OutOctets")) == 2008);
	cr_expect(plugin_run_value(&run, FIELD("Ip_Forwarding")) == 2);
	cr_expect(plugin_run_value(&run, FIELD("Icmp_OutMsgs")) == 11015);
	cr_expect(plugin_run_value(&run, FIELD("Tcp_CurrEstab")) == 13009);
	cr_expect(plugin_run_value(&run, FIELD("Tcp_OutRsts")) == 13014);
	cr_expect(plugin_run_value(&run, FIELD("Udp_SndbufErrors")) == 14006);
	cr_expect(plugin_run_value(&run, FIELD("UdpLite_InErrors")) == 15003);
	cr_expect(plugin_run_value(&run, FIELD("Ip6_InOctets")) == 20023);
	cr_expect(plugin_run_value(&run, FIELD("Udp6_InErrors")) == 20076);
}

Test(netstat, says_the_same_twice)
{
	cr_assert_eq(plugin_run_start(&run, &netstat_plugin, "tests/fixtures/network"), 0);
	take_round();
	take_round();
	cr_expect_eq(run.batch.n_samples, 42);
}

Test(netstat, finds_columns_anew_each_round)
{
	fake_root_write(root, "/proc/net/snmp", "Tcp: InSegs OutSegs\nTcp: 1 2\n");
	start();
	take_round();
	cr_expect(plugin_run_value(&run, FIELD("Tcp_OutSegs")) == 2);

	fake_root_write(root, "/proc/net/snmp",
			"IcmpMsg: InType3\nIcmpMsg: 5\nTcp: New OutSegs\nTcp: 3 4\n");
	take_round();
	cr_expect(plugin_run_value(&run, FIELD("Tcp_OutSegs")) == 4);
	cr_expect_eq(run.batch.n_samples, 1);
}

/* What was learnt of a line of names counts for no other one. */
Test(netstat, notices_names_that_change_places_or_are_others_of_the_same_length)
{
	static const struct {
		const char *text;
		double in;
		double out;
	} cases[] = {
		{"Tcp: InSegs OutRsts\nTcp: 1 2\n", 1, 2},
		{"Tcp: OutRsts InSegs\nTcp: 1 2\n", 2, 1},
		{"Tcp: InSegx OutRsts\nTcp: 1 2\n", -1, 2},
		{"Udp: InSegs OutRsts\nUdp: 1 2\nTcp: OutRsts InSegs\nTcp: 3 4\n", 4, 3},
		{"Tcp: OutRsts InSegs\nTcp: 3 4\nUdp: InSegs OutRsts\nUdp: 1 2\n", 4, 3},
		{"A: a\nA: 1\nB: a\nB: 1\nC: a\nC: 1\nD: a\nD: 1\nE: a\nE: 1\nF: a\nF: 1\nG: a\nG: 1\n"
		 "H: a\nH: 1\nI: a\nI: 1\nTcp: InSegs\nTcp: 5\n",
		 5, -1},
	};

	fake_root_write(root, "/proc/net/snmp", cases[0].text);
	start();
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		fake_root_write(root, "/proc/net/snmp", cases[i].text);
		for (int j = 0; j < 2; j++) {
			take_round();
			cr_expect_eq(plugin_run_has(&run, FIELD("Tcp_InSegs")), cases[i].in >= 0);
			if (cases[i].in >= 0)
				cr_expect(plugin_run_value(&run, FIELD("Tcp_InSegs")) ==
					  cases[i].in);
			cr_expect_eq(plugin_run_has(&run, FIELD("Tcp_OutRsts")), cases[i].out >= 0);
			if (cases[i].out >= 0)
				cr_expect(plugin_run_value(&run, FIELD("Tcp_OutRsts")) ==
					  cases[i].out);
		}
	}
}

Test(netstat, does_without_ipv6)
{
	fake_root_write(root, "/proc/net/netstat", "IpExt: InOctets\nIpExt: 7\n");
	fake_root_write(root, "/proc/net/snmp", "");
	start();
	take_round();

	cr_expect_eq(run.batch.n_samples, 1);
	cr_expect(plugin_run_value(&run, FIELD("IpExt_InOctets")) == 7);
}

Test(netstat, gives_a_reason_and_no_value_for_each_wrong_number)
{
	fake_root_write(root, "/proc/net/snmp",
			"Udp: InDatagrams NoPorts InErrors\nUdp: 1 x 1e999\n");
	fake_root_write(root, "/proc/net/snmp6", "Ip6InOctets\nIp6OutOctets  x\nUdp6InErrors 4\n");
	start();
	take_round();

	cr_expect(plugin_run_value(&run, FIELD("Udp_InDatagrams")) == 1);
	cr_expect_eq(plugin_run_error(&run, FIELD("Udp_NoPorts")), -EINVAL);
	cr_expect_eq(plugin_run_error(&run, FIELD("Udp_InErrors")), -ERANGE);
	cr_expect_eq(plugin_run_error(&run, FIELD("Ip6_InOctets")), -ENODATA);
	cr_expect_eq(plugin_run_error(&run, FIELD("Ip6_OutOctets")), -EINVAL);
	cr_expect(plugin_run_value(&run, FIELD("Udp6_InErrors")) == 4);
}

Test(netstat, believes_no_numbers_that_do_not_fit_their_names)
{
	fake_root_write(root, "/proc/net/snmp",
			"Udp: InDatagrams NoPorts\nUdp: 1\n"
			"Icmp: InMsgs OutMsgs\nIcmp: 1 2 3\n"
			"Tcp: InSegs\nIp: 4\n"
			":\n:\n"
			"UdpLite: InErrors\n");
	fake_root_write(root, "/proc/net/netstat", "IpExt: InOctets\nIpExt: 7\n");
	start();
	take_round();

	cr_expect_eq(fake_batch_n_values(&run.batch), 1);
	cr_expect_eq(plugin_run_error(&run, FIELD("Udp_InDatagrams")), -EINVAL);
	cr_expect_eq(plugin_run_error(&run, FIELD("Udp_NoPorts")), -EINVAL);
	cr_expect_eq(plugin_run_error(&run, FIELD("Icmp_InMsgs")), -EINVAL);
	cr_expect_eq(plugin_run_error(&run, FIELD("Tcp_InSegs")), -EINVAL);
	cr_expect_eq(plugin_run_error(&run, FIELD("UdpLite_InErrors")), -EINVAL);
	cr_expect(plugin_run_value(&run, FIELD("IpExt_InOctets")) == 7);
}

Test(netstat, takes_what_is_there_twice_once)
{
	fake_root_write(root, "/proc/net/snmp",
			"Tcp: InSegs InSegs\nTcp: 1 2\nTcp: InSegs\nTcp: 3\n");
	fake_root_write(root, "/proc/net/snmp6", "Ip6InOctets 4\nIp6InOctets 5\n");
	start();
	take_round();

	cr_expect_eq(run.batch.n_samples, 2);
	cr_expect(plugin_run_value(&run, FIELD("Tcp_InSegs")) == 1);
	cr_expect(plugin_run_value(&run, FIELD("Ip6_InOctets")) == 4);
}

Test(netstat, tells_of_a_file_that_cannot_be_read)
{
	fake_root_write(root, "/proc/net/snmp", "Tcp: InSegs\nTcp: 1\n");
	fake_root_write(root, "/proc/net/snmp6/file", "");
	start();
	take_round();

	cr_expect(plugin_run_value(&run, FIELD("Tcp_InSegs")) == 1);
	cr_expect_eq(plugin_run_error(&run, FIELD("Ip6_InOctets")), -EISDIR);
	cr_expect_eq(plugin_run_error(&run, FIELD("UdpLite6_InErrors")), -EISDIR);
	cr_expect_eq(run.batch.n_samples, 1 + 12);
}

Test(netstat, says_enodata_where_there_is_nothing_known)
{
	fake_root_write(root, "/proc/net/snmp", "Sctp: InSegs\nSctp: 1\n");
	start();

	cr_expect_eq(plugin_run_take(&run), -ENODATA);
}

Test(netstat, says_enodev_on_a_host_without_the_files)
{
	cr_expect_eq(plugin_run_start(&run, &netstat_plugin, "tests/fixtures/empty"), -ENODEV);
}

Test(netstat, reads_the_running_system)
{
	cr_assert_eq(plugin_run_start(&run, &netstat_plugin, ""), 0);
	take_round();

	cr_expect(plugin_run_has(&run, FIELD("Tcp_InSegs")));
}
