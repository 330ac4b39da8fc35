/* SPDX-License-Identifier: MIT */
/* Tests of agent/attributes.c: numbers in files of their own. */

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include "agent/host.h"
#include "hostmetrics/sysfs.h"
#include "tests/support/fake_batch.h"
#include "tests/support/fake_root.h"
#include "tests/support/scratch.h"

#define FOLDER "/sys/class/hwmon/hwmon0"

static const struct hm_metric metric = {
	.name = "m",
	.unit = "celsius",
	.help = "A number.",
	.source = "a file",
	.kind = HM_GAUGE,
	.labels = HM_LABELS("chip", "sensor"),
};

static const char *root;
static struct hm_host host;
static struct hm_attributes attributes;
static struct hm_batch batch;

static void setup(void)
{
	root = scratch_folder();
	cr_assert_eq(host_init(&host, root), 0);
}

static void teardown(void)
{
	fake_batch_done(&batch);
	hm_attributes_close(&attributes);
	host_done(&host);
	scratch_remove(root);
}

TestSuite(attributes, .init = setup, .fini = teardown);

static int add(const struct hm_attribute *attribute)
{
	return hm_attributes_add(&attributes, &host, attribute, FOLDER, "chip0", "temp1");
}

/* What is emitted where the file has this text. */
static const struct fake_sample *emitted(const char *text)
{
	static const struct hm_attribute attribute = {.file = "temp1_input", .metric = &metric};

	hm_attributes_close(&attributes);
	fake_batch_done(&batch);
	fake_root_write(root, FOLDER "/temp1_input", text);
	cr_assert_eq(add(&attribute), 0);
	(void)hm_attributes_emit(&attributes, &host, &batch);
	return fake_batch_find(&batch, "m{chip=\"chip0\",sensor=\"temp1\"}");
}

Test(attributes, reads_numbers_as_the_kernel_writes_them)
{
	cr_expect(emitted("42\n")->value == 42);
	cr_expect(emitted("-7\n")->value == -7);
	cr_expect(emitted(" 12.5 \n")->value == 12.5);
	cr_expect(emitted("0x1003\n")->value == 0x1003);
	cr_expect(emitted("0xffffffffffffffff\n")->value == 0x1p64);
	cr_expect(emitted("18446744073709551615")->value == 0x1p64);
	cr_expect(emitted("7\nsecond line\n")->value == 7);
}

Test(attributes, tells_what_is_no_number_as_missing)
{
	cr_expect_eq(emitted("")->error, -EINVAL);
	cr_expect_eq(emitted("1 2\n")->error, -EINVAL);
	cr_expect_eq(emitted("0x\n")->error, -EINVAL);
	cr_expect_eq(emitted("0xg\n")->error, -EINVAL);
	cr_expect_eq(emitted("0x10000000000000000\n")->error, -ERANGE);
	cr_expect_eq(emitted("nan\n")->error, -EINVAL);
}

Test(attributes, that_are_integers_are_nothing_else)
{
	static const struct hm_attribute attribute = {
		.file = "a", .metric = &metric, .is_integer = true};
	static const char *const wrong[] = {"+1\n", "0x1\n", "1.5\n", "1e3\n"};

	fake_root_write(root, FOLDER "/a", "-12\n");
	cr_assert_eq(add(&attribute), 0);
	cr_assert_eq(hm_attributes_emit(&attributes, &host, &batch), 0);
	cr_expect(batch.samples[0].value == -12);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		fake_root_write(root, FOLDER "/a", wrong[i]);
		cr_expect_eq(hm_attributes_emit(&attributes, &host, &batch), -EINVAL, "%s",
			     wrong[i]);
	}
}

Test(attributes, are_in_the_unit_of_the_metric)
{
	static const struct hm_attribute milli = {.file = "a", .metric = &metric, .divisor = 1000};
	static const struct hm_attribute kilo = {.file = "b", .metric = &metric, .factor = 1024};

	fake_root_write(root, FOLDER "/a", "45123\n");
	fake_root_write(root, FOLDER "/b", "3\n");
	cr_assert_eq(hm_attributes_add(&attributes, &host, &milli, FOLDER, "0", "a"), 0);
	cr_assert_eq(hm_attributes_add(&attributes, &host, &kilo, FOLDER, "0", "b"), 0);
	cr_assert_eq(hm_attributes_emit(&attributes, &host, &batch), 0);
	cr_expect(fake_batch_find(&batch, "m{chip=\"0\",sensor=\"a\"}")->value == 45123 / 1000.0);
	cr_expect(fake_batch_find(&batch, "m{chip=\"0\",sensor=\"b\"}")->value == 3072);
}

