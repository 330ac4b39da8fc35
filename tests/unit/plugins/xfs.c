/* SPDX-License-Identifier: MIT */
/* Tests of plugins/xfs.c. The fixture is as Linux 6.1 prints it (fs/xfs/xfs_stats.c); the numbers are made up. */

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "tests/support/fake_root.h"
#include "tests/support/plugin_run.h"
#include "tests/support/scratch.h"

extern const struct hm_plugin xfs_plugin;

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

TestSuite(xfs, .init = setup, .fini = teardown);

#define OF(metric, device) "node_xfs_" metric "_total{device=\"" device "\"}"

static void set_stats(const char *device, const char *text)
{
	char path[128];

	(void)snprintf(path, sizeof(path), "/sys/fs/xfs/%s/stats/stats", device);
	fake_root_write(root, path, text);
}

static void start(const char *at)
{
	cr_assert_eq(plugin_run_start(&run, &xfs_plugin, at), 0);
	cr_assert_eq(plugin_run_take(&run), 0);
}

static double of_fixture(const char *metric)
{
	char series[128];

	(void)snprintf(series, sizeof(series), "node_xfs_%s_total{device=\"dm-0\"}", metric);
	return plugin_run_value(&run, series);
}

Test(xfs, reports_what_file_systems_do)
{
	start("tests/fixtures/storage");

	cr_expect(of_fixture("extent_allocation_extents_allocated") == 24512);
	cr_expect(of_fixture("extent_allocation_blocks_freed") == 655360);
	cr_expect(of_fixture("allocation_btree_lookups") == 0);
	cr_expect(of_fixture("block_mapping_reads") == 1902311);
	cr_expect(of_fixture("block_mapping_extent_list_compares") == 7);
	cr_expect(of_fixture("block_map_btree_records_deleted") == 6);
	cr_expect(of_fixture("directory_operation_getdents") == 30412);
	cr_expect(of_fixture("inode_operation_missed") == 121101);
	cr_expect(of_fixture("inode_operation_attribute_changes") == 70123);
	cr_expect(of_fixture("write_calls") == 702233);
	cr_expect(of_fixture("read_calls") == 1409988);
	cr_expect(of_fixture("vnode_active") == 22222);
	cr_expect(of_fixture("vnode_remove") == 121098);
	cr_expect_eq(run.batch.n_samples, 39);
}

Test(xfs, gives_a_reason_and_no_value_for_each_wrong_number)
{
	set_stats("sda1",
		  "rw x 5\nrw 6 7\nvnodes 1\nunknown 1\n\nextent_alloc 99999999999999999999");
	start(root);

	cr_expect_eq(plugin_run_error(&run, OF("write_calls", "sda1")), -EINVAL);
	cr_expect(plugin_run_value(&run, OF("read_calls", "sda1")) == 5);
	cr_expect(plugin_run_value(&run, OF("vnode_active", "sda1")) == 1);
	cr_expect_eq(plugin_run_error(&run, OF("extent_allocation_extents_allocated", "sda1")),
		     -ERANGE);
	cr_expect_eq(run.batch.n_samples, 4);
}

Test(xfs, follows_mounts)
{
	char from[256];
	char to[256];

	set_stats("sda1", "rw 1 2\n");
	start(root);
	set_stats("sdb1", "rw 3 4\n");
	cr_assert_eq(plugin_run_take(&run), 0);
	cr_expect(plugin_run_value(&run, OF("write_calls", "sda1")) == 1);
	cr_expect(plugin_run_value(&run, OF("write_calls", "sdb1")) == 3);

	(void)snprintf(from, sizeof(from), "%s/sys/fs/xfs/sda1", root);
	(void)snprintf(to, sizeof(to), "%s/sda1", root);
	cr_assert_eq(rename(from, to), 0);
	cr_assert_eq(plugin_run_take(&run), 0);
	cr_expect_eq(plugin_run_error(&run, OF("write_calls", "sda1")), -ENOENT);
	cr_expect(plugin_run_value(&run, OF("write_calls", "sdb1")) == 3);
}

Test(xfs, says_of_a_file_that_cannot_be_read_that_all_is_missing)
{
	fake_root_write(root, "/sys/fs/xfs/sda1/stats/stats/folder", "");
	set_stats("sdb1", "rw 3 4\n");
	start(root);

	cr_expect_eq(plugin_run_error(&run, OF("write_calls", "sda1")), -EISDIR);
	cr_expect_eq(plugin_run_error(&run, OF("vnode_remove", "sda1")), -EISDIR);
	cr_expect(plugin_run_value(&run, OF("write_calls", "sdb1")) == 3);
}

Test(xfs, says_the_same_twice)
{
	start("tests/fixtures/storage");
	cr_assert_eq(plugin_run_take(&run), 0);
	cr_expect_eq(run.batch.n_samples, 39);
}

Test(xfs, says_enodev_on_a_host_without)
{
	cr_expect_eq(plugin_run_start(&run, &xfs_plugin, "tests/fixtures/empty"), -ENODEV);
	fake_root_write(root, "/sys/fs/xfs/stats/stats", "rw 1 2\n");
	cr_expect_eq(plugin_run_start(&run, &xfs_plugin, root), -ENODEV, "none is mounted");
}
