/* SPDX-License-Identifier: MIT */
/* Tests of what the metric files say at start. */

#include "collector/loader.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/message.h"
#include "common/store_file.h"
#include "tests/support/all_series.h"
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

TestSuite(loader, .init = setup, .fini = teardown);

static void reopen(void)
{
	sim_store_kill(&store);
	cr_assert_eq(sim_store_open(&store), 0);
}

static void put_filed(const char *text)
{
	sim_store_put(&store, text);
	cr_assert_eq(sim_store_checkpoint(&store), 0);
}

static void assert_reads(const char *expected)
{
	cr_assert_str_eq(sim_store_read(&store), expected);
}

/* A copy of a file's bytes. */
static uint8_t *copy_file(const char *path, uint64_t *ret_size)
{
	const uint8_t *bytes = sim_disk_content(store.sim, path, ret_size);
	uint8_t *copy;

	cr_assert_not_null(bytes, "%s", path);
	copy = malloc(*ret_size + 1);
	cr_assert_not_null(copy);
	memcpy(copy, bytes, *ret_size);
	return copy;
}

static void assert_file(const char *path, const uint8_t *bytes, uint64_t size)
{
	uint64_t now;
	const uint8_t *found = sim_disk_content(store.sim, path, &now);

	cr_assert_not_null(found, "%s", path);
	cr_assert_eq(now, size, "%s", path);
	cr_assert_eq(memcmp(found, bytes, size), 0, "%s", path);
}

Test(loader, knows_series_kinds_units_and_last_values)
{
	struct engine_series_state states[2];
	struct catalog_series **series;
	size_t n;

	put_filed("# TYPE m counter\n# UNIT m bytes\n" AT "07 m 5\n" AT "06 m{x=\"1\"} 4\n");
	reopen();

	cr_assert_eq(all_series_list(store.engine, &series, &n), 0);
	cr_assert_eq(n, 2);
	engine_get_states(store.engine, series, n, states);
	for (size_t i = 0; i < n; i++) {
		cr_assert_eq(states[i].kind, HM_STORED_COUNTER);
		cr_assert_str_eq(states[i].unit, "bytes");
		cr_assert_eq(states[i].last_value, series[i]->labels_length ? 4 : 5);
	}
	free(series);
}

Test(loader, loses_nothing_to_any_flipped_bit_of_a_header)
{
	static const char all[] = "1 here m 1\n2 here m 2\n1 here m{x=\"1\"} 5\n";
	struct store_file_header header;
	uint64_t size;
	uint8_t *bytes;

	put_filed("# TYPE m counter\n# UNIT m bytes\n" AT "01 m 1\n" AT "01 m{x=\"1\"} 5\n");
	put_filed(AT "02 m 2\n");
	bytes = copy_file("hosts/here/m.hm", &size);
	cr_assert_eq(store_file_get_header(bytes, size, &header), 0);
	sim_store_kill(&store);
	for (uint64_t bit = 0; bit < header.header_bytes * 8; bit++) {
		cr_assert_eq(sim_disk_flip(store.sim, "hosts/here/m.hm", bit), 0);
		cr_assert_eq(sim_store_open(&store), 0);
		cr_assert_str_eq(sim_store_read(&store), all, "bit %u", (unsigned)bit);
		cr_assert_eq(sim_store_stats(&store).n_damaged_ranges, 1, "bit %u", (unsigned)bit);
		sim_store_kill(&store);
		cr_assert_eq(sim_disk_flip(store.sim, "hosts/here/m.hm", bit), 0);
	}
	free(bytes);
}

Test(loader, goes_on_behind_a_damaged_header)
{
	put_filed(AT "01 m 1\n" AT "01 m{x=\"1\"} 5\n");
	sim_store_damage(&store, "hosts/here/m.hm", 0, 64);
	/* Who runs on reads it, too. */
	assert_reads("1 here m 1\n1 here m{x=\"1\"} 5\n");
	reopen();
	put_filed(AT "02 m 2\n" AT "02 m{x=\"2\"} 6\n");
	reopen();
	assert_reads("1 here m 1\n2 here m 2\n1 here m{x=\"1\"} 5\n2 here m{x=\"2\"} 6\n");
}

Test(loader, keeps_the_metrics_x_odd_and_x_apart)
{
	static const char sorted[] = "-1795415995 here x 2\n1 here x 1\n2 here x.odd 3\n";

	/* The second of these has an impossible time. */
	put_filed(AT "01 x 1\n5 x 2\n" AT "02 x.odd 3\n");
	assert_reads(sorted);
	reopen();
	assert_reads(sorted);
}

static const struct {
	const char *name;
	bool is_later;
	const char *path; /* where its bytes are in the end */
} strange[] = {{"of another version", true, "hosts/here/m.hm"},
	       {"of nobody", false, "hosts/here/m.hm.damaged"}};

