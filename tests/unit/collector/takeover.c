/* SPDX-License-Identifier: MIT */
/* Tests of a start on a disk that does not work, and of what comes when it does again. */

#include "collector/takeover.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "collector/query.h"
#include "common/log_file.h"
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

TestSuite(takeover, .init = setup, .fini = teardown);

static void assert_reads(const char *expected)
{
	cr_assert_str_eq(sim_store_read(&store), expected);
}

struct names {
	char text[4096];
};

static void add_name(void *argument, const char *path)
{
	struct names *names = argument;
	size_t length = strlen(names->text);

	(void)snprintf(names->text + length, sizeof(names->text) - length, "%s\n", path);
}

static struct names list_files(void)
{
	struct names names = {""};

	sim_disk_walk(store.sim, add_name, &names);
	return names;
}

static void assert_holds_back(const char *why)
{
	struct engine_stats stats = sim_store_stats(&store);

	cr_assert(engine_wants_mark(store.engine) && engine_has_pending(store.engine));
	cr_assert(stats.is_readonly);
	cr_assert_eq(stats.n_stored, 0);
	cr_assert_eq(stats.n_waiting, 2);
	cr_assert_not_null(strstr(stats.last_error, why), "%s", stats.last_error);
	cr_assert_not_null(strstr(stats.last_error, strerror(EIO)));
}

/* Open on a bad disk; it serves `expected`, stores nothing, and says why. */
static void open_badly(const char *expected, const char *why)
{
	struct names before = list_files();
	struct names after;

	cr_assert_eq(sim_store_open(&store), 0);
	assert_reads(expected);
	sim_store_put(&store, AT "03 m 5\n" AT "03 new{host=\"third\"} 6\n");
	for (int i = 0; i < 5; i++) {
		cr_assert_eq(engine_commit(store.engine), -EIO);
		cr_assert_eq(engine_checkpoint(store.engine, ENGINE_SCOPE_ALL), -EIO);
	}
	assert_holds_back(why);
	assert_reads(expected);
	after = list_files();
	cr_assert_str_eq(after.text, before.text, "nothing was made or removed");
}

static void assert_goes_on(void)
{
	struct engine_stats stats = sim_store_stats(&store);

	cr_assert_not(stats.is_readonly);
	cr_assert_eq(stats.n_waiting, 0);
	cr_assert_eq(stats.n_stored, 2);
	cr_assert_eq(stats.n_accepted, 2);
}

Test(takeover, goes_on_counting_syncs_that_fail)
{
	sim_store_put_two_hosts(&store);
	sim_disk_fail(store.sim, SIM_FDATASYNC, 1, EIO, true);
	open_badly(sim_store_two_hosts, "log/00000001.log cannot be synced");
	cr_assert_eq(sim_store_stats(&store).n_failed_syncs, 1);
	sim_disk_heal(store.sim);
	cr_assert_eq(engine_commit(store.engine), 0);
	cr_assert_eq(sim_store_stats(&store).n_failed_syncs, 1);
	sim_store_put(&store, AT "04 m 7\n");
	sim_disk_fail(store.sim, SIM_FDATASYNC, 1, EIO, false);
	cr_assert_eq(engine_commit(store.engine), -EIO);
	cr_assert_eq(sim_store_stats(&store).n_failed_syncs, 2);
}

/* The disk works again: so does the engine, with all that there is. */
static void heal(void)
{
	static const char expected[] =
		"1 here m 1\n2 here m 2\n3 here m 5\n1 there m 3\n2 there m 4\n3 third new 6\n";

	sim_disk_heal(store.sim);
	cr_assert_eq(engine_commit(store.engine), 0);
	assert_goes_on();
	assert_reads(expected);
	sim_disk_evict(store.sim);
	assert_reads(expected);
	cr_assert_eq(sim_store_checkpoint(&store), 0);
	assert_reads(expected);
	sim_store_crash(&store);
	cr_assert_eq(sim_store_open(&store), 0);
	assert_reads(expected);
	cr_assert_eq(sim_store_stats(&store).n_damaged_ranges, 0);
}

Test(takeover, starts_where_every_sync_fails_and_goes_on_when_they_do_not)
{
	sim_store_put_two_hosts(&store);
	sim_disk_fail(store.sim, SIM_FDATASYNC, 1, EIO, true);
	open_badly(sim_store_two_hosts, "log/00000001.log cannot be synced");
	heal();
}

