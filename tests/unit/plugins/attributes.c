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
	.labels = {"chip", "sensor"},
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