Test(loader, never_writes_to_what_it_cannot_read)
{
	static const char text[] = "this is no metric file, but somebody put it here";
	uint64_t size;

	for (size_t i = 0; i < sizeof(strange) / sizeof(strange[0]); i++) {
		uint8_t *bytes;

		teardown();
		setup();
		put_filed(AT "01 m 1\n" AT "01 n 1\n");
		if (strange[i].is_later) {
			static const uint8_t later[] =
				"hostmetr\x03\0\0\0later, with a header of its own";

			sim_store_write_file(&store, "hosts/here/m.hm", later, sizeof(later));
			sim_store_damage(&store, "hosts/here/m.hm", sizeof(later), 400);
		} else {
			sim_store_write_file(&store, "hosts/here/m.hm", text, sizeof(text));
			sim_store_damage(&store, "hosts/here/m.hm", sizeof(text), 400);
		}
		bytes = copy_file("hosts/here/m.hm", &size);
		reopen();
		cr_assert_eq(sim_store_stats(&store).n_files_aside, 1, "%s", strange[i].name);
		put_filed(AT "02 m 2\n");
		assert_file(strange[i].path, bytes, size);
		assert_reads("2 here m 2\n1 here n 1\n");
		reopen();
		assert_file(strange[i].path, bytes, size);
		assert_reads("2 here m 2\n1 here n 1\n");
		free(bytes);
	}
}

Test(loader, leaves_another_metrics_file_alone)
{
	uint64_t size;
	uint8_t *bytes;

	put_filed(AT "01 m 1\n" AT "01 n 2\n");
	bytes = copy_file("hosts/here/n.hm", &size);
	sim_store_remove(&store, "hosts/here", "m.hm");
	sim_store_write_file(&store, "hosts/here/m.hm", bytes, size);
	reopen();
	put_filed(AT "02 m 3\n");

	assert_reads("2 here m 3\n1 here n 2\n");
	assert_file("hosts/here/m.hm", bytes, size);
	free(bytes);
}

Test(loader, mixes_in_no_file_of_another_store)
{
	struct sim_store other;
	const uint8_t *bytes;
	uint64_t size;

	sim_store_init(&other);
	sim_disk_seed(other.sim, 99);
	cr_assert_eq(sim_store_open(&other), 0);
	sim_store_put(&other, AT "01 m 7\n" AT "01 n 8\n" AT "01 m{host=\"b\"} 9\n");
	cr_assert_eq(sim_store_checkpoint(&other), 0);
	put_filed(AT "01 m 1\n" AT "01 n 2\n");
	sim_store_kill(&store);
	bytes = sim_disk_content(other.sim, "hosts/here/m.hm", &size);
	sim_store_remove(&store, "hosts/here", "m.hm");
	sim_store_write_file(&store, "hosts/here/m.hm", bytes, size);
	cr_assert_eq(sim_store_open(&store), 0);

	assert_reads("1 here n 2\n");
	cr_assert_eq(sim_store_stats(&store).n_files_aside, 1);
	cr_assert_str_eq(sim_store_stats(&store).last_error,
			 "hosts/here/m.hm: it is of another store");
	put_filed(AT "02 m 3\n");
	assert_file("hosts/here/m.hm", bytes, size);
	cr_assert(sim_store_has(&store, "hosts/here/m~1.hm"));
	for (int i = 0; i < 2; i++) {
		reopen();
		assert_reads("2 here m 3\n1 here n 2\n");
	}
	sim_store_done(&other);
}

static void make_folder(const char *parent, const char *name)
{
	const struct disk *disk = sim_disk_table(store.sim);
	int root = sim_disk_open_root(store.sim);
	int folder = disk->open(disk->context, root, parent, O_RDONLY | O_DIRECTORY);

	cr_assert_eq(disk->mkdir(disk->context, folder, name), 0);
	(void)disk->close(disk->context, folder);
	(void)disk->close(disk->context, root);
}

Test(loader, puts_out_of_the_way_what_is_no_hosts_file)
{
	struct sim_store other;
	const uint8_t *bytes;
	uint64_t size;

	sim_store_init(&other);
	sim_disk_seed(other.sim, 99);
	cr_assert_eq(sim_store_open(&other), 0);
	sim_store_put(&other, AT "01 m 7\n" AT "02 m 8\n");
	cr_assert_eq(sim_store_checkpoint(&other), 0);
	put_filed(AT "01 m 1\n" AT "01 m{host=\"b\"} 2\n" AT "01 m{host=\"c\"} 3\n" AT
		     "01 m{host=\"d\"} 7\n");
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

	assert_file("hosts/here/.host.damaged", bytes, size);
	cr_assert(sim_store_has(&store, "hosts/b/.host.damaged"));
	cr_assert_not(sim_store_has(&store, "hosts/c/.host.damaged"));
	cr_assert_eq(sim_store_stats(&store).n_files_aside, 3);
	put_filed(AT "02 m 4\n" AT "02 m{host=\"b\"} 5\n" AT "02 m{host=\"c\"} 6\n" AT
		     "02 m{host=\"d\"} 8\n");
	reopen();
	assert_reads(
		"1 b m 2\n2 b m 5\n1 c m 3\n2 c m 6\n1 d m 7\n2 d m 8\n1 here m 1\n2 here m 4\n");
	cr_assert_eq(sim_store_stats(&store).n_files_aside, 0);
	sim_store_done(&other);
}

