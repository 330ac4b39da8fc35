/* SPDX-License-Identifier: MIT */
/*
 * Tests of plugins/pressure.c. Files as Documentation/accounting/psi.rst has them; irq is there with CONFIG_IRQ_TIME_ACCOUNTING.
 */

#include <criterion/criterion.h>
#include <errno.h>

#include "tests/support/fake_root.h"
#include "tests/support/plugin_run.h"
#include "tests/support/scratch.h"

extern const struct hm_plugin pressure_plugin;

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

TestSuite(pressure, .init = setup, .fini = teardown);

#define CPU    "node_pressure_cpu_waiting_seconds_total"
#define IO     "node_pressure_io_waiting_seconds_total"
#define IO_ALL "node_pressure_io_stalled_seconds_total"

Test(pressure, reports_seconds_of_every_resource)
{
	cr_assert_eq(plugin_run_start(&run, &pressure_plugin, "tests/fixtures/linux_6_18"), 0);
	cr_assert_eq(plugin_run_take(&run), 0);

	cr_expect_eq(run.batch.n_samples, 6);
	cr_expect(plugin_run_value(&run, CPU) == 11724141358.0 / 1000 / 1000);
	cr_expect(plugin_run_value(&run, IO) == 601898700.0 / 1000 / 1000);
	cr_expect(plugin_run_value(&run, IO_ALL) == 119515253.0 / 1000 / 1000);
	cr_expect(plugin_run_value(&run, "node_pressure_memory_waiting_seconds_total") ==
		  15.0 / 1000 / 1000);
	cr_expect(plugin_run_value(&run, "node_pressure_memory_stalled_seconds_total") ==
		  7.0 / 1e6);
	cr_expect(plugin_run_value(&run, "node_pressure_irq_stalled_seconds_total") ==
		  4012345.0 / 1000 / 1000);
}

/* Before Linux 5.13 the CPU has one line; before 6.1 there is no file irq. */
Test(pressure, reports_nothing_that_an_old_kernel_does_not_have)
{
	fake_root_write(root, "/proc/pressure/cpu", "some avg10=0.0 total=2000000\n");
	cr_assert_eq(plugin_run_start(&run, &pressure_plugin, root), 0);
	cr_assert_eq(plugin_run_take(&run), 0);

	cr_expect_eq(run.batch.n_samples, 1);
	cr_expect(plugin_run_value(&run, CPU) == 2);
}

Test(pressure, gives_a_reason_and_no_value_for_each_wrong_line)
{
	fake_root_write(root, "/proc/pressure/cpu", "some total=x\nsome total=1\n");
	fake_root_write(root, "/proc/pressure/io", "\nfull avg10=0.00\nsomething total=5\n");
	fake_root_write(root, "/proc/pressure/memory",
			"full total=\nsome\ttotal=3000000 total=4\n");
	cr_assert_eq(plugin_run_start(&run, &pressure_plugin, root), 0);
	cr_assert_eq(plugin_run_take(&run), 0);

	cr_expect_eq(plugin_run_error(&run, CPU), -EINVAL);
	cr_expect_eq(plugin_run_error(&run, IO), -ENODATA);
	cr_expect_eq(plugin_run_error(&run, IO_ALL), -ENODATA);
	cr_expect(plugin_run_value(&run, "node_pressure_memory_waiting_seconds_total") == 3);
	cr_expect_eq(plugin_run_error(&run, "node_pressure_memory_stalled_seconds_total"),
		     -ENODATA);
}

Test(pressure, loses_only_the_file_that_cannot_be_read)
{
	fake_root_write(root, "/proc/pressure/cpu", "some total=1000000\n");
	fake_root_write(root, "/proc/pressure/io/file", "");
	cr_assert_eq(plugin_run_start(&run, &pressure_plugin, root), 0);
	cr_assert_eq(plugin_run_take(&run), 0);

	cr_expect(plugin_run_value(&run, CPU) == 1);
	cr_expect_eq(plugin_run_error(&run, IO), -EISDIR);
	cr_expect_eq(plugin_run_error(&run, IO_ALL), -EISDIR);
}

Test(pressure, reads_again_each_round)
{
	fake_root_write(root, "/proc/pressure/cpu", "some total=1000000\n");
	cr_assert_eq(plugin_run_start(&run, &pressure_plugin, root), 0);
	fake_root_write(root, "/proc/pressure/cpu", "some total=2000000\n");
	cr_assert_eq(plugin_run_take(&run), 0);
	cr_expect(plugin_run_value(&run, CPU) == 2);
	cr_assert_eq(plugin_run_take(&run), 0);
	cr_expect(plugin_run_value(&run, CPU) == 2);
}

Test(pressure, says_enodata_when_there_is_nothing)
{
	fake_root_write(root, "/proc/pressure/cpu", "");
	cr_assert_eq(plugin_run_start(&run, &pressure_plugin, root), 0);

	cr_expect_eq(plugin_run_take(&run), -ENODATA);
}

Test(pressure, says_enodev_on_a_host_without_it)
{
	cr_expect_eq(plugin_run_start(&run, &pressure_plugin, "tests/fixtures/empty"), -ENODEV);
}
