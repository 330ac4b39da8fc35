/* SPDX-License-Identifier: MIT */
/* Tests of common/store_file.c. */

#include "common/store_file.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <math.h>
#include <string.h>

#include "common/crc32c.h"
#include "hostmetrics/wire.h"

static struct buffer file;

static void teardown(void)
{
	buffer_done(&file);
}

static const uint8_t *bytes(void)
{
	return (const uint8_t *)file.data;
}

static int get_header(struct store_file_header *ret_header)
{
	return store_file_get_header(bytes(), file.length, ret_header);
}

static int get_block(size_t offset, struct store_file_block *ret_block)
{
	return store_file_get_block(bytes(), file.length, offset, ret_block);
}

/* The double as its bits: -0 is not 0. */
static uint64_t bits_of(double value)
{
	uint64_t bits;

	memcpy(&bits, &value, sizeof(bits));
	return bits;
}

/* Change a 32-bit field of the header and make the checksum right again. */
static void set_field(size_t at, uint32_t value)
{
	size_t crc_at = file.length - 4;
	uint32_t crc;

	memcpy(file.data + at, &value, sizeof(value));
	crc = crc32c(0, file.data, crc_at);
	memcpy(file.data + crc_at, &crc, sizeof(crc));
}

static void flip_bit(size_t bit)
{
	uint8_t *byte = (uint8_t *)file.data + bit / 8;

	*byte = (uint8_t)(*byte ^ 1u << bit % 8);
}

TestSuite(store_file, .fini = teardown);

Test(store_file, reads_the_header_that_it_wrote)
{
	struct store_file_header header;

	store_file_put_header(&file, "web01", "node_load1");

	cr_assert_eq(get_header(&header), 0);
	cr_expect_eq(header.host_length, 5);
	cr_expect_eq(memcmp(header.host, "web01", 5), 0);
	cr_expect_eq(header.metric_length, 10);
	cr_expect_eq(memcmp(header.metric, "node_load1", 10), 0);
	cr_expect_eq(header.header_bytes, file.length);
}

/* These bytes lie on people's disks. */
Test(store_file, writes_the_bytes_of_the_format)
{
	static const uint8_t expected[] = {
		'h', 'o', 's', 't', 'm', 'e', 't', 'r', 1, 0, 0, 0, 38, 0, 0, 0,   0,
		0,   0,   0,   0,   0,   0,   0,   1,   0, 0, 0, 1, 0,  0, 0, 'h', 'm',
	};
	static const uint8_t record[] = {
		2,    1,    0, 0, 0xfe, 0xff, 0xff, 0xff, 0xff, 0xff,
		0xff, 0xff, 0, 0, 0,    0,    0,    0,    0xf0, 0x3f,
	};
	struct store_file_sample sample = {.series_id = 258, .time_us = -2, .value = 1};

	store_file_put_header(&file, "h", "m");
	cr_assert_eq(file.length, sizeof(expected) + 4);
	cr_expect_eq(memcmp(file.data, expected, sizeof(expected)), 0);

	buffer_clear(&file);
	store_file_put_sample(&file, &sample);
	cr_assert_eq(file.length, sizeof(record));
	cr_expect_eq(memcmp(file.data, record, sizeof(record)), 0);
}

Test(store_file, refuses_what_is_no_metric_file)
{
	struct store_file_header header;

	cr_expect_eq(get_header(&header), -EINVAL);
	buffer_append_text(&file, "hostmetr");
	cr_expect_eq(get_header(&header), -EINVAL);
	buffer_append_text(&file, "                              ");
	cr_expect_eq(get_header(&header), -ENOTSUP);
	file.data[0] = 'H';
	cr_expect_eq(get_header(&header), -EINVAL);
}

Test(store_file, leaves_later_versions_alone)
{
	struct store_file_header header;

	store_file_put_header(&file, "web01", "node_load1");
	set_field(offsetof(struct hm_file_header, version), HM_FILE_VERSION + 1);
	cr_expect_eq(get_header(&header), -ENOTSUP);
	set_field(offsetof(struct hm_file_header, version), HM_FILE_VERSION);
	set_field(offsetof(struct hm_file_header, incompatible_flags), 1);
	cr_expect_eq(get_header(&header), -ENOTSUP);
	set_field(offsetof(struct hm_file_header, incompatible_flags), 0);
	set_field(offsetof(struct hm_file_header, compatible_flags), 1);
	cr_expect_eq(get_header(&header), 0);
}

Test(store_file, trusts_no_length_of_a_header)
{
	static const uint32_t lengths[] = {0,          6,          HM_HOST_NAME_MAX_BYTES + 1,
					   0x7fffffff, 0x80000000, 0xffffffff};
	struct store_file_header header;

	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		buffer_clear(&file);
		store_file_put_header(&file, "web01", "node_load1");
		set_field(offsetof(struct hm_file_header, host_bytes), lengths[i]);
		cr_expect_eq(get_header(&header), -EBADMSG, "host of %u bytes", lengths[i]);
		set_field(offsetof(struct hm_file_header, host_bytes), 5);
		set_field(offsetof(struct hm_file_header, metric_bytes), lengths[i]);
		cr_expect_eq(get_header(&header), -EBADMSG, "metric of %u bytes", lengths[i]);
		set_field(offsetof(struct hm_file_header, metric_bytes), 10);
		set_field(offsetof(struct hm_file_header, header_bytes), lengths[i]);
		cr_expect_eq(get_header(&header), -EBADMSG, "header of %u bytes", lengths[i]);
	}
}