Test(loader, counts_on_where_the_header_of_a_hosts_file_is_damaged)
{
	put_filed(AT "01 m 1\n" AT "02 m 2\n");
	sim_store_damage(&store, "hosts/here/.host", 16, 40);
	reopen();
	for (int i = 0; i < 2; i++) {
		cr_assert_eq(store.engine->catalog.all_hosts[0]->n_filed, 2 + i);
		put_filed(i == 0 ? AT "03 m 3\n" : "");
		reopen();
	}
	cr_assert_eq(sim_store_stats(&store).n_files_aside, 0);
}

Test(loader, never_overwrites_a_file_that_cannot_be_read_now)
{
	static const char all[] = "1 here m 1\n3 here m 3\n1 here m{x=\"1\"} 2\n"
				  "3 here m{y=\"1\"} 4\n";
	uint64_t size;
	uint8_t *bytes;

	put_filed(AT "01 m 1\n" AT "01 m{x=\"1\"} 2\n");
	cr_assert_eq(engine_commit(store.engine), 0);
	bytes = copy_file("hosts/here/m.hm", &size);
	sim_store_kill(&store);
	/* The last reads of a start are those of files: which of them fails does not matter. */
	for (uint64_t n = 1;; n++) {
		int result;

		sim_disk_fail(store.sim, SIM_PREAD, n, ETIMEDOUT, false);
		result = sim_store_open(&store);
		sim_disk_heal(store.sim);
		if (result == 0 && sim_store_stats(&store).n_files_aside > 0)
			break;
		cr_assert_lt(n, 100, "no read of a file was met");
		sim_store_kill(&store);
	}
	put_filed(AT "03 m 3\n" AT "03 m{y=\"1\"} 4\n");
	assert_file("hosts/here/m.hm", bytes, size);
	assert_reads("3 here m 3\n3 here m{y=\"1\"} 4\n");
	reopen();
	assert_reads(all);
	put_filed("");
	reopen();
	assert_reads(all);
	free(bytes);
}

/* How many lines of the store hold a text. */
static unsigned count_lines(const char *text)
{
	const char *at = sim_store_read(&store);
	unsigned n = 0;

	for (; (at = strstr(at, text)); at++)
		n++;
	return n;
}

Test(loader, serves_what_lies_around_a_bad_sector_and_goes_on_in_a_part)
{
	uint64_t size;
	uint8_t *bytes;

	for (unsigned i = 0; i < 30; i++) {
		char text[128];

		(void)snprintf(text, sizeof(text), AT "%02u m 1\n" AT "%02u m{x=\"%u\"} 2\n", i, i,
			       i);
		put_filed(text);
	}
	sim_store_kill(&store);
	bytes = copy_file("hosts/here/m.hm", &size);
	cr_assert_gt(size, (uint64_t)4 * SIM_DISK_SECTOR_BYTES);
	for (uint64_t at = 0; at < size; at += SIM_DISK_SECTOR_BYTES) {
		struct sim_disk *before = sim_disk_clone(store.sim);
		struct sim_disk *now = store.sim;
		unsigned n;

		store.sim = before;
		cr_assert_eq(sim_disk_spoil(store.sim, "hosts/here/m.hm", at, 1), 0);
		cr_assert_eq(sim_store_open(&store), 0);
		n = count_lines(" here m");
		/* One series is named in the first two blocks, which may share a sector. */
		cr_assert_geq(n, at < 1024 ? 20 : 40, "byte %u: %u", (unsigned)at, n);
		cr_assert_eq(sim_store_stats(&store).n_files_aside, 0);
		if (n < 60)
			cr_assert_gt(sim_store_stats(&store).n_damaged_ranges, 0);
		put_filed(AT "40 m 1\n" AT "40 m{y=\"1\"} 3\n");
		put_filed(AT "41 m 1\n" AT "41 m{y=\"1\"} 3\n");
		cr_assert_eq(count_lines(" here m"), n + 4);
		for (int i = 0; i < 2; i++) {
			sim_store_kill(&store);
			cr_assert_eq(sim_store_open(&store), 0);
			cr_assert_eq(count_lines(" here m"), n + 4, "byte %u", (unsigned)at);
			cr_assert_eq(count_lines(" here m{y=\"1\"} 3\n"), 2);
		}
		/* The device gives it again: nothing was lost by that, and nothing is mixed up. */
		sim_store_kill(&store);
		cr_assert_eq(sim_disk_spoil(store.sim, "hosts/here/m.hm", 0, 0), 0);
		cr_assert_eq(sim_store_open(&store), 0);
		cr_assert_geq(count_lines(" here m"), at < 1024 ? n + 4 : 64, "byte %u",
			      (unsigned)at);
		cr_assert_eq(count_lines(" here m{y=\"1\"} 3\n"), 2);
		sim_store_kill(&store);
		store.sim = now;
		sim_disk_free(before);
	}
	cr_assert_eq(sim_store_open(&store), 0);
	free(bytes);
}

