/* SPDX-License-Identifier: MIT */
/* Tests of `agentctl dump` of what agents sent: agent/ctl/dump_log.c, dump_names.c and dump_metric.c. */

#include <criterion/criterion.h>
#include <criterion/redirect.h>
#include <stdio.h>
#include <string.h>

#include "common/log_file.h"
#include "common/wire_declare.h"
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

TestSuite(dump_agents, .init = setup, .fini = teardown, .timeout = 60);

static const char all[] = "1795416400\tweb01\tnode_load1\t0.25\n"
			  "1795416401\tweb01\tnode_load1\t0.25\n"
			  "1795416402\tweb01\tnode_load1\t0.5\n"
			  "1795416400\tweb01\tnode_cpu_seconds_total{cpu=\"0\"}\t100.5\n"
			  "1795416401\tweb01\tnode_cpu_seconds_total{cpu=\"0\"}\t101.25\n"
			  "1795416402\tweb01\tnode_cpu_seconds_total{cpu=\"0\"}\t-\tstore_failed\n";

static void put_names(enum hm_record_type type)
{
	made_store_make(&store, HM_FRAME_DECLARE);
	(void)made_store_put(&store, type, MADE_STORE_HOST);
}

static size_t put_batch(void)
{
	made_store_make(&store, HM_FRAME_BATCH);
	return made_store_put(&store, HM_RECORD_BATCH, MADE_STORE_HOST);
}

static void put_segment(void)
{
	made_store_begin_segment(&store, 3);
	made_store_put_host(&store, MADE_STORE_HOST);
	put_names(HM_RECORD_DECLARE);
	(void)put_batch();
	made_store_end_segment(&store);
}

Test(dump_agents, samples_are_printed_with_their_names)
{
	put_segment();
	cr_expect_eq(made_store_dump(&store), ENDING_FOUND);
	cr_expect_str_eq(store.printed, all);
	cr_expect_stderr_eq_str("");
}

Test(dump_agents, what_is_no_sample_is_not_printed)
{
	made_store_begin_segment(&store, 3);
	made_store_put_host(&store, MADE_STORE_HOST);
	put_names(HM_RECORD_DECLARE);
	made_store_make(&store, HM_FRAME_GAP);
	(void)made_store_put(&store, HM_RECORD_GAP, MADE_STORE_HOST);
	made_store_make(&store, HM_FRAME_CLOCK);
	(void)made_store_put(&store, HM_RECORD_CLOCK, MADE_STORE_HOST);
	made_store_make(&store, HM_FRAME_SCHEDULE);
	(void)made_store_put(&store, HM_RECORD_SCHEDULE, MADE_STORE_HOST);
	made_store_end_segment(&store);
	cr_expect_eq(made_store_dump(&store), ENDING_NONE);
	cr_expect_str_eq(store.printed, "");
	made_store_expect_said(&store, " holds no samples");
}

Test(dump_agents, names_may_stand_behind_the_batch_and_come_again)
{
	made_store_begin_segment(&store, 3);
	(void)put_batch();
	put_names(HM_RECORD_NAMES);
	put_names(HM_RECORD_NAMES);
	made_store_put_host(&store, MADE_STORE_HOST);
	made_store_end_segment(&store);
	cr_expect_eq(made_store_dump(&store), ENDING_FOUND);
	cr_expect_str_eq(store.printed, all);
}

/* As a NAMES record that goes on behind another one of the same epoch. */
static void put_one_name(uint32_t id, const char *name)
{
	struct wire_stamp stamp = native_stamp(1);
	struct wire_series series = {.name = {name, strlen(name)}};

	buffer_clear(&store.payload);
	wire_declare_put(&store.payload, &stamp, id);
	wire_declare_put_series(&store.payload, &series);
	(void)made_store_put(&store, HM_RECORD_NAMES, MADE_STORE_HOST);
}

Test(dump_agents, names_count_without_those_of_lower_ids)
{
	made_store_begin_segment(&store, 3);
	made_store_put_host(&store, MADE_STORE_HOST);
	put_one_name(1, "node_cpu_seconds_total{cpu=\"0\"}");
	put_one_name(0, "node_load1");
	put_one_name(0, "other");
	(void)put_batch();
	made_store_end_segment(&store);
	cr_expect_eq(made_store_dump(&store), ENDING_FOUND);
	cr_expect_str_eq(store.printed, all);
}

/* Save a segment that has no samples. */
static void save_names(uint32_t which)
{
	made_store_begin_segment(&store, which);
	put_names(HM_RECORD_NAMES);
	made_store_end_segment(&store);
	made_store_save(&store, store.name);
}

