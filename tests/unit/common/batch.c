/* SPDX-License-Identifier: MIT */
/* Tests of the payload of a BATCH record. */

#include "common/batch.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static struct buffer out;
static char long_text[UINT16_MAX + 1];

static void setup(void)
{
	memset(long_text, 'l', sizeof(long_text));
}

static void teardown(void)
{
	buffer_done(&out);
}

TestSuite(batch, .init = setup, .fini = teardown);

static struct cursor begin(void)
{
	return (struct cursor){.at = (const uint8_t *)out.data, .left = out.length};
}

static struct series_text text(const char *start)
{
	return (struct series_text){start, strlen(start)};
}

static struct series_text text_of(size_t length)
{
	return (struct series_text){long_text, length};
}

static struct batch_head make_head(uint32_t n_series)
{
	return (struct batch_head){
		.host_id = {1, 2, 3},
		.epoch = {4, 5, 6},
		.sequence = 0x8877665544332211,
		.host = text("web01"),
		.n_series = n_series,
	};
}

static struct batch_series make_series(const char *metric)
{
	return (struct batch_series){
		.kind = HM_STORED_COUNTER,
		.unit = text("seconds"),
		.metric = text(metric),
		.labels = text("{cpu=\"0\"}"),
	};
}

static bool is_same(const struct series_text *a, const struct series_text *b)
{
	return a->length == b->length &&
	       (a->length == 0 || memcmp(a->start, b->start, a->length) == 0);
}

static void expect_series(struct cursor *cursor, const struct batch_series *series)
{
	struct batch_series got;

	cr_assert_eq(batch_get_series(cursor, &got), 0);
	cr_expect_eq(got.kind, series->kind);
	cr_expect(is_same(&got.unit, &series->unit));
	cr_expect(is_same(&got.metric, &series->metric));
	cr_expect(is_same(&got.labels, &series->labels));
}

static void expect_block(struct cursor *cursor, const char *block)
{
	const uint8_t *bytes;
	size_t length;

	cr_assert_eq(batch_get_block(cursor, &bytes, &length), 0);
	cr_assert_eq(length, strlen(block));
	cr_assert_eq(memcmp(bytes, block, length), 0);
}

Test(batch, what_was_put_is_got)
{
	struct batch_head head = make_head(2);
	struct batch_series first = make_series("node_cpu_seconds_total");
	struct batch_series second = {.kind = HM_STORED_UNKNOWN,
				      .unit = text(""),
				      .metric = text("x"),
				      .labels = text("")};
	struct batch_head got;
	struct cursor cursor;
	const uint8_t *bytes;
	size_t length;

	batch_put_head(&out, &head);
	batch_put_series(&out, &first);
	batch_put_series(&out, &second);
	batch_put_block(&out, "a block", 7);
	batch_put_block(&out, "", 0);
	batch_put_block(&out, "another", 7);
	cursor = begin();

	cr_assert_eq(batch_get_head(&cursor, &got), 0);
	cr_expect_eq(memcmp(got.host_id, head.host_id, HM_ID_BYTES), 0);
	cr_expect_eq(memcmp(got.epoch, head.epoch, HM_ID_BYTES), 0);
	cr_expect_eq(got.sequence, head.sequence);
	cr_expect_eq(got.n_series, 2);
	cr_expect(is_same(&got.host, &head.host));
	expect_series(&cursor, &first);
	expect_series(&cursor, &second);
	expect_block(&cursor, "a block");
	expect_block(&cursor, "");
	expect_block(&cursor, "another");
	cr_assert_eq(batch_get_block(&cursor, &bytes, &length), -ENODATA);
}

static int get_head(const struct batch_head *head)
{
	struct batch_head got;
	struct cursor cursor;

	buffer_clear(&out);
	batch_put_head(&out, head);
	cursor = begin();
	return batch_get_head(&cursor, &got);
}

