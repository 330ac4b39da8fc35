/* SPDX-License-Identifier: MIT */
/* Tests of the store without its threads, from one end to the other. */

#include "collector/engine.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/message.h"
#include "tests/support/seeded.h"
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

TestSuite(engine, .init = setup, .fini = teardown);

static void assert_reads(const char *expected)
{
	cr_assert_str_eq(sim_store_read(&store), expected);
}

Test(engine, shows_what_is_durable_and_nothing_else)
{
	sim_store_put(&store, AT "01 m 1\n" AT "01 m{x=\"1\",host=\"b\"} 2\n");
	cr_assert(engine_has_pending(store.engine));
	assert_reads("");
	cr_assert_eq(engine_commit(store.engine), 0);
	cr_assert_not(engine_has_pending(store.engine));
	assert_reads("1 b m{x=\"1\"} 2\n1 here m 1\n");
	/* Not closed, not even a mark: a power cut leaves it there. */
	sim_store_crash(&store);
	cr_assert_eq(sim_store_open(&store), 0);
	assert_reads("1 b m{x=\"1\"} 2\n1 here m 1\n");
}

Test(engine, merges_files_and_log_late_samples_and_equal_times)
{
	static const char all[] = "-1795415995 here m 6\n1 here m 1\n1 here m 3\n1 here m 5\n"
				  "2 here m 4\n3 here m 2\n";

	sim_store_put(&store, AT "01 m 1\n" AT "03 m 2\n");
	cr_assert_eq(sim_store_checkpoint(&store), 0);
	sim_store_put(&store, AT "01 m 3\n" AT "02 m 4\n5 m 6\n");
	cr_assert_eq(engine_commit(store.engine), 0);
	sim_store_put(&store, AT "01 m 5\n");
	cr_assert_eq(engine_commit(store.engine), 0);
	assert_reads(all);
	cr_assert_eq(sim_store_checkpoint(&store), 0);
	cr_assert(sim_store_has(&store, "hosts/here/m.odd.hm"));
	assert_reads(all);
	sim_store_crash(&store);
	cr_assert_eq(sim_store_open(&store), 0);
	assert_reads(all);
	cr_assert_eq(sim_store_stats(&store).n_odd, 0);
}

Test(engine, counts_hosts_and_samples_once_in_log_and_files)
{
	struct engine_host_state *hosts;
	size_t n;

	sim_store_put(&store, AT "01 m{host=\"a\"} 1\n" AT "02 m{host=\"a\"} 2\n" AT
				 "01 n{host=\"a\"} 1\n");
	cr_assert_eq(sim_store_checkpoint(&store), 0);
	sim_store_put(&store, AT "05 n{host=\"a\"} 1\n");
	cr_assert_eq(engine_commit(store.engine), 0);
	for (int i = 0; i < 2; i++) {
		cr_assert_eq(engine_list_hosts(store.engine, &hosts, &n), 0);
		cr_assert_eq(n, 1);
		cr_assert_str_eq(hosts[0].name, "a");
		cr_assert_eq(hosts[0].n_series, 2);
		cr_assert_eq(hosts[0].n_samples, 4);
		cr_assert_eq(hosts[0].last_time_us, (SIM_STORE_START_S + 5) * SIM_STORE_SECOND_US);
		free(hosts);
		sim_store_kill(&store);
		cr_assert_eq(sim_store_open(&store), 0);
	}
}

/* What the files of a host's folder take, as the disk says; and how many there are. */
struct folder_use {
	int folder;
	uint64_t n_bytes;
	uint64_t n_files;
};

static int add_use(void *argument, const char *name)
{
	const struct disk *disk = store.engine->options.disk;
	struct folder_use *use = argument;
	struct disk_status status;
	int fd = disk->open(disk->context, use->folder, name, O_RDONLY);

	cr_assert_geq(fd, 0);
	cr_assert_eq(disk->fstat(disk->context, fd, &status), 0);
	(void)disk->close(disk->context, fd);
	use->n_bytes += status.allocated_bytes;
	use->n_files++;
	return 0;
}

static struct folder_use look_at(const char *folder)
{
	const struct disk *disk = store.engine->options.disk;
	struct folder_use use = {0};

