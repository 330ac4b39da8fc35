/* SPDX-License-Identifier: MIT */
/* Tests of where samples are missing, and for which reasons. All times are told in seconds. */

#include "collector/why.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "common/log_entry.h"
#include "common/reason.h"
#include "common/wire_clock.h"
#include "common/wire_gap.h"
#include "common/wire_schedule.h"

#define SECOND_US INT64_C(1000000)

/* Boots of the host. */
#define BOOT_A 0xaa
#define BOOT_B 0xbb

static struct why_causes causes;
static struct why why;
static struct buffer told;
static bool has_other;
static int64_t ship_s; /* that schedules tell; 0: they do not */
static struct why_series series;
static int hole_result;

static int take_hole(void *context, const struct why_hole *hole)
{
	(void)context;
	buffer_append_text(&told, told.length > 0 ? "; " : "");
	if (hole->from_us != INT64_MIN)
		buffer_printf(&told, "%" PRId64, hole->from_us / SECOND_US);
	if (hole->to_us == WHY_STILL)
		buffer_printf(&told, "-");
	else
		buffer_printf(&told, "-%" PRId64, hole->to_us / SECOND_US);
	buffer_printf(&told, " %s",
		      hole->reason == HM_REASON_NONE ? "unknown" : reason_key(hole->reason));
	return hole_result;
}

static void setup(void)
{
	hole_result = 0;
	has_other = true;
	ship_s = 0;
	series = (struct why_series){.metric = "m"};
	why_causes_init(&causes, INT64_MIN);
	why = (struct why){
		.causes = &causes,
		.ask = {.since_us = 0, .until_us = 100000 * SECOND_US, .hole = take_hole},
	};
}

static void teardown(void)
{
	why_done(&why);
	why_causes_done(&causes);
	buffer_done(&told);
}

TestSuite(why, .init = setup, .fini = teardown);

/* -- what the chronicle tells ---------------------------------------------------------------------- */

static void add(enum hm_record_type type, struct buffer *payload, int64_t received_s)
{
	const struct chronicle_entry entry = {
		.type = (uint8_t)type,
		.received_us = received_s * SECOND_US,
		.bytes = (const uint8_t *)payload->data,
		.n_bytes = payload->length,
	};

	cr_assert_not(buffer_failed(payload));
	cr_assert_eq(why_causes_add(&causes, &entry), 0);
	buffer_done(payload);
}

static const struct wire_stamp stamp = {.host_id = {1}, .epoch = {2}, .sequence = 900};
static const struct wire_stamp old_stamp = {.host_id = {1}, .epoch = {3}, .sequence = 900};

/* @param interval_s  of the metric "m"; 0: it is not sampled */
static void add_schedule_of(const struct wire_stamp *of, int64_t since_s, int64_t interval_s,
			    int64_t received_s)
{
	struct wire_schedule_entry other = {60 * SECOND_US, {"a", 1}};
	struct wire_schedule_entry entry = {(uint64_t)(interval_s * SECOND_US), {"m", 1}};
	struct buffer payload = {0};

	wire_schedule_put_begin(&payload, of, since_s * SECOND_US);
	if (ship_s > 0)
		wire_schedule_put_ship(&payload, (uint64_t)(ship_s * SECOND_US));
	if (has_other)
		wire_schedule_put_entry(&payload, &other);
	if (interval_s > 0)
		wire_schedule_put_entry(&payload, &entry);
	add(HM_RECORD_SCHEDULE, &payload, received_s);
}

static void add_schedule(int64_t since_s, int64_t interval_s)
{
	add_schedule_of(&stamp, since_s, interval_s, since_s);
}

static void add_clock_received(enum hm_clock_event event, uint8_t boot, int64_t now_s,
			       int64_t since_boot_s, int64_t change_s, int64_t received_s)
{
	struct wire_clock clock = {
		.stamp = stamp,
		.event = event,
		.now_us = now_s * SECOND_US,
		.since_boot_us = since_boot_s * SECOND_US,
		.change_us = change_s * SECOND_US,
	};
	struct buffer payload = {0};

	memset(clock.boot_id, boot, HM_ID_BYTES);
	wire_clock_put(&payload, &clock);
	add(HM_RECORD_CLOCK, &payload, received_s);
}

static void add_clock(enum hm_clock_event event, uint8_t boot, int64_t now_s, int64_t since_boot_s,
		      int64_t change_s)
{
	add_clock_received(event, boot, now_s, since_boot_s, change_s, now_s);
}

static void add_start(uint8_t boot, int64_t now_s, int64_t since_boot_s)
{
	add_clock(HM_CLOCK_STARTED, boot, now_s, since_boot_s, 0);
}

static void add_stop(uint8_t boot, int64_t now_s, int64_t since_boot_s)
{
	add_clock(HM_CLOCK_STOPPED, boot, now_s, since_boot_s, 0);
}

static void add_gap(int64_t first_s, int64_t last_s, enum hm_reason reason)
{
	const struct wire_gap gap = {
		.stamp = stamp,
		.first = 1,
		.first_us = first_s * SECOND_US,
		.last_us = last_s * SECOND_US,
		.reason = reason,
	};
	struct buffer payload = {0};

	wire_gap_put(&payload, &gap);
	add(HM_RECORD_GAP, &payload, last_s);
}

