/* SPDX-License-Identifier: MIT */
/* Tests of files of one metric that go on one behind the other, as failed syncs leave them. */

#include <criterion/criterion.h>
#include <errno.h>
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

TestSuite(loader_part, .init = setup, .fini = teardown);

/* Let the sync of a group fail: its files are never written again. */
static void fail_group(const char *text)
{
	sim_store_put(&store, text);
	sim_disk_fail(store.sim, SIM_SYNCFS, 1, EIO, false);
	cr_assert_eq(sim_store_checkpoint(&store), -EIO);
	sim_disk_heal(store.sim);
}

Test(loader_part, reads_the_parts_of_a_file_as_far_as_each_counts)
{
	static const char all[] = "1 here m 1\n2 here m 2\n3 here m 3\n2 here m{x=\"1\"} 9\n";

	sim_store_put_filed(&store, AT "01 m 1\n");
	fail_group(AT "02 m 2\n" AT "02 m{x=\"1\"} 9\n");
	cr_assert_eq(sim_store_checkpoint(&store), 0);
	(void)sim_store_find(&store, "hosts/here", "m~1@");
	cr_assert_str_eq(sim_store_read(&store), "1 here m 1\n2 here m 2\n2 here m{x=\"1\"} 9\n");
	fail_group(AT "03 m 3\n");
	cr_assert_eq(sim_store_checkpoint(&store), 0);
	(void)sim_store_find(&store, "hosts/here", "m~2@");
	cr_assert_str_eq(sim_store_read(&store), all);
	sim_store_reopen(&store);
	cr_assert_str_eq(sim_store_read(&store), all);
	cr_assert_eq(sim_store_stats(&store).n_files_aside, 0);
}

Test(loader_part, reads_a_new_file_whose_first_sync_failed_twice)
{
	fail_group(AT "01 m 1\n");
	fail_group(AT "02 m 2\n");
	cr_assert_eq(sim_store_checkpoint(&store), 0);

	cr_assert_str_eq(sim_store_read(&store), "1 here m 1\n2 here m 2\n");
	sim_store_reopen(&store);
	cr_assert_str_eq(sim_store_read(&store), "1 here m 1\n2 here m 2\n");
	cr_assert_eq(sim_store_stats(&store).n_files_aside, 0);
}

Test(loader_part, reads_the_other_parts_where_one_is_lost)
{
	sim_store_put_filed(&store, AT "01 m 1\n");
	fail_group(AT "02 m 2\n");
	cr_assert_eq(sim_store_checkpoint(&store), 0);
	fail_group(AT "03 m 3\n");
	cr_assert_eq(sim_store_checkpoint(&store), 0);
	sim_store_remove(&store, "hosts/here",
			 strrchr(sim_store_find(&store, "hosts/here", "m~1@"), '/') + 1);

	/* What the failed sync left in the part before is all there is of what was in the lost one. */
	sim_store_reopen(&store);
	cr_assert_str_eq(sim_store_read(&store), "1 here m 1\n2 here m 2\n3 here m 3\n");
}

/* A part of which nothing reached the disk still says how much of the one before it counts. */
Test(loader_part, keeps_the_name_of_a_part_of_zeros_that_another_goes_on_with)
{
	static const uint8_t zeros[1000];
	char path[256];

	sim_store_put_filed(&store, AT "01 m 1\n");
	fail_group(AT "02 m 2\n");
	cr_assert_eq(sim_store_checkpoint(&store), 0);
	fail_group(AT "03 m 3\n");
	cr_assert_eq(sim_store_checkpoint(&store), 0);
	(void)snprintf(path, sizeof(path), "%s", sim_store_find(&store, "hosts/here", "m~1@"));
	sim_store_write_file(&store, path, zeros, sizeof(zeros));

	for (int i = 0; i < 2; i++) {
		sim_store_reopen(&store);
		cr_assert_str_eq(sim_store_read(&store), "1 here m 1\n3 here m 3\n");
	}
	cr_expect_eq(sim_store_stats(&store).n_files_aside, 1);
	cr_expect(sim_store_has(&store, path));
}

