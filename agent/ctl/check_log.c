/* SPDX-License-Identifier: MIT */
/* `agentctl check` of the log: its segments, and what of them does not verify. */

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "agent/ctl/check_part.h"
#include "common/log_segment.h"

/* A range of the log that does not verify; known to be damage once it is known what was durable. */
struct hole {
	uint64_t position;
	uint64_t length_bytes;
	bool verifies;                   /* but its payload makes no sense, */
	const struct check_ids *unnamed; /* or is samples without names; else NULL */
};

struct scan {
	struct check *check;
	int folder;
	uint32_t *numbers; /* of the segments, growing */
	size_t n_numbers;
	uint64_t *limits; /* of each: how far it counts, as a later one says; 0 = none does */
	struct hole *holes;
	size_t n_holes;
	uint64_t durable; /* all before it was */
};

static int add_hole(struct scan *scan, uint64_t position, uint64_t length_bytes)
{
	struct hole *holes = reallocarray(scan->holes, scan->n_holes + 1, sizeof(*holes));

	if (!holes)
		return -ENOMEM;
	scan->holes = holes;
	holes[scan->n_holes++] = (struct hole){position, length_bytes, false, NULL};
	return 0;
}

/* @return 0; -EBADMSG: it makes no sense; -ENOMEM */
static int take_record(struct scan *scan, const struct log_record *record)
{
	scan->check->n_records++;
	if (record->durable > scan->durable)
		scan->durable = record->durable;
	return check_record(scan->check, record);
}

/* -- segments -------------------------------------------------------------------------------------- */

/* Where the last byte that is not zero lies, behind it. @return that or -errno */
static int64_t find_last_byte(struct log_segment *segment, uint64_t from)
{
	uint8_t bytes[4096];
	uint64_t end = from;

	for (uint64_t at = from; at < segment->end_bytes; at += sizeof(bytes)) {
		size_t length = sizeof(bytes);
		ssize_t result;

		if (length > segment->end_bytes - at)
			length = (size_t)(segment->end_bytes - at);
		result =
			disk_salvage(segment->disk, segment->fd, bytes, length, at, &segment->loss);
		if (result < 0)
			return result;
		if ((size_t)result < length)
			memset(bytes + result, 0, length - (size_t)result);
		for (size_t i = 0; i < length; i++) {
			if (bytes[i] != 0)
				end = at + i + 1;
		}
	}
	return (int64_t)end;
}

/* Behind the last record there are zeros, or something that does not verify. */
static int scan_rest(struct scan *scan, struct log_segment *segment, uint64_t offset)
{
	int64_t end = find_last_byte(segment, offset);

	if (end < 0)
		return (int)end;
	if ((uint64_t)end == offset)
		return 0;
	return add_hole(scan, log_position(segment->header.number, offset), (uint64_t)end - offset);
}

/* A segment begins with how far those before it count: what a power cut tore behind that was never
 * durable, though all that came later is. */
static void note_begin(struct scan *scan, const struct log_record *record)
{
	uint32_t number = log_position_segment(record->position);

	for (size_t i = scan->n_numbers; i > 0; i--) {
		if (scan->numbers[i - 1] >= number)
			continue;
		if (scan->limits[i - 1] != 0)
			break;
		scan->limits[i - 1] = record->durable;
	}
}

static bool has_counted(const struct scan *scan, const struct hole *hole)
{
	uint32_t number = log_position_segment(hole->position);
	size_t i = 0;

	while (i < scan->n_numbers && scan->numbers[i] != number)
		i++;
	if (i < scan->n_numbers && scan->limits[i] != 0 && hole->position >= scan->limits[i])
		return false;
	return hole->position < scan->durable;
}

/* A record that was found. @param length_bytes  how much of the log it takes */
static int scan_record(struct scan *scan, const struct log_record *record, bool is_whole,
		       uint64_t length_bytes)
{
	int result = is_whole ? take_record(scan, record) : -EBADMSG;

	if (result != -EBADMSG)
		return result;
	result = add_hole(scan, record->position, length_bytes);
	if (result == 0)
		scan->holes[scan->n_holes - 1].verifies = is_whole;
	return result;
}

