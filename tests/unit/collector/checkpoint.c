/* SPDX-License-Identifier: MIT */
/* Tests of moving samples from the log into metric files. */

#include "collector/checkpoint.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

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

TestSuite(checkpoint, .init = setup, .fini = teardown);

static int step(void)
{
	return engine_checkpoint(store.engine, ENGINE_SCOPE_ALL);
}

static void commit(void)
{
	cr_assert_eq(engine_commit(store.engine), 0);
}

static void assert_reads(const char *expected)
{
	cr_assert_str_eq(sim_store_read(&store), expected);
}

static void reopen(void)
{
	sim_disk_heal(store.sim);
	sim_store_crash(&store);
	cr_assert_eq(sim_store_open(&store), 0);
}

static uint64_t file_bytes(const char *path)
{
	uint64_t size = 0;

	(void)sim_disk_content(store.sim, path, &size);
	return size;
}

Test(checkpoint, writes_nothing_before_the_log_says_where_and_shows_it_when_the_log_says_so)
{
	sim_store_put(&store, AT "01 m 1\n");
	cr_assert_eq(step(), -ENODATA, "what is not durable is not moved");
	commit();
	cr_assert_eq(step(), -EAGAIN);
	cr_assert_eq(step(), -EAGAIN);
	cr_assert_not(sim_store_has(&store, "hosts/here/m.hm"));
	commit();
	cr_assert_eq(step(), 0);
	cr_assert_eq(step(), -EAGAIN);
	cr_assert(sim_store_has(&store, "hosts/here/m.hm"));
	cr_assert_eq(step(), -EAGAIN);
	cr_assert_eq(sim_store_stats(&store).n_checkpoints, 0);
	assert_reads("1 here m 1\n");
	commit();
	cr_assert_eq(step(), 0);
	cr_assert_eq(sim_store_stats(&store).n_checkpoints, 1);
	cr_assert_eq(sim_store_stats(&store).n_file_bytes,
		     file_bytes("hosts/here/m.hm") + file_bytes("hosts/here/.host"));
	assert_reads("1 here m 1\n");
	cr_assert_eq(step(), -ENODATA);
}

Test(checkpoint, moves_what_is_due_by_age_or_by_the_size_of_the_log)
{
	sim_store_put(&store, AT "01 m 1\n");
	commit();
	cr_assert_eq(engine_checkpoint(store.engine, ENGINE_SCOPE_DUE), -ENODATA);
	sim_disk_advance(store.sim, ENGINE_CHECKPOINT_AGE_US - 1);
	cr_assert_eq(engine_checkpoint(store.engine, ENGINE_SCOPE_DUE), -ENODATA);
	sim_disk_advance(store.sim, 1);
	cr_assert_eq(engine_checkpoint(store.engine, ENGINE_SCOPE_DUE), -EAGAIN);
	cr_assert_eq(sim_store_checkpoint(&store), 0);

	sim_store_put(&store, AT "02 m 2\n");
	commit();
	while (store.engine->durable >> 32 <= ENGINE_CHECKPOINT_SEGMENTS)
		cr_assert_eq(sim_store_fill(&store, "m{host=\"busy\"}", 0, 10), 0);
	cr_assert_eq(engine_checkpoint(store.engine, ENGINE_SCOPE_DUE), -EAGAIN);
}

Test(checkpoint, moves_what_full_segments_have_on_a_full_disk)
{
	const uint64_t used = sim_disk_used_bytes(store.sim);
	int result = 0;
	unsigned n = 0;

	sim_disk_set_limits(store.sim, used + SIM_STORE_SEGMENT_BYTES / 2, 0);
	while (result == 0)
		result = sim_store_fill(&store, "m", n++, 1);
	cr_assert_eq(result, -ENOSPC);
	cr_assert_eq(store.engine->durable >> 32, 1);
	cr_assert_eq(engine_checkpoint(store.engine, ENGINE_SCOPE_DUE), -ENODATA,
		     "that would free nothing");
	sim_disk_set_limits(store.sim, used + SIM_STORE_SEGMENT_BYTES * 5 / 2, 0);
	do
		result = sim_store_fill(&store, "m", n++, 1);
	while (result == 0);
	cr_assert_eq(result, -ENOSPC);
	cr_assert_gt(store.engine->durable >> 32, 1);
	cr_assert_eq(engine_checkpoint(store.engine, ENGINE_SCOPE_DUE), -EAGAIN);
}

Test(checkpoint, ends_although_more_comes_in_all_the_time)
{
	unsigned n_steps = 0;
	int result = 0;

	sim_store_put(&store, AT "01 m{host=\"a\"} 1\n" AT "01 m{host=\"b\"} 1\n");
	commit();
	for (; n_steps < 200 && result != -ENODATA; n_steps++) {
		cr_assert_eq(sim_store_fill(&store, "m{host=\"a\"}", n_steps, 1), 0);
		cr_assert_eq(sim_store_fill(&store, "m{host=\"b\"}", n_steps, 1), 0);
		result = step();
	}
	cr_assert_lt(n_steps, 200);
	cr_assert_eq(sim_store_count(&store), 2 * n_steps + 2);
	/* The next one takes what came in since. */
	cr_assert_eq(sim_store_checkpoint(&store), 0);
	cr_assert_eq(step(), -ENODATA);
	cr_assert_eq(sim_store_count(&store), 2 * n_steps + 2);
}

