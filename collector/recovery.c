/* SPDX-License-Identifier: MIT */
/* What the log says after whatever happened. */

#include "collector/recovery.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "collector/engine.h"
#include "collector/recovery_part.h"
#include "common/log_segment.h"
#include "common/message.h"

void recovery_done(struct recovery *recovery)
{
	cuts_done(&recovery->cuts);
	free(recovery->segments);
	*recovery = (struct recovery){0};
}

struct pass {
	struct recovery *recovery;
	struct log_segment segment;
	uint64_t offset; /* where the next record is expected */
	uint64_t limit;  /* position from which on nothing of the segment counts */
	bool has_ended;
};

/* How far the records say that the log was durable. */
static int find_durable(struct pass *pass)
{
	struct recovery *recovery = pass->recovery;
	int result;

	do {
		struct log_record record;

		result = log_segment_find(&pass->segment, pass->offset, &record);
		if (result != 0 && result != -EILSEQ)
			break;
		if (record.durable > recovery->durable)
			recovery->durable = record.durable;
		pass->offset = log_segment_behind(&record);
	} while (true);
	return result == -ENODATA ? 0 : result;
}

static void tell_damage(struct recovery *recovery, uint64_t position, uint64_t behind)
{
	recovery->n_damaged++;
	message_warning("segment %08" PRIx32 " of the log: damaged from byte %" PRIu64
			" to %" PRIu64 "; what verifies before and behind counts",
			log_position_segment(position), log_position_offset(position),
			log_position_offset(behind));
}

/* Tell of what was durable in the segment, and is not there behind the last record that counts. */
static void tell_missing(const struct pass *pass)
{
	struct recovery *recovery = pass->recovery;
	uint32_t number = pass->segment.header.number;
	uint64_t last = log_position(number, pass->offset);
	uint64_t until = pass->limit < recovery->durable ? pass->limit : recovery->durable;

	/* Where the next segment does not say where this one ended, it is not known. */
	if (log_position_segment(until) == number && last < until)
		tell_damage(recovery, last, until);
}

/*
 * Judge a record that was found, and what lies before it. What was durable counts wherever it
 * verifies; beyond that only what follows without a hole was written before the end came.
 */
static int judge(struct pass *pass, const struct log_record *record, int found)
{
	struct recovery *recovery = pass->recovery;
	uint64_t expected = log_position(pass->segment.header.number, pass->offset);
	uint64_t behind = log_position(pass->segment.header.number, log_segment_behind(record));
	bool has_hole = record->position != expected || found == -EILSEQ;
	uint64_t hole_end = found == -EILSEQ ? behind : record->position;
	int result;

	if (record->position >= pass->limit || (has_hole && hole_end > recovery->durable)) {
		pass->has_ended = true;
		recovery->n_dropped++;
		tell_missing(pass);
		return 0;
	}
	if (has_hole)
		tell_damage(recovery, expected, hole_end);
	if (found == -EILSEQ)
		recovery_take_damaged(recovery, record);
	result = found == -EILSEQ ? 0 : recovery_take_record(recovery, record);
	if (result == -EBADMSG)
		tell_damage(recovery, record->position, behind);
	pass->offset = log_segment_behind(record);
	recovery->end = behind;
	return result == -EBADMSG ? 0 : result;
}

/* What the device did not give, where no hole was told for it: behind the last record, say. */
static void tell_loss(const struct pass *pass, uint64_t n_told)
{
	struct recovery *recovery = pass->recovery;
	const struct disk_loss *loss = &pass->segment.loss;

	if (loss->n_bytes == 0)
		return;
	recovery->n_damaged += recovery->n_damaged == n_told;
	message_warning("segment %08" PRIx32 " of the log: %" PRIu64 " bytes before byte %" PRIu64
			" cannot be read",
			pass->segment.header.number, loss->n_bytes, loss->until);
}

static int take_records(struct pass *pass)
{
	uint64_t n_told = pass->recovery->n_damaged;
	int result = 0;

	while (result == 0 && !pass->has_ended) {
		struct log_record record;
		int found = log_segment_find(&pass->segment, pass->offset, &record);

		if (found != 0 && found != -EILSEQ) {
			result = found;
			break;
		}
		result = judge(pass, &record, found);
	}
	if (result == -ENODATA) {
		tell_missing(pass);
		result = 0;
	}
	if (result == 0)
		tell_loss(pass, n_told);
	return result;
}

/* A segment that is there and is passed over. @param limit  up to where it counted */
static void tell_passed_over(struct recovery *recovery, size_t index, uint64_t limit)
{
	uint32_t number = recovery->segments[index];
	struct log_segment segment;
	int why = recovery_open_any(recovery, index, &segment);

	log_segment_close(&segment);
	if (disk_is_damage(why) && why != -EBADMSG)
		limit = log_position(number, UINT32_MAX);
	if (why == -EXDEV || why == -ENOTSUP) {
		message_warning("segment %08" PRIx32 " of the log is %s; left alone", number,
				why == -EXDEV ? "another one's, or another store's"
					      : "of a version that is not known");
	}
	/* One whose making was not completed holds nothing. */
	if (log_position_segment(limit) != number)
		return;
	recovery->n_damaged++;
	message_warning("segment %08" PRIx32 " of the log cannot be read: %s; what it held is lost",
			number, strerror(-why));
}

