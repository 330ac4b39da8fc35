/* SPDX-License-Identifier: MIT */
/* Tests of with which parts files begin that nothing is known of yet. */

#include "collector/file_starts.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static const struct hash_key key = {{1, 2}};
static struct file_starts starts;

static void teardown(void)
{
	file_starts_done(&starts);
}

TestSuite(file_starts, .fini = teardown);

static struct file_name name_of(const char *metric, bool is_odd)
{
	return (struct file_name){
		.metric = metric, .metric_length = strlen(metric), .is_odd = is_odd};
}

Test(file_starts, are_none_at_first)
{
	struct file_name name = name_of("m", false);

	cr_expect(file_starts_is_empty(&starts));
	cr_expect_not(file_starts_find(&starts, &key, "here", &name));
}

Test(file_starts, tell_folders_metrics_and_sides_apart)
{
	struct file_name said = name_of("m", false);
	struct file_name name = name_of("m", false);

	said.part = 3;
	said.continues_bytes = 77;
	cr_assert_eq(file_starts_add(&starts, &key, "here", &said), 0);
	cr_expect_not(file_starts_is_empty(&starts));
	cr_assert(file_starts_find(&starts, &key, "here", &name));
	cr_expect_eq(name.part, 3);
	cr_expect_eq(name.continues_bytes, 77);
	cr_expect_not(file_starts_find(&starts, &key, "there", &name));
	name = name_of("m", true);
	cr_expect_not(file_starts_find(&starts, &key, "here", &name));
	name = name_of("n", false);
	cr_expect_not(file_starts_find(&starts, &key, "here", &name));
}

Test(file_starts, are_found_among_many)
{
	char metric[16];

	for (uint32_t i = 0; i < 1000; i++) {
		struct file_name said;

		(void)snprintf(metric, sizeof(metric), "m%u", i);
		said = name_of(metric, i % 2);
		said.part = i;
		cr_assert_eq(file_starts_add(&starts, &key, "here", &said), 0);
	}
	for (uint32_t i = 0; i < 1000; i++) {
		struct file_name name;

		(void)snprintf(metric, sizeof(metric), "m%u", i);
		name = name_of(metric, i % 2);
		cr_assert(file_starts_find(&starts, &key, "here", &name));
		cr_assert_eq(name.part, i);
	}
}
