/* SPDX-License-Identifier: MIT */
/* Tests of reading the blocks of a file of the store, forwards and backwards. */

#include "common/file_reader.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define SALT 0xabcdef01u

static struct buffer file;
static int fd;
static struct file_reader reader;
static struct store_file_header header;
static struct file_reader_block block;

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
}

static void teardown(void)
{
	file_reader_done(&reader);
	buffer_done(&file);
	(void)close(fd);
}

TestSuite(file_reader, .init = setup, .fini = teardown);

/* A block that is told apart by its position, and of so many bytes of payload. */
static size_t put_block(uint64_t position, size_t payload_bytes)
{
	size_t start = store_file_begin_block(&file, (enum hm_block_type)200, position);

	for (size_t i = 0; i < payload_bytes; i++)
		buffer_append_byte(&file, (char)(i * position));
	cr_assert_eq(store_file_end_block(&file, start, SALT, start), 0);
	return start;
}

static void write_file(void)
{
	cr_assert_eq(ftruncate(fd, 0), 0);
	cr_assert_eq(pwrite(fd, file.data, file.length, 0), (ssize_t)file.length);
}

static void open_reader(uint64_t length)
{
	file_reader_done(&reader);
	cr_assert_eq(file_reader_init(&reader, &disk_kernel, fd, length, &header), 0);
}

struct range {
	uint64_t offset;
	uint64_t length;
};

static struct range ranges[16];
static size_t n_ranges;

/* Read all; positions of the blocks that verify become the bits of the result. */
static uint64_t read_forwards(uint64_t length)
{
	uint64_t positions = 0;
	int result;

	open_reader(length);
	n_ranges = 0;
	do {
		result = file_reader_next(&reader, &block);
		if (reader.damage_bytes > 0)
			ranges[n_ranges++] =
				(struct range){reader.damage_offset, reader.damage_bytes};
		if (result == 0)
			positions |= UINT64_C(1) << block.block.position;
	} while (result == 0);
	cr_assert_eq(result, -ENODATA);
	return positions;
}

Test(file_reader, reads_blocks_to_the_end_and_back)
{
	size_t starts[5];

	for (size_t i = 0; i < 5; i++)
		starts[i] = put_block(i, i * 7);
	write_file();

	cr_assert_eq(read_forwards(UINT64_MAX), 0x1f);
	cr_expect_eq(n_ranges, 0);
	cr_expect_eq(reader.offset, file.length);
	cr_expect_eq(header.host_length, 3);
	for (size_t i = 5; i-- > 0;) {
		cr_assert_eq(file_reader_previous(&reader, &block), 0);
		cr_expect_eq(block.block.position, i);
		cr_expect_eq(block.offset, starts[i]);
		cr_expect_eq(block.block.payload_bytes, i * 7);
	}
	cr_expect_eq(file_reader_previous(&reader, &block), -ENODATA);
	cr_expect_eq(file_reader_get(&reader, starts[3], &block), 0);
	cr_expect_eq(block.block.position, 3);
	cr_expect_eq(file_reader_get(&reader, starts[3] + 1, &block), -EBADMSG);
	cr_expect_eq(file_reader_get(&reader, 0, &block), -EBADMSG);
	cr_expect_eq(file_reader_get(&reader, file.length, &block), -EBADMSG);
	cr_expect_eq(file_reader_get(&reader, UINT64_MAX, &block), -EBADMSG);
}

Test(file_reader, reads_only_as_far_as_it_is_told)
{
	size_t end;

	(void)put_block(0, 5);
	end = put_block(1, 5);
	write_file();

	cr_expect_eq(read_forwards(end), 1);
	cr_expect_eq(n_ranges, 0);
	cr_expect_eq(file_reader_get(&reader, end, &block), -EBADMSG);
}

Test(file_reader, reads_blocks_larger_than_its_window)
{
	(void)put_block(0, 10);
	(void)put_block(1, 1000000);
	(void)put_block(2, HM_BLOCK_MAX_BYTES - HM_BLOCK_MIN_BYTES);
	(void)put_block(3, 10);
	write_file();

	cr_assert_eq(read_forwards(UINT64_MAX), 0xf);
	for (int i = 3; i >= 0; i--) {
		cr_assert_eq(file_reader_previous(&reader, &block), 0);
		cr_expect_eq(block.block.position, i);
		for (uint32_t k = 0; k < block.block.payload_bytes; k++)
			cr_assert_eq(block.block.payload[k], (uint8_t)(k * (uint32_t)i));
	}
}