Test(takeover, starts_where_syncs_of_folders_fail_too)
{
	sim_store_put_two_hosts(&store);
	sim_disk_fail(store.sim, SIM_FDATASYNC, 1, EIO, true);
	sim_disk_fail(store.sim, SIM_FSYNC, 1, EIO, true);
	sim_disk_fail(store.sim, SIM_SYNCFS, 1, EIO, true);
	open_badly(sim_store_two_hosts, "the store's folder cannot be synced");
	heal();
}

/* What the process before wrote last is lost on the platter, or not, and the kernel shows it. */
static void end_unsynced(uint64_t seed)
{
	sim_store_put_two_hosts(&store);
	sim_disk_seed(store.sim, seed);
	sim_disk_refuse_direct(store.sim, true);
	cr_assert_eq(sim_store_open(&store), 0);
	sim_store_put(&store, AT "04 m 7\n");
	sim_disk_fail(store.sim, SIM_FDATASYNC, 1, EIO, true);
	cr_assert_eq(engine_commit(store.engine), -EIO);
	sim_store_kill(&store);
}

Test(takeover, writes_the_end_again_where_the_device_cannot_be_asked)
{
	static const char expected[] =
		"1 here m 1\n2 here m 2\n4 here m 7\n1 there m 3\n2 there m 4\n";

	for (uint64_t seed = 1; seed <= 16; seed++) {
		end_unsynced(seed);
		cr_assert_eq(sim_store_open(&store), 0);
		assert_reads(expected);
		cr_assert_eq(engine_commit(store.engine), -EIO);
		sim_disk_heal(store.sim);
		cr_assert_eq(engine_commit(store.engine), 0);
		sim_store_crash(&store);
		cr_assert_eq(sim_store_open(&store), 0);
		assert_reads(expected);
		teardown();
		setup();
	}
}

/* A segment as a copy that was cut short leaves it: within a block of the device. */
Test(takeover, secures_the_end_of_a_segment_that_was_cut_short)
{
	const struct disk *disk = sim_disk_table(store.sim);
	uint64_t end;
	int root;
	int fd;

	sim_store_put(&store, AT "01 m 1\n" AT "02 m 2\n");
	cr_assert_eq(engine_commit(store.engine), 0);
	end = log_position_offset(store.engine->durable);
	cr_assert_neq((end + HM_LOG_HEADER_BYTES) % 4096, 0);
	sim_store_kill(&store);
	root = sim_disk_open_root(store.sim);
	fd = disk->open(disk->context, root, "log/00000001.log", O_RDWR);
	cr_assert_geq(fd, 0);
	cr_assert_eq(disk->ftruncate(disk->context, fd, end + HM_LOG_HEADER_BYTES), 0);
	(void)disk->close(disk->context, fd);
	(void)disk->close(disk->context, root);

	cr_assert_eq(sim_store_open(&store), 0);
	assert_reads("1 here m 1\n2 here m 2\n");
	cr_assert_not(sim_store_stats(&store).is_readonly, "%s",
		      sim_store_stats(&store).last_error);
	sim_store_put(&store, AT "03 m 3\n");
	cr_assert_eq(engine_commit(store.engine), 0);
	sim_store_crash(&store);
	cr_assert_eq(sim_store_open(&store), 0);
	assert_reads("1 here m 1\n2 here m 2\n3 here m 3\n");
}

/* What an open that passes says is not that the device cannot be asked. */
Test(takeover, believes_no_sync_because_a_descriptor_was_not_free)
{
	static const char expected[] =
		"1 here m 1\n2 here m 2\n4 here m 7\n1 there m 3\n2 there m 4\n";

	for (unsigned n = 1; n <= 20; n++) {
		for (uint64_t seed = 1; seed <= 8; seed++) {
			int result;

			end_unsynced(seed);
			sim_disk_heal(store.sim);
			sim_disk_refuse_direct(store.sim, false);
			sim_disk_fail(store.sim, SIM_OPEN, n, EMFILE, false);
			result = sim_store_open(&store);
			sim_disk_heal(store.sim);
			if (result < 0)
				cr_assert_eq(sim_store_open(&store), 0);
			cr_assert_eq(engine_commit(store.engine), 0);
			sim_store_crash(&store);
			cr_assert_eq(sim_store_open(&store), 0);
			cr_assert_str_eq(sim_store_read(&store), expected, "open %u, seed %u", n,
					 (unsigned)seed);
			teardown();
			setup();
		}
	}
}

