/* SPDX-License-Identifier: MIT */
/* Tests of plugins/bcache.c. The fixture is as Linux 6.1 prints it (drivers/md/bcache/sysfs.c); the numbers are made up. */

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>

#include "tests/support/fake_root.h"
#include "tests/support/plugin_run.h"
#include "tests/support/scratch.h"

extern const struct hm_plugin bcache_plugin;

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

TestSuite(bcache, .init = setup, .fini = teardown);

#define UUID           "9f3a1c22-7b44-4d0e-8c55-0123456789ab"
#define OF(metric)     "node_bcache_" metric "{uuid=\"" UUID "\"}"
#define BACK(metric)   "node_bcache_" metric "{uuid=\"" UUID "\",backing_device=\"bdev0\"}"
#define CACHED(metric) "node_bcache_" metric "{uuid=\"" UUID "\",cache_device=\"cache0\"}"

static void write_file(const char *file, const char *text)
{
	char path[256];

	(void)snprintf(path, sizeof(path), "/sys/fs/bcache/" UUID "/%s", file);
	fake_root_write(root, path, text);
}

static void start(const char *at)
{
	cr_assert_eq(plugin_run_start(&run, &bcache_plugin, at), 0);
	cr_assert_eq(plugin_run_take(&run), 0);
}

/* What is told of a file with this text. */
static double told(const char *text)
{
	write_file("btree_cache_size", text);
	start(root);
	return plugin_run_value(&run, OF("btree_cache_size_bytes"));
}

static int refused(const char *text)
{
	write_file("btree_cache_size", text);
	start(root);
	return plugin_run_error(&run, OF("btree_cache_size_bytes"));
}

Test(bcache, reports_sets)
{
	start("tests/fixtures/storage");

	cr_expect(plugin_run_value(&run, OF("average_key_size_sectors")) == 106696);
	cr_expect(plugin_run_value(&run, OF("cache_available_percent")) == 83);
	cr_expect(plugin_run_value(&run, OF("congested")) == 0);
	cr_expect(plugin_run_value(&run, OF("root_usage_percent")) == 41);
	cr_expect(plugin_run_value(&run, OF("tree_depth")) == 1);
	cr_expect(plugin_run_value(&run, OF("active_journal_entries")) == 233);
	cr_expect(plugin_run_value(&run, OF("btree_nodes")) == 812);
	cr_expect(plugin_run_value(&run, OF("btree_read_average_duration_seconds")) == 1305 * 1e-9);
	cr_expect(plugin_run_value(&run, OF("cache_read_races_total")) == 3);
}

Test(bcache, reports_backing_and_cache_devices)
{
	start("tests/fixtures/storage");

	cr_expect(plugin_run_value(&run, BACK("cache_hits_total")) == 602233);
	cr_expect(plugin_run_value(&run, BACK("cache_misses_total")) == 40211);
	cr_expect(plugin_run_value(&run, BACK("cache_bypass_hits_total")) == 122);
	cr_expect(plugin_run_value(&run, BACK("cache_bypass_misses_total")) == 9021);
	cr_expect(plugin_run_value(&run, BACK("cache_miss_collisions_total")) == 7);
	cr_expect_eq(plugin_run_error(&run, BACK("cache_readaheads_total")), -ENOENT,
		     "this kernel has none");
	cr_expect(plugin_run_value(&run, CACHED("io_errors")) == 2);
	cr_expect(plugin_run_value(&run, CACHED("written_bytes_total")) ==
		  (double)(int64_t)((233 + 4 / 10.24) * 0x1p30));
	cr_expect_eq(run.batch.n_samples, 10 + 7 + 3 + 5);
}

Test(bcache, reports_the_terms_of_the_writeback_rate)
{
	start("tests/fixtures/storage");

	cr_expect(plugin_run_value(&run, BACK("writeback_rate")) == 4096);
	cr_expect(plugin_run_value(&run, BACK("dirty_target_bytes")) ==
		  (double)(int64_t)((20 + 4 / 10.24) * 0x1p30));
	cr_expect(plugin_run_value(&run, BACK("writeback_rate_proportional_term")) == -329204);
	cr_expect(plugin_run_value(&run, BACK("writeback_rate_integral_term")) == 500);
	cr_expect(plugin_run_value(&run, BACK("writeback_change")) == -13188);
}

Test(bcache, reads_numbers_as_the_kernel_abbreviates_them)
{
	cr_expect(told("0\n") == 0);
	cr_expect(told("512\n") == 512);
	cr_expect(told("1k\n") == 1024);
	cr_expect(told("1.1M\n") == 1150976);
	cr_expect(told("2T\n") == 0x1p41);
	cr_expect(told("-1.0k\n") == -1024);
	cr_expect(told("18446744073709551615\n") == 0x1p64);
}

Test(bcache, refuses_what_is_no_number)
{
	cr_expect_eq(refused("\n"), -EINVAL);
	cr_expect_eq(refused("k\n"), -EINVAL);
	cr_expect_eq(refused("1.k\n"), -EINVAL);
	cr_expect_eq(refused(".5k\n"), -EINVAL);
	cr_expect_eq(refused("--1\n"), -EINVAL);
	cr_expect_eq(refused("1X\n"), -EINVAL);
	cr_expect_eq(refused("1.2.3M\n"), -EINVAL);
	cr_expect_eq(refused("18446744073709551616\n"), -ERANGE);
}

Test(bcache, says_which_terms_are_missing)
{
	write_file("bdev0/writeback_rate_debug",
		   "rate:\nrate: 5\ntarget: x\n\nchange: /sec\nintegral: 7");
	write_file("cache0/written/folder", "");
	start(root);

	cr_expect_eq(plugin_run_error(&run, BACK("writeback_rate")), -EINVAL);
	cr_expect_eq(plugin_run_error(&run, BACK("dirty_target_bytes")), -EINVAL);
	cr_expect_eq(plugin_run_error(&run, BACK("writeback_change")), -EINVAL);
	cr_expect(plugin_run_value(&run, BACK("writeback_rate_integral_term")) == 7);
	cr_expect_eq(plugin_run_error(&run, CACHED("written_bytes_total")), -EISDIR);
	cr_assert_eq(plugin_run_take(&run), 0);
	cr_expect_eq(run.batch.n_samples, 5, "twice the same");
}

Test(bcache, says_why_the_terms_cannot_be_read)
{
	write_file("bdev0/writeback_rate_debug/folder", "");
	start(root);

	cr_expect_eq(plugin_run_error(&run, BACK("writeback_rate")), -EISDIR);
	cr_expect_eq(run.batch.n_samples, 5);
}

Test(bcache, says_enodev_on_a_host_without)
{
	cr_expect_eq(plugin_run_start(&run, &bcache_plugin, "tests/fixtures/empty"), -ENODEV);
	fake_root_write(root, "/sys/fs/bcache/register", "");
	cr_expect_eq(plugin_run_start(&run, &bcache_plugin, root), -ENODEV, "no set");
}
