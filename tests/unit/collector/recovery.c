/* SPDX-License-Identifier: MIT */
/* Tests of what the log says after whatever happened. */

#include "collector/recovery.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "collector/engine.h"
#include "common/log_segment.h"
#include "common/message.h"
#include "tests/support/sim_store.h"

#define AT SIM_STORE_AT

static struct sim_store store;

static void setup(void)
{
	message_init("test");
	sim_store_init(&store);
	cr_assert_eq(sim_store_open(&store), 0);
}

static void teardown(void)
{
	sim_store_done(&store);
}

TestSuite(recovery, .init = setup, .fini = teardown);

static void segment_path(uint32_t number, char path[static 32])
{
	(void)snprintf(path, 32, "log/%08x.log", number);
}

/* The n-th record of a type in a segment, from 0. @return its offset, or 0 */
static uint64_t find_record(uint32_t number, enum hm_record_type type, unsigned n)
{
	const struct disk *disk = sim_disk_table(store.sim);
	uint64_t offset = HM_LOG_HEADER_BYTES;
	struct log_segment segment;
	struct log_record record;
	uint64_t found = 0;
	int root = sim_disk_open_root(store.sim);
	int log = disk->open(disk->context, root, "log", 0);

	cr_assert_eq(log_segment_open(&segment, disk, log, number), 0, "segment %u", number);
	while (!found && log_segment_find(&segment, offset, &record) == 0) {
		if (record.type == type && n-- == 0)
			found = log_position_offset(record.position);
		offset = log_segment_behind(&record);
	}
	log_segment_close(&segment);
	(void)disk->close(disk->context, log);
	(void)disk->close(disk->context, root);
	return found;
}

static void damage_record(uint32_t number, enum hm_record_type type, unsigned n)
{
	uint64_t offset = find_record(number, type, n);
	char path[32];

	cr_assert_neq(offset, 0, "segment %u has no record %d of type %d", number, n, type);
	segment_path(number, path);
	sim_store_damage(&store, path, offset + 4, 4);
}

static uint32_t newest(void)
{
	return (uint32_t)(store.engine->durable >> 32);
}

/* Fill segments until `n` more were begun; one sample a batch, values from 0 on. @return how many */
static unsigned fill_segments(const char *series, unsigned n)
{
	uint32_t until = newest() + n;
	unsigned n_samples = 0;

	for (; newest() < until; n_samples++)
		cr_assert_eq(sim_store_fill(&store, series, n_samples, 1), 0);
	return n_samples;
}

static void reopen(void)
{
	sim_store_kill(&store);
	cr_assert_eq(sim_store_open(&store), 0);
}

Test(recovery, reads_batches_of_all_segments_behind_the_checkpoint)
{
	unsigned n = fill_segments("m", 3);

	reopen();
	cr_assert_eq(sim_store_count(&store), n);
	cr_assert_eq(sim_store_stats(&store).n_damaged_ranges, 0);
}

Test(recovery, takes_an_older_snapshot_where_the_newest_is_damaged)
{
	unsigned n;

	cr_assert_eq(sim_store_fill(&store, "filed", 0, 3), 0);
	cr_assert_eq(sim_store_checkpoint(&store), 0);
	n = fill_segments("m", 2);
	damage_record(newest(), HM_RECORD_SNAPSHOT_END, 0);

	reopen();
	cr_assert_eq(sim_store_count(&store), n + 3);
}

Test(recovery, reads_all_there_is_where_every_snapshot_is_damaged)
{
	unsigned n;

	cr_assert_eq(sim_store_fill(&store, "filed", 0, 3), 0);
	cr_assert_eq(sim_store_checkpoint(&store), 0);
	n = fill_segments("m", 2);
	for (uint32_t number = 1; number <= newest(); number++)
		damage_record(number, HM_RECORD_SNAPSHOT, 0);

	reopen();
	cr_assert_eq(sim_store_count(&store), n + 3);
}

Test(recovery, goes_on_behind_damage_of_what_was_durable)
{
	cr_assert_eq(sim_store_fill(&store, "m", 0, 5), 0);
	damage_record(1, HM_RECORD_BATCH, 1);

	reopen();
	cr_assert_str_eq(sim_store_read(&store),
			 "0 here m 0\n0 here m 2\n0 here m 3\n0 here m 4\n");
	cr_assert_gt(sim_store_stats(&store).n_damaged_ranges, 0);
}

