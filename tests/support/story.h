/* SPDX-License-Identifier: MIT */
#ifndef TESTS_SUPPORT_STORY_H
#define TESTS_SUPPORT_STORY_H

/*
 * What a host's chronicle tells of its agent, and the holes that a series then has, in words. All times are seconds.
 * Ends the test where something is refused.
 */

#include <criterion/criterion.h>
#include <stdbool.h>
#include <stdint.h>

#include "collector/why.h"
#include "common/buffer.h"
#include "hostmetrics/wire.h"

#define STORY_SECOND_US INT64_C(1000000)

/* Boots of the host. */
#define STORY_BOOT       0xaa
#define STORY_OTHER_BOOT 0xbb

struct story {
	struct why_causes causes;
	struct why why;           /* asks for what there is from 0 to 100 000 */
	struct why_series series; /* of the metric "m" */
	struct buffer told;       /* the holes */
	bool has_other;           /* schedules tell of another metric as well */
	int64_t ship_s;           /* that schedules tell; 0: they do not */
	int hole_result;          /* what is answered to each hole */
};

void story_init(struct story *story);
void story_done(struct story *story);

/* -- what the chronicle tells, in the order in which it came -- */

/* @param payload  emptied */
void story_record(struct story *story, enum hm_record_type type, struct buffer *payload,
		  int64_t received_s);

/* @param interval_s  of the metric; 0: it is not sampled */
void story_schedule(struct story *story, int64_t since_s, int64_t interval_s);

/* One of the epoch before, which had to wait. */
void story_old_schedule(struct story *story, int64_t since_s, int64_t interval_s,
			int64_t received_s);

/* @param now_s  when it came, by the clock behind the event. @param change_s  see enum hm_clock_event */
void story_clock(struct story *story, enum hm_clock_event event, uint8_t boot, int64_t now_s,
		 int64_t since_boot_s, int64_t change_s);

/* One of STORY_BOOT that came at another time than its clock says. */
void story_clock_received(struct story *story, enum hm_clock_event event, int64_t now_s,
			  int64_t since_boot_s, int64_t change_s, int64_t received_s);

/* The agent begins, or is stopped. */
void story_start(struct story *story, uint8_t boot, int64_t now_s, int64_t since_boot_s);
void story_stop(struct story *story, uint8_t boot, int64_t now_s, int64_t since_boot_s);

void story_gap(struct story *story, int64_t first_s, int64_t last_s, enum hm_reason reason);

/* Of the series of these labels, and of another one. These two times are in microseconds: they may be INT64_MIN and
 * INT64_MAX. */
void story_delete(struct story *story, const char *labels, int64_t since_us, int64_t until_us,
		  int64_t received_s);

/* -- what is asked -- */

/* All has been told: begin with the series of these labels. */
void story_ask(struct story *story, const char *labels);

/*
 * Ask for a whole series.
 * @param points  "10 20 F30": samples, and marks with the letter of their reason: Failed, Stuck, Gone, Quota,
 * Agent stopped, None
 * @return the holes, as "20-50 source_failed; 70- no_contact", behind those of before; borrowed until the next call
 */
const char *story_holes(struct story *story, const char *labels, const char *points, int64_t now_s);

/* Of the series without labels. */
#define STORY_EXPECT(story, points, now_s, expected)                                               \
	cr_expect_str_eq(story_holes(story, "", points, now_s), expected, "%s",                    \
			 buffer_text(&(story)->told))

#endif
