/* SPDX-License-Identifier: MIT */
/* Tests of the one writer of the log. */

#include "collector/committer.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "common/cursor.h"
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

TestSuite(committer, .init = setup, .fini = teardown);

static uint32_t newest(void)
{
	return (uint32_t)(store.engine->durable >> 32);
}

static void count_segment(void *argument, const char *path)
{
	unsigned *n = argument;

	*n += strncmp(path, "log/0", 5) == 0;
}

static unsigned count_segments(void)
{
	unsigned n = 0;

	sim_disk_walk(store.sim, count_segment, &n);
	return n;
}

static void restart(void)
{
	sim_disk_heal(store.sim);
	sim_store_crash(&store);
	cr_assert_eq(sim_store_open(&store), 0);
}

Test(committer, goes_on_in_a_new_segment_after_a_failed_sync)
{
	cr_assert_eq(sim_store_fill(&store, "m", 0, 2), 0);
	sim_disk_fail(store.sim, SIM_FDATASYNC, 1, EIO, false);
	cr_assert_eq(sim_store_fill(&store, "m", 2, 1), -EIO);
	cr_assert(sim_store_stats(&store).is_readonly);
	cr_assert_eq(sim_store_stats(&store).n_stored, 2);
	cr_assert_eq(sim_store_stats(&store).n_waiting, 1);
	sim_store_put(&store, AT "05 m 3\n");

	cr_assert_eq(engine_commit(store.engine), 0);
	cr_assert_eq(newest(), 2);
	cr_assert_not(sim_store_stats(&store).is_readonly);
	cr_assert_eq(sim_store_stats(&store).n_waiting, 0);
	cr_assert_eq(sim_store_stats(&store).n_failed_syncs, 1);
	cr_assert_str_eq(sim_store_read(&store),
			 "0 here m 0\n0 here m 1\n0 here m 2\n5 here m 3\n");
	restart();
	cr_assert_str_eq(sim_store_read(&store),
			 "0 here m 0\n0 here m 1\n0 here m 2\n5 here m 3\n");
}

Test(committer, loses_nothing_to_any_one_failure_of_any_call)
{
	static const struct {
		enum sim_call call;
		int error;
	} faults[] = {{SIM_PWRITE, EIO},       {SIM_FDATASYNC, EIO}, {SIM_FSYNC, EIO},
		      {SIM_FALLOCATE, ENOSPC}, {SIM_OPEN, EMFILE},   {SIM_UNLINK, EIO}};

	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		for (uint64_t n = 1; n < 12; n++) {
			char expected[64];
			unsigned n_samples = 60;

			teardown();
			setup();
			sim_disk_fail(store.sim, faults[i].call, n, faults[i].error, false);
			/* Some 300 batches of few samples fill more than a segment. */
			for (unsigned j = 0; j < n_samples; j++) {
				char text[64];

				(void)snprintf(text, sizeof(text), AT "%02u m %u\n", j, j);
				sim_store_put(&store, text);
				(void)engine_commit(store.engine);
			}
			sim_disk_heal(store.sim);
			cr_assert_eq(engine_commit(store.engine), 0, "fault %zu, call %u", i,
				     (unsigned)n);
			cr_assert_eq(sim_store_count(&store), n_samples, "fault %zu, call %u", i,
				     (unsigned)n);
			restart();
			(void)snprintf(expected, sizeof(expected), "%u here m %u\n", n_samples - 1,
				       n_samples - 1);
			cr_assert_eq(sim_store_count(&store), n_samples, "fault %zu, call %u", i,
				     (unsigned)n);
			cr_assert_not_null(strstr(sim_store_read(&store), expected));
		}
	}
}

Test(committer, is_well_again_when_the_mark_of_an_idle_log_failed)
{
	cr_assert_eq(sim_store_fill(&store, "m", 0, 1), 0);
	cr_assert(engine_wants_mark(store.engine));
	sim_disk_fail(store.sim, SIM_FDATASYNC, 1, EIO, false);
	cr_assert_eq(engine_commit(store.engine), -EIO);

	cr_assert_eq(engine_commit(store.engine), 0, "nothing is left to be written");
	cr_assert_not(sim_store_stats(&store).is_readonly);
	cr_assert_eq(sim_store_fill(&store, "m", 1, 1), 0);
	restart();
	cr_assert_str_eq(sim_store_read(&store), "0 here m 0\n0 here m 1\n");
}