Test(recovery, ends_at_the_first_damage_of_what_was_not_said_to_be_durable)
{
	cr_assert_eq(sim_store_fill(&store, "m", 0, 3), 0);
	/* One write, one sync: nothing says that any of the three was durable. */
	sim_store_put(&store, AT "03 a{host=\"a\"} 3\n" AT "03 b{host=\"b\"} 3\n" AT
				 "03 c{host=\"c\"} 3\n");
	cr_assert_eq(engine_commit(store.engine), 0);
	damage_record(1, HM_RECORD_BATCH, 4);

	reopen();
	cr_assert_str_eq(sim_store_read(&store), "3 a a 3\n0 here m 0\n0 here m 1\n0 here m 2\n");
}

Test(recovery, says_that_the_end_of_a_segment_before_the_last_is_lost)
{
	char path[32];
	uint64_t last = 0;
	unsigned n = fill_segments("m", 1);

	/* Read from the first segment on. */
	damage_record(2, HM_RECORD_SNAPSHOT_END, 0);
	segment_path(1, path);
	for (unsigned i = 0; find_record(1, HM_RECORD_BATCH, i); i++)
		last = find_record(1, HM_RECORD_BATCH, i);
	sim_store_damage(&store, path, last, 8);

	reopen();
	cr_assert_eq(sim_store_count(&store), n - 1);
	cr_assert_gt(sim_store_stats(&store).n_damaged_ranges, 0);
}

Test(recovery, says_so_in_a_segment_before_the_snapshot_too)
{
	unsigned n = fill_segments("m", 1);

	damage_record(1, HM_RECORD_BATCH, 3);
	reopen();
	cr_assert_eq(sim_store_count(&store), n - 1);
	cr_assert_gt(sim_store_stats(&store).n_damaged_ranges, 0);
}

Test(recovery, tells_of_damage_across_the_end_of_what_was_durable)
{
	uint64_t offset;

	cr_assert_eq(sim_store_fill(&store, "m", 0, 2), 0);
	/* Of the last commit nothing says that it was durable; the one before it is damaged too. */
	sim_store_put(&store, AT "03 a{host=\"a\"} 3\n" AT "03 b{host=\"b\"} 3\n");
	cr_assert_eq(engine_commit(store.engine), 0);
	offset = find_record(1, HM_RECORD_BATCH, 1);
	sim_store_damage(&store, "log/00000001.log", offset,
			 find_record(1, HM_RECORD_BATCH, 3) - offset);

	reopen();
	cr_assert_str_eq(sim_store_read(&store), "0 here m 0\n");
	cr_assert_eq(sim_store_stats(&store).n_damaged_ranges, 1);
}

Test(recovery, starts_without_a_segment_in_the_middle)
{
	uint32_t last;
	unsigned n_first = fill_segments("m", 1);
	unsigned n_second = fill_segments("m", 1);
	unsigned n_found;

	(void)fill_segments("m", 1);
	last = newest();
	sim_store_kill(&store);
	sim_store_remove(&store, "log", "00000002.log");

	cr_assert_eq(sim_store_open(&store), 0);
	n_found = sim_store_count(&store);
	cr_assert_geq(n_found, n_first - 1);
	cr_assert_gt(n_found, n_second);
	/* Nor does it keep what is left from being moved into files. */
	cr_assert_eq(sim_store_checkpoint(&store), 0);
	cr_assert_eq(sim_store_count(&store), n_found);
	cr_assert_gt(newest(), last);
}

Test(recovery, starts_without_the_oldest_segment)
{
	unsigned n_lost = fill_segments("m", 1);
	unsigned n = fill_segments("m", 2);

	sim_store_kill(&store);
	sim_store_remove(&store, "log", "00000001.log");
	for (int i = 0; i < 2; i++) {
		cr_assert_eq(sim_store_open(&store), 0);
		cr_assert_eq(sim_store_count(&store), n + 1, "of %u and %u", n_lost, n);
		cr_assert_gt(sim_store_stats(&store).n_damaged_ranges, 0);
		sim_store_kill(&store);
	}
	cr_assert_eq(sim_store_open(&store), 0);
	cr_assert_eq(sim_store_checkpoint(&store), 0);
	cr_assert_eq(sim_store_count(&store), n + 1);
}

