/* SPDX-License-Identifier: MIT */
/* Tests of reading stored samples. */

#include "collector/query.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/buffer.h"
#include "common/message.h"
#include "tests/support/sample_lines.h"
#include "tests/support/scratch.h"

static const char *scratch;
static char path[4000];
static struct rejects *rejects;
static struct store *store;

static void setup(void)
{
	message_init("test");
	scratch = scratch_folder();
	(void)snprintf(path, sizeof(path), "%s/store", scratch);
	cr_assert_eq(rejects_new(&rejects), 0);
	cr_assert_eq(store_open(path, 0, &store), 0);
}

static void teardown(void)
{
	store_close(store);
	rejects_free(rejects);
	scratch_remove(scratch);
}

TestSuite(query, .init = setup, .fini = teardown);

static void put(const char *text)
{
	sample_lines_store(store, text);
	cr_assert_eq(store_flush(store, 10000), 0);
}

static void assert_gives(const char *series, int64_t since_us, int64_t until_us,
			 const char *expected)
{
	const struct query_row *rows;
	struct buffer all = {0};
	struct query *query;
	size_t n_rows;
	int result;

	cr_assert_eq(query_new(store_engine(store), series, NULL, since_us, until_us, &query), 0);
	while ((result = query_next(query, &rows, &n_rows)) == 1) {
		for (size_t i = 0; i < n_rows; i++) {
			buffer_printf(&all, "%s %s%s %" PRId64 " %g\n",
				      rows[i].series->file->host->name,
				      rows[i].series->file->metric, rows[i].series->labels,
				      rows[i].time_us, rows[i].value);
		}
	}

	cr_assert_eq(result, 0);
	cr_assert_str_eq(buffer_text(&all), expected);
	buffer_done(&all);
	query_free(query);
}

Test(query, sorts_by_host_series_and_time)
{
	put("3 m{l=\"b\"} 1\n1 m{l=\"b\"} 2\n2 m{l=\"a\"} 3\n");
	put("2 m{l=\"b\"} 4\n1 m{host=\"earlier\"} 5\n1 a 6\n1 m 7\n1 m_x 8\n");

	assert_gives("*", INT64_MIN, INT64_MAX,
		     "earlier m 1000000 5\nhere a 1000000 6\nhere m 1000000 7\nhere m_x 1000000 8\n"
		     "here m{l=\"a\"} 2000000 3\nhere m{l=\"b\"} 1000000 2\n"
		     "here m{l=\"b\"} 2000000 4\nhere m{l=\"b\"} 3000000 1\n");
}

Test(query, keeps_equal_times_in_the_order_in_which_they_came)
{
	put("1 m 3\n1 m 1\n1 m 2\n");
	put("1 m 0\n");

	assert_gives("m", INT64_MIN, INT64_MAX,
		     "here m 1000000 3\nhere m 1000000 1\nhere m 1000000 2\nhere m 1000000 0\n");
}

Test(query, gives_only_the_last_of_equal_times_when_asked)
{
	const struct query_row *rows;
	struct query *query;
	size_t n_rows;

	put("1 m 3\n1 m 1\n2 m 5\n1 n 7\n");
	sample_lines_checkpoint(store);
	put("1 m 0\n");
	cr_assert_eq(store_flush(store, 10000), 0);

	cr_assert_eq(query_new(store_engine(store), "*", NULL, INT64_MIN, INT64_MAX, &query), 0);
	query_show_latest(query);
	cr_assert_eq(query_next(query, &rows, &n_rows), 1);
	cr_assert_eq(n_rows, 2);
	cr_expect_eq(rows[0].value, 0);
	cr_expect_eq(rows[1].value, 5);
	cr_assert_eq(query_next(query, &rows, &n_rows), 1);
	cr_assert_eq(n_rows, 1);
	cr_expect_eq(rows[0].value, 7);
	cr_assert_eq(query_next(query, &rows, &n_rows), 0);
	query_free(query);
}

Test(query, gives_a_range_with_both_its_ends)
{
	put("1 m 1\n2 m 2\n3 m 3\n4 m 4\n-5 m 5\n");

	assert_gives("m", 2000000, 3000000, "here m 2000000 2\nhere m 3000000 3\n");
	assert_gives("m", 2000001, 2999999, "");
	assert_gives("m", INT64_MIN, 1000000, "here m -5000000 5\nhere m 1000000 1\n");
	assert_gives("m", 4000000, INT64_MAX, "here m 4000000 4\n");
	assert_gives("m", 3000000, 2000000, "");
}

