/* SPDX-License-Identifier: MIT */
/* Tests of plugins/cpu.c. */

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tests/support/fake_root.h"
#include "tests/support/plugin_run.h"
#include "tests/support/scratch.h"

extern const struct hm_plugin cpu_plugin;

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

TestSuite(cpu, .init = setup, .fini = teardown);

#define SECONDS(cpu, mode) "node_cpu_seconds_total{cpu=\"" cpu "\",mode=\"" mode "\"}"
#define GUEST(cpu, mode)   "node_cpu_guest_seconds_total{cpu=\"" cpu "\",mode=\"" mode "\"}"
#define BUSY(cpu)          "node_cpu_utilization_ratio{cpu=\"" cpu "\"}"

/* What /proc/stat says from now on. */
static void set_stat(const char *text)
{
	fake_root_write(root, "/proc/stat", text);
}

static void start(void)
{
	cr_assert_eq(plugin_run_start(&run, &cpu_plugin, root), 0);
}

/* A round whose samples are safe. */
static void take_round(void)
{
	cr_assert_eq(plugin_run_take(&run), 0);
	plugin_run_cleanup(&run);
}

static void take_fixture(const char *fixture)
{
	cr_assert_eq(plugin_run_start(&run, &cpu_plugin, fixture), 0);
	cr_assert_eq(plugin_run_take(&run), 0);
}

Test(cpu, reports_the_seconds_of_each_mode)
{
	take_fixture("tests/fixtures/laptop");

	cr_expect(plugin_run_value(&run, SECONDS("0", "user")) == 3011.22);
	cr_expect(plugin_run_value(&run, SECONDS("0", "nice")) == 22.10);
	cr_expect(plugin_run_value(&run, SECONDS("0", "system")) == 1102.30);
	cr_expect(plugin_run_value(&run, SECONDS("0", "idle")) == 47001.20);
	cr_expect(plugin_run_value(&run, SECONDS("0", "iowait")) == 81.22);
	cr_expect(plugin_run_value(&run, SECONDS("0", "irq")) == 0);
	cr_expect(plugin_run_value(&run, SECONDS("0", "softirq")) == 301.10);
	cr_expect(plugin_run_value(&run, SECONDS("0", "steal")) == 0);
	cr_expect(plugin_run_value(&run, SECONDS("3", "user")) == 2672.44);
	cr_expect_eq(run.batch.n_samples, 40);
}

Test(cpu, reports_guests_apart_and_leaves_them_in_user)
{
	take_fixture("tests/fixtures/laptop");

	cr_expect(plugin_run_value(&run, GUEST("0", "user")) == 220.30);
	cr_expect(plugin_run_value(&run, GUEST("0", "nice")) == 0.80);
	cr_expect(plugin_run_value(&run, SECONDS("0", "user")) == 3011.22);
}

Test(cpu, reports_every_cpu_of_a_big_machine)
{
	take_fixture("tests/fixtures/big_machine");

	cr_expect_eq(run.batch.n_samples, 2880);
	cr_expect(plugin_run_has(&run, SECONDS("287", "steal")));
}

Test(cpu, has_no_utilization_in_the_first_round)
{
	take_fixture("tests/fixtures/laptop");

	cr_expect_not(plugin_run_has(&run, BUSY("0")));
	cr_expect_not(plugin_run_has(&run, BUSY("all")));
}

Test(cpu, reports_the_busy_share_since_the_last_round)
{
	set_stat("cpu  100 0 100 800 0 0 0 0 0 0\n"
		 "cpu0 100 0 100 800 0 0 0 0 0 0\n"
		 "cpu1 100 0 100 800 0 0 0 0 0 0\n");
	start();
	take_round();
	set_stat("cpu  125 0 100 950 25 0 0 0 0 0\n"
		 "cpu0 125 0 100 850 25 0 0 0 0 0\n"
		 "cpu1 100 0 100 900 0 0 0 0 0 0\n");
	take_round();

	cr_expect(plugin_run_value(&run, BUSY("0")) == 0.25);
	cr_expect(plugin_run_value(&run, BUSY("1")) == 0);
	cr_expect(plugin_run_value(&run, BUSY("all")) == 0.125);
}