/* A file of m that holds one sample, and a part behind it, as a failed sync leaves them. */
static void make_part(void)
{
	sim_store_put_filed(&store, AT "01 m 1\n");
	fail_group(AT "02 m 2\n" AT "02 m{x=\"1\"} 9\n");
	cr_assert_eq(sim_store_checkpoint(&store), 0);
	sim_store_put_filed(&store, AT "03 m 3\n");
}

static const char part_reads[] = "1 here m 1\n2 here m 2\n3 here m 3\n2 here m{x=\"1\"} 9\n";

Test(loader_part, reads_each_sample_once_where_the_header_of_a_part_is_damaged)
{
	make_part();
	/* That of the first file still holds what the failed sync left there. */
	sim_store_damage(&store, sim_store_find(&store, "hosts/here", "m~1@"), 0, 64);
	for (int i = 0; i < 2; i++) {
		cr_assert_str_eq(sim_store_read(&store), part_reads);
		sim_store_reopen(&store);
	}
	cr_assert_eq(sim_store_stats(&store).n_damaged_ranges, 1);
	cr_assert_eq(sim_store_stats(&store).n_files_aside, 0);
	sim_store_put_filed(&store, AT "04 m 4\n");
	sim_store_reopen(&store);
	cr_assert_str_eq(sim_store_read(&store),
			 "1 here m 1\n2 here m 2\n3 here m 3\n4 here m 4\n2 here m{x=\"1\"} 9\n");
}

Test(loader_part, reads_each_sample_once_for_any_flipped_bit_of_a_part_s_header)
{
	struct store_file_header header;
	uint64_t size;
	uint8_t *bytes;
	char path[256];

	make_part();
	(void)snprintf(path, sizeof(path), "%s", sim_store_find(&store, "hosts/here", "m~1@"));
	bytes = sim_store_copy_file(&store, path, &size);
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

Test(loader_part, leaves_a_part_alone_whose_name_and_header_disagree)
{
	static const char *const names[] = {"m~1@7.hm", "m~1.hm", "m~2.hm", "m~1@7.odd.hm"};
	char path[256];
	const char *name;

	make_part();
	(void)snprintf(path, sizeof(path), "%s", sim_store_find(&store, "hosts/here", "m~1@"));
	name = strrchr(path, '/') + 1;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		sim_store_kill(&store);
		sim_store_rename(&store, "hosts/here", name, names[i]);
		cr_assert_eq(sim_store_open(&store), 0);
		/* What the failed sync left is all there is of these samples now. */
		cr_assert_str_eq(sim_store_read(&store),
				 "1 here m 1\n2 here m 2\n2 here m{x=\"1\"} 9\n");
		cr_assert_eq(sim_store_stats(&store).n_files_aside, 1, "%s", names[i]);
		sim_store_kill(&store);
		sim_store_rename(&store, "hosts/here", names[i], name);
		cr_assert_eq(sim_store_open(&store), 0);
		cr_assert_str_eq(sim_store_read(&store), part_reads);
	}
}

/* Where a part is begun that says how much of the file before it counts. */
static void get_begun(char path[static 256])
{
	const struct catalog_file *file = pool_at(&store.engine->catalog.files, 0);

	(void)snprintf(path, 256, "hosts/here/m~1@%llu.hm",
		       (unsigned long long)file->data[CATALOG_SIDE_MAIN].end.continues_bytes);
}

Test(loader_part, counts_the_name_of_a_part_that_it_cannot_read_and_goes_on_behind_it)
{
	uint64_t size;
	uint8_t *bytes;

	make_part();
	sim_store_write_later(&store, sim_store_find(&store, "hosts/here", "m~1@"));
	bytes = sim_store_copy_file(&store, "hosts/here/m.hm", &size);
	sim_store_reopen(&store);
	/* What the failed sync left is in that part as well. */
	cr_assert_str_eq(sim_store_read(&store), "1 here m 1\n");
	sim_store_put_filed(&store, AT "04 m 4\n");

	cr_assert(sim_store_holds(&store, "hosts/here/m.hm", bytes, size));
	cr_assert(sim_store_has(&store, "hosts/here/m~2.hm"));
	for (int i = 0; i < 2; i++) {
		cr_assert_str_eq(sim_store_read(&store), "1 here m 1\n4 here m 4\n");
		sim_store_reopen(&store);
	}
	free(bytes);
}

