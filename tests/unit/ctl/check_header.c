/* SPDX-License-Identifier: MIT */
/* Tests of `agentctl check` of files whose headers are damaged, and of those that go on one behind the other. */

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "common/store_file.h"
#include "common/store_path.h"
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

TestSuite(check_header, .init = setup, .fini = teardown, .timeout = 60);

/* Have the file that follows verify by its path, in a store that has its id. */
static void put_id(const char *name)
{
	static const uint8_t store_id[HM_ID_BYTES];

	buffer_clear(&store.bytes);
	store_file_put_id(&store.bytes, store_id);
	made_store_save(&store, "id");
	metric.salt = store_path_salt(store_id, "web01", name);
}

static void expect_row(uint64_t length, const char *lost)
{
	char expected[400];

	(void)snprintf(expected, sizeof(expected), "-\t-\thosts/web01/a.hm\t0\t%llu\t%s\n",
		       (unsigned long long)length, lost);
	cr_expect_str_eq(store.printed, expected);
}

Test(check_header, says_what_is_lost_with_any_bit_of_a_header_and_verifies_the_rest)
{
	put_id("a.hm");
	made_metric_put(&metric);
	for (size_t bit = 0; bit < metric.offsets[0] * 8; bit++) {
		made_store_flip(&store, bit);
		made_store_save(&store, "hosts/web01/a.hm");
		cr_assert_eq(made_store_check(&store), ENDING_FAILED, "bit %zu", bit);
		expect_row(metric.offsets[0], "kind and unit");
		made_store_flip(&store, bit);
	}
}

Test(check_header, finds_damage_behind_a_damaged_header)
{
	put_id("a.hm");
	made_metric_put(&metric);
	made_store_damage(&store, 20);
	made_store_damage(&store, metric.offsets[2] + 30);
	made_store_save(&store, "hosts/web01/a.hm");
	cr_expect_eq(made_store_check(&store), ENDING_FAILED);
	cr_expect(strstr(store.printed, "\tsamples\n"), "%s", store.printed);
	cr_expect(strstr(store.printed, "\tkind and unit\n"), "%s", store.printed);
}

Test(check_header, says_that_more_is_lost_where_the_first_block_is_damaged_too)
{
	put_id("a.hm");
	made_metric_put(&metric);
	made_store_damage(&store, 20);
	made_store_damage(&store, metric.offsets[0] + 30);
	made_store_save(&store, "hosts/web01/a.hm");
	cr_expect_eq(made_store_check(&store), ENDING_FAILED);
	expect_row(metric.offsets[1],
		   "kind and unit; samples or names of series, behind the header");
}

Test(check_header, says_that_nothing_is_lost_where_kind_and_unit_stand_elsewhere)
{
	struct store_file_meta meta = {.kind = HM_STORED_GAUGE, .unit = "K", .unit_length = 1};
	size_t start;

	put_id("a.hm");
	made_metric_put(&metric);
	meta.names_offset = metric.offsets[0];
	start = store_file_begin_block(&store.bytes, HM_BLOCK_META, MADE_METRIC_CONFIRMED);
	store_file_put_meta(&store.bytes, &meta);
	made_metric_end_block(&metric, start);
	made_store_damage(&store, 20);
	made_store_save(&store, "hosts/web01/a.hm");
	cr_expect_eq(made_store_check(&store), ENDING_FAILED);
	expect_row(metric.offsets[0], "nothing: the header; kind and unit stand behind it");
}

Test(check_header, loses_all_of_a_file_of_which_no_block_verifies)
{
	put_id("b.hm");
	made_metric_put(&metric);
	made_store_damage(&store, 20);
	made_store_save(&store, "hosts/web01/a.hm");
	cr_expect_eq(made_store_check(&store), ENDING_FAILED);
	expect_row(store.bytes.length, "the header: all of the file");
}

Test(check_header, takes_what_a_failed_sync_left_for_no_damage)
{
	char name[64];

	put_id("a.hm");
	made_metric_put(&metric);
	made_store_damage(&store, metric.offsets[3] + 30);
	made_store_save(&store, "hosts/web01/a.hm");
	(void)snprintf(name, sizeof(name), "hosts/web01/a~1@%zu.hm", metric.offsets[3]);
	metric.part = 1;
	metric.continues_bytes = metric.offsets[3];
	made_metric_put(&metric);
	made_store_save(&store, name);
	cr_expect_eq(made_store_check(&store), ENDING_FOUND, "%s", store.printed);

	/* But not for the say of a file that is not what its name says. */
	metric.continues_bytes--;
	made_metric_put(&metric);
	made_store_save(&store, name);
	cr_expect_eq(made_store_check(&store), ENDING_FAILED);
}

Test(check_header, believes_a_part_of_which_less_than_a_header_counts)
{
	char name[64];

	put_id("a.hm");
	made_metric_put(&metric);
	made_store_damage(&store, metric.offsets[3] + 30);
	made_store_save(&store, "hosts/web01/a.hm");
	(void)snprintf(name, sizeof(name), "hosts/web01/a~1@%zu.hm", metric.offsets[3]);
	metric.part = 1;
	metric.continues_bytes = metric.offsets[3];
	made_metric_put(&metric);
	made_store_save(&store, name);
	metric.part = 2;
	metric.continues_bytes = 1;
	made_metric_put(&metric);
	made_store_save(&store, "hosts/web01/a~2@1.hm");
	cr_expect_eq(made_store_check(&store), ENDING_FOUND, "%s", store.printed);
}
