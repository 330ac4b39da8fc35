/* SPDX-License-Identifier: MIT */
/* Tests of epochs of the spool that are moved, where that does not go smoothly. */

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "agent/spool.h"
#include "tests/support/sim_spool.h"

#define OTHER_CRC 99 /* of no message */

static struct sim_spool test;

static void setup(void)
{
	sim_spool_open(&test);
}

static void teardown(void)
{
	sim_spool_close(&test);
}

TestSuite(spool_move, .init = setup, .fini = teardown, .timeout = 20);

#define MOVED 10

/* Batches of another text each, in an epoch that is not the current one: more than is moved at once. */
static struct spool_epoch_info append_moved(void)
{
	char text[2000];

	(void)sim_spool_append_series(&test, "series");
	for (unsigned i = 0; i < MOVED; i++) {
		memset(text, 'a' + (int)i, sizeof(text) - 1);
		text[sizeof(text) - 1] = '\0';
		(void)sim_spool_append(&test, HM_FRAME_BATCH, text, 0);
	}
	cr_assert_eq(spool_sync(test.spool), 0);
	test.options.host_name = (struct series_text){"web02", 5};
	sim_spool_reopen(&test);
	return sim_spool_epoch(&test, 0);
}

/* How often each of these is there. @param ret_n  by its letter; the last one counts GAPs */
static void count_moved(unsigned ret_n[static MOVED + 1])
{
	memset(ret_n, 0, (MOVED + 1) * sizeof(*ret_n));
	for (size_t i = 0; i < sim_spool_status(&test).n_epochs; i++) {
		struct spool_epoch_info info = sim_spool_epoch(&test, i);
		struct spool_message message = {.sequence = 0};

		while (spool_next(test.spool, info.id, message.sequence, &message) == 0) {
			unsigned letter = message.payload[HM_STAMP_BYTES] - (unsigned)'a';

			if (message.type == HM_FRAME_GAP)
				ret_n[MOVED]++;
			else if (message.type == HM_FRAME_BATCH && letter < MOVED)
				ret_n[letter]++;
		}
	}
}

static void expect_moved(void)
{
	unsigned n[MOVED + 1];

	count_moved(n);
	for (unsigned i = 0; i < MOVED; i++)
		cr_expect_eq(n[i], 1, "%u: %u", i, n[i]);
	cr_expect_eq(n[MOVED], 0);
}

/* An epoch more, for a moment, is no reason for a GAP, nor for the end of the one that is moved. */
/* What the agent did explains why there are no samples; a batch becomes a GAP. */
Test(spool_move, keeps_what_the_agent_did_where_there_are_too_many_epochs)
{
	char name[] = "web__";
	struct spool_epoch_info last;
	struct spool_message message = {.sequence = 0};
	unsigned n_clocks = 0;
	unsigned n_gaps = 0;

	for (unsigned i = 0; i < 18; i++) {
		name[3] = (char)('a' + i);
		test.options.host_name = (struct series_text){name, 5};
		sim_spool_reopen(&test);
		(void)sim_spool_append(&test, HM_FRAME_CLOCK, "clock", 0);
		(void)sim_spool_append(&test, HM_FRAME_BATCH, "batch", 0);
		cr_assert_eq(spool_sync(test.spool), 0);
	}
	last = sim_spool_epoch(&test, sim_spool_status(&test).n_epochs - 1);
	cr_assert_eq(sim_spool_status(&test).n_epochs, 16);

	while (spool_next(test.spool, last.id, message.sequence, &message) == 0) {
		n_clocks += message.type == HM_FRAME_CLOCK;
		n_gaps += message.type == HM_FRAME_GAP;
	}
	cr_expect_eq(n_clocks, 2, "that of the epoch that ended last, and its own");
	cr_expect_eq(n_gaps, 1);
	cr_expect_eq(sim_spool_status(&test).n_gone_batches, 1, "since the spool was opened");
}

Test(spool_move, moves_the_oldest_of_as_many_epochs_as_there_may_be)
{
	char name[] = "web10";
	struct spool_epoch_info info;

	test.options.max_bytes = 40 * SIM_SPOOL_SEGMENT_BYTES;
	sim_spool_reopen(&test);
	info = append_moved();
	for (unsigned i = 0; i < 14; i++) {
		(void)sim_spool_append(&test, HM_FRAME_BATCH, "some", 0);
		cr_assert_eq(spool_sync(test.spool), 0);
		name[4] = (char)('a' + i);
		test.options.host_name = (struct series_text){name, 5};
		sim_spool_reopen(&test);
	}
	cr_assert_eq(sim_spool_status(&test).n_epochs, 16);

	cr_assert_eq(spool_new_epoch(test.spool, info.id, 0), 0);

	cr_expect_eq(sim_spool_status(&test).n_epochs, 16);
	expect_moved();
}

