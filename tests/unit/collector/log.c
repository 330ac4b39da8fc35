/* SPDX-License-Identifier: MIT */
/* Tests of the write-ahead log, as its only writer sees it. */

#include "collector/log.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "common/log_segment.h"
#include "tests/support/sim_disk.h"

#define SEGMENT_BYTES ((uint64_t)64 << 10)

static struct sim_counts counts;
static struct sim_disk *sim;
static const struct disk *disk;
static struct log wal;
static int root;

static void setup(void)
{
	struct log_options options = {.store_id = {1, 2, 3}, .segment_bytes = SEGMENT_BYTES};

	sim = sim_disk_new(1, &counts);
	disk = sim_disk_table(sim);
	root = sim_disk_open_root(sim);
	options.disk = disk;
	options.folder = root;
	log_init(&wal, &options);
}

static void teardown(void)
{
	log_done(&wal);
	sim_disk_free(sim);
}

TestSuite(log, .init = setup, .fini = teardown);

static int add(enum hm_record_type type, size_t n_bytes)
{
	static const char payload[SEGMENT_BYTES];
	struct log_record record = {
		.type = type,
		.host = 7,
		.payload = payload,
		.payload_bytes = (uint32_t)n_bytes,
	};

	return log_add(&wal, &record);
}

/* How many records a reader finds in a segment. */
static unsigned count_records(uint32_t number)
{
	uint64_t offset = HM_LOG_HEADER_BYTES;
	struct log_segment segment;
	struct log_record record;
	unsigned n = 0;

	cr_assert_eq(log_segment_open(&segment, disk, root, number), 0);
	while (log_segment_find(&segment, offset, &record) == 0) {
		offset = log_segment_behind(&record);
		n++;
	}
	log_segment_close(&segment);
	return n;
}

static uint64_t file_bytes(const char *name)
{
	uint64_t size = 0;

	(void)sim_disk_content(sim, name, &size);
	return size;
}

Test(log, begins_segments_that_are_whole_before_their_first_record)
{
	cr_assert_not(log_is_open(&wal));
	cr_assert_eq(log_begin(&wal, 3), 0);
	cr_assert(log_is_open(&wal));
	cr_assert_eq(file_bytes("00000003.log"), SEGMENT_BYTES);
	cr_assert_eq(file_bytes("reserve"), SEGMENT_BYTES / 4);
	cr_assert_eq(add(HM_RECORD_BATCH, 100), 0);
	cr_assert_eq(log_commit(&wal), 0);
	cr_assert_eq(wal.durable,
		     log_position(3, HM_LOG_HEADER_BYTES + log_file_record_bytes(100)));
	/* Its name was made durable too, or else all of it were lost. */
	for (uint64_t seed = 0; seed < 20; seed++) {
		struct sim_disk *future = sim_disk_clone(sim);

		sim_disk_seed(future, seed);
		sim_disk_crash(future);
		cr_assert_not_null(sim_disk_content(future, "00000003.log", &(uint64_t){0}));
		sim_disk_free(future);
	}
	cr_assert_eq(count_records(3), 1);
}

Test(log, says_in_each_record_what_was_durable_when_it_was_made)
{
	struct log_segment segment;
	struct log_record record;
	uint64_t first;

	cr_assert_eq(log_begin(&wal, 1), 0);
	cr_assert_eq(add(HM_RECORD_BATCH, 8), 0);
	cr_assert_eq(log_commit(&wal), 0);
	first = wal.durable;
	cr_assert_eq(add(HM_RECORD_BATCH, 8), 0);
	cr_assert_eq(add(HM_RECORD_MARK, 0), 0);
	cr_assert_eq(log_commit(&wal), 0);
	cr_assert_eq(wal.said, first);

	cr_assert_eq(log_segment_open(&segment, disk, root, 1), 0);
	cr_assert_eq(log_segment_read(&segment, HM_LOG_HEADER_BYTES, &record), 0);
	cr_assert_eq(record.durable, 0);
	cr_assert_eq(log_segment_read(&segment, log_segment_behind(&record), &record), 0);
	cr_assert_eq(record.durable, first);
	cr_assert_eq(log_segment_read(&segment, log_segment_behind(&record), &record), 0);
	cr_assert_eq(record.durable, first);
	log_segment_close(&segment);
}