static void add_delete(const char *labels, int64_t since_us, int64_t until_us, int64_t received_s)
{
	const struct log_delete entry = {
		.id = {1}, .name = {"web01", 5}, .since_us = since_us, .until_us = until_us};
	const struct series_text metric = {"m", 1};
	const struct series_text of = {labels, strlen(labels)};
	const struct series_text other = {"{x=\"0\"}", 7};
	struct buffer payload = {0};

	log_entry_put_delete(&payload, &entry);
	log_entry_put_delete_series(&payload, &metric, &other);
	log_entry_put_delete_series(&payload, &metric, &of);
	add(HM_RECORD_DELETE, &payload, received_s);
}

/* -- what is asked --------------------------------------------------------------------------------- */

static uint8_t reason_of(char letter)
{
	switch (letter) {
	case 'F':
		return HM_REASON_SOURCE_FAILED;
	case 'S':
		return HM_REASON_SOURCE_STUCK;
	case 'G':
		return HM_REASON_SOURCE_GONE;
	case 'Q':
		return HM_REASON_QUOTA;
	case 'A':
		return HM_REASON_AGENT_STOPPED;
	default:
		return HM_REASON_NONE;
	}
}

/* @param points  "10 20 F30": samples, and marks of a reason. @return the holes */
static const char *holes_of(const char *labels, const char *points, int64_t now_s)
{
	why.ask.now_us = now_s * SECOND_US;
	cr_assert_eq(why_causes_settle(&causes), 0);
	series.labels = labels;
	cr_assert_eq(why_begin(&why, &series), 0);
	for (const char *at = points; *at;) {
		char letter = *at;
		bool is_mark = letter < '0' || letter > '9';
		char *end;
		int64_t time_us = strtoll(at + is_mark, &end, 10) * SECOND_US;

		cr_assert_eq(is_mark ? why_add_mark(&why, time_us, reason_of(letter))
				     : why_add_sample(&why, time_us),
			     0);
		at = end + strspn(end, " ");
	}
	cr_assert_eq(why_end(&why), 0);
	return buffer_text(&told);
}

#define EXPECT_HOLES(points, now_s, expected)                                                      \
	cr_expect_str_eq(holes_of("", points, now_s), expected, "%s", buffer_text(&told))

/* -- no holes -------------------------------------------------------------------------------------- */

Test(why, samples_that_come_as_they_should_have_no_hole)
{
	add_start(BOOT_A, 5, 5);
	add_schedule(5, 10);
	EXPECT_HOLES("10 20 30 45 50", 60, "");
	cr_expect(why_has_interval(&why));
	cr_expect_eq(why.before_us, WHY_NO_TIME);
}

Test(why, what_no_schedule_ever_named_has_none)
{
	EXPECT_HOLES("10 20 500 9000", 20000, "");
	cr_expect_not(why_has_interval(&why));
}

Test(why, what_is_not_named_by_any_schedule_has_none)
{
	add_schedule(0, 0);
	EXPECT_HOLES("10 20 500 9000", 20000, "");
	cr_expect_not(why_has_interval(&why));
}

Test(why, before_the_first_sample_and_the_first_schedule_there_is_none)
{
	add_schedule(1000, 10);
	EXPECT_HOLES("10 600 1000 1010", 1020, "");
}

Test(why, the_interval_is_that_of_its_time)
{
	add_schedule(0, 10);
	add_schedule(21, 60);
	EXPECT_HOLES("10 20 60 120", 130, "");
}

Test(why, a_schedule_that_says_a_lower_interval_makes_a_hole_of_the_same_distance)
{
	add_schedule(0, 60);
	add_schedule(61, 10);
	EXPECT_HOLES("60 120 130", 140, "60-120 unknown");
}

Test(why, a_schedule_of_the_future_holds_from_where_it_is_said_again)
{
	add_schedule(90000, 10);
	add_schedule(0, 10);
	EXPECT_HOLES("10 20 200 210", 220, "20-200 unknown");
}

/* Of another epoch, that had to wait. */
Test(why, a_schedule_that_comes_late_holds_up_to_the_next_one_only)
{
	add_schedule(1000, 10);
	add_schedule(2000, 60);
	add_schedule_of(&old_stamp, 0, 300, 2100);
	EXPECT_HOLES("0 300 600 900 1000 1010 1300 2000 2060 2120", 2130,
		     "1010-1300 unknown; 1300-2000 unknown");
}

Test(why, a_schedule_that_comes_late_and_says_the_same_does_not_hold_on)
{
	add_schedule(0, 10);
	add_schedule(1000, 10);
	add_schedule_of(&old_stamp, 500, 0, 1100);
	EXPECT_HOLES("490 500 1000 1010 1100", 1110, "500-1000 not_sampled; 1010-1100 unknown");
}

Test(why, a_clock_that_comes_late_does_not_begin_what_holds_since)
{
	add_schedule(1000, 10);
	add_schedule(2000, 60);
	add_clock_received(HM_CLOCK_STEPPED, BOOT_A, 500, 500, -100, 2100);
	EXPECT_HOLES("1000 1010 1050 2000 2060", 2070, "1010-1050 unknown; 1050-2000 unknown");
}