Test(loader, keeps_a_file_of_a_folder_that_could_not_be_opened)
{
	uint64_t n = 1;

	put_filed(AT "01 m 1\n");
	do {
		sim_store_kill(&store);
		sim_disk_fail(store.sim, SIM_OPEN, n, EACCES, false);
		if (sim_store_open(&store) < 0)
			sim_store_kill(&store);
		sim_disk_heal(store.sim);
		cr_assert_lt(n++, 100, "no open of a folder was met");
	} while (!store.engine || sim_store_count(&store) > 0);
	put_filed(AT "02 m 2\n");
	assert_reads("2 here m 2\n");
	reopen();
	assert_reads("1 here m 1\n2 here m 2\n");
}

Test(loader, fails_without_descriptors_and_hides_no_file)
{
	put_filed(AT "01 m 1\n");
	sim_store_kill(&store);
	for (uint64_t n = 1; n < 60; n++) {
		sim_disk_fail(store.sim, SIM_OPEN, n, EMFILE, false);
		if (sim_store_open(&store) == 0)
			cr_assert_eq(sim_store_stats(&store).n_files_aside, 0, "call %u",
				     (unsigned)n);
		sim_disk_heal(store.sim);
		sim_store_kill(&store);
	}
	cr_assert_eq(sim_store_open(&store), 0);
	assert_reads("1 here m 1\n");
}

/* Let the sync of a group fail: its files are never written again. */
static void fail_group(const char *text)
{
	sim_store_put(&store, text);
	sim_disk_fail(store.sim, SIM_SYNCFS, 1, EIO, false);
	cr_assert_eq(sim_store_checkpoint(&store), -EIO);
	sim_disk_heal(store.sim);
}

Test(loader, reads_the_parts_of_a_file_as_far_as_each_counts)
{
	static const char all[] = "1 here m 1\n2 here m 2\n3 here m 3\n2 here m{x=\"1\"} 9\n";

	put_filed(AT "01 m 1\n");
	fail_group(AT "02 m 2\n" AT "02 m{x=\"1\"} 9\n");
	cr_assert_eq(sim_store_checkpoint(&store), 0);
	(void)sim_store_find(&store, "hosts/here", "m~1@");
	assert_reads("1 here m 1\n2 here m 2\n2 here m{x=\"1\"} 9\n");
	fail_group(AT "03 m 3\n");
	cr_assert_eq(sim_store_checkpoint(&store), 0);
	(void)sim_store_find(&store, "hosts/here", "m~2@");
	assert_reads(all);
	reopen();
	assert_reads(all);
	cr_assert_eq(sim_store_stats(&store).n_files_aside, 0);
}

Test(loader, reads_a_new_file_whose_first_sync_failed_twice)
{
	fail_group(AT "01 m 1\n");
	fail_group(AT "02 m 2\n");
	cr_assert_eq(sim_store_checkpoint(&store), 0);

	assert_reads("1 here m 1\n2 here m 2\n");
	reopen();
	assert_reads("1 here m 1\n2 here m 2\n");
	cr_assert_eq(sim_store_stats(&store).n_files_aside, 0);
}

Test(loader, reads_the_other_parts_where_one_is_lost)
{
	put_filed(AT "01 m 1\n");
	fail_group(AT "02 m 2\n");
	cr_assert_eq(sim_store_checkpoint(&store), 0);
	fail_group(AT "03 m 3\n");
	cr_assert_eq(sim_store_checkpoint(&store), 0);
	sim_store_remove(&store, "hosts/here",
			 strrchr(sim_store_find(&store, "hosts/here", "m~1@"), '/') + 1);

	/* What the failed sync left in the part before is all there is of what was in the lost one. */
	reopen();
	assert_reads("1 here m 1\n2 here m 2\n3 here m 3\n");
}

/* A part of which nothing reached the disk still says how much of the one before it counts. */
Test(loader, keeps_the_name_of_a_part_of_zeros_that_another_goes_on_with)
{
	static const uint8_t zeros[1000];
	char path[256];

	put_filed(AT "01 m 1\n");
	fail_group(AT "02 m 2\n");
	cr_assert_eq(sim_store_checkpoint(&store), 0);
	fail_group(AT "03 m 3\n");
	cr_assert_eq(sim_store_checkpoint(&store), 0);
	(void)snprintf(path, sizeof(path), "%s", sim_store_find(&store, "hosts/here", "m~1@"));
	sim_store_write_file(&store, path, zeros, sizeof(zeros));

	for (int i = 0; i < 2; i++) {
		reopen();
		assert_reads("1 here m 1\n3 here m 3\n");
	}
	cr_expect_eq(sim_store_stats(&store).n_files_aside, 1);
	cr_expect(sim_store_has(&store, path));
}