Test(loader_part, begins_behind_a_part_that_is_all_there_is_and_cannot_be_read)
{
	sim_store_put_filed(&store, AT "01 m 1\n");
	sim_store_write_later(&store, "hosts/here/m~5@7.hm");
	sim_store_remove(&store, "hosts/here", "m.hm");
	sim_store_reopen(&store);
	sim_store_put_filed(&store, AT "04 m 4\n");

	cr_assert(sim_store_has(&store, "hosts/here/m~6.hm"));
	for (int i = 0; i < 2; i++) {
		cr_assert_str_eq(sim_store_read(&store), "4 here m 4\n");
		sim_store_reopen(&store);
	}
}

Test(loader_part, reads_each_sample_once_where_a_part_never_came_to_be_whole)
{
	char path[256];
	uint64_t number;

	sim_store_put_filed(&store, AT "01 m 1\n");
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
		sim_store_reopen(&store);
		cr_assert_eq(sim_store_count_of(&store, " here m"), 2);
		cr_assert_eq(sim_store_checkpoint(&store), 0);
		cr_assert_eq(sim_store_count_of(&store, " here m"), 2);
	}
}

Test(loader_part, keeps_to_what_counts_of_the_part_before_where_the_name_of_the_next_is_taken)
{
	char path[256];
	uint64_t size;
	uint8_t *bytes;

	sim_store_put_filed(&store, AT "01 m 1\n" AT "01 n 1\n");
	fail_group(AT "02 m 2\n");
	bytes = sim_store_copy_file(&store, "hosts/here/n.hm", &size);
	get_begun(path);
	sim_store_write_file(&store, path, bytes, size);
	cr_assert_eq(sim_store_checkpoint(&store), 0);
	for (int i = 0; i < 2; i++) {
		cr_assert_str_eq(sim_store_read(&store), "1 here m 1\n2 here m 2\n1 here n 1\n");
		sim_store_reopen(&store);
		cr_assert_eq(sim_store_stats(&store).n_files_aside, 1);
	}
	cr_assert(sim_store_holds(&store, path, bytes, size));
	free(bytes);
}

/* Such a name may say less than a header has; the part before is a file all the same, and says what counts of
 * the one before it. */
Test(loader_part, leaves_a_part_as_it_is_of_which_nothing_but_a_byte_of_its_header_counts)
{
	char path[256];
	uint64_t size;
	uint8_t *bytes;
	struct store_file_header header;
	struct buffer out = {0};

	make_part();
	(void)snprintf(path, sizeof(path), "%s", sim_store_find(&store, "hosts/here", "m~1@"));
	bytes = sim_store_copy_file(&store, path, &size);
	cr_assert_eq(store_file_get_header(bytes, size, &header), 0);
	header.part = 2;
	header.continues_bytes = 1;
	cr_assert_eq(store_file_put_header(&out, &header), 0);
	sim_store_write_file(&store, "hosts/here/m~2@1.hm", out.data, out.length);
	for (int i = 0; i < 2; i++) {
		sim_store_reopen(&store);
		/* What the failed sync left in the first file counts no more than before. */
		cr_assert_str_eq(sim_store_read(&store), "1 here m 1\n");
		cr_assert_eq(sim_store_stats(&store).n_files_aside, 0);
		cr_assert(sim_store_holds(&store, path, bytes, size));
	}
	buffer_done(&out);
	free(bytes);
}

/* Have a copy of a file under another name, with a header that agrees. */
static void copy_as(const char *from, const char *to, uint32_t part, uint64_t continues_bytes)
{
	uint64_t size;
	uint8_t *bytes = sim_store_copy_file(&store, from, &size);
	struct store_file_header header;
	struct buffer out = {0};

	cr_assert_eq(store_file_get_header(bytes, size, &header), 0);
	header.part = part;
	header.continues_bytes = continues_bytes;
	cr_assert_eq(store_file_put_header(&out, &header), 0);
	buffer_append(&out, bytes + header.header_bytes, size - header.header_bytes);
	sim_store_write_file(&store, to, out.data, out.length);
	buffer_done(&out);
	free(bytes);
}

