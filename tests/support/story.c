/* SPDX-License-Identifier: MIT */
/* What a host's chronicle tells, and the holes that a series has. */

#include "tests/support/story.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/log_entry.h"
#include "common/reason.h"
#include "common/wire_clock.h"
#include "common/wire_gap.h"
#include "common/wire_schedule.h"

static int take_hole(void *context, const struct why_hole *hole)
{
	struct story *story = context;

	buffer_append_text(&story->told, story->told.length > 0 ? "; " : "");
	if (hole->from_us != INT64_MIN)
		buffer_printf(&story->told, "%" PRId64, hole->from_us / STORY_SECOND_US);
	if (hole->to_us == WHY_STILL)
		buffer_printf(&story->told, "-");
	else
		buffer_printf(&story->told, "-%" PRId64, hole->to_us / STORY_SECOND_US);
	buffer_printf(&story->told, " %s",
		      hole->reason == HM_REASON_NONE ? "unknown" : reason_key(hole->reason));
	return story->hole_result;
}

void story_init(struct story *story)
{
	*story = (struct story){
		.has_other = true,
		.series = {.metric = "m"},
		.why = {.ask = {.until_us = 100000 * STORY_SECOND_US,
				.hole = take_hole,
				.context = story}},
	};
	why_causes_init(&story->causes, INT64_MIN);
	story->why.causes = &story->causes;
}

void story_done(struct story *story)
{
	why_done(&story->why);
	why_causes_done(&story->causes);
	buffer_done(&story->told);
}

/* -- what the chronicle tells ---------------------------------------------------------------------- */

void story_record(struct story *story, enum hm_record_type type, struct buffer *payload,
		  int64_t received_s)
{
	const struct chronicle_entry entry = {
		.type = (uint8_t)type,
		.received_us = received_s * STORY_SECOND_US,
		.bytes = (const uint8_t *)payload->data,
		.n_bytes = payload->length,
	};

	cr_assert_not(buffer_failed(payload));
	cr_assert_eq(why_causes_add(&story->causes, &entry), 0);
	buffer_done(payload);
}

static const struct wire_stamp stamp = {.host_id = {1}, .epoch = {2}, .sequence = 900};
static const struct wire_stamp old_stamp = {.host_id = {1}, .epoch = {3}, .sequence = 900};

static void add_schedule(struct story *story, const struct wire_stamp *of, int64_t since_s,
			 int64_t interval_s, int64_t received_s)
{
	struct wire_schedule_entry other = {60 * STORY_SECOND_US, {"a", 1}};
	struct wire_schedule_entry entry = {(uint64_t)(interval_s * STORY_SECOND_US), {"m", 1}};
	struct buffer payload = {0};

	wire_schedule_put_begin(&payload, of, since_s * STORY_SECOND_US);
	if (story->ship_s > 0)
		wire_schedule_put_ship(&payload, (uint64_t)(story->ship_s * STORY_SECOND_US));
	if (story->has_other)
		wire_schedule_put_entry(&payload, &other);
	if (interval_s > 0)
		wire_schedule_put_entry(&payload, &entry);
	story_record(story, HM_RECORD_SCHEDULE, &payload, received_s);
}

void story_schedule(struct story *story, int64_t since_s, int64_t interval_s)
{
	add_schedule(story, &stamp, since_s, interval_s, since_s);
}

void story_old_schedule(struct story *story, int64_t since_s, int64_t interval_s,
			int64_t received_s)
{
	add_schedule(story, &old_stamp, since_s, interval_s, received_s);
}

static void add_clock(struct story *story, struct wire_clock *clock, uint8_t boot,
		      int64_t received_s)
{
	struct buffer payload = {0};

	clock->stamp = stamp;
	memset(clock->boot_id, boot, HM_ID_BYTES);
	wire_clock_put(&payload, clock);
	story_record(story, HM_RECORD_CLOCK, &payload, received_s);
}

void story_clock(struct story *story, enum hm_clock_event event, uint8_t boot, int64_t now_s,
		 int64_t since_boot_s, int64_t change_s)
{
	struct wire_clock clock = {.event = event,
				   .now_us = now_s * STORY_SECOND_US,
				   .since_boot_us = since_boot_s * STORY_SECOND_US,
				   .change_us = change_s * STORY_SECOND_US};

	add_clock(story, &clock, boot, now_s);
}

void story_clock_received(struct story *story, enum hm_clock_event event, int64_t now_s,
			  int64_t since_boot_s, int64_t change_s, int64_t received_s)
{
	struct wire_clock clock = {.event = event,
				   .now_us = now_s * STORY_SECOND_US,
				   .since_boot_us = since_boot_s * STORY_SECOND_US,
				   .change_us = change_s * STORY_SECOND_US};

	add_clock(story, &clock, STORY_BOOT, received_s);
}

void story_start(struct story *story, uint8_t boot, int64_t now_s, int64_t since_boot_s)
{
	story_clock(story, HM_CLOCK_STARTED, boot, now_s, since_boot_s, 0);
}

void story_stop(struct story *story, uint8_t boot, int64_t now_s, int64_t since_boot_s)
{
	story_clock(story, HM_CLOCK_STOPPED, boot, now_s, since_boot_s, 0);
}

void story_gap(struct story *story, int64_t first_s, int64_t last_s, enum hm_reason reason)
{
	const struct wire_gap gap = {
		.stamp = stamp,
		.first = 1,
		.first_us = first_s * STORY_SECOND_US,
		.last_us = last_s * STORY_SECOND_US,
		.reason = reason,
	};
	struct buffer payload = {0};

	wire_gap_put(&payload, &gap);
	story_record(story, HM_RECORD_GAP, &payload, last_s);
}

void story_delete(struct story *story, const char *labels, int64_t since_us, int64_t until_us,
		  int64_t received_s)
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
	story_record(story, HM_RECORD_DELETE, &payload, received_s);
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

void story_ask(struct story *story, const char *labels)
{
	cr_assert_eq(why_causes_settle(&story->causes), 0);
	story->series.labels = labels;
	cr_assert_eq(why_begin(&story->why, &story->series), 0);
}

const char *story_holes(struct story *story, const char *labels, const char *points, int64_t now_s)
{
	story->why.ask.now_us = now_s * STORY_SECOND_US;
	story_ask(story, labels);
	for (const char *at = points; *at;) {
		char letter = *at;
		bool is_mark = letter < '0' || letter > '9';
		char *end;
		int64_t time_us = strtoll(at + is_mark, &end, 10) * STORY_SECOND_US;

		cr_assert_eq(is_mark ? why_add_mark(&story->why, time_us, reason_of(letter))
				     : why_add_sample(&story->why, time_us),
			     0);
		at = end + strspn(end, " ");
	}
	cr_assert_eq(why_end(&story->why), 0);
	return buffer_text(&story->told);
}
