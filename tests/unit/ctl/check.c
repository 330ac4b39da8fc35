/* SPDX-License-Identifier: MIT */
/* Tests of agent/ctl/check.c and its parts. */

#include "agent/ctl/check.h"

#include <criterion/criterion.h>
#include <criterion/redirect.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/log_entry.h"
#include "common/log_file.h"
#include "common/store_file.h"
#include "tests/support/fake_daemon.h"
#include "tests/support/made_metric.h"
#include "tests/support/made_store.h"

static struct made_store store;
static struct made_metric metric;

static void setup(void)
{
	made_store_init(&store, "check");
	made_metric_init(&metric, &store);
}

static void teardown(void)
{
	made_metric_done(&metric);
	made_store_done(&store);
}

TestSuite(check, .init = setup, .fini = teardown, .timeout = 60);

/* Where its group begins, and its mark. */
static size_t group_at;
static size_t mark_at;

/* A host, a group that was not completed, and a mark. @param pending  the file's length before */
static void put_log(uint64_t pending)
{
	struct log_group_file file = {MADE_STORE_HOST, {"a.hm", 4}, pending};
	struct log_checkpoint checkpoint = {MADE_STORE_HOST, MADE_METRIC_CONFIRMED};

	made_store_begin_segment(&store, 1);
	made_store_put_host(&store, MADE_STORE_HOST);
	buffer_clear(&store.payload);
	log_entry_put_group(&store.payload, 1);
	log_entry_put_checkpoint(&store.payload, &checkpoint);
	(void)made_store_put_record(&store, HM_RECORD_CHECKPOINT, 0, 0);
	group_at = store.bytes.length;
	buffer_clear(&store.payload);
	log_entry_put_group(&store.payload, 2);
	log_entry_put_group_file(&store.payload, &file);
	(void)made_store_put_record(&store, HM_RECORD_GROUP, 0, 0);
	mark_at = store.bytes.length;
	buffer_clear(&store.payload);
	(void)made_store_put_record(&store, HM_RECORD_MARK, 0, log_position(1, mark_at));
}

static void end_log(void)
{
	made_store_end_segment(&store);
	made_store_save(&store, store.name);
}

Test(check, says_that_all_is_whole)
{
	char expected[400];

	made_metric_put(&metric);
	made_store_save(&store, "hosts/web01/a.hm");
	put_log(metric.offsets[4]);
	end_log();
	cr_expect_eq(made_store_check(&store), ENDING_FOUND);
	cr_expect_str_eq(store.printed, "");
	(void)snprintf(
		expected, sizeof(expected),
		"agentctl: 1 files of 1 hosts in the log, 4 blocks, 3 samples; 1 segments, 4 "
		"records; %zu bytes\nagentctl: %zu bytes are not yet confirmed: no damage, and "
		"not promised\nagentctl: all of it is whole\n",
		metric.offsets[5] + MADE_STORE_SEGMENT_BYTES,
		metric.offsets[5] - metric.offsets[4]);
	cr_expect_stderr_eq_str(expected);
}

Test(check, counts_what_it_verified)
{
	char expected[400];

	made_metric_put_header(&metric);
	metric.offsets[0] = made_metric_put_names(&metric);
	(void)made_metric_put_sample(&metric, 0, metric.offsets[0], 1);
	made_store_save(&store, "hosts/web01/a.hm");
	cr_expect_eq(made_store_check(&store), ENDING_FOUND);
	(void)snprintf(
		expected, sizeof(expected),
		"agentctl: 1 files of 0 hosts in the log, 2 blocks, 1 samples; 0 segments, 0 "
		"records; %zu bytes\nagentctl: all of it is whole\n",
		store.bytes.length);
	cr_expect_stderr_eq_str(expected);
}

Test(check, names_the_damaged_range_and_what_is_lost)
{
	char expected[400];

	made_metric_put(&metric);
	made_store_damage(&store, metric.offsets[2] + 30);
	made_store_save(&store, "hosts/web01/a.hm");
	cr_expect_eq(made_store_check(&store), ENDING_FAILED);
	(void)snprintf(expected, sizeof(expected), "0\t1\thosts/web01/a.hm\t%zu\t%zu\tsamples\n",
		       metric.offsets[2], metric.offsets[3] - metric.offsets[2]);
	cr_expect_str_eq(store.printed, expected);
}

Test(check, tells_lost_names)
{
	made_metric_put(&metric);
	made_store_damage(&store, metric.offsets[0] + 30);
	made_store_save(&store, "hosts/web01/a.hm");
	cr_expect_eq(made_store_check(&store), ENDING_FAILED);
	cr_expect(strstr(store.printed, "names of series"), "%s", store.printed);
}

Test(check, finds_every_flipped_bit)
{
	made_metric_put(&metric);
	for (size_t bit = 0; bit < store.bytes.length * 8; bit++) {
		made_store_flip(&store, bit);
		made_store_save(&store, "hosts/web01/a.hm");
		cr_assert_eq(made_store_check(&store), ENDING_FAILED, "bit %zu", bit);
		made_store_flip(&store, bit);
	}
}

Test(check, takes_what_is_not_confirmed_for_no_damage)
{
	made_metric_put(&metric);
	made_store_damage(&store, metric.offsets[4] + 30);
	made_store_save(&store, "hosts/web01/a.hm");
	put_log(metric.offsets[4]);
	end_log();
	cr_expect_eq(made_store_check(&store), ENDING_FOUND);

	/* But what was there before it is. */
	put_log(metric.offsets[4] + 1);
	end_log();
	cr_expect_eq(made_store_check(&store), ENDING_FAILED);
}