Test(batch, a_head_has_limits)
{
	struct batch_head head = make_head(BATCH_SERIES_MAX);

	cr_expect_eq(get_head(&head), 0);
	head.n_series++;
	cr_expect_eq(get_head(&head), -EBADMSG, "too many series");
	head = make_head(0);
	cr_expect_eq(get_head(&head), 0);
	head.sequence = 0;
	cr_expect_eq(get_head(&head), -EBADMSG, "sequence 0");
	head = make_head(1);
	head.host = text("");
	cr_expect_eq(get_head(&head), -EBADMSG, "no name");
	head.host = text("a\tb");
	cr_expect_eq(get_head(&head), -EBADMSG, "a control byte");
	head.host = text("\xff");
	cr_expect_eq(get_head(&head), -EBADMSG, "not UTF-8");
	head.host = text_of(HM_HOST_NAME_MAX_BYTES);
	cr_expect_eq(get_head(&head), 0);
	head.host = text_of(HM_HOST_NAME_MAX_BYTES + 1);
	cr_expect_eq(get_head(&head), -EBADMSG, "a name too long");
}

Test(batch, flags_of_a_later_version_are_refused)
{
	struct batch_head head = make_head(1);
	struct batch_head got;

	batch_put_head(&out, &head);
	for (int flags = 0; flags < 256; flags++) {
		struct cursor cursor = begin();

		out.data[0] = (char)flags;
		cr_expect_eq(batch_get_head(&cursor, &got), flags == 1 ? 0 : -EBADMSG, "%d", flags);
	}
}

static int get_series(const struct batch_series *series)
{
	struct batch_series got;
	struct cursor cursor;

	buffer_clear(&out);
	batch_put_series(&out, series);
	cursor = begin();
	return batch_get_series(&cursor, &got);
}

Test(batch, a_series_has_limits)
{
	struct batch_series series = make_series("m");

	cr_expect_eq(get_series(&series), 0);
	series.kind = (enum hm_stored_kind)(HM_STORED_COUNTER + 1);
	cr_expect_eq(get_series(&series), -EBADMSG, "kind");
	series = make_series("");
	cr_expect_eq(get_series(&series), -EBADMSG, "no metric");
	series.metric = text_of(HM_METRIC_NAME_MAX_BYTES);
	cr_expect_eq(get_series(&series), 0);
	series.metric = text_of(HM_METRIC_NAME_MAX_BYTES + 1);
	cr_expect_eq(get_series(&series), -EBADMSG, "a metric too long");
	series = make_series("m");
	series.unit = text_of(HM_UNIT_MAX_BYTES);
	cr_expect_eq(get_series(&series), 0);
	series.unit = text_of(HM_UNIT_MAX_BYTES + 1);
	cr_expect_eq(get_series(&series), -EBADMSG, "a unit too long");
	series = make_series("m");
	series.labels = text("{a=\"\x01\"}");
	cr_expect_eq(get_series(&series), -EBADMSG, "labels with a control byte");
	series.labels = text_of(UINT16_MAX);
	cr_expect_eq(get_series(&series), 0);
}

/* Read all of it. @return what ended it */
static int read_all(struct cursor *cursor)
{
	struct batch_head head;
	int result = batch_get_head(cursor, &head);

	for (uint32_t i = 0; result == 0 && i < head.n_series; i++) {
		struct batch_series series;

		result = batch_get_series(cursor, &series);
	}
	while (result == 0) {
		const uint8_t *bytes;
		size_t length;

		result = batch_get_block(cursor, &bytes, &length);
	}
	return result;
}

Test(batch, cut_anywhere_it_is_damage_but_between_blocks)
{
	struct batch_head head = make_head(1);
	struct batch_series series = make_series("m");
	size_t whole[3];

	batch_put_head(&out, &head);
	batch_put_series(&out, &series);
	for (size_t i = 0; i < 3; i++) {
		whole[i] = out.length;
		if (i < 2)
			batch_put_block(&out, "a block", 7);
	}
	for (size_t length = 0; length <= out.length; length++) {
		uint8_t *exact = malloc(length + !length);
		struct cursor cursor = {.at = exact, .left = length};
		bool is_whole = length == whole[0] || length == whole[1] || length == whole[2];

		memcpy(exact, out.data, length);
		cr_expect_eq(read_all(&cursor), is_whole ? -ENODATA : -EBADMSG, "%zu", length);
		free(exact);
	}
}

Test(batch, a_block_longer_than_what_is_left_is_damage)
{
	static const uint8_t bytes[] = {0xff, 0xff, 0xff, 0xff, 1, 2, 3};
	struct cursor cursor = {.at = bytes, .left = sizeof(bytes)};
	const uint8_t *block;
	size_t length;

	cr_assert_eq(batch_get_block(&cursor, &block, &length), -EBADMSG);
	cr_assert_eq(batch_get_block(&cursor, &block, &length), -EBADMSG, "no end of it");
}