/* Told by a clock that was far ahead: it would hold some day. */
Test(why, a_schedule_of_a_clock_that_was_far_ahead_holds_since_it_came)
{
	add_schedule_of(&old_stamp, 90000, 60, 100);
	add_schedule(1000, 10);
	EXPECT_HOLES("100 160 1000 90000 90010 90050", 90060,
		     "160-1000 unknown; 1000-90000 unknown; 90010-90050 unknown");
}

Test(why, times_that_a_clock_goes_through_twice_make_none)
{
	add_start(BOOT_A, 0, 5);
	add_schedule(0, 10);
	add_clock(HM_CLOCK_STEPPED, BOOT_A, 12, 30, -20);
	EXPECT_HOLES("10 12 20 22 30", 40, "");
}

Test(why, what_may_still_be_on_its_way_is_none)
{
	add_schedule(0, 10);
	EXPECT_HOLES("10 20", 200, "");
}

/* -- why there are ---------------------------------------------------------------------------------- */

Test(why, a_source_that_failed)
{
	add_schedule(0, 10);
	EXPECT_HOLES("10 20 F30 F40 50 60", 70, "20-50 source_failed");
}

Test(why, a_source_that_was_stuck_and_then_failed)
{
	add_schedule(0, 10);
	EXPECT_HOLES("10 S20 F30 40", 50, "10-20 source_stuck; 20-40 source_failed");
}

Test(why, a_source_that_fails_since_goes_on)
{
	add_schedule(0, 10);
	EXPECT_HOLES("10 F20 F30", 60, "10- source_failed");
}

Test(why, a_source_that_has_gone_is_told_once)
{
	add_schedule(0, 10);
	EXPECT_HOLES("10 G20 5000 5010", 5020, "10-5000 source_gone");
}

Test(why, a_source_that_has_gone_is_not_there_whatever_else_happens)
{
	add_start(BOOT_A, 0, 5);
	add_schedule(0, 10);
	add_stop(BOOT_A, 100, 105);
	add_start(BOOT_A, 200, 205);
	EXPECT_HOLES("10 G20", 9000, "10- source_gone");
}

/* Marks of the tick at which the agent was stopped. */
Test(why, an_agent_that_was_stopped_in_a_turn_is_so_until_it_begins)
{
	add_start(BOOT_A, 0, 5);
	add_schedule(0, 10);
	add_stop(BOOT_A, 21, 26);
	add_start(BOOT_A, 100, 105);
	why_causes_note_contact(&causes, 8990 * SECOND_US);
	EXPECT_HOLES("10 A20", 9000, "10-100 agent_stopped; 100- source_gone");
}

/* What a gap took may have been the one word about a series that is gone. */
Test(why, a_source_whose_last_word_was_lost_has_gone)
{
	add_schedule(0, 10);
	add_gap(30, 200, HM_REASON_SPOOL_FULL);
	EXPECT_HOLES("10 20 5000 5010", 5020, "20-210 spool_full; 210-5000 source_gone");
}

Test(why, a_source_whose_last_word_was_lost_has_gone_up_to_where_it_is_said_again)
{
	add_schedule(0, 10);
	add_gap(30, 200, HM_REASON_SPOOL_FULL);
	EXPECT_HOLES("10 20 G800 5000", 5010, "20-210 spool_full; 210-5000 source_gone");
}

Test(why, what_was_lost_is_what_is_said_again)
{
	add_schedule(0, 10);
	add_gap(30, 200, HM_REASON_SPOOL_FULL);
	EXPECT_HOLES("10 20 Q800 5000", 5010, "20-210 spool_full; 210-5000 quota");
}

Test(why, a_source_whose_last_word_was_lost_has_gone_and_others_come)
{
	add_schedule(0, 10);
	add_gap(30, 200, HM_REASON_SPOOL_FULL);
	why_causes_note_contact(&causes, 8990 * SECOND_US);
	EXPECT_HOLES("10 20", 9000, "20-210 spool_full; 210- source_gone");
}

Test(why, a_source_whose_last_word_the_agent_could_not_keep_has_gone)
{
	add_schedule(0, 10);
	add_clock(HM_CLOCK_LOST, BOOT_A, 50, 50, 25);
	add_clock(HM_CLOCK_HELD_UP, BOOT_A, 80, 80, 30);
	EXPECT_HOLES("10 20 5000", 5010,
		     "20-50 agent_lost; 50-80 agent_held_up; 80-5000 source_gone");
}

Test(why, a_source_whose_last_word_was_deleted_has_gone)
{
	add_schedule(0, 10);
	add_delete("", 30 * SECOND_US, 200 * SECOND_US, 9000);
	EXPECT_HOLES("10 20 5000", 5010, "20-200 deleted; 200-5000 source_gone");
}

/* What was lost before a sample that is there has nothing to do with it. */
Test(why, what_nobody_explains_behind_a_sample_stays_so)
{
	add_schedule(0, 10);
	add_gap(30, 200, HM_REASON_SPOOL_FULL);
	EXPECT_HOLES("10 20 210 500", 510, "20-210 spool_full; 210-500 unknown");
}

