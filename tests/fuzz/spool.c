/* SPDX-License-Identifier: MIT */
/*
 * Fuzz target: a spool's folder. Any bytes as a segment; and any records in one or two, with checksums that are right. The
 * spool opens, offers messages whose sequences follow each other, takes more of them, and has them when it is
 * opened again.
 */

#include "agent/spool.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "agent/spool_record.h"
#include "common/cursor.h"
#include "common/log_file.h"
#include "common/wire_gap.h"
#include "tests/support/sim_disk.h"

#define SEGMENT_BYTES ((size_t)16 << 10)
#define SEGMENTS      6
#define SALT          UINT32_C(0x01020304)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes);

static void check(bool is_true)
{
	if (!is_true)
		abort();
}

static void write_file(struct sim_disk *sim, uint32_t number, const void *bytes, size_t n_bytes)
{
	const struct disk *disk = sim_disk_table(sim);
	int folder = sim_disk_open_root(sim);
	char name[LOG_FILE_NAME_BYTES];
	int fd;

	log_file_name(number, name);
	fd = disk->open(disk->context, folder, name, O_RDWR | O_CREAT | O_EXCL);
	check(fd >= 0 && disk_write(disk, fd, bytes, n_bytes, 0) == 0);
	check(disk->close(disk->context, fd) == 0 && disk->close(disk->context, folder) == 0);
}

/* A STATE of a few bytes: epochs whose numbers count, with ends as the input has them. */
static void put_state(struct buffer *out, struct cursor *in)
{
	struct spool_state state = {.last_tick = cursor_get_u8(in), .n_epochs = 1};

	state.n_epochs += cursor_get_u8(in) % 3;
	state.last_epoch = state.n_epochs;
	spool_record_put_state(out, &state);
	for (uint32_t i = 1; i <= state.n_epochs; i++) {
		struct spool_state_epoch epoch = {
			.number = i,
			.flags = cursor_get_u8(in),
			.id = {(uint8_t)i},
			.host_id = {1},
			.host_name = {"web01", 5},
			.base = cursor_get_u8(in),
		};

		epoch.last = epoch.base + cursor_get_u16(in);
		epoch.acked = cursor_get_u8(in) % (epoch.last + 1);
		spool_record_put_epoch(out, &epoch);
	}
}

static void put_message(struct buffer *out, struct cursor *in)
{
	struct spool_meta meta = {
		.type = (uint8_t)(HM_FRAME_DECLARE + cursor_get_u8(in) % 4),
		.n_samples = cursor_get_u8(in),
		.first_tick = cursor_get_u8(in),
		.moved_epoch = cursor_get_u8(in) % 4,
		.moved_sequence = cursor_get_u8(in),
	};
	struct spool_gap gap = {.first = cursor_get_u16(in), .reason = 1};

	spool_record_put_meta(out, &meta);
	if (meta.type == HM_FRAME_GAP)
		spool_record_put_gap(out, &gap);
	else
		cursor_put_u32(out, cursor_get_u32(in));
}

/* @return is there room for more? */
static bool put_record(struct buffer *file, uint32_t number, struct cursor *in)
{
	struct log_record record = {
		.type = (enum hm_record_type)(cursor_get_u8(in) % 5),
		.position = log_position(number, file->length),
		.host = cursor_get_u8(in) % 4,
		.previous = cursor_get_u16(in),
		.durable = log_position(cursor_get_u8(in) % 4, cursor_get_u16(in) % SEGMENT_BYTES),
		.received_us = cursor_get_u8(in),
	};
	struct buffer payload = {.data = NULL};
	size_t n_zeros = cursor_get_u8(in) % 8 ? 0 : HM_RECORD_ALIGN * 3;
	bool is_known = cursor_get_u8(in) % 8 != 0;

	if (is_known && (int)record.type == SPOOL_RECORD_STATE)
		put_state(&payload, in);
	else if (is_known && (int)record.type == SPOOL_RECORD_MESSAGE)
		put_message(&payload, in);
	else
		cursor_put_u32(&payload, cursor_get_u32(in));
	record.payload = payload.data;
	record.payload_bytes = (uint32_t)payload.length;
	log_file_put_record(file, SALT, &record);
	while (n_zeros-- > 0)
		buffer_append_byte(file, (char)(n_zeros % 2));
	buffer_done(&payload);
	return file->length < SEGMENT_BYTES - 2048;
}

