/* SPDX-License-Identifier: MIT */
/* Tests of the series of an epoch and their ids. */

#include "agent/dictionary.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/native.h"
#include "tests/support/wire_dictionary.h"

static struct dictionary dictionary;
static struct buffer body;

static void teardown(void)
{
	dictionary_done(&dictionary);
	buffer_done(&body);
}

TestSuite(dictionary, .fini = teardown);

static int add_as(enum hm_stored_kind kind, const char *unit, const char *name, uint32_t *ret_id)
{
	struct wire_series series = {
		.kind = kind, .unit = {unit, strlen(unit)}, .name = {name, strlen(name)}};

	return dictionary_add(&dictionary, &series, ret_id);
}

static uint32_t add(const char *name)
{
	uint32_t id = UINT32_MAX;

	cr_assert_eq(add_as(HM_STORED_GAUGE, "", name, &id), 0, "%s", name);
	return id;
}

static uint32_t add_number(unsigned i)
{
	char name[64];

	(void)snprintf(name, sizeof(name), "m{a=\"%u\"}", i);
	return add(name);
}

/* Take a body as a collector does. */
static enum hm_reason give_to_collector(struct wire_dictionary *collector)
{
	struct wire_stamp stamp = native_stamp(1);
	struct buffer payload = {0};
	enum hm_reason reason;

	wire_stamp_put(&payload, &stamp);
	buffer_append(&payload, body.data, body.length);
	cr_assert_leq(payload.length, HM_SEAL_MAX_BYTES);
	reason = wire_dictionary_add(collector, (const uint8_t *)payload.data, payload.length);
	buffer_done(&payload);
	return reason;
}

Test(dictionary, counts_from_0_and_each_series_keeps_its_id)
{
	cr_expect_eq(add("a"), 0);
	cr_expect_eq(add("b{l=\"1\"}"), 1);
	cr_expect_eq(add("c"), 2);

	cr_expect_eq(add("a"), 0);
	cr_expect_eq(add("b{l=\"1\"}"), 1);
	cr_expect_eq(add("b{l=\"2\"}"), 3);
	cr_expect_eq(add("c"), 2);
	cr_expect_eq(dictionary.n_series, 4);
}

Test(dictionary, finds_each_series_in_whatever_order_they_come)
{
	enum { N = 1000 };

	for (unsigned i = 0; i < N; i++)
		cr_assert_eq(add_number(i), i);
	for (unsigned round = 0; round < 3; round++)
		for (unsigned i = 0; i < N; i++)
			cr_assert_eq(add_number(i), i);
	for (unsigned i = 0; i < N; i++)
		cr_assert_eq(add_number(i * 7 % N), i * 7 % N);
	for (unsigned i = N; i-- > 0;)
		cr_assert_eq(add_number(i), i);
	cr_expect_eq(dictionary.n_series, N);
}

Test(dictionary, finds_only_what_it_has)
{
	struct wire_series series = {
		.kind = HM_STORED_GAUGE, .unit = {"", 0}, .name = {"m{a=\"1\"}", 8}};
	uint32_t id = 7;

	cr_expect_eq(dictionary_find(&dictionary, &series, &id), -ENOENT);
	add_number(0);
	add_number(1);
	add_number(2);
	cr_expect_eq(dictionary_find(&dictionary, &series, &id), 0);
	cr_expect_eq(id, 1);
	series.name.length = 7;
	cr_expect_eq(dictionary_find(&dictionary, &series, &id), -ENOENT);
	cr_expect_eq(dictionary.n_series, 3);
}

Test(dictionary, another_kind_or_unit_is_another_series)
{
	uint32_t id;

	cr_assert_eq(add_as(HM_STORED_GAUGE, "bytes", "a", &id), 0);
	cr_expect_eq(id, 0);
	cr_assert_eq(add_as(HM_STORED_COUNTER, "bytes", "a", &id), 0);
	cr_expect_eq(id, 1);
	cr_assert_eq(add_as(HM_STORED_GAUGE, "seconds", "a", &id), 0);
	cr_expect_eq(id, 2);
	cr_assert_eq(add_as(HM_STORED_GAUGE, "bytes", "a", &id), 0);
	cr_expect_eq(id, 0);
}

