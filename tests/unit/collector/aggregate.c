/* SPDX-License-Identifier: MIT */
/* Tests of functions over what a query gives, within a limit of memory. */

#include "collector/aggregate.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/message.h"
#include "tests/support/sample_lines.h"
#include "tests/support/scratch.h"

static const char *scratch;
static struct store *store;
static struct budget memory;
static struct buffer out;
static struct aggregate_options options;

static void setup(void)
{
	char path[4096];

	message_init("test");
	scratch = scratch_folder();
	(void)snprintf(path, sizeof(path), "%s/store", scratch);
	cr_assert_eq(store_open(path, 0, &store), 0);
	memory.max = 1 << 19;
	options.rule.since_us = INT64_MIN;
	window_set_step(&options.rule, 60000000);
}

static void teardown(void)
{
	buffer_done(&out);
	store_close(store);
	scratch_remove(scratch);
}

TestSuite(aggregate, .init = setup, .fini = teardown);

/* Aggregate series and write "seconds host name value" lines. @return what the last step did */
static int aggregate(const char *series, const char *function)
{
	struct query_options asked = {
		.series = series,
		.since_us = INT64_MIN,
		.until_us = INT64_MAX,
		.limits = {.memory = &memory},
	};
	const struct aggregate_row *rows;
	struct aggregate *aggregate;
	struct query *query;
	size_t n_rows;
	int result;

	buffer_clear(&out);
	cr_assert_eq(window_parse_function(function, &options.rule), 0);
	cr_assert_eq(query_open(store_engine(store), &asked, &query), 0);
	cr_assert_eq(aggregate_new(store_engine(store), query, &options, &memory, &aggregate), 0);
	while ((result = aggregate_next(aggregate, &rows, &n_rows)) == 1) {
		for (size_t i = 0; i < n_rows; i++) {
			const char *host = rows[i].series ? rows[i].series->file->host->name
							  : rows[i].cohort->host;

			buffer_printf(&out, "%" PRId64 " %s %s %g\n", rows[i].time_us / 1000000,
				      host ? host : "-",
				      rows[i].series ? rows[i].series->labels
						     : rows[i].cohort->name,
				      rows[i].value);
		}
	}
	aggregate_free(aggregate);
	query_free(query);
	cr_assert_eq(memory.used, 0, "not given back: %" PRId64, (int64_t)memory.used);
	return result;
}

static void put_some(const char *labels, int begin, int end)
{
	struct buffer text = {0};

	for (int i = begin; i < end; i++)
		buffer_printf(&text, "%d m{%s} %d\n", i, labels, i);
	sample_lines_store(store, buffer_text(&text));
	cr_assert_eq(store_flush(store, 10000), 0);
	buffer_done(&text);
}

/* The newer half first: what came late is sorted, and takes memory. */
static void put_many(const char *labels, int n)
{
	put_some(labels, n / 2, n);
	put_some(labels, 0, n / 2);
}

Test(aggregate, goes_on_with_the_next_series)
{
	sample_lines_store(store, "1 m{a=\"1\"} 1\n61 m{a=\"1\"} 2\n61 m{a=\"2\"} 4\n");
	cr_assert_eq(store_flush(store, 10000), 0);

	cr_assert_eq(aggregate("m", "sum"), 0);
	cr_assert_str_eq(buffer_text(&out),
			 "0 here {a=\"1\"} 1\n60 here {a=\"1\"} 2\n60 here {a=\"2\"} 4\n");
}

Test(aggregate, merges_windows_of_a_cohort_in_order)
{
	sample_lines_store(store, "61 m{a=\"1\",b=\"x\"} 1\n181 m{a=\"1\",b=\"x\"} 2\n"
				  "1 m{a=\"1\",b=\"y\"} 4\n61 m{a=\"1\",b=\"y\"} 8\n"
				  "121 m{a=\"1\",b=\"y\"} 16\n241 m{a=\"1\",b=\"y\"} 32\n"
				  "61 m{a=\"2\",b=\"y\"} 64\n61 m{a=\"1\",host=\"other\"} 128\n");
	cr_assert_eq(store_flush(store, 10000), 0);

	options.by = "a";
	cr_assert_eq(aggregate("m", "sum"), 0);
	cr_assert_str_eq(buffer_text(&out),
			 "0 - m{a=\"1\"} 4\n60 - m{a=\"1\"} 137\n120 - m{a=\"1\"} 16\n"
			 "180 - m{a=\"1\"} 2\n240 - m{a=\"1\"} 32\n60 - m{a=\"2\"} 64\n");
	options.by = "host";
	cr_assert_eq(aggregate("m{a=\"1\"}", "count"), 0);
	cr_assert_str_eq(buffer_text(&out), "0 here m 1\n60 here m 2\n120 here m 1\n180 here m 1\n"
					    "240 here m 1\n60 other m 1\n");
}

Test(aggregate, reads_some_series_at_a_time_when_memory_is_short)
{
	put_many("a=\"1\"", 9000);
	put_many("a=\"2\"", 9000);
	put_many("a=\"3\"", 9000);

	options.by = "";
	cr_assert_eq(aggregate("m", "quantile=1"), -ENOBUFS);
	cr_assert_eq(aggregate("m", "max"), -ENOBUFS);
	memory.max *= 4;
	cr_assert_eq(aggregate("m", "max"), 0);
	cr_assert_not_null(strstr(buffer_text(&out), "8940 - m 8999\n"));
	sample_lines_checkpoint(store);
	cr_assert_eq(aggregate("m", "max"), 0);
	cr_assert_not_null(strstr(buffer_text(&out), "8940 - m 8999\n"));
	memory.max /= 2;
	options.by = NULL;
	cr_assert_eq(aggregate("m", "max"), 0);
	cr_assert_not_null(strstr(buffer_text(&out), "8940 here {a=\"3\"} 8999\n"));
}

/* How many samples a query gives within a limit of memory. @return how many, or what failed */
static int64_t count_within(int64_t memory_max)
{
	struct budget limit = {.max = memory_max};
	struct query_options asked = {
		.since_us = INT64_MIN,
		.until_us = INT64_MAX,
		.limits = {.memory = &limit},
	};
	struct query_piece piece;
	struct query *query;
	int64_t n = 0;
	int result;

	cr_assert_eq(query_open(store_engine(store), &asked, &query), 0);
	while ((result = query_next_piece(query, &piece)) == 1)
		n += (int64_t)piece.n;
	query_free(query);
	return result < 0 ? result : n;
}

/* A metric of one series makes the log be read for fewer series than the next metric has. */
Test(aggregate, gives_all_of_a_metric_when_the_one_before_was_too_much_with_it)
{
	struct buffer text = {0};
	uint64_t random = 1;
	int n_whole = 0;

	for (int i = 0; i < 4000; i++) {
		for (int j = 0; j < 4; j++) {
			random = random * UINT64_C(6364136223846793005) + 1442695040888963407;
			buffer_printf(&text, "%d %s%d\"} %" PRIu64 "\n", i,
				      j == 0 ? "a{l=\"" : "b{l=\"", j, random >> 11);
		}
	}
	sample_lines_store(store, buffer_text(&text));
	cr_assert_eq(store_flush(store, 10000), 0);
	buffer_done(&text);

	for (int64_t max = 4096; max < 1 << 19; max += 4096) {
		int64_t n = count_within(max);

		cr_expect(n == 16000 || n == -ENOBUFS, "%" PRId64 " with %" PRId64, n, max);
		n_whole += n == 16000;
	}
	cr_expect_gt(n_whole, 0);
}