/* -- parts ---------------------------------------------------------------------------------------- */

/* Rename a file of the host. */
static void rename_file(const char *from, const char *to)
{
	const struct disk *disk = sim_disk_table(store.sim);
	int root = sim_disk_open_root(store.sim);
	int folder = disk->open(disk->context, root, "hosts/here", O_RDONLY | O_DIRECTORY);

	cr_assert_eq(disk->rename(disk->context, folder, from, to), 0);
	(void)disk->close(disk->context, folder);
	(void)disk->close(disk->context, root);
}

/* A file of m that holds one sample, and a part behind it, as a failed sync leaves them. */
static void make_part(void)
{
	put_filed(AT "01 m 1\n");
	fail_group(AT "02 m 2\n" AT "02 m{x=\"1\"} 9\n");
	cr_assert_eq(sim_store_checkpoint(&store), 0);
	put_filed(AT "03 m 3\n");
}

static const char part_reads[] = "1 here m 1\n2 here m 2\n3 here m 3\n2 here m{x=\"1\"} 9\n";

Test(loader, reads_each_sample_once_where_the_header_of_a_part_is_damaged)
{
	make_part();
	/* That of the first file still holds what the failed sync left there. */
	sim_store_damage(&store, sim_store_find(&store, "hosts/here", "m~1@"), 0, 64);
	for (int i = 0; i < 2; i++) {
		assert_reads(part_reads);
		reopen();
	}
	cr_assert_eq(sim_store_stats(&store).n_damaged_ranges, 1);
	cr_assert_eq(sim_store_stats(&store).n_files_aside, 0);
	put_filed(AT "04 m 4\n");
	reopen();
	assert_reads("1 here m 1\n2 here m 2\n3 here m 3\n4 here m 4\n2 here m{x=\"1\"} 9\n");
}

Test(loader, reads_each_sample_once_for_any_flipped_bit_of_a_part_s_header)
{
	struct store_file_header header;
	uint64_t size;
	uint8_t *bytes;
	char path[256];

	make_part();
	(void)snprintf(path, sizeof(path), "%s", sim_store_find(&store, "hosts/here", "m~1@"));
	bytes = copy_file(path, &size);
	cr_assert_eq(store_file_get_header(bytes, size, &header), 0);
	sim_store_kill(&store);
	for (uint64_t bit = 0; bit < header.header_bytes * 8; bit++) {
		cr_assert_eq(sim_disk_flip(store.sim, path, bit), 0);
		cr_assert_eq(sim_store_open(&store), 0);
		cr_assert_str_eq(sim_store_read(&store), part_reads, "bit %u", (unsigned)bit);
		sim_store_kill(&store);
		cr_assert_eq(sim_disk_flip(store.sim, path, bit), 0);
	}
	free(bytes);
}

Test(loader, leaves_a_part_alone_whose_name_and_header_disagree)
{
	static const char *const names[] = {"m~1@7.hm", "m~1.hm", "m~2.hm", "m~1@7.odd.hm"};
	char path[256];
	const char *name;

	make_part();
	(void)snprintf(path, sizeof(path), "%s", sim_store_find(&store, "hosts/here", "m~1@"));
	name = strrchr(path, '/') + 1;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		sim_store_kill(&store);
		rename_file(name, names[i]);
		cr_assert_eq(sim_store_open(&store), 0);
		/* What the failed sync left is all there is of these samples now. */
		assert_reads("1 here m 1\n2 here m 2\n2 here m{x=\"1\"} 9\n");
		cr_assert_eq(sim_store_stats(&store).n_files_aside, 1, "%s", names[i]);
		sim_store_kill(&store);
		rename_file(names[i], name);
		cr_assert_eq(sim_store_open(&store), 0);
		assert_reads(part_reads);
	}
}

/* Where a part is begun that says how much of the file before it counts. */
static void get_begun(char path[static 256])
{
	const struct catalog_file *file = pool_at(&store.engine->catalog.files, 0);

	(void)snprintf(path, 256, "hosts/here/m~1@%llu.hm",
		       (unsigned long long)file->data[CATALOG_SIDE_MAIN].end.continues_bytes);
}

/* A file that no reader of this version knows. */
static void write_later(const char *path)
{
	static const uint8_t later[] = "hostmetr\x03\0\0\0later, with a header of its own";

	sim_store_damage(&store, path, 0, 400);
	sim_store_write_file(&store, path, later, sizeof(later));
}