Test(file_reader, tells_a_torn_end_at_every_length)
{
	size_t before;

	(void)put_block(0, 20);
	before = put_block(1, 20);
	write_file();

	for (uint64_t length = before + 1; length < file.length; length++) {
		cr_assert_eq(read_forwards(length), 1);
		cr_assert_eq(n_ranges, 1);
		cr_assert_eq(ranges[0].offset, before);
		cr_assert_eq(ranges[0].length, length - before);
		reader.offset = length;
		cr_assert_eq(file_reader_previous(&reader, &block), -EBADMSG);
	}
}

static void flip_bit(size_t bit)
{
	((uint8_t *)file.data)[bit / 8] ^= (uint8_t)(1u << bit % 8);
}

Test(file_reader, loses_only_the_block_in_which_a_bit_flipped)
{
	size_t starts[5];

	for (size_t i = 0; i < 4; i++)
		starts[i] = put_block(i, 9);
	starts[4] = file.length;

	for (size_t bit = starts[0] * 8; bit < file.length * 8; bit++) {
		size_t flipped = (bit / 8 - starts[0]) / (starts[1] - starts[0]);

		flip_bit(bit);
		write_file();
		cr_assert_eq(read_forwards(UINT64_MAX), 0xf & ~(1u << flipped), "bit %zu", bit);
		cr_assert_eq(n_ranges, 1);
		cr_assert_eq(ranges[0].offset, starts[flipped]);
		cr_assert_eq(ranges[0].length, starts[1] - starts[0]);
		for (size_t i = 3; i > flipped; i--) {
			reader.offset = starts[i + 1];
			cr_assert_eq(file_reader_previous(&reader, &block), 0);
		}
		reader.offset = starts[flipped + 1];
		cr_assert_eq(file_reader_previous(&reader, &block), -EBADMSG);
		flip_bit(bit);
	}
}

Test(file_reader, finds_the_next_block_behind_bytes_of_any_kind)
{
	size_t begin;
	size_t end;

	(void)put_block(0, 5);
	begin = file.length;
	for (size_t i = 0; i < 300000; i++)
		buffer_append_byte(&file, (char)(i % 11 ? i * i : 1));
	end = put_block(1, 5);
	write_file();

	cr_assert_eq(read_forwards(UINT64_MAX), 3);
	cr_assert_eq(n_ranges, 1);
	cr_assert_eq(ranges[0].offset, begin);
	cr_assert_eq(ranges[0].length, end - begin);
}

/* Every 16 bytes something that looks like a block of megabytes, and is none. */
Test(file_reader, is_not_held_up_by_bytes_that_look_like_blocks)
{
	static const uint32_t look[] = {0x800000, 0x800000, 0x80, 0x800000};
	size_t begin;

	(void)put_block(0, 5);
	begin = file.length;
	while (file.length < begin + (24u << 20))
		buffer_append(&file, look, sizeof(look));
	(void)put_block(1, 5);
	write_file();

	cr_assert_eq(read_forwards(UINT64_MAX), 3);
	cr_assert_eq(n_ranges, 1);
}

Test(file_reader, gives_up_on_a_terabyte_of_zeros)
{
	uint64_t begin;

	(void)put_block(0, 5);
	begin = file.length;
	write_file();
	cr_assert_eq(ftruncate(fd, (off_t)1 << 40), 0);

	cr_assert_eq(read_forwards(UINT64_MAX), 1);
	cr_assert_eq(n_ranges, 1);
	cr_assert_eq(ranges[0].offset, begin);
	cr_assert_eq(ranges[0].length, (UINT64_C(1) << 40) - begin);
}

