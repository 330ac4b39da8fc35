/* SPDX-License-Identifier: MIT */
/* Tests of plugins/nfs.c. The fixture is as Linux 6.1 prints it (fs/nfs, net/sunrpc/stats.c); the numbers are made up. */

#include <criterion/criterion.h>
#include <errno.h>

#include "tests/support/fake_root.h"
#include "tests/support/plugin_run.h"
#include "tests/support/scratch.h"

extern const struct hm_plugin nfs_plugin;

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

TestSuite(nfs, .init = setup, .fini = teardown);

#define REQUESTS(proto, method) "node_nfs_requests_total{proto=\"" proto "\",method=\"" method "\"}"
#define PACKETS(protocol)       "node_nfs_packets_total{protocol=\"" protocol "\"}"

static void start(const char *at)
{
	cr_assert_eq(plugin_run_start(&run, &nfs_plugin, at), 0);
	cr_assert_eq(plugin_run_take(&run), 0);
}

static void start_with(const char *text)
{
	fake_root_write(root, "/proc/net/rpc/nfs", text);
	start(root);
}

Test(nfs, reports_calls)
{
	start("tests/fixtures/storage");

	cr_expect(plugin_run_value(&run, PACKETS("udp")) == 0);
	cr_expect(plugin_run_value(&run, PACKETS("tcp")) == 0);
	cr_expect(plugin_run_value(&run, "node_nfs_connections_total") == 0);
	cr_expect(plugin_run_value(&run, "node_nfs_rpcs_total") == 40211);
	cr_expect(plugin_run_value(&run, "node_nfs_rpc_retransmissions_total") == 3);
	cr_expect(plugin_run_value(&run, "node_nfs_rpc_authentication_refreshes_total") == 40219);
}

Test(nfs, reports_requests_by_version_and_procedure)
{
	start("tests/fixtures/storage");

	cr_expect(plugin_run_value(&run, REQUESTS("2", "FsStat")) == 0);
	cr_expect(plugin_run_value(&run, REQUESTS("3", "Null")) == 2);
	cr_expect(plugin_run_value(&run, REQUESTS("3", "GetAttr")) == 1071);
	cr_expect(plugin_run_value(&run, REQUESTS("3", "Commit")) == 23);
	cr_expect(plugin_run_value(&run, REQUESTS("4", "Null")) == 2);
	cr_expect(plugin_run_value(&run, REQUESTS("4", "Read")) == 1001);
	cr_expect(plugin_run_value(&run, REQUESTS("4", "Sequence")) == 4141);
	cr_expect(plugin_run_value(&run, REQUESTS("4", "LayoutGet")) == 44);
	cr_expect(plugin_run_value(&run, REQUESTS("4", "GetDeviceInfo")) == 45);
	cr_expect(plugin_run_value(&run, REQUESTS("4", "Clone")) == 58);
	cr_expect_eq(run.batch.n_samples, 3 + 3 + 18 + 22 + 59);
}

Test(nfs, reports_no_procedures_that_an_older_kernel_does_not_count)
{
	start_with("proc4 3 5 6 7\n");

	cr_expect(plugin_run_value(&run, REQUESTS("4", "Write")) == 7);
	cr_expect_eq(run.batch.n_samples, 3);
}

Test(nfs, gives_a_reason_and_no_value_for_each_wrong_number)
{
	start_with(
		"net 1 x 3 18446744073709551616\nrpc\nproc3 22 -1 2\nnet 1 2 3 4\n\nproc5 1 2\nproc2");

	cr_expect_eq(plugin_run_error(&run, PACKETS("udp")), -EINVAL);
	cr_expect(plugin_run_value(&run, PACKETS("tcp")) == 3);
	cr_expect_eq(plugin_run_error(&run, "node_nfs_connections_total"), -ERANGE);
	cr_expect_eq(plugin_run_error(&run, REQUESTS("3", "Null")), -EINVAL);
	cr_expect(plugin_run_value(&run, REQUESTS("3", "GetAttr")) == 2);
	cr_expect_eq(run.batch.n_samples, 5);
}

Test(nfs, says_the_same_twice)
{
	start("tests/fixtures/storage");
	cr_assert_eq(plugin_run_take(&run), 0);
	cr_expect_eq(run.batch.n_samples, 105);
}

Test(nfs, says_enodev_on_a_host_without_the_file)
{
	cr_expect_eq(plugin_run_start(&run, &nfs_plugin, "tests/fixtures/empty"), -ENODEV);
}

Test(nfs, says_why_the_file_cannot_be_read)
{
	fake_root_write(root, "/proc/net/rpc/nfs/file", "");
	cr_assert_eq(plugin_run_start(&run, &nfs_plugin, root), 0);

	cr_expect_eq(plugin_run_take(&run), -EISDIR);
}
