/* SPDX-License-Identifier: MIT */
/* Tests of agent/fields.c: numbers behind a word. */

#include <criterion/criterion.h>
#include <errno.h>

#include "hostmetrics/sysfs.h"
#include "tests/support/fake_batch.h"

static const struct hm_metric metrics[] = {
	{.name = "a", .unit = "bytes", .help = "A.", .source = "a", .kind = HM_GAUGE},
	{.name = "b", .unit = "bytes", .help = "B.", .source = "b", .kind = HM_GAUGE},
	{.name = "c", .unit = "bytes", .help = "C.", .source = "c", .kind = HM_GAUGE},
};

static const struct hm_field fields[] = {
	{"a:", &metrics[0], 1024},
	{"b:", &metrics[1], 0},
	{"c:", &metrics[2], 0},
};

static struct hm_batch batch;

static void teardown(void)
{
	fake_batch_done(&batch);
}

TestSuite(fields, .fini = teardown);

static size_t emit(const char *text)
{
	return hm_fields_emit(&batch, text, fields, sizeof(fields) / sizeof(*fields));
}

Test(fields, are_found_in_any_order_among_others)
{
	cr_expect_eq(emit("c: 3\nd: 4\n\na:   1 kB\nb: 2\n"), 3);
	cr_expect(fake_batch_find(&batch, "a")->value == 1024);
	cr_expect(fake_batch_find(&batch, "b")->value == 2);
	cr_expect(fake_batch_find(&batch, "c")->value == 3);
	cr_expect_eq(batch.n_samples, 3);
}

Test(fields, that_stand_there_twice_count_once)
{
	cr_expect_eq(emit("b: 2\nb: 3\n"), 1);
	cr_expect_eq(batch.n_samples, 1);
	cr_expect(batch.samples[0].value == 2);
}

Test(fields, without_a_number_are_missing_and_cost_no_other)
{
	cr_expect_eq(emit("a: x\nb:\nc: 3"), 1);
	cr_expect_eq(fake_batch_find(&batch, "a")->error, -EINVAL);
	cr_expect_eq(fake_batch_find(&batch, "b")->error, -ENODATA);
	cr_expect(fake_batch_find(&batch, "c")->value == 3);
}

Test(fields, are_whole_words)
{
	cr_expect_eq(emit("aa: 1\na 2\na:3\n"), 0);
	cr_expect_eq(batch.n_samples, 0);
}

Test(fields, globs_of_an_option)
{
	cr_expect(hm_globs_take("loop* ram*", "ram0"));
	cr_expect(hm_globs_take("  /run/*\t/snap/*", "/snap/core/1"));
	cr_expect(hm_globs_take("sd[a-c]", "sdb"));
	cr_expect_not(hm_globs_take("sd[a-c]", "sda1"));
	cr_expect_not(hm_globs_take("", ""));
	cr_expect_not(hm_globs_take("loop* ram*", "sda"));
}