Test(attributes, are_read_again_each_round)
{
	static const struct hm_attribute attribute = {.file = "a", .metric = &metric};

	fake_root_write(root, FOLDER "/a", "1\n");
	cr_assert_eq(add(&attribute), 0);
	cr_assert_eq(hm_attributes_emit(&attributes, &host, &batch), 0);
	fake_batch_done(&batch);
	fake_root_write(root, FOLDER "/a", "2\n");
	cr_assert_eq(hm_attributes_emit(&attributes, &host, &batch), 0);
	cr_expect(batch.samples[0].value == 2);
}

Test(attributes, that_are_not_there_are_not_added)
{
	static const struct hm_attribute attribute = {.file = "a", .metric = &metric};

	cr_expect_eq(add(&attribute), -ENOENT);
	/* A file where the folder should be. */
	fake_root_write(root, FOLDER, "");
	cr_expect_eq(add(&attribute), -ENOENT);
	cr_expect_eq(attributes.n, 0);
	cr_expect_eq(hm_attributes_emit(&attributes, &host, &batch), -ENODATA);
}

Test(attributes, that_are_optional_say_nothing_without_a_number)
{
	static const struct hm_attribute attribute = {
		.file = "a", .metric = &metric, .is_optional = true};

	fake_root_write(root, FOLDER "/a", "unknown\n");
	cr_assert_eq(add(&attribute), 0);
	cr_expect_eq(hm_attributes_emit(&attributes, &host, &batch), -EINVAL);
	cr_expect_eq(batch.n_samples, 0);
}

Test(attributes, that_are_optional_say_why_they_cannot_be_read)
{
	static const struct hm_attribute attribute = {
		.file = "a", .metric = &metric, .is_optional = true};

	/* A folder in the file's place. */
	fake_root_write(root, FOLDER "/a/b", "");
	cr_assert_eq(add(&attribute), 0);
	cr_expect_eq(hm_attributes_emit(&attributes, &host, &batch), -EISDIR);
	cr_expect_eq(batch.samples[0].error, -EISDIR);
}

Test(attributes, beyond_what_may_be_kept_open_are_opened_in_each_round)
{
	static const struct hm_attribute attribute = {.file = "a", .metric = &metric};
	const struct rlimit limit = {HM_ATTRIBUTES_OPEN_MAX + 100, HM_ATTRIBUTES_OPEN_MAX + 100};

	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	fake_root_write(root, FOLDER "/a", "1\n");
	for (unsigned i = 0; i < HM_ATTRIBUTES_OPEN_MAX + 1000; i++) {
		char sensor[16];

		(void)snprintf(sensor, sizeof(sensor), "%u", i);
		cr_assert_eq(hm_attributes_add(&attributes, &host, &attribute, FOLDER, "c", sensor),
			     0);
	}
	cr_assert_eq(hm_attributes_emit(&attributes, &host, &batch), 0);
	cr_expect_eq(fake_batch_n_values(&batch), HM_ATTRIBUTES_OPEN_MAX + 1000);
}

Test(attributes, that_cannot_be_opened_say_why_in_each_round)
{
	static const struct hm_attribute attribute = {.file = "a", .metric = &metric};

	char path[256];

	/* A link to itself: root may open everything else. */
	fake_root_write(root, FOLDER "/b", "1\n");
	(void)snprintf(path, sizeof(path), "%s" FOLDER "/a", root);
	cr_assert_eq(symlink("a", path), 0);
	cr_assert_eq(add(&attribute), 0);
	cr_expect_eq(hm_attributes_emit(&attributes, &host, &batch), -ELOOP);
	cr_expect_eq(batch.samples[0].error, -ELOOP);
}

Test(attributes, are_opened_later_where_there_was_no_descriptor)
{
	static const struct hm_attribute attribute = {.file = "a", .metric = &metric};
	struct rlimit limit;
	struct rlimit none;

	fake_root_write(root, FOLDER "/a", "1\n");
	cr_assert_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	none = (struct rlimit){0, limit.rlim_max};
	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
	cr_assert_eq(add(&attribute), 0);
	cr_expect_eq(hm_attributes_emit(&attributes, &host, &batch), -EMFILE);
	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	cr_expect_eq(hm_attributes_emit(&attributes, &host, &batch), 0);
}