Test(check, believes_the_folder_s_own_number)
{
	struct store_file_host host = {7, (const uint8_t *)"0123456789abcdef", 0, "other", 5};
	size_t start;

	made_metric_put_header(&metric);
	start = store_file_begin_block(&store.bytes, HM_BLOCK_HOST, MADE_METRIC_CONFIRMED);
	store_file_put_host(&store.bytes, &host);
	made_metric_end_block(&metric, start);
	cr_assert_eq(mkdir(made_store_path(&store, "hosts/web01~2"), 0700), 0);
	made_store_save(&store, "hosts/web01~2/.host");
	made_metric_put(&metric);
	made_store_damage(&store, metric.offsets[4] + 30);
	made_store_save(&store, "hosts/web01~2/a.hm");
	put_log(metric.offsets[4]);
	end_log();
	cr_expect_eq(made_store_check(&store), ENDING_FOUND);
}

Test(check, tells_damage_of_the_log_before_its_last_mark)
{
	char expected[400];

	put_log(0);
	made_store_damage(&store, group_at + HM_RECORD_HEADER_BYTES);
	end_log();
	cr_expect_eq(made_store_check(&store), ENDING_FAILED);
	(void)snprintf(expected, sizeof(expected), "-\t-\tlog/00000001.log\t%zu\t%zu\trecords\n",
		       group_at, mark_at - group_at);
	cr_expect_str_eq(store.printed, expected);

	put_log(0);
	made_store_damage(&store, group_at);
	end_log();
	cr_expect_eq(made_store_check(&store), ENDING_FAILED);
	cr_expect_str_eq(store.printed, expected);
}

Test(check, takes_damage_behind_the_last_mark_for_an_end)
{
	put_log(0);
	made_store_damage(&store, mark_at);
	end_log();
	cr_expect_eq(made_store_check(&store), ENDING_FOUND);
	cr_expect_str_eq(store.printed, "");
}

Test(check, reads_on_with_one_of_two_headers)
{
	put_log(0);
	made_store_damage(&store, 20);
	end_log();
	cr_expect_eq(made_store_check(&store), ENDING_FAILED);
	cr_expect(strstr(store.printed, "which is there twice"), "%s", store.printed);
}

Test(check, tells_a_segment_without_a_header)
{
	buffer_clear(&store.bytes);
	for (size_t i = 0; i < MADE_STORE_SEGMENT_BYTES; i++)
		buffer_append_byte(&store.bytes, 'x');
	made_store_save(&store, "log/00000001.log");
	cr_expect_eq(made_store_check(&store), ENDING_FAILED);
	cr_expect(strstr(store.printed, "both headers"), "%s", store.printed);
}

Test(check, waits_for_no_segment_that_is_being_made)
{
	put_log(0);
	end_log();
	buffer_clear(&store.bytes);
	made_store_save(&store, "log/00000002.log");
	cr_expect_eq(made_store_check(&store), ENDING_FOUND);
	for (size_t i = 0; i < MADE_STORE_SEGMENT_BYTES; i++)
		buffer_append_byte(&store.bytes, 0);
	made_store_save(&store, "log/00000002.log");
	cr_expect_eq(made_store_check(&store), ENDING_FOUND);
	made_store_save(&store, "log/00000001.log");
	cr_expect_eq(made_store_check(&store), ENDING_FAILED);
}

Test(check, leaves_other_files_alone)
{
	buffer_append_text(&store.bytes, "anything");
	made_store_save(&store, "hosts/web01/a.hm.tmp");
	made_store_save(&store, "hosts/web01/a.hm.damaged");
	made_store_save(&store, "hosts/notes");
	made_store_save(&store, "log/notes");
	cr_expect_eq(made_store_check(&store), ENDING_FOUND);
}

Test(check, cannot_where_there_is_no_store)
{
	cr_expect_eq(rmdir(made_store_path(&store, "hosts/web01")), 0);
	cr_expect_eq(rmdir(made_store_path(&store, "hosts")), 0);
	cr_expect_eq(made_store_check(&store), ENDING_USAGE);
	store.options.argument = "/nowhere";
	cr_expect_eq(check_run(&store.options), ENDING_USAGE);
	store.options.argument = NULL;
	store.options.socket = "/nowhere";
	cr_expect_eq(check_run(&store.options), ENDING_UNREACHABLE);
}

Test(check, says_what_it_cannot_read)
{
	cr_assert_eq(mkdir(made_store_path(&store, "hosts/web01/a.hm"), 0700), 0);
	cr_expect_eq(made_store_check(&store), ENDING_FAILED);
}

Test(check, asks_the_collector_for_its_store)
{
	struct fake_daemon *fake;
	char answer[400];
	char socket[107];

	(void)snprintf(socket, sizeof(socket), "%s/s", store.folder);
	(void)snprintf(answer, sizeof(answer),
		       "columns\trecord\tstate:text\tstore:text\nrow\trunning\t%s\nend\tok\n",
		       store.folder);
	made_metric_put(&metric);
	made_store_damage(&store, metric.offsets[2] + 30);
	made_store_save(&store, "hosts/web01/a.hm");
	fake = fake_daemon_start(socket, answer, FAKE_DAEMON_STAYS);
	store.options.socket = socket;
	cr_expect_eq(check_run(&store.options), ENDING_FAILED);
	fake_daemon_stop(fake);
}
