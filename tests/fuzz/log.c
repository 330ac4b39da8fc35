/* SPDX-License-Identifier: MIT */
/*
 * Fuzz target: a segment of the log. Any bytes as a file, with and without checksums made right: all
 * records that are found are read by the decoders of their payloads, and written again to the same
 * bytes. And records of lengths and gaps by the input: all of them must be found, and nothing else.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

#include "common/batch.h"
#include "common/crc32c.h"
#include "common/log_entry.h"
#include "common/log_segment.h"
#include "common/wire_batch.h"

#define NUMBER      UINT32_C(1)
#define SALT        UINT32_C(0x01020304)
#define RECORDS_MAX 16
#define GAP_UNITS   8

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes);

static void check(bool is_true)
{
	if (!is_true)
		abort();
}

/* -- a disk with one file ------------------------------------------------------------------------- */

static int open_file(void *context, int folder, const char *path, int flags)
{
	(void)context;
	(void)folder;
	(void)path;
	(void)flags;
	return 1;
}

static int close_file(void *context, int fd)
{
	(void)context;
	(void)fd;
	return 0;
}

static ssize_t read_file(void *context, int fd, void *bytes, size_t length, uint64_t offset)
{
	const struct buffer *file = context;

	(void)fd;
	if (offset >= file->length)
		return 0;
	if (length > file->length - offset)
		length = file->length - (size_t)offset;
	memcpy(bytes, file->data + offset, length);
	return (ssize_t)length;
}

static int stat_file(void *context, int fd, struct disk_status *ret_status)
{
	const struct buffer *file = context;

	(void)fd;
	*ret_status = (struct disk_status){.is_file = true, .size_bytes = file->length};
	return 0;
}

static struct disk make_disk(struct buffer *file)
{
	return (struct disk){
		.context = file,
		.open = open_file,
		.close = close_file,
		.pread = read_file,
		.fstat = stat_file,
	};
}

/* -- payloads ------------------------------------------------------------------------------------- */

/* Read hosts and put them again. @return what ended it */
static int copy_hosts(struct cursor *cursor, struct buffer *again)
{
	struct log_host host;
	struct log_epoch epoch;
	int result = log_entry_get_host(cursor, &host);

	while (result == 0) {
		check(host.number != 0 && host.name.length > 0);
		log_entry_put_host(again, &host);
		for (uint32_t i = 0; result == 0 && i < host.n_epochs; i++) {
			result = log_entry_get_epoch(cursor, &epoch);
			if (result == 0)
				log_entry_put_epoch(again, &epoch);
		}
		if (result == 0)
			result = log_entry_get_host(cursor, &host);
	}
	return result;
}

static int copy_group(struct cursor *cursor, struct buffer *again)
{
	struct log_group_file file;
	uint64_t group;
	int result = log_entry_get_group(cursor, &group);

	if (result == 0)
		log_entry_put_group(again, group);
	while (result == 0) {
		result = log_entry_get_group_file(cursor, &file);
		if (result == 0)
			log_entry_put_group_file(again, &file);
	}
	return result;
}

static int copy_checkpoint(struct cursor *cursor, struct buffer *again)
{
	struct log_checkpoint checkpoint;
	uint64_t group;
	int result = log_entry_get_group(cursor, &group);

	if (result == 0)
		log_entry_put_group(again, group);
	while (result == 0) {
		result = log_entry_get_checkpoint(cursor, &checkpoint);
		if (result == 0)
			log_entry_put_checkpoint(again, &checkpoint);
	}
	return result;
}

static int copy_delete(struct cursor *cursor, struct buffer *again)
{
	struct log_delete entry;
	struct series_text metric;
	struct series_text labels;
	int result = log_entry_get_delete(cursor, &entry);

	if (result == 0) {
		check(entry.name.length > 0 && entry.since_us <= entry.until_us);
		log_entry_put_delete(again, &entry);
	}
	while (result == 0) {
		result = log_entry_get_delete_series(cursor, &metric, &labels);
		if (result == 0)
			log_entry_put_delete_series(again, &metric, &labels);
	}
	return result;
}

static int copy_horizons(struct cursor *cursor, struct buffer *again)
{
	struct log_horizon entry;
	int result;

	while ((result = log_entry_get_horizon(cursor, &entry)) == 0)
		log_entry_put_horizon(again, &entry);
	return result;
}

static int copy_marks(struct cursor *cursor, struct buffer *again)
{
	struct log_mark entry;
	int result;

	while ((result = log_entry_get_mark(cursor, &entry)) == 0) {
		check(entry.host != 0);
		log_entry_put_mark(again, &entry);
	}
	return result;
}