Test(file_reader, refuses_what_is_no_file_of_the_store)
{
	write_file();
	cr_expect_eq(file_reader_init(&reader, &disk_kernel, fd, 0, &header), -EINVAL);
	file.data[0] = 'X';
	write_file();
	file_reader_done(&reader);
	cr_expect_eq(file_reader_init(&reader, &disk_kernel, fd, UINT64_MAX, &header), -EINVAL);
	file.data[0] = 'h';
	file.data[file.length - 1] ^= 1;
	write_file();
	file_reader_done(&reader);
	cr_expect_eq(file_reader_init(&reader, &disk_kernel, fd, UINT64_MAX, &header), -EBADMSG);
}

/* A disk that fails, or gives little at once. */
struct bad_disk {
	uint64_t bad_offset; /* a sector that cannot be read */
	size_t at_once;
	int error; /* of every call */
	size_t n_interrupts;
};

static ssize_t bad_pread(void *context, int at, void *bytes, size_t length, uint64_t offset)
{
	struct bad_disk *bad = context;

	if (bad->error)
		return bad->error;
	if (bad->n_interrupts > 0) {
		bad->n_interrupts--;
		return -EINTR;
	}
	if (bad->bad_offset && offset < bad->bad_offset + 512 && offset + length > bad->bad_offset)
		return -EIO;
	if (bad->at_once && length > bad->at_once)
		length = bad->at_once;
	return disk_kernel.pread(NULL, at, bytes, length, offset);
}

static int bad_fstat(void *context, int at, struct disk_status *ret_status)
{
	(void)context;
	return disk_kernel.fstat(NULL, at, ret_status);
}

static void fail(struct bad_disk *bad, int error)
{
	bad->error = error;
}

Test(file_reader, says_when_the_disk_cannot_be_read)
{
	struct bad_disk bad = {.error = -EACCES};
	struct disk disk = {.context = &bad, .pread = bad_pread, .fstat = bad_fstat};

	(void)put_block(0, 100000);
	write_file();

	cr_expect_eq(file_reader_init(&reader, &disk, fd, UINT64_MAX, &header), -EACCES);
	file_reader_done(&reader);
	fail(&bad, 0);
	cr_assert_eq(file_reader_init(&reader, &disk, fd, UINT64_MAX, &header), 0);
	fail(&bad, -EIO);
	cr_expect_eq(file_reader_next(&reader, &block), -EIO);
	reader.offset = file.length;
	cr_expect_eq(file_reader_previous(&reader, &block), -EIO);
	fail(&bad, 0);
	bad.n_interrupts = 3;
	bad.at_once = 1000;
	cr_expect_eq(file_reader_previous(&reader, &block), 0);
	cr_expect_eq(file_reader_next(&reader, &block), 0);
}

Test(file_reader, passes_over_a_bad_sector_where_it_may)
{
	size_t starts[3];
	struct bad_disk bad = {0};
	struct disk disk = {.context = &bad, .pread = bad_pread, .fstat = bad_fstat};

	starts[0] = put_block(1, 2000);
	starts[1] = put_block(2, 2000);
	starts[2] = put_block(3, 2000);
	write_file();
	bad.bad_offset = (starts[1] + 1024) & ~(uint64_t)511;

	cr_assert_eq(file_reader_init(&reader, &disk, fd, UINT64_MAX, &header), -EIO);
	file_reader_done(&reader);
	reader.passes_bad_sectors = true;
	cr_assert_eq(file_reader_init(&reader, &disk, fd, UINT64_MAX, &header), 0);
	cr_assert_eq(file_reader_next(&reader, &block), 0);
	cr_expect_eq(block.block.position, 1);
	cr_assert_eq(file_reader_next(&reader, &block), 0);
	cr_expect_eq(block.block.position, 3);
	cr_expect_eq(reader.damage_offset, starts[1]);
	cr_expect_eq(reader.damage_bytes, starts[2] - starts[1]);
}

Test(file_reader, takes_a_file_that_became_shorter)
{
	(void)put_block(0, 100000);
	(void)put_block(1, 100000);
	write_file();
	open_reader(UINT64_MAX);
	cr_assert_eq(ftruncate(fd, (off_t)file.length - 5), 0);

	cr_expect_eq(file_reader_next(&reader, &block), 0);
	cr_expect_eq(file_reader_next(&reader, &block), -ENODATA);
	cr_expect_gt(reader.damage_bytes, 0);
	reader.offset = file.length;
	cr_expect_eq(file_reader_previous(&reader, &block), -EBADMSG);
}
