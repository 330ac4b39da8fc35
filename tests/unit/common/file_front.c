/* SPDX-License-Identifier: MIT */
/* Tests of from where on a metric file counts. */

#include "common/file_front.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/store_mask.h"

#define SALT 0xabcdef01u

static struct buffer file;
static int fd;
static uint64_t names_offset; /* of the block of names that was put last */
static uint64_t header_bytes;

static void setup(void)
{
	static const uint8_t store_id[HM_ID_BYTES];
	struct store_file_header written = {
		.store_id = store_id,
		.salt = SALT,
		.type = HM_FILE_METRIC,
		.host = "web",
		.host_length = 3,
		.metric = "load",
		.metric_length = 4,
		.unit = "",
	};

	fd = memfd_create("metric", MFD_CLOEXEC);
	cr_assert_geq(fd, 0);
	cr_assert_eq(store_file_put_header(&file, &written), 0);
	header_bytes = file.length;
}

static void teardown(void)
{
	buffer_done(&file);
	(void)close(fd);
}

TestSuite(file_front, .init = setup, .fini = teardown);

static uint64_t put_names(uint64_t position)
{
	size_t start = store_file_begin_block(&file, HM_BLOCK_SERIES, position);
	const struct store_file_series series = {.id = 1, .labels = ""};

	store_file_put_names_offset(&file, names_offset);
	store_file_put_series(&file, &series);
	cr_assert_eq(store_file_end_block(&file, start, SALT, start), 0);
	names_offset = start;
	return start;
}

static uint64_t put_front(uint64_t position, uint64_t offset)
{
	const struct store_mask_front front = {.names_offset = names_offset, .offset = offset};
	size_t start = store_file_begin_block(&file, HM_BLOCK_FRONT, position);

	store_mask_put_front(&file, &front);
	cr_assert_eq(store_file_end_block(&file, start, SALT, start), 0);
	names_offset = start;
	return start;
}

/* @return where a reader begins */
static uint64_t seek(uint64_t position_max, bool *ret_has_front)
{
	struct file_reader reader = {0};
	struct store_file_header header;
	uint64_t offset;

	cr_assert_eq(ftruncate(fd, 0), 0);
	cr_assert_eq(pwrite(fd, file.data, file.length, 0), (ssize_t)file.length);
	cr_assert_eq(file_reader_init(&reader, &disk_kernel, fd, UINT64_MAX, &header), 0);
	cr_assert_eq(file_front_seek(&reader, position_max, ret_has_front), 0);
	cr_assert_eq(reader.offset, reader.header_bytes);
	offset = reader.offset;
	file_reader_done(&reader);
	return offset;
}

static void expect(uint64_t position_max, uint64_t offset, bool has_front)
{
	bool is_there;

	cr_expect_eq(seek(position_max, &is_there), offset);
	cr_expect_eq(is_there, has_front);
}

Test(file_front, a_file_without_one_counts_from_its_header_on)
{
	expect(UINT64_MAX, header_bytes, false);
	put_names(1);
	put_names(2);
	expect(UINT64_MAX, header_bytes, false);
}

Test(file_front, the_last_one_that_is_confirmed_counts)
{
	uint64_t second;
	uint64_t third;

	put_names(1);
	second = put_names(2);
	names_offset = 0;
	put_names(3);
	put_front(3, second);
	third = put_names(4);
	expect(UINT64_MAX, second, true);
	names_offset = 0;
	put_names(5);
	put_front(5, third);
	put_names(6);
	expect(UINT64_MAX, third, true);
	expect(4, second, true);
	expect(2, header_bytes, false);
}

Test(file_front, one_of_offset_zero_leaves_the_parts_before_and_nothing_of_this_one)
{
	put_names(1);
	put_front(1, 0);
	put_names(2);
	expect(UINT64_MAX, header_bytes, true);
}

Test(file_front, is_found_though_what_leads_to_it_is_damaged)
{
	uint64_t front;
	uint64_t behind;

	put_names(1);
	front = put_names(2);
	names_offset = 0;
	put_front(3, front);
	behind = put_names(4);
	put_names(5);
	file.data[behind + 30] ^= 1;
	expect(UINT64_MAX, front, true);
}

Test(file_front, one_that_points_behind_itself_is_none)
{
	put_names(1);
	put_front(2, UINT64_MAX);
	expect(UINT64_MAX, header_bytes, false);
	put_front(3, file.length + 1);
	expect(UINT64_MAX, header_bytes, false);
}

Test(file_front, a_chain_that_leads_in_a_circle_is_left)
{
	put_names(1);
	/* Names that are said to lie ahead. */
	names_offset = file.length + 1000;
	put_names(2);
	names_offset = file.length;
	put_names(3);
	expect(UINT64_MAX, header_bytes, false);
}

Test(file_front, what_lies_before_may_be_a_hole)
{
	uint64_t front;

	put_names(1);
	for (uint64_t i = 0; i < 300; i++)
		put_names(2);
	front = put_names(3);
	names_offset = 0;
	put_names(4);
	put_front(4, front);
	for (uint64_t i = header_bytes; i < front; i++)
		file.data[i] = 0;
	expect(UINT64_MAX, front, true);
}