static int scan_records(struct scan *scan, struct log_segment *segment)
{
	uint64_t offset = HM_LOG_HEADER_BYTES;

	for (;;) {
		struct log_record record;
		uint64_t begin;
		int result = log_segment_find(segment, offset, &record);
		bool is_whole = result == 0;

		if (result == -ENODATA)
			return scan_rest(scan, segment, offset);
		if (result < 0 && result != -EILSEQ)
			return result;
		begin = log_position_offset(record.position);
		if (is_whole && begin == HM_LOG_HEADER_BYTES && record.type == HM_RECORD_SNAPSHOT)
			note_begin(scan, &record);
		result = 0;
		if (begin > offset)
			result = add_hole(scan, log_position(segment->header.number, offset),
					  begin - offset);
		offset = log_segment_behind(&record);
		if (result == 0)
			result = scan_record(scan, &record, is_whole, offset - begin);
		if (result < 0)
			return result;
	}
}

/* The header is there twice, and one of them is enough to read the rest. */
static int scan_header(struct scan *scan, const struct log_segment *segment, uint64_t offset)
{
	uint8_t bytes[HM_LOG_HEADER_BYTES] = {0};
	struct log_file_header header;
	ssize_t result = disk_salvage(segment->disk, segment->fd, bytes, sizeof(bytes), offset,
				      &(struct disk_loss){0});

	if (result < 0)
		return (int)result;
	if (log_file_get_header(bytes, sizeof(bytes), &header) == 0)
		return 0;
	return add_hole(scan, log_position(segment->header.number, offset), sizeof(bytes));
}

static int tell_segment(struct scan *scan, uint32_t number, const char *lost)
{
	char name[LOG_FILE_NAME_BYTES];
	struct check_damage damage = {
		.folder = "log",
		.path = name,
		.since_us = INT64_MIN,
		.until_us = INT64_MIN,
		.lost = lost,
	};

	log_file_name(number, name);
	return check_tell(scan->check, &damage);
}

static bool is_zero(const uint8_t *bytes, size_t length)
{
	while (length > 0 && bytes[length - 1] == 0)
		length--;
	return length == 0;
}

/* Is it the newest, and its making not complete? */
static bool is_being_made(const struct scan *scan, uint32_t number)
{
	uint8_t bytes[HM_LOG_HEADER_BYTES] = {0};
	char name[LOG_FILE_NAME_BYTES];
	int result;
	int fd;

	if (number != scan->numbers[scan->n_numbers - 1])
		return false;
	log_file_name(number, name);
	fd = disk_kernel.open(NULL, scan->folder, name, O_RDONLY);
	if (fd < 0)
		return false;
	result = disk_read(&disk_kernel, fd, bytes, sizeof(bytes), 0);
	(void)disk_kernel.close(NULL, fd);
	return (result == 0 || result == -ENODATA) && is_zero(bytes, sizeof(bytes));
}

/* Whether or not something lay there: the next time it may. */
static int tell_loss(struct scan *scan, const struct log_segment *segment)
{
	char name[LOG_FILE_NAME_BYTES];
	struct check_damage damage = {
		.folder = "log",
		.path = name,
		.offset = segment->loss.until - segment->loss.n_bytes,
		.length_bytes = segment->loss.n_bytes,
		.since_us = INT64_MIN,
		.until_us = INT64_MIN,
		.lost = "what the device cannot read, up to here and before",
	};

	log_file_name(segment->header.number, name);
	return check_tell(scan->check, &damage);
}

static int scan_no_segment(struct scan *scan, uint32_t number)
{
	if (is_being_made(scan, number))
		return 0;
	return tell_segment(scan, number, "both headers: all of the segment");
}

static int scan_segment(struct scan *scan, uint32_t number)
{
	size_t n_holes = scan->n_holes;
	struct log_segment segment;
	int result = log_segment_open(&segment, &disk_kernel, scan->folder, number);

	if (result == -EINVAL || result == -EBADMSG || result == -EXDEV)
		return scan_no_segment(scan, number);
	if (result == 0 && check_is_foreign(scan->check, segment.header.store_id))
		result = -EREMOTE;
	if (result == 0)
		result = scan_header(scan, &segment, 0);
	if (result == 0)
		result = scan_header(scan, &segment, segment.end_bytes);
	if (result == 0)
		result = scan_records(scan, &segment);
	if (result == 0) {
		scan->check->n_segments++;
		scan->check->n_bytes += segment.end_bytes + HM_LOG_HEADER_BYTES;
	}
	if (result == 0 && segment.loss.n_bytes > 0 && scan->n_holes == n_holes)
		result = tell_loss(scan, &segment);
	log_segment_close(&segment);
	if (result == -EIO)
		return tell_segment(scan, number,
				    "what the device cannot read: all of the segment");
	if (result < 0 && result != -ENOMEM) {
		char name[LOG_FILE_NAME_BYTES];

		log_file_name(number, name);
		check_skip(scan->check, "log", name, result);
		result = 0;
	}
	return result;
}

