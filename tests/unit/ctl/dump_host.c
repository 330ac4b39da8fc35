/* SPDX-License-Identifier: MIT */
/* Tests of `agentctl dump` of the own file of a host: what became of its agent, and what was deleted. */

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "common/log_entry.h"
#include "common/wire_clock.h"
#include "common/wire_gap.h"
#include "common/wire_schedule.h"
#include "tests/support/made_store.h"
#include "tests/support/native.h"

static struct made_store store;

static void setup(void)
{
	made_store_init(&store, "dump");
}

static void teardown(void)
{
	made_store_done(&store);
}

TestSuite(dump_host, .init = setup, .fini = teardown, .timeout = 60);

Test(dump_host, a_gap_is_a_line_of_its_host_s_file)
{
	made_store_begin_host_file(&store);
	made_store_make(&store, HM_FRAME_GAP);
	(void)made_store_put_message(&store, HM_RECORD_GAP, store.payload.length);
	cr_expect_eq(made_store_dump(&store), ENDING_FOUND);
	cr_expect_str_eq(store.printed,
			 "1795416403\tweb01\tgap\t240\tuntil 1795416522, reason no_memory, "
			 "sequence 4 to 5 of epoch 22222222222222222222222222222222\n");
}

Test(dump_host, a_gap_may_be_of_unknown_size_and_of_a_later_version_s_reason)
{
	struct wire_gap gap = {
		.stamp = native_stamp(20),
		.first = 20,
		.first_us = -1500000,
		.last_us = 0,
		.reason = (enum hm_reason)60000,
	};

	made_store_begin_host_file(&store);
	buffer_clear(&store.payload);
	wire_gap_put(&store.payload, &gap);
	(void)made_store_put_message(&store, HM_RECORD_GAP, store.payload.length);
	cr_expect_eq(made_store_dump(&store), ENDING_FOUND);
	cr_expect_str_eq(store.printed,
			 "-1.5\tweb01\tgap\t-\tuntil 0, reason unknown, "
			 "sequence 20 to 20 of epoch 22222222222222222222222222222222\n");
}

static void put_clock(enum hm_clock_event event, int64_t change_us)
{
	struct wire_clock clock = {
		.stamp = native_stamp(1),
		.event = event,
		.now_us = 1795416400000000,
		.since_boot_us = 60000000,
		.change_us = change_us,
	};

	memset(clock.boot_id, 0x33, HM_ID_BYTES);
	buffer_clear(&store.payload);
	wire_clock_put(&store.payload, &clock);
	(void)made_store_put_message(&store, HM_RECORD_CLOCK, store.payload.length);
}

Test(dump_host, so_is_what_became_of_its_clock)
{
	made_store_begin_host_file(&store);
	put_clock(HM_CLOCK_STARTED, 0);
	put_clock(HM_CLOCK_STOPPED, 0);
	put_clock(HM_CLOCK_STEPPED, -1500000);
	put_clock(HM_CLOCK_RESUMED, 7000000);
	put_clock(HM_CLOCK_HELD_UP, 2500000);
	put_clock(HM_CLOCK_LOST, 61000000);
	cr_expect_eq(made_store_dump(&store), ENDING_FOUND);
	cr_expect_str_eq(store.printed,
			 "1795416400\tweb01\tagent_started\t-\t60 s since boot "
			 "33333333333333333333333333333333\n"
			 "1795416400\tweb01\tagent_stopped\t-\t60 s since boot "
			 "33333333333333333333333333333333\n"
			 "1795416400\tweb01\tclock_set\t-\tby -1.5 s, 60 s since boot "
			 "33333333333333333333333333333333\n"
			 "1795416400\tweb01\thost_slept\t-\tby 7 s, 60 s since boot "
			 "33333333333333333333333333333333\n"
			 "1795416400\tweb01\tagent_held_up\t-\tby 2.5 s, 60 s since boot "
			 "33333333333333333333333333333333\n"
			 "1795416400\tweb01\tagent_lost\t-\tby 61 s, 60 s since boot "
			 "33333333333333333333333333333333\n");
}