Test(committer, knows_hosts_whose_neighbour_got_no_number)
{
	cr_assert_eq(sim_store_fill(&store, "m{host=\"a\"}", 0, 1), 0);
	sim_disk_fail(store.sim, SIM_RANDOM, 1, EIO, false);
	sim_store_put(&store, AT "01 m{host=\"b\"} 1\n");
	cr_assert_eq(sim_store_fill(&store, "m{host=\"c\"}", 0, 1), 0);
	/* The snapshot of the next segment has all three. */
	while (newest() < 2)
		cr_assert_eq(sim_store_fill(&store, "m{host=\"a\"}", 0, 20), 0);
	restart();
	cr_assert_not_null(strstr(sim_store_read(&store), "0 c m 0\n"));
	/* And it gets one when it comes again. */
	cr_assert_eq(sim_store_fill(&store, "m{host=\"b\"}", 5, 1), 0);
	cr_assert_not_null(strstr(sim_store_read(&store), "0 b m 5\n"));
}

Test(committer, says_once_what_is_durable_when_there_is_nothing_else)
{
	uint64_t durable;

	cr_assert_eq(sim_store_fill(&store, "m", 0, 1), 0);
	cr_assert(engine_wants_mark(store.engine));
	cr_assert_not(engine_has_pending(store.engine));
	cr_assert_eq(engine_commit(store.engine), 0);
	cr_assert_not(engine_wants_mark(store.engine));
	durable = store.engine->durable;
	cr_assert_eq(engine_commit(store.engine), 0);
	cr_assert_eq(store.engine->durable, durable);
}

Test(committer, fills_no_disk_with_segments_that_failed)
{
	cr_assert_eq(sim_store_fill(&store, "m", 0, 3), 0);
	sim_disk_fail(store.sim, SIM_FDATASYNC, 1, EIO, true);
	for (unsigned i = 0; i < 20; i++)
		cr_assert_eq(sim_store_fill(&store, "m", 3 + i, 1), -EIO);
	cr_assert_leq(count_segments(), 3);
	sim_disk_heal(store.sim);
	cr_assert_eq(engine_commit(store.engine), 0);
	cr_assert_eq(sim_store_count(&store), 23);
	restart();
	cr_assert_eq(sim_store_count(&store), 23);

	sim_disk_fail(store.sim, SIM_PWRITE, 1, EIO, true);
	for (unsigned i = 0; i < 20; i++)
		(void)sim_store_fill(&store, "m", 23 + i, 1);
	cr_assert_leq(count_segments(), 5);
	sim_disk_heal(store.sim);
	cr_assert_eq(engine_commit(store.engine), 0);
	restart();
	cr_assert_eq(sim_store_count(&store), 43);
}

Test(committer, writes_no_snapshot_that_does_not_fit_and_loses_nothing_by_it)
{
	char series[256];
	char host[181];
	unsigned n = 0;
	int result = 0;

	memset(host, 'h', sizeof(host) - 1);
	host[sizeof(host) - 1] = '\0';
	/* So many hosts of long names that the snapshot of all has no room in a segment. */
	for (; n < 2000 && result == 0; n++) {
		(void)snprintf(series, sizeof(series), "m{host=\"%u%s\"}", n, host);
		result = sim_store_fill(&store, series, n, 1);
	}
	cr_assert_eq(result, -EFBIG);
	cr_assert_eq(engine_commit(store.engine), -EFBIG);
	cr_assert_leq(count_segments(), 40);
	n = (unsigned)sim_store_stats(&store).n_stored;
	restart();
	cr_assert_eq(sim_store_count(&store), n);
}

Test(committer, waits_on_a_full_disk_and_goes_on)
{
	uint64_t used;
	int result = 0;
	unsigned n = 0;

	cr_assert_eq(sim_store_fill(&store, "m", n++, 1), 0);
	used = sim_disk_used_bytes(store.sim);
	sim_disk_set_limits(store.sim, used, 0);
	while (result == 0)
		result = sim_store_fill(&store, "m", n++, 1);
	cr_assert_eq(result, -ENOSPC);
	cr_assert(sim_store_stats(&store).is_full);
	cr_assert_eq(sim_store_count(&store), n - 1, "what is stored can be read");
	sim_store_put(&store, AT "01 m 7\n");
	cr_assert_eq(engine_commit(store.engine), -ENOSPC);
	cr_assert_eq(sim_store_stats(&store).n_waiting, 2);

	sim_disk_set_limits(store.sim, 0, 0);
	cr_assert_eq(engine_commit(store.engine), 0);
	cr_assert_not(sim_store_stats(&store).is_full);
	cr_assert_eq(sim_store_count(&store), n + 1);
	restart();
	cr_assert_eq(sim_store_count(&store), n + 1);
}

