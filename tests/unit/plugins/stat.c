/* SPDX-License-Identifier: MIT */
/*
 * Tests of plugins/stat.c. The fixtures' /proc/stat are as Linux prints it; linux_6_18 is a virtual machine's.
 */

#include <criterion/criterion.h>
#include <errno.h>

#include "tests/support/fake_root.h"
#include "tests/support/plugin_run.h"
#include "tests/support/scratch.h"

extern const struct hm_plugin stat_plugin;

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

TestSuite(stat, .init = setup, .fini = teardown);

static void take(const char *text)
{
	fake_root_write(root, "/proc/stat", text);
	cr_assert_eq(plugin_run_start(&run, &stat_plugin, root), 0);
	cr_assert_eq(plugin_run_take(&run), 0);
}

Test(stat, reports_what_the_kernel_counted)
{
	cr_assert_eq(plugin_run_start(&run, &stat_plugin, "tests/fixtures/linux_6_18"), 0);
	cr_assert_eq(plugin_run_take(&run), 0);

	cr_expect_eq(run.batch.n_samples, 6);
	cr_expect(plugin_run_value(&run, "node_intr_total") == 37174659);
	cr_expect(plugin_run_value(&run, "node_context_switches_total") == 112413340);
	cr_expect(plugin_run_value(&run, "node_boot_time_seconds") == 1795939431);
	cr_expect(plugin_run_value(&run, "node_forks_total") == 1633005);
	cr_expect(plugin_run_value(&run, "node_procs_running") == 19);
	cr_expect(plugin_run_value(&run, "node_procs_blocked") == 2);
}

Test(stat, reports_no_line_that_an_old_kernel_does_not_have)
{
	take("cpu 1 2 3 4\nctxt 5\nbtime 6\nprocesses 7\n");

	cr_expect_eq(run.batch.n_samples, 3);
	cr_expect_not(plugin_run_has(&run, "node_procs_running"));
}

Test(stat, gives_a_reason_and_no_value_for_each_wrong_number)
{
	take("intr \nctxt five\nbtime nan\nprocesses 7\nprocesses 8\nprocs_running 1e999\n");

	cr_expect_eq(plugin_run_error(&run, "node_intr_total"), -ENODATA);
	cr_expect_eq(plugin_run_error(&run, "node_context_switches_total"), -EINVAL);
	cr_expect_eq(plugin_run_error(&run, "node_boot_time_seconds"), -EINVAL);
	cr_expect(plugin_run_value(&run, "node_forks_total") == 7);
	cr_expect_eq(plugin_run_error(&run, "node_procs_running"), -ERANGE);
	cr_expect_eq(plugin_run_error(&run, "node_procs_blocked"), -ENOENT);
}

Test(stat, reads_again_each_round)
{
	take("ctxt 5\n");
	cr_assert_eq(plugin_run_take(&run), 0);
	cr_expect(plugin_run_value(&run, "node_context_switches_total") == 5);

	fake_root_write(root, "/proc/stat", "ctxt 6\n");
	cr_assert_eq(plugin_run_take(&run), 0);
	cr_expect(plugin_run_value(&run, "node_context_switches_total") == 6);
}

Test(stat, says_enodata_when_there_is_nothing)
{
	cr_assert_eq(plugin_run_start(&run, &stat_plugin, "tests/fixtures/blank"), 0);

	cr_expect_eq(plugin_run_take(&run), -ENODATA);
}

Test(stat, says_enodev_on_a_host_without_the_file)
{
	cr_expect_eq(plugin_run_start(&run, &stat_plugin, "tests/fixtures/empty"), -ENODEV);
}