Test(recovery, passes_over_segments_that_are_none)
{
	static const char zeros[4096];
	uint8_t foreign[HM_LOG_HEADER_BYTES + 1] = {0};
	const uint8_t *bytes;
	uint64_t size;

	cr_assert_eq(sim_store_fill(&store, "m", 0, 3), 0);
	bytes = sim_disk_content(store.sim, "log/00000001.log", &size);
	memcpy(foreign, bytes, sizeof(foreign));
	sim_store_kill(&store);
	sim_store_write_file(&store, "log/00000007.log", zeros, 0);
	sim_store_write_file(&store, "log/00000008.log", zeros, sizeof(zeros));
	sim_store_write_file(&store, "log/00000009.log", foreign, sizeof(foreign));
	sim_store_write_file(&store, "log/0000000a.txt", zeros, 10);

	cr_assert_eq(sim_store_open(&store), 0);
	cr_assert_eq(sim_store_count(&store), 3);
	cr_assert_eq(newest(), 10, "numbers go on above all that are taken");
}

/* Write and remove segments with a file beside them that has the name of one. */
static void go_on_beside(const char *path)
{
	static const char zeros[4096];
	unsigned n;

	cr_assert_eq(sim_store_fill(&store, "m", 0, 3), 0);
	sim_store_kill(&store);
	sim_store_write_file(&store, path, zeros, sizeof(zeros));
	cr_assert_eq(sim_store_open(&store), 0);
	n = 3 + fill_segments("m", 2);
	cr_assert_eq(sim_store_checkpoint(&store), 0);
	n += fill_segments("m", 2);
	/* The chain is broken: the log is searched. */
	damage_record(newest() - 1, HM_RECORD_BATCH, 3);
	reopen();
	cr_assert_eq(sim_store_count(&store), n - 1);
	cr_assert_lt(newest(), 20);
	cr_assert_not(sim_store_has(&store, "log/00000001.log"));
}

Test(recovery, counts_no_segments_up_to_a_name_far_away, .timeout = 30)
{
	go_on_beside("log/40000002.log");
}

Test(recovery, searches_for_no_segments_before_the_first, .timeout = 30)
{
	static const char zeros[4096];

	sim_store_kill(&store);
	sim_store_write_file(&store, "log/0000f000.log", zeros, sizeof(zeros));
	cr_assert_eq(sim_store_open(&store), 0);
	cr_assert_eq(newest(), 0xf001);
	cr_assert_eq(sim_store_fill(&store, "m", 0, 4), 0);
	/* Of the host's first batch nothing is known but what the second links to. */
	damage_record(newest(), HM_RECORD_BATCH, 0);
	reopen();
	cr_assert_eq(sim_store_count(&store), 3);
}

Test(recovery, does_not_run_out_of_numbers_for_a_name, .timeout = 30)
{
	go_on_beside("log/ffffffff.log");
}

Test(recovery, reads_nothing_of_another_stores_segments)
{
	struct sim_store other;
	const uint8_t *bytes;
	char path[32];
	uint64_t size;
	unsigned n;

	sim_store_init(&other);
	sim_disk_seed(other.sim, 99);
	cr_assert_eq(sim_store_open(&other), 0);
	while (other.engine->durable >> 32 < 3)
		cr_assert_eq(sim_store_fill(&other, "other", 0, 1), 0);
	n = fill_segments("m", 3);
	/* The chain is broken on top: the log is searched. */
	segment_path(2, path);
	bytes = sim_disk_content(other.sim, path, &size);
	sim_store_kill(&store);
	sim_store_write_file(&store, path, bytes, size);

	cr_assert_eq(sim_store_open(&store), 0);
	cr_assert_null(strstr(sim_store_read(&store), "other"));
	cr_assert_lt(sim_store_count(&store), n);
	sim_store_done(&other);
}