Test(loader, counts_the_name_of_a_part_that_it_cannot_read_and_goes_on_behind_it)
{
	uint64_t size;
	uint8_t *bytes;

	make_part();
	write_later(sim_store_find(&store, "hosts/here", "m~1@"));
	bytes = copy_file("hosts/here/m.hm", &size);
	reopen();
	/* What the failed sync left is in that part as well. */
	assert_reads("1 here m 1\n");
	put_filed(AT "04 m 4\n");

	assert_file("hosts/here/m.hm", bytes, size);
	cr_assert(sim_store_has(&store, "hosts/here/m~2.hm"));
	for (int i = 0; i < 2; i++) {
		assert_reads("1 here m 1\n4 here m 4\n");
		reopen();
	}
	free(bytes);
}

Test(loader, begins_behind_a_part_that_is_all_there_is_and_cannot_be_read)
{
	put_filed(AT "01 m 1\n");
	write_later("hosts/here/m~5@7.hm");
	sim_store_remove(&store, "hosts/here", "m.hm");
	reopen();
	put_filed(AT "04 m 4\n");

	cr_assert(sim_store_has(&store, "hosts/here/m~6.hm"));
	for (int i = 0; i < 2; i++) {
		assert_reads("4 here m 4\n");
		reopen();
	}
}

Test(loader, reads_each_sample_once_where_a_part_never_came_to_be_whole)
{
	char path[256];
	uint64_t number;

	put_filed(AT "01 m 1\n");
	fail_group(AT "02 m 2\n");
	fail_group("");
	/* The log says nothing of these groups any more, from its newest snapshot on. */
	number = store.engine->durable >> 32;
	while (store.engine->durable >> 32 == number)
		cr_assert_eq(sim_store_fill(&store, "z{host=\"b\"}", 0, 10), 0);
	/* It was removed; but a power cut may bring back what nobody synced. */
	get_begun(path);
	cr_assert_not(sim_store_has(&store, path));
	sim_store_write_file(&store, path, "torn", 4);
	for (int i = 0; i < 3; i++) {
		reopen();
		cr_assert_eq(count_lines(" here m"), 2);
		cr_assert_eq(sim_store_checkpoint(&store), 0);
		cr_assert_eq(count_lines(" here m"), 2);
	}
}

Test(loader, keeps_to_what_counts_of_the_part_before_where_the_name_of_the_next_is_taken)
{
	char path[256];
	uint64_t size;
	uint8_t *bytes;

	put_filed(AT "01 m 1\n" AT "01 n 1\n");
	fail_group(AT "02 m 2\n");
	bytes = copy_file("hosts/here/n.hm", &size);
	get_begun(path);
	sim_store_write_file(&store, path, bytes, size);
	cr_assert_eq(sim_store_checkpoint(&store), 0);
	for (int i = 0; i < 2; i++) {
		assert_reads("1 here m 1\n2 here m 2\n1 here n 1\n");
		reopen();
		cr_assert_eq(sim_store_stats(&store).n_files_aside, 1);
	}
	assert_file(path, bytes, size);
	free(bytes);
}

/* Such a name may say less than a header has; the part before is a file all the same, and says what counts of
 * the one before it. */
Test(loader, leaves_a_part_as_it_is_of_which_nothing_but_a_byte_of_its_header_counts)
{
	char path[256];
	uint64_t size;
	uint8_t *bytes;
	struct store_file_header header;
	struct buffer out = {0};

	make_part();
	(void)snprintf(path, sizeof(path), "%s", sim_store_find(&store, "hosts/here", "m~1@"));
	bytes = copy_file(path, &size);
	cr_assert_eq(store_file_get_header(bytes, size, &header), 0);
	header.part = 2;
	header.continues_bytes = 1;
	cr_assert_eq(store_file_put_header(&out, &header), 0);
	sim_store_write_file(&store, "hosts/here/m~2@1.hm", out.data, out.length);
	for (int i = 0; i < 2; i++) {
		reopen();
		/* What the failed sync left in the first file counts no more than before. */
		assert_reads("1 here m 1\n");
		cr_assert_eq(sim_store_stats(&store).n_files_aside, 0);
		assert_file(path, bytes, size);
	}
	buffer_done(&out);
	free(bytes);
}

/* Have a copy of a part under a name of the same number, with a header that agrees. */
static void copy_part(uint64_t continues_bytes)
{
	uint64_t size;
	uint8_t *bytes = copy_file(sim_store_find(&store, "hosts/here", "m~1@"), &size);
	struct store_file_header header;
	struct buffer out = {0};
	char path[256] = "hosts/here/m~1.hm";

	cr_assert_eq(store_file_get_header(bytes, size, &header), 0);
	header.continues_bytes = continues_bytes;
	cr_assert_eq(store_file_put_header(&out, &header), 0);
	buffer_append(&out, bytes + header.header_bytes, size - header.header_bytes);
	if (continues_bytes != FILE_NAME_ALL)
		(void)snprintf(path, sizeof(path), "hosts/here/m~1@%u.hm",
			       (unsigned)continues_bytes);
	sim_store_write_file(&store, path, out.data, out.length);
	buffer_done(&out);
	free(bytes);
}