/* A device whose blocks are larger than those that are asked for. */
static int direct_fd = -1;

static int open_large(void *context, int folder, const char *name, int flags)
{
	int fd = sim_disk_table(store.sim)->open(context, folder, name, flags);

	if (flags & O_DIRECT)
		direct_fd = fd;
	return fd;
}

static ssize_t read_large(void *context, int fd, void *bytes, size_t length, uint64_t offset)
{
	if (fd == direct_fd)
		return -EINVAL;
	return sim_disk_table(store.sim)->pread(context, fd, bytes, length, offset);
}

Test(takeover, secures_the_end_where_the_device_wants_larger_reads)
{
	struct disk disk = *sim_disk_table(store.sim);
	struct log_end end = {.durable = log_position(1, HM_LOG_HEADER_BYTES)};
	int root;
	int folder;

	sim_store_put(&store, AT "01 m 1\n");
	cr_assert_eq(engine_commit(store.engine), 0);
	end.end = store.engine->durable;
	sim_store_kill(&store);
	root = sim_disk_open_root(store.sim);
	folder = disk.open(disk.context, root, "log", O_RDONLY | O_DIRECTORY);
	disk.open = open_large;
	disk.pread = read_large;
	cr_assert_eq(log_end_secure(&end, &disk, folder), 0);
	cr_assert_geq(direct_fd, 0);
	cr_assert_not(end.has_failed);
	(void)disk.close(disk.context, folder);
	(void)disk.close(disk.context, root);
}

Test(takeover, serves_files_where_the_log_cannot_be_listed)
{
	sim_store_put_two_hosts(&store);
	cr_assert_eq(sim_disk_spoil_folder(store.sim, "log", EIO), 0);
	open_badly("1 here m 1\n1 there m 3\n", "log/ cannot be listed");
	cr_assert_gt(sim_store_stats(&store).n_damaged_ranges, 0);
	heal();
}

Test(takeover, serves_what_the_log_knows_where_hosts_cannot_be_listed)
{
	sim_store_put_two_hosts(&store);
	cr_assert_eq(sim_disk_spoil_folder(store.sim, "hosts", EIO), 0);
	open_badly(sim_store_two_hosts, "hosts/ cannot be listed");
	cr_assert_gt(sim_store_stats(&store).n_damaged_ranges, 0);
	heal();
}

Test(takeover, takes_no_other_id_where_nothing_tells_the_one_that_is_lost)
{
	sim_store_put_two_hosts(&store);
	sim_store_remove(&store, ".", "id");
	cr_assert_eq(sim_disk_spoil_folder(store.sim, "log", EIO), 0);
	open_badly("", "the id is lost");
	cr_assert_gt(sim_store_stats(&store).n_damaged_ranges, 0);
	heal();
}

Test(takeover, makes_no_other_id_where_the_folder_of_its_only_host_cannot_be_listed)
{
	sim_store_put_two_hosts(&store);
	sim_store_remove(&store, ".", "id");
	sim_store_remove(&store, "log", "00000001.log");
	/* log/ and hosts/ can. */
	sim_disk_fail(store.sim, SIM_LIST, 3, EIO, true);
	open_badly("", "the id is lost");
	sim_disk_heal(store.sim);
	cr_assert_eq(engine_commit(store.engine), 0);
	assert_reads("1 here m 1\n3 here m 5\n1 there m 3\n3 third new 6\n");
}

/* A checkpoint that was not completed, behind which the log cannot be listed. */
Test(takeover, reads_nothing_twice_where_a_checkpoint_was_not_completed)
{
	unsigned n = 0;

	sim_store_put(&store, AT "01 m 1\n" AT "01 m{host=\"there\"} 3\n");
	cr_assert_eq(sim_store_checkpoint(&store), 0);
	sim_store_put(&store, AT "02 m 2\n" AT "02 m{host=\"there\"} 4\n");
	cr_assert_eq(engine_commit(store.engine), 0);
	while (!sim_disk_is_stopped(store.sim) && n++ < 100) {
		int result = engine_checkpoint(store.engine, ENGINE_SCOPE_ALL);

		if (result == -EAGAIN)
			cr_assert_eq(engine_commit(store.engine), 0);
		/* The files are written, and the log does not say so. */
		if (result == 0)
			sim_disk_fail(store.sim, SIM_PWRITE, 4, EIO, true);
		if (result < 0 && result != -EAGAIN)
			break;
	}
	sim_store_kill(&store);
	sim_disk_heal(store.sim);
	cr_assert_eq(sim_disk_spoil_folder(store.sim, "hosts", EIO), 0);
	open_badly(sim_store_two_hosts, "hosts/ cannot be listed");
	heal();
}