Test(dictionary, what_no_collector_would_take_gets_no_id)
{
	static const char *const names[] = {
		"",          "a b",           "a{b=\"1\",a=\"2\"}",
		"a{}",       "a{b=\"\"}",     "a{b=\"1\",b=\"2\"}",
		"a{b=\"1\"", "a{b=\"\x01\"}", "a{b=\"\xff\"}",
		"a\n",
	};
	struct wire_series long_one = {.kind = HM_STORED_GAUGE, .unit = {"", 0}};
	char long_name[UINT16_MAX + 12];
	uint32_t id = 77;

	cr_assert_eq(add("good"), 0);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		cr_expect_eq(add_as(HM_STORED_GAUGE, "", names[i], &id), -EINVAL, "%zu", i);
	cr_expect_eq(add_as(HM_STORED_GAUGE, "b\n", "a", &id), -EINVAL);
	cr_expect_eq(add_as((enum hm_stored_kind)3, "", "a", &id), -EINVAL);
	/* In 16 bits it would be a name of ten letters. */
	memset(long_name, 'a', sizeof(long_name));
	long_one.name = (struct series_text){long_name, UINT16_MAX + 11};
	cr_expect_eq(dictionary_add(&dictionary, &long_one, &id), -EINVAL);
	long_one.name.length = HM_METRIC_NAME_MAX_BYTES + 1;
	cr_expect_eq(dictionary_add(&dictionary, &long_one, &id), -EINVAL);
	long_one.name.length = HM_METRIC_NAME_MAX_BYTES;
	long_one.unit = (struct series_text){long_name, HM_UNIT_MAX_BYTES + 1};
	cr_expect_eq(dictionary_add(&dictionary, &long_one, &id), -EINVAL);
	cr_expect_eq(id, 77);
	cr_expect_eq(add("next"), 1);
	cr_expect_eq(add("good"), 0);
}

Test(dictionary, a_bad_name_first_leaves_an_empty_one)
{
	uint32_t id;

	cr_assert_eq(add_as(HM_STORED_GAUGE, "", "a b", &id), -EINVAL);
	cr_expect_eq(add("a"), 0);
}

Test(dictionary, a_declare_has_what_is_new_and_a_collector_takes_it)
{
	struct wire_dictionary collector = {.n_series = 0};
	struct wire_series series;
	uint32_t id;

	(void)add("a");
	cr_assert_eq(add_as(HM_STORED_COUNTER, "seconds", "b{l=\"1\"}", &id), 0);
	cr_expect_eq(dictionary_declare(&dictionary, 0, &body), 2);
	cr_expect_eq(give_to_collector(&collector), HM_REASON_NONE);
	(void)add("c");
	buffer_clear(&body);
	cr_expect_eq(dictionary_declare(&dictionary, 2, &body), 3);
	cr_expect_eq(give_to_collector(&collector), HM_REASON_NONE);

	cr_assert_eq(collector.n_series, 3);
	cr_assert_eq(wire_dictionary_get(&collector, 1, &series), 0);
	cr_expect_eq(series.kind, HM_STORED_COUNTER);
	cr_expect_eq(series.unit.length, 7);
	cr_expect_eq(series.name.length, 8);
	cr_expect_eq(memcmp(series.name.start, "b{l=\"1\"}", 8), 0);
	wire_dictionary_done(&collector);
}

/* The longest names there are: each takes more than 8000 bytes. */
static void add_long_names(unsigned n)
{
	char name[3 * HM_LABEL_SET_MAX_BYTES];

	for (unsigned i = 0; i < n; i++) {
		int length = snprintf(name, sizeof(name), "m{a=\"%04u", i);

		for (size_t k = 0; k < HM_LABEL_SET_MAX_BYTES - 5; k++) {
			name[length++] = '\\';
			name[length++] = '"';
		}
		(void)snprintf(name + length, sizeof(name) - (size_t)length, "\"}");
		cr_assert_eq(add(name), i);
	}
}