/* The segment behind one says where that one's predecessor ended: where it is another, that is lost. */
static void tell_lost(struct recovery *recovery, size_t index, uint64_t limit)
{
	uint32_t number = log_position_segment(limit);

	if (limit == UINT64_MAX || number <= recovery->segments[index] ||
	    (index + 1 < recovery->n_segments && number >= recovery->segments[index + 1]))
		return;
	recovery->n_damaged++;
	message_warning("segment %08" PRIx32 " of the log is not there; what it held is lost",
			number);
}

/*
 * Up to where a segment counts: the snapshot of the one that was begun after it says how far it was
 * durable, where its sync failed or its end was lost.
 */
static int find_limit(struct recovery *recovery, size_t index, uint64_t *ret_limit)
{
	*ret_limit = UINT64_MAX;
	for (size_t i = index + 1; i < recovery->n_segments; i++) {
		struct log_segment next;
		struct log_record record;
		int result = recovery_open(recovery, i, &next);

		if (result == -ENODATA)
			continue;
		if (result < 0)
			return result;
		result = log_segment_read(&next, HM_LOG_HEADER_BYTES, &record);
		recovery_close(recovery, &next);
		if (result == -ENOMEM)
			return result;
		if (result == 0 && record.type == HM_RECORD_SNAPSHOT) {
			*ret_limit = record.durable;
			break;
		}
	}
	return 0;
}

static uint64_t first_offset(const struct recovery_base *base, size_t index)
{
	return index == base->index ? base->offset : HM_LOG_HEADER_BYTES;
}

/* Find how far the log was durable. */
static int look_through(struct recovery *recovery, const struct recovery_base *base)
{
	int result = 0;

	for (size_t i = base->index; i < recovery->n_segments && result == 0; i++) {
		struct pass pass = {.recovery = recovery, .offset = first_offset(base, i)};

		result = recovery_open(recovery, i, &pass.segment);
		if (result == 0) {
			result = find_durable(&pass);
			recovery_close(recovery, &pass.segment);
		}
		if (result == -ENODATA)
			result = 0;
	}
	return result;
}

/* Take what counts. */
static int read_through(struct recovery *recovery, const struct recovery_base *base)
{
	int result = 0;

	for (size_t i = base->index; i < recovery->n_segments && result == 0; i++) {
		struct pass pass = {.recovery = recovery, .offset = first_offset(base, i)};

		result = find_limit(recovery, i, &pass.limit);
		if (result == 0)
			result = recovery_open(recovery, i, &pass.segment);
		if (result == 0) {
			result = take_records(&pass);
			recovery_close(recovery, &pass.segment);
		} else if (result == -ENODATA) {
			tell_passed_over(recovery, i, pass.limit);
			result = 0;
		}
		if (result == 0)
			tell_lost(recovery, i, pass.limit);
	}
	return result;
}

/* Is something of the log not given that is to be waited for? */
static bool is_held_up(const struct recovery *recovery)
{
	const struct withheld *withheld = &recovery->withheld;

	if (withheld->error == 0)
		return false;
	return withheld->segment == 0 || !disk_is_withheld(withheld->error) ||
	       engine_awaits_disk(recovery->engine);
}

/* As if the log had not been looked at. */
static void forget(struct recovery *recovery)
{
	struct engine *engine = recovery->engine;
	struct withheld withheld = recovery->withheld;

	recovery_done(recovery);
	*recovery = (struct recovery){.engine = engine, .withheld = withheld, .n_damaged = 1};
	cuts_init(&recovery->cuts, &engine->options.key);
	catalog_done(&engine->catalog);
	catalog_init(&engine->catalog, &engine->options.key);
	id_map_done(&engine->hosts);
	engine->next_number = 1;
}

static int read_log(struct recovery *recovery)
{
	struct recovery_base base;
	int result = recovery_list(recovery);

	if (result == 0)
		result = recovery_find_newest(recovery);
	if (result == 0)
		result = recovery_find_base(recovery, &base);
	if (result == 0)
		result = look_through(recovery, &base);
	if (result == 0 && !is_held_up(recovery))
		result = read_through(recovery, &base);
	return result == recovery->withheld.error && result != -ENOMEM ? 0 : result;
}

int recovery_run(struct engine *engine, struct recovery *ret_recovery)
{
	struct recovery recovery = {.engine = engine};
	int result;

	cuts_init(&recovery.cuts, &engine->options.key);
	result = read_log(&recovery);
	if (result == 0 && is_held_up(&recovery))
		forget(&recovery);
	else
		recovery.withheld = (struct withheld){0};
	*ret_recovery = recovery;
	return result;
}