Test(loader, takes_one_of_two_files_of_one_number_and_tells)
{
	static const struct {
		uint64_t continues_bytes;
		const char *reads;
	} others[] = {
		{0, part_reads},
		{1, part_reads},
		/* It says that all of the first file counts, and it does. */
		{FILE_NAME_ALL, "1 here m 1\n2 here m 2\n2 here m 2\n3 here m 3\n"
				"2 here m{x=\"1\"} 9\n2 here m{x=\"1\"} 9\n"},
	};

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		teardown();
		setup();
		make_part();
		sim_store_kill(&store);
		copy_part(others[i].continues_bytes);
		for (int j = 0; j < 2; j++) {
			cr_assert_eq(sim_store_open(&store), 0);
			assert_reads(others[i].reads);
			cr_assert_eq(sim_store_stats(&store).n_files_aside, 1);
			cr_assert_not_null(strstr(sim_store_stats(&store).last_error,
						  "another file is this part"));
			sim_store_kill(&store);
		}
		cr_assert_eq(sim_store_open(&store), 0);
		put_filed(AT "04 n 4\n");
	}
}

Test(loader, takes_the_other_one_of_two_where_the_first_is_none)
{
	make_part();
	sim_store_write_file(&store, "hosts/here/m~1.hm", "none", 4);
	reopen();
	assert_reads(part_reads);
	cr_assert(sim_store_has(&store, "hosts/here/m~1.hm.damaged"));
	put_filed(AT "04 m 4\n");
	reopen();
	assert_reads("1 here m 1\n2 here m 2\n3 here m 3\n4 here m 4\n2 here m{x=\"1\"} 9\n");
}

Test(loader, leaves_a_number_alone_that_is_far_above_the_others)
{
	static const char *const names[] = {"m~1001.hm", "m~1500@3.hm", "m~999999.hm",
					    "m~99999999.hm", "m~4294967295.hm"};
	uint64_t size;
	uint8_t *bytes;

	put_filed(AT "01 m 1\n");
	bytes = copy_file("hosts/here/m.hm", &size);
	sim_store_kill(&store);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char path[256];

		(void)snprintf(path, sizeof(path), "hosts/here/%s", names[i]);
		sim_store_write_file(&store, path, bytes, size);
	}
	cr_assert_eq(sim_store_open(&store), 0);
	cr_assert_eq(sim_store_stats(&store).n_files_aside, sizeof(names) / sizeof(names[0]));
	put_filed(AT "02 m 2\n");
	reopen();
	assert_reads("1 here m 1\n2 here m 2\n");
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char path[256];

		(void)snprintf(path, sizeof(path), "hosts/here/%s", names[i]);
		assert_file(path, bytes, size);
	}
	free(bytes);
}

/* Have a file of m that says to be this part, and is. */
static void make_number(uint32_t part)
{
	uint64_t size;
	uint8_t *bytes = copy_file("hosts/here/m.hm", &size);
	struct store_file_header header;
	struct buffer out = {0};
	char path[256];

	cr_assert_eq(store_file_get_header(bytes, size, &header), 0);
	header.part = part;
	header.continues_bytes = FILE_NAME_ALL;
	cr_assert_eq(store_file_put_header(&out, &header), 0);
	buffer_append(&out, bytes + header.header_bytes, size - header.header_bytes);
	(void)snprintf(path, sizeof(path), "hosts/here/m~%u.hm", (unsigned)part);
	sim_store_write_file(&store, path, out.data, out.length);
	buffer_done(&out);
	free(bytes);
}

Test(loader, takes_no_memory_for_numbers_that_no_file_has)
{
	struct catalog_series **series;
	size_t n;

	put_filed(AT "01 m 1\n");
	sim_store_kill(&store);
	make_number(999);
	cr_assert_eq(sim_store_open(&store), 0);
	assert_reads("1 here m 1\n1 here m 1\n");
	cr_assert_eq(all_series_list(store.engine, &series, &n), 0);
	cr_assert_eq(n, 1);
	cr_assert_eq(series[0]->file->data[CATALOG_SIDE_MAIN].n_parts, 1);
	cr_assert_eq(series[0]->file->data[CATALOG_SIDE_MAIN].end.part, 999);
	free(series);

	/* Alone it is no harm; but there shall be further ones. */
	sim_store_kill(&store);
	make_number(998999);
	make_number(999000);
	sim_store_remove(&store, "hosts/here", "m~999.hm");
	sim_store_remove(&store, "hosts/here", "m.hm");
	cr_assert_eq(sim_store_open(&store), 0);
	assert_reads("1 here m 1\n");
	cr_assert_eq(sim_store_stats(&store).n_files_aside, 1);
}

