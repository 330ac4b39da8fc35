/* SPDX-License-Identifier: MIT */
/* Tests of the list against which what a store says is checked. */

#include "tests/support/ledger.h"

#include <criterion/criterion.h>
#include <string.h>

static struct ledger ledger;

static void teardown(void)
{
	ledger_done(&ledger);
}

TestSuite(ledger, .fini = teardown);

/* Two durable samples and one that is not. */
static void give_three(void)
{
	ledger_give(&ledger, "h m", 10, 1);
	ledger_give(&ledger, "h m", 20, 2);
	ledger_confirm(&ledger, 2);
	ledger_give(&ledger, "h m", 30, 3);
}

static void read_to(int64_t last_us, enum ledger_reading reading)
{
	ledger_read_begin(&ledger);
	for (int64_t time_us = 10; time_us <= last_us; time_us += 10)
		ledger_read_row(&ledger, "h m", time_us, (double)time_us / 10);
	ledger_read_end(&ledger, reading);
}

Test(ledger, accepts_what_was_given_with_or_without_what_is_not_durable)
{
	give_three();

	read_to(30, LEDGER_LIVE);
	read_to(20, LEDGER_LIVE);
	read_to(30, LEDGER_RESTART);
	read_to(30, LEDGER_RESTART);
	cr_assert_str_eq(ledger.problem, "");
}

Test(ledger, misses_what_is_durable)
{
	give_three();

	read_to(10, LEDGER_RESTART);
	cr_assert(strstr(ledger.problem, "20 (sample 1 of 3), durable, is not read"));
}

Test(ledger, lets_nothing_come_back)
{
	give_three();

	read_to(20, LEDGER_RESTART);
	cr_assert_str_eq(ledger.problem, "");
	read_to(30, LEDGER_RESTART);
	cr_assert(strstr(ledger.problem, "come back"));
}

Test(ledger, loses_what_was_seen_by_a_power_cut_only)
{
	give_three();

	read_to(30, LEDGER_RESTART);
	ledger_lose_power(&ledger);
	read_to(20, LEDGER_RESTART);
	cr_assert_str_eq(ledger.problem, "");
}

Test(ledger, misses_what_was_seen_before)
{
	give_three();

	read_to(30, LEDGER_RESTART);
	read_to(20, LEDGER_RESTART);
	cr_assert(strstr(ledger.problem, "seen before"));
	cr_assert_eq(ledger_n_missing(&ledger), 0, "what is gone is told once");
}

Test(ledger, tells_what_is_read_twice)
{
	give_three();

	ledger_read_begin(&ledger);
	ledger_read_row(&ledger, "h m", 10, 1);
	ledger_read_row(&ledger, "h m", 10, 1);
	cr_assert(strstr(ledger.problem, "twice"));
}

Test(ledger, counts_equal_samples)
{
	ledger_give(&ledger, "h m", 10, 1);
	ledger_give(&ledger, "h m", 10, 1);
	ledger_confirm(&ledger, 2);

	ledger_read_begin(&ledger);
	ledger_read_row(&ledger, "h m", 10, 1);
	ledger_read_row(&ledger, "h m", 10, 1);
	ledger_read_end(&ledger, LEDGER_LIVE);
	cr_assert_str_eq(ledger.problem, "");
	read_to(10, LEDGER_LIVE);
	cr_assert(strstr(ledger.problem, "not read"));
}

Test(ledger, tells_what_was_invented_be_it_by_a_bit)
{
	ledger_give(&ledger, "h m", 10, 0.0);

	ledger_read_begin(&ledger);
	ledger_read_row(&ledger, "h m", 10, -0.0);
	cr_assert(strstr(ledger.problem, "never given"));
}

Test(ledger, tells_a_series_that_it_does_not_know)
{
	give_three();

	ledger_read_begin(&ledger);
	ledger_read_row(&ledger, "h other", 10, 1);
	cr_assert(strstr(ledger.problem, "h other"));
}

Test(ledger, tells_times_and_equal_times_out_of_order)
{
	give_three();
	ledger_give(&ledger, "h m", 30, 4);

	ledger_read_begin(&ledger);
	ledger_read_row(&ledger, "h m", 20, 2);
	ledger_read_row(&ledger, "h m", 30, 3);
	ledger_read_row(&ledger, "h m", 30, 4);
	cr_assert_str_eq(ledger.problem, "");
	ledger_read_begin(&ledger);
	ledger_read_row(&ledger, "h m", 30, 4);
	ledger_read_row(&ledger, "h m", 30, 3);
	cr_assert(strstr(ledger.problem, "sample 2 is read behind 3"));
}

Test(ledger, tells_times_that_go_back)
{
	give_three();

	ledger_read_begin(&ledger);
	ledger_read_row(&ledger, "h m", 20, 2);
	ledger_read_row(&ledger, "h m", 10, 1);
	cr_assert(strstr(ledger.problem, "10 is read behind 20"));
}

Test(ledger, forgives_a_damaged_disk_what_is_missing)
{
	give_three();

	read_to(10, LEDGER_DAMAGED);
	cr_assert_str_eq(ledger.problem, "");
	cr_assert_eq(ledger_n_missing(&ledger), 1);
}

Test(ledger, does_not_miss_what_may_have_been_refused)
{
	give_three();
	ledger_doubt(&ledger, 2);
	ledger_confirm(&ledger, 3);

	read_to(20, LEDGER_LIVE);
	read_to(30, LEDGER_LIVE);
	cr_assert_str_eq(ledger.problem, "");
}

Test(ledger, is_copied)
{
	struct ledger copy;

	give_three();
	ledger_copy(&copy, &ledger);
	ledger_give(&ledger, "h other", 40, 4);
	ledger_done(&ledger);
	ledger = copy;

	read_to(30, LEDGER_RESTART);
	cr_assert_str_eq(ledger.problem, "");
}