/* In each epoch with batches their series are declared. */
static void expect_declared(void)
{
	for (size_t i = 0; i < sim_spool_status(&test).n_epochs; i++) {
		struct spool_epoch_info info = sim_spool_epoch(&test, i);
		struct spool_message message = {.sequence = 0};
		bool is_declared = false;

		while (spool_next(test.spool, info.id, message.sequence, &message) == 0) {
			is_declared |= message.type == HM_FRAME_DECLARE;
			cr_expect(is_declared || message.type != HM_FRAME_BATCH, "epoch %zu", i);
		}
	}
}

/* What is left of an epoch does not follow what a collector has under its last number that was moved. */
Test(spool_move, takes_nothing_for_its_own_of_an_epoch_that_was_moved_in_part)
{
	struct spool_epoch_info info = append_moved();
	struct spool_message message;

	sim_disk_fail(test.sim, SIM_FDATASYNC, 2, EIO, true);
	cr_assert_eq(spool_new_epoch(test.spool, info.id, 0), -EAGAIN);
	sim_disk_heal(test.sim);
	cr_assert_eq(spool_retry(test.spool), 0);
	cr_assert_eq(spool_next(test.spool, info.id, 0, &message), 0);
	cr_assert_gt(message.sequence, 1);

	for (uint64_t i = 1; i < message.sequence; i++)
		cr_expect_eq(spool_compare(test.spool, info.id, i, OTHER_CRC), -ESTALE);
	cr_assert_eq(spool_new_epoch(test.spool, info.id, 0), 0);
	expect_moved();
	expect_declared();
}

/* The copies that were written already are not to come back. */
Test(spool_move, moves_once_what_it_had_no_memory_to_write)
{
	for (uint64_t n = 1; n <= 20; n++) {
		struct spool_epoch_info info = append_moved();
		int result;

		sim_disk_fail(test.sim, SIM_PWRITE, n, ENOMEM, false);
		result = spool_new_epoch(test.spool, info.id, 0);
		cr_expect(result == 0 || result == -ENOMEM, "%d", result);
		sim_disk_heal(test.sim);
		cr_assert_eq(spool_sync(test.spool), 0);
		/* It may have been over already, and forgotten. */
		if (result < 0)
			result = spool_new_epoch(test.spool, info.id, 0);
		cr_assert(result == 0 || result == -ENOENT, "%d", result);
		expect_moved();
		sim_spool_lose_power(&test, n);
		expect_moved();
		teardown();
		setup();
	}
}

/* What waits for the disk is nothing without what its series mean. */
Test(spool_move, declares_what_it_moves_though_the_folder_is_gone)
{
	for (unsigned i = 0; i < 2; i++) {
		struct spool_epoch_info info;
		uint64_t sealed;

		(void)sim_spool_append_series(&test, "series");
		(void)sim_spool_append(&test, HM_FRAME_BATCH, "sent", 0);
		sealed = sim_spool_tick(&test, "on the disk");
		cr_assert_eq(spool_sync(test.spool), 0);
		info = sim_spool_epoch(&test, 0);
		sim_disk_fail(test.sim, SIM_PWRITE, 1, EIO, true);
		/* What fails is something else, or that. */
		if (i == 1)
			(void)sim_spool_tick(&test, "in memory");
		(void)sim_spool_append(&test, HM_FRAME_BATCH, "sealed", sealed);
		cr_assert(sim_spool_status(&test).is_in_memory);
		cr_assert_eq(spool_leave_folder(test.spool), 0);
		cr_assert_eq(spool_compare(test.spool, info.id, 2, OTHER_CRC), -ESTALE);

		cr_assert_eq(spool_new_epoch(test.spool, info.id, 2), 0);

		cr_expect_eq(sim_spool_declared(&test, 0, 0), 1);
		cr_expect_str_eq(sim_spool_next(&test, 0, 2), "sealed");
		teardown();
		setup();
	}
}