/* A batch of an agent; the other messages are those of the wire, which has a target of its own. */
static int copy_agents_batch(struct cursor *cursor, struct buffer *again)
{
	const uint8_t *bytes;
	struct wire_batch batch;
	size_t length;
	int result = 0;

	if (wire_batch_get(cursor->at, cursor->left, &batch) != HM_REASON_NONE)
		return -EBADMSG;
	wire_stamp_put(again, &batch.stamp);
	while (result == 0) {
		result = batch_get_block(&batch.blocks, &bytes, &length);
		if (result == 0)
			batch_put_block(again, bytes, length);
	}
	return result;
}

static int copy_batch(struct cursor *cursor, struct buffer *again)
{
	struct batch_head head;
	struct batch_series series;
	const uint8_t *bytes;
	size_t length;
	int result = batch_get_head(cursor, &head);

	if (result == 0)
		batch_put_head(again, &head);
	for (uint32_t i = 0; result == 0 && i < head.n_series; i++) {
		result = batch_get_series(cursor, &series);
		if (result == 0)
			batch_put_series(again, &series);
	}
	while (result == 0) {
		result = batch_get_block(cursor, &bytes, &length);
		if (result == 0)
			batch_put_block(again, bytes, length);
	}
	return result;
}

/* Whatever the bytes are, each decoder ends, and what it took gives the same bytes again. */
static void check_payload(int (*copy)(struct cursor *cursor, struct buffer *again),
			  const void *payload, size_t n_bytes)
{
	uint8_t *exact = malloc(n_bytes + 1);
	struct cursor cursor = {.at = exact, .left = n_bytes};
	struct buffer again = {0};
	int result;

	check(exact != NULL);
	memcpy(exact, payload, n_bytes);
	result = copy(&cursor, &again);
	check(result == -ENODATA || result == -EBADMSG);
	check(!buffer_failed(&again) && again.length <= n_bytes);
	check(result == -EBADMSG || again.length == n_bytes);
	check(again.length == 0 || memcmp(again.data, exact, again.length) == 0);
	buffer_done(&again);
	free(exact);
}

static void check_payloads(const void *payload, size_t n_bytes)
{
	check_payload(copy_hosts, payload, n_bytes);
	check_payload(copy_group, payload, n_bytes);
	check_payload(copy_checkpoint, payload, n_bytes);
	check_payload(copy_batch, payload, n_bytes);
	check_payload(copy_delete, payload, n_bytes);
	check_payload(copy_horizons, payload, n_bytes);
	check_payload(copy_marks, payload, n_bytes);
	check_payload(copy_agents_batch, payload, n_bytes);
}

/* -- hostile bytes -------------------------------------------------------------------------------- */

/* A record that verifies gives the same bytes again, but for what fills it up and is reserved. */
static void check_record(const struct buffer *file, uint32_t salt, const struct log_record *record)
{
	const char *at = file->data + log_position_offset(record->position);
	struct buffer again = {0};

	log_file_put_record(&again, salt, record);
	check(!buffer_failed(&again));
	if (memcmp(at + HM_RECORD_HEADER_BYTES - 4, "\0\0\0\0", 4) == 0)
		check(memcmp(again.data, at, HM_RECORD_HEADER_BYTES + record->payload_bytes) == 0);
	buffer_done(&again);
}

/* All records, by log_segment_find(). @return how many verify */
static size_t walk(struct buffer *file)
{
	struct disk disk = make_disk(file);
	struct log_segment segment;
	uint64_t offset = HM_LOG_HEADER_BYTES;
	size_t n = 0;
	int result = log_segment_open(&segment, &disk, 0, NUMBER);

	if (result < 0)
		return 0;
	do {
		struct log_record record;
		struct log_record same;

		result = log_segment_find(&segment, offset, &record);
		check(result == 0 || result == -EILSEQ || result == -ENODATA);
		if (result == -ENODATA)
			break;
		check(log_position_segment(record.position) == NUMBER &&
		      log_position_offset(record.position) >= offset);
		check(log_segment_read(&segment, log_position_offset(record.position), &same) ==
		      result);
		offset = log_segment_behind(&record);
		check(offset <= segment.end_bytes + HM_RECORD_ALIGN);
		n += result == 0;
		if (result == 0) {
			check_record(file, segment.header.salt, &same);
			check_payloads(same.payload, same.payload_bytes);
		}
	} while (true);
	log_segment_close(&segment);
	return n;
}

static void put_u32(char *bytes, uint32_t number)
{
	for (int i = 0; i < 4; i++)
		bytes[i] = (char)(number >> 8 * i);
}

static void put_header(struct buffer *file)
{
	struct log_file_header header = {.number = NUMBER, .salt = SALT};

	log_file_put_header(file, &header);
}

