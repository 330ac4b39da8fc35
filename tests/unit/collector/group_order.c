/* SPDX-License-Identifier: MIT */
/* Tests of the order of a group's runs. */

#include "collector/group_order.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/support/random_block.h"

#define N_FILES  5
#define N_SERIES 40
#define N_MAX    3000

static struct catalog_file *files;
static struct catalog_series *series;
static struct group_run *runs;
static struct group_run expected[N_MAX];
static uint64_t state;

static void setup(void)
{
	files = calloc(N_FILES, sizeof(*files));
	series = calloc(N_SERIES, sizeof(*series));
	runs = calloc(N_MAX, sizeof(*runs));
	cr_assert(files && series && runs);
	state = (uint64_t)time(NULL);
	printf("seed %llu\n", (unsigned long long)state);
	for (uint32_t i = 0; i < N_SERIES; i++) {
		series[i].file = &files[random_below(&state, N_FILES)];
		/* Unlike in each of its bytes. */
		series[i].id = i * 0x01030507;
	}
}

static void teardown(void)
{
	free(files);
	free(series);
	free(runs);
}

TestSuite(group_order, .init = setup, .fini = teardown);

static int compare(const void *left, const void *right)
{
	const struct group_run *a = left;
	const struct group_run *b = right;

	if (a->series->file != b->series->file)
		return (uintptr_t)a->series->file < (uintptr_t)b->series->file ? -1 : 1;
	if (a->side != b->side)
		return a->side < b->side ? -1 : 1;
	if (a->series->id != b->series->id)
		return a->series->id < b->series->id ? -1 : 1;
	return a->first < b->first ? -1 : 1;
}

/* As sorting by all of it at once does. */
static void check_order(size_t n)
{
	for (size_t i = 0; i < n; i++)
		runs[i].first = (uint32_t)i;
	memcpy(expected, runs, n * sizeof(*runs));
	if (n > 0)
		qsort(expected, n, sizeof(*expected), compare);
	cr_assert_eq(group_order(&runs, n, N_MAX), 0);
	for (size_t i = 0; i < n; i++) {
		cr_assert_eq(runs[i].series, expected[i].series);
		cr_assert_eq(runs[i].side, expected[i].side);
		cr_assert_eq(runs[i].first, expected[i].first);
	}
}

Test(group_order, is_that_of_rounds_by_series)
{
	for (size_t i = 0; i < N_MAX; i++)
		runs[i] = (struct group_run){.series = &series[i % N_SERIES]};
	check_order(N_MAX);
}

Test(group_order, is_kept_by_rounds_that_lack_series)
{
	size_t n = 0;

	while (n < N_MAX) {
		for (size_t k = 0; k < N_SERIES && n < N_MAX; k++) {
			if (random_below(&state, 4) == 0)
				continue;
			runs[n++] = (struct group_run){.series = &series[k]};
		}
	}
	check_order(N_MAX);
}

Test(group_order, is_that_of_any_runs)
{
	for (size_t n = 0; n < N_MAX; n += 1 + n / 2) {
		for (size_t i = 0; i < n; i++) {
			runs[i] = (struct group_run){
				.series = &series[random_below(&state, N_SERIES)],
				.side = (uint8_t)random_below(&state, CATALOG_SIDES)};
		}
		check_order(n);
	}
}

/* More sides than there is room for at first. */
Test(group_order, is_that_of_thousands_of_series)
{
	struct catalog_series *many = calloc(N_MAX, sizeof(*many));

	cr_assert(many);
	for (uint32_t i = 0; i < N_MAX; i++) {
		many[i].file = &files[i % N_FILES];
		many[i].id = N_MAX - i;
		runs[i] = (struct group_run){.series = &many[i]};
	}
	check_order(N_MAX);
	free(many);
}
