/* SPDX-License-Identifier: MIT */
/* Tests of holes for which samples were lost, or deleted, once they had been taken. */

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

TestSuite(why_loss, .init = setup, .fini = teardown);

Test(why_loss, a_spool_that_was_full)
{
	story_schedule(&story, 0, 10);
	story_gap(&story, 30, 200, HM_REASON_SPOOL_FULL);
	STORY_EXPECT(&story, "10 20 210 220", 230, "20-210 spool_full");
}

Test(why_loss, a_gap_of_one_sample)
{
	story_schedule(&story, 0, 10);
	story_gap(&story, 30, 30, HM_REASON_SPOOL_DAMAGED);
	STORY_EXPECT(&story, "10 20 40 50", 60, "20-40 spool_damaged");
}

Test(why_loss, a_gap_ends_before_what_it_does_not_explain)
{
	story_schedule(&story, 0, 10);
	story_gap(&story, 30, 60, HM_REASON_SPOOL_AGE);
	STORY_EXPECT(&story, "10 20 210", 220, "20-70 spool_age; 70-210 source_gone");
}

Test(why_loss, gaps_of_several_reasons)
{
	story_schedule(&story, 0, 10);
	story_gap(&story, 30, 60, HM_REASON_SPOOL_AGE);
	story_gap(&story, 70, 200, HM_REASON_SPOOL_FULL);
	STORY_EXPECT(&story, "10 20 210", 220, "20-70 spool_age; 70-210 spool_full");
}

Test(why_loss, what_was_acknowledged_once)
{
	story_schedule(&story, 0, 10);
	story_gap(&story, 30, 200, HM_REASON_SPOOL_ACKED);
	STORY_EXPECT(&story, "10 20 210", 220, "20-210 spool_acked");
}

Test(why_loss, the_first_samples_of_all_that_the_agent_lost)
{
	story_start(&story, STORY_BOOT, 8, 8);
	story_schedule(&story, 8, 10);
	story_gap(&story, 10, 100, HM_REASON_SPOOL_FULL);
	story_gap(&story, 110, 200, HM_REASON_SPOOL_FULL);
	STORY_EXPECT(&story, "210 220", 230, "10-210 spool_full");
}

Test(why_loss, the_first_that_is_there_is_a_mark_and_what_was_before_it_was_lost)
{
	story_start(&story, STORY_BOOT, 8, 8);
	story_schedule(&story, 8, 10);
	story_gap(&story, 10, 200, HM_REASON_SPOOL_FULL);
	STORY_EXPECT(&story, "F205 215", 230, "10-195 spool_full; 195-215 source_failed");
}

Test(why_loss, an_agent_that_lost_what_it_had)
{
	story_start(&story, STORY_BOOT, 5, 5);
	story_schedule(&story, 5, 10);
	story_clock(&story, HM_CLOCK_LOST, STORY_BOOT, 58, 58, 30);
	STORY_EXPECT(&story, "10 20 60 70", 80, "20-60 agent_lost");
}

Test(why_loss, a_host_that_slept_while_the_agent_was_stopped_and_a_gap_behind_it)
{
	story_start(&story, STORY_BOOT, 5, 5);
	story_schedule(&story, 5, 10);
	story_stop(&story, STORY_BOOT, 21, 21);
	story_start(&story, STORY_BOOT, 205, 205);
	story_gap(&story, 210, 300, HM_REASON_SPOOL_FULL);
	story_clock(&story, HM_CLOCK_RESUMED, STORY_BOOT, 500, 500, 195);
	STORY_EXPECT(&story, "10 20 510", 520,
		     "20-205 agent_stopped; 205-305 spool_full; 305-510 host_slept");
}

Test(why_loss, what_the_store_lost)
{
	const struct chronicle_event event = {30 * STORY_SECOND_US, 200 * STORY_SECOND_US,
					      HM_REASON_QUARANTINED};

	story_schedule(&story, 5, 10);
	cr_assert_eq(why_causes_add_event(&story.causes, &event), 0);
	STORY_EXPECT(&story, "10 20 210 220", 230, "20-210 quarantined");
}

Test(why_loss, what_cannot_be_read_any_more)
{
	story.series.is_damaged = true;
	story_schedule(&story, 5, 10);
	story_gap(&story, 400, 500, HM_REASON_SPOOL_FULL);
	STORY_EXPECT(&story, "10 20 210 390 510", 520,
		     "20-210 quarantined; 210-390 quarantined; 390-510 spool_full");
}

Test(why_loss, a_file_that_was_set_aside)
{
	story.series.has_aside = true;
	story_schedule(&story, 5, 10);
	STORY_EXPECT(&story, "210 220 300", 310, "-210 quarantined; 220-300 unknown");
}

Test(why_loss, what_was_deleted)
{
	story_schedule(&story, 5, 10);
	story_delete(&story, "", 30 * STORY_SECOND_US, 200 * STORY_SECOND_US, 500);
	STORY_EXPECT(&story, "10 20 210 220", 230, "20-210 deleted");
}

Test(why_loss, what_was_deleted_of_another_series_explains_nothing)
{
	story_schedule(&story, 5, 10);
	story_delete(&story, "{y=\"1\"}", 30 * STORY_SECOND_US, 200 * STORY_SECOND_US, 500);
	STORY_EXPECT(&story, "10 20 210 220", 230, "20-210 unknown");
}

Test(why_loss, what_comes_behind_a_delete_is_not_deleted)
{
	story_schedule(&story, 5, 10);
	story_delete(&story, "", INT64_MIN, INT64_MAX, 100);
	STORY_EXPECT(&story, "110 120 300", 310, "-110 deleted; 120-300 unknown");
}

Test(why_loss, all_that_there_was_is_deleted)
{
	story_schedule(&story, 5, 10);
	story_delete(&story, "{y=\"1\"}", INT64_MIN, INT64_MAX, 100);
	story.why.ask.until_us = 90 * STORY_SECOND_US;
	cr_expect_str_eq(story_holes(&story, "{y=\"1\"}", "", 5000), "-100 deleted");
}

Test(why_loss, a_moment_before_the_first_sample_may_be_deleted)
{
	story_schedule(&story, 5, 10);
	story_delete(&story, "", 20 * STORY_SECOND_US, 100 * STORY_SECOND_US, 500);
	story.why.ask.since_us = story.why.ask.until_us = 50 * STORY_SECOND_US;
	STORY_EXPECT(&story, "110 120", 130, "20-110 deleted");
}

Test(why_loss, what_is_too_old)
{
	story_schedule(&story, 5, 10);
	story.causes.horizon_us = 200 * STORY_SECOND_US;
	STORY_EXPECT(&story, "200 210", 220, "-200 too_old");
}
