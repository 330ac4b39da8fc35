/* SPDX-License-Identifier: MIT */
/* Tests of a start where the folder of a host, or its own file, is none. */

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
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

TestSuite(loader_folder, .init = setup, .fini = teardown);

static void make_folder(const char *parent, const char *name)
{
	const struct disk *disk = sim_disk_table(store.sim);
	int root = sim_disk_open_root(store.sim);
	int folder = disk->open(disk->context, root, parent, O_RDONLY | O_DIRECTORY);

	cr_assert_eq(disk->mkdir(disk->context, folder, name), 0);
	(void)disk->close(disk->context, folder);
	(void)disk->close(disk->context, root);
}

Test(loader_folder, puts_out_of_the_way_what_is_no_hosts_file)
{
	struct sim_store other;
	const uint8_t *bytes;
	uint64_t size;

	sim_store_init(&other);
	sim_disk_seed(other.sim, 99);
	cr_assert_eq(sim_store_open(&other), 0);
	sim_store_put_filed(&other, AT "01 m 7\n" AT "02 m 8\n");
	sim_store_put_filed(&store, AT "01 m 1\n" AT "01 m{host=\"b\"} 2\n" AT
				       "01 m{host=\"c\"} 3\n" AT "01 m{host=\"d\"} 7\n");
	sim_store_kill(&store);
	bytes = sim_disk_content(other.sim, "hosts/here/.host", &size);
	sim_store_write_file(&store, "hosts/here/.host", bytes, size);
	sim_store_remove(&store, "hosts/b", ".host");
	sim_store_write_file(&store, "hosts/b/.host", "something else", 14);
	sim_store_remove(&store, "hosts/c", ".host");
	sim_store_write_file(&store, "hosts/c/.host", "", 0);
	sim_store_remove(&store, "hosts/d", ".host");
	make_folder("hosts/d", ".host");
	cr_assert_eq(sim_store_open(&store), 0);

	cr_assert(sim_store_holds(&store, "hosts/here/.host.damaged", bytes, size));
	cr_assert(sim_store_has(&store, "hosts/b/.host.damaged"));
	cr_assert_not(sim_store_has(&store, "hosts/c/.host.damaged"));
	cr_assert_eq(sim_store_stats(&store).n_files_aside, 3);
	sim_store_put_filed(&store, AT "02 m 4\n" AT "02 m{host=\"b\"} 5\n" AT
				       "02 m{host=\"c\"} 6\n" AT "02 m{host=\"d\"} 8\n");
	sim_store_reopen(&store);
	cr_assert_str_eq(
		sim_store_read(&store),
		"1 b m 2\n2 b m 5\n1 c m 3\n2 c m 6\n1 d m 7\n2 d m 8\n1 here m 1\n2 here m 4\n");
	cr_assert_eq(sim_store_stats(&store).n_files_aside, 0);
	sim_store_done(&other);
}

Test(loader_folder, keeps_a_file_of_a_folder_that_could_not_be_opened)
{
	uint64_t n = 1;

	sim_store_put_filed(&store, AT "01 m 1\n");
	do {
		sim_store_kill(&store);
		sim_disk_fail(store.sim, SIM_OPEN, n, EACCES, false);
		if (sim_store_open(&store) < 0)
			sim_store_kill(&store);
		sim_disk_heal(store.sim);
		cr_assert_lt(n++, 100, "no open of a folder was met");
	} while (!store.engine || sim_store_count(&store) > 0);
	sim_store_put_filed(&store, AT "02 m 2\n");
	cr_assert_str_eq(sim_store_read(&store), "2 here m 2\n");
	sim_store_reopen(&store);
	cr_assert_str_eq(sim_store_read(&store), "1 here m 1\n2 here m 2\n");
}

/* Have the folder of a host away, and a file in its place. */
static void replace_folder(const char *host, const char *away)
{
	char path[64];

	if (away)
		sim_store_rename(&store, "hosts", host, away);
	(void)snprintf(path, sizeof(path), "hosts/%s", host);
	sim_store_write_file(&store, path, "none", 4);
}