Test(recovery, gives_the_same_when_it_runs_twice)
{
	struct buffer first = {0};

	(void)fill_segments("m", 1);
	cr_assert_eq(sim_store_fill(&store, "m{x=\"1\"}", 0, 5), 0);
	damage_record(1, HM_RECORD_BATCH, 3);
	reopen();
	buffer_append_text(&first, sim_store_read(&store));
	for (int i = 0; i < 3; i++) {
		reopen();
		cr_assert_str_eq(sim_store_read(&store), buffer_text(&first));
	}
	buffer_done(&first);
}

/* Run a checkpoint until the files of its group are written, and the log does not say so. */
static void write_group(void)
{
	cr_assert_eq(engine_commit(store.engine), 0);
	cr_assert_eq(engine_checkpoint(store.engine, ENGINE_SCOPE_ALL), -EAGAIN);
	cr_assert_eq(engine_commit(store.engine), 0);
	cr_assert_eq(engine_checkpoint(store.engine, ENGINE_SCOPE_ALL), 0);
	cr_assert_eq(engine_checkpoint(store.engine, ENGINE_SCOPE_ALL), -EAGAIN);
}

Test(recovery, undoes_a_group_that_was_not_completed)
{
	uint64_t filed_bytes;
	uint64_t size;

	sim_store_put(&store, AT "01 m 1\n");
	cr_assert_eq(sim_store_checkpoint(&store), 0);
	(void)sim_disk_content(store.sim, "hosts/here/m.hm", &filed_bytes);
	sim_store_put(&store, AT "02 m 2\n" AT "02 new 2\n");
	write_group();
	cr_assert(sim_store_has(&store, "hosts/here/new.hm"));
	reopen();

	(void)sim_disk_content(store.sim, "hosts/here/m.hm", &size);
	cr_assert_eq(size, filed_bytes);
	cr_assert_not(sim_store_has(&store, "hosts/here/new.hm"));
	cr_assert_str_eq(sim_store_read(&store), "1 here m 1\n2 here m 2\n2 here new 2\n");
	cr_assert_eq(sim_store_checkpoint(&store), 0);
	cr_assert_str_eq(sim_store_read(&store), "1 here m 1\n2 here m 2\n2 here new 2\n");
}

Test(recovery, takes_nothing_as_undone_whose_sync_failed)
{
	uint64_t filed_bytes;
	uint64_t size;

	sim_store_put(&store, AT "01 m 1\n");
	cr_assert_eq(sim_store_checkpoint(&store), 0);
	(void)sim_disk_content(store.sim, "hosts/here/m.hm", &filed_bytes);
	sim_store_put(&store, AT "02 m 2\n" AT "02 m{x=\"1\"} 3\n");
	write_group();
	sim_store_kill(&store);
	sim_disk_fail(store.sim, SIM_SYNCFS, 1, EIO, false);
	cr_assert_eq(sim_store_open(&store), 0);

	cr_assert_str_eq(sim_store_read(&store), "1 here m 1\n2 here m 2\n2 here m{x=\"1\"} 3\n");
	cr_assert_eq(sim_store_checkpoint(&store), 0);
	(void)sim_disk_content(store.sim, "hosts/here/m.hm", &size);
	cr_assert_eq(size, filed_bytes, "it is not written any more");
	(void)sim_store_find(&store, "hosts/here", "m~1@");
	for (int i = 0; i < 2; i++) {
		cr_assert_str_eq(sim_store_read(&store),
				 "1 here m 1\n2 here m 2\n2 here m{x=\"1\"} 3\n");
		reopen();
	}
	cr_assert_eq(sim_store_stats(&store).n_files_aside, 0);
	cr_assert_eq(sim_store_stats(&store).n_damaged_ranges, 0);
}

/* Begin to move all into files, and write these. */
static void write_files(void)
{
	cr_assert_eq(engine_checkpoint(store.engine, ENGINE_SCOPE_ALL), -EAGAIN);
	cr_assert_eq(engine_commit(store.engine), 0);
	cr_assert_eq(engine_checkpoint(store.engine, ENGINE_SCOPE_ALL), 0);
}

/*
 * Have a checkpoint whose record lies in segment 4, whereas segment 3 says that it began, and segments
 * before that, with most of the samples, are gone. Then these two are lost as well.
 * @return how many samples it moved into files
 */