Test(log, keeps_room_behind_batches_for_what_frees_the_disk)
{
	unsigned n_controls = 0;
	unsigned n = 0;

	cr_assert_eq(log_begin(&wal, 1), 0);
	for (; log_has_room(&wal, true, 1000); n++)
		cr_assert_eq(add(HM_RECORD_BATCH, 1000), 0);
	while (log_has_room(&wal, false, 200)) {
		cr_assert_eq(add(HM_RECORD_CHECKPOINT, 200), 0);
		n_controls++;
	}
	cr_assert_geq(n_controls, SEGMENT_BYTES / 16 / log_file_record_bytes(200));
	cr_assert_eq(log_commit(&wal), 0);

	/* Not a byte further: the second header is there. */
	cr_assert_eq(file_bytes("00000001.log"), SEGMENT_BYTES);
	sim_disk_flip(sim, "00000001.log", 0);
	cr_assert_eq(count_records(1), n + n_controls);
}

Test(log, never_writes_to_a_segment_again_that_failed)
{
	uint64_t durable;

	cr_assert_eq(log_begin(&wal, 1), 0);
	cr_assert_eq(add(HM_RECORD_BATCH, 100), 0);
	cr_assert_eq(log_commit(&wal), 0);
	durable = wal.durable;
	for (int i = 0; i < 2; i++) {
		unsigned n;

		cr_assert_eq(add(HM_RECORD_BATCH, 100), 0);
		sim_disk_fail(sim, i ? SIM_PWRITE : SIM_FDATASYNC, 1, EIO, false);
		cr_assert_eq(log_commit(&wal), -EIO);
		cr_assert_not(log_is_open(&wal));
		cr_assert_eq(wal.durable, durable);
		cr_assert_eq(wal.end, wal.written, "nothing that was gathered counts");
		n = (unsigned)counts.calls[SIM_PWRITE];
		cr_assert_eq(log_commit(&wal), -EBADF);
		cr_assert_eq(counts.calls[SIM_PWRITE], n);
		cr_assert_eq(log_begin(&wal, 2 + (uint32_t)i), 0);
		cr_assert_eq(log_commit(&wal), 0);
		durable = wal.durable;
	}
	cr_assert_eq(wal.n_failed, 2);
	cr_assert_eq(count_records(3), 0);
}

Test(log, verifies_what_the_device_has_and_not_what_the_kernel_shows)
{
	uint64_t n_damaged = 99;
	uint64_t end;

	cr_assert_eq(log_begin(&wal, 1), 0);
	cr_assert_eq(add(HM_RECORD_BATCH, 100), 0);
	cr_assert_eq(add(HM_RECORD_BATCH, 100), 0);
	cr_assert_eq(log_commit(&wal), 0);
	end = wal.end;
	cr_assert_eq(log_verify(&wal, 1, end, &n_damaged), 0);
	cr_assert_eq(n_damaged, 0);
	cr_assert_gt(counts.events[SIM_DIRECT_READS], 0);

	/* What the failed sync leaves is in the kernel's memory only. */
	cr_assert_eq(add(HM_RECORD_BATCH, 100), 0);
	sim_disk_fail(sim, SIM_FDATASYNC, 1, EIO, false);
	cr_assert_eq(log_commit(&wal), -EIO);
	cr_assert_eq(log_verify(&wal, 1, end, &n_damaged), 0);
	cr_assert_eq(n_damaged, 0);
	cr_assert_eq(sim_disk_flip(sim, "00000001.log", (uint64_t)(HM_LOG_HEADER_BYTES + 60) * 8),
		     0);
	cr_assert_eq(log_verify(&wal, 1, end, &n_damaged), 0);
	cr_assert_eq(n_damaged, 1);
	sim_disk_refuse_direct(sim, true);
	cr_assert_eq(log_verify(&wal, 1, end, &n_damaged), -EOPNOTSUPP);
}

