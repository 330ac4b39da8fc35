/* SPDX-License-Identifier: MIT */
/* Tests of holes for which the clock of the host is the reason, or its sleep. */

#include <criterion/criterion.h>

#include "tests/support/story.h"

static struct story story;

static void setup(void)
{
	story_init(&story);
}

static void teardown(void)
{
	story_done(&story);
}

TestSuite(why_clock, .init = setup, .fini = teardown);

Test(why_clock, times_that_a_clock_goes_through_twice_make_none)
{
	story_start(&story, STORY_BOOT, 0, 5);
	story_schedule(&story, 0, 10);
	story_clock(&story, HM_CLOCK_STEPPED, STORY_BOOT, 12, 30, -20);
	STORY_EXPECT(&story, "10 12 20 22 30", 40, "");
}

Test(why_clock, a_host_that_slept)
{
	story_start(&story, STORY_BOOT, 5, 5);
	story_schedule(&story, 5, 10);
	story_clock(&story, HM_CLOCK_RESUMED, STORY_BOOT, 460, 460, 270);
	STORY_EXPECT(&story, "180 190 460 470", 480, "190-460 host_slept");
}

Test(why_clock, a_clock_that_was_set_forward)
{
	story_start(&story, STORY_BOOT, 5, 5);
	story_schedule(&story, 5, 10);
	story_clock(&story, HM_CLOCK_STEPPED, STORY_BOOT, 3625, 25, 3600);
	STORY_EXPECT(&story, "10 20 3630 3640", 3650, "20-3630 clock_stepped");
}

static void tell_of_an_hour_forward_and_back(void)
{
	story_start(&story, STORY_BOOT, 5, 5);
	story_schedule(&story, 5, 10);
	story_clock_received(&story, HM_CLOCK_STEPPED, 4625, 1025, 3600, 1025);
	story_clock_received(&story, HM_CLOCK_RESUMED, 5230, 1630, 600, 1630);
	story_clock(&story, HM_CLOCK_STEPPED, STORY_BOOT, 1645, 1645, -3600);
	story.why.ask.since_us = 1000 * STORY_SECOND_US;
}

Test(why_clock, a_clock_that_was_set_forward_and_back_again)
{
	tell_of_an_hour_forward_and_back();
	story_clock(&story, HM_CLOCK_RESUMED, STORY_BOOT, 1900, 1900, 230);
	STORY_EXPECT(&story, "1000 1010 1020 1650 1660 1670 1900 4630 5230 5240", 1910,
		     "1020-1650 clock_stepped; 1670-1900 host_slept");
}

/* They are sampled once more: the reasons are those of then. */
Test(why_clock, times_that_a_clock_was_set_forward_over_before_it_was_set_back)
{
	tell_of_an_hour_forward_and_back();
	story.why.ask.since_us = 3000 * STORY_SECOND_US;
	story_clock(&story, HM_CLOCK_RESUMED, STORY_BOOT, 3500, 3500, 320);
	story_stop(&story, STORY_BOOT, 4652, 4652);
	story_start(&story, STORY_BOOT, 4785, 4785);
	STORY_EXPECT(&story, "3170 3180 3500 4630 4640 4650 4790 4800 5230 5240", 4810,
		     "3180-3500 host_slept; 3500-4630 unknown; 4650-4790 agent_stopped");
}

Test(why_clock, what_a_clock_sampled_that_was_ahead_is_no_end_of_a_hole)
{
	tell_of_an_hour_forward_and_back();
	STORY_EXPECT(&story, "1000 1010 1020 1650 1660 4630 F4640 5230 5240", 3000,
		     "1020-1650 clock_stepped; 1660- no_contact");
}

Test(why_clock, what_a_clock_sampled_that_was_ahead_alone_makes_none)
{
	tell_of_an_hour_forward_and_back();
	STORY_EXPECT(&story, "4630 5230 5240", 3000, "");
}

Test(why_clock, a_clock_that_was_set_back_to_what_it_had_been_through)
{
	story_start(&story, STORY_BOOT, 5, 5);
	story_schedule(&story, 5, 10);
	story_clock(&story, HM_CLOCK_RESUMED, STORY_BOOT, 1000, 1000, 800);
	story_clock(&story, HM_CLOCK_STEPPED, STORY_BOOT, 505, 1005, -500);
	story_clock(&story, HM_CLOCK_STEPPED, STORY_BOOT, 1065, 1065, 500);
	story_stop(&story, STORY_BOOT, 1082, 1082);
	story_start(&story, STORY_BOOT, 1185, 1185);
	story.why.ask.since_us = 190 * STORY_SECOND_US;
	STORY_EXPECT(&story, "190 200 510 520 530 540 550 560 1000 1070 1080 1190", 1195,
		     "200-510 host_slept; 560-1000 host_slept; 1000-1070 clock_stepped; "
		     "1080-1190 agent_stopped");
}