/* Have as much address space as there is now, and so much. */
static void limit_memory(rlim_t headroom_bytes, struct rlimit *ret_before)
{
	struct rlimit limit;
	FILE *file = fopen("/proc/self/statm", "r");
	char text[32] = "";

	cr_assert_not_null(file);
	cr_assert_not_null(fgets(text, sizeof(text), file));
	cr_assert_eq(fclose(file), 0);
	cr_assert_eq(getrlimit(RLIMIT_AS, ret_before), 0);
	limit = *ret_before;
	limit.rlim_cur = (rlim_t)strtoul(text, NULL, 10) * (rlim_t)sysconf(_SC_PAGESIZE);
	limit.rlim_cur += headroom_bytes;
	cr_assert_eq(setrlimit(RLIMIT_AS, &limit), 0);
}

/* A spool without a folder. Of its batches the second part takes more memory than the first. */
static void append_in_memory(void)
{
	static char text[SPOOL_BODY_MAX_BYTES];

	spool_free(test.spool);
	test.options.folder = -1;
	test.options.segment_bytes = SPOOL_SEGMENT_BYTES;
	test.options.max_bytes = SPOOL_MAX_BYTES;
	test.options.max_memory_bytes = SPOOL_SEGMENT_BYTES;
	cr_assert_eq(spool_open(&test.options, &test.spool), 0);
	(void)sim_spool_append_series(&test, "series");
	for (unsigned i = 0; i < MOVED; i++) {
		size_t length = i == MOVED / 2 - 1 ? 2000 : sizeof(text) - 1;

		memset(text, 'a' + (int)i, length);
		text[length] = '\0';
		(void)sim_spool_append(&test, HM_FRAME_BATCH, text, 0);
	}
}

/* The copies are all that there is of what was moved already. */
Test(spool_move, moves_in_memory_all_or_nothing)
{
	unsigned n_failed = 0;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
	cr_skip_test("a sanitizer's own memory has no limit");
#endif
	for (rlim_t headroom_bytes = 0; headroom_bytes < 3 << 20; headroom_bytes += 64 << 10) {
		struct spool_epoch_info info;
		struct rlimit before;
		int result;

		append_in_memory();
		info = sim_spool_epoch(&test, 0);
		limit_memory(headroom_bytes, &before);
		result = spool_new_epoch(test.spool, info.id, 0);
		cr_assert_eq(setrlimit(RLIMIT_AS, &before), 0);
		n_failed += result == -ENOMEM;
		if (result == -ENOMEM) {
			expect_moved();
			result = spool_new_epoch(test.spool, info.id, 0);
		}
		cr_assert_eq(result, 0);
		expect_moved();
		teardown();
		setup();
	}
	cr_expect_gt(n_failed, 2);
}

/* Room for what is moved comes from what was; no epoch begins for each part that has room. */
Test(spool_move, moves_an_epoch_while_the_disk_is_full)
{
	struct spool_epoch_info info;
	uint64_t n_messages;

	test.options.max_bytes = 100 * SIM_SPOOL_SEGMENT_BYTES;
	sim_spool_reopen(&test);
	(void)sim_spool_append_series(&test, "series");
	for (unsigned i = 0; i < 200; i++)
		(void)sim_spool_append_large(&test, 3000);
	info = sim_spool_epoch(&test, 0);
	n_messages = sim_spool_status(&test).n_messages;
	sim_disk_set_limits(test.sim, sim_disk_used_bytes(test.sim), 0);

	cr_assert_eq(spool_new_epoch(test.spool, info.id, 0), 0);

	cr_expect_eq(sim_spool_status(&test).n_epochs, 1);
	cr_expect_eq(sim_spool_status(&test).n_messages, n_messages);
	cr_expect_eq(sim_spool_status(&test).n_gone_batches, 0);
	cr_expect_eq(sim_spool_status(&test).n_samples, 2000);
}

/* What cannot be read now is no reason to write nothing any more. */
Test(spool_move, goes_on_with_a_move_when_it_can_be_read)
{
	/* Behind that it begins a segment. */
	for (uint64_t n = 1; n <= 7; n++) {
		struct spool_epoch_info info = append_moved();

		sim_disk_fail(test.sim, SIM_OPEN, n, EMFILE, false);
		cr_expect_eq(spool_new_epoch(test.spool, info.id, 0), -EAGAIN);
		sim_disk_heal(test.sim);
		cr_expect_not(sim_spool_status(&test).is_in_memory);
		cr_expect_leq(sim_spool_status(&test).n_epochs, 3);
		expect_moved();
		cr_assert_eq(spool_new_epoch(test.spool, info.id, 0), 0);
		expect_moved();
		sim_spool_lose_power(&test, n);
		expect_moved();
		teardown();
		setup();
	}
}