Test(cpu, counts_every_mode_but_idle_and_iowait_as_busy)
{
	set_stat("cpu0 1 1 1 1 1 1 1 1 0 0\n");
	start();
	take_round();
	set_stat("cpu0 2 2 2 2 2 2 2 2 0 0\n");
	take_round();

	cr_expect(plugin_run_value(&run, BUSY("0")) == 0.75);
}

/* Guest time is in user already: counted again, this CPU would be 2/3 busy. */
Test(cpu, does_not_count_guests_twice)
{
	set_stat("cpu0 0 0 0 0 0 0 0 0 0 0\n");
	start();
	take_round();
	set_stat("cpu0 100 0 0 100 0 0 0 0 100 0\n");
	take_round();

	cr_expect(plugin_run_value(&run, BUSY("0")) == 0.5);
}

Test(cpu, says_the_same_twice_without_cleanup)
{
	set_stat("cpu0 100 0 0 100\n");
	start();
	take_round();
	set_stat("cpu0 130 0 0 110\n");

	cr_assert_eq(plugin_run_take(&run), 0);
	cr_expect(plugin_run_value(&run, BUSY("0")) == 0.75);
	cr_assert_eq(plugin_run_take(&run), 0);
	cr_expect(plugin_run_value(&run, BUSY("0")) == 0.75);
}

Test(cpu, measures_from_the_last_round_that_was_safe)
{
	set_stat("cpu0 100 0 0 100\n");
	start();
	take_round();
	set_stat("cpu0 200 0 0 100\n");
	cr_assert_eq(plugin_run_take(&run), 0);

	set_stat("cpu0 200 0 0 200\n");
	take_round();

	cr_expect(plugin_run_value(&run, BUSY("0")) == 0.5);
}

Test(cpu, has_no_utilization_when_no_time_has_passed)
{
	set_stat("cpu0 100 0 0 100\n");
	start();
	take_round();
	take_round();

	cr_expect_not(plugin_run_has(&run, BUSY("0")));
	cr_expect(plugin_run_has(&run, SECONDS("0", "user")));
}

/* The kernel moves time of a tickless CPU from iowait to idle. */
Test(cpu, is_not_misled_by_iowait_that_becomes_idle)
{
	set_stat("cpu0 100 0 0 100 50\n");
	start();
	take_round();
	set_stat("cpu0 150 0 0 170 30\n");
	take_round();

	cr_expect(plugin_run_value(&run, BUSY("0")) == 0.5);
	cr_expect(plugin_run_value(&run, SECONDS("0", "iowait")) == 0.5, "the last value is kept");
	cr_expect(plugin_run_value(&run, SECONDS("0", "idle")) == 1.7);
}

Test(cpu, keeps_a_counter_that_falls_until_it_has_grown_past)
{
	set_stat("cpu0 100 0 0 1000 0 0 0 0 50 0\n");
	start();
	take_round();
	set_stat("cpu0 99 0 0 701 0 0 0 0 40 0\n");
	take_round();

	cr_expect(plugin_run_value(&run, SECONDS("0", "user")) == 1.0);
	cr_expect(plugin_run_value(&run, SECONDS("0", "idle")) == 10.0);
	cr_expect(plugin_run_value(&run, GUEST("0", "user")) == 0.5);
	cr_expect_not(plugin_run_has(&run, BUSY("0")));

	set_stat("cpu0 101 0 0 1001 0 0 0 0 51 0\n");
	take_round();

	cr_expect(plugin_run_value(&run, SECONDS("0", "user")) == 1.01);
	cr_expect(plugin_run_value(&run, SECONDS("0", "idle")) == 10.01);
}

Test(cpu, has_no_utilization_when_one_part_fell_and_the_other_grew)
{
	set_stat("cpu0 100 0 0 100\n");
	start();
	take_round();
	set_stat("cpu0 90 0 0 200\n");
	take_round();
	cr_expect_not(plugin_run_has(&run, BUSY("0")));

	set_stat("cpu0 190 0 0 150\n");
	take_round();
	cr_expect_not(plugin_run_has(&run, BUSY("0")));
}