Test(dictionary, as_many_declares_as_it_takes)
{
	struct wire_dictionary collector = {.n_series = 0};
	uint32_t first_id = 0;
	unsigned n_declares = 0;

	add_long_names(50);
	while (first_id < dictionary.n_series) {
		uint32_t end;

		buffer_clear(&body);
		end = dictionary_declare(&dictionary, first_id, &body);
		cr_assert_gt(end, first_id);
		cr_assert_eq(give_to_collector(&collector), HM_REASON_NONE);
		first_id = end;
		n_declares++;
	}
	cr_expect_eq(collector.n_series, 50);
	cr_expect_eq(n_declares, 3);
	wire_dictionary_done(&collector);
}

/* Begin a body by hand. */
static void begin_body(uint32_t first_id)
{
	buffer_clear(&body);
	cursor_put_u32(&body, first_id);
}

static void put_in_body(const char *name)
{
	struct wire_series series = {
		.kind = HM_STORED_GAUGE, .unit = {"", 0}, .name = {name, strlen(name)}};

	wire_declare_put_series(&body, &series);
}

static int read_body(void)
{
	uint8_t *exact = malloc(body.length + !body.length);
	int result;

	memcpy(exact, body.data, body.length);
	result = dictionary_read(&dictionary, exact, body.length);
	free(exact);
	return result;
}

Test(dictionary, reads_back_what_it_declared)
{
	for (unsigned i = 0; i < 100; i++)
		(void)add_number(i);
	cr_assert_eq(dictionary_declare(&dictionary, 0, &body), 100);
	dictionary_done(&dictionary);

	cr_assert_eq(read_body(), 0);
	cr_expect_eq(dictionary.n_series, 100);
	cr_expect_eq(read_body(), 0, "the same once more");
	cr_expect_eq(dictionary.n_series, 100);
	for (unsigned i = 0; i < 100; i++)
		cr_assert_eq(add_number(i), i);
	cr_expect_eq(add("new"), 100);
}

Test(dictionary, does_not_read_what_leaves_ids_out_or_says_something_else)
{
	begin_body(0);
	put_in_body("a");
	put_in_body("b");
	cr_assert_eq(read_body(), 0);
	begin_body(3);
	put_in_body("c");
	cr_expect_eq(read_body(), -EBADMSG, "2 is left out");
	begin_body(1);
	put_in_body("c");
	cr_expect_eq(read_body(), -EBADMSG, "1 is b");
	begin_body(2);
	put_in_body("a");
	cr_expect_eq(read_body(), -EBADMSG, "a is 0");
	begin_body(HM_EPOCH_SERIES_MAX);
	put_in_body("c");
	cr_expect_eq(read_body(), -EBADMSG);
	begin_body(2);
	cr_expect_eq(read_body(), -EBADMSG, "nothing is declared");
	cr_expect_eq(dictionary.n_series, 2);
}

Test(dictionary, what_is_cut_anywhere_is_no_declare)
{
	struct buffer whole = {0};

	begin_body(0);
	put_in_body("a");
	buffer_append(&whole, body.data, body.length);
	for (size_t length = 0; length < whole.length; length++) {
		body.length = length;
		cr_expect_eq(read_body(), -EBADMSG, "%zu", length);
	}
	buffer_done(&whole);
}

Test(dictionary, is_full_at_the_limit_of_an_epoch, .timeout = 60)
{
	uint32_t id = 7;

	for (unsigned i = 0; i < HM_EPOCH_SERIES_MAX; i++)
		cr_assert_eq(add_number(i), i);
	cr_expect_eq(add_as(HM_STORED_GAUGE, "", "one_more", &id), -ENOSPC);
	cr_expect_eq(id, 7);
	cr_expect_eq(add_number(12345), 12345);
}
