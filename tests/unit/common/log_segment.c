/* SPDX-License-Identifier: MIT */
/* Tests of reading a segment of the log, on a simulated disk. */

#include "common/log_segment.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/sim_disk.h"

#define NUMBER   UINT32_C(5)
#define SALT     UINT32_C(0x01020304)
#define PATH     "00000005.log"
#define MANY     64
#define WINDOW   ((size_t)256 << 10)
#define FIRST_AT HM_LOG_HEADER_BYTES

static struct sim_counts counts;
static struct sim_disk *sim;
static const struct disk *disk;
static int folder;
static struct log_segment segment;
static struct buffer file;
static uint64_t offsets[MANY];
static size_t n_records;

static void setup(void)
{
	static const struct log_file_header header = {.number = NUMBER, .salt = SALT};

	sim = sim_disk_new(1, &counts);
	disk = sim_disk_table(sim);
	folder = sim_disk_open_root(sim);
	segment = (struct log_segment){.fd = -1};
	log_file_put_header(&file, &header);
}

static void teardown(void)
{
	log_segment_close(&segment);
	cr_expect_eq(sim_disk_n_open(sim), 1, "a descriptor was forgotten");
	sim_disk_free(sim);
	buffer_done(&file);
}

TestSuite(log_segment, .init = setup, .fini = teardown);

/* A record that is told apart by its host: its number among all, from 1 on. */
static void put_record(size_t payload_bytes)
{
	uint8_t *payload = malloc(payload_bytes + 1);
	struct log_record record = {
		.type = HM_RECORD_BATCH,
		.host = (uint32_t)n_records + 1,
		.position = log_position(NUMBER, file.length),
		.payload = payload,
		.payload_bytes = (uint32_t)payload_bytes,
	};

	memset(payload, (int)n_records + 1, payload_bytes + 1);
	offsets[n_records++] = file.length;
	log_file_put_record(&file, SALT, &record);
	free(payload);
}

static void put_zeros(size_t n)
{
	for (size_t i = 0; i < n; i++)
		buffer_append_byte(&file, 0);
}

static void write_file(void)
{
	int fd = disk->open(disk->context, folder, PATH, O_RDWR | O_CREAT);

	cr_assert_geq(fd, 0);
	cr_assert_eq(disk_write(disk, fd, file.data, file.length, 0), 0);
	cr_assert_eq(disk->ftruncate(disk->context, fd, file.length), 0);
	cr_assert_eq(disk->close(disk->context, fd), 0);
}

/* Write what was put, with the second header behind. */
static void write_segment(void)
{
	static const struct log_file_header header = {.number = NUMBER, .salt = SALT};

	log_file_put_header(&file, &header);
	write_file();
}

static int open_segment(void)
{
	return log_segment_open(&segment, disk, folder, NUMBER);
}

static void flip_byte(uint64_t at)
{
	cr_assert_eq(sim_disk_flip(sim, PATH, at * 8), 0);
}

/* Find the next record from an offset on: which must be the one of a number, with all its bytes. */
static uint64_t expect_found(uint64_t offset, size_t number)
{
	struct log_record record;
	int result = log_segment_find(&segment, offset, &record);

	cr_assert_eq(result, 0, "record %zu: %d", number, result);
	cr_assert_eq(record.host, number);
	cr_assert_eq(record.position, log_position(NUMBER, offsets[number - 1]));
	for (uint32_t i = 0; i < record.payload_bytes; i++)
		cr_assert_eq(((const uint8_t *)record.payload)[i], (uint8_t)number);
	return log_segment_behind(&record);
}

static void expect_end(uint64_t offset)
{
	struct log_record record;

	cr_assert_eq(log_segment_find(&segment, offset, &record), -ENODATA);
}

/* -- opening -------------------------------------------------------------------------------------- */

Test(log_segment, the_second_header_counts_where_the_first_is_damaged)
{
	put_record(100);
	write_segment();
	for (uint64_t at = 0; at < HM_LOG_HEADER_BYTES; at++) {
		flip_byte(at);
		cr_assert_eq(open_segment(), 0, "byte %llu", (unsigned long long)at);
		cr_expect_eq(segment.header.salt, SALT);
		(void)expect_found(FIRST_AT, 1);
		log_segment_close(&segment);
		flip_byte(at);
	}
}