Test(cpu, does_not_take_a_wrong_idle_number_for_a_reset)
{
	set_stat("cpu0 100 0 0 1000\n");
	start();
	take_round();
	set_stat("cpu0 99 0 0 x\n");
	take_round();

	cr_expect(plugin_run_value(&run, SECONDS("0", "user")) == 1.0);
}

Test(cpu, takes_the_counters_as_they_are_when_idle_falls_far)
{
	set_stat("cpu0 100 0 0 1000\n");
	start();
	take_round();
	set_stat("cpu0 3 0 0 700\n");
	take_round();

	cr_expect(plugin_run_value(&run, SECONDS("0", "user")) == 0.03);
	cr_expect(plugin_run_value(&run, SECONDS("0", "idle")) == 7.0);
	cr_expect_not(plugin_run_has(&run, BUSY("0")));
}

Test(cpu, follows_cpus_that_go_and_come_back)
{
	set_stat("cpu0 100 0 0 100\ncpu1 100 0 0 100\n");
	start();
	take_round();

	set_stat("cpu0 110 0 0 110\n");
	take_round();
	cr_expect(plugin_run_has(&run, BUSY("0")));
	cr_expect_eq(plugin_run_error(&run, SECONDS("1", "user")), -ENOENT);
	cr_expect_eq(plugin_run_error(&run, BUSY("1")), -ENOENT);

	set_stat("cpu0 120 0 0 120\ncpu1 10 0 0 10\n");
	take_round();
	cr_expect(plugin_run_value(&run, SECONDS("1", "user")) == 0.1);
	cr_expect_not(plugin_run_has(&run, BUSY("1")), "its first round since");

	set_stat("cpu0 130 0 0 130\ncpu1 20 0 0 20\ncpu9 1 0 0 1\n");
	take_round();
	cr_expect(plugin_run_value(&run, BUSY("1")) == 0.5);
	cr_expect(plugin_run_value(&run, SECONDS("9", "user")) == 0.01);
}

Test(cpu, reports_no_series_of_an_unplugged_cpu)
{
	take_fixture("tests/fixtures/hot_unplugged_cpu");

	cr_expect_eq(run.batch.n_samples, 30);
	cr_expect_eq(plugin_run_error(&run, SECONDS("1", "user")), -ENOENT);
	cr_expect(plugin_run_has(&run, SECONDS("2", "user")));
}

Test(cpu, reports_no_modes_that_an_old_kernel_does_not_have)
{
	take_fixture("tests/fixtures/old_kernel");

	cr_expect_eq(run.batch.n_samples, 8);
	cr_expect(plugin_run_value(&run, SECONDS("1", "idle")) == 20.0);
	cr_expect_eq(plugin_run_error(&run, SECONDS("1", "iowait")), -ENOENT);
}

Test(cpu, gives_a_reason_and_no_value_for_each_wrong_number)
{
	take_fixture("tests/fixtures/wrong_numbers");

	cr_expect_eq(plugin_run_error(&run, SECONDS("0", "user")), -EINVAL);
	cr_expect_eq(plugin_run_error(&run, SECONDS("0", "nice")), -ERANGE);
	cr_expect_eq(plugin_run_error(&run, SECONDS("0", "system")), -EINVAL);
	cr_expect_eq(plugin_run_error(&run, SECONDS("0", "irq")), -EINVAL);
	cr_expect(plugin_run_value(&run, SECONDS("0", "softirq")) == 0.07);
	cr_expect(plugin_run_value(&run, GUEST("0", "nice")) == 0.1);
	cr_expect(plugin_run_value(&run, SECONDS("5", "idle")) == 4.0, "tabs separate words too");
	cr_expect(plugin_run_value(&run, SECONDS("7", "user")) == 0.07);
}

Test(cpu, takes_the_first_of_two_lines_of_a_cpu)
{
	take_fixture("tests/fixtures/wrong_numbers");

	cr_expect(plugin_run_value(&run, SECONDS("4", "user")) == 0.01);
	for (size_t i = 0; i < run.batch.n_samples; i++) {
		const struct fake_sample *sample = &run.batch.samples[i];

		cr_expect_eq(fake_batch_find(&run.batch, sample->series), sample, "%s twice",
			     sample->series);
	}
}

