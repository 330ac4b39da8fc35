/* SPDX-License-Identifier: MIT */
/* Tests of plugins/ipvs.c. The files of tests/fixtures/network are as Linux 6.1 prints them. */

#include <criterion/criterion.h>
#include <errno.h>

#include "tests/support/fake_root.h"
#include "tests/support/plugin_run.h"
#include "tests/support/scratch.h"

extern const struct hm_plugin ipvs_plugin;

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

TestSuite(ipvs, .init = setup, .fini = teardown);

#define OF(name, local, local_port, remote, remote_port, proto, mark)                              \
	"node_ipvs_backend_" name "{local_address=\"" local "\",local_port=\"" local_port          \
	"\",remote_address=\"" remote "\",remote_port=\"" remote_port "\",proto=\"" proto          \
	"\",local_mark=\"" mark "\"}"
#define ACTIVE   "connections_active"
#define INACTIVE "connections_inactive"

static void take_from(const char *path)
{
	cr_assert_eq(plugin_run_start(&run, &ipvs_plugin, path), 0);
	cr_assert_eq(plugin_run_take(&run), 0);
}

/* Services and their servers, and totals that are all 0. */
static void take_services(const char *text)
{
	fake_root_write(root, "/proc/net/ip_vs_stats", "Total\nConns\n0 0 0 0 0\n");
	fake_root_write(root, "/proc/net/ip_vs", text);
	take_from(root);
}

Test(ipvs, reports_totals)
{
	take_from("tests/fixtures/network");

	cr_expect(plugin_run_value(&run, "node_ipvs_connections_total") == 0x2b67);
	cr_expect(plugin_run_value(&run, "node_ipvs_incoming_packets_total") == 0x1f3a9c5);
	cr_expect(plugin_run_value(&run, "node_ipvs_outgoing_packets_total") == 0x11);
	cr_expect(plugin_run_value(&run, "node_ipvs_incoming_bytes_total") == 0x51d8c8883ab3);
	cr_expect(plugin_run_value(&run, "node_ipvs_outgoing_bytes_total") == 0x2a0);
}

Test(ipvs, reports_each_real_server)
{
	take_from("tests/fixtures/network");

	cr_expect_eq(run.batch.n_samples, 5 + 6 * 3);
	cr_expect(plugin_run_value(&run, OF("weight", "192.0.2.22", "443", "198.51.100.22", "8443",
					    "TCP", "")) == 100);
	cr_expect(plugin_run_value(&run, OF(ACTIVE, "192.0.2.22", "443", "198.51.100.22", "8443",
					    "TCP", "")) == 248);
	cr_expect(plugin_run_value(&run, OF(INACTIVE, "192.0.2.22", "443", "198.51.100.24", "8443",
					    "TCP", "")) == 1);
	cr_expect(plugin_run_value(&run, OF(INACTIVE, "192.0.2.53", "53", "198.51.100.53", "53",
					    "UDP", "")) == 17);
	cr_expect(plugin_run_value(&run, OF(ACTIVE, "2001:db8::1", "80", "2001:db8::1:2", "80",
					    "TCP", "")) == 3);
	cr_expect(plugin_run_value(&run, OF(ACTIVE, "", "0", "198.51.100.26", "3306", "FWM",
					    "00001000")) == 5);
	cr_expect(plugin_run_value(&run, OF("weight", "192.0.2.22", "2905", "198.51.100.22", "2905",
					    "SCTP", "")) == 7);
}

Test(ipvs, says_the_same_twice)
{
	take_from("tests/fixtures/network");
	cr_assert_eq(plugin_run_take(&run), 0);
	cr_expect_eq(run.batch.n_samples, 5 + 6 * 3);
}