Test(log, begins_no_segment_without_its_reserve_and_leaves_nothing_behind)
{
	cr_assert_eq(log_begin(&wal, 1), 0);
	cr_assert_eq(log_commit(&wal), 0);
	cr_assert_eq(log_release_reserve(&wal), 0);
	cr_assert_eq(log_release_reserve(&wal), -ENOENT);
	/* A segment fits, the reserve does not. */
	sim_disk_set_limits(sim, sim_disk_used_bytes(sim) + SEGMENT_BYTES + 4096, 0);
	cr_assert_eq(log_begin(&wal, 2), -ENOSPC);
	cr_assert_null(sim_disk_content(sim, "00000002.log", &(uint64_t){0}));
	cr_assert_null(sim_disk_content(sim, "reserve", &(uint64_t){0}));
	/* The one before is still good. */
	cr_assert(log_is_open(&wal));
	cr_assert_eq(add(HM_RECORD_MARK, 0), 0);
	cr_assert_eq(log_commit(&wal), 0);
	sim_disk_set_limits(sim, 0, 0);
	cr_assert_eq(log_begin(&wal, 2), 0);
	cr_assert_eq(file_bytes("reserve"), SEGMENT_BYTES / 4);
}

Test(log, begins_a_small_one_in_the_room_that_was_kept)
{
	cr_assert_eq(log_begin(&wal, 1), 0);
	cr_assert_eq(log_commit(&wal), 0);
	sim_disk_set_limits(sim, sim_disk_used_bytes(sim), 0);
	cr_assert_eq(log_begin_small(&wal, 2), 0);

	cr_assert_eq(file_bytes("00000002.log"), SEGMENT_BYTES / 8);
	cr_assert_not(log_has_room(&wal, true, 8));
	cr_assert(log_has_room(&wal, false, 100));
	cr_assert_not(log_has_room(&wal, false, SEGMENT_BYTES / 8));
	cr_assert_eq(add(HM_RECORD_GROUP, 100), 0);
	cr_assert_eq(log_commit(&wal), 0);
	cr_assert_eq(count_records(2), 1);
	sim_disk_set_limits(sim, 0, 0);
	cr_assert_eq(log_begin(&wal, 3), 0);
	cr_assert(log_has_room(&wal, true, 8));
	cr_assert_eq(file_bytes("00000003.log"), SEGMENT_BYTES);
}

Test(log, leaves_no_file_of_a_segment_that_could_not_be_begun)
{
	static const enum sim_call calls[] = {SIM_RANDOM, SIM_OPEN, SIM_FALLOCATE, SIM_FSYNC,
					      SIM_PWRITE};

	cr_assert_eq(log_begin(&wal, 1), 0);
	cr_assert_eq(log_commit(&wal), 0);
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		sim_disk_fail(sim, calls[i], 1, EIO, false);
		cr_assert_eq(log_begin(&wal, 2), -EIO, "%s", sim_call_name(calls[i]));
		cr_assert_null(sim_disk_content(sim, "00000002.log", &(uint64_t){0}), "%s",
			       sim_call_name(calls[i]));
		cr_assert_eq(wal.pending.length, 0);
		cr_assert_eq(wal.number, 1);
	}
	cr_assert_eq(log_begin(&wal, 2), 0);
	log_abandon(&wal);
	cr_assert_not(log_is_open(&wal));
	cr_assert_null(sim_disk_content(sim, "00000002.log", &(uint64_t){0}));
	cr_assert_eq(sim_disk_n_open(sim), 1, "the root");
}

Test(log, works_where_nothing_can_be_preallocated)
{
	sim_disk_fail(sim, SIM_FALLOCATE, 1, EOPNOTSUPP, true);
	cr_assert_eq(log_begin(&wal, 1), 0);
	cr_assert_eq(add(HM_RECORD_BATCH, 100), 0);
	cr_assert_eq(log_commit(&wal), 0);
	cr_assert_eq(file_bytes("00000001.log"), SEGMENT_BYTES);
	cr_assert_eq(count_records(1), 1);
}