Test(why, a_limit_on_series)
{
	add_schedule(0, 10);
	EXPECT_HOLES("10 Q20", 9000, "10- quota");
}

Test(why, a_spool_that_was_full)
{
	add_schedule(0, 10);
	add_gap(30, 200, HM_REASON_SPOOL_FULL);
	EXPECT_HOLES("10 20 210 220", 230, "20-210 spool_full");
}

Test(why, a_gap_of_one_sample)
{
	add_schedule(0, 10);
	add_gap(30, 30, HM_REASON_SPOOL_DAMAGED);
	EXPECT_HOLES("10 20 40 50", 60, "20-40 spool_damaged");
}

Test(why, a_gap_ends_before_what_it_does_not_explain)
{
	add_schedule(0, 10);
	add_gap(30, 60, HM_REASON_SPOOL_AGE);
	EXPECT_HOLES("10 20 210", 220, "20-70 spool_age; 70-210 source_gone");
}

Test(why, gaps_of_several_reasons)
{
	add_schedule(0, 10);
	add_gap(30, 60, HM_REASON_SPOOL_AGE);
	add_gap(70, 200, HM_REASON_SPOOL_FULL);
	EXPECT_HOLES("10 20 210", 220, "20-70 spool_age; 70-210 spool_full");
}

Test(why, what_was_acknowledged_once)
{
	add_schedule(0, 10);
	add_gap(30, 200, HM_REASON_SPOOL_ACKED);
	EXPECT_HOLES("10 20 210", 220, "20-210 spool_acked");
}

Test(why, the_first_samples_of_all_that_the_agent_lost)
{
	add_start(BOOT_A, 8, 8);
	add_schedule(8, 10);
	add_gap(10, 100, HM_REASON_SPOOL_FULL);
	add_gap(110, 200, HM_REASON_SPOOL_FULL);
	EXPECT_HOLES("210 220", 230, "10-210 spool_full");
}

Test(why, the_first_that_is_there_is_a_mark_and_what_was_before_it_was_lost)
{
	add_start(BOOT_A, 8, 8);
	add_schedule(8, 10);
	add_gap(10, 200, HM_REASON_SPOOL_FULL);
	EXPECT_HOLES("F205 215", 230, "10-195 spool_full; 195-215 source_failed");
}

Test(why, an_agent_that_was_stopped)
{
	add_start(BOOT_A, 5, 5);
	add_schedule(5, 10);
	add_stop(BOOT_A, 22, 22);
	add_start(BOOT_A, 205, 205);
	add_schedule(205, 10);
	EXPECT_HOLES("10 20 210 220", 230, "20-210 agent_stopped");
}

Test(why, an_agent_that_is_stopped_since)
{
	add_start(BOOT_A, 5, 5);
	add_schedule(5, 10);
	add_stop(BOOT_A, 22, 22);
	EXPECT_HOLES("10 20", 40, "20- agent_stopped");
}

Test(why, an_agent_that_was_killed)
{
	add_start(BOOT_A, 5, 5);
	add_schedule(5, 10);
	add_start(BOOT_A, 205, 205);
	EXPECT_HOLES("10 20 210 220", 230, "20-210 agent_killed");
}

Test(why, an_agent_that_was_killed_again_and_again)
{
	add_start(BOOT_A, 5, 5);
	add_schedule(5, 10);
	add_start(BOOT_A, 100, 100);
	add_start(BOOT_A, 205, 205);
	EXPECT_HOLES("10 20 210 220", 230, "20-210 agent_killed");
}

Test(why, an_agent_that_was_killed_does_not_explain_what_was_before)
{
	add_start(BOOT_A, 5, 5);
	add_schedule(5, 10);
	add_start(BOOT_A, 205, 205);
	EXPECT_HOLES("10 20 60 70 200 210", 220, "20-60 unknown; 70-200 unknown");
}

Test(why, a_host_that_was_booted_again)
{
	add_start(BOOT_A, 5, 5);
	add_schedule(5, 10);
	add_start(BOOT_B, 205, 30);
	EXPECT_HOLES("10 20 210 220", 230, "20-210 host_rebooted");
}

Test(why, a_host_that_was_shut_down_stops_its_agent_first)
{
	add_start(BOOT_A, 5, 5);
	add_schedule(5, 10);
	add_stop(BOOT_A, 21, 21);
	add_start(BOOT_B, 205, 30);
	EXPECT_HOLES("10 20 210 220", 230, "20-210 host_rebooted");
}

Test(why, an_agent_that_was_stopped_long_before_its_host)
{
	add_start(BOOT_A, 5, 5);
	add_schedule(5, 10);
	add_stop(BOOT_A, 21, 21);
	add_start(BOOT_B, 90005, 30);
	EXPECT_HOLES("10 20 90010", 90020, "20-90010 agent_stopped");
}

Test(why, a_host_that_slept)
{
	add_start(BOOT_A, 5, 5);
	add_schedule(5, 10);
	add_clock(HM_CLOCK_RESUMED, BOOT_A, 460, 460, 270);
	EXPECT_HOLES("180 190 460 470", 480, "190-460 host_slept");
}