Test(loader_folder, gives_a_host_whose_name_is_taken_another_folder)
{
	sim_store_put(&store, AT "01 m{host=\"a\"} 1\n" AT "01 m{host=\"b\"} 2\n");
	cr_assert_eq(engine_commit(store.engine), 0);
	sim_store_kill(&store);
	/* Of a the log knows; of c nobody yet. */
	replace_folder("a", NULL);
	replace_folder("c", NULL);
	cr_assert_eq(sim_store_open(&store), 0);
	cr_assert_eq(sim_store_stats(&store).n_files_aside, 2);
	cr_assert_not_null(strstr(sim_store_stats(&store).last_error, "no folder"));
	sim_store_put_filed(&store, AT "02 m{host=\"c\"} 3\n");
	cr_assert(sim_store_has(&store, "hosts/a~2/m.hm"));
	cr_assert(sim_store_has(&store, "hosts/b/m.hm"));
	cr_assert(sim_store_has(&store, "hosts/c~2/m.hm"));
	cr_assert_str_eq(sim_store_read(&store), "1 a m 1\n1 b m 2\n2 c m 3\n");

	for (int i = 0; i < 3; i++) {
		sim_store_reopen(&store);
		cr_assert_str_eq(sim_store_read(&store), "1 a m 1\n1 b m 2\n2 c m 3\n");
	}
	/* It stays there when the name is free again. */
	sim_store_kill(&store);
	sim_store_remove(&store, "hosts", "a");
	cr_assert_eq(sim_store_open(&store), 0);
	sim_store_put_filed(&store, AT "03 m{host=\"a\"} 4\n");
	cr_assert_not(sim_store_has(&store, "hosts/a/m.hm"));
	sim_store_reopen(&store);
	cr_assert_str_eq(sim_store_read(&store), "1 a m 1\n3 a m 4\n1 b m 2\n2 c m 3\n");
}

Test(loader_folder, goes_on_where_a_folder_was_moved_away_and_replaced)
{
	sim_store_put_filed(&store, AT "01 m{host=\"a\"} 1\n" AT "01 m{host=\"b\"} 2\n");
	sim_store_kill(&store);
	replace_folder("a", "away");
	replace_folder("a~2", NULL);
	cr_assert_eq(sim_store_open(&store), 0);
	sim_store_put_filed(&store, AT "02 m{host=\"a\"} 3\n");

	cr_assert(sim_store_has(&store, "hosts/a~3/m.hm"));
	cr_assert_str_eq(sim_store_read(&store), "2 a m 3\n1 b m 2\n");
	sim_store_reopen(&store);
	cr_assert_str_eq(sim_store_read(&store), "2 a m 3\n1 b m 2\n");
}

Test(loader_folder, finds_the_files_of_such_a_folder_without_a_log_and_without_a_header)
{
	sim_store_kill(&store);
	replace_folder("a", NULL);
	cr_assert_eq(sim_store_open(&store), 0);
	sim_store_put_filed(&store, AT "01 m{host=\"a\"} 1\n" AT "01 n{host=\"a\"} 2\n");
	sim_store_kill(&store);
	sim_store_remove(&store, "log", "00000001.log");
	sim_store_remove(&store, "log", "00000002.log");
	sim_store_damage(&store, "hosts/a~2/m.hm", 0, 64);

	cr_assert_eq(sim_store_open(&store), 0);
	cr_assert_str_eq(sim_store_read(&store), "1 a m 1\n1 a n 2\n");
	sim_store_put_filed(&store, AT "02 n{host=\"a\"} 3\n");
	sim_store_reopen(&store);
	cr_assert_str_eq(sim_store_read(&store), "1 a m 1\n1 a n 2\n2 a n 3\n");
}

Test(loader_folder, mixes_no_two_folders_of_one_host)
{
	sim_store_put_filed(&store, AT "01 m{host=\"a\"} 1\n");
	sim_store_kill(&store);
	replace_folder("a", "away");
	cr_assert_eq(sim_store_open(&store), 0);
	sim_store_put_filed(&store, AT "02 m{host=\"a\"} 3\n");
	sim_store_kill(&store);
	/* Somebody puts the first one back. */
	sim_store_remove(&store, "hosts", "a");
	sim_store_rename(&store, "hosts", "away", "a");

	cr_assert_eq(sim_store_open(&store), 0);
	cr_assert_str_eq(sim_store_read(&store), "1 a m 1\n");
	cr_assert_eq(sim_store_stats(&store).n_files_aside, 1);
	sim_store_put_filed(&store, AT "04 m{host=\"a\"} 4\n");
	sim_store_reopen(&store);
	cr_assert_str_eq(sim_store_read(&store), "1 a m 1\n4 a m 4\n");
}
