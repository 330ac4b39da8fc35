/* SPDX-License-Identifier: MIT */
/* Tests of holes for which the agent is the reason: it was stopped, or killed, or nothing comes from it. */

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

TestSuite(why_agent, .init = setup, .fini = teardown);

/* Marks of the tick at which the agent was stopped. */
Test(why_agent, an_agent_that_was_stopped_in_a_turn_is_so_until_it_begins)
{
	story_start(&story, STORY_BOOT, 0, 5);
	story_schedule(&story, 0, 10);
	story_stop(&story, STORY_BOOT, 21, 26);
	story_start(&story, STORY_BOOT, 100, 105);
	why_causes_note_contact(&story.causes, 8990 * STORY_SECOND_US);
	STORY_EXPECT(&story, "10 A20", 9000, "10-100 agent_stopped; 100- source_gone");
}

Test(why_agent, an_agent_that_was_stopped)
{
	story_start(&story, STORY_BOOT, 5, 5);
	story_schedule(&story, 5, 10);
	story_stop(&story, STORY_BOOT, 22, 22);
	story_start(&story, STORY_BOOT, 205, 205);
	story_schedule(&story, 205, 10);
	STORY_EXPECT(&story, "10 20 210 220", 230, "20-210 agent_stopped");
}

Test(why_agent, an_agent_that_is_stopped_since)
{
	story_start(&story, STORY_BOOT, 5, 5);
	story_schedule(&story, 5, 10);
	story_stop(&story, STORY_BOOT, 22, 22);
	STORY_EXPECT(&story, "10 20", 40, "20- agent_stopped");
}

Test(why_agent, an_agent_that_was_killed)
{
	story_start(&story, STORY_BOOT, 5, 5);
	story_schedule(&story, 5, 10);
	story_start(&story, STORY_BOOT, 205, 205);
	STORY_EXPECT(&story, "10 20 210 220", 230, "20-210 agent_killed");
}

Test(why_agent, an_agent_that_was_killed_again_and_again)
{
	story_start(&story, STORY_BOOT, 5, 5);
	story_schedule(&story, 5, 10);
	story_start(&story, STORY_BOOT, 100, 100);
	story_start(&story, STORY_BOOT, 205, 205);
	STORY_EXPECT(&story, "10 20 210 220", 230, "20-210 agent_killed");
}

Test(why_agent, an_agent_that_was_killed_does_not_explain_what_was_before)
{
	story_start(&story, STORY_BOOT, 5, 5);
	story_schedule(&story, 5, 10);
	story_start(&story, STORY_BOOT, 205, 205);
	STORY_EXPECT(&story, "10 20 60 70 200 210", 220, "20-60 unknown; 70-200 unknown");
}

Test(why_agent, a_host_that_was_booted_again)
{
	story_start(&story, STORY_BOOT, 5, 5);
	story_schedule(&story, 5, 10);
	story_start(&story, STORY_OTHER_BOOT, 205, 30);
	STORY_EXPECT(&story, "10 20 210 220", 230, "20-210 host_rebooted");
}

Test(why_agent, a_host_that_was_shut_down_stops_its_agent_first)
{
	story_start(&story, STORY_BOOT, 5, 5);
	story_schedule(&story, 5, 10);
	story_stop(&story, STORY_BOOT, 21, 21);
	story_start(&story, STORY_OTHER_BOOT, 205, 30);
	STORY_EXPECT(&story, "10 20 210 220", 230, "20-210 host_rebooted");
}

Test(why_agent, an_agent_that_was_stopped_long_before_its_host)
{
	story_start(&story, STORY_BOOT, 5, 5);
	story_schedule(&story, 5, 10);
	story_stop(&story, STORY_BOOT, 21, 21);
	story_start(&story, STORY_OTHER_BOOT, 90005, 30);
	STORY_EXPECT(&story, "10 20 90010", 90020, "20-90010 agent_stopped");
}

Test(why_agent, an_agent_that_was_killed_before_it_told_that_it_was_held_up_again)
{
	story_start(&story, STORY_BOOT, 5, 5);
	story_schedule(&story, 5, 10);
	story_clock(&story, HM_CLOCK_HELD_UP, STORY_BOOT, 58, 58, 30);
	story_start(&story, STORY_BOOT, 190, 190);
	STORY_EXPECT(&story, "10 20 60 70 110 120 190 200 400 410", 410,
		     "20-60 agent_held_up; 70-110 agent_held_up; 120-190 agent_killed; "
		     "200-400 unknown");
}