	use.folder = disk->open(disk->context, store.engine->hosts_folder, folder,
				O_RDONLY | O_DIRECTORY);
	cr_assert_geq(use.folder, 0);
	cr_assert_eq(disk->list(disk->context, use.folder, add_use, &use), 0);
	(void)disk->close(disk->context, use.folder);
	return use;
}

static struct engine_host_state host_of(const char *name)
{
	struct engine_host_state *hosts;
	struct engine_host_state found = {0};
	size_t n;

	cr_assert_eq(engine_list_hosts(store.engine, &hosts, &n), 0);
	for (size_t i = 0; i < n; i++) {
		if (strcmp(hosts[i].name, name) == 0)
			found = hosts[i];
	}
	free(hosts);
	cr_assert_not_null(found.name);
	return found;
}

static void assert_host(const char *name, int64_t oldest_s)
{
	struct engine_host_state host = host_of(name);
	struct folder_use use = look_at(name);

	cr_assert_eq(host.n_bytes, use.n_bytes, "%llu %llu", (unsigned long long)host.n_bytes,
		     (unsigned long long)use.n_bytes);
	cr_assert_eq(host.n_inodes, use.n_files + 1);
	cr_assert(host.has_oldest);
	cr_assert_eq(host.oldest_time_us, (SIM_STORE_START_S + oldest_s) * SIM_STORE_SECOND_US,
		     "%lld", (long long)host.oldest_time_us);
}

static void assert_hosts_also_when_begun_anew(const char *name, int64_t oldest_s)
{
	assert_host(name, oldest_s);
	sim_store_kill(&store);
	cr_assert_eq(sim_store_open(&store), 0);
	assert_host(name, oldest_s);
}

Test(engine, tells_what_a_host_takes_on_the_disk_and_how_old_its_samples_are)
{
	cr_assert_eq(sim_store_put_many(&store, "m{host=\"a\"}", 60), 0);
	sim_store_put(&store, AT "70 n{host=\"a\"} 1\n" AT "30 m{host=\"b\"} 1\n");
	cr_assert_eq(engine_commit(store.engine), 0);
	cr_assert_eq(host_of("a").n_bytes, 0, "it is in the log only");
	cr_assert_eq(host_of("a").n_inodes, 0);
	cr_assert_eq(host_of("a").oldest_time_us, SIM_STORE_START_S * SIM_STORE_SECOND_US);
	cr_assert_eq(sim_store_checkpoint(&store), 0);
	assert_hosts_also_when_begun_anew("a", 0);
	assert_hosts_also_when_begun_anew("b", 30);
	/* Late ones, in the log and then in a file behind younger ones; and one of an impossible time. */
	sim_store_put(&store, AT "20 m{host=\"b\"} 1\n1262304000 m{host=\"b\"} 1\n" AT
				 "40 o{host=\"b\"} 1\n");
	cr_assert_eq(engine_commit(store.engine), 0);
	assert_hosts_also_when_begun_anew("b", 20);
	cr_assert_eq(sim_store_checkpoint(&store), 0);
	assert_hosts_also_when_begun_anew("b", 20);
	cr_assert_eq(look_at("b").n_files, 4);
	cr_assert_eq(sim_store_fill(&store, "m{host=\"a\"}", 0, 50), 0);
	cr_assert_eq(sim_store_checkpoint(&store), 0);
	assert_hosts_also_when_begun_anew("a", 0);
}

Test(engine, takes_the_oldest_sample_from_files_where_the_host_s_own_one_is_lost)
{
	sim_store_put(&store, AT "07 m{host=\"a\"} 1\n" AT "30 n{host=\"a\"} 1\n");
	cr_assert_eq(sim_store_checkpoint(&store), 0);
	sim_store_put(&store, AT "08 m{host=\"a\"} 1\n" AT "31 n{host=\"a\"} 1\n");
	cr_assert_eq(sim_store_checkpoint(&store), 0);
	sim_store_kill(&store);
	sim_store_remove(&store, "hosts/a", ".host");
	cr_assert_eq(sim_store_open(&store), 0);
	assert_host("a", 7);
	sim_store_put(&store, AT "09 m{host=\"a\"} 1\n");
	cr_assert_eq(sim_store_checkpoint(&store), 0);
	assert_hosts_also_when_begun_anew("a", 7);
}

