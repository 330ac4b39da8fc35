/* SPDX-License-Identifier: MIT */
/*
 * Tests of plugins/cpufreq.c on tests/fixtures/board, which is written by hand as Linux 6.1 prints it
 * (Documentation/admin-guide/pm/cpufreq.rst), and below roots that the tests write.
 */

#include <stdio.h>
#include <unistd.h>

#include "tests/support/board_suite.h"

/* A budget that a busy machine does not exceed. */
BOARD_SUITE(cpufreq, "10000");

#define CPU(name, n)          "node_cpu_" name "{cpu=\"" n "\"}"
#define GOVERNOR(n, governor) "node_cpu_scaling_governor{cpu=\"" n "\",governor=\"" governor "\"}"

Test(cpufreq, reports_frequencies_in_hertz)
{
	take("tests/fixtures/board");

	cr_expect(VALUE(CPU("scaling_frequency_hertz", "0")) == 1699981000.0);
	cr_expect(VALUE(CPU("scaling_frequency_min_hertz", "0")) == 8e8);
	cr_expect(VALUE(CPU("scaling_frequency_max_hertz", "3")) == 3.7e9);
	cr_expect(VALUE(CPU("frequency_min_hertz", "0")) == 8e8);
	cr_expect(VALUE(CPU("frequency_max_hertz", "2")) == 4.2e9);
	cr_expect(VALUE(CPU("frequency_hertz", "4")) == 1197009000.0);
	cr_expect(VALUE(CPU("frequency_avg_hertz", "4")) == 1.1e9);
}

Test(cpufreq, says_nothing_of_files_that_a_driver_does_not_have_and_of_cpus_that_are_off)
{
	take("tests/fixtures/board");

	cr_expect_eq(plugin_run_error(&run, CPU("frequency_hertz", "0")), -ENOENT);
	cr_expect_eq(plugin_run_error(&run, CPU("scaling_frequency_hertz", "5")), -ENOENT);
	cr_expect_eq(run.batch.n_samples, 5 * 5 + 2 + 5 * 2);
}

Test(cpufreq, tells_the_governor_among_those_that_there_are)
{
	take("tests/fixtures/board");

	cr_expect(VALUE(GOVERNOR("0", "powersave")) == 1);
	cr_expect(VALUE(GOVERNOR("0", "performance")) == 0);
	cr_expect(VALUE(GOVERNOR("2", "performance")) == 1);
}

#define FOLDER "/sys/devices/system/cpu/cpu0/cpufreq"

Test(cpufreq, sees_another_governor_and_frequency)
{
	fake_root_write(root, FOLDER "/scaling_cur_freq", "800000\n");
	fake_root_write(root, FOLDER "/scaling_governor", "ondemand\n");
	fake_root_write(root, FOLDER "/scaling_available_governors", "ondemand userspace \n");
	take(root);
	cr_expect(VALUE(GOVERNOR("0", "ondemand")) == 1);
	plugin_run_cleanup(&run);
	fake_root_write(root, FOLDER "/scaling_cur_freq", "900000\n");
	fake_root_write(root, FOLDER "/scaling_governor", "userspace\n");
	cr_assert_eq(plugin_run_take(&run), 0);

	cr_expect(VALUE(CPU("scaling_frequency_hertz", "0")) == 9e8);
	cr_expect(VALUE(GOVERNOR("0", "ondemand")) == 0);
	cr_expect(VALUE(GOVERNOR("0", "userspace")) == 1);
}

Test(cpufreq, gives_a_reason_and_no_value_for_what_cannot_be_read)
{
	fake_root_write(root, FOLDER "/scaling_cur_freq", "<unknown>\n");
	fake_root_write(root, FOLDER "/scaling_max_freq/folder", "");
	fake_root_write(root, FOLDER "/scaling_min_freq", "800000\n");
	fake_root_write(root, FOLDER "/scaling_governor/folder", "");
	fake_root_write(root, FOLDER "/scaling_available_governors", "a%n a%n \xff\x1b a%n\n");
	take(root);

	cr_expect_eq(plugin_run_error(&run, CPU("scaling_frequency_hertz", "0")), -EINVAL);
	cr_expect_eq(plugin_run_error(&run, CPU("scaling_frequency_max_hertz", "0")), -EISDIR);
	cr_expect(VALUE(CPU("scaling_frequency_min_hertz", "0")) == 8e8);
	cr_expect_eq(plugin_run_error(&run, GOVERNOR("0", "a%n")), -EISDIR);
	cr_expect_eq(run.batch.n_samples, 5);
}

Test(cpufreq, tells_governors_where_no_frequency_can_be_read)
{
	fake_root_write(root, FOLDER "/cpuinfo_cur_freq/folder", "");
	fake_root_write(root, FOLDER "/scaling_governor", "performance\n");
	fake_root_write(root, FOLDER "/scaling_available_governors", "performance\n");
	take(root);

	cr_expect_eq(plugin_run_error(&run, CPU("frequency_hertz", "0")), -EISDIR);
	cr_expect(VALUE(GOVERNOR("0", "performance")) == 1);
}

#define N_CPUS 1000

/* Of which all have the files of the first. */
static void write_cpus(void)
{
	static const char *const files[] = {"cpuinfo_cur_freq", "cpuinfo_min_freq",
					    "cpuinfo_max_freq", "scaling_cur_freq",
					    "scaling_min_freq", "scaling_max_freq"};

	for (size_t i = 0; i < 6; i++) {
		char path[128];

		(void)snprintf(path, sizeof(path), FOLDER "/%s", files[i]);
		fake_root_write(root, path, "1000\n");
	}
	for (int i = 1; i < N_CPUS; i++) {
		char path[256];

		(void)snprintf(path, sizeof(path), "%s/sys/devices/system/cpu/cpu%d", root, i);
		cr_assert_eq(symlink("cpu0", path), 0);
	}
}

/* How many samples of the last round have this value. */
static size_t count(double value)
{
	size_t n_found = 0;

	for (size_t i = 0; i < run.batch.n_samples; i++)
		n_found += run.batch.samples[i].value == value;
	return n_found;
}

/*
 * A machine on which reading all CPUs takes longer than the budget of a round: here because it has that many, of which
 * the last ones are opened in each round. It need not be known which of them are slow.
 */
Test(cpufreq, takes_no_longer_than_its_budget_and_goes_on_in_the_next_round)
{
	write_cpus();
	option_values[0] = "1";
	take(root);
	plugin_run_cleanup(&run);
	fake_root_write(root, FOLDER "/scaling_cur_freq", "2000\n");
	for (int i = 0; i < 2; i++) {
		size_t n_new = count(2000 * 1000.0);

		cr_assert_eq(plugin_run_take(&run), 0);
		cr_expect_eq(run.batch.n_samples, 6 * (size_t)N_CPUS);
		cr_expect_gt(count(2000 * 1000.0), n_new);
		cr_expect_lt(count(2000 * 1000.0), N_CPUS);
		/* Until the round is safe it stays the same. */
		n_new = count(2000 * 1000.0);
		cr_assert_eq(plugin_run_take(&run), 0);
		cr_expect_eq(count(2000 * 1000.0), n_new);
		plugin_run_cleanup(&run);
	}
}