/* Somebody else takes all that is left. */
static void fill_disk(void)
{
	static const char bytes[SIM_DISK_BLOCK_BYTES];
	const struct disk *disk = sim_disk_table(store.sim);
	int root = sim_disk_open_root(store.sim);
	int fd = disk->open(disk->context, root, "other", O_RDWR | O_CREAT);
	uint64_t offset = 0;

	while (disk_write(disk, fd, bytes, sizeof(bytes), offset) == 0)
		offset += sizeof(bytes);
	(void)disk->close(disk->context, fd);
	(void)disk->close(disk->context, root);
}

Test(committer, has_room_on_a_full_disk_for_a_checkpoint_that_frees_more)
{
	int result = 0;
	unsigned n = 0;

	cr_assert_eq(sim_store_fill(&store, "m", n++, 1), 0);
	/* Two more segments fit. */
	sim_disk_set_limits(store.sim,
			    sim_disk_used_bytes(store.sim) + SIM_STORE_SEGMENT_BYTES * 9 / 4, 0);
	while (result == 0)
		result = sim_store_fill(&store, "m", n++, 1);
	cr_assert_eq(result, -ENOSPC);
	fill_disk();
	for (unsigned i = 0; i < 60; i++) {
		(void)engine_checkpoint(store.engine, ENGINE_SCOPE_ALL);
		result = engine_commit(store.engine);
	}

	cr_assert_eq(result, 0, "the samples are in files, and the segments are gone");
	cr_assert_eq(sim_store_count(&store), n);
	restart();
	cr_assert_eq(sim_store_count(&store), n);
}

/* Start on a disk that is full, and move all into files: then there is room again. */
static void restart_and_free(unsigned n)
{
	int result = 0;

	sim_disk_heal(store.sim);
	sim_store_kill(&store);
	cr_assert_eq(sim_store_open(&store), 0);
	cr_assert_eq(sim_store_count(&store), n, "what is stored can be read");
	for (unsigned i = 0; i < 60; i++) {
		(void)engine_checkpoint(store.engine, ENGINE_SCOPE_ALL);
		(void)engine_commit(store.engine);
	}
	for (unsigned i = 0; i < 10 && result == 0; i++)
		result = sim_store_fill(&store, "m", n++, 1);
	cr_assert_eq(result, 0);
	cr_assert_eq(sim_store_count(&store), n);
	restart();
	cr_assert_eq(sim_store_count(&store), n);
}

Test(committer, frees_a_disk_that_its_own_log_filled_after_a_restart)
{
	int result = 0;
	unsigned n = 0;

	cr_assert_eq(sim_store_fill(&store, "m", n++, 1), 0);
	sim_disk_set_limits(store.sim,
			    sim_disk_used_bytes(store.sim) + SIM_STORE_SEGMENT_BYTES * 9 / 4, 0);
	while (result == 0)
		result = sim_store_fill(&store, "m", n++, 1);
	cr_assert_eq(result, -ENOSPC);
	fill_disk();
	restart_and_free(n - 1);
}

Test(committer, frees_segments_at_start_whose_samples_are_in_files)
{
	unsigned n = 0;

	while (newest() < 3)
		cr_assert_eq(sim_store_fill(&store, "m", n++, 1), 0);
	cr_assert_eq(sim_store_checkpoint(&store), 0);
	cr_assert(sim_store_has(&store, "log/00000001.log"));
	/* Not even what was kept is there. */
	sim_store_remove(&store, "log", "reserve");
	sim_disk_set_limits(store.sim, sim_disk_used_bytes(store.sim), 0);
	sim_store_kill(&store);
	cr_assert_eq(sim_store_open(&store), 0);

	cr_assert_not(sim_store_has(&store, "log/00000001.log"));
	cr_assert_eq(sim_store_stats(&store).n_log_segments, count_segments());
	cr_assert_eq(sim_store_fill(&store, "m", n++, 1), 0);
	cr_assert_eq(sim_store_count(&store), n);
	restart();
	cr_assert_eq(sim_store_count(&store), n);
}

Test(committer, removes_segments_that_nothing_needs)
{
	while (newest() < 6) {
		cr_assert_eq(sim_store_fill(&store, "m", 0, 50), 0);
		cr_assert_eq(sim_store_checkpoint(&store), 0);
	}
	cr_assert_leq(count_segments(), 3);
	cr_assert_eq(sim_store_stats(&store).n_log_segments, count_segments());
	cr_assert_not(sim_store_has(&store, "log/00000001.log"));
}