Test(engine, counts_all_parts_of_a_file)
{
	cr_assert_eq(sim_store_put_many(&store, "m{host=\"a\"}", 60), 0);
	cr_assert_eq(sim_store_checkpoint(&store), 0);
	sim_store_put(&store, AT "61 m{host=\"a\"} 1\n");
	sim_disk_fail(store.sim, SIM_SYNCFS, 1, EIO, false);
	cr_assert_neq(sim_store_checkpoint(&store), 0);
	sim_disk_heal(store.sim);
	cr_assert_eq(sim_store_checkpoint(&store), 0);
	cr_assert_eq(look_at("a").n_files, 3);
	assert_hosts_also_when_begun_anew("a", 0);
}

Test(engine, knows_the_rate_of_a_host)
{
	for (int i = 0; i < 10; i++) {
		sim_disk_advance(store.sim, 10 * SIM_STORE_SECOND_US);
		cr_assert_eq(sim_store_put_many(&store, "m{host=\"a\"}", 30), 0);
	}
	cr_assert(host_of("a").has_rate);
	cr_assert_float_eq(host_of("a").rate, 3, 0.01);
	sim_disk_advance(store.sim, 301 * SIM_STORE_SECOND_US);
	cr_assert_eq(host_of("a").rate, 0);
}

Test(engine, keeps_hosts_and_metrics_of_hostile_names_apart)
{
	static const char *const names[] = {"../../etc/passwd",
					    "..",
					    ".",
					    ".host",
					    "x.odd",
					    "x",
					    "a~1",
					    "a",
					    "%2E",
					    "x.hm",
					    "id",
					    "log",
					    "m.hm.damaged"};
	struct buffer before = {0};
	unsigned n = 0;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char text[256];

		(void)snprintf(text, sizeof(text),
			       AT "01 m{host=\"%s\"} %zu\n" AT "01 %s{host=\"b\"} %zu\n5 %s %zu\n",
			       names[i], i, names[i], i, names[i], i);
		sim_store_put(&store, text);
		n += 3;
	}
	cr_assert_eq(sim_store_checkpoint(&store), 0);
	buffer_append_text(&before, sim_store_read(&store));
	cr_assert_eq(sim_store_count(&store), n);
	sim_store_kill(&store);
	cr_assert_eq(sim_store_open(&store), 0);
	assert_reads(buffer_text(&before));
	cr_assert_eq(sim_store_stats(&store).n_files_aside, 0);
	buffer_done(&before);
}

/* Appends, commits, checkpoints, ends of process and power by chance: what was durable is there once. */
Test(engine, reads_once_all_that_was_durable_whatever_the_order_of_steps)
{
	struct seeded seeded;
	unsigned n_given = 0;
	unsigned n_durable = 0;

	seeded_init(&seeded);
	sim_disk_seed(store.sim, seeded_next(&seeded));
	for (unsigned i = 0; i < 600; i++) {
		uint64_t dice = seeded_below(&seeded, 20);

		if (dice < 12) {
			unsigned n = 1 + (unsigned)seeded_below(&seeded, 200);

			cr_assert_eq(
				sim_store_put_many(&store, dice % 2 ? "m" : "n{host=\"b\"}", n), 0);
			n_given += n;
			n_durable = n_given;
		} else if (dice < 16) {
			int result = engine_checkpoint(store.engine, ENGINE_SCOPE_ALL);

			cr_assert(result == 0 || result == -EAGAIN || result == -ENODATA);
		} else if (dice < 18) {
			cr_assert_eq(sim_store_checkpoint(&store), 0);
		} else {
			if (dice == 18)
				sim_store_kill(&store);
			else
				sim_store_crash(&store);
			cr_assert_eq(sim_store_open(&store), 0);
			cr_assert_eq(sim_store_count(&store), n_durable, "step %u", i);
		}
	}
	cr_assert_eq(sim_store_count(&store), n_durable);
	cr_assert_eq(sim_store_stats(&store).n_damaged_ranges, 0);
}
