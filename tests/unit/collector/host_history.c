/* SPDX-License-Identifier: MIT */
/* Tests of which blocks of a host's own file still matter. */

#include "collector/host_history.h"

#include <criterion/criterion.h>
#include <string.h>

#include "common/store_file.h"
#include "common/wire_clock.h"
#include "common/wire_schedule.h"

static struct buffer payloads[4];
static size_t n_payloads;

static void teardown(void)
{
	for (size_t i = 0; i < n_payloads; i++)
		buffer_done(&payloads[i]);
}

TestSuite(host_history, .fini = teardown);

/* Releases the bytes. */
static struct file_reader_block make_block(struct store_file_message message, struct buffer *bytes)
{
	struct buffer *out = &payloads[n_payloads++];

	message.bytes = (const uint8_t *)bytes->data;
	message.n_bytes = bytes->length;
	store_file_put_message(out, &message);
	cr_assert_not(buffer_failed(bytes));
	cr_assert_not(buffer_failed(out));
	buffer_done(bytes);
	return (struct file_reader_block){
		.offset = 100 * n_payloads,
		.block = {.type = HM_BLOCK_MESSAGE,
			  .payload = (const uint8_t *)out->data,
			  .payload_bytes = (uint32_t)out->length},
	};
}

static struct file_reader_block make_clock(enum hm_clock_event event, int64_t now_us,
					   int64_t change_us, int64_t received_us)
{
	struct wire_clock clock = {
		.stamp = {.host_id = {1}, .epoch = {2}, .sequence = 3},
		.event = event,
		.boot_id = {4},
		.now_us = now_us,
		.change_us = change_us,
	};
	struct store_file_message message = {.type = HM_RECORD_CLOCK, .received_us = received_us};
	struct buffer bytes = {0};

	wire_clock_put(&bytes, &clock);
	return make_block(message, &bytes);
}

static struct file_reader_block make_schedule(uint8_t epoch, int64_t since_us)
{
	const struct wire_stamp stamp = {.host_id = {1}, .epoch = {epoch}, .sequence = 3};
	const struct store_file_message message = {.type = HM_RECORD_SCHEDULE, .received_us = 900};
	struct buffer bytes = {0};

	wire_schedule_put_begin(&bytes, &stamp, since_us);
	return make_block(message, &bytes);
}

/* What follows it cannot be understood without. */
Test(host_history, a_clock_that_was_far_behind_told_of_the_time_when_it_came)
{
	struct host_history history = {.horizon_us = 1000};
	const struct file_reader_block blocks[] = {
		make_clock(HM_CLOCK_STARTED, 800, 0, 800),
		make_clock(HM_CLOCK_STARTED, 5, 0, 1500),
		make_clock(HM_CLOCK_STEPPED, 1500, 1490, 1500),
		make_clock(HM_CLOCK_STARTED, 5, 0, 900),
	};

	for (size_t i = 0; i < 4; i++)
		host_history_note(&history, &blocks[i]);
	cr_expect_not(host_history_has(&history, &blocks[0]));
	cr_expect(host_history_has(&history, &blocks[1]));
	cr_expect(host_history_has(&history, &blocks[2]));
	cr_expect(host_history_has(&history, &blocks[3]), "the last one");
}

Test(host_history, a_schedule_of_another_epoch_that_comes_late_is_not_the_last)
{
	struct host_history history = {.horizon_us = 1000};
	const struct file_reader_block blocks[] = {make_schedule(2, 700), make_schedule(3, 100)};

	for (size_t i = 0; i < 2; i++)
		host_history_note(&history, &blocks[i]);
	cr_expect(host_history_has(&history, &blocks[0]));
	cr_expect_not(host_history_has(&history, &blocks[1]));
}

/* The clock had been ahead. */
Test(host_history, a_schedule_of_the_same_epoch_is_the_last_whatever_its_time)
{
	struct host_history history = {.horizon_us = 1000};
	const struct file_reader_block blocks[] = {make_schedule(2, 700), make_schedule(2, 100)};

	for (size_t i = 0; i < 2; i++)
		host_history_note(&history, &blocks[i]);
	cr_expect_not(host_history_has(&history, &blocks[0]));
	cr_expect(host_history_has(&history, &blocks[1]));
}