Test(dump_agents, names_are_looked_for_in_the_segments_beside)
{
	for (uint32_t with_names = 1; with_names <= 5; with_names++) {
		for (uint32_t i = 1; i <= 5; i++) {
			made_store_begin_segment(&store, i);
			made_store_end_segment(&store);
			made_store_save(&store, store.name);
		}
		save_names(with_names);
		made_store_begin_segment(&store, 3);
		made_store_put_host(&store, MADE_STORE_HOST);
		if (with_names == 3)
			put_names(HM_RECORD_NAMES);
		(void)put_batch();
		made_store_end_segment(&store);
		cr_expect_eq(made_store_dump(&store), ENDING_FOUND, "%u", with_names);
		cr_expect_str_eq(store.printed, all);
	}
}

Test(dump_agents, a_segment_of_another_store_names_nothing)
{
	struct log_file_header header = {.store_id = {1}, .number = 2, .salt = MADE_STORE_SALT};

	made_store_begin_segment(&store, 2);
	buffer_clear(&store.bytes);
	log_file_put_header(&store.bytes, &header);
	put_names(HM_RECORD_NAMES);
	made_store_end_segment(&store);
	made_store_save(&store, store.name);
	made_store_begin_segment(&store, 3);
	made_store_put_host(&store, MADE_STORE_HOST);
	(void)put_batch();
	made_store_end_segment(&store);
	cr_expect_eq(made_store_dump(&store), ENDING_FAILED);
	cr_expect_str_eq(store.printed, "");
}

Test(dump_agents, what_nobody_names_is_told_and_passed_over)
{
	char expected[200];
	size_t begin;

	made_store_begin_segment(&store, 3);
	made_store_put_host(&store, MADE_STORE_HOST);
	put_one_name(0, "node_load1");
	begin = put_batch();
	made_store_end_segment(&store);
	cr_expect_eq(made_store_dump(&store), ENDING_FAILED);
	(void)snprintf(
		expected, sizeof(expected),
		": offset %zu: passed over: no segment beside this one says what the samples of this "
		"batch are called",
		begin);
	made_store_expect_said(&store, expected);
	put_segment();
	cr_expect_eq(made_store_dump(&store), ENDING_FOUND);
}

Test(dump_agents, so_is_what_no_host_has)
{
	made_store_begin_segment(&store, 3);
	put_names(HM_RECORD_DECLARE);
	(void)put_batch();
	made_store_end_segment(&store);
	cr_expect_eq(made_store_dump(&store), ENDING_FAILED);
	cr_expect_str_eq(store.printed, "");
}

Test(dump_agents, a_batch_that_makes_no_sense_is_passed_over)
{
	char expected[700];
	size_t begin;
	size_t end;

	made_store_begin_segment(&store, 3);
	made_store_put_host(&store, MADE_STORE_HOST);
	put_names(HM_RECORD_DECLARE);
	made_store_make(&store, HM_FRAME_BATCH);
	store.payload.length--;
	begin = made_store_put(&store, HM_RECORD_BATCH, MADE_STORE_HOST);
	end = store.bytes.length;
	store.payload.length = HM_STAMP_BYTES - 1;
	(void)made_store_put(&store, HM_RECORD_BATCH, MADE_STORE_HOST);
	(void)put_batch();
	made_store_end_segment(&store);
	cr_expect_eq(made_store_dump(&store), ENDING_FAILED);
	cr_expect_str_eq(store.printed, all);
	(void)snprintf(expected, sizeof(expected),
		       "agentctl: %s: offset %zu: %zu damaged bytes\n"
		       "agentctl: %s: offset %zu: 88 damaged bytes\n",
		       store.path, begin, end - begin, store.path, end);
	cr_expect_stderr_eq_str(expected);
}

Test(dump_agents, never_prints_a_sample_that_was_not_written)
{
	size_t end;

	put_segment();
	for (end = store.bytes.length - HM_LOG_HEADER_BYTES; store.bytes.data[end - 1] == 0;)
		end--;
	for (size_t bit = 0; bit < end * 8; bit++) {
		char *rest;

		made_store_flip(&store, bit);
		(void)made_store_dump(&store);
		made_store_flip(&store, bit);
		rest = store.printed;
		for (char *line = strsep(&rest, "\n"); line; line = strsep(&rest, "\n"))
			cr_assert(strstr(all, line), "bit %zu: %s", bit, line);
	}
}