static void put_schedule(const struct wire_schedule_entry *entries, size_t n)
{
	struct wire_stamp stamp = native_stamp(1);

	buffer_clear(&store.payload);
	wire_schedule_put_begin(&store.payload, &stamp, 1795416400000000);
	for (size_t i = 0; i < n; i++)
		wire_schedule_put_entry(&store.payload, &entries[i]);
	(void)made_store_put_message(&store, HM_RECORD_SCHEDULE, store.payload.length);
}

Test(dump_host, so_is_what_it_samples)
{
	static const struct wire_schedule_entry entries[] = {
		{60000000, {"", 0}},
		{1000000, {"node_load1", 10}},
		{500000, {"node_load5", 10}},
		{3600000000, {"\xc3\xa9t\xc3\xa9", 5}},
	};

	made_store_begin_host_file(&store);
	put_schedule(entries, 4);
	put_schedule(entries, 0);
	cr_expect_eq(made_store_dump(&store), ENDING_FOUND);
	cr_expect_str_eq(store.printed,
			 "1795416400\tweb01\tschedule\t3\tsent every 60 s, node_load1 every 1 s, "
			 "node_load5 every 0.5 s, \xc3\xa9t\xc3\xa9 every 3600 s\n"
			 "1795416400\tweb01\tschedule\t0\t-\n");
}

static void put_delete(int64_t since_us, int64_t until_us)
{
	static const struct series_text metrics[] = {{"m", 1}, {"n", 1}};
	static const struct series_text labels[] = {{"", 0}, {"{a=\"b\"}", 7}};
	struct log_delete entry = {
		.id = {1}, .name = {"web01", 5}, .since_us = since_us, .until_us = until_us};

	buffer_clear(&store.payload);
	log_entry_put_delete(&store.payload, &entry);
	for (size_t i = 0; i < 2; i++)
		log_entry_put_delete_series(&store.payload, &metrics[i], &labels[i]);
	(void)made_store_put_message(&store, HM_RECORD_DELETE, store.payload.length);
}

Test(dump_host, and_what_was_deleted)
{
	made_store_begin_host_file(&store);
	put_delete(1500000, 2000000);
	put_delete(INT64_MIN, INT64_MAX);
	cr_expect_eq(made_store_dump(&store), ENDING_FOUND);
	cr_expect_str_eq(store.printed,
			 "1.5\tweb01\tdeleted\t2\tat 1795416403.5, until 2, m, n{a=\"b\"}\n"
			 "-\tweb01\tdeleted\t2\tat 1795416403.5, m, n{a=\"b\"}\n");
}

Test(dump_host, a_message_of_a_later_version_is_passed_over)
{
	made_store_begin_host_file(&store);
	made_store_make(&store, HM_FRAME_GAP);
	(void)made_store_put_message(&store, (enum hm_record_type)99, store.payload.length);
	cr_expect_eq(made_store_dump(&store), ENDING_NONE);
	made_store_expect_said(&store, " holds no samples");
}

/* A message in place of one of another type, or of its beginning. */
static void expect_damage(enum hm_record_type type, size_t n_bytes)
{
	char expected[100];
	size_t begin;

	made_store_begin_host_file(&store);
	begin = store.bytes.length;
	(void)made_store_put_message(&store, type, n_bytes);
	cr_expect_eq(made_store_dump(&store), ENDING_FAILED);
	cr_expect_str_eq(store.printed, "");
	(void)snprintf(expected, sizeof(expected), ": offset %zu: %zu damaged bytes", begin,
		       store.bytes.length - begin);
	made_store_expect_said(&store, expected);
}

Test(dump_host, a_gap_that_makes_no_sense_is_told)
{
	made_store_make(&store, HM_FRAME_GAP);
	expect_damage(HM_RECORD_GAP, store.payload.length - 1);
}

Test(dump_host, so_is_a_clock)
{
	made_store_make(&store, HM_FRAME_GAP);
	expect_damage(HM_RECORD_CLOCK, store.payload.length);
}

Test(dump_host, and_a_schedule)
{
	made_store_make(&store, HM_FRAME_SCHEDULE);
	expect_damage(HM_RECORD_SCHEDULE, store.payload.length - 1);
}

Test(dump_host, and_a_delete)
{
	made_store_begin_host_file(&store);
	put_delete(1, 2);
	expect_damage(HM_RECORD_DELETE, store.payload.length - 1);
}