Test(committer, keeps_segments_of_a_host_that_is_in_no_file)
{
	sim_store_put(&store, AT "01 quiet{host=\"quiet\"} 1\n");
	cr_assert_eq(engine_commit(store.engine), 0);
	while (newest() < 4)
		cr_assert_eq(sim_store_fill(&store, "m", 0, 50), 0);
	cr_assert(sim_store_has(&store, "log/00000001.log"));
	restart();
	cr_assert_not_null(strstr(sim_store_read(&store), "1 quiet quiet 1\n"));
}

/* -- without memory -------------------------------------------------------------------------------- */

#define CONTROLS       200
#define CONTROL_BYTES  40000
#define HEADROOM_BYTES ((rlim_t)1 << 20)

/* Have as much address space as there is now, and a little. */
static void limit_memory(struct rlimit *ret_before)
{
	struct rlimit limit;
	unsigned long n_pages = 0;
	FILE *file = fopen("/proc/self/statm", "r");
	char text[32] = "";

	cr_assert_not_null(file);
	cr_assert_not_null(fgets(text, sizeof(text), file));
	n_pages = strtoul(text, NULL, 10);
	cr_assert_eq(fclose(file), 0);
	cr_assert_eq(getrlimit(RLIMIT_AS, ret_before), 0);
	limit = *ret_before;
	limit.rlim_cur = (rlim_t)n_pages * (rlim_t)sysconf(_SC_PAGESIZE) + HEADROOM_BYTES;
	cr_assert_eq(setrlimit(RLIMIT_AS, &limit), 0);
}

/* How many records of a type the log has. */
static unsigned count_records(enum hm_record_type type)
{
	const struct disk *disk = sim_disk_table(store.sim);
	unsigned n = 0;

	for (uint32_t number = 1; number <= newest(); number++) {
		uint64_t offset = HM_LOG_HEADER_BYTES;
		struct log_segment segment;
		struct log_record record;

		if (log_segment_open(&segment, disk, store.engine->log_folder, number) < 0)
			continue;
		while (log_segment_find(&segment, offset, &record) == 0) {
			n += record.type == type;
			offset = log_segment_behind(&record);
		}
		log_segment_close(&segment);
	}
	return n;
}

Test(committer, loses_no_record_of_the_checkpoint_where_memory_ends_half_way)
{
	struct buffer *controls = &store.engine->controls;
	struct rlimit before;
	int result;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
	cr_skip_test("a sanitizer's own memory has no limit");
#endif
	/* A batch that needs all segments, so that none is removed. */
	cr_assert_eq(sim_store_fill(&store, "m", 0, 1), 0);
	for (unsigned i = 0; i < CONTROLS; i++) {
		cursor_put_u32(controls, HM_RECORD_EVENT);
		cursor_put_u32(controls, 0);
		cursor_put_u32(controls, CONTROL_BYTES);
		for (unsigned k = 0; k < CONTROL_BYTES; k++)
			buffer_append_byte(controls, (char)i);
	}
	cr_assert_not(buffer_failed(controls));
	store.engine->controls_wanted++;
	limit_memory(&before);
	result = engine_commit(store.engine);
	cr_assert_eq(setrlimit(RLIMIT_AS, &before), 0);
	cr_assert_eq(result, -ENOMEM);
	cr_assert_lt(store.engine->controls_durable, store.engine->controls_wanted);

	cr_assert_eq(sim_store_fill(&store, "m", 1, 1), 0);
	cr_assert_eq(store.engine->controls_durable, store.engine->controls_wanted);
	cr_assert_eq(count_records(HM_RECORD_EVENT), CONTROLS);
	cr_assert_eq(sim_store_count(&store), 2);
}

Test(committer, says_that_the_disk_is_full_when_it_has_room_for_a_small_segment_only)
{
	cr_assert_eq(sim_store_fill(&store, "m", 0, 3), 0);
	sim_disk_set_limits(store.sim, sim_disk_used_bytes(store.sim), 0);
	/* What another file shares with a segment has to go elsewhere, and cannot. */
	sim_disk_fail(store.sim, SIM_PWRITE, 1, ENOSPC, false);
	cr_assert_eq(sim_store_fill(&store, "m", 3, 1), -ENOSPC);
	cr_assert_eq(engine_commit(store.engine), -ENOSPC);
	cr_assert(sim_store_stats(&store).is_full);
	cr_assert_not(sim_store_stats(&store).is_readonly);
	sim_disk_set_limits(store.sim, 0, 0);
	cr_assert_eq(engine_commit(store.engine), 0);
	cr_assert_eq(sim_store_count(&store), 4);
}
