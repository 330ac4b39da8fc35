/* SPDX-License-Identifier: MIT */
/* What lies in the spool's folder, segment by segment. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/spool_part.h"
#include "agent/spool_replay.h"
#include "common/log_segment.h"

#define TAIL_BYTES ((size_t)4096)

/* A place that cannot be read is as old as the one before it. */
#define UNREADABLE (-1)

struct recovery {
	struct spool *spool;
	uint64_t durable; /* position: all before it was durable */
	bool is_uncertain;
};

static int take_name(void *argument, const char *name)
{
	struct spool_place place = {.number = log_file_number(name), .begun_us = UNREADABLE};

	return place.number == 0 ? 0 : spool_add_place(argument, &place);
}

static int compare_places(const void *a, const void *b)
{
	const struct spool_place *left = a;
	const struct spool_place *right = b;

	return left->number < right->number ? -1 : left->number > right->number;
}

/* Does an error say nothing of what is on the disk? Then it may be read another time. */
static bool is_passing(int result)
{
	switch (result) {
	case -ENOMEM:
	case -EMFILE:
	case -ENFILE:
	case -EACCES:
	case -EPERM:
	case -EAGAIN:
	case -EINTR:
		return true;
	default:
		return false;
	}
}

/* @return 0; -EBADMSG: it cannot be read; one that is_passing(), or -EIO where that may pass as well */
static int open_segment(const struct spool *spool, uint32_t number, struct log_segment *segment)
{
	int result = log_segment_open(segment, spool->options.disk, spool->options.folder, number);

	if (result == 0 && memcmp(segment->header.store_id, SPOOL_STORE_ID, HM_ID_BYTES) != 0) {
		log_segment_close(segment);
		result = -EBADMSG;
	}
	if (result == -EIO && spool->options.awaits_segments)
		return result;
	return result == 0 || is_passing(result) ? result : -EBADMSG;
}

/* Get to know each segment: can it be read, and when was it begun? */
static int look_at_places(struct spool *spool)
{
	for (size_t i = 0; i < spool->n_places; i++) {
		struct spool_place *place = &spool->places[i];
		struct log_segment segment;
		struct log_record record;
		int result = open_segment(spool, place->number, &segment);

		if (result < 0 && result != -EBADMSG)
			return result;
		if (result < 0)
			continue;
		place->salt = segment.header.salt;
		place->begun_us = 0;
		place->bound = UINT64_MAX;
		spool->last_segment = place->number;
		if (log_segment_find(&segment, HM_LOG_HEADER_BYTES, &record) == 0) {
			struct cursor cursor = {.at = record.payload, .left = record.payload_bytes};
			struct spool_state state;

			place->bound = record.durable;
			if ((int)record.type == SPOOL_RECORD_STATE &&
			    spool_record_get_state(&cursor, &state) == 0)
				place->begun_us = state.age_us;
		}
		log_segment_close(&segment);
	}
	return 0;
}

/* Read a segment for how things were at last. @return did it tell? or as open_segment() */
static int read_state(struct recovery *recovery, uint32_t number)
{
	uint64_t offset = HM_LOG_HEADER_BYTES;
	struct log_segment segment;
	struct log_record record;
	bool is_told = false;
	int result = open_segment(recovery->spool, number, &segment);

	if (result < 0)
		return result == -EBADMSG ? 0 : result;
	while ((result = log_segment_find(&segment, offset, &record)) == 0 || result == -EILSEQ) {
		offset = log_segment_behind(&record);
		if (record.durable > recovery->durable)
			recovery->durable = record.durable;
		if (result == -EILSEQ || (int)record.type != SPOOL_RECORD_STATE)
			continue;
		result = spool_replay_state(recovery->spool, &record);
		if (result == -ENOMEM)
			break;
		is_told |= result == 0;
	}
	log_segment_close(&segment);
	return result == -ENOMEM ? result : is_told;
}

/* Something that is no record lies before this position; what was not known to be durable may
 * have been all the same. */
static void count_damage(struct recovery *recovery, uint64_t position)
{
	recovery->spool->n_damaged++;
	recovery->is_uncertain |= position > recovery->durable;
}