Test(store_file, finds_every_flipped_bit_and_every_cut)
{
	struct store_file_header header;
	struct store_file_block block;
	size_t block_at;

	store_file_put_header(&file, "web01", "node_load1");
	block_at = file.length;
	store_file_put_block(&file, HM_BLOCK_SERIES, "\0\0\0\0{a=\"1\"}", 11);
	for (size_t bit = 0; bit < file.length * 8; bit++) {
		flip_bit(bit);
		cr_expect(get_header(&header) < 0 || get_block(block_at, &block) < 0, "bit %zu",
			  bit);
		flip_bit(bit);
	}
	for (size_t length = 0; length < block_at; length++)
		cr_expect_lt(store_file_get_header(bytes(), length, &header), 0);
	for (size_t length = block_at + 1; length < file.length; length++)
		cr_expect_eq(store_file_get_block(bytes(), length, block_at, &block), -EBADMSG);
	cr_expect_eq(get_header(&header), 0);
	cr_expect_eq(get_block(block_at, &block), 0);
}

Test(store_file, reads_the_blocks_that_it_wrote)
{
	struct store_file_block block;

	store_file_put_block(&file, HM_BLOCK_META, "\1\0\0\0celsius", 11);
	store_file_put_block(&file, HM_BLOCK_SAMPLES, NULL, 0);
	store_file_put_block(&file, (enum hm_block_type)77, "later", 5);

	cr_assert_eq(get_block(0, &block), 0);
	cr_expect_eq(block.type, HM_BLOCK_META);
	cr_expect_eq(block.payload_bytes, 11);
	cr_expect_eq(memcmp(block.payload, "\1\0\0\0celsius", 11), 0);
	cr_assert_eq(get_block(block.end, &block), 0);
	cr_expect_eq(block.type, HM_BLOCK_SAMPLES);
	cr_expect_eq(store_file_n_samples(&block), 0);
	cr_assert_eq(get_block(block.end, &block), 0);
	cr_expect_eq(block.type, 77);
	cr_expect_eq(block.end, file.length);
	cr_expect_eq(get_block(block.end, &block), -ENODATA);
	cr_expect_eq(get_block(file.length + 1, &block), -EBADMSG);
	cr_expect_eq(get_block(SIZE_MAX, &block), -EBADMSG);
}

Test(store_file, reads_the_samples_that_it_wrote_bit_for_bit)
{
	static const struct store_file_sample samples[] = {
		{0, 0, 0.1},
		{UINT32_MAX, INT64_MIN, -0.0},
		{7, INT64_MAX, 4.9e-324},
		{8, INT64_C(1795416401123456), 1.7976931348623157e308},
	};
	size_t n_samples = sizeof(samples) / sizeof(samples[0]);
	struct buffer payload = {0};
	struct store_file_block block;

	for (size_t i = 0; i < n_samples; i++)
		store_file_put_sample(&payload, &samples[i]);
	store_file_put_block(&file, HM_BLOCK_SAMPLES, payload.data, payload.length);
	buffer_done(&payload);

	cr_assert_eq(get_block(0, &block), 0);
	cr_assert_eq(store_file_n_samples(&block), n_samples);
	for (size_t i = 0; i < n_samples; i++) {
		struct store_file_sample sample = store_file_get_sample(&block, i);

		cr_expect_eq(sample.series_id, samples[i].series_id);
		cr_expect_eq(sample.time_us, samples[i].time_us);
		cr_expect_eq(bits_of(sample.value), bits_of(samples[i].value));
	}
}

Test(store_file, takes_no_zeros_and_no_impossible_lengths_for_a_block)
{
	static const uint32_t lengths[] = {1, HM_BLOCK_MAX_BYTES + 1, 0x7fffffff, 0x80000000,
					   0xffffffff};
	uint8_t zeros[64] = {0};
	struct store_file_block block;

	cr_expect_eq(store_file_get_block(zeros, sizeof(zeros), 0, &block), -EBADMSG);
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		uint32_t crc;

		memcpy(zeros + 4, &lengths[i], 4);
		crc = crc32c(0, zeros, 8);
		memcpy(zeros + 8, &crc, 4);
		cr_expect_eq(store_file_get_block(zeros, HM_BLOCK_HEADER_BYTES, 0, &block),
			     -EBADMSG);
	}
	/* Samples that are not whole, under a checksum that is right. */
	store_file_put_block(&file, HM_BLOCK_SAMPLES, zeros, HM_SAMPLE_RECORD_BYTES + 1);
	cr_expect_eq(get_block(0, &block), -EBADMSG);
}