Test(cpu, believes_no_impossible_cpu_number)
{
	take_fixture("tests/fixtures/wrong_numbers");

	cr_expect_eq(plugin_run_error(&run, SECONDS("-1", "user")), -ENOENT);
	cr_expect_eq(plugin_run_error(&run, SECONDS("16384", "user")), -ENOENT);
	cr_expect_eq(plugin_run_error(&run, SECONDS("freq", "user")), -ENOENT);
}

/* A share of what is known only in part would be invented. */
Test(cpu, has_no_utilization_of_a_line_with_a_wrong_number)
{
	set_stat("cpu0 100 0 0 100 0 0 0 0\n");
	start();
	take_round();
	set_stat("cpu0 200 0 0 200 x 0 0 0\n");
	take_round();
	cr_expect_not(plugin_run_has(&run, BUSY("0")));

	set_stat("cpu0 300 0 0 300 0 0 0 0\n");
	take_round();
	cr_expect_not(plugin_run_has(&run, BUSY("0")), "the last round is not known");

	set_stat("cpu0 300 0 0 400 0 0 0 0\n");
	take_round();
	cr_expect(plugin_run_value(&run, BUSY("0")) == 0);
}

Test(cpu, has_no_utilization_of_a_line_without_an_idle_number)
{
	set_stat("cpu0 100 100\n");
	start();
	take_round();
	set_stat("cpu0 200 200\n");
	take_round();

	cr_expect_not(plugin_run_has(&run, BUSY("0")));
}

Test(cpu, keeps_utilization_between_0_and_1_for_the_largest_numbers)
{
	set_stat("cpu0 0 0 0 0 0 0 0 0 0 0\n");
	start();
	take_round();
	set_stat("cpu0 18446744073709551615 18446744073709551615 18446744073709551615 "
		 "18446744073709551615 18446744073709551615 18446744073709551615 "
		 "18446744073709551615 18446744073709551615 0 0\n");
	take_round();

	cr_expect(plugin_run_value(&run, BUSY("0")) == 0.75);
}

Test(cpu, reads_lines_of_64_kib)
{
	take_fixture("tests/fixtures/long_line");

	cr_expect(plugin_run_value(&run, SECONDS("1", "user")) == 2.0);
	cr_expect_eq(plugin_run_error(&run, SECONDS("2", "user")), -EINVAL);
}

Test(cpu, takes_what_is_right_among_garbage)
{
	take_fixture("tests/fixtures/garbage");

	cr_expect_eq(fake_batch_n_values(&run.batch), 4);
	cr_expect(plugin_run_value(&run, SECONDS("0", "idle")) == 0.04);
}

Test(cpu, says_enodev_on_a_host_without_the_file)
{
	cr_expect_eq(plugin_run_start(&run, &cpu_plugin, "tests/fixtures/empty"), -ENODEV);
}

Test(cpu, says_enodata_when_there_is_no_cpu_line)
{
	cr_assert_eq(plugin_run_start(&run, &cpu_plugin, "tests/fixtures/blank"), 0);

	cr_expect_eq(plugin_run_take(&run), -ENODATA);
	cr_expect_eq(run.batch.n_samples, 0);
}

Test(cpu, says_why_the_file_cannot_be_read)
{
	fake_root_write(root, "/proc/stat/file", "");
	start();

	cr_expect_eq(plugin_run_take(&run), -EISDIR);
	cr_expect_eq(run.batch.n_samples, 0);
}

Test(cpu, has_no_utilization_after_a_round_that_failed)
{
	set_stat("cpu0 100 0 0 100\n");
	start();
	take_round();
	set_stat("");
	cr_expect_eq(plugin_run_take(&run), -ENODATA);
	plugin_run_cleanup(&run);

	set_stat("cpu0 200 0 0 200\n");
	take_round();

	cr_expect_not(plugin_run_has(&run, BUSY("0")));
}

Test(cpu, reads_the_running_system)
{
	cr_assert_eq(plugin_run_start(&run, &cpu_plugin, ""), 0);
	take_round();

	cr_expect(plugin_run_value(&run, SECONDS("0", "user")) > 0);
}
