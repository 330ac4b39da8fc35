/* SPDX-License-Identifier: MIT */
/* Tests of holes for which the source of a metric is the reason, or its last word that was lost. */

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

TestSuite(why_source, .init = setup, .fini = teardown);

Test(why_source, a_source_that_failed)
{
	story_schedule(&story, 0, 10);
	STORY_EXPECT(&story, "10 20 F30 F40 50 60", 70, "20-50 source_failed");
}

Test(why_source, a_source_that_was_stuck_and_then_failed)
{
	story_schedule(&story, 0, 10);
	STORY_EXPECT(&story, "10 S20 F30 40", 50, "10-20 source_stuck; 20-40 source_failed");
}

Test(why_source, a_source_that_fails_since_goes_on)
{
	story_schedule(&story, 0, 10);
	STORY_EXPECT(&story, "10 F20 F30", 60, "10- source_failed");
}

Test(why_source, a_source_that_has_gone_is_told_once)
{
	story_schedule(&story, 0, 10);
	STORY_EXPECT(&story, "10 G20 5000 5010", 5020, "10-5000 source_gone");
}

Test(why_source, a_source_that_has_gone_is_not_there_whatever_else_happens)
{
	story_start(&story, STORY_BOOT, 0, 5);
	story_schedule(&story, 0, 10);
	story_stop(&story, STORY_BOOT, 100, 105);
	story_start(&story, STORY_BOOT, 200, 205);
	STORY_EXPECT(&story, "10 G20", 9000, "10- source_gone");
}

/* What a gap took may have been the one word about a series that is gone. */
Test(why_source, a_source_whose_last_word_was_lost_has_gone)
{
	story_schedule(&story, 0, 10);
	story_gap(&story, 30, 200, HM_REASON_SPOOL_FULL);
	STORY_EXPECT(&story, "10 20 5000 5010", 5020, "20-210 spool_full; 210-5000 source_gone");
}

Test(why_source, a_source_whose_last_word_was_lost_has_gone_up_to_where_it_is_said_again)
{
	story_schedule(&story, 0, 10);
	story_gap(&story, 30, 200, HM_REASON_SPOOL_FULL);
	STORY_EXPECT(&story, "10 20 G800 5000", 5010, "20-210 spool_full; 210-5000 source_gone");
}

Test(why_source, what_was_lost_is_what_is_said_again)
{
	story_schedule(&story, 0, 10);
	story_gap(&story, 30, 200, HM_REASON_SPOOL_FULL);
	STORY_EXPECT(&story, "10 20 Q800 5000", 5010, "20-210 spool_full; 210-5000 quota");
}

Test(why_source, a_source_whose_last_word_was_lost_has_gone_and_others_come)
{
	story_schedule(&story, 0, 10);
	story_gap(&story, 30, 200, HM_REASON_SPOOL_FULL);
	why_causes_note_contact(&story.causes, 8990 * STORY_SECOND_US);
	STORY_EXPECT(&story, "10 20", 9000, "20-210 spool_full; 210- source_gone");
}

Test(why_source, a_source_whose_last_word_the_agent_could_not_keep_has_gone)
{
	story_schedule(&story, 0, 10);
	story_clock(&story, HM_CLOCK_LOST, STORY_BOOT, 50, 50, 25);
	story_clock(&story, HM_CLOCK_HELD_UP, STORY_BOOT, 80, 80, 30);
	STORY_EXPECT(&story, "10 20 5000", 5010,
		     "20-50 agent_lost; 50-80 agent_held_up; 80-5000 source_gone");
}

Test(why_source, a_source_whose_last_word_was_deleted_has_gone)
{
	story_schedule(&story, 0, 10);
	story_delete(&story, "", 30 * STORY_SECOND_US, 200 * STORY_SECOND_US, 9000);
	STORY_EXPECT(&story, "10 20 5000", 5010, "20-200 deleted; 200-5000 source_gone");
}

/* What was lost before a sample that is there has nothing to do with it. */
Test(why_source, what_nobody_explains_behind_a_sample_stays_so)
{
	story_schedule(&story, 0, 10);
	story_gap(&story, 30, 200, HM_REASON_SPOOL_FULL);
	STORY_EXPECT(&story, "10 20 210 500", 510, "20-210 spool_full; 210-500 unknown");
}

Test(why_source, a_limit_on_series)
{
	story_schedule(&story, 0, 10);
	STORY_EXPECT(&story, "10 Q20", 9000, "10- quota");
}

Test(why_source, an_agent_that_began_without_the_source)
{
	story_start(&story, STORY_BOOT, 5, 5);
	story_schedule(&story, 5, 10);
	story_stop(&story, STORY_BOOT, 22, 22);
	story_start(&story, STORY_BOOT, 205, 205);
	why_causes_note_contact(&story.causes, 8990 * STORY_SECOND_US);
	STORY_EXPECT(&story, "10 20", 9000, "20-205 agent_stopped; 205- source_gone");
}

Test(why_source, a_mark_that_says_nothing_is_no_reason)
{
	story_schedule(&story, 5, 10);
	STORY_EXPECT(&story, "10 20 N30 40", 50, "20-40 unknown");
}