static void write_segment(struct sim_disk *sim, uint32_t number, struct cursor *in,
			  size_t n_records)
{
	struct log_file_header header = {.number = number, .salt = SALT};
	struct buffer file = {.data = NULL};

	memcpy(header.store_id, SPOOL_STORE_ID, HM_ID_BYTES);
	log_file_put_header(&file, &header);
	while (n_records-- > 0 && in->left > 0 && put_record(&file, number, in)) {
	}
	while (file.length < SEGMENT_BYTES - HM_LOG_HEADER_BYTES)
		buffer_append_byte(&file, 0);
	log_file_put_header(&file, &header);
	write_file(sim, number, file.data, file.length);
	buffer_done(&file);
}

static uint64_t count_messages(struct spool *spool)
{
	struct spool_epoch_info info;
	struct spool_message message;
	struct spool_tick tick;
	uint64_t n = 0;

	for (size_t i = 0; spool_get_tick(spool, i, &tick) == 0; i++)
		check(tick.payload_bytes > 0);
	for (size_t i = 0; spool_get_epoch(spool, i, &info) == 0; i++) {
		uint64_t after = 0;
		struct wire_gap gap;

		while (spool_next(spool, info.id, after, &message) == 0) {
			gap.first = message.sequence;
			check(message.sequence > after);
			if (message.type == HM_FRAME_GAP)
				check(wire_gap_get(message.payload, message.payload_bytes, &gap) ==
				      HM_REASON_NONE);
			check(after == 0 || gap.first == after + 1);
			after = message.sequence;
			n++;
		}
		check(after == info.last);
	}
	return n;
}

static void use(struct sim_disk *sim)
{
	struct spool_options options = {
		.disk = sim_disk_table(sim),
		.folder = sim_disk_open_root(sim),
		.segment_bytes = SEGMENT_BYTES,
		.max_bytes = SEGMENTS * SEGMENT_BYTES,
		.max_age_us = SPOOL_MAX_AGE_US,
		.max_memory_bytes = SEGMENT_BYTES,
		.host_id = {1},
		.host_name = {"web01", 5},
	};
	struct spool_draft draft = {
		.type = HM_FRAME_BATCH, .body = "body", .body_bytes = 4, .n_samples = 1};
	struct spool *spool;
	uint64_t sequence;
	uint64_t number = 0;
	uint64_t n;

	check(spool_open(&options, &spool) == 0);
	(void)count_messages(spool);
	check(spool_append_tick(spool, "tick", 4, &number) <= 0);
	draft.ticks = number;
	n = spool_append_message(spool, &draft, &sequence) == 0;
	check(spool_sync(spool) == 0);
	n = n ? count_messages(spool) : 0;
	spool_free(spool);
	check(spool_open(&options, &spool) == 0);
	check(n == 0 || count_messages(spool) > 0);
	spool_free(spool);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes)
{
	struct cursor in = {.at = data, .left = n_bytes};
	static struct sim_counts counts;
	uint8_t shape = cursor_get_u8(&in);
	struct sim_disk *sim;

	if (n_bytes > SEGMENT_BYTES)
		return 0;
	sim = sim_disk_new(1, &counts);
	if (shape % 4 == 0)
		write_file(sim, 1, in.at, in.left);
	else
		write_segment(sim, 1, &in, shape);
	if (shape % 4 > 1)
		write_segment(sim, 2 + shape % 2, &in, SIZE_MAX);
	use(sim);
	sim_disk_free(sim);
	return 0;
}