Test(why, a_clock_that_was_set_forward)
{
	add_start(BOOT_A, 5, 5);
	add_schedule(5, 10);
	add_clock(HM_CLOCK_STEPPED, BOOT_A, 3625, 25, 3600);
	EXPECT_HOLES("10 20 3630 3640", 3650, "20-3630 clock_stepped");
}

static void tell_of_an_hour_forward_and_back(void)
{
	add_start(BOOT_A, 5, 5);
	add_schedule(5, 10);
	add_clock_received(HM_CLOCK_STEPPED, BOOT_A, 4625, 1025, 3600, 1025);
	add_clock_received(HM_CLOCK_RESUMED, BOOT_A, 5230, 1630, 600, 1630);
	add_clock(HM_CLOCK_STEPPED, BOOT_A, 1645, 1645, -3600);
	why.ask.since_us = 1000 * SECOND_US;
}

Test(why, a_clock_that_was_set_forward_and_back_again)
{
	tell_of_an_hour_forward_and_back();
	add_clock(HM_CLOCK_RESUMED, BOOT_A, 1900, 1900, 230);
	EXPECT_HOLES("1000 1010 1020 1650 1660 1670 1900 4630 5230 5240", 1910,
		     "1020-1650 clock_stepped; 1670-1900 host_slept");
}

/* They are sampled once more: the reasons are those of then. */
Test(why, times_that_a_clock_was_set_forward_over_before_it_was_set_back)
{
	tell_of_an_hour_forward_and_back();
	why.ask.since_us = 3000 * SECOND_US;
	add_clock(HM_CLOCK_RESUMED, BOOT_A, 3500, 3500, 320);
	add_stop(BOOT_A, 4652, 4652);
	add_start(BOOT_A, 4785, 4785);
	EXPECT_HOLES("3170 3180 3500 4630 4640 4650 4790 4800 5230 5240", 4810,
		     "3180-3500 host_slept; 3500-4630 unknown; 4650-4790 agent_stopped");
}

Test(why, what_a_clock_sampled_that_was_ahead_is_no_end_of_a_hole)
{
	tell_of_an_hour_forward_and_back();
	EXPECT_HOLES("1000 1010 1020 1650 1660 4630 F4640 5230 5240", 3000,
		     "1020-1650 clock_stepped; 1660- no_contact");
}

Test(why, what_a_clock_sampled_that_was_ahead_alone_makes_none)
{
	tell_of_an_hour_forward_and_back();
	EXPECT_HOLES("4630 5230 5240", 3000, "");
}

Test(why, a_clock_that_was_set_back_to_what_it_had_been_through)
{
	add_start(BOOT_A, 5, 5);
	add_schedule(5, 10);
	add_clock(HM_CLOCK_RESUMED, BOOT_A, 1000, 1000, 800);
	add_clock(HM_CLOCK_STEPPED, BOOT_A, 505, 1005, -500);
	add_clock(HM_CLOCK_STEPPED, BOOT_A, 1065, 1065, 500);
	add_stop(BOOT_A, 1082, 1082);
	add_start(BOOT_A, 1185, 1185);
	why.ask.since_us = 190 * SECOND_US;
	EXPECT_HOLES("190 200 510 520 530 540 550 560 1000 1070 1080 1190", 1195,
		     "200-510 host_slept; 560-1000 host_slept; 1000-1070 clock_stepped; "
		     "1080-1190 agent_stopped");
}

Test(why, a_clock_that_was_set_back_to_before_all_that_is_known)
{
	add_start(BOOT_A, 10005, 5);
	add_schedule(10005, 10);
	add_clock(HM_CLOCK_STEPPED, BOOT_A, 5025, 25, -5000);
	EXPECT_HOLES("5030 5040 5050 10010 10020", 10065, "5050-10010 clock_stepped");
}

Test(why, a_clock_that_was_set_back_to_before_all_that_is_known_after_a_while)
{
	add_start(BOOT_A, 10005, 5);
	add_schedule(10005, 10);
	add_clock(HM_CLOCK_STEPPED, BOOT_A, 5925, 925, -5000);
	EXPECT_HOLES("5930 5940 5950 10010 10020", 10065, "5950-10010 clock_stepped");
}

Test(why, a_clock_that_was_set_back_to_before_all_that_is_known_and_forward_again)
{
	add_start(BOOT_A, 10005, 5);
	add_schedule(10005, 10);
	add_clock(HM_CLOCK_STEPPED, BOOT_A, 5025, 25, -5000);
	add_clock(HM_CLOCK_STEPPED, BOOT_A, 10055, 55, 5000);
	EXPECT_HOLES("5030 5040 5050 10010 10020 10060", 10065,
		     "5050-10010 clock_stepped; 10020-10060 clock_stepped");
}

/* Between what it was set by a second is lost: it was a little ahead when the agent began. */
Test(why, a_clock_that_was_set_back_and_not_quite_forward_again)
{
	add_start(BOOT_A, 10005, 5);
	add_schedule(10005, 10);
	add_clock(HM_CLOCK_STEPPED, BOOT_A, 5025, 25, -5000);
	add_clock(HM_CLOCK_STEPPED, BOOT_A, 10054, 55, 4999);
	EXPECT_HOLES("5030 5040 5050 10010 10020 10060", 10065,
		     "5050-10010 clock_stepped; 10020-10060 clock_stepped");
}

