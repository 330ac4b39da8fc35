/* SPDX-License-Identifier: MIT */
/*
 * Tests of plugins/softnet.c. linux_6_18 is a virtual machine's own file, the lines of older kernels have fewer columns.
 */

#include <criterion/criterion.h>
#include <errno.h>

#include "tests/support/fake_root.h"
#include "tests/support/plugin_run.h"
#include "tests/support/scratch.h"

extern const struct hm_plugin softnet_plugin;

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

TestSuite(softnet, .init = setup, .fini = teardown);

#define PROCESSED(cpu) "node_softnet_processed_total{cpu=\"" cpu "\"}"
#define COLLISION(cpu) "node_softnet_cpu_collision_total{cpu=\"" cpu "\"}"
#define DROPPED(cpu)   "node_softnet_dropped_total{cpu=\"" cpu "\"}"

static int take(const char *text)
{
	fake_root_write(root, "/proc/net/softnet_stat", text);
	cr_assert_eq(plugin_run_start(&run, &softnet_plugin, root), 0);
	return plugin_run_take(&run);
}

Test(softnet, reports_the_columns_of_each_cpu)
{
	cr_assert_eq(plugin_run_start(&run, &softnet_plugin, "tests/fixtures/linux_6_18"), 0);
	cr_assert_eq(plugin_run_take(&run), 0);

	cr_expect_eq(run.batch.n_samples, 14);
	cr_expect(plugin_run_value(&run, PROCESSED("0")) == 0x138a83a);
	cr_expect(plugin_run_value(&run, DROPPED("1")) == 0x374);
	cr_expect(plugin_run_value(&run, "node_softnet_times_squeezed_total{cpu=\"1\"}") == 6);
	cr_expect(plugin_run_value(&run, COLLISION("1")) == 2);
	cr_expect(plugin_run_value(&run, "node_softnet_received_rps_total{cpu=\"1\"}") == 17);
	cr_expect(plugin_run_value(&run, "node_softnet_flow_limit_count_total{cpu=\"1\"}") == 4);
	cr_expect(plugin_run_value(&run, "node_softnet_backlog_len{cpu=\"1\"}") == 1);
}

/* Linux 2.6.32 has 9 columns, 3.11 has 11. */
Test(softnet, reports_no_columns_that_an_old_kernel_does_not_have)
{
	cr_assert_eq(take("1 2 3 0 0 0 0 0 4\n5 6 7 0 0 0 0 0 8 9 a\n"), 0);

	cr_expect_eq(run.batch.n_samples, 4 + 6);
	cr_expect(plugin_run_value(&run, COLLISION("0")) == 4);
	cr_expect(plugin_run_value(&run, COLLISION("1")) == 8);
	cr_expect(plugin_run_value(&run, "node_softnet_flow_limit_count_total{cpu=\"1\"}") == 10);
}

Test(softnet, takes_the_number_of_a_cpu_from_its_line)
{
	cr_assert_eq(take("1 0 0 0 0 0 0 0 0 0 0 0 1\n2 0 0 0 0 0 0 0 0 0 0 0 0a\n"
			  "3 0 0 0 0 0 0 0 0 0 0 0 0a\n4 0 0 0 0 0 0 0 0 0 0 0 x\n"
			  "5 0 0 0 0 0 0 0 0 0 0 0 ffffffffffffffff\n"),
		     0);

	cr_expect_eq(run.batch.n_samples, 14);
	cr_expect(plugin_run_value(&run, PROCESSED("1")) == 1);
	cr_expect(plugin_run_value(&run, PROCESSED("10")) == 2);
}

Test(softnet, gives_a_reason_and_no_value_for_each_wrong_number)
{
	cr_assert_eq(take("g 10000000000000000 3\n\n"), 0);

	cr_expect_eq(run.batch.n_samples, 4);
	cr_expect_eq(plugin_run_error(&run, PROCESSED("0")), -EINVAL);
	cr_expect_eq(plugin_run_error(&run, DROPPED("0")), -ERANGE);
	cr_expect_eq(plugin_run_error(&run, COLLISION("0")), -ENODATA);
}

Test(softnet, says_the_same_twice_and_reads_again_each_round)
{
	cr_assert_eq(take("1 0 0 0 0 0 0 0 0\n"), 0);
	cr_assert_eq(plugin_run_take(&run), 0);
	cr_expect(plugin_run_value(&run, PROCESSED("0")) == 1);

	fake_root_write(root, "/proc/net/softnet_stat", "2 0 0 0 0 0 0 0 0\n");
	cr_assert_eq(plugin_run_take(&run), 0);
	cr_expect(plugin_run_value(&run, PROCESSED("0")) == 2);
}

Test(softnet, says_enodata_without_a_line_and_enodev_without_the_file)
{
	cr_expect_eq(take(""), -ENODATA);
	cr_expect_eq(plugin_run_start(&run, &softnet_plugin, "tests/fixtures/empty"), -ENODEV);
}
