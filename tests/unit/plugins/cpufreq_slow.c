/* SPDX-License-Identifier: MIT */
/*
 * Tests of plugins/cpufreq.c on a machine where scaling_cur_freq takes 20 ms, as on Linux 4.14 to 5.17 (aperfmperf sleeps
 * between two looks at the counters). Here the clock goes on by that much when such a file is read.
 */

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "tests/support/fake_root.h"
#include "tests/support/plugin_run.h"
#include "tests/support/scratch.h"

#define SLOW_MS 20
#define N_CPUS  64

extern const struct hm_plugin cpufreq_plugin;

static struct plugin_run run;
static const char *root;
static long spent_ms; /* by slow files, since the start of the test */

static bool is_slow(int fd)
{
	char link[32];
	char path[512];
	ssize_t length;

	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	length = readlink(link, path, sizeof(path) - 1);
	path[length > 0 ? length : 0] = '\0';
	return strstr(path, "/scaling_cur_freq") != NULL;
}

/* In place of the C library's. */
ssize_t pread(int fd, void *buffer, size_t n_bytes, off_t offset)
{
	if (is_slow(fd))
		spent_ms += SLOW_MS;
	return syscall(SYS_pread64, fd, buffer, n_bytes, offset);
}

int clock_gettime(clockid_t clock, struct timespec *now)
{
	int result = (int)syscall(SYS_clock_gettime, clock, now);

	now->tv_sec += spent_ms / 1000;
	now->tv_nsec += spent_ms % 1000 * 1000000;
	if (now->tv_nsec >= 1000000000) {
		now->tv_nsec -= 1000000000;
		now->tv_sec++;
	}
	return result;
}

static void write_frequency(int cpu, const char *file, int khz)
{
	char path[128];
	char text[16];

	(void)snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%d/cpufreq/%s", cpu, file);
	(void)snprintf(text, sizeof(text), "%d\n", khz);
	fake_root_write(root, path, text);
}

static void setup(void)
{
	root = scratch_folder();
	for (int cpu = 0; cpu < N_CPUS; cpu++) {
		write_frequency(cpu, "scaling_cur_freq", 1000);
		write_frequency(cpu, "scaling_max_freq", 3000);
	}
	cr_assert_eq(plugin_run_start(&run, &cpufreq_plugin, root), 0);
}

static void teardown(void)
{
	plugin_run_stop(&run);
	scratch_remove(root);
}

TestSuite(cpufreq_slow, .init = setup, .fini = teardown);

/* @return how many CPUs have this frequency */
static size_t count(double hertz)
{
	size_t n_found = 0;

	for (size_t i = 0; i < run.batch.n_samples; i++)
		n_found += run.batch.samples[i].value == hertz;
	return n_found;
}

/* A round that is safe. @return what it took */
static long take_ms(void)
{
	long before_ms = spent_ms;

	cr_assert_eq(plugin_run_take(&run), 0);
	plugin_run_cleanup(&run);
	return spent_ms - before_ms;
}

Test(cpufreq_slow, is_known_of_all_cpus_after_some_rounds)
{
	size_t n_rounds = 0;

	for (; count(1000 * 1000.0) < N_CPUS && n_rounds < N_CPUS; n_rounds++)
		cr_expect_leq(take_ms(), 200 + SLOW_MS, "a hundred times the budget of 2 ms");
	cr_expect_leq(n_rounds, N_CPUS * SLOW_MS / 200 + 1);
	cr_expect_eq(count(3000 * 1000.0), N_CPUS);
}

Test(cpufreq_slow, takes_the_time_of_one_cpu_a_round_and_is_a_turn_old_at_most)
{
	while (count(1000 * 1000.0) < N_CPUS)
		(void)take_ms();
	for (int cpu = 0; cpu < N_CPUS; cpu++)
		write_frequency(cpu, "scaling_cur_freq", 2000);

	for (int i = 0; i <= N_CPUS; i++) {
		cr_expect_leq(take_ms(), SLOW_MS);
		cr_expect_eq(count(1000 * 1000.0) + count(2000 * 1000.0), N_CPUS, "none is lost");
	}
	cr_expect_eq(count(2000 * 1000.0), N_CPUS);
}
