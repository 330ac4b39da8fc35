/* SPDX-License-Identifier: MIT */
/*
 * Tests of plugins/vmstat.c. linux_6_18 is a virtual machine's own /proc/vmstat.
 */

#include <criterion/criterion.h>
#include <errno.h>

#include "tests/support/fake_root.h"
#include "tests/support/plugin_run.h"
#include "tests/support/scratch.h"

extern const struct hm_plugin vmstat_plugin;

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

TestSuite(vmstat, .init = setup, .fini = teardown);

static void take(const char *text)
{
	fake_root_write(root, "/proc/vmstat", text);
	cr_assert_eq(plugin_run_start(&run, &vmstat_plugin, root), 0);
	cr_assert_eq(plugin_run_take(&run), 0);
}

Test(vmstat, reports_the_lines_of_paging_and_no_others)
{
	cr_assert_eq(plugin_run_start(&run, &vmstat_plugin, "tests/fixtures/linux_6_18"), 0);
	cr_assert_eq(plugin_run_take(&run), 0);

	cr_expect_eq(run.batch.n_samples, 7);
	cr_expect(plugin_run_value(&run, "node_vmstat_pgpgin") == 16702739);
	cr_expect(plugin_run_value(&run, "node_vmstat_pgfault") == 1427863051);
	cr_expect(plugin_run_value(&run, "node_vmstat_oom_kill") == 0);
}

Test(vmstat, gives_a_reason_and_no_value_for_each_wrong_number)
{
	take("pgpgin\npgpgout x\npswpin 1\npswpin 2\npswpout_zero 3\n\npgfault\t4\n% 5");

	cr_expect_eq(run.batch.n_samples, 4);
	cr_expect_eq(plugin_run_error(&run, "node_vmstat_pgpgin"), -ENODATA);
	cr_expect_eq(plugin_run_error(&run, "node_vmstat_pgpgout"), -EINVAL);
	cr_expect(plugin_run_value(&run, "node_vmstat_pswpin") == 1);
	cr_expect(plugin_run_value(&run, "node_vmstat_pgfault") == 4);
}

Test(vmstat, reads_again_each_round)
{
	take("pgfault 1\n");
	cr_assert_eq(plugin_run_take(&run), 0);
	cr_expect(plugin_run_value(&run, "node_vmstat_pgfault") == 1);

	fake_root_write(root, "/proc/vmstat", "pgfault 2\n");
	cr_assert_eq(plugin_run_take(&run), 0);
	cr_expect(plugin_run_value(&run, "node_vmstat_pgfault") == 2);
}

Test(vmstat, says_enodata_when_there_is_none_of_them)
{
	fake_root_write(root, "/proc/vmstat", "nr_free_pages 1\n");
	cr_assert_eq(plugin_run_start(&run, &vmstat_plugin, root), 0);

	cr_expect_eq(plugin_run_take(&run), -ENODATA);
}

Test(vmstat, says_enodev_on_a_host_without_the_file)
{
	cr_expect_eq(plugin_run_start(&run, &vmstat_plugin, "tests/fixtures/empty"), -ENODEV);
}
