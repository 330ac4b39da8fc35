/* SPDX-License-Identifier: MIT */
/* Tests of which series share a block. */

#include "collector/column_group.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/seeded.h"

#define COLUMNS_MAX 10000

static struct metric_file_column columns[COLUMNS_MAX];
static size_t n_columns;
static struct column_groups groups;

static void teardown(void)
{
	column_groups_done(&groups);
	for (size_t i = 0; i < n_columns; i++)
		free((void *)(uintptr_t)columns[i].samples);
}

TestSuite(column_group, .fini = teardown);

/* Add a column of n samples. @return for its times */
static struct metric_file_sample *add_column(size_t n)
{
	struct metric_file_sample *samples = calloc(n + 1, sizeof(*samples));

	cr_assert(samples);
	columns[n_columns] = (struct metric_file_column){
		.series_id = (uint32_t)n_columns, .samples = samples, .n_samples = n};
	n_columns++;
	return samples;
}

static void add_grid(size_t n, int64_t begin, int64_t step)
{
	struct metric_file_sample *samples = add_column(n);

	for (size_t i = 0; i < n; i++)
		samples[i].time_us = begin + (int64_t)i * step;
}

/* Find a column's times among the rows of its group, and mark them. */
static void find_rows(const struct column_group *group, const struct metric_file_column *column,
		      bool *is_used)
{
	size_t row = 0;

	for (size_t k = 0; k < column->n_samples; k++) {
		row = column_group_find(group, row, column->samples[k].time_us);
		cr_assert_lt(row, group->n_times);
		cr_assert_eq(group->times_us[row], column->samples[k].time_us);
		is_used[row++] = true;
	}
}

/* The rows of a group hold all times of its columns, each as often as it must, and no others. */
static void check_group(const struct column_group *group, size_t *n_found)
{
	bool *is_used = calloc(group->n_times + 1, sizeof(*is_used));
	size_t n_samples = 0;

	cr_assert(is_used);
	for (size_t i = 0; i < group->n_columns; i++) {
		n_found[group->columns[i]]++;
		cr_assert(i == 0 || group->columns[i] > group->columns[i - 1]);
		find_rows(group, &columns[group->columns[i]], is_used);
		n_samples += columns[group->columns[i]].n_samples;
	}
	cr_assert_eq(group->n_samples, n_samples);
	for (size_t row = 0; row < group->n_times; row++) {
		cr_assert(is_used[row]);
		cr_assert(row == 0 || group->times_us[row - 1] <= group->times_us[row]);
	}
	free(is_used);
}

static void make(void)
{
	size_t *n_found = calloc(n_columns + 1, sizeof(*n_found));

	cr_assert(n_found);
	cr_assert_eq(column_groups_make(columns, n_columns, &groups), 0);
	for (size_t i = 0; i < groups.n; i++)
		check_group(&groups.at[i], n_found);
	for (size_t i = 0; i < n_columns; i++)
		cr_assert_eq(n_found[i], columns[i].n_samples > 0 ? 1 : 0);
	free(n_found);
}

Test(column_group, needs_no_columns)
{
	make();
	cr_expect_eq(groups.n, 0);
	add_grid(0, 0, 0);
	make();
	cr_expect_eq(groups.n, 0);
}

Test(column_group, is_one_for_equal_times)
{
	for (int i = 0; i < 100; i++)
		add_grid(300, 5, 10);
	make();
	cr_expect_eq(groups.n, 1);
	cr_expect_eq(groups.at[0].n_times, 300);
}

Test(column_group, is_one_for_columns_that_lack_a_few_rows)
{
	for (size_t i = 0; i < 100; i++) {
		struct metric_file_sample *samples = add_column(299);

		for (size_t k = 0; k < 299; k++)
			samples[k].time_us = (int64_t)(k < i * 3 ? k : k + 1);
	}
	add_grid(300, 0, 1);
	add_grid(50, 200, 1);
	make();
	cr_expect_eq(groups.n, 1);
}

/* One sample apart costs one series a block, not all the others a hole. */
Test(column_group, is_not_spoilt_by_one_column)
{
	for (int i = 0; i < 200; i++)
		add_grid(300, 0, 10);
	add_grid(300, 7, 10);
	for (int i = 0; i < 200; i++)
		add_grid(300, 0, 10);
	make();
	cr_expect_eq(groups.n, 2);
}

Test(column_group, is_one_for_each_of_two_grids)
{
	for (int i = 0; i < 100; i++) {
		add_grid(300, 0, 10);
		add_grid(300, 3, 10);
	}
	make();
	cr_expect_eq(groups.n, 2);
}

Test(column_group, is_each_column_s_own_where_no_times_are_shared)
{
	for (int i = 0; i < 50; i++)
		add_grid(1000, i, 1000 + i);
	make();
	cr_expect_eq(groups.n, 50);
}

Test(column_group, is_one_for_thousands_of_single_samples)
{
	struct seeded seeded;

	seeded_init(&seeded);
	for (int i = 0; i < COLUMNS_MAX; i++)
		add_grid(1, (int64_t)seeded_below(&seeded, 1000000), 0);
	make();
	cr_expect_eq(groups.n, 1);
}

Test(column_group, has_a_time_as_often_as_the_column_that_has_it_most_often)
{
	add_grid(5, 7, 0);
	add_grid(3, 7, 0);
	add_grid(1, 7, 0);
	make();
	cr_expect_eq(groups.n, 1);
	cr_expect_eq(groups.at[0].n_times, 5);
}

Test(column_group, holds_any_columns)
{
	struct seeded seeded;

	seeded_init(&seeded);
	for (int run = 0; run < 300; run++) {
		size_t n = seeded_below(&seeded, 40);
		int64_t grids = 1 + (int64_t)seeded_below(&seeded, 4);

		for (size_t i = 0; i < n; i++) {
			struct metric_file_sample *samples = add_column(60);
			int64_t time = (int64_t)seeded_below(&seeded, (uint64_t)grids);
			size_t k = 0;

			while (k < 60 && seeded_below(&seeded, 100) > 0) {
				samples[k++].time_us = time;
				time += (int64_t)seeded_below(&seeded, 3) * grids;
			}
			columns[n_columns - 1].n_samples = k;
		}
		make();
		teardown();
		n_columns = 0;
	}
}
