/* SPDX-License-Identifier: MIT */
/* Tests of appending to files that somebody changes meanwhile. */

#include "collector/group_writer.h"

#include <criterion/criterion.h>
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

TestSuite(group_writer, .init = setup, .fini = teardown);

static void assert_reads(const char *expected)
{
	cr_assert_str_eq(sim_store_read(&store), expected);
}

Test(group_writer, goes_on_in_a_part_where_a_file_is_gone)
{
	/* Named twice already, so that no later block of that file would name it. */
	sim_store_put_filed(&store, AT "01 m{x=\"1\"} 1\n" AT "01 n 1\n");
	sim_store_put_filed(&store, AT "02 m{x=\"1\"} 2\n");
	sim_store_put_filed(&store, AT "03 m{x=\"1\"} 3\n");
	sim_store_remove(&store, "hosts/here", "m.hm");
	sim_store_put_filed(&store, AT "04 m{x=\"1\"} 4\n" AT "04 n 4\n");

	cr_assert_not(sim_store_has(&store, "hosts/here/m.hm"));
	cr_assert(sim_store_has(&store, "hosts/here/m~1.hm"));
	for (int i = 0; i < 2; i++) {
		assert_reads("4 here m{x=\"1\"} 4\n1 here n 1\n4 here n 4\n");
		sim_store_reopen(&store);
	}
}

Test(group_writer, goes_on_in_a_part_where_a_file_is_shorter)
{
	sim_store_put_filed(&store, AT "01 m 1\n");
	sim_store_put_filed(&store, AT "02 m 2\n");
	sim_store_put_filed(&store, AT "03 m 3\n");
	sim_store_remove(&store, "hosts/here", "m.hm");
	sim_store_write_file(&store, "hosts/here/m.hm", "short", 5);
	sim_store_put_filed(&store, AT "04 m 4\n");

	cr_assert(sim_store_has(&store, "hosts/here/m~1.hm"));
	assert_reads("4 here m 4\n");
	sim_store_reopen(&store);
	assert_reads("4 here m 4\n");
}

Test(group_writer, makes_a_folder_anew_that_was_moved_away)
{
	sim_store_put_filed(&store, AT "01 m{host=\"a\"} 1\n" AT "01 n{host=\"a\"} 2\n" AT
				       "01 m{host=\"b\"} 3\n");
	sim_store_rename(&store, "hosts", "a", "away");
	sim_store_put_filed(&store, AT "02 m{host=\"a\"} 4\n" AT "02 n{host=\"a\"} 5\n" AT
				       "02 m{host=\"b\"} 6\n");
	assert_reads("2 a m 4\n2 a n 5\n1 b m 3\n2 b m 6\n");
	sim_store_reopen(&store);
	assert_reads("2 a m 4\n2 a n 5\n1 b m 3\n2 b m 6\n");
}

Test(group_writer, holds_up_no_other_host_where_a_folder_is_none_any_more)
{
	sim_store_put_filed(&store, AT "01 m{host=\"a\"} 1\n" AT "01 m{host=\"b\"} 3\n" AT
				       "01 m{host=\"c\"} 5\n");
	sim_store_rename(&store, "hosts", "b", "away");
	sim_store_write_file(&store, "hosts/b", "none", 4);
	sim_store_put_filed(&store, AT "02 m{host=\"a\"} 2\n" AT "02 m{host=\"b\"} 4\n" AT
				       "02 m{host=\"c\"} 6\n");
	cr_assert_not_null(strstr(sim_store_stats(&store).last_error, "hosts/b is no folder"));
	sim_store_put_filed(&store, AT "03 m{host=\"a\"} 7\n" AT "03 m{host=\"b\"} 8\n");

	assert_reads("1 a m 1\n2 a m 2\n3 a m 7\n2 b m 4\n3 b m 8\n1 c m 5\n2 c m 6\n");
	sim_store_reopen(&store);
	sim_store_put_filed(&store, AT "04 m{host=\"b\"} 9\n");
	cr_assert(sim_store_has(&store, "hosts/b~2/m.hm"));
	assert_reads("1 a m 1\n2 a m 2\n3 a m 7\n2 b m 4\n3 b m 8\n4 b m 9\n1 c m 5\n2 c m 6\n");
}