Test(query, gives_many_rows_in_pieces)
{
	struct buffer text = {0};
	const struct query_row *rows;
	struct query *query;
	size_t n_rows;
	int64_t n_all = 0;

	for (int i = 0; i < 5000; i++)
		buffer_printf(&text, "%d m %d\n", 5000 - i, i);
	put(buffer_text(&text));
	buffer_done(&text);

	cr_assert_eq(query_new(store_engine(store), "m", NULL, INT64_MIN, INT64_MAX, &query), 0);
	while (query_next(query, &rows, &n_rows) == 1) {
		for (size_t i = 0; i < n_rows; i++)
			cr_assert_eq(rows[i].time_us, ++n_all * 1000000);
	}
	cr_assert_eq(n_all, 5000);
	query_free(query);
}

Test(query, says_when_no_series_matches)
{
	struct query *query;

	put("1 m 1\n");

	cr_assert_eq(query_new(store_engine(store), "x", NULL, 0, 0, &query), -ENOENT);
	cr_assert_eq(query_new(store_engine(store), "m", "nobody", 0, 0, &query), -ENOENT);
}

Test(query, gives_nothing_of_a_series_that_is_not_written_yet)
{
	struct query *query;
	const struct query_row *rows;
	size_t n_rows;

	sample_lines_store(store, "1 m 1\n");
	cr_assert_eq(query_new(store_engine(store), "m", NULL, INT64_MIN, INT64_MAX, &query), 0);

	cr_assert_eq(query_next(query, &rows, &n_rows), 0);
	query_free(query);
}

static uint64_t n_damaged(void)
{
	struct engine_stats stats;

	engine_get_stats(store_engine(store), &stats);
	return stats.n_damaged_ranges;
}

/* Read all series to the end. @return how many rows; ret_n_lost as query_n_lost() */
static size_t count_rows(uint64_t *ret_n_lost)
{
	const struct query_row *rows;
	struct query *query;
	size_t n_all = 0;
	size_t n_rows;
	int result;

	cr_assert_eq(query_new(store_engine(store), "*", NULL, INT64_MIN, INT64_MAX, &query), 0);
	while ((result = query_next(query, &rows, &n_rows)) == 1)
		n_all += n_rows;
	cr_assert_eq(result, 0, "%d", result);
	*ret_n_lost = query_n_lost(query);
	query_free(query);
	return n_all;
}

static void move(const char *from, const char *to)
{
	char from_path[4096];
	char to_path[4096];

	(void)snprintf(from_path, sizeof(from_path), "%s/hosts/%s", path, from);
	(void)snprintf(to_path, sizeof(to_path), "%s/hosts/%s", path, to);
	cr_assert_eq(rename(from_path, to_path), 0);
}

Test(query, gives_what_is_there_where_a_file_is_gone_and_counts_that_once)
{
	uint64_t n_lost;

	/* The times are impossible ones, but for the collector's clock of years from now. */
	put("1 m 1\n1 n 2\n2 n 3\n");
	sample_lines_checkpoint(store);
	put("2 m 4\n");
	cr_assert_eq(count_rows(&n_lost), 4);
	cr_assert_eq(n_lost, 0);
	move("here/m.odd.hm", "here/away");

	cr_assert_eq(count_rows(&n_lost), 3);
	cr_assert_eq(n_lost, 1);
	cr_assert_eq(n_damaged(), 1);
	cr_assert_eq(count_rows(&n_lost), 3);
	cr_assert_eq(n_damaged(), 1, "told once");

	move("here/away", "here/m.odd.hm");
	cr_assert_eq(count_rows(&n_lost), 4);
	cr_assert_eq(n_lost, 0);
}

Test(query, gives_the_other_hosts_where_a_folder_is_gone)
{
	uint64_t n_lost;

	put("1 m{host=\"a\"} 1\n1 n{host=\"a\"} 2\n1 m{host=\"b\"} 3\n");
	sample_lines_checkpoint(store);
	move("a", "elsewhere");

	cr_assert_eq(count_rows(&n_lost), 1);
	cr_assert_eq(n_lost, 2);
	move("elsewhere", "a");
}

Test(query, gives_the_rest_where_a_file_is_a_link)
{
	uint64_t n_lost;
	char file[4096];

	put("1 m 1\n1 n 1\n");
	sample_lines_checkpoint(store);
	(void)snprintf(file, sizeof(file), "%s/hosts/here/m.odd.hm", path);
	cr_assert_eq(unlink(file), 0);
	cr_assert_eq(symlink("/etc/passwd", file), 0);

	cr_assert_eq(count_rows(&n_lost), 1);
	cr_assert_eq(n_lost, 1);
}