Test(checkpoint, undoes_a_group_that_has_no_room_and_writes_it_later)
{
	static const char all[] = "1 here a 1\n2 here a 2\n1 here b 1\n2 here b 2\n2 here c 2\n";
	uint64_t a_bytes;
	uint64_t b_bytes;

	sim_store_put(&store, AT "01 a 1\n" AT "01 b 1\n");
	cr_assert_eq(sim_store_checkpoint(&store), 0);
	a_bytes = file_bytes("hosts/here/a.hm");
	b_bytes = file_bytes("hosts/here/b.hm");
	for (uint64_t n = 1; n <= 4; n++) {
		sim_store_put(&store, n == 1 ? AT "02 a 2\n" AT "02 b 2\n" AT "02 c 2\n" : "");
		commit();
		cr_assert_eq(step(), -EAGAIN);
		commit();
		cr_assert_eq(step(), 0);
		sim_disk_fail(store.sim, SIM_PWRITE, n, ENOSPC, false);
		cr_assert_eq(step(), -ENOSPC, "file %u", (unsigned)n);
		cr_assert_eq(file_bytes("hosts/here/a.hm"), a_bytes);
		cr_assert_eq(file_bytes("hosts/here/b.hm"), b_bytes);
		cr_assert_eq(file_bytes("hosts/here/c.hm"), 0);
		cr_assert_neq(sim_store_stats(&store).last_error[0], '\0');
		assert_reads(all);
	}
	cr_assert_eq(sim_store_checkpoint(&store), 0);
	assert_reads(all);
	reopen();
	assert_reads(all);
}

Test(checkpoint, never_writes_to_a_file_again_whose_sync_failed)
{
	static const char all[] = "1 here m 1\n2 here m 2\n3 here m 3\n";
	uint64_t bytes;

	sim_store_put(&store, AT "01 m 1\n");
	cr_assert_eq(sim_store_checkpoint(&store), 0);
	sim_store_put(&store, AT "02 m 2\n");
	sim_disk_fail(store.sim, SIM_SYNCFS, 1, EIO, false);
	cr_assert_eq(sim_store_checkpoint(&store), -EIO);
	bytes = file_bytes("hosts/here/m.hm");
	assert_reads("1 here m 1\n2 here m 2\n");
	sim_store_put(&store, AT "03 m 3\n");
	cr_assert_eq(sim_store_checkpoint(&store), 0);

	cr_assert_eq(file_bytes("hosts/here/m.hm"), bytes);
	(void)sim_store_find(&store, "hosts/here", "m~1@");
	assert_reads(all);
	reopen();
	assert_reads(all);
}

Test(checkpoint, names_each_series_twice_so_that_no_one_block_has_its_only_name)
{
	sim_store_put(&store, AT "01 m{x=\"1\"} 1\n");
	cr_assert_eq(sim_store_checkpoint(&store), 0);
	sim_store_put(&store, AT "02 m{x=\"1\"} 2\n");
	cr_assert_eq(sim_store_checkpoint(&store), 0);
	/* The first SERIES block is the first of the file: behind the header. */
	for (uint64_t bit = 0; bit < file_bytes("hosts/here/m.hm") * 8; bit += 8) {
		sim_store_kill(&store);
		cr_assert_eq(sim_disk_flip(store.sim, "hosts/here/m.hm", bit), 0);
		cr_assert_eq(sim_store_open(&store), 0);
		cr_assert_geq(sim_store_count(&store), 1, "byte %u costs both samples",
			      (unsigned)(bit / 8));
		cr_assert_eq(sim_disk_flip(store.sim, "hosts/here/m.hm", bit), 0);
	}
}

Test(checkpoint, goes_on_with_other_hosts_where_one_cannot_be_read)
{
	sim_store_put(&store, AT "01 m{host=\"a\"} 1\n");
	commit();
	/* The host's batch lies alone in the first of the segments. */
	while (store.engine->durable >> 32 <= ENGINE_CHECKPOINT_SEGMENTS)
		cr_assert_eq(sim_store_fill(&store, "m{host=\"b\"}", 0, 10), 0);
	sim_disk_fail(store.sim, SIM_PREAD, 1, EIO, false);
	cr_assert_eq(sim_store_checkpoint(&store), 0);
	cr_assert_eq(sim_store_stats(&store).n_damaged_ranges, 0);
	cr_assert_not_null(strstr(sim_store_read(&store), "1 a m 1\n"));
	cr_assert_eq(sim_store_checkpoint(&store), 0);
	cr_assert(sim_store_has(&store, "hosts/a/m.hm"));
	cr_assert(sim_store_has(&store, "hosts/b/m.hm"));
}