static unsigned lose_end_of_checkpoint(void)
{
	unsigned n = fill_segments("m{host=\"a\"}", 2);

	cr_assert_eq(newest(), 3);
	write_files();
	(void)fill_segments("m{host=\"b\"}", 1);
	write_files();
	(void)fill_segments("m{host=\"b\"}", 1);
	cr_assert_eq(newest(), 5);
	cr_assert_not(sim_store_has(&store, "log/00000002.log"));
	cr_assert_neq(find_record(3, HM_RECORD_GROUP, 0), 0);
	cr_assert_eq(find_record(3, HM_RECORD_CHECKPOINT, 0), 0);
	cr_assert_neq(find_record(4, HM_RECORD_CHECKPOINT, 0), 0);
	sim_store_kill(&store);
	sim_store_remove(&store, "log", "00000004.log");
	sim_store_remove(&store, "log", "00000005.log");
	return n;
}

static unsigned count_of(const char *host)
{
	const char *at = sim_store_read(&store);
	unsigned n = 0;

	while ((at = strstr(at, host))) {
		at += strlen(host);
		n++;
	}
	return n;
}

Test(recovery, counts_what_a_checkpoint_wrote_whose_end_is_lost_with_the_batches)
{
	unsigned n = lose_end_of_checkpoint();

	for (int i = 0; i < 3; i++) {
		cr_assert_eq(sim_store_open(&store), 0);
		cr_assert_eq(count_of(" a m"), n);
		cr_assert_gt(count_of(" b m"), 0);
		cr_assert_eq(sim_store_checkpoint(&store), 0);
		cr_assert_eq(count_of(" a m"), n);
		sim_store_kill(&store);
	}
}

Test(recovery, cuts_what_a_checkpoint_wrote_in_part_where_batches_are_lost)
{
	uint64_t size;

	(void)lose_end_of_checkpoint();
	/* The file's last block is not whole: it was not completed, and another try could still come. */
	(void)sim_disk_content(store.sim, "hosts/a/m.hm", &size);
	sim_store_damage(&store, "hosts/a/m.hm", size - 10, 5);
	cr_assert_eq(sim_store_open(&store), 0);
	cr_assert_eq(count_of(" a m"), 1, "the one that is in segment 3");
	cr_assert_not(sim_store_has(&store, "hosts/a/m.hm"));
}

Test(recovery, reads_once_what_is_in_files_when_the_record_that_says_so_is_lost)
{
	sim_store_put(&store, AT "01 m 1\n");
	cr_assert_eq(sim_store_checkpoint(&store), 0);
	cr_assert_eq(engine_commit(store.engine), 0);
	damage_record(1, HM_RECORD_CHECKPOINT, 0);

	reopen();
	cr_assert_str_eq(sim_store_read(&store), "1 here m 1\n");
}

Test(recovery, counts_what_files_have_when_the_log_is_lost)
{
	char name[32];
	uint32_t last;

	sim_store_put(&store, AT "01 m 1\n" AT "01 m{x=\"1\",host=\"b\"} 2\n");
	cr_assert_eq(sim_store_checkpoint(&store), 0);
	last = newest();
	sim_store_kill(&store);
	for (uint32_t number = 1; number <= last; number++) {
		(void)snprintf(name, sizeof(name), "%08x.log", number);
		sim_store_remove(&store, "log", name);
	}

	cr_assert_eq(sim_store_open(&store), 0);
	cr_assert_gt(newest(), last);
	sim_store_put(&store, AT "02 m 3\n");
	cr_assert_eq(engine_commit(store.engine), 0);
	cr_assert_str_eq(sim_store_read(&store), "1 b m{x=\"1\"} 2\n1 here m 1\n2 here m 3\n");
}