Test(why, a_clock_that_was_set_back_and_forward_again)
{
	why.ask.until_us = INT64_MAX;
	add_schedule(1000000, 10);
	add_start(BOOT_A, 1000005, 5);
	add_clock(HM_CLOCK_RESUMED, BOOT_A, 1000210, 210, 140);
	add_clock(HM_CLOCK_STEPPED, BOOT_A, 5, 1225, -1001220);
	add_clock(HM_CLOCK_STEPPED, BOOT_A, 1001605, 1605, 1001220);
	EXPECT_HOLES("1000060 1000210 1001220 1001610", 1001615,
		     "1000060-1000210 host_slept; 1000210-1001220 unknown; "
		     "1001220-1001610 clock_stepped");
}

Test(why, a_clock_that_was_wrong_when_the_host_was_booted)
{
	why.ask.until_us = INT64_MAX;
	add_schedule(1000000, 10);
	add_start(BOOT_A, 1000005, 5);
	add_clock(HM_CLOCK_RESUMED, BOOT_A, 1000210, 210, 140);
	add_start(BOOT_B, 5, 3);
	add_clock(HM_CLOCK_STEPPED, BOOT_B, 1000500, 33, 1000465);
	EXPECT_HOLES("1000010 1000050 1000060 1000210 1000220 1000510 1000520", 1000525,
		     "1000010-1000050 unknown; 1000060-1000210 host_slept; "
		     "1000220-1000470 host_rebooted; 1000470-1000510 clock_stepped");
}

Test(why, a_clock_that_was_ahead_when_the_host_was_booted)
{
	add_schedule(5, 10);
	add_start(BOOT_A, 5, 5);
	add_stop(BOOT_A, 22, 22);
	add_start(BOOT_B, 7300, 30);
	add_clock(HM_CLOCK_STEPPED, BOOT_B, 105, 35, -7200);
	add_start(BOOT_B, 300, 230);
	EXPECT_HOLES("10 20 110 120 300 310", 315, "20-110 host_rebooted; 120-300 agent_killed");
}

Test(why, a_schedule_that_a_clock_told_which_was_ahead)
{
	add_schedule(5, 60);
	add_start(BOOT_A, 7300, 30);
	add_schedule(7300, 10);
	add_clock(HM_CLOCK_STEPPED, BOOT_A, 105, 35, -7200);
	add_gap(130, 160, HM_REASON_SPOOL_FULL);
	EXPECT_HOLES("110 120 170 180", 185, "120-170 spool_full");
}

Test(why, an_agent_that_was_killed_before_it_told_that_it_was_held_up_again)
{
	add_start(BOOT_A, 5, 5);
	add_schedule(5, 10);
	add_clock(HM_CLOCK_HELD_UP, BOOT_A, 58, 58, 30);
	add_start(BOOT_A, 190, 190);
	EXPECT_HOLES("10 20 60 70 110 120 190 200 400 410", 410,
		     "20-60 agent_held_up; 70-110 agent_held_up; 120-190 agent_killed; "
		     "200-400 unknown");
}

Test(why, an_agent_that_goes_on_and_tells_of_nothing)
{
	add_start(BOOT_A, 5, 5);
	add_schedule(5, 10);
	add_clock(HM_CLOCK_HELD_UP, BOOT_A, 58, 58, 30);
	EXPECT_HOLES("10 20 60 70 110 120", 130, "20-60 agent_held_up; 70-110 unknown");
}

Test(why, an_agent_that_was_held_up)
{
	add_start(BOOT_A, 5, 5);
	add_schedule(5, 10);
	add_clock(HM_CLOCK_HELD_UP, BOOT_A, 58, 58, 30);
	EXPECT_HOLES("10 20 60 70", 80, "20-60 agent_held_up");
}

Test(why, an_agent_that_lost_what_it_had)
{
	add_start(BOOT_A, 5, 5);
	add_schedule(5, 10);
	add_clock(HM_CLOCK_LOST, BOOT_A, 58, 58, 30);
	EXPECT_HOLES("10 20 60 70", 80, "20-60 agent_lost");
}

Test(why, a_host_that_slept_while_the_agent_was_stopped_and_a_gap_behind_it)
{
	add_start(BOOT_A, 5, 5);
	add_schedule(5, 10);
	add_stop(BOOT_A, 21, 21);
	add_start(BOOT_A, 205, 205);
	add_gap(210, 300, HM_REASON_SPOOL_FULL);
	add_clock(HM_CLOCK_RESUMED, BOOT_A, 500, 500, 195);
	EXPECT_HOLES("10 20 510", 520,
		     "20-205 agent_stopped; 205-305 spool_full; 305-510 host_slept");
}

Test(why, a_metric_that_is_not_sampled)
{
	add_schedule(5, 10);
	add_schedule(22, 0);
	add_schedule(205, 10);
	EXPECT_HOLES("10 20 210 220", 230, "20-210 not_sampled");
}