static int note_segment(void *argument, const char *name)
{
	struct scan *scan = argument;
	uint32_t number = log_file_number(name);
	uint32_t *numbers;

	if (number == 0)
		return 0;
	numbers = reallocarray(scan->numbers, scan->n_numbers + 1, sizeof(*numbers));
	if (!numbers)
		return -ENOMEM;
	scan->numbers = numbers;
	numbers[scan->n_numbers++] = number;
	return 0;
}

static int compare_numbers(const void *left, const void *right)
{
	uint32_t a = *(const uint32_t *)left;
	uint32_t b = *(const uint32_t *)right;

	return a < b ? -1 : a > b;
}

/* Is it whole now? Its collector may have been writing there when it was read. */
static bool is_mended(const struct scan *scan, const struct hole *hole)
{
	uint64_t offset = log_position_offset(hole->position);
	struct log_segment segment;
	struct log_record record;
	bool is_whole = false;

	if (log_segment_open(&segment, &disk_kernel, scan->folder,
			     log_position_segment(hole->position)) == 0)
		is_whole = log_segment_read(&segment, offset, &record) == 0;
	log_segment_close(&segment);
	return is_whole;
}

/* Tell the holes that are damage: what lies behind the last durable position was never promised. */
static int tell_holes(struct scan *scan)
{
	int result = 0;

	for (size_t i = 0; i < scan->n_holes && result == 0; i++) {
		const struct hole *hole = &scan->holes[i];
		char name[LOG_FILE_NAME_BYTES];
		struct check_damage damage = {
			.folder = "log",
			.path = name,
			.offset = log_position_offset(hole->position),
			.length_bytes = hole->length_bytes,
			.since_us = INT64_MIN,
			.until_us = INT64_MIN,
			.lost = "records",
		};

		if (!has_counted(scan, hole)) {
			scan->check->unconfirmed_bytes += hole->length_bytes;
			continue;
		}
		if (!hole->verifies && is_mended(scan, hole))
			continue;
		log_file_name(log_position_segment(hole->position), name);
		if (damage.offset < HM_LOG_HEADER_BYTES)
			damage.lost = "nothing: the header, which is there twice";
		if (hole->unnamed) {
			damage.since_us = hole->unnamed->first_us;
			damage.until_us = hole->unnamed->last_us;
			damage.lost = "samples of series that the log does not name any more";
		}
		result = check_tell(scan->check, &damage);
	}
	return result;
}

static int add_unnamed(void *context, const struct check_ids *ids)
{
	struct scan *scan = context;
	int result = add_hole(scan, ids->position, ids->length_bytes);

	if (result < 0)
		return result;
	scan->holes[scan->n_holes - 1].verifies = true;
	scan->holes[scan->n_holes - 1].unnamed = ids;
	return 0;
}

int check_log(struct check *check)
{
	struct scan scan = {.check = check};
	int result = 0;

	scan.folder = disk_kernel.open(NULL, check->store, "log", O_RDONLY | O_DIRECTORY);
	if (scan.folder < 0) {
		check_skip(check, "log", "", scan.folder);
		return 0;
	}
	result = disk_kernel.list(NULL, scan.folder, note_segment, &scan);
	scan.limits = calloc(scan.n_numbers + 1, sizeof(*scan.limits));
	if (!scan.limits)
		result = -ENOMEM;
	if (scan.n_numbers > 0)
		qsort(scan.numbers, scan.n_numbers, sizeof(*scan.numbers), compare_numbers);
	for (size_t i = 0; i < scan.n_numbers && result == 0; i++) {
		check_show_progress(check, "log", i, scan.n_numbers);
		result = scan_segment(&scan, scan.numbers[i]);
	}
	if (result == 0)
		result = check_find_unnamed(check, add_unnamed, &scan);
	if (result == 0)
		result = tell_holes(&scan);
	(void)disk_kernel.close(NULL, scan.folder);
	free(scan.numbers);
	free(scan.limits);
	free(scan.holes);
	return result;
}