Test(log_segment, without_any_header_it_is_none)
{
	put_record(100);
	write_segment();
	flip_byte(40);
	flip_byte(file.length - HM_LOG_HEADER_BYTES + 40);
	cr_expect_eq(open_segment(), -EBADMSG);

	flip_byte(file.length - HM_LOG_HEADER_BYTES);
	cr_expect_eq(open_segment(), -EINVAL);
}

Test(log_segment, a_damaged_second_header_does_not_matter)
{
	put_record(100);
	write_segment();
	flip_byte(file.length - 1);

	cr_assert_eq(open_segment(), 0);
	expect_end(expect_found(FIRST_AT, 1));
}

Test(log_segment, a_file_under_another_number_is_refused)
{
	write_segment();
	cr_assert_eq(disk->rename(disk->context, folder, PATH, "00000006.log"), 0);

	cr_expect_eq(log_segment_open(&segment, disk, folder, NUMBER + 1), -EXDEV);
	cr_expect_eq(open_segment(), -ENOENT);
}

Test(log_segment, a_file_too_short_and_a_folder_are_refused)
{
	write_file(); /* one header alone */
	cr_expect_eq(open_segment(), -EINVAL);

	cr_assert_eq(disk->unlink(disk->context, folder, PATH), 0);
	cr_assert_eq(disk->mkdir(disk->context, folder, PATH), 0);
	cr_expect_lt(open_segment(), 0);
}

Test(log_segment, a_cut_file_is_read_up_to_its_end)
{
	put_record(100);
	put_record(100);
	file.length -= 8;
	put_zeros(HM_LOG_HEADER_BYTES); /* where a cut leaves no second header */
	file.length -= 8;
	write_file();

	cr_assert_eq(open_segment(), 0);
	expect_end(expect_found(FIRST_AT, 1));
}

Test(log_segment, an_empty_one_has_no_records)
{
	struct log_record record;

	write_segment();
	cr_assert_eq(open_segment(), 0);

	expect_end(FIRST_AT);
	cr_assert_eq(log_segment_read(&segment, FIRST_AT, &record), -ENODATA);
}

/* -- reading -------------------------------------------------------------------------------------- */

Test(log_segment, records_are_read_by_their_offsets)
{
	struct log_record record;

	for (size_t i = 0; i < MANY; i++)
		put_record(i * 97);
	put_zeros(1024);
	write_segment();
	cr_assert_eq(open_segment(), 0);

	for (size_t i = MANY; i > 0; i--) {
		cr_assert_eq(log_segment_read(&segment, offsets[i - 1], &record), 0);
		cr_assert_eq(record.host, i);
		cr_assert_eq(log_segment_behind(&record),
			     i < MANY ? offsets[i] : file.length - 1024 - HM_LOG_HEADER_BYTES);
	}
	cr_expect_eq(log_segment_read(&segment, offsets[1] + 1, &record), -EBADMSG);
	cr_expect_eq(log_segment_read(&segment, offsets[1] + 8, &record), -EBADMSG);
	cr_expect_eq(log_segment_read(&segment, 0, &record), -EBADMSG);
	cr_expect_eq(log_segment_read(&segment, segment.end_bytes, &record), -ENODATA);
	cr_expect_eq(log_segment_read(&segment, file.length, &record), -ENODATA);
	cr_expect_eq(log_segment_read(&segment, (uint64_t)1 << 40, &record), -ENODATA);
}

Test(log_segment, records_larger_than_the_window_are_found)
{
	uint64_t offset = FIRST_AT;

	put_record(10);
	put_record(HM_RECORD_MAX_BYTES);
	put_record(WINDOW - 100); /* over the edges of windows */
	put_record(WINDOW * 2 + 8);
	put_record(10);
	write_segment();
	cr_assert_eq(open_segment(), 0);

	for (size_t i = 1; i <= n_records; i++)
		offset = expect_found(offset, i);
	expect_end(offset);
	/* And backwards, so that no window is of use. */
	for (size_t i = n_records; i > 0; i--)
		(void)expect_found(offsets[i - 1], i);
}