/* Is there anything but zeros from here to the end? */
static bool has_tail(struct log_segment *segment, uint64_t offset)
{
	const struct disk *disk = segment->disk;
	uint8_t bytes[TAIL_BYTES];

	while (offset < segment->end_bytes) {
		size_t wanted = sizeof(bytes);
		ssize_t n;

		if (wanted > segment->end_bytes - offset)
			wanted = (size_t)(segment->end_bytes - offset);
		n = disk_salvage(disk, segment->fd, bytes, wanted, offset, &segment->loss);
		if (n <= 0 || segment->loss.n_bytes > 0)
			return true;
		for (ssize_t i = 0; i < n; i++) {
			if (bytes[i] != 0)
				return true;
		}
		offset += (uint64_t)n;
	}
	return false;
}

/* @param bound  position: what is at or beyond it was written again, or never counted */
static int replay_segment(struct recovery *recovery, uint32_t number, uint64_t bound)
{
	uint64_t offset = HM_LOG_HEADER_BYTES;
	struct log_segment segment;
	struct log_record record;
	int result = open_segment(recovery->spool, number, &segment);

	if (result < 0)
		return result == -EBADMSG ? 0 : result;
	while ((result = log_segment_find(&segment, offset, &record)) == 0 || result == -EILSEQ) {
		if (record.position >= bound)
			break;
		if (log_position_offset(record.position) != offset)
			count_damage(recovery, record.position);
		offset = log_segment_behind(&record);
		if (result == -EILSEQ)
			count_damage(recovery, log_position(number, offset));
		if (result == -EILSEQ)
			continue;
		result = spool_replay_record(recovery->spool, &record,
					     record.position < recovery->durable);
		if (result < 0)
			break;
	}
	if (result == -ENODATA && bound > log_position(number, offset) &&
	    has_tail(&segment, offset))
		count_damage(recovery, log_position(number, offset) + 1);
	log_segment_close(&segment);
	return result == -ENOMEM ? result : 0;
}

static int replay(struct recovery *recovery)
{
	struct spool *spool = recovery->spool;
	int result = 0;

	/* From the newest on: the last STATE counts. */
	for (size_t i = spool->n_places; result == 0 && i > 0; i--)
		result = read_state(recovery, spool->places[i - 1].number);
	for (size_t i = 0; result >= 0 && i < spool->n_places; i++) {
		uint64_t bound = UINT64_MAX;

		for (size_t k = i + 1; k < spool->n_places; k++) {
			/* Only a segment that was whole says what counts of those before. */
			if (spool->places[k].begun_us != UNREADABLE &&
			    spool->places[k].bound < bound &&
			    spool->places[k].number <= log_position_segment(recovery->durable))
				bound = spool->places[k].bound;
		}
		result = replay_segment(recovery, spool->places[i].number, bound);
	}
	return result < 0 ? result : 0;
}

/* What cannot be read is set aside: it goes when it is the oldest. */
static void date_places(struct recovery *recovery)
{
	struct spool *spool = recovery->spool;
	int64_t begun_us = spool->age_then_us;

	for (size_t i = spool->n_places; i > 0; i--) {
		struct spool_place *place = &spool->places[i - 1];

		if (place->begun_us == UNREADABLE) {
			spool->n_damaged++;
			recovery->is_uncertain |= place->number > spool->last_segment;
			place->begun_us = begun_us;
		}
		begun_us = place->begun_us;
	}
}

int spool_recover(struct spool *spool, bool *ret_is_uncertain)
{
	const struct disk *disk = spool->options.disk;
	struct recovery recovery = {.spool = spool};
	int result = disk->list(disk->context, spool->options.folder, take_name, spool);

	/* Without a folder there is nothing in it. */
	if (is_passing(result))
		return result;
	if (result < 0) {
		/* What there is comes to light some other time. */
		spool_note_error(spool, result, "list the folder");
		recovery.is_uncertain = true;
	}
	if (spool->n_places > 0)
		qsort(spool->places, spool->n_places, sizeof(*spool->places), compare_places);
	result = look_at_places(spool);
	if (result == 0)
		result = replay(&recovery);
	if (result == 0)
		result = spool_replay_end(spool, &recovery.is_uncertain);
	if (result < 0)
		return result;
	date_places(&recovery);
	spool->durable = recovery.durable;
	*ret_is_uncertain = recovery.is_uncertain;
	return 0;
}