Test(why_agent, an_agent_that_goes_on_and_tells_of_nothing)
{
	story_start(&story, STORY_BOOT, 5, 5);
	story_schedule(&story, 5, 10);
	story_clock(&story, HM_CLOCK_HELD_UP, STORY_BOOT, 58, 58, 30);
	STORY_EXPECT(&story, "10 20 60 70 110 120", 130, "20-60 agent_held_up; 70-110 unknown");
}

Test(why_agent, an_agent_that_was_held_up)
{
	story_start(&story, STORY_BOOT, 5, 5);
	story_schedule(&story, 5, 10);
	story_clock(&story, HM_CLOCK_HELD_UP, STORY_BOOT, 58, 58, 30);
	STORY_EXPECT(&story, "10 20 60 70", 80, "20-60 agent_held_up");
}

Test(why_agent, nothing_has_come_since)
{
	story_schedule(&story, 5, 10);
	why_causes_note_contact(&story.causes, 30 * STORY_SECOND_US);
	STORY_EXPECT(&story, "10 20", 230, "20- no_contact");
}

Test(why_agent, an_agent_that_ships_seldom_is_waited_for)
{
	story.ship_s = 3600;
	story_schedule(&story, 0, 10);
	STORY_EXPECT(&story, "10 20", 3700, "");
	STORY_EXPECT(&story, "10 20", 3800, "20- no_contact");
}

Test(why_agent, nothing_has_come_since_the_agent_began)
{
	story_start(&story, STORY_BOOT, 5, 5);
	story_schedule(&story, 5, 10);
	story_start(&story, STORY_BOOT, 205, 205);
	STORY_EXPECT(&story, "10 20", 9000, "20-205 agent_killed; 205- no_contact");
}

Test(why_agent, others_of_the_host_have_come_since)
{
	story_schedule(&story, 5, 10);
	why_causes_note_contact(&story.causes, 8000 * STORY_SECOND_US);
	STORY_EXPECT(&story, "10 20", 9000, "20-8000 unknown; 8000- no_contact");
}

Test(why_agent, others_of_the_host_come)
{
	story_schedule(&story, 5, 10);
	why_causes_note_contact(&story.causes, 8990 * STORY_SECOND_US);
	STORY_EXPECT(&story, "10 20", 9000, "20- unknown");
}

Test(why_agent, a_schedule_says_that_the_agent_was_there)
{
	story_schedule(&story, 5, 10);
	story.has_other = false;
	story_schedule(&story, 8000, 10);
	STORY_EXPECT(&story, "10 20", 9000, "20-8000 unknown; 8000- no_contact");
}

Test(why_agent, a_clock_says_that_the_agent_was_there)
{
	story_schedule(&story, 5, 10);
	story_clock(&story, HM_CLOCK_STEPPED, STORY_BOOT, 8000, 8000, -5);
	STORY_EXPECT(&story, "10 20", 9000, "20-8000 unknown; 8000- no_contact");
}

Test(why_agent, a_clock_that_was_far_ahead_does_not_say_that_the_agent_was_there)
{
	story_schedule(&story, 5, 10);
	story_clock_received(&story, HM_CLOCK_HELD_UP, 9000000, 15, 1, 15);
	STORY_EXPECT(&story, "10 20", 9000, "20- no_contact");
}

Test(why_agent, what_an_agent_tells_late_happened_when_it_did)
{
	story_start(&story, STORY_BOOT, 5, 5);
	story_schedule(&story, 5, 10);
	story_start(&story, STORY_BOOT, 205, 205);
	story_stop(&story, STORY_BOOT, 22, 22);
	STORY_EXPECT(&story, "10 20 210 220 300", 310, "20-210 agent_stopped; 220-300 unknown");
}

/* Each hole looks for the next beginning: as many of both took minutes. */
Test(why_agent, agents_that_began_very_often, .timeout = 20)
{
	const int64_t n = 200000;

	story.why.ask.until_us = INT64_MAX;
	story_schedule(&story, 5, 10);
	for (int64_t i = 0; i < n; i++)
		story_start(&story, STORY_BOOT, 100 * n + i, 100 * n + i);
	story_ask(&story, "");
	for (int64_t i = 1; i < n; i++)
		cr_assert_eq(why_add_sample(&story.why, 100 * i * STORY_SECOND_US), 0);
}

Test(why_agent, what_an_agent_told_twice_counts_once)
{
	story_start(&story, STORY_BOOT, 5, 5);
	story_schedule(&story, 5, 10);
	story_stop(&story, STORY_BOOT, 22, 22);
	story_start(&story, STORY_BOOT, 205, 205);
	story_stop(&story, STORY_BOOT, 22, 22);
	story_start(&story, STORY_BOOT, 205, 205);
	STORY_EXPECT(&story, "10 20 210 220 300", 310, "20-210 agent_stopped; 220-300 unknown");
}