Test(takeover, keeps_a_host_in_the_log_whose_folder_cannot_be_listed)
{
	static const char expected[] =
		"1 here m 1\n2 here m 2\n3 here m 5\n1 there m 3\n2 there m 4\n3 there m 6\n";

	sim_store_put_two_hosts(&store);
	cr_assert_eq(sim_disk_spoil_folder(store.sim, "hosts/there", EIO), 0);
	cr_assert_eq(sim_store_open_patiently(&store), 0);
	assert_reads("1 here m 1\n2 here m 2\n2 there m 4\n");
	cr_assert_eq(sim_store_stats(&store).n_files_aside, 1);
	sim_store_put(&store, AT "03 m 5\n" AT "03 m{host=\"there\"} 6\n");
	cr_assert_eq(sim_store_checkpoint(&store), 0);
	cr_assert_eq(sim_store_stats(&store).n_waiting, 0);
	assert_reads("1 here m 1\n2 here m 2\n3 here m 5\n2 there m 4\n3 there m 6\n");
	sim_disk_heal(store.sim);
	sim_store_crash(&store);
	cr_assert_eq(sim_store_open(&store), 0);
	assert_reads(expected);
	cr_assert_eq(sim_store_checkpoint(&store), 0);
	assert_reads(expected);
}

Test(takeover, appends_nothing_to_a_host_that_only_its_folder_tells_of)
{
	sim_store_put_two_hosts(&store);
	sim_store_remove(&store, "log", "00000001.log");
	cr_assert_eq(sim_disk_spoil_folder(store.sim, "hosts/there", EIO), 0);
	cr_assert_eq(sim_store_open_patiently(&store), 0);
	assert_reads("1 here m 1\n");
	sim_store_put(&store, AT "03 m{host=\"there\",x=\"1\"} 6\n");
	cr_assert_eq(sim_store_checkpoint(&store), 0);
	sim_disk_heal(store.sim);
	sim_store_crash(&store);
	cr_assert_eq(sim_store_open(&store), 0);
	assert_reads("1 here m 1\n1 there m 3\n3 there m{x=\"1\"} 6\n");
}

/* Who read a series before the disk worked reads it on, and who appends to one appends to its heir. */
Test(takeover, goes_on_with_series_that_were_known_before)
{
	sim_store_put_two_hosts(&store);
	sim_disk_fail(store.sim, SIM_FDATASYNC, 1, EIO, true);
	cr_assert_eq(sim_store_open(&store), 0);
	sim_store_put(&store, AT "03 m 5\n");
	cr_assert_not_null(store.bundle.samples[0].series);
	sim_disk_heal(store.sim);
	cr_assert_eq(engine_commit(store.engine), 0);
	/* As a sender does whose names are known. */
	engine_append(store.engine, &store.bundle);
	cr_assert(store.bundle.has_old_names);
	cr_assert_not(store.bundle.samples[0].series->file->host->is_retired);
	cr_assert_eq(engine_commit(store.engine), 0);
	assert_reads("1 here m 1\n2 here m 2\n3 here m 5\n3 here m 5\n1 there m 3\n2 there m 4\n");
}

/* A query that began before finds nothing in the log any more, and says so. */
Test(takeover, tells_a_query_that_it_misses_what_the_log_has)
{
	const struct query_row *rows;
	struct query *query = NULL;
	unsigned n = 0;
	size_t n_rows;

	sim_store_put_two_hosts(&store);
	sim_disk_fail(store.sim, SIM_FDATASYNC, 1, EIO, true);
	cr_assert_eq(sim_store_open(&store), 0);
	cr_assert_eq(query_new(store.engine, "", "", INT64_MIN, INT64_MAX, &query), 0);
	sim_disk_heal(store.sim);
	cr_assert_eq(engine_commit(store.engine), 0);
	while (query_next(query, &rows, &n_rows) > 0)
		n += (unsigned)n_rows;
	cr_assert(n == 4 || query_n_lost(query) > 0, "%u of 4 rows, and none is missed", n);
	query_free(query);
}
