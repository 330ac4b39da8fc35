/* SPDX-License-Identifier: MIT */
/* Tests of plugins/timex.c, with adjtimex(2) answered by the test. */

#include <criterion/criterion.h>
#include <errno.h>
#include <sys/timex.h>

#include "tests/support/plugin_run.h"

extern const struct hm_plugin timex_plugin;

static struct plugin_run run;

/* What the system call says. */
static struct timex answer;
static int result;

/* Stands in for glibc's. */
int adjtimex(struct timex *timex)
{
	cr_assert_eq(timex->modes, 0, "it sets the clock");
	*timex = answer;
	if (result >= 0)
		return result;
	errno = -result;
	return -1;
}

static void teardown(void)
{
	plugin_run_stop(&run);
}

TestSuite(timex, .fini = teardown);

static void take(void)
{
	cr_assert_eq(plugin_run_start(&run, &timex_plugin, ""), 0);
	cr_assert_eq(plugin_run_take(&run), 0);
	cr_assert_eq(run.batch.n_samples, 17);
}

static double value(const char *series)
{
	return plugin_run_value(&run, series);
}

/* In the order of node_exporter's arithmetic, so that both are the same to the bit. */
Test(timex, converts_to_base_units)
{
	answer = (struct timex){.status = STA_PLL | STA_NANO,
				.offset = -123457,
				.freq = 1234567,
				.maxerror = 16123,
				.esterror = 77,
				.constant = 10,
				.tick = 10001,
				.ppsfreq = 65536,
				.jitter = 99,
				.shift = 4,
				.stabil = 3,
				.jitcnt = 5,
				.calcnt = 6,
				.errcnt = 7,
				.stbcnt = 8,
				.tai = 37};
	result = TIME_OK;
	take();

	cr_expect(value("node_timex_sync_status") == 1);
	cr_expect(value("node_timex_offset_seconds") == -123457.0 / 1e9);
	cr_expect(value("node_timex_frequency_adjustment_ratio") ==
		  1 + 1234567.0 / (1000000.0 * 65536.0));
	cr_expect(value("node_timex_maxerror_seconds") == 16123.0 / 1e6);
	cr_expect(value("node_timex_estimated_error_seconds") == 77.0 / 1e6);
	cr_expect(value("node_timex_status") == (STA_PLL | STA_NANO));
	cr_expect(value("node_timex_loop_time_constant") == 10);
	cr_expect(value("node_timex_tick_seconds") == 10001.0 / 1e6);
	cr_expect(value("node_timex_pps_frequency_hertz") == 1.0 / 1e6);
	cr_expect(value("node_timex_pps_jitter_seconds") == 99.0 / 1e9);
	cr_expect(value("node_timex_pps_shift_seconds") == 4);
	cr_expect(value("node_timex_pps_stability_hertz") == 3.0 / (1000000.0 * 65536.0));
	cr_expect(value("node_timex_pps_jitter_total") == 5);
	cr_expect(value("node_timex_pps_calibration_total") == 6);
	cr_expect(value("node_timex_pps_error_total") == 7);
	cr_expect(value("node_timex_pps_stability_exceeded_total") == 8);
	cr_expect(value("node_timex_tai_offset_seconds") == 37);
}

Test(timex, takes_microseconds_where_the_kernel_says_so)
{
	answer = (struct timex){.status = STA_UNSYNC, .offset = 5, .jitter = 6};
	result = TIME_ERROR;
	take();

	cr_expect(value("node_timex_sync_status") == 0);
	cr_expect(value("node_timex_offset_seconds") == 5.0 / 1e6);
	cr_expect(value("node_timex_pps_jitter_seconds") == 6.0 / 1e6);
}

/* As containers do, and systemd's ProtectClock=. */
Test(timex, is_absent_where_it_may_not_ask)
{
	result = -EPERM;

	cr_expect_eq(plugin_run_start(&run, &timex_plugin, ""), -ENOTSUP);
}

Test(timex, says_why_a_round_gave_nothing)
{
	result = TIME_OK;
	cr_assert_eq(plugin_run_start(&run, &timex_plugin, ""), 0);
	result = -EPERM;

	cr_expect_eq(plugin_run_take(&run), -EPERM);
	cr_expect_eq(run.batch.n_samples, 0);
}

Test(timex, says_enotsup_below_a_root)
{
	cr_expect_eq(plugin_run_start(&run, &timex_plugin, "tests/fixtures/laptop"), -ENOTSUP);
}