Test(ipvs, adds_up_what_has_the_same_labels)
{
	take_services("TCP 7F000001:0001 rr\n-> 7F000002:0001 Route 1 2 3\n"
		      "TCP 7F000001:0002 rr\n-> 7F000002:0001 Route 1 x 3\n"
		      "TCP 7F000001:0001 rr\n-> 7F000002:0001 Route 10 20 30\n"
		      "TCP 7F000001:0002 rr\n-> 7F000002:0001 Route 10 20 30\n");

	cr_expect_eq(run.batch.n_samples, 5 + 2 * 3);
	cr_expect(plugin_run_value(
			  &run, OF(ACTIVE, "127.0.0.1", "1", "127.0.0.2", "1", "TCP", "")) == 22);
	cr_expect_eq(
		plugin_run_error(&run, OF(ACTIVE, "127.0.0.1", "2", "127.0.0.2", "1", "TCP", "")),
		-EINVAL);
	cr_expect(plugin_run_value(
			  &run, OF(INACTIVE, "127.0.0.1", "2", "127.0.0.2", "1", "TCP", "")) == 33);
}

Test(ipvs, gives_a_reason_and_no_value_for_each_wrong_number)
{
	fake_root_write(root, "/proc/net/ip_vs_stats", "Total\nConns\n1 x 10000000000000000 FF\n");
	fake_root_write(root, "/proc/net/ip_vs",
			"TCP 7F000001:0001 rr\n-> 7F000002:0001 Route -1 18446744073709551616\n");
	take_from(root);

	cr_expect(plugin_run_value(&run, "node_ipvs_connections_total") == 1);
	cr_expect_eq(plugin_run_error(&run, "node_ipvs_incoming_packets_total"), -EINVAL);
	cr_expect_eq(plugin_run_error(&run, "node_ipvs_outgoing_packets_total"), -ERANGE);
	cr_expect(plugin_run_value(&run, "node_ipvs_incoming_bytes_total") == 255);
	cr_expect_eq(plugin_run_error(&run, "node_ipvs_outgoing_bytes_total"), -ENODATA);
	cr_expect_eq(
		plugin_run_error(&run, OF("weight", "127.0.0.1", "1", "127.0.0.2", "1", "TCP", "")),
		-EINVAL);
	cr_expect_eq(
		plugin_run_error(&run, OF(ACTIVE, "127.0.0.1", "1", "127.0.0.2", "1", "TCP", "")),
		-ERANGE);
	cr_expect_eq(
		plugin_run_error(&run, OF(INACTIVE, "127.0.0.1", "1", "127.0.0.2", "1", "TCP", "")),
		-ENODATA);
}

Test(ipvs, passes_over_what_has_no_address)
{
	take_services(
		"-> 7F000002:0001 Route 1 2 3\n"
		"TCP 7F00001:0001 rr\n-> 7F000002:0001 Route 1 2 3\n"
		"TCP 7F000001:1 rr\n-> 7F000002:0001 Route 1 2 3\n"
		"TCP 7F000001 rr\n-> 7F000002:0001 Route 1 2 3\n"
		"TCP [::g]:0001 rr\n-> 7F000002:0001 Route 1 2 3\n"
		"TCP\n-> 7F000002:0001 Route 1 2 3\n"
		"FWM 0123456789012345678901234567890123456789 rr\n-> 7F000002:0001 Route 1 2 3\n"
		"TCP [::ffff:1.2.3.4]:0001 rr\n-> [::1:0001 Route 1 2 3\n->\n-> 7F000002:0001\n"
		"-> 7F000002:0001 Route 1 2 3\n");

	cr_expect_eq(run.batch.n_samples, 5 + 3);
	cr_expect(plugin_run_value(&run, OF(ACTIVE, "1.2.3.4", "1", "127.0.0.2", "1", "TCP", "")) ==
		  2);
}

Test(ipvs, tells_of_a_file_that_cannot_be_read)
{
	fake_root_write(root, "/proc/net/ip_vs_stats/file", "");
	fake_root_write(root, "/proc/net/ip_vs", "");
	cr_assert_eq(plugin_run_start(&run, &ipvs_plugin, root), 0);

	cr_expect_eq(plugin_run_take(&run), -EISDIR);
	cr_expect_eq(plugin_run_error(&run, "node_ipvs_connections_total"), -EISDIR);
}

Test(ipvs, says_enodev_on_a_host_without_the_files)
{
	cr_expect_eq(plugin_run_start(&run, &ipvs_plugin, "tests/fixtures/empty"), -ENODEV);
}