Test(why, a_metric_that_is_not_sampled_since)
{
	add_schedule(5, 10);
	add_schedule(22, 0);
	EXPECT_HOLES("10 20", 40, "20- not_sampled");
}

Test(why, what_the_store_lost)
{
	const struct chronicle_event event = {30 * SECOND_US, 200 * SECOND_US,
					      HM_REASON_QUARANTINED};

	add_schedule(5, 10);
	cr_assert_eq(why_causes_add_event(&causes, &event), 0);
	EXPECT_HOLES("10 20 210 220", 230, "20-210 quarantined");
}

Test(why, what_cannot_be_read_any_more)
{
	series.is_damaged = true;
	add_schedule(5, 10);
	add_gap(400, 500, HM_REASON_SPOOL_FULL);
	EXPECT_HOLES("10 20 210 390 510", 520,
		     "20-210 quarantined; 210-390 quarantined; 390-510 spool_full");
}

Test(why, a_file_that_was_set_aside)
{
	series.has_aside = true;
	add_schedule(5, 10);
	EXPECT_HOLES("210 220 300", 310, "-210 quarantined; 220-300 unknown");
}

Test(why, what_was_deleted)
{
	add_schedule(5, 10);
	add_delete("", 30 * SECOND_US, 200 * SECOND_US, 500);
	EXPECT_HOLES("10 20 210 220", 230, "20-210 deleted");
}

Test(why, what_was_deleted_of_another_series_explains_nothing)
{
	add_schedule(5, 10);
	add_delete("{y=\"1\"}", 30 * SECOND_US, 200 * SECOND_US, 500);
	EXPECT_HOLES("10 20 210 220", 230, "20-210 unknown");
}

Test(why, what_comes_behind_a_delete_is_not_deleted)
{
	add_schedule(5, 10);
	add_delete("", INT64_MIN, INT64_MAX, 100);
	EXPECT_HOLES("110 120 300", 310, "-110 deleted; 120-300 unknown");
}

Test(why, all_that_there_was_is_deleted)
{
	add_schedule(5, 10);
	add_delete("{y=\"1\"}", INT64_MIN, INT64_MAX, 100);
	why.ask.until_us = 90 * SECOND_US;
	cr_expect_str_eq(holes_of("{y=\"1\"}", "", 5000), "-100 deleted");
}

Test(why, a_moment_before_the_first_sample_may_be_deleted)
{
	add_schedule(5, 10);
	add_delete("", 20 * SECOND_US, 100 * SECOND_US, 500);
	why.ask.since_us = why.ask.until_us = 50 * SECOND_US;
	EXPECT_HOLES("110 120", 130, "20-110 deleted");
}

Test(why, what_is_too_old)
{
	add_schedule(5, 10);
	causes.horizon_us = 200 * SECOND_US;
	EXPECT_HOLES("200 210", 220, "-200 too_old");
}

Test(why, nothing_has_come_since)
{
	add_schedule(5, 10);
	why_causes_note_contact(&causes, 30 * SECOND_US);
	EXPECT_HOLES("10 20", 230, "20- no_contact");
}

Test(why, an_agent_that_ships_seldom_is_waited_for)
{
	ship_s = 3600;
	add_schedule(0, 10);
	EXPECT_HOLES("10 20", 3700, "");
	EXPECT_HOLES("10 20", 3800, "20- no_contact");
}

Test(why, nothing_has_come_since_the_agent_began)
{
	add_start(BOOT_A, 5, 5);
	add_schedule(5, 10);
	add_start(BOOT_A, 205, 205);
	EXPECT_HOLES("10 20", 9000, "20-205 agent_killed; 205- no_contact");
}

Test(why, others_of_the_host_have_come_since)
{
	add_schedule(5, 10);
	why_causes_note_contact(&causes, 8000 * SECOND_US);
	EXPECT_HOLES("10 20", 9000, "20-8000 unknown; 8000- no_contact");
}

Test(why, others_of_the_host_come)
{
	add_schedule(5, 10);
	why_causes_note_contact(&causes, 8990 * SECOND_US);
	EXPECT_HOLES("10 20", 9000, "20- unknown");
}

Test(why, a_schedule_says_that_the_agent_was_there)
{
	add_schedule(5, 10);
	has_other = false;
	add_schedule(8000, 10);
	EXPECT_HOLES("10 20", 9000, "20-8000 unknown; 8000- no_contact");
}

Test(why, a_clock_says_that_the_agent_was_there)
{
	add_schedule(5, 10);
	add_clock(HM_CLOCK_STEPPED, BOOT_A, 8000, 8000, -5);
	EXPECT_HOLES("10 20", 9000, "20-8000 unknown; 8000- no_contact");
}

Test(why, a_clock_that_was_far_ahead_does_not_say_that_the_agent_was_there)
{
	add_schedule(5, 10);
	add_clock_received(HM_CLOCK_HELD_UP, BOOT_A, 9000000, 15, 1, 15);
	EXPECT_HOLES("10 20", 9000, "20- no_contact");
}