Test(recovery, counts_what_files_have_beyond_the_end_of_an_older_log)
{
	char name[32];
	unsigned n;

	sim_store_put(&store, AT "01 m 1\n");
	cr_assert_eq(sim_store_checkpoint(&store), 0);
	(void)fill_segments("m{fill=\"1\"}", 1);
	cr_assert_eq(sim_store_checkpoint(&store), 0);
	sim_store_put(&store, AT "02 late{host=\"late\"} 7\n");
	cr_assert_eq(sim_store_checkpoint(&store), 0);
	/* The newest segment is lost, with all it says of hosts and checkpoints. */
	n = sim_store_count(&store);
	(void)snprintf(name, sizeof(name), "%08x.log", newest());
	sim_store_kill(&store);
	sim_store_remove(&store, "log", name);

	cr_assert_eq(sim_store_open(&store), 0);
	cr_assert_eq(sim_store_count(&store), n);
	cr_assert_not_null(strstr(sim_store_read(&store), "2 late late 7\n"));
	sim_store_put(&store, AT "03 late{host=\"late\"} 8\n");
	cr_assert_eq(sim_store_checkpoint(&store), 0);
	reopen();
	cr_assert_not_null(strstr(sim_store_read(&store), "2 late late 7\n3 late late 8\n"));
}

Test(recovery, counts_once_what_a_failed_sync_left_behind)
{
	cr_assert_eq(sim_store_fill(&store, "m", 0, 2), 0);
	sim_disk_fail(store.sim, SIM_FDATASYNC, 1, EIO, false);
	cr_assert_eq(sim_store_fill(&store, "m", 2, 1), -EIO);
	/* It reached the platter all the same. */
	cr_assert_eq(engine_commit(store.engine), 0);
	cr_assert_eq(newest(), 2);
	sim_store_kill(&store);
	damage_record(2, HM_RECORD_SNAPSHOT, 0);

	cr_assert_eq(sim_store_open(&store), 0);
	cr_assert_str_eq(sim_store_read(&store), "0 here m 0\n0 here m 1\n0 here m 2\n");
}

/* -- what the device does not give ---------------------------------------------------------------- */

static void spoil(uint32_t number, uint64_t offset, uint64_t length)
{
	char path[32];

	segment_path(number, path);
	sim_disk_settle(store.sim);
	cr_assert_eq(sim_disk_spoil(store.sim, path, offset, length), 0);
}

Test(recovery, starts_with_a_bad_sector_in_any_place_of_the_log)
{
	unsigned n = fill_segments("m", 2);
	unsigned n_lossy = 0;

	cr_assert_eq(engine_commit(store.engine), 0);
	sim_store_kill(&store);
	for (uint32_t number = 1; number <= 3; number++) {
		for (uint64_t at = 0; at < SIM_STORE_SEGMENT_BYTES;
		     at += (uint64_t)7 * SIM_DISK_SECTOR_BYTES) {
			unsigned n_read;

			sim_disk_seed(store.sim, at);
			spoil(number, at, 1);
			cr_assert_eq(sim_store_open_patiently(&store), 0, "segment %u, byte %u",
				     number, (unsigned)at);
			n_read = sim_store_count(&store);
			/* A record of one sample takes 128 bytes. */
			cr_assert_geq(n_read + 6, n, "segment %u, byte %u", number, (unsigned)at);
			if (n_read < n) {
				n_lossy++;
				cr_assert_gt(sim_store_stats(&store).n_damaged_ranges, 0,
					     "segment %u, byte %u", number, (unsigned)at);
			}
			sim_store_kill(&store);
			spoil(number, at, 0);
		}
	}
	cr_assert_gt(n_lossy, 10);
}

Test(recovery, tells_of_a_bad_sector_in_which_nothing_lay)
{
	cr_assert_eq(sim_store_fill(&store, "m", 0, 3), 0);
	sim_store_kill(&store);
	spoil(1, 32768, 512);

	cr_assert_eq(sim_store_open_patiently(&store), 0);
	cr_assert_eq(sim_store_count(&store), 3);
	cr_assert_eq(sim_store_stats(&store).n_damaged_ranges, 1);
}

Test(recovery, starts_where_the_newest_segment_cannot_be_read_at_all)
{
	unsigned n = fill_segments("m", 2);

	cr_assert_eq(sim_store_fill(&store, "m", n, 2), 0);
	sim_store_kill(&store);
	spoil(3, 0, SIM_STORE_SEGMENT_BYTES);

	cr_assert_eq(sim_store_open_patiently(&store), 0);
	cr_assert_eq(sim_store_count(&store), n - 1, "the last one lay in the third segment");
	cr_assert_eq(sim_store_stats(&store).n_damaged_ranges, 1);
	cr_assert_gt(newest(), 3);
}

