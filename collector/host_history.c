/* SPDX-License-Identifier: MIT */
/* Which blocks of a host's own file still matter. */

#include "collector/host_history.h"

#include <string.h>

#include "common/log_entry.h"
#include "common/wire_clock.h"
#include "common/wire_gap.h"
#include "common/wire_schedule.h"

/* Of what a message is about, at most so much came after it was received. */
#define AHEAD_US INT64_C(3600000000)

#define KIND_SCHEDULE 0
#define KIND_NONE     HOST_HISTORY_KINDS

_Static_assert(HM_CLOCK_LOST < HOST_HISTORY_KINDS, "each event has a place");

/* What a block says. */
struct saying {
	unsigned kind;
	int64_t last_us;            /* the last time that it is about */
	uint8_t epoch[HM_ID_BYTES]; /* of a SCHEDULE */
};

static int64_t earlier(int64_t a_us, int64_t b_us)
{
	return a_us < b_us ? a_us : b_us;
}

static int64_t later(int64_t a_us, int64_t b_us)
{
	return a_us > b_us ? a_us : b_us;
}

static void take_clock(const struct store_file_message *message, struct saying *saying)
{
	struct wire_clock clock;
	int64_t before_us;

	if (wire_clock_get(message->bytes, message->n_bytes, &clock) != HM_REASON_NONE)
		return;
	saying->kind = (unsigned)clock.event;
	/* The clock may have been wrong when it was told. */
	saying->last_us = later(clock.now_us, message->received_us);
	/* Where the clock was before, it may have been further. */
	if (clock.event == HM_CLOCK_STEPPED &&
	    !__builtin_sub_overflow(clock.now_us, clock.change_us, &before_us))
		saying->last_us = later(saying->last_us, before_us);
}

static void take_message(const struct store_file_message *message, struct saying *saying)
{
	struct cursor cursor = {.at = message->bytes, .left = message->n_bytes};
	struct wire_schedule schedule;
	struct log_delete deleted;
	struct wire_gap gap;
	int64_t received_us = later(message->received_us, INT64_MIN + 1);

	saying->last_us = received_us < INT64_MAX - AHEAD_US ? received_us + AHEAD_US : INT64_MAX;
	if (message->type == HM_RECORD_CLOCK)
		take_clock(message, saying);
	else if (message->type == HM_RECORD_GAP &&
		 wire_gap_get(message->bytes, message->n_bytes, &gap) == HM_REASON_NONE)
		saying->last_us = gap.last_us;
	else if (message->type == HM_RECORD_DELETE && log_entry_get_delete(&cursor, &deleted) == 0)
		saying->last_us = earlier(saying->last_us, deleted.until_us);
	if (message->type == HM_RECORD_SCHEDULE &&
	    wire_schedule_get(message->bytes, message->n_bytes, &schedule) == HM_REASON_NONE) {
		saying->kind = KIND_SCHEDULE;
		saying->last_us = schedule.since_us;
		memcpy(saying->epoch, schedule.stamp.epoch, HM_ID_BYTES);
	}
}

/* @return false: it is no MESSAGE and no EVENT */
static bool read_block(const struct store_file_block *block, struct saying *ret_saying)
{
	struct store_file_message message;
	struct store_file_event event;

	*ret_saying = (struct saying){.kind = KIND_NONE};
	if (store_file_get_event(block, &event) == 0) {
		ret_saying->last_us = event.until_us;
		return true;
	}
	if (store_file_get_message(block, &message) < 0)
		return false;
	take_message(&message, ret_saying);
	return true;
}

/* Does what was noted before hold still? One of another epoch may come late; its own goes on. */
static bool is_late(const struct host_history *history, const struct saying *saying)
{
	return history->last[KIND_SCHEDULE] != 0 && saying->last_us < history->schedule_us &&
	       memcmp(history->schedule_epoch, saying->epoch, HM_ID_BYTES) != 0;
}

void host_history_note(struct host_history *history, const struct file_reader_block *found)
{
	struct saying saying;

	if (!read_block(&found->block, &saying) || saying.kind >= KIND_NONE ||
	    saying.last_us >= history->horizon_us)
		return;
	if (saying.kind == KIND_SCHEDULE) {
		if (is_late(history, &saying))
			return;
		history->schedule_us = saying.last_us;
		memcpy(history->schedule_epoch, saying.epoch, HM_ID_BYTES);
	}
	history->last[saying.kind] = found->offset;
}

bool host_history_has(const struct host_history *history, const struct file_reader_block *found)
{
	struct saying saying;

	if (!read_block(&found->block, &saying))
		return false;
	return saying.last_us >= history->horizon_us ||
	       (saying.kind < KIND_NONE && history->last[saying.kind] == found->offset);
}
