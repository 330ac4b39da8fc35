/* SPDX-License-Identifier: MIT */
/* Tests of plugins/nfsd.c. The fixture is as Linux 6.1 prints it (fs/nfsd/stats.c, 6.6 for its last line); the numbers are made up. */

#include <criterion/criterion.h>
#include <errno.h>

#include "tests/support/fake_root.h"
#include "tests/support/plugin_run.h"
#include "tests/support/scratch.h"

extern const struct hm_plugin nfsd_plugin;

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

TestSuite(nfsd, .init = setup, .fini = teardown);

#define OF(metric) "node_nfsd_" metric
#define REQUESTS(proto, method)                                                                    \
	"node_nfsd_requests_total{proto=\"" proto "\",method=\"" method "\"}"
#define RPC_ERRORS(error) "node_nfsd_rpc_errors_total{error=\"" error "\"}"
#define PACKETS(proto)    "node_nfsd_packets_total{proto=\"" proto "\"}"

static void start(const char *at)
{
	cr_assert_eq(plugin_run_start(&run, &nfsd_plugin, at), 0);
	cr_assert_eq(plugin_run_take(&run), 0);
}

Test(nfsd, reports_what_the_server_does)
{
	start("tests/fixtures/storage");

	cr_expect(plugin_run_value(&run, OF("reply_cache_hits_total")) == 2);
	cr_expect(plugin_run_value(&run, OF("reply_cache_misses_total")) == 1822);
	cr_expect(plugin_run_value(&run, OF("reply_cache_nocache_total")) == 90311);
	cr_expect(plugin_run_value(&run, OF("file_handles_stale_total")) == 7);
	cr_expect(plugin_run_value(&run, OF("disk_bytes_read_total")) == 1572864001);
	cr_expect(plugin_run_value(&run, OF("disk_bytes_written_total")) == 728640);
	cr_expect(plugin_run_value(&run, OF("server_threads")) == 8);
	cr_expect(plugin_run_value(&run, OF("read_ahead_cache_size_blocks")) == 32);
	cr_expect(plugin_run_value(&run, OF("read_ahead_cache_not_found_total")) == 9);
	cr_expect(plugin_run_value(&run, PACKETS("udp")) == 21);
	cr_expect(plugin_run_value(&run, PACKETS("tcp")) == 92112);
	cr_expect(plugin_run_value(&run, OF("connections_total")) == 17);
	cr_expect(plugin_run_value(&run, OF("server_rpcs_total")) == 92135);
	cr_expect(plugin_run_value(&run, RPC_ERRORS("fmt")) == 1);
	cr_expect(plugin_run_value(&run, RPC_ERRORS("auth")) == 2);
	cr_expect(plugin_run_value(&run, RPC_ERRORS("cInt")) == 3);
}

Test(nfsd, reports_requests_by_version_and_procedure)
{
	start("tests/fixtures/storage");

	cr_expect(plugin_run_value(&run, REQUESTS("2", "GetAttr")) == 69);
	cr_expect(plugin_run_value(&run, REQUESTS("2", "FsStat")) == 5);
	cr_expect(plugin_run_value(&run, REQUESTS("3", "Lookup")) == 2719);
	cr_expect(plugin_run_value(&run, REQUESTS("3", "Commit")) == 6);
	cr_expect_eq(plugin_run_error(&run, REQUESTS("3", "Null")), -ENOENT);
	cr_expect(plugin_run_value(&run, REQUESTS("4", "Access")) == 1098);
	cr_expect(plugin_run_value(&run, REQUESTS("4", "PutFH")) == 9609);
	cr_expect(plugin_run_value(&run, REQUESTS("4", "Read")) == 150);
	cr_expect(plugin_run_value(&run, REQUESTS("4", "Verify")) == 28);
	cr_expect(plugin_run_value(&run, REQUESTS("4", "RelLockOwner")) == 30);
	cr_expect(plugin_run_value(&run, REQUESTS("4", "WdelegGetattr")) == 4);
	cr_expect_eq(run.batch.n_samples, 16 + 17 + 21 + 35 + 1);
}

Test(nfsd, gives_a_reason_and_no_value_for_each_wrong_number)
{
	fake_root_write(root, "/proc/net/rpc/nfsd",
			"rc x 2\nra 1\nio 5\nproc4ops 72 0 0 0 y\nth\n");
	start(root);

	cr_expect_eq(plugin_run_error(&run, OF("reply_cache_hits_total")), -EINVAL);
	cr_expect(plugin_run_value(&run, OF("reply_cache_misses_total")) == 2);
	cr_expect_eq(plugin_run_error(&run, REQUESTS("4", "Access")), -EINVAL);
	cr_expect_eq(run.batch.n_samples, 5);
}

Test(nfsd, says_enodev_on_a_host_without_the_file)
{
	cr_expect_eq(plugin_run_start(&run, &nfsd_plugin, "tests/fixtures/empty"), -ENODEV);
}

Test(nfsd, says_why_the_file_cannot_be_read)
{
	fake_root_write(root, "/proc/net/rpc/nfsd/file", "");
	cr_assert_eq(plugin_run_start(&run, &nfsd_plugin, root), 0);

	cr_expect_eq(plugin_run_take(&run), -EISDIR);
}