Test(recovery, moves_into_files_what_lies_around_a_bad_sector)
{
	uint64_t offset;
	unsigned n;

	cr_assert_eq(sim_store_fill(&store, "m", 0, 40), 0);
	offset = find_record(1, HM_RECORD_BATCH, 20);
	spoil(1, offset, 1);
	/* Who runs on reads the rest as well, and so does a checkpoint. */
	n = sim_store_count(&store);
	cr_assert(n < 40 && n + 6 >= 40, "%u", n);
	cr_assert_eq(sim_store_checkpoint(&store), -EIO, "it waits for what the disk may give");
	cr_assert_eq(sim_store_checkpoint(&store), -EIO);
	sim_disk_advance(store.sim, GRACE_US);
	cr_assert_eq(sim_store_checkpoint(&store), 0);
	cr_assert_eq(sim_store_count(&store), n);
	cr_assert_gt(sim_store_stats(&store).n_damaged_ranges, 0);
	reopen();
	cr_assert_eq(sim_store_count(&store), n);
}

Test(recovery, says_that_a_segment_is_not_there)
{
	unsigned n = fill_segments("a{host=\"a\"}", 1);

	/* Of this host nothing lies in any other segment. */
	(void)fill_segments("b{host=\"b\"}", 1);
	cr_assert_eq(newest(), 3);
	damage_record(3, HM_RECORD_SNAPSHOT_END, 0);
	sim_store_kill(&store);
	sim_store_remove(&store, "log", "00000002.log");

	cr_assert_eq(sim_store_open(&store), 0);
	cr_assert_geq(sim_store_count(&store), n - 1);
	cr_assert_geq(sim_store_stats(&store).n_damaged_ranges, 2);
}

Test(recovery, makes_the_end_durable_beside_a_bad_sector)
{
	/* Nothing says of the last one that it was durable: it is synced, and compared with the device. */
	cr_assert_eq(sim_store_fill(&store, "m", 0, 12), 0);
	cr_assert_lt(find_record(1, HM_RECORD_BATCH, 11), 4096);
	sim_store_kill(&store);
	spoil(1, 1024, 1);

	cr_assert_eq(sim_store_open_patiently(&store), 0);
	cr_assert_geq(sim_store_count(&store), 12 - 6);
	cr_assert_not_null(strstr(sim_store_read(&store), "0 here m 11\n"));
}

/* Damage all from one record on, up to another. */
static void damage_between(uint64_t offset, uint64_t end)
{
	sim_store_damage(&store, "log/00000001.log", offset, end - offset);
}

Test(recovery, counts_what_is_in_files_where_one_sector_took_the_batch_and_all_that_is_said_of_it)
{
	sim_store_put(&store, AT "01 m 1\n");
	cr_assert_eq(sim_store_checkpoint(&store), 0);
	cr_assert_eq(engine_commit(store.engine), 0);
	sim_store_put(&store, AT "02 m 2\n");
	cr_assert_eq(sim_store_checkpoint(&store), 0);
	cr_assert_eq(engine_commit(store.engine), 0);
	sim_store_put(&store, AT "03 m 3\n");
	cr_assert_eq(engine_commit(store.engine), 0);
	cr_assert_eq(engine_commit(store.engine), 0);
	damage_between(find_record(1, HM_RECORD_BATCH, 1), find_record(1, HM_RECORD_BATCH, 2));

	for (int i = 0; i < 3; i++) {
		reopen();
		cr_assert_str_eq(sim_store_read(&store), "1 here m 1\n2 here m 2\n3 here m 3\n");
		cr_assert_eq(sim_store_checkpoint(&store), 0);
	}
}

Test(recovery, counts_what_two_checkpoints_wrote_whose_ends_are_lost_with_a_batch_between)
{
	sim_store_put(&store, AT "01 m 1\n" AT "01 x 1\n");
	cr_assert_eq(sim_store_checkpoint(&store), 0);
	sim_store_put(&store, AT "02 m 2\n");
	cr_assert_eq(sim_store_checkpoint(&store), 0);
	sim_store_put(&store, AT "03 m 3\n");
	cr_assert_eq(engine_commit(store.engine), 0);
	cr_assert_eq(engine_commit(store.engine), 0);
	damage_between(find_record(1, HM_RECORD_CHECKPOINT, 0), find_record(1, HM_RECORD_BATCH, 2));

	for (int i = 0; i < 3; i++) {
		reopen();
		cr_assert_str_eq(sim_store_read(&store),
				 "1 here m 1\n2 here m 2\n3 here m 3\n1 here x 1\n");
		cr_assert_eq(sim_store_checkpoint(&store), 0);
	}
}