Test(attributes, of_one_path_need_no_folder)
{
	static const struct hm_attribute attribute = {.metric = &metric, .divisor = 10};

	fake_root_write(root, FOLDER "/ch0_count", "15\n");
	cr_assert_eq(
		hm_attributes_add(&attributes, &host, &attribute, FOLDER "/ch0_count", "c", "s"),
		0);
	cr_assert_eq(hm_attributes_emit(&attributes, &host, &batch), 0);
	cr_expect(fake_batch_find(&batch, "m{chip=\"c\",sensor=\"s\"}")->value == 1.5);
}

Test(attributes, may_be_missing_from_the_start)
{
	cr_assert_eq(hm_attributes_add_missing(&attributes, &metric, -ENXIO, "c", "s"), 0);
	cr_expect_eq(hm_attributes_emit(&attributes, &host, &batch), -ENXIO);
	cr_expect_eq(fake_batch_find(&batch, "m{chip=\"c\",sensor=\"s\"}")->error, -ENXIO);
}

Test(attributes, may_be_the_same_in_each_round)
{
	cr_assert_eq(hm_attributes_add_constant(&attributes, &metric, 1, "coretemp", "Core 0"), 0);
	cr_expect_eq(hm_attributes_emit(&attributes, &host, &batch), 0);
	cr_expect(fake_batch_find(&batch, "m{chip=\"coretemp\",sensor=\"Core 0\"}")->value == 1);
}

#define N_SLOW (HM_ATTRIBUTES_OPEN_MAX + 1000)

/*
 * So many files, the last of which are opened in each round, that reading them takes longer than the least budget that
 * there is, and than the time that the first reading has.
 */
static void add_slow(void)
{
	static const struct hm_attribute attribute = {.file = "a", .metric = &metric};
	const struct rlimit limit = {N_SLOW, N_SLOW};

	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	fake_root_write(root, FOLDER "/a", "1\n");
	for (unsigned i = 0; i < N_SLOW; i++) {
		char sensor[16];

		(void)snprintf(sensor, sizeof(sensor), "%u", i);
		cr_assert_eq(hm_attributes_add(&attributes, &host, &attribute, FOLDER, "c", sensor),
			     0);
	}
	attributes.budget_us = 1;
}

static size_t take_round(void)
{
	fake_batch_done(&batch);
	cr_assert_eq(hm_attributes_emit(&attributes, &host, &batch), 0);
	return batch.n_samples;
}

Test(attributes, over_budget_are_told_once_they_were_read)
{
	size_t n_rounds = 0;
	size_t n_told = 0;

	add_slow();
	while (n_told < N_SLOW && n_rounds < 10) {
		size_t n_before = n_told;

		n_told = take_round();
		cr_assert_gt(n_told, n_before);
		cr_assert_lt(n_told - n_before, N_SLOW);
		hm_attributes_turn(&attributes);
		n_rounds++;
	}
	cr_expect_gt(n_rounds, 1);
}

Test(attributes, over_budget_are_the_same_until_the_round_is_safe)
{
	size_t n_told;

	add_slow();
	n_told = take_round();
	cr_expect_eq(take_round(), n_told);
	cr_expect_eq(take_round(), n_told);
	hm_attributes_turn(&attributes);
	cr_expect_gt(take_round(), n_told);
}

/* How many of the last round have this value. */
static size_t count(double value)
{
	size_t n_found = 0;

	for (size_t i = 0; i < batch.n_samples; i++)
		n_found += batch.samples[i].value == value;
	return n_found;
}

Test(attributes, over_budget_are_told_as_they_were_until_their_turn_comes)
{
	add_slow();
	attributes.budget_us = 1000000;
	cr_assert_eq(take_round(), N_SLOW);
	hm_attributes_turn(&attributes);
	attributes.budget_us = 1;
	fake_root_write(root, FOLDER "/a", "2\n");
	for (size_t i = 0; i < 3; i++) {
		size_t n_new = count(2);
		size_t n_told = take_round();

		cr_expect_eq(n_told, N_SLOW);
		cr_expect_gt(count(2), n_new);
		cr_expect_lt(count(2), N_SLOW);
		hm_attributes_turn(&attributes);
	}
	attributes.budget_us = 1000000;
	(void)take_round();
	cr_expect_eq(count(2), N_SLOW);
}
