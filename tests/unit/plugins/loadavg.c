/* SPDX-License-Identifier: MIT */
/* Tests of plugins/loadavg.c. */

#include <criterion/criterion.h>
#include <errno.h>

#include "tests/support/fake_root.h"
#include "tests/support/plugin_run.h"
#include "tests/support/scratch.h"

extern const struct hm_plugin loadavg_plugin;

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

TestSuite(loadavg, .init = setup, .fini = teardown);

Test(loadavg, reports_the_three_loads)
{
	cr_assert_eq(plugin_run_start(&run, &loadavg_plugin, "tests/fixtures/laptop"), 0);
	cr_assert_eq(plugin_run_take(&run), 0);

	cr_expect_eq(run.batch.n_samples, 3);
	cr_expect(plugin_run_value(&run, "node_load1") == 0.71);
	cr_expect(plugin_run_value(&run, "node_load5") == 0.58);
	cr_expect(plugin_run_value(&run, "node_load15") == 0.49);
}

Test(loadavg, reads_again_each_round)
{
	fake_root_write(root, "/proc/loadavg", "0.20 0.18 0.12 1/80 11206\n");
	cr_assert_eq(plugin_run_start(&run, &loadavg_plugin, root), 0);
	cr_assert_eq(plugin_run_take(&run), 0);
	fake_root_write(root, "/proc/loadavg", "9.5 0.18 0.12 1/80 11206\n");
	cr_assert_eq(plugin_run_take(&run), 0);

	cr_expect(plugin_run_value(&run, "node_load1") == 9.5);
}

Test(loadavg, says_enodev_on_a_host_without_the_file)
{
	cr_expect_eq(plugin_run_start(&run, &loadavg_plugin, "tests/fixtures/empty"), -ENODEV);
}

Test(loadavg, gives_a_reason_and_no_value_for_each_wrong_number)
{
	cr_assert_eq(plugin_run_start(&run, &loadavg_plugin, "tests/fixtures/wrong_numbers"), 0);
	cr_assert_eq(plugin_run_take(&run), 0);

	cr_expect(plugin_run_value(&run, "node_load1") == -1.5);
	cr_expect_eq(plugin_run_error(&run, "node_load5"), -ERANGE);
	cr_expect_eq(plugin_run_error(&run, "node_load15"), -EINVAL);
}

Test(loadavg, gives_no_value_of_a_line_that_means_nothing)
{
	static const char *const fixtures[] = {"tests/fixtures/garbage",
					       "tests/fixtures/long_line"};

	for (size_t i = 0; i < 2; i++) {
		cr_assert_eq(plugin_run_start(&run, &loadavg_plugin, fixtures[i]), 0);
		cr_expect_eq(plugin_run_take(&run), -ENODATA);
		cr_expect_eq(fake_batch_n_values(&run.batch), 0);
		cr_expect_eq(plugin_run_error(&run, "node_load1"), -EINVAL);
	}
}

Test(loadavg, says_enodata_when_the_file_is_empty)
{
	cr_assert_eq(plugin_run_start(&run, &loadavg_plugin, "tests/fixtures/blank"), 0);

	cr_expect_eq(plugin_run_take(&run), -ENODATA);
	cr_expect_eq(fake_batch_n_values(&run.batch), 0);
}

Test(loadavg, tells_of_a_load_that_is_not_there)
{
	fake_root_write(root, "/proc/loadavg", "0.20\n0.18 0.12\n");
	cr_assert_eq(plugin_run_start(&run, &loadavg_plugin, root), 0);
	cr_expect_eq(plugin_run_take(&run), 0);

	cr_expect(plugin_run_value(&run, "node_load1") == 0.2);
	cr_expect_eq(plugin_run_error(&run, "node_load5"), -ENODATA);
	cr_expect_eq(plugin_run_error(&run, "node_load15"), -ENODATA);
}

Test(loadavg, says_why_the_file_cannot_be_read)
{
	fake_root_write(root, "/proc/loadavg/file", "");
	cr_assert_eq(plugin_run_start(&run, &loadavg_plugin, root), 0);

	cr_expect_eq(plugin_run_take(&run), -EISDIR);
	cr_expect_eq(run.batch.n_samples, 0);
}

Test(loadavg, reads_the_running_system)
{
	cr_assert_eq(plugin_run_start(&run, &loadavg_plugin, ""), 0);
	cr_assert_eq(plugin_run_take(&run), 0);

	cr_expect_eq(fake_batch_n_values(&run.batch), 3);
	cr_expect(plugin_run_value(&run, "node_load1") >= 0);
}