Test(recovery, counts_what_a_checkpoint_wrote_of_a_batch_that_is_lost_and_was_the_last)
{
	sim_store_put(&store, AT "01 m 1\n");
	cr_assert_eq(sim_store_checkpoint(&store), 0);
	sim_store_put(&store, AT "02 m 2\n");
	write_group();
	damage_record(1, HM_RECORD_BATCH, 1);

	for (int i = 0; i < 3; i++) {
		reopen();
		cr_assert_str_eq(sim_store_read(&store), "1 here m 1\n2 here m 2\n");
		cr_assert_eq(sim_store_checkpoint(&store), 0);
	}
}

/* What fails for now, and says nothing of a file. */
static const int passing[] = {EMFILE, ENFILE, ENOMEM, ETIMEDOUT, EINTR, EAGAIN, EACCES};

/* Let each call of a kind fail once, each with another error in turn. @return how many were met */
static unsigned fail_each(enum sim_call call, const char *reads)
{
	struct sim_disk *before = store.sim;
	unsigned n_failed = 0;

	for (unsigned n = 1; n < 500; n++) {
		int error = passing[n % (sizeof(passing) / sizeof(passing[0]))];
		uint64_t n_met = store.counts.failed[call];
		int result;

		store.sim = sim_disk_clone(before);
		sim_disk_fail(store.sim, call, n, error, false);
		result = sim_store_open(&store);
		sim_disk_heal(store.sim);
		n_failed += result < 0;
		/* Whether it started or not: nothing was cut that is not elsewhere. */
		reopen();
		cr_assert_str_eq(sim_store_read(&store), reads, "call %u of kind %d: %s", n,
				 (int)call, strerror(error));
		sim_store_kill(&store);
		sim_disk_free(store.sim);
		if (store.counts.failed[call] == n_met)
			break;
	}
	store.sim = before;
	return n_failed;
}

Test(recovery, cuts_nothing_for_an_error_that_passes)
{
	sim_store_put(&store, AT "01 m 1\n");
	cr_assert_eq(sim_store_checkpoint(&store), 0);
	sim_store_put(&store, AT "02 m 2\n");
	write_group();
	/* What the checkpoint wrote of it is all there is. */
	damage_record(1, HM_RECORD_BATCH, 1);
	sim_store_kill(&store);

	cr_assert_gt(fail_each(SIM_OPEN, "1 here m 1\n2 here m 2\n"), 0);
	cr_assert_gt(fail_each(SIM_PREAD, "1 here m 1\n2 here m 2\n"), 0);
	(void)fail_each(SIM_FSTAT, "1 here m 1\n2 here m 2\n");
	cr_assert_eq(sim_store_open(&store), 0);
}

Test(recovery, keeps_what_a_checkpoint_completed_where_the_one_after_it_was_not)
{
	uint64_t size;

	sim_store_put(&store, AT "01 m 1\n" AT "01 x 1\n");
	cr_assert_eq(engine_commit(store.engine), 0);
	sim_store_put(&store, AT "02 m 2\n" AT "02 x 2\n");
	cr_assert_eq(sim_store_checkpoint(&store), 0);
	sim_store_put(&store, AT "03 m 3\n");
	write_group();
	/* The end of the first is lost, and so is a batch that it moved; the second wrote half a block. */
	damage_record(1, HM_RECORD_CHECKPOINT, 0);
	damage_record(1, HM_RECORD_BATCH, 0);
	(void)sim_disk_content(store.sim, "hosts/here/m.hm", &size);
	sim_store_damage(&store, "hosts/here/m.hm", size - 10, 5);

	for (int i = 0; i < 3; i++) {
		reopen();
		cr_assert_str_eq(sim_store_read(&store),
				 "1 here m 1\n2 here m 2\n3 here m 3\n1 here x 1\n2 here x 2\n");
		cr_assert_eq(sim_store_checkpoint(&store), 0);
	}
}
