/* SPDX-License-Identifier: MIT */
/* What happened to the agent and its clocks, on its way into the spool. */

#include "agent/notes.h"

#include <errno.h>
#include <string.h>

#include "common/message.h"
#include "common/wire_clock.h"

/* Held up again so soon, the agent is held up all the time. */
#define HELD_UP_AGAIN_US INT64_C(60000000)

void notes_done(struct notes *notes)
{
	buffer_done(&notes->bytes);
}

void notes_lose(struct notes *notes, const struct queue_span *span)
{
	struct queue_span *lost = &notes->lost;

	if (!notes->has_lost || span->first_us < lost->first_us)
		lost->first_us = span->first_us;
	if (!notes->has_lost || span->last_us > lost->last_us)
		lost->last_us = span->last_us;
	notes->has_lost = true;
}

/* Without its beginnings and ends nothing of an agent can be understood: the others leave them room. */
static bool is_minor(enum hm_clock_event event)
{
	return event != HM_CLOCK_STARTED && event != HM_CLOCK_STOPPED;
}

/* @return 0 or -errno */
static int append(struct notes *notes, struct spool *spool, const struct clock_event *event)
{
	struct wire_clock clock = {
		.event = event->event,
		.now_us = event->now_us,
		.since_boot_us = event->since_boot_us,
		.change_us = event->change_us,
	};
	struct spool_draft draft = {.type = HM_FRAME_CLOCK, .is_minor = is_minor(event->event)};
	uint64_t sequence;

	memcpy(clock.boot_id, notes->boot_id, HM_ID_BYTES);
	buffer_clear(&notes->bytes);
	wire_clock_put(&notes->bytes, &clock);
	if (buffer_failed(&notes->bytes))
		return -ENOMEM;
	/* The spool has stamps of its own. */
	draft.body = notes->bytes.data + HM_STAMP_BYTES;
	draft.body_bytes = notes->bytes.length - HM_STAMP_BYTES;
	return spool_append_message(spool, &draft, &sequence);
}

static void write_event(struct notes *notes, struct spool *spool, const struct clock_event *event)
{
	int result = append(notes, spool, event);

	if (result < 0 && result != notes->told)
		message_warning("cannot note in the spool what happens to the clock: %s",
				strerror(-result));
	notes->told = result;
	if (result == 0)
		return;
	notes->owes_start |= event->event == HM_CLOCK_STARTED;
	/* Nobody would know why there are no samples. */
	if (event->change_us > 0)
		notes_lose(notes,
			   &(struct queue_span){event->now_us - event->change_us, event->now_us});
}

static void write_held_up(struct notes *notes, struct spool *spool)
{
	if (notes->has_held_up)
		write_event(notes, spool, &notes->held_up);
	notes->has_held_up = false;
}

/* The first one is written at once; those that follow soon are one. @return false: it is to be written */
static bool put_off(struct notes *notes, const struct clock_event *event)
{
	const int64_t since_us = event->now_us - event->change_us;
	const int64_t before_us = notes->held_up_us;
	const bool is_again = notes->was_held_up && since_us >= before_us &&
			      since_us - before_us <= HELD_UP_AGAIN_US;
	int64_t change_us = event->change_us;

	notes->was_held_up = true;
	notes->held_up_us = event->now_us;
	if (!is_again)
		return false;
	if (notes->has_held_up)
		change_us = event->now_us - (notes->held_up.now_us - notes->held_up.change_us);
	notes->held_up = *event;
	notes->held_up.change_us = change_us;
	notes->has_held_up = true;
	return true;
}

void notes_add(struct notes *notes, struct spool *spool, const struct clock_event *event)
{
	if (event->event == HM_CLOCK_HELD_UP && put_off(notes, event))
		return;
	write_held_up(notes, spool);
	if (event->event == HM_CLOCK_STARTED) {
		notes->start = *event;
		notes->has_start = true;
	}
	write_event(notes, spool, event);
	if (event->event != HM_CLOCK_HELD_UP)
		notes->was_held_up = false;
}

/* Of what times there are no samples since they were lost. */
static void write_lost(struct notes *notes, struct spool *spool)
{
	const struct queue_span *lost = &notes->lost;
	struct clock_event event = clock_event_now(HM_CLOCK_LOST);

	if (!notes->has_lost)
		return;
	/* That of one tick has taken some time, too. */
	event.change_us = lost->last_us > lost->first_us ? lost->last_us - lost->first_us : 1;
	event.since_boot_us -= event.now_us - lost->last_us;
	if (event.since_boot_us < 0)
		event.since_boot_us = 0;
	event.now_us = lost->last_us;
	notes->has_lost = append(notes, spool, &event) < 0;
}

void notes_repeat(struct notes *notes)
{
	notes->owes_start = notes->has_start;
}

void notes_ship(struct notes *notes, struct spool *spool)
{
	if (notes->owes_start)
		notes->owes_start = append(notes, spool, &notes->start) < 0;
	write_held_up(notes, spool);
	write_lost(notes, spool);
}
