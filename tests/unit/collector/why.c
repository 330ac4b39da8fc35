/* SPDX-License-Identifier: MIT */
/* Tests of which holes a series has: what was due is not there. */

#include "collector/why.h"

#include <criterion/criterion.h>
#include <errno.h>

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

TestSuite(why, .init = setup, .fini = teardown);

Test(why, samples_that_come_as_they_should_have_no_hole)
{
	story_start(&story, STORY_BOOT, 5, 5);
	story_schedule(&story, 5, 10);
	STORY_EXPECT(&story, "10 20 30 45 50", 60, "");
	cr_expect(why_has_interval(&story.why));
	cr_expect_eq(story.why.before_us, WHY_NO_TIME);
}

Test(why, what_no_schedule_ever_named_has_none)
{
	STORY_EXPECT(&story, "10 20 500 9000", 20000, "");
	cr_expect_not(why_has_interval(&story.why));
}

Test(why, what_is_not_named_by_any_schedule_has_none)
{
	story_schedule(&story, 0, 0);
	STORY_EXPECT(&story, "10 20 500 9000", 20000, "");
	cr_expect_not(why_has_interval(&story.why));
}

Test(why, before_the_first_sample_and_the_first_schedule_there_is_none)
{
	story_schedule(&story, 1000, 10);
	STORY_EXPECT(&story, "10 600 1000 1010", 1020, "");
}

Test(why, the_interval_is_that_of_its_time)
{
	story_schedule(&story, 0, 10);
	story_schedule(&story, 21, 60);
	STORY_EXPECT(&story, "10 20 60 120", 130, "");
}

Test(why, a_schedule_that_says_a_lower_interval_makes_a_hole_of_the_same_distance)
{
	story_schedule(&story, 0, 60);
	story_schedule(&story, 61, 10);
	STORY_EXPECT(&story, "60 120 130", 140, "60-120 unknown");
}

Test(why, a_schedule_of_the_future_holds_from_where_it_is_said_again)
{
	story_schedule(&story, 90000, 10);
	story_schedule(&story, 0, 10);
	STORY_EXPECT(&story, "10 20 200 210", 220, "20-200 unknown");
}

/* Of another epoch, that had to wait. */
Test(why, a_schedule_that_comes_late_holds_up_to_the_next_one_only)
{
	story_schedule(&story, 1000, 10);
	story_schedule(&story, 2000, 60);
	story_old_schedule(&story, 0, 300, 2100);
	STORY_EXPECT(&story, "0 300 600 900 1000 1010 1300 2000 2060 2120", 2130,
		     "1010-1300 unknown; 1300-2000 unknown");
}

Test(why, a_schedule_that_comes_late_and_says_the_same_does_not_hold_on)
{
	story_schedule(&story, 0, 10);
	story_schedule(&story, 1000, 10);
	story_old_schedule(&story, 500, 0, 1100);
	STORY_EXPECT(&story, "490 500 1000 1010 1100", 1110,
		     "500-1000 not_sampled; 1010-1100 unknown");
}

Test(why, a_clock_that_comes_late_does_not_begin_what_holds_since)
{
	story_schedule(&story, 1000, 10);
	story_schedule(&story, 2000, 60);
	story_clock_received(&story, HM_CLOCK_STEPPED, 500, 500, -100, 2100);
	STORY_EXPECT(&story, "1000 1010 1050 2000 2060", 2070,
		     "1010-1050 unknown; 1050-2000 unknown");
}

/* Told by a clock that was far ahead: it would hold some day. */
Test(why, a_schedule_of_a_clock_that_was_far_ahead_holds_since_it_came)
{
	story_old_schedule(&story, 90000, 60, 100);
	story_schedule(&story, 1000, 10);
	STORY_EXPECT(&story, "100 160 1000 90000 90010 90050", 90060,
		     "160-1000 unknown; 1000-90000 unknown; 90010-90050 unknown");
}