Test(loader, gives_no_id_anew_whose_name_is_lost)
{
	uint64_t header_bytes;
	uint64_t size;
	struct store_file_header header;
	uint8_t *bytes;

	put_filed(AT "01 m{x=\"1\"} 1\n");
	bytes = copy_file("hosts/here/m.hm", &size);
	cr_assert_eq(store_file_get_header(bytes, size, &header), 0);
	header_bytes = header.header_bytes;
	/* The first block names the series, and it is named once. */
	sim_store_damage(&store, "hosts/here/m.hm", header_bytes + 20, 8);
	reopen();
	put_filed(AT "02 m{y=\"1\"} 2\n");
	reopen();

	assert_reads("2 here m{y=\"1\"} 2\n");
	free(bytes);
}

/* -- a host's folder that is none ------------------------------------------------------------------ */

/* Have the folder of a host away, and a file in its place. */
static void replace_folder(const char *host, const char *away)
{
	const struct disk *disk = sim_disk_table(store.sim);
	int root = sim_disk_open_root(store.sim);
	int hosts = disk->open(disk->context, root, "hosts", O_RDONLY | O_DIRECTORY);
	char path[64];

	if (away)
		cr_assert_eq(disk->rename(disk->context, hosts, host, away), 0);
	(void)disk->close(disk->context, hosts);
	(void)disk->close(disk->context, root);
	(void)snprintf(path, sizeof(path), "hosts/%s", host);
	sim_store_write_file(&store, path, "none", 4);
}

Test(loader, gives_a_host_whose_name_is_taken_another_folder)
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
	put_filed(AT "02 m{host=\"c\"} 3\n");
	cr_assert(sim_store_has(&store, "hosts/a~2/m.hm"));
	cr_assert(sim_store_has(&store, "hosts/b/m.hm"));
	cr_assert(sim_store_has(&store, "hosts/c~2/m.hm"));
	assert_reads("1 a m 1\n1 b m 2\n2 c m 3\n");

	for (int i = 0; i < 3; i++) {
		reopen();
		assert_reads("1 a m 1\n1 b m 2\n2 c m 3\n");
	}
	/* It stays there when the name is free again. */
	sim_store_kill(&store);
	sim_store_remove(&store, "hosts", "a");
	cr_assert_eq(sim_store_open(&store), 0);
	put_filed(AT "03 m{host=\"a\"} 4\n");
	cr_assert_not(sim_store_has(&store, "hosts/a/m.hm"));
	reopen();
	assert_reads("1 a m 1\n3 a m 4\n1 b m 2\n2 c m 3\n");
}

Test(loader, goes_on_where_a_folder_was_moved_away_and_replaced)
{
	put_filed(AT "01 m{host=\"a\"} 1\n" AT "01 m{host=\"b\"} 2\n");
	sim_store_kill(&store);
	replace_folder("a", "away");
	replace_folder("a~2", NULL);
	cr_assert_eq(sim_store_open(&store), 0);
	put_filed(AT "02 m{host=\"a\"} 3\n");

	cr_assert(sim_store_has(&store, "hosts/a~3/m.hm"));
	assert_reads("2 a m 3\n1 b m 2\n");
	reopen();
	assert_reads("2 a m 3\n1 b m 2\n");
}

Test(loader, finds_the_files_of_such_a_folder_without_a_log_and_without_a_header)
{
	sim_store_kill(&store);
	replace_folder("a", NULL);
	cr_assert_eq(sim_store_open(&store), 0);
	put_filed(AT "01 m{host=\"a\"} 1\n" AT "01 n{host=\"a\"} 2\n");
	sim_store_kill(&store);
	sim_store_remove(&store, "log", "00000001.log");
	sim_store_remove(&store, "log", "00000002.log");
	sim_store_damage(&store, "hosts/a~2/m.hm", 0, 64);

	cr_assert_eq(sim_store_open(&store), 0);
	assert_reads("1 a m 1\n1 a n 2\n");
	put_filed(AT "02 n{host=\"a\"} 3\n");
	reopen();
	assert_reads("1 a m 1\n1 a n 2\n2 a n 3\n");
}

Test(loader, mixes_no_two_folders_of_one_host)
{
	const struct disk *disk = sim_disk_table(store.sim);
	int root;

	put_filed(AT "01 m{host=\"a\"} 1\n");
	sim_store_kill(&store);
	replace_folder("a", "away");
	cr_assert_eq(sim_store_open(&store), 0);
	put_filed(AT "02 m{host=\"a\"} 3\n");
	sim_store_kill(&store);
	/* Somebody puts the first one back. */
	sim_store_remove(&store, "hosts", "a");
	root = sim_disk_open_root(store.sim);
	cr_assert_eq(disk->rename(disk->context,
				  disk->open(disk->context, root, "hosts", O_RDONLY | O_DIRECTORY),
				  "away", "a"),
		     0);

	cr_assert_eq(sim_store_open(&store), 0);
	assert_reads("1 a m 1\n");
	cr_assert_eq(sim_store_stats(&store).n_files_aside, 1);
	put_filed(AT "04 m{host=\"a\"} 4\n");
	reopen();
	assert_reads("1 a m 1\n4 a m 4\n");
}
