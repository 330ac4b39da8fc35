/* SPDX-License-Identifier: MIT */
/* Tests of the count of refused lines. */

#include "collector/rejects.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <string.h>

#define N_THREADS 4
#define N_EACH    UINT64_C(1000)

static struct rejects *rejects;

static void setup(void)
{
	cr_assert_eq(rejects_new(&rejects), 0);
}

static void teardown(void)
{
	rejects_free(rejects);
}

TestSuite(rejects, .init = setup, .fini = teardown);

Test(rejects, counts_each_reason_for_itself)
{
	struct reject reject;

	rejects_add(rejects, HM_REASON_BAD_VALUE, "a x", 3);
	rejects_add(rejects, HM_REASON_BAD_VALUE, "b x", 3);
	rejects_add(rejects, HM_REASON_NOT_FINITE, "c nan", 5);

	cr_assert_eq(rejects_total(rejects), 3);
	rejects_get(rejects, HM_REASON_BAD_VALUE, &reject);
	cr_assert_eq(reject.n, 2);
	cr_assert_str_eq(reject.example, "a x");
	rejects_get(rejects, HM_REASON_BAD_TIME, &reject);
	cr_assert_eq(reject.n, 0);
	cr_assert_str_eq(reject.example, "");
}

Test(rejects, makes_examples_printable)
{
	static const char line[] = "a\x1b[31m\0b\xc0\xaf";
	struct reject reject;

	rejects_add(rejects, HM_REASON_BAD_NAME, line, sizeof(line) - 1);

	rejects_get(rejects, HM_REASON_BAD_NAME, &reject);
	cr_assert_str_eq(reject.example, "a\\x1b[31m\\x00b\\xc0\\xaf");
}

Test(rejects, cuts_long_examples_and_shows_it)
{
	char line[5000];
	struct reject reject;

	memset(line, 'a', sizeof(line));
	rejects_add(rejects, HM_REASON_LINE_TOO_LONG, line, sizeof(line));
	memset(line, 1, sizeof(line));
	rejects_add(rejects, HM_REASON_BAD_NAME, line, sizeof(line));

	rejects_get(rejects, HM_REASON_LINE_TOO_LONG, &reject);
	cr_assert_eq(strlen(reject.example), REJECTS_EXAMPLE_MAX_BYTES);
	cr_assert_str_eq(reject.example + REJECTS_EXAMPLE_MAX_BYTES - 4, "a...");
	rejects_get(rejects, HM_REASON_BAD_NAME, &reject);
	cr_assert_leq(strlen(reject.example), REJECTS_EXAMPLE_MAX_BYTES);
}

Test(rejects, never_halves_a_character)
{
	char line[400];
	struct reject reject;

	/* 1 + 3 * n bytes: every place where it may be cut is inside a euro sign or just behind. */
	line[0] = 'x';
	for (size_t i = 1; i < sizeof(line); i++)
		line[i] = "\xe2\x82\xac"[(i - 1) % 3];
	rejects_add(rejects, HM_REASON_BAD_VALUE, line, 397);

	rejects_get(rejects, HM_REASON_BAD_VALUE, &reject);
	cr_assert_eq((strlen(reject.example) - 1 - strlen("...")) % 3, 0);
}

Test(rejects, takes_an_empty_line)
{
	struct reject reject;

	rejects_add(rejects, HM_REASON_NO_MEMORY, NULL, 0);

	rejects_get(rejects, HM_REASON_NO_MEMORY, &reject);
	cr_assert_eq(reject.n, 1);
	cr_assert_str_eq(reject.example, "");
}

static void *add_many(void *context)
{
	(void)context;
	for (uint64_t i = 0; i < N_EACH; i++)
		rejects_add(rejects, HM_REASON_BAD_VALUE, "x y", 3);
	return NULL;
}

Test(rejects, counts_what_several_threads_add)
{
	pthread_t threads[N_THREADS];

	for (int i = 0; i < N_THREADS; i++)
		cr_assert_eq(pthread_create(&threads[i], NULL, add_many, NULL), 0);
	for (int i = 0; i < N_THREADS; i++)
		cr_assert_eq(pthread_join(threads[i], NULL), 0);

	cr_assert_eq(rejects_total(rejects), N_THREADS * N_EACH);
}
