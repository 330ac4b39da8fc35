/* SPDX-License-Identifier: MIT */
/*
 * Tests of plugins/conntrack.c. linux_6_18 has the columns of that kernel, the other texts those of 2.6.32.
 */

#include <criterion/criterion.h>
#include <errno.h>

#include "tests/support/fake_root.h"
#include "tests/support/plugin_run.h"
#include "tests/support/scratch.h"

extern const struct hm_plugin conntrack_plugin;

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

TestSuite(conntrack, .init = setup, .fini = teardown);

#define STATS     "/proc/net/stat/nf_conntrack"
#define STAT(sum) "node_nf_conntrack_stat_" sum

static void start(void)
{
	cr_assert_eq(plugin_run_start(&run, &conntrack_plugin, root), 0);
}

Test(conntrack, reports_the_table_and_sums_of_all_cpus)
{
	cr_assert_eq(plugin_run_start(&run, &conntrack_plugin, "tests/fixtures/linux_6_18"), 0);
	cr_assert_eq(plugin_run_take(&run), 0);

	cr_expect_eq(run.batch.n_samples, 10);
	cr_expect(plugin_run_value(&run, "node_nf_conntrack_entries") == 312);
	cr_expect(plugin_run_value(&run, "node_nf_conntrack_entries_limit") == 262144);
	cr_expect(plugin_run_value(&run, STAT("found")) == 0x2d);
	cr_expect(plugin_run_value(&run, STAT("invalid")) == 0x23);
	cr_expect(plugin_run_value(&run, STAT("ignore")) == 0x12e3);
	cr_expect(plugin_run_value(&run, STAT("insert")) == 0);
	cr_expect(plugin_run_value(&run, STAT("insert_failed")) == 4);
	cr_expect(plugin_run_value(&run, STAT("drop")) == 2);
	cr_expect(plugin_run_value(&run, STAT("early_drop")) == 1);
	cr_expect(plugin_run_value(&run, STAT("search_restart")) == 0x18);
}

Test(conntrack, finds_columns_by_their_names)
{
	fake_root_write(root, STATS,
			"entries  searched found new invalid ignore delete delete_list insert "
			"insert_failed drop early_drop icmp_error  expect_new expect_create "
			"expect_delete\n1 2 3 4 5 6 7 8 9 a b c d  e f 10\n");
	start();
	cr_assert_eq(plugin_run_take(&run), 0);

	cr_expect_eq(run.batch.n_samples, 8, "no search_restart before Linux 2.6.38");
	cr_expect(plugin_run_value(&run, "node_nf_conntrack_entries") == 1);
	cr_expect(plugin_run_value(&run, STAT("found")) == 3);
	cr_expect(plugin_run_value(&run, STAT("early_drop")) == 12);
}

/* Each CPU's line tells it, so it is no sum; what is wrong there is in a file of its own. */
Test(conntrack, takes_the_number_of_entries_from_where_it_is)
{
	fake_root_write(root, "/proc/sys/net/netfilter/nf_conntrack_count", "7\n");
	fake_root_write(root, STATS, "found entries\n1 0000000a\n2 0000000a\n");
	start();
	cr_assert_eq(plugin_run_take(&run), 0);
	cr_expect(plugin_run_value(&run, "node_nf_conntrack_entries") == 10);

	fake_root_write(root, STATS, "found entries\n1 0000000a\n2\n");
	cr_assert_eq(plugin_run_take(&run), 0);
	cr_expect(plugin_run_value(&run, "node_nf_conntrack_entries") == 7);

	fake_root_write(root, STATS, "found\n1\n");
	cr_assert_eq(plugin_run_take(&run), 0);
	cr_expect(plugin_run_value(&run, "node_nf_conntrack_entries") == 7);
	cr_expect_eq(run.batch.n_samples, 2);
}

Test(conntrack, reports_no_sum_that_lacks_a_part)
{
	fake_root_write(root, STATS, "found drop found invalid\n1 2 3 4\n10 x 30\n");
	start();
	cr_assert_eq(plugin_run_take(&run), 0);

	cr_expect_eq(run.batch.n_samples, 3);
	cr_expect(plugin_run_value(&run, STAT("found")) == 17);
	cr_expect_eq(plugin_run_error(&run, STAT("drop")), -EINVAL);
	cr_expect_eq(plugin_run_error(&run, STAT("invalid")), -ENODATA);
}

Test(conntrack, loses_only_the_file_that_cannot_be_read)
{
	fake_root_write(root, "/proc/sys/net/netfilter/nf_conntrack_count", "7\n");
	fake_root_write(root, STATS "/file", "");
	start();
	cr_assert_eq(plugin_run_take(&run), 0);

	cr_expect(plugin_run_value(&run, "node_nf_conntrack_entries") == 7);
	cr_expect_eq(plugin_run_error(&run, STAT("found")), -EISDIR);
}

Test(conntrack, says_the_same_twice_and_reads_again_each_round)
{
	fake_root_write(root, STATS, "found\n1\n");
	start();
	cr_assert_eq(plugin_run_take(&run), 0);
	cr_assert_eq(plugin_run_take(&run), 0);
	cr_expect(plugin_run_value(&run, STAT("found")) == 1);

	fake_root_write(root, STATS, "found\n2\n");
	cr_assert_eq(plugin_run_take(&run), 0);
	cr_expect(plugin_run_value(&run, STAT("found")) == 2);
}

Test(conntrack, says_enodata_when_no_cpu_has_a_line)
{
	fake_root_write(root, STATS, "found\n");
	start();

	cr_expect_eq(plugin_run_take(&run), -ENODATA);
}

Test(conntrack, says_enodev_on_a_host_without_the_module)
{
	cr_expect_eq(plugin_run_start(&run, &conntrack_plugin, "tests/fixtures/empty"), -ENODEV);
}
