/* SPDX-License-Identifier: MIT */
/* Tests of the files that a checkpoint was about to append to. */

#include "collector/cuts.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static struct catalog_host *hosts[2];
static struct cuts cuts;

static void setup(void)
{
	static const struct hash_key key = {{1, 2}};

	for (uint32_t i = 0; i < 2; i++) {
		hosts[i] = calloc(1, sizeof(*hosts[i]) + 1);
		cr_assert_not_null(hosts[i]);
		hosts[i]->number = i + 1;
	}
	cuts_init(&cuts, &key);
}

static void teardown(void)
{
	cuts_done(&cuts);
	free(hosts[0]);
	free(hosts[1]);
}

TestSuite(cuts, .init = setup, .fini = teardown);

static void add(unsigned host, const char *name, uint64_t length_bytes)
{
	cr_assert_eq(cuts_add(&cuts, hosts[host], name, strlen(name), length_bytes), 0);
}

static int64_t length_of(unsigned host, const char *name)
{
	const struct cut *cut = cuts_find(&cuts, hosts[host], name);

	return cut ? (int64_t)cut->length_bytes : -1;
}

Test(cuts, keeps_the_first_length_of_each_file)
{
	add(0, "m.hm", 10);
	add(1, "m.hm", 20);
	add(0, "m.hm", 30);
	add(0, "m.h", 40);

	cr_assert_eq(length_of(0, "m.hm"), 10);
	cr_assert_eq(length_of(1, "m.hm"), 20);
	cr_assert_eq(length_of(0, "m.h"), 40);
	cr_assert_eq(length_of(1, "m.h"), -1);
	cr_assert_eq(cuts.n, 3);
}

Test(cuts, drops_all_of_a_host_and_takes_them_anew)
{
	add(0, "m.hm", 10);
	add(0, "n.hm", 11);
	add(1, "m.hm", 20);
	cuts_drop(&cuts, hosts[0]);
	cr_assert_eq(length_of(0, "m.hm"), -1);
	cr_assert_eq(length_of(0, "n.hm"), -1);
	cr_assert_eq(length_of(1, "m.hm"), 20);

	add(0, "m.hm", 30);
	cr_assert_eq(length_of(0, "m.hm"), 30);
	cr_assert_eq(length_of(0, "n.hm"), -1);
	cuts_drop(&cuts, hosts[0]);
	cr_assert_eq(length_of(0, "m.hm"), -1);
}

Test(cuts, takes_very_many_in_little_time)
{
	clock_t start = clock();
	char name[32];

	/* Each looked at with all others took a minute. */
	for (int round = 0; round < 2; round++) {
		for (unsigned i = 0; i < 200000; i++) {
			(void)snprintf(name, sizeof(name), "metric_%u.hm", i);
			add(i % 2, name, i);
		}
	}
	cr_assert_eq(cuts.n, 200000);
	cr_assert_eq(length_of(1, "metric_199999.hm"), 199999);
	cr_assert_lt((double)(clock() - start) / CLOCKS_PER_SEC, 20);
}