Test(why_clock, a_clock_that_was_set_back_to_before_all_that_is_known)
{
	story_start(&story, STORY_BOOT, 10005, 5);
	story_schedule(&story, 10005, 10);
	story_clock(&story, HM_CLOCK_STEPPED, STORY_BOOT, 5025, 25, -5000);
	STORY_EXPECT(&story, "5030 5040 5050 10010 10020", 10065, "5050-10010 clock_stepped");
}

Test(why_clock, a_clock_that_was_set_back_to_before_all_that_is_known_after_a_while)
{
	story_start(&story, STORY_BOOT, 10005, 5);
	story_schedule(&story, 10005, 10);
	story_clock(&story, HM_CLOCK_STEPPED, STORY_BOOT, 5925, 925, -5000);
	STORY_EXPECT(&story, "5930 5940 5950 10010 10020", 10065, "5950-10010 clock_stepped");
}

Test(why_clock, a_clock_that_was_set_back_to_before_all_that_is_known_and_forward_again)
{
	story_start(&story, STORY_BOOT, 10005, 5);
	story_schedule(&story, 10005, 10);
	story_clock(&story, HM_CLOCK_STEPPED, STORY_BOOT, 5025, 25, -5000);
	story_clock(&story, HM_CLOCK_STEPPED, STORY_BOOT, 10055, 55, 5000);
	STORY_EXPECT(&story, "5030 5040 5050 10010 10020 10060", 10065,
		     "5050-10010 clock_stepped; 10020-10060 clock_stepped");
}

/* Between what it was set by a second is lost: it was a little ahead when the agent began. */
Test(why_clock, a_clock_that_was_set_back_and_not_quite_forward_again)
{
	story_start(&story, STORY_BOOT, 10005, 5);
	story_schedule(&story, 10005, 10);
	story_clock(&story, HM_CLOCK_STEPPED, STORY_BOOT, 5025, 25, -5000);
	story_clock(&story, HM_CLOCK_STEPPED, STORY_BOOT, 10054, 55, 4999);
	STORY_EXPECT(&story, "5030 5040 5050 10010 10020 10060", 10065,
		     "5050-10010 clock_stepped; 10020-10060 clock_stepped");
}

Test(why_clock, a_clock_that_was_set_back_and_forward_again)
{
	story.why.ask.until_us = INT64_MAX;
	story_schedule(&story, 1000000, 10);
	story_start(&story, STORY_BOOT, 1000005, 5);
	story_clock(&story, HM_CLOCK_RESUMED, STORY_BOOT, 1000210, 210, 140);
	story_clock(&story, HM_CLOCK_STEPPED, STORY_BOOT, 5, 1225, -1001220);
	story_clock(&story, HM_CLOCK_STEPPED, STORY_BOOT, 1001605, 1605, 1001220);
	STORY_EXPECT(&story, "1000060 1000210 1001220 1001610", 1001615,
		     "1000060-1000210 host_slept; 1000210-1001220 unknown; "
		     "1001220-1001610 clock_stepped");
}

Test(why_clock, a_clock_that_was_wrong_when_the_host_was_booted)
{
	story.why.ask.until_us = INT64_MAX;
	story_schedule(&story, 1000000, 10);
	story_start(&story, STORY_BOOT, 1000005, 5);
	story_clock(&story, HM_CLOCK_RESUMED, STORY_BOOT, 1000210, 210, 140);
	story_start(&story, STORY_OTHER_BOOT, 5, 3);
	story_clock(&story, HM_CLOCK_STEPPED, STORY_OTHER_BOOT, 1000500, 33, 1000465);
	STORY_EXPECT(&story, "1000010 1000050 1000060 1000210 1000220 1000510 1000520", 1000525,
		     "1000010-1000050 unknown; 1000060-1000210 host_slept; "
		     "1000220-1000470 host_rebooted; 1000470-1000510 clock_stepped");
}

Test(why_clock, a_clock_that_was_ahead_when_the_host_was_booted)
{
	story_schedule(&story, 5, 10);
	story_start(&story, STORY_BOOT, 5, 5);
	story_stop(&story, STORY_BOOT, 22, 22);
	story_start(&story, STORY_OTHER_BOOT, 7300, 30);
	story_clock(&story, HM_CLOCK_STEPPED, STORY_OTHER_BOOT, 105, 35, -7200);
	story_start(&story, STORY_OTHER_BOOT, 300, 230);
	STORY_EXPECT(&story, "10 20 110 120 300 310", 315,
		     "20-110 host_rebooted; 120-300 agent_killed");
}

Test(why_clock, a_schedule_that_a_clock_told_which_was_ahead)
{
	story_schedule(&story, 5, 60);
	story_start(&story, STORY_BOOT, 7300, 30);
	story_schedule(&story, 7300, 10);
	story_clock(&story, HM_CLOCK_STEPPED, STORY_BOOT, 105, 35, -7200);
	story_gap(&story, 130, 160, HM_REASON_SPOOL_FULL);
	STORY_EXPECT(&story, "110 120 170 180", 185, "120-170 spool_full");
}
