/* SPDX-License-Identifier: MIT */
/* Tests of plugins/sockstat.c. The files of tests/fixtures/network are as Linux 6.1 prints them. */

#include <criterion/criterion.h>
#include <errno.h>
#include <unistd.h>

#include "tests/support/fake_root.h"
#include "tests/support/plugin_run.h"
#include "tests/support/scratch.h"

extern const struct hm_plugin sockstat_plugin;

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

TestSuite(sockstat, .init = setup, .fini = teardown);

#define SOCKETS(name) "node_sockstat_" name

static void take_from(const char *path)
{
	cr_assert_eq(plugin_run_start(&run, &sockstat_plugin, path), 0);
	cr_assert_eq(plugin_run_take(&run), 0);
}

Test(sockstat, reports_sockets_of_each_protocol)
{
	double page_bytes = (double)sysconf(_SC_PAGESIZE);

	take_from("tests/fixtures/network");

	cr_expect_eq(fake_batch_n_values(&run.batch), 20);
	cr_expect_eq(run.batch.n_samples, 20);
	cr_expect(plugin_run_value(&run, SOCKETS("sockets_used")) == 229);
	cr_expect(plugin_run_value(&run, SOCKETS("TCP_inuse")) == 4);
	cr_expect(plugin_run_value(&run, SOCKETS("TCP_orphan")) == 2);
	cr_expect(plugin_run_value(&run, SOCKETS("TCP_tw")) == 3);
	cr_expect(plugin_run_value(&run, SOCKETS("TCP_alloc")) == 17);
	cr_expect(plugin_run_value(&run, SOCKETS("TCP_mem")) == 5);
	cr_expect(plugin_run_value(&run, SOCKETS("TCP_mem_bytes")) == 5 * page_bytes);
	cr_expect(plugin_run_value(&run, SOCKETS("UDP_mem_bytes")) == 7 * page_bytes);
	cr_expect(plugin_run_value(&run, SOCKETS("FRAG_memory")) == 1024);
	cr_expect(plugin_run_value(&run, SOCKETS("UDPLITE6_inuse")) == 2);
	cr_expect(plugin_run_value(&run, SOCKETS("FRAG6_memory")) == 2048);
}

Test(sockstat, says_the_same_twice)
{
	take_from("tests/fixtures/network");
	cr_assert_eq(plugin_run_take(&run), 0);
	cr_expect_eq(run.batch.n_samples, 20);
}

Test(sockstat, does_without_ipv6)
{
	fake_root_write(root, "/proc/net/sockstat", "TCP: inuse 4\n");
	take_from(root);

	cr_expect_eq(run.batch.n_samples, 1);
	cr_expect(plugin_run_value(&run, SOCKETS("TCP_inuse")) == 4);
}

Test(sockstat, gives_a_reason_and_no_value_for_each_wrong_number)
{
	fake_root_write(
		root, "/proc/net/sockstat",
		"sockets: used\nTCP: inuse x new 1 mem 9223372036854775808 tw 4\nRAW: inuse 1\n");
	take_from(root);

	cr_expect_eq(plugin_run_error(&run, SOCKETS("sockets_used")), -ENODATA);
	cr_expect_eq(plugin_run_error(&run, SOCKETS("TCP_inuse")), -EINVAL);
	cr_expect_eq(plugin_run_error(&run, SOCKETS("TCP_mem")), -ERANGE);
	cr_expect_eq(plugin_run_error(&run, SOCKETS("TCP_mem_bytes")), -ERANGE);
	cr_expect(plugin_run_value(&run, SOCKETS("TCP_tw")) == 4);
	cr_expect(plugin_run_value(&run, SOCKETS("RAW_inuse")) == 1);
}

Test(sockstat, passes_over_hostile_lines)
{
	fake_root_write(root, "/proc/net/sockstat",
			"TCP_mem: bytes 1\nTC: P_inuse 2\n: TCP_inuse 3\nTCP inuse 4\n"
			"TCP: mem_bytes 5 inuse 6 inuse 7\nTCP: inuse 8\n%s \xff\n");
	take_from(root);

	cr_expect(plugin_run_value(&run, SOCKETS("TCP_inuse")) == 6);
	cr_expect_eq(run.batch.n_samples, 1);
}

Test(sockstat, tells_of_a_file_that_cannot_be_read)
{
	fake_root_write(root, "/proc/net/sockstat", "TCP: inuse 4\n");
	fake_root_write(root, "/proc/net/sockstat6/file", "");
	take_from(root);

	cr_expect_eq(run.batch.n_samples, 7);
	cr_expect_eq(plugin_run_error(&run, SOCKETS("TCP6_inuse")), -EISDIR);
}

Test(sockstat, says_enodata_of_an_empty_file)
{
	fake_root_write(root, "/proc/net/sockstat", "");
	cr_assert_eq(plugin_run_start(&run, &sockstat_plugin, root), 0);
	cr_expect_eq(plugin_run_take(&run), -ENODATA);
}

Test(sockstat, says_enodev_on_a_host_without_the_files)
{
	cr_expect_eq(plugin_run_start(&run, &sockstat_plugin, "tests/fixtures/empty"), -ENODEV);
}

Test(sockstat, reads_the_running_system)
{
	take_from("");
	cr_expect(plugin_run_value(&run, SOCKETS("sockets_used")) > 0);
}