Test(log_segment, short_reads_do_not_matter)
{
	uint64_t offset = FIRST_AT;

	put_record(WINDOW);
	put_record(3000);
	write_segment();
	sim_disk_set_short(sim, 128);
	cr_assert_eq(open_segment(), 0);

	for (size_t i = 1; i <= n_records; i++)
		offset = expect_found(offset, i);
	expect_end(offset);
}

Test(log_segment, blank_pages_are_passed_over)
{
	uint64_t offset = FIRST_AT;

	put_record(10);
	put_zeros(8); /* not even a page */
	put_record(10);
	put_zeros((size_t)4096 * 200); /* more than a window */
	put_record(10);
	put_zeros(4096 - file.length % 4096); /* up to a page */
	put_zeros(4096);
	put_record(10);
	put_zeros((size_t)4096 * 3);
	write_segment();
	cr_assert_eq(open_segment(), 0);

	for (size_t i = 1; i <= n_records; i++)
		offset = expect_found(offset, i);
	expect_end(offset);
}

/* -- damage --------------------------------------------------------------------------------------- */

Test(log_segment, one_flipped_bit_costs_one_record)
{
	put_record(20);
	put_record(30);
	put_record(40);
	write_segment();
	for (uint64_t bit = offsets[1] * 8; bit < (offsets[1] + HM_RECORD_HEADER_BYTES + 30) * 8;
	     bit++) {
		bool is_header = bit / 8 < offsets[1] + HM_RECORD_HEADER_BYTES;
		struct log_record record;
		uint64_t offset;

		cr_assert_eq(sim_disk_flip(sim, PATH, bit), 0);
		cr_assert_eq(open_segment(), 0);
		offset = expect_found(FIRST_AT, 1);
		cr_assert_eq(offset, offsets[1]);
		cr_assert_eq(log_segment_read(&segment, offset, &record),
			     is_header ? -EBADMSG : -EILSEQ);
		if (!is_header) {
			cr_assert_eq(log_segment_find(&segment, offset, &record), -EILSEQ);
			cr_assert_eq(record.position, log_position(NUMBER, offsets[1]));
			cr_assert_eq(record.host, 2);
			offset = log_segment_behind(&record);
			cr_assert_eq(offset, offsets[2]);
		}
		expect_end(expect_found(offset, 3));
		log_segment_close(&segment);
		cr_assert_eq(sim_disk_flip(sim, PATH, bit), 0);
	}
}

Test(log_segment, a_range_of_garbage_is_passed_over)
{
	uint64_t state = 1;

	put_record(20);
	for (size_t i = 0; i < 3 * WINDOW; i++) {
		state = state * UINT64_C(6364136223846793005) + 1;
		buffer_append_byte(&file, (char)(state >> 56));
	}
	put_record(20);
	write_segment();
	cr_assert_eq(open_segment(), 0);

	expect_end(expect_found(expect_found(FIRST_AT, 1), 2));
}

Test(log_segment, records_of_another_place_or_segment_do_not_count)
{
	struct log_record foreign = {.type = HM_RECORD_MARK, .position = log_position(4, 64)};

	log_file_put_record(&file, SALT, &foreign);
	foreign.position = log_position(NUMBER, 64);
	log_file_put_record(&file, SALT, &foreign); /* lies at 112 */
	foreign.position = log_position(NUMBER, file.length);
	log_file_put_record(&file, SALT + 1, &foreign);
	put_record(20);
	write_segment();
	cr_assert_eq(open_segment(), 0);

	expect_end(expect_found(FIRST_AT, 1));
}

/* Its header is valid, but the file ends before it does. */
Test(log_segment, a_record_that_reaches_into_the_second_header_is_none)
{
	struct log_record record;

	put_record(20);
	put_record(200);
	file.length -= 64;
	write_segment();
	cr_assert_eq(open_segment(), 0);

	cr_expect_eq(log_segment_read(&segment, offsets[1], &record), -EMSGSIZE);
	expect_end(expect_found(FIRST_AT, 1));
}

