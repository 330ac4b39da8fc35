/* SPDX-License-Identifier: MIT */
/*
 * Tests of plugins/schedstat.c. linux_6_18 has version 17 as the kernel prints it, the short texts versions 15 and older.
 */

#include <criterion/criterion.h>
#include <errno.h>

#include "tests/support/fake_root.h"
#include "tests/support/plugin_run.h"
#include "tests/support/scratch.h"

extern const struct hm_plugin schedstat_plugin;

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

TestSuite(schedstat, .init = setup, .fini = teardown);

#define RUNNING(cpu) "node_schedstat_running_seconds_total{cpu=\"" cpu "\"}"
#define WAITING(cpu) "node_schedstat_waiting_seconds_total{cpu=\"" cpu "\"}"
#define TURNS(cpu)   "node_schedstat_timeslices_total{cpu=\"" cpu "\"}"

static int take(const char *text)
{
	fake_root_write(root, "/proc/schedstat", text);
	cr_assert_eq(plugin_run_start(&run, &schedstat_plugin, root), 0);
	return plugin_run_take(&run);
}

Test(schedstat, reports_seconds_and_turns_of_each_cpu)
{
	cr_assert_eq(plugin_run_start(&run, &schedstat_plugin, "tests/fixtures/linux_6_18"), 0);
	cr_assert_eq(plugin_run_take(&run), 0);

	cr_expect_eq(run.batch.n_samples, 6);
	cr_expect(plugin_run_value(&run, RUNNING("0")) == 52390448271907.0 / 1e9);
	cr_expect(plugin_run_value(&run, WAITING("0")) == 9061124871443.0 / 1e9);
	cr_expect(plugin_run_value(&run, TURNS("1")) == 88120417);
}

Test(schedstat, gives_a_reason_and_no_value_for_each_wrong_number)
{
	cr_assert_eq(take("cpu0 1 0 2 3 4 5 x 1500000000 7 8\ncpu1 1 2\n"), 0);

	cr_expect_eq(plugin_run_error(&run, RUNNING("0")), -EINVAL);
	cr_expect(plugin_run_value(&run, WAITING("0")) == 1.5);
	cr_expect(plugin_run_value(&run, TURNS("0")) == 7);
	cr_expect_eq(plugin_run_error(&run, TURNS("1")), -ENODATA);
}

Test(schedstat, passes_over_what_is_no_cpu_and_cpus_that_come_again)
{
	cr_assert_eq(
		take("version 15\n\ncpu 0 0 0 0 0 0 1 1 1\ncpux 0 0 0 0 0 0 1 1 1\n"
		     "cpu-1 0 0 0 0 0 0 1 1 1\ncpu99999999999999999999 0 0 0 0 0 0 1 1 1\n"
		     "cpu2 0 0 0 0 0 0 1 1 3\ncpu2 0 0 0 0 0 0 1 1 4\ncpu02 0 0 0 0 0 0 1 1 5\n"
		     "domain0 0 0 0 0 0 0 1 1 1\ncpu10 0 0 0 0 0 0 1 1 6"),
		0);

	cr_expect_eq(run.batch.n_samples, 6);
	cr_expect(plugin_run_value(&run, TURNS("2")) == 3);
	cr_expect(plugin_run_value(&run, TURNS("10")) == 6);
}

Test(schedstat, says_the_same_twice_and_reads_again_each_round)
{
	cr_assert_eq(take("cpu0 0 0 0 0 0 0 1 1 1\n"), 0);
	cr_assert_eq(plugin_run_take(&run), 0);
	cr_expect(plugin_run_value(&run, TURNS("0")) == 1);

	fake_root_write(root, "/proc/schedstat", "cpu0 0 0 0 0 0 0 1 1 2\n");
	cr_assert_eq(plugin_run_take(&run), 0);
	cr_expect(plugin_run_value(&run, TURNS("0")) == 2);
}

Test(schedstat, says_enodata_without_a_cpu_and_enodev_without_the_file)
{
	cr_expect_eq(take("version 15\ntimestamp 1\n"), -ENODATA);
	cr_expect_eq(plugin_run_start(&run, &schedstat_plugin, "tests/fixtures/empty"), -ENODEV);
}
