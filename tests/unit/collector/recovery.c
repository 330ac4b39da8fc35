/* SPDX-License-Identifier: MIT */
/* Tests of reading the store back. */

#include "collector/recovery.h"

#include <criterion/criterion.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/message.h"
#include "common/store_file.h"
#include "tests/support/scratch.h"

static const struct hash_key key = {{5, 6}};
static const char *scratch;
static char path[4096];
static int hosts_fd;
static struct catalog catalog;
static struct recovery_result found;
static struct buffer file;

static const char *below(const char *name)
{
	(void)snprintf(path, sizeof(path), "%s/%s", scratch, name);
	return path;
}

static void setup(void)
{
	message_init("test");
	scratch = scratch_folder();
	hosts_fd = open(scratch, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cr_assert_geq(hosts_fd, 0);
	cr_assert_eq(mkdir(below("web"), 0750), 0);
	catalog_init(&catalog, &key);
	store_file_put_header(&file, "web", "load");
}

static void teardown(void)
{
	buffer_done(&file);
	catalog_done(&catalog);
	(void)close(hosts_fd);
	scratch_remove(scratch);
}

TestSuite(recovery, .init = setup, .fini = teardown);

static void put_series(uint32_t id, const char *labels)
{
	struct buffer payload = {0};

	id = htole32(id);
	buffer_append(&payload, &id, sizeof(id));
	buffer_append_text(&payload, labels);
	store_file_put_block(&file, HM_BLOCK_SERIES, payload.data, payload.length);
	buffer_done(&payload);
}

static void put_sample(uint32_t id, int64_t time_us, double value)
{
	struct store_file_sample sample = {id, time_us, value};
	struct buffer payload = {0};

	store_file_put_sample(&payload, &sample);
	store_file_put_block(&file, HM_BLOCK_SAMPLES, payload.data, payload.length);
	buffer_done(&payload);
}

static void put_meta(uint32_t kind, const char *unit)
{
	struct buffer payload = {0};

	kind = htole32(kind);
	buffer_append(&payload, &kind, sizeof(kind));
	buffer_append_text(&payload, unit);
	store_file_put_block(&file, HM_BLOCK_META, payload.data, payload.length);
	buffer_done(&payload);
}

static void write_file(const char *name)
{
	int fd = open(below(name), O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0640);

	cr_assert_eq(write(fd, file.data, file.length), (ssize_t)file.length);
	(void)close(fd);
}

static void recover(void)
{
	cr_assert_eq(recovery_run(hosts_fd, &catalog, &found), 0);
}

static bool exists(const char *name)
{
	return access(below(name), F_OK) == 0;
}

Test(recovery, finds_nothing_in_an_empty_store)
{
	recover();

	cr_assert_eq(catalog.n_series, 0);
	cr_assert_eq(found.n_files_aside, 0);
}

Test(recovery, reads_series_kind_unit_and_last_values)
{
	put_meta(HM_STORED_GAUGE, "");
	put_series(0, "");
	put_series(1, "{cpu=\"0\"}");
	put_sample(0, 100, 1);
	put_sample(1, 300, 3);
	put_sample(1, 200, 2);
	put_meta(HM_STORED_COUNTER, "seconds");
	write_file("web/load.hm");
	recover();

	cr_assert_eq(catalog.n_series, 2);
	cr_assert_eq(catalog.all_files[0]->kind, HM_STORED_COUNTER);
	cr_assert_str_eq(catalog.all_files[0]->unit, "seconds");
	cr_assert_eq(catalog.all_files[0]->length_bytes, file.length);
	cr_assert_null(catalog.all_files[0]->undeclared);
	cr_assert_eq(catalog.all_files[0]->next_id, 2);
	cr_assert_eq(catalog.all_series[1]->last_time_us, 300);
	cr_assert_eq(catalog.all_series[1]->last_value, 3);
	cr_assert_str_eq(catalog.all_hosts[0]->name, "web");
	cr_assert_eq(catalog.all_hosts[0]->n_samples, 3);
	cr_assert_eq(found.n_bytes, file.length);
	cr_assert_eq(catalog.n_dirty, 0);
}

Test(recovery, passes_over_blocks_and_content_that_it_does_not_know)
{
	store_file_put_block(&file, (enum hm_block_type)77, "future", 6);
	store_file_put_block(&file, HM_BLOCK_SERIES, "x", 1);
	store_file_put_block(&file, HM_BLOCK_META, "x", 1);
	put_series(4000000000, "{big=\"1\"}");
	put_series(2, "{control=\"\x01\"}");
	put_meta(99, "seconds");
	put_series(0, "");
	put_sample(0, 100, 1);
	put_sample(4000000000, 100, 1);
	write_file("web/load.hm");
	recover();

	cr_assert_eq(catalog.n_series, 1);
	cr_assert_eq(catalog.all_hosts[0]->n_samples, 1);
	cr_assert_eq(catalog.all_files[0]->kind, HM_STORED_UNKNOWN);
	cr_assert_eq(found.n_samples_unnamed, 1);
	cr_assert_eq(found.n_files_aside, 0);
}

Test(recovery, never_uses_the_id_of_a_series_whose_name_was_lost)
{
	put_series(0, "");
	put_sample(7, 100, 1);
	write_file("web/load.hm");
	recover();

	cr_assert_eq(catalog.all_files[0]->next_id, 8);
	cr_assert_eq(found.n_samples_unnamed, 1);
}

Test(recovery, does_not_count_a_torn_end)
{
	size_t length;

	put_series(0, "");
	put_sample(0, 100, 1);
	length = file.length;
	put_sample(0, 200, 2);
	file.length -= 3;
	write_file("web/load.hm");
	recover();

	cr_assert_eq(catalog.all_files[0]->length_bytes, length);
	cr_assert_eq(catalog.all_series[0]->last_time_us, 100);
	cr_assert_eq(found.n_damaged_ranges, 0);
}

Test(recovery, counts_a_damaged_range_and_reads_on)
{
	size_t damaged;

	put_series(0, "");
	damaged = file.length + 20;
	put_sample(0, 100, 1);
	put_sample(0, 200, 2);
	file.data[damaged] ^= 1;
	write_file("web/load.hm");
	recover();

	cr_assert_eq(found.n_damaged_ranges, 1);
	cr_assert_eq(catalog.all_hosts[0]->n_samples, 1);
	cr_assert_eq(catalog.all_files[0]->length_bytes, file.length);
}

Test(recovery, sets_a_file_with_more_than_a_torn_end_aside)
{
	put_meta(HM_STORED_GAUGE, "");
	put_series(0, "");
	put_sample(0, 100, 1);
	write_file("web/load.hm");
	cr_assert_eq(truncate(below("web/load.hm"), 1 << 30), 0);
	recover();

	cr_assert(exists("web/load.hm.damaged"));
	cr_assert_not(exists("web/load.hm"));
	cr_assert_eq(found.n_files_aside, 1);
	cr_assert_eq(catalog.all_files[0]->length_bytes, 0);
	cr_assert_eq(catalog.all_files[0]->undeclared, catalog.all_series[0]);
	cr_assert(catalog.all_files[0]->has_new_meta);
}

Test(recovery, sets_what_is_no_metric_file_aside_without_overwriting)
{
	file.length = 0;
	buffer_append_text(&file, "not a metric file");
	write_file("web/load.hm");
	write_file("web/load.hm.damaged");
	cr_assert_eq(mkdir(below("web/folder.hm"), 0750), 0);
	cr_assert_eq(mkfifo(below("web/fifo.hm"), 0640), 0);
	cr_assert_eq(symlink("/etc/passwd", below("web/link.hm")), 0);
	file.length = 0;
	write_file("web/empty.hm");
	recover();

	cr_assert(exists("web/load.hm.damaged-1"));
	cr_assert(exists("web/folder.hm.damaged"));
	cr_assert(exists("web/fifo.hm.damaged"));
	cr_assert(exists("web/link.hm.damaged"));
	cr_assert(exists("web/empty.hm.damaged"));
	cr_assert_eq(found.n_files_aside, 5);
	cr_assert_eq(catalog.n_files, 0);
}

Test(recovery, leaves_files_alone_that_it_cannot_read_now)
{
	struct rlimit limit;
	int last_fd = hosts_fd;
	int fd;

	put_series(0, "");
	write_file("web/load.hm");
	cr_assert_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	limit.rlim_cur = 64;
	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	while ((fd = dup(hosts_fd)) >= 0)
		last_fd = fd;
	/* Enough for the folders, one too few for the file. */
	(void)close(last_fd);
	(void)close(last_fd - 1);
	recover();

	cr_assert(exists("web/load.hm"));
	cr_assert_eq(found.n_files_aside, 1);
	cr_assert_eq(catalog.n_series, 0);
}

Test(recovery, leaves_files_of_a_future_version_alone)
{
	file.data[8] = 2;
	write_file("web/load.hm");
	recover();

	cr_assert(exists("web/load.hm"));
	cr_assert_eq(found.n_files_aside, 1);
	cr_assert_eq(catalog.n_files, 0);
}

Test(recovery, leaves_files_of_another_metric_or_host_alone)
{
	put_series(0, "");
	put_sample(0, 100, 1);
	write_file("web/other.hm");
	cr_assert_eq(mkdir(below("web.bak"), 0750), 0);
	write_file("web.bak/load.hm");
	recover();

	cr_assert(exists("web/other.hm"));
	cr_assert(exists("web.bak/load.hm"));
	cr_assert_eq(found.n_files_aside, 2);
	cr_assert_eq(catalog.n_series, 0);
}

Test(recovery, removes_only_files_that_were_being_made)
{
	write_file("web/load.hm.tmp");
	write_file("web/notes.txt");
	write_file("stray");
	recover();

	cr_assert_not(exists("web/load.hm.tmp"));
	cr_assert(exists("web/notes.txt"));
	cr_assert(exists("stray"));
}

Test(recovery, follows_no_symbolic_link_to_a_host)
{
	put_series(0, "");
	write_file("web/load.hm");
	cr_assert_eq(symlink("web", below("link")), 0);
	recover();

	cr_assert_eq(catalog.n_series, 1);
	cr_assert_eq(catalog.n_hosts, 1);
	cr_assert_eq(found.n_files_aside, 1);
}

Test(recovery, gives_the_same_when_run_twice)
{
	struct catalog again;
	struct recovery_result found_again;

	put_series(0, "");
	put_sample(0, 100, 1);
	put_sample(0, 200, 2);
	file.data[file.length - 40] ^= 1;
	file.length -= 1;
	write_file("web/load.hm");
	recover();
	catalog_init(&again, &key);
	cr_assert_eq(recovery_run(hosts_fd, &again, &found_again), 0);

	cr_assert_eq(again.n_series, catalog.n_series);
	cr_assert_eq(again.all_files[0]->length_bytes, catalog.all_files[0]->length_bytes);
	cr_assert_eq(found_again.n_damaged_ranges, found.n_damaged_ranges);
	catalog_done(&again);
}
