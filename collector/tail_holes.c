/* SPDX-License-Identifier: MIT */
/* What is lost of a host's chain, as far as what lies around it tells. */

#include <errno.h>
#include <string.h>

#include "collector/engine.h"
#include "collector/group.h"
#include "collector/tail_part.h"
#include "common/array.h"
#include "common/wire_batch.h"
#include "common/wire_gap.h"

/* So many records before a range are looked at for one with samples. */
#define LOOK_BACK 16

/* What a record of the chain says of the samples around it, and of its place in an epoch. */
struct place {
	int64_t first_us; /* of its samples, or else of its receipt */
	int64_t last_us;
	bool is_batch;
	bool has_stamp;
	struct wire_stamp stamp;
	uint64_t first; /* sequence */
};

struct walk {
	struct tail *tail;
	const struct tail_range *range;
	uint64_t position; /* of the last record; at first the range's beginning */
	struct place
		stamped; /* the last one that has a place in an epoch; without one it is zeroed */
	bool has_batch;
	int64_t last_us; /* that a batch had a sample */
};

/* The times of an agent's batch; where they are impossible, that of its receipt. */
static void take_times(struct tail *tail, const struct log_record *record, struct place *place)
{
	struct wire_batch batch;
	const uint8_t *bytes;
	size_t length;
	bool is_first = true;

	if (wire_batch_get(record->payload, record->payload_bytes, &batch) != HM_REASON_NONE)
		return;
	while (batch_get_block(&batch.blocks, &bytes, &length) == 0 &&
	       block_decoder_open(tail->decoder, bytes, length) == 0) {
		size_t n;
		const int64_t *times_us = block_decoder_times(tail->decoder, &n);

		if (group_is_odd(times_us[0], record->received_us) ||
		    group_is_odd(times_us[n - 1], record->received_us))
			continue;
		if (is_first || times_us[0] < place->first_us)
			place->first_us = times_us[0];
		if (is_first || times_us[n - 1] > place->last_us)
			place->last_us = times_us[n - 1];
		is_first = false;
	}
}

static struct place get_place(struct tail *tail, const struct log_record *record)
{
	struct cursor cursor = {.at = record->payload, .left = record->payload_bytes};
	struct place place = {.first_us = record->received_us, .last_us = record->received_us};
	struct wire_gap gap;

	/* What a DELETE begins with is no stamp; NAMES take no place. */
	if (record->type == HM_RECORD_DELETE || record->type == HM_RECORD_NAMES)
		return place;
	place.is_batch = record->type == HM_RECORD_BATCH;
	place.has_stamp = wire_stamp_get(&cursor, &place.stamp) == HM_REASON_NONE;
	place.first = place.stamp.sequence;
	if (record->type == HM_RECORD_GAP &&
	    wire_gap_get(record->payload, record->payload_bytes, &gap) == HM_REASON_NONE)
		place.first = gap.first;
	if (place.is_batch && place.has_stamp)
		take_times(tail, record, &place);
	return place;
}

/* What is lost must have been between these two. @return how many messages; 0: that is not known; -1: none */
static int64_t count_lost(const struct walk *walk, const struct place *behind)
{
	const struct place *last = &walk->stamped;

	if (!last->has_stamp || !behind->has_stamp ||
	    memcmp(last->stamp.epoch, behind->stamp.epoch, HM_ID_BYTES) != 0)
		return 0;
	if (behind->first <= last->stamp.sequence + 1)
		return -1;
	return (int64_t)(behind->first - last->stamp.sequence - 1);
}

/*
 * Follow the chain back through records that are damaged and whose headers are not.
 * @param position  of the last one. @param until_us  set where its header tells its time
 * @return is all that is lost there twice, or made up?
 */
static bool is_harmless(const struct walk *walk, uint64_t position, int64_t *until_us)
{
	struct log_record record = {0};
	bool is_first = true;

	while (position > walk->position) {
		int result = tail_read(walk->tail, position, &record);

		if (result != -EILSEQ || !tail_is_link(&record, walk->range->host) ||
		    record.previous >= position)
			return false;
		if (is_first && record.received_us < *until_us)
			*until_us = record.received_us;
		is_first = false;
		if (record.type != HM_RECORD_NAMES && record.type != HM_RECORD_DECLARE &&
		    record.type != HM_RECORD_DELETE)
			return false;
		position = record.previous;
	}
	return true;
}