Test(why, what_an_agent_tells_late_happened_when_it_did)
{
	add_start(BOOT_A, 5, 5);
	add_schedule(5, 10);
	add_start(BOOT_A, 205, 205);
	add_stop(BOOT_A, 22, 22);
	EXPECT_HOLES("10 20 210 220 300", 310, "20-210 agent_stopped; 220-300 unknown");
}

Test(why, an_agent_that_began_without_the_source)
{
	add_start(BOOT_A, 5, 5);
	add_schedule(5, 10);
	add_stop(BOOT_A, 22, 22);
	add_start(BOOT_A, 205, 205);
	why_causes_note_contact(&causes, 8990 * SECOND_US);
	EXPECT_HOLES("10 20", 9000, "20-205 agent_stopped; 205- source_gone");
}

/* Each hole looks for the next beginning: as many of both took minutes. */
Test(why, agents_that_began_very_often, .timeout = 20)
{
	const int64_t n = 200000;

	why.ask.until_us = INT64_MAX;
	add_schedule(5, 10);
	for (int64_t i = 0; i < n; i++)
		add_start(BOOT_A, 100 * n + i, 100 * n + i);
	cr_assert_eq(why_causes_settle(&causes), 0);
	series.labels = "";
	cr_assert_eq(why_begin(&why, &series), 0);
	for (int64_t i = 1; i < n; i++)
		cr_assert_eq(why_add_sample(&why, 100 * i * SECOND_US), 0);
}

Test(why, a_mark_that_says_nothing_is_no_reason)
{
	add_schedule(5, 10);
	EXPECT_HOLES("10 20 N30 40", 50, "20-40 unknown");
}

/* -- the rest --------------------------------------------------------------------------------------- */

Test(why, what_an_agent_told_twice_counts_once)
{
	add_start(BOOT_A, 5, 5);
	add_schedule(5, 10);
	add_stop(BOOT_A, 22, 22);
	add_start(BOOT_A, 205, 205);
	add_stop(BOOT_A, 22, 22);
	add_start(BOOT_A, 205, 205);
	EXPECT_HOLES("10 20 210 220 300", 310, "20-210 agent_stopped; 220-300 unknown");
}

Test(why, only_holes_that_are_asked_for_are_told_and_those_whole)
{
	add_schedule(5, 10);
	add_gap(30, 2000, HM_REASON_SPOOL_FULL);
	why.ask.since_us = why.ask.until_us = 300 * SECOND_US;
	EXPECT_HOLES("20 100 120 400 410 500", 510, "120-400 spool_full");
	cr_expect_eq(why.before_us, 120 * SECOND_US);
	cr_expect_eq(why.behind_us, 400 * SECOND_US);
}

Test(why, at_a_time_that_has_a_sample_there_is_no_hole)
{
	add_schedule(5, 10);
	add_gap(30, 2000, HM_REASON_SPOOL_FULL);
	why.ask.since_us = why.ask.until_us = 120 * SECOND_US;
	EXPECT_HOLES("20 120 400", 510, "");
	cr_expect_eq(why.before_us, 120 * SECOND_US);
}

Test(why, who_takes_the_holes_may_end_it)
{
	add_schedule(5, 10);
	cr_assert_eq(why_causes_settle(&causes), 0);
	series.labels = "";
	cr_assert_eq(why_begin(&why, &series), 0);
	hole_result = -ECANCELED;
	cr_assert_eq(why_add_sample(&why, 10 * SECOND_US), 0);
	cr_assert_eq(why_add_sample(&why, 100 * SECOND_US), -ECANCELED);
}

Test(why, times_at_the_ends_of_all_do_no_harm)
{
	add_schedule(-9000000000000, 10);
	add_clock(HM_CLOCK_RESUMED, BOOT_A, -9000000000000, 5, 9000000000000);
	add_clock(HM_CLOCK_STEPPED, BOOT_A, 9000000000000, 6, 9000000000000);
	add_clock(HM_CLOCK_STEPPED, BOOT_A, 9000000000000, 7, -9000000000000);
	add_start(BOOT_B, -9000000000000, 9000000000000);
	add_clock(HM_CLOCK_STEPPED, BOOT_B, -9000000000000, 9000000000001, -9000000000000);
	add_gap(-9000000000000, 9000000000000, HM_REASON_SPOOL_FULL);
	why.ask.since_us = INT64_MIN;
	why.ask.until_us = INT64_MAX;
	why.ask.now_us = INT64_MAX;
	cr_assert_eq(why_causes_settle(&causes), 0);
	series.labels = "";
	cr_assert_eq(why_begin(&why, &series), 0);
	cr_assert_eq(why_add_sample(&why, INT64_MIN + 1), 0);
	cr_assert_eq(why_add_mark(&why, 0, HM_REASON_SOURCE_FAILED), 0);
	cr_assert_eq(why_add_sample(&why, INT64_MAX), 0);
	cr_assert_eq(why_end(&why), 0);
}

Test(why, what_makes_no_sense_is_passed_over)
{
	for (int type = 0; type < 32; type++) {
		struct buffer payload = {0};

		buffer_append_text(&payload, "nonsense");
		add((enum hm_record_type)type, &payload, 5);
	}
	EXPECT_HOLES("10 5000", 6000, "");
}
