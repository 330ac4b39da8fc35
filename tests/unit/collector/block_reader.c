/* SPDX-License-Identifier: MIT */
/* Tests of reading the blocks of a metric file. */

#include "collector/block_reader.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static struct buffer file;
static int fd;

static void setup(void)
{
	fd = memfd_create("metric", MFD_CLOEXEC);
	cr_assert_geq(fd, 0);
	store_file_put_header(&file, "web", "load");
}

static void teardown(void)
{
	buffer_done(&file);
	(void)close(fd);
}

TestSuite(block_reader, .init = setup, .fini = teardown);

/* A SAMPLES block of one sample, told apart by its time. */
static void put_sample(int64_t time_us)
{
	struct store_file_sample sample = {1, time_us, 0.5};
	struct buffer record = {0};

	store_file_put_sample(&record, &sample);
	store_file_put_block(&file, HM_BLOCK_SAMPLES, record.data, record.length);
	buffer_done(&record);
}

static void write_file(void)
{
	cr_assert_eq(ftruncate(fd, 0), 0);
	cr_assert_eq(pwrite(fd, file.data, file.length, 0), (ssize_t)file.length);
}

/* Read all; the times of the blocks that verify become the bits of the result. */
static uint64_t read_times(struct block_reader *reader, uint64_t length)
{
	struct store_file_header header;
	struct store_file_block block;
	uint64_t times = 0;
	int result = block_reader_init(reader, fd, length, &header);

	if (result < 0)
		return 0;
	while ((result = block_reader_next(reader, &block)) == 0)
		times |= UINT64_C(1) << store_file_get_sample(&block, 0).time_us;
	cr_assert_eq(result, -ENODATA);
	return times;
}

Test(block_reader, reads_blocks_to_the_end)
{
	struct block_reader reader;

	for (int i = 0; i < 5; i++)
		put_sample(i);
	write_file();

	cr_assert_eq(read_times(&reader, file.length), 0x1f);
	cr_assert_eq(reader.good_end, file.length);
	cr_assert_eq(reader.n_damaged, 0);
	block_reader_done(&reader);
}

Test(block_reader, reads_only_as_far_as_it_is_told)
{
	struct block_reader reader;
	uint64_t length;

	put_sample(0);
	length = file.length;
	put_sample(1);
	write_file();

	cr_assert_eq(read_times(&reader, length), 1);
	block_reader_done(&reader);
}

Test(block_reader, reads_blocks_larger_than_its_window)
{
	struct block_reader reader;
	struct buffer big = {0};
	struct store_file_header header;
	struct store_file_block block;

	for (int i = 0; i < 50000; i++)
		store_file_put_sample(&big, &(struct store_file_sample){1, i, i});
	put_sample(0);
	store_file_put_block(&file, HM_BLOCK_SAMPLES, big.data, big.length);
	put_sample(1);
	write_file();

	cr_assert_eq(block_reader_init(&reader, fd, file.length, &header), 0);
	cr_assert_eq(block_reader_next(&reader, &block), 0);
	cr_assert_eq(block_reader_next(&reader, &block), 0);
	cr_assert_eq(store_file_n_samples(&block), 50000);
	cr_assert_eq(store_file_get_sample(&block, 49999).time_us, 49999);
	cr_assert_eq(block_reader_next(&reader, &block), 0);
	cr_assert_eq(block_reader_next(&reader, &block), -ENODATA);
	block_reader_done(&reader);
	buffer_done(&big);
}

Test(block_reader, stops_before_a_torn_end_at_every_length)
{
	uint64_t before;
	uint64_t whole;

	put_sample(0);
	before = file.length;
	put_sample(1);
	whole = file.length;
	write_file();

	for (uint64_t length = before; length < whole; length++) {
		struct block_reader reader;

		cr_assert_eq(read_times(&reader, length), 1);
		cr_assert_eq(reader.good_end, before);
		block_reader_done(&reader);
	}
}

static void flip_bit(size_t bit)
{
	((uint8_t *)file.data)[bit / 8] ^= (uint8_t)(1u << bit % 8);
}

Test(block_reader, loses_only_the_block_in_which_a_bit_flipped)
{
	size_t header_bytes = file.length;
	size_t block_bytes;

	put_sample(0);
	block_bytes = file.length - header_bytes;
	for (int i = 1; i < 4; i++)
		put_sample(i);

	for (size_t bit = header_bytes * 8; bit < file.length * 8; bit++) {
		size_t flipped = (bit / 8 - header_bytes) / block_bytes;
		struct block_reader reader;

		flip_bit(bit);
		write_file();
		cr_assert_eq(read_times(&reader, file.length), 0xf & ~(1u << flipped), "bit %zu",
			     bit);
		cr_assert_eq(reader.n_damaged, flipped < 3 ? 1 : 0);
		block_reader_done(&reader);
		flip_bit(bit);
	}
}

Test(block_reader, finds_the_next_block_behind_bytes_of_any_kind)
{
	struct block_reader reader;
	char garbage[3000];

	put_sample(0);
	for (size_t i = 0; i < sizeof(garbage); i++)
		garbage[i] = (char)(i % 11 ? i * i : 1);
	buffer_append(&file, garbage, sizeof(garbage));
	put_sample(1);
	write_file();

	cr_assert_eq(read_times(&reader, file.length), 3);
	cr_assert_eq(reader.n_damaged, 1);
	cr_assert_eq(reader.damaged_bytes, sizeof(garbage));
	block_reader_done(&reader);
}

Test(block_reader, gives_up_on_a_terabyte_of_zeros_soon)
{
	struct block_reader reader;

	put_sample(0);
	write_file();
	cr_assert_eq(ftruncate(fd, (off_t)1 << 40), 0);

	cr_assert_eq(read_times(&reader, UINT64_C(1) << 40), 1);
	cr_assert_eq(reader.good_end, file.length);
	cr_assert_gt(reader.length_bytes - reader.good_end, BLOCK_READER_TAIL_MAX_BYTES);
	block_reader_done(&reader);
}

Test(block_reader, refuses_what_is_no_metric_file)
{
	struct store_file_header header;
	struct block_reader reader;

	cr_assert_eq(block_reader_init(&reader, fd, 0, &header), -EINVAL);
	block_reader_done(&reader);
	file.data[0] = 'X';
	write_file();
	cr_assert_eq(block_reader_init(&reader, fd, file.length, &header), -EINVAL);
	block_reader_done(&reader);
	file.data[0] = 'h';
	file.data[file.length - 1] ^= 1;
	write_file();
	cr_assert_eq(block_reader_init(&reader, fd, file.length, &header), -EBADMSG);
	block_reader_done(&reader);
}

Test(block_reader, takes_a_file_that_became_shorter)
{
	struct block_reader reader;
	uint64_t length;

	put_sample(0);
	put_sample(1);
	write_file();
	length = file.length;
	cr_assert_eq(ftruncate(fd, (off_t)length - 5), 0);

	cr_assert_eq(read_times(&reader, length), 1);
	block_reader_done(&reader);
}

Test(block_reader, says_when_the_disk_cannot_be_read)
{
	struct store_file_header header;
	struct block_reader reader;

	cr_assert_eq(block_reader_init(&reader, -1, 1000, &header), -EBADF);
	block_reader_done(&reader);
}