Test(log_segment, an_error_that_says_nothing_of_the_device_is_told_and_no_damage)
{
	struct log_record record;

	put_record(20);
	write_segment();
	cr_assert_eq(open_segment(), 0);
	sim_disk_fail(sim, SIM_PREAD, 1, ENOMEM, false);

	cr_assert_eq(log_segment_find(&segment, FIRST_AT, &record), -ENOMEM);
	expect_end(expect_found(FIRST_AT, 1));
	log_segment_close(&segment);
	sim_disk_fail(sim, SIM_PREAD, 1, ENOMEM, false);
	cr_assert_eq(open_segment(), -ENOMEM);
}

Test(log_segment, what_the_device_does_not_give_once_is_read_again)
{
	put_record(20);
	write_segment();
	sim_disk_fail(sim, SIM_OPEN, 1, EIO, false);
	sim_disk_fail(sim, SIM_PREAD, 1, EIO, false);
	cr_assert_eq(open_segment(), 0);
	sim_disk_fail(sim, SIM_PREAD, 1, EIO, false);

	expect_end(expect_found(FIRST_AT, 1));
	cr_assert_eq(segment.loss.n_bytes, 0);
}

Test(log_segment, a_bad_sector_costs_the_records_that_lie_in_it)
{
	struct log_record record;
	uint64_t offset;

	for (int i = 0; i < 4; i++)
		put_record(700);
	put_zeros(5000);
	write_segment();
	/* Of the second record the payload, of the third what says how long it is. */
	cr_assert_eq(
		sim_disk_spoil(sim, PATH, offsets[1] + 300, offsets[2] + 20 - offsets[1] - 300), 0);
	cr_assert_eq(open_segment(), 0);

	offset = expect_found(FIRST_AT, 1);
	cr_assert_eq(log_segment_find(&segment, offset, &record), -EILSEQ);
	cr_assert_eq(record.host, 2);
	expect_end(expect_found(log_segment_behind(&record), 4));
	cr_assert_eq(segment.loss.n_bytes % SIM_DISK_SECTOR_BYTES, 0);
	cr_assert_gt(segment.loss.n_bytes, 0);
	cr_assert_leq(segment.loss.n_bytes, (uint64_t)4 * SIM_DISK_SECTOR_BYTES);
	cr_assert_eq(log_segment_read(&segment, offsets[2], &record), -ENODATA);
}

Test(log_segment, a_bad_sector_with_a_header_leaves_the_other_one)
{
	put_record(2000);
	put_record(20);
	put_zeros(2000);
	write_segment();
	cr_assert_eq(sim_disk_spoil(sim, PATH, 0, 1), 0);
	cr_assert_eq(open_segment(), 0);
	expect_end(expect_found(FIRST_AT, 2));
	log_segment_close(&segment);

	cr_assert_eq(sim_disk_spoil(sim, PATH, file.length - 1, 1), 0);
	cr_assert_eq(open_segment(), 0);
	expect_end(expect_found(expect_found(FIRST_AT, 1), 2));
	log_segment_close(&segment);

	cr_assert_eq(sim_disk_spoil(sim, PATH, 0, file.length), 0);
	cr_assert_eq(open_segment(), -EIO);
}

static size_t n_read_bytes;

static ssize_t count_pread(void *context, int fd, void *bytes, size_t length, uint64_t offset)
{
	n_read_bytes += length;
	return disk->pread(context, fd, bytes, length, offset);
}

Test(log_segment, reads_ahead_only_for_who_goes_on)
{
	struct disk counted = *disk;
	struct log_record record;
	uint64_t offset = FIRST_AT;

	for (size_t i = 0; i < MANY; i++)
		put_record(20000);
	write_segment();
	counted.pread = count_pread;
	cr_assert_eq(log_segment_open(&segment, &counted, folder, NUMBER), 0);

	/* The chain of one host of many, backwards. */
	n_read_bytes = 0;
	for (size_t i = MANY; i-- > 0;) {
		cr_assert_eq(log_segment_read(&segment, offsets[i], &record), 0);
		cr_assert_eq(record.host, i + 1);
	}
	cr_assert_leq(n_read_bytes, (size_t)MANY * (20000 + 16384));

	n_read_bytes = 0;
	for (size_t i = 0; i < MANY; i++)
		offset = expect_found(offset, i + 1);
	cr_assert_leq(n_read_bytes, file.length * 5 / 4);
	log_segment_close(&segment);
}