/* No batch before it is known: it came after the segment was made. */
static int64_t begin_of_segment(const struct walk *walk, uint64_t position, int64_t until_us)
{
	struct log_segment *segment;

	if (position == 0 ||
	    tail_get_segment(walk->tail, log_position_segment(position), &segment) < 0 ||
	    segment->header.created_us > until_us)
		return until_us;
	return segment->header.created_us;
}

static int add_hole(struct walk *walk, const struct tail_hole *hole)
{
	struct tail *tail = walk->tail;
	struct tail_hole *holes =
		array_grow(tail->holes, tail->n_holes, &tail->holes_capacity, sizeof(*holes));

	if (!holes)
		return -ENOMEM;
	tail->holes = holes;
	holes[tail->n_holes++] = *hole;
	return 0;
}

/*
 * Something lies between two records. @param previous  the position of the last that is lost
 * @param position  behind it. @param behind  what is there
 */
static int note_hole(struct walk *walk, uint64_t previous, uint64_t position,
		     const struct place *behind)
{
	int64_t n = count_lost(walk, behind);
	struct tail_hole hole = {.position = position, .until_us = behind->first_us};

	if (n < 0 || is_harmless(walk, previous, &hole.until_us))
		return 0;
	hole.since_us = walk->has_batch ? walk->last_us
					: begin_of_segment(walk, walk->range->after, hole.until_us);
	if (hole.since_us > hole.until_us)
		hole.since_us = hole.until_us;
	hole.n = (uint64_t)n;
	return add_hole(walk, &hole);
}

static void take_place(struct walk *walk, const struct place *place)
{
	if (place->has_stamp)
		walk->stamped = *place;
	if (place->is_batch) {
		walk->has_batch = true;
		walk->last_us = place->last_us;
	}
}

/* The records that the range begins behind, back to one with samples. */
static void take_before(struct walk *walk)
{
	uint64_t position = walk->range->after;
	struct walk before = *walk;

	for (int i = 0; i < LOOK_BACK && !before.has_batch; i++) {
		struct log_record record = {0};
		struct place place;

		if (tail_read(walk->tail, position, &record) != 0 ||
		    !tail_is_link(&record, walk->range->host) || record.previous >= position)
			break;
		place = get_place(walk->tail, &record);
		/* The first one is the last. */
		if (before.stamped.has_stamp)
			place.has_stamp = false;
		take_place(&before, &place);
		position = record.previous;
	}
	*walk = before;
}

static int walk_record(struct walk *walk, uint64_t position)
{
	struct log_record record = {0};
	struct place place;
	int result = tail_read(walk->tail, position, &record);

	if (result < 0)
		return tail_is_damage(result) ? 0 : result;
	place = get_place(walk->tail, &record);
	if (record.previous > walk->position)
		result = note_hole(walk, record.previous, position, &place);
	take_place(walk, &place);
	walk->position = position;
	return result;
}

int tail_find_holes(struct tail *tail, const struct tail_hole **ret_holes, size_t *ret_n)
{
	const struct disk *disk = tail->engine->options.disk;
	struct walk walk = {.tail = tail, .range = &tail->range, .position = tail->range.after};
	int result = 0;

	tail->n_holes = 0;
	if (tail->n_damaged > 0)
		take_before(&walk);
	for (size_t i = 0; i < tail->n_positions && tail->n_damaged > 0 && result == 0; i++)
		result = walk_record(&walk, tail->positions[i]);
	if (result == 0 && tail->n_damaged > 0 && walk.position < tail->range.last) {
		int64_t now_us = disk->now_us(disk->context);
		const struct place behind = {.first_us = now_us, .last_us = now_us};

		result = note_hole(&walk, tail->range.last, tail->range.last, &behind);
	}
	*ret_holes = tail->holes;
	*ret_n = tail->n_holes;
	return result;
}

int tail_get_hole(struct tail *tail, uint64_t position, struct tail_hole *ret_hole)
{
	struct log_record record = {0};
	struct place place;
	int result = tail_read(tail, position, &record);

	if (result < 0)
		return result;
	place = get_place(tail, &record);
	*ret_hole = (struct tail_hole){position, place.first_us, place.last_us, 1};
	return 0;
}