Test(checkpoint, survives_a_crash_at_every_moment)
{
	static const char all[] = "1 a m 1\n2 a m 2\n1 b m 1\n2 b m 2\n";

	for (uint64_t n = 1;; n++) {
		bool is_stopped;

		teardown();
		setup();
		sim_store_put(&store, AT "01 m{host=\"a\"} 1\n" AT "01 m{host=\"b\"} 1\n");
		cr_assert_eq(sim_store_checkpoint(&store), 0);
		sim_store_put(&store, AT "02 m{host=\"a\"} 2\n" AT "02 m{host=\"b\"} 2\n");
		commit();
		sim_disk_seed(store.sim, n);
		sim_disk_stop_at(store.sim, n);
		(void)sim_store_checkpoint(&store);
		is_stopped = sim_disk_is_stopped(store.sim);
		sim_store_crash(&store);
		cr_assert_eq(sim_store_open(&store), 0);
		cr_assert_str_eq(sim_store_read(&store), all, "call %u", (unsigned)n);
		cr_assert_eq(sim_store_checkpoint(&store), 0);
		cr_assert_str_eq(sim_store_read(&store), all, "call %u", (unsigned)n);
		if (!is_stopped)
			break;
	}
}

/* -- what is written meanwhile -------------------------------------------------------------------- */

static const struct disk *quiet;
static bool is_busy;

/* Behind the first long read of the log more comes in, and is durable. */
static ssize_t busy_pread(void *context, int fd, void *bytes, size_t length, uint64_t offset)
{
	ssize_t n_read = quiet->pread(context, fd, bytes, length, offset);

	if (is_busy && length > HM_LOG_HEADER_BYTES) {
		is_busy = false;
		sim_store_put(&store, AT "02 m{host=\"a\"} 2\n" AT "02 m{host=\"b\"} 2\n");
		commit();
	}
	return n_read;
}

Test(checkpoint, has_of_the_next_host_what_became_durable_while_it_read_the_one_before)
{
	static const char all[] = "1 a m 1\n2 a m 2\n1 b m 1\n2 b m 2\n";
	struct disk busy = *sim_disk_table(store.sim);

	quiet = sim_disk_table(store.sim);
	busy.pread = busy_pread;
	store.engine->options.disk = &busy;
	sim_store_put(&store, AT "01 m{host=\"a\"} 1\n" AT "01 m{host=\"b\"} 1\n");
	commit();
	is_busy = true;
	cr_assert_eq(sim_store_checkpoint(&store), 0);
	store.engine->options.disk = quiet;
	cr_assert_not(is_busy);
	cr_assert_eq(sim_store_stats(&store).n_damaged_ranges, 0);
	assert_reads(all);
	reopen();
	assert_reads(all);
}

/* -- what the mutex is held for ------------------------------------------------------------------- */

static const struct disk *watched;
static unsigned n_watched;
static unsigned n_held;

static void watch(void)
{
	n_watched++;
	if (pthread_mutex_trylock(&store.engine->mutex) == 0)
		(void)pthread_mutex_unlock(&store.engine->mutex);
	else
		n_held++;
}

static int watch_open(void *context, int folder, const char *path, int flags)
{
	watch();
	return watched->open(context, folder, path, flags);
}

static ssize_t watch_pread(void *context, int fd, void *bytes, size_t length, uint64_t offset)
{
	watch();
	return watched->pread(context, fd, bytes, length, offset);
}

static int watch_fstat(void *context, int fd, struct disk_status *ret_status)
{
	watch();
	return watched->fstat(context, fd, ret_status);
}

static int watch_unlink(void *context, int folder, const char *name)
{
	watch();
	return watched->unlink(context, folder, name);
}

static int watch_syncfs(void *context, int fd)
{
	watch();
	return watched->syncfs(context, fd);
}

Test(checkpoint, asks_the_disk_for_nothing_while_senders_and_queries_wait_for_the_mutex)
{
	struct disk watching = *sim_disk_table(store.sim);

	watched = sim_disk_table(store.sim);
	watching.open = watch_open;
	watching.pread = watch_pread;
	watching.fstat = watch_fstat;
	watching.unlink = watch_unlink;
	watching.syncfs = watch_syncfs;
	store.engine->options.disk = &watching;
	sim_store_put(&store, AT "01 m 1\n" AT "01 x 1\n");
	cr_assert_eq(sim_store_checkpoint(&store), 0);
	/* A name that is taken, and a sync that fails. */
	sim_store_write_file(&store, "hosts/here/new.hm", "x", 1);
	sim_store_put(&store, AT "02 m 2\n" AT "02 new 2\n");
	sim_disk_fail(store.sim, SIM_SYNCFS, 1, EIO, false);
	cr_assert_eq(sim_store_checkpoint(&store), -EIO);
	cr_assert_eq(sim_store_checkpoint(&store), 0);
	cr_assert_str_eq(sim_store_read(&store),
			 "1 here m 1\n2 here m 2\n2 here new 2\n1 here x 1\n");
	cr_assert_gt(n_watched, 20);
	cr_assert_eq(n_held, 0, "%u of %u", n_held, n_watched);
	store.engine->options.disk = watched;
}