/* Bytes between two good headers, where what could begin a record has its checksums made right. */
static void check_sealed(const uint8_t *data, size_t n_bytes)
{
	struct buffer file = {0};
	size_t offset = HM_LOG_HEADER_BYTES;

	put_header(&file);
	buffer_append(&file, data, n_bytes);
	while (file.length - offset >= HM_RECORD_HEADER_BYTES) {
		struct cursor cursor = {.at = (uint8_t *)file.data + offset + 4, .left = 4};
		size_t payload_bytes = cursor_get_u32(&cursor) % 256;
		uint8_t seed[12] = {4, 3, 2, 1, 0, 0, 0, 0, NUMBER, 0, 0, 0};
		char *at = file.data + offset;

		if (payload_bytes > file.length - offset - HM_RECORD_HEADER_BYTES)
			break;
		put_u32(at + 4, (uint32_t)payload_bytes);
		put_u32(at + 40, crc32c(0, at + HM_RECORD_HEADER_BYTES, payload_bytes));
		put_u32((char *)seed + 4, (uint32_t)offset);
		put_u32(at,
			crc32c(crc32c(0, seed, sizeof(seed)), at + 4, HM_RECORD_HEADER_BYTES - 4));
		offset += log_file_record_bytes(payload_bytes);
		if (offset > file.length)
			break;
	}
	put_header(&file);
	check(!buffer_failed(&file));
	check(walk(&file) > 0 || n_bytes < HM_RECORD_HEADER_BYTES + 256);
	buffer_done(&file);
}

/* -- records by the input ------------------------------------------------------------------------- */

struct wanted {
	uint64_t offsets[RECORDS_MAX];
	uint32_t n_bytes[RECORDS_MAX];
	size_t n;
};

static uint8_t take(const uint8_t **data, const uint8_t *end)
{
	return *data < end ? *(*data)++ : 0;
}

/* Zeros, many of them, or bytes that make no record. */
static void put_gap(struct buffer *file, uint8_t units, uint8_t filling)
{
	size_t n_bytes = (size_t)units * HM_RECORD_ALIGN;
	bool is_zero = filling % 2 == 0;

	if (is_zero)
		n_bytes *= GAP_UNITS;
	if (buffer_reserve(file, n_bytes) < 0)
		return;
	memset(file->data + file->length, is_zero ? 0 : filling, n_bytes);
	file->length += n_bytes;
}

/* Records between gaps of zeros or of bytes that are none. */
static void put_records(struct buffer *file, struct wanted *wanted, const uint8_t *data,
			const uint8_t *end)
{
	while (data < end && wanted->n < RECORDS_MAX) {
		uint8_t gap = take(&data, end);
		uint8_t filling = take(&data, end);
		size_t n_bytes = (size_t)take(&data, end) << take(&data, end) % 8;
		char *payload = calloc(1, n_bytes + 1);
		struct log_record record = {
			.type = (enum hm_record_type)(take(&data, end) + 1),
			.host = (uint32_t)wanted->n + 1,
			.payload = payload,
			.payload_bytes = (uint32_t)n_bytes,
		};

		check(payload != NULL);
		memset(payload, filling, n_bytes);
		put_gap(file, gap, filling);
		record.position = log_position(NUMBER, file->length);
		wanted->offsets[wanted->n] = file->length;
		wanted->n_bytes[wanted->n++] = (uint32_t)n_bytes;
		log_file_put_record(file, SALT, &record);
		free(payload);
	}
}

static void check_structured(const uint8_t *data, size_t n_bytes)
{
	struct buffer file = {0};
	struct disk disk = make_disk(&file);
	struct wanted wanted = {.n = 0};
	struct log_segment segment;
	struct log_record record;
	uint64_t offset = HM_LOG_HEADER_BYTES;

	put_header(&file);
	put_records(&file, &wanted, data, data + n_bytes);
	put_header(&file);
	check(!buffer_failed(&file));
	check(log_segment_open(&segment, &disk, 0, NUMBER) == 0);
	for (size_t i = 0; i < wanted.n; i++) {
		check(log_segment_find(&segment, offset, &record) == 0);
		check(record.host == i + 1 && record.payload_bytes == wanted.n_bytes[i]);
		check(log_position_offset(record.position) == wanted.offsets[i]);
		check_record(&file, SALT, &record);
		offset = log_segment_behind(&record);
	}
	check(log_segment_find(&segment, offset, &record) == -ENODATA);
	log_segment_close(&segment);
	buffer_done(&file);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes)
{
	struct buffer file = {0};

	buffer_append(&file, data, n_bytes);
	(void)walk(&file);
	buffer_done(&file);
	check_payloads(data, n_bytes);
	check_sealed(data, n_bytes);
	check_structured(data, n_bytes);
	return 0;
}