Test(why, what_may_still_be_on_its_way_is_none)
{
	story_schedule(&story, 0, 10);
	STORY_EXPECT(&story, "10 20", 200, "");
}

Test(why, a_metric_that_is_not_sampled)
{
	story_schedule(&story, 5, 10);
	story_schedule(&story, 22, 0);
	story_schedule(&story, 205, 10);
	STORY_EXPECT(&story, "10 20 210 220", 230, "20-210 not_sampled");
}

Test(why, a_metric_that_is_not_sampled_since)
{
	story_schedule(&story, 5, 10);
	story_schedule(&story, 22, 0);
	STORY_EXPECT(&story, "10 20", 40, "20- not_sampled");
}

Test(why, only_holes_that_are_asked_for_are_told_and_those_whole)
{
	story_schedule(&story, 5, 10);
	story_gap(&story, 30, 2000, HM_REASON_SPOOL_FULL);
	story.why.ask.since_us = story.why.ask.until_us = 300 * STORY_SECOND_US;
	STORY_EXPECT(&story, "20 100 120 400 410 500", 510, "120-400 spool_full");
	cr_expect_eq(story.why.before_us, 120 * STORY_SECOND_US);
	cr_expect_eq(story.why.behind_us, 400 * STORY_SECOND_US);
}

Test(why, at_a_time_that_has_a_sample_there_is_no_hole)
{
	story_schedule(&story, 5, 10);
	story_gap(&story, 30, 2000, HM_REASON_SPOOL_FULL);
	story.why.ask.since_us = story.why.ask.until_us = 120 * STORY_SECOND_US;
	STORY_EXPECT(&story, "20 120 400", 510, "");
	cr_expect_eq(story.why.before_us, 120 * STORY_SECOND_US);
}

Test(why, who_takes_the_holes_may_end_it)
{
	story_schedule(&story, 5, 10);
	story_ask(&story, "");
	story.hole_result = -ECANCELED;
	cr_assert_eq(why_add_sample(&story.why, 10 * STORY_SECOND_US), 0);
	cr_assert_eq(why_add_sample(&story.why, 100 * STORY_SECOND_US), -ECANCELED);
}

Test(why, times_at_the_ends_of_all_do_no_harm)
{
	story_schedule(&story, -9000000000000, 10);
	story_clock(&story, HM_CLOCK_RESUMED, STORY_BOOT, -9000000000000, 5, 9000000000000);
	story_clock(&story, HM_CLOCK_STEPPED, STORY_BOOT, 9000000000000, 6, 9000000000000);
	story_clock(&story, HM_CLOCK_STEPPED, STORY_BOOT, 9000000000000, 7, -9000000000000);
	story_start(&story, STORY_OTHER_BOOT, -9000000000000, 9000000000000);
	story_clock(&story, HM_CLOCK_STEPPED, STORY_OTHER_BOOT, -9000000000000, 9000000000001,
		    -9000000000000);
	story_gap(&story, -9000000000000, 9000000000000, HM_REASON_SPOOL_FULL);
	story.why.ask.since_us = INT64_MIN;
	story.why.ask.until_us = INT64_MAX;
	story.why.ask.now_us = INT64_MAX;
	story_ask(&story, "");
	cr_assert_eq(why_add_sample(&story.why, INT64_MIN + 1), 0);
	cr_assert_eq(why_add_mark(&story.why, 0, HM_REASON_SOURCE_FAILED), 0);
	cr_assert_eq(why_add_sample(&story.why, INT64_MAX), 0);
	cr_assert_eq(why_end(&story.why), 0);
}

Test(why, what_makes_no_sense_is_passed_over)
{
	for (int type = 0; type < 32; type++) {
		struct buffer payload = {0};

		buffer_append_text(&payload, "nonsense");
		story_record(&story, (enum hm_record_type)type, &payload, 5);
	}
	STORY_EXPECT(&story, "10 5000", 6000, "");
}