/* Have a copy of a part under a name of the same number. */
static void copy_part(uint64_t continues_bytes)
{
	char path[256] = "hosts/here/m~1.hm";

	if (continues_bytes != FILE_NAME_ALL)
		(void)snprintf(path, sizeof(path), "hosts/here/m~1@%u.hm",
			       (unsigned)continues_bytes);
	copy_as(sim_store_find(&store, "hosts/here", "m~1@"), path, 1, continues_bytes);
}

Test(loader_part, takes_one_of_two_files_of_one_number_and_tells)
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
			cr_assert_str_eq(sim_store_read(&store), others[i].reads);
			cr_assert_eq(sim_store_stats(&store).n_files_aside, 1);
			cr_assert_not_null(strstr(sim_store_stats(&store).last_error,
						  "another file is this part"));
			sim_store_kill(&store);
		}
		cr_assert_eq(sim_store_open(&store), 0);
		sim_store_put_filed(&store, AT "04 n 4\n");
	}
}

Test(loader_part, takes_the_other_one_of_two_where_the_first_is_none)
{
	make_part();
	sim_store_write_file(&store, "hosts/here/m~1.hm", "none", 4);
	sim_store_reopen(&store);
	cr_assert_str_eq(sim_store_read(&store), part_reads);
	cr_assert(sim_store_has(&store, "hosts/here/m~1.hm.damaged"));
	sim_store_put_filed(&store, AT "04 m 4\n");
	sim_store_reopen(&store);
	cr_assert_str_eq(sim_store_read(&store),
			 "1 here m 1\n2 here m 2\n3 here m 3\n4 here m 4\n2 here m{x=\"1\"} 9\n");
}

Test(loader_part, leaves_a_number_alone_that_is_far_above_the_others)
{
	static const char *const names[] = {"m~1001.hm", "m~1500@3.hm", "m~999999.hm",
					    "m~99999999.hm", "m~4294967295.hm"};
	uint64_t size;
	uint8_t *bytes;

	sim_store_put_filed(&store, AT "01 m 1\n");
	bytes = sim_store_copy_file(&store, "hosts/here/m.hm", &size);
	sim_store_kill(&store);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char path[256];

		(void)snprintf(path, sizeof(path), "hosts/here/%s", names[i]);
		sim_store_write_file(&store, path, bytes, size);
	}
	cr_assert_eq(sim_store_open(&store), 0);
	cr_assert_eq(sim_store_stats(&store).n_files_aside, sizeof(names) / sizeof(names[0]));
	sim_store_put_filed(&store, AT "02 m 2\n");
	sim_store_reopen(&store);
	cr_assert_str_eq(sim_store_read(&store), "1 here m 1\n2 here m 2\n");
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char path[256];

		(void)snprintf(path, sizeof(path), "hosts/here/%s", names[i]);
		cr_assert(sim_store_holds(&store, path, bytes, size));
	}
	free(bytes);
}

/* Have a file of m that says to be this part, and is. */
static void make_number(uint32_t part)
{
	char path[256];

	(void)snprintf(path, sizeof(path), "hosts/here/m~%u.hm", (unsigned)part);
	copy_as("hosts/here/m.hm", path, part, FILE_NAME_ALL);
}

Test(loader_part, takes_no_memory_for_numbers_that_no_file_has)
{
	struct catalog_series **series;
	size_t n;

	sim_store_put_filed(&store, AT "01 m 1\n");
	sim_store_kill(&store);
	make_number(999);
	cr_assert_eq(sim_store_open(&store), 0);
	cr_assert_str_eq(sim_store_read(&store), "1 here m 1\n1 here m 1\n");
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
	cr_assert_str_eq(sim_store_read(&store), "1 here m 1\n");
	cr_assert_eq(sim_store_stats(&store).n_files_aside, 1);
}
