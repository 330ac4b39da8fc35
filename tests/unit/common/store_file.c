/* SPDX-License-Identifier: MIT */
/* Tests of reading and writing the bytes of a metric file. */

#include "common/store_file.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "common/crc32c.h"
#include "hostmetrics/wire.h"

#define SALT   0x12345678u
#define OFFSET UINT64_C(0x10000000a)

static struct buffer file;

static void teardown(void)
{
	buffer_done(&file);
}

TestSuite(store_file, .fini = teardown);

static const uint8_t store_id[HM_ID_BYTES] = "0123456789abcdef";

static const struct store_file_header example = {
	.store_id = store_id,
	.salt = SALT,
	.part = 2,
	.continues_bytes = UINT64_C(0x123456789a),
	.type = HM_FILE_ODD,
	.kind = HM_STORED_COUNTER,
	.host = "web01",
	.host_length = 5,
	.metric = "node_x_total",
	.metric_length = 12,
	.unit = "seconds",
	.unit_length = 7,
};

static uint8_t *bytes(void)
{
	return (uint8_t *)file.data;
}

static int get_header(struct store_file_header *ret_header)
{
	return store_file_get_header(bytes(), file.length, ret_header);
}

static int get_block(struct store_file_block *ret_block)
{
	return store_file_get_block(bytes(), file.length, SALT, OFFSET, ret_block);
}

/* Make the checksum of a header right again. */
static void seal_header(void)
{
	uint32_t crc = crc32c(0, file.data, file.length - 4);

	for (size_t i = 0; i < 4; i++)
		bytes()[file.length - 4 + i] = (uint8_t)(crc >> 8 * i);
}

static void put_example(void)
{
	buffer_clear(&file);
	cr_assert_eq(store_file_put_header(&file, &example), 0);
}

/* Begin the file anew with a block of this payload. */
static void put_block(enum hm_block_type type, const void *payload, size_t length)
{
	size_t start;

	buffer_clear(&file);
	start = store_file_begin_block(&file, type, 77);
	buffer_append(&file, payload, length);
	cr_assert_eq(store_file_end_block(&file, start, SALT, OFFSET), 0);
}

static void flip_bit(size_t bit)
{
	bytes()[bit / 8] = (uint8_t)(bytes()[bit / 8] ^ 1u << bit % 8);
}

Test(store_file, reads_the_header_that_it_wrote)
{
	struct store_file_header header;

	put_example();

	cr_assert_eq(get_header(&header), 0);
	cr_expect_eq(memcmp(header.store_id, store_id, HM_ID_BYTES), 0);
	cr_expect_eq(header.salt, SALT);
	cr_expect_eq(header.part, 2);
	cr_expect_eq(header.continues_bytes, UINT64_C(0x123456789a));
	cr_expect_eq(header.type, HM_FILE_ODD);
	cr_expect_eq(header.kind, HM_STORED_COUNTER);
	cr_expect_eq(header.host_length, 5);
	cr_expect_eq(memcmp(header.host, "web01", 5), 0);
	cr_expect_eq(header.metric_length, 12);
	cr_expect_eq(memcmp(header.metric, "node_x_total", 12), 0);
	cr_expect_eq(header.unit_length, 7);
	cr_expect_eq(memcmp(header.unit, "seconds", 7), 0);
	cr_expect_eq(header.header_bytes, file.length);
}

/* These bytes lie on people's disks. */
Test(store_file, writes_the_bytes_of_the_format)
{
	static const char header[] = "hostmetr"
				     "\x02\0\0\0\x5c\0\0\0"
				     "\0\0\0\0\0\0\0\0"
				     "0123456789abcdef"
				     "\x78\x56\x34\x12\x02\0\0\0"
				     "\x9a\x78\x56\x34\x12\0\0\0"
				     "\x02\x02\x05\x0c\x07\0\0\0"
				     "web01node_x_totalseconds";
	static const char block[] = "\x1b\0\0\0\x02\0\0\0"
				    "\x4d\0\0\0\0\0\0\0"
				    "abc"
				    "\x1b\0\0\0";
	static const char seeded[] = "\x78\x56\x34\x12\x0a\0\0\0\x01\0\0\0"
				     "\x1b\0\0\0\x02\0\0\0"
				     "\x4d\0\0\0\0\0\0\0"
				     "abc"
				     "\x1b\0\0\0";
	uint32_t crc = crc32c(0, seeded, sizeof(seeded) - 1);

	put_example();
	cr_assert_eq(file.length, sizeof(header) - 1 + 4);
	cr_expect_eq(memcmp(file.data, header, sizeof(header) - 1), 0);

	put_block(HM_BLOCK_META, "abc", 3);
	cr_assert_eq(file.length, 4 + sizeof(block) - 1);
	cr_expect_eq(memcmp(file.data + 4, block, sizeof(block) - 1), 0);
	for (size_t i = 0; i < 4; i++)
		cr_expect_eq(bytes()[i], (uint8_t)(crc >> 8 * i));
}

Test(store_file, refuses_what_is_no_metric_file)
{
	struct store_file_header header;

	cr_expect_eq(get_header(&header), -EINVAL);
	buffer_append_text(&file, "hostmetr");
	cr_expect_eq(get_header(&header), -EINVAL);
	for (int i = 0; i < 60; i++)
		buffer_append_byte(&file, ' ');
	cr_expect_eq(get_header(&header), -ENOTSUP);
	file.data[0] = 'H';
	cr_expect_eq(get_header(&header), -EINVAL);
}

Test(store_file, leaves_later_versions_alone)
{
	struct store_file_header header;

	put_example();
	bytes()[offsetof(struct hm_file_header, version)]++;
	seal_header();
	cr_expect_eq(get_header(&header), -ENOTSUP);
	put_example();
	bytes()[offsetof(struct hm_file_header, incompatible_flags)] = 1;
	seal_header();
	cr_expect_eq(get_header(&header), -ENOTSUP);
	put_example();
	bytes()[offsetof(struct hm_file_header, type)] = 4;
	seal_header();
	cr_expect_eq(get_header(&header), -ENOTSUP);
	put_example();
	bytes()[offsetof(struct hm_file_header, compatible_flags)] = 1;
	bytes()[offsetof(struct hm_file_header, kind)] = 9;
	seal_header();
	cr_expect_eq(get_header(&header), 0);
	cr_expect_eq(header.kind, HM_STORED_UNKNOWN);
}

Test(store_file, trusts_no_length_of_a_header)
{
	static const size_t fields[] = {
		offsetof(struct hm_file_header, header_bytes),
		offsetof(struct hm_file_header, host_bytes),
		offsetof(struct hm_file_header, metric_bytes),
		offsetof(struct hm_file_header, unit_bytes),
		offsetof(struct hm_file_header, unit_bytes) + 1,
		offsetof(struct hm_file_header, reserved),
	};
	struct store_file_header header;

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		for (unsigned int value = 0; value < 256; value++) {
			int expected;

			put_example();
			expected = bytes()[fields[i]] == value ? 0 : -EBADMSG;
			bytes()[fields[i]] = (uint8_t)value;
			seal_header();
			cr_expect_eq(get_header(&header), expected, "field %zu: %u", i, value);
		}
	}
}

Test(store_file, writes_no_header_that_it_would_not_read)
{
	struct store_file_header header = example;

	header.host_length = HM_HOST_NAME_MAX_BYTES + 1;
	cr_expect_eq(store_file_put_header(&file, &header), -EINVAL);
	header = example;
	header.metric_length = HM_METRIC_NAME_MAX_BYTES + 1;
	cr_expect_eq(store_file_put_header(&file, &header), -EINVAL);
	header = example;
	header.unit_length = HM_UNIT_MAX_BYTES + 1;
	cr_expect_eq(store_file_put_header(&file, &header), -EINVAL);
	header = example;
	header.type = (enum hm_file_type)0;
	cr_expect_eq(store_file_put_header(&file, &header), -EINVAL);
	cr_expect_eq(file.length, 0);
}

Test(store_file, finds_every_flipped_bit_and_every_cut)
{
	struct store_file_header header;
	struct store_file_block block;

	put_example();
	for (size_t bit = 0; bit < file.length * 8; bit++) {
		flip_bit(bit);
		cr_expect_lt(get_header(&header), 0, "bit %zu", bit);
		flip_bit(bit);
	}
	for (size_t length = 0; length < file.length; length++)
		cr_expect_lt(store_file_get_header(bytes(), length, &header), 0);
	cr_expect_eq(get_header(&header), 0);

	put_block(HM_BLOCK_META, "\0\0\0\0\0\0\0\0\1celsius", 16);
	for (size_t bit = 0; bit < file.length * 8; bit++) {
		flip_bit(bit);
		cr_expect_eq(get_block(&block), -EBADMSG, "bit %zu", bit);
		flip_bit(bit);
	}
	cr_expect_eq(store_file_get_block(bytes(), 0, SALT, OFFSET, &block), -ENODATA);
	for (size_t length = 1; length < file.length; length++)
		cr_expect_eq(store_file_get_block(bytes(), length, SALT, OFFSET, &block), -EBADMSG);
	cr_expect_eq(get_block(&block), 0);
}

Test(store_file, takes_no_block_of_another_place_or_file)
{
	struct store_file_block block;

	put_block(HM_BLOCK_META, "\0\0\0\0\0\0\0\0\1celsius", 16);
	for (int bit = 0; bit < 64; bit++) {
		cr_expect_eq(store_file_get_block(bytes(), file.length, SALT,
						  OFFSET ^ UINT64_C(1) << bit, &block),
			     -EBADMSG);
	}
	for (int bit = 0; bit < 32; bit++) {
		cr_expect_eq(store_file_get_block(bytes(), file.length, SALT ^ 1u << bit, OFFSET,
						  &block),
			     -EBADMSG);
	}
}

Test(store_file, reads_the_block_that_it_wrote_whatever_lies_behind)
{
	struct store_file_block block;
	size_t length;

	put_block((enum hm_block_type)200, "later", 5);
	length = file.length;
	buffer_append_text(&file, "and more");

	cr_assert_eq(get_block(&block), 0);
	cr_expect_eq(block.type, 200);
	cr_expect_eq(block.position, 77);
	cr_expect_eq(block.payload_bytes, 5);
	cr_expect_eq(memcmp(block.payload, "later", 5), 0);
	cr_expect_eq(block.length_bytes, length);
	cr_expect_eq(store_file_peek_length(bytes()), length);
	cr_expect_eq(store_file_peek_trailer(bytes() + length - 4), length);
}

Test(store_file, takes_no_zeros_and_no_impossible_lengths_for_a_block)
{
	static const uint32_t lengths[] = {
		0,          1,         HM_BLOCK_MIN_BYTES - 1, HM_BLOCK_MAX_BYTES + 1, 0x7fffffff,
		0x80000000, 0xffffffff};
	uint8_t zeros[64] = {0};
	struct store_file_block block;

	cr_expect_eq(store_file_get_block(zeros, sizeof(zeros), SALT, OFFSET, &block), -EBADMSG);
	cr_expect_eq(store_file_peek_length(zeros), 0);
	put_block(HM_BLOCK_META, NULL, 0);
	cr_expect_eq(file.length, HM_BLOCK_MIN_BYTES);
	cr_expect_eq(get_block(&block), 0);
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		for (size_t k = 0; k < 4; k++)
			bytes()[4 + k] = (uint8_t)(lengths[i] >> 8 * k);
		cr_expect_eq(store_file_peek_length(bytes()), 0);
		cr_expect_eq(store_file_peek_trailer(bytes() + 4), 0);
		cr_expect_eq(get_block(&block), -EBADMSG);
	}
}

Test(store_file, writes_no_block_that_is_too_long)
{
	static uint8_t payload[HM_BLOCK_MAX_BYTES - HM_BLOCK_MIN_BYTES + 1];
	struct store_file_block block;
	size_t start;

	put_block(HM_BLOCK_DATA, payload, sizeof(payload) - 1);
	cr_expect_eq(file.length, HM_BLOCK_MAX_BYTES);
	cr_expect_eq(get_block(&block), 0);
	buffer_clear(&file);
	buffer_append_text(&file, "x");
	start = store_file_begin_block(&file, HM_BLOCK_DATA, 0);
	buffer_append(&file, payload, sizeof(payload));
	cr_expect_eq(store_file_end_block(&file, start, SALT, OFFSET), -EMSGSIZE);
	cr_expect_eq(file.length, 1);
}

Test(store_file, reads_the_series_that_it_wrote)
{
	static const struct store_file_series series[] = {
		{0, "", 0},
		{127, "{a=\"b\"}", 7},
		{128, "{a=\"c\"}", 7},
		{UINT32_MAX, "{}", 2},
	};
	struct store_file_series_list list;
	struct store_file_series one;
	struct store_file_block block;
	uint64_t offset;
	size_t start = store_file_begin_block(&file, HM_BLOCK_SERIES, 1);

	store_file_put_names_offset(&file, 99);
	for (size_t i = 0; i < 4; i++)
		store_file_put_series(&file, &series[i]);
	cr_assert_eq(store_file_end_block(&file, start, SALT, OFFSET), 0);

	cr_assert_eq(get_block(&block), 0);
	cr_assert_eq(store_file_get_series_list(&block, &list), 0);
	cr_expect_eq(list.names_offset, 99);
	cr_expect_eq(store_file_get_names_offset(&block, &offset), 0);
	cr_expect_eq(offset, 99);
	for (size_t i = 0; i < 4; i++) {
		cr_assert(store_file_next_series(&list, &one));
		cr_expect_eq(one.id, series[i].id);
		cr_assert_eq(one.labels_length, series[i].labels_length);
		cr_expect_eq(memcmp(one.labels, series[i].labels, one.labels_length), 0);
	}
	cr_expect_not(store_file_next_series(&list, &one));
}

Test(store_file, refuses_series_that_are_not_in_order)
{
	static const struct {
		const char *bytes;
		size_t length;
	} payloads[] = {
		{"1234567", 7},                               /* no offset */
		{"12345678\x01", 9},                          /* no length */
		{"12345678\x01\x02{", 11},                    /* longer than there is */
		{"12345678\x81", 9},                          /* a number cut short */
		{"12345678\x81\x00\x00", 11},                 /* not its shortest form */
		{"12345678\xff\xff\xff\xff\x10\x00", 14},     /* of 33 bits */
		{"12345678\xff\xff\xff\xff\xff\x01\x00", 15}, /* of more */
		{"12345678\x01\xff\xff\xff\xff\x0f{a}", 17},  /* of 4 GiB */
	};
	struct store_file_series_list list;
	struct store_file_block block;

	for (size_t i = 0; i < sizeof(payloads) / sizeof(payloads[0]); i++) {
		put_block(HM_BLOCK_SERIES, payloads[i].bytes, payloads[i].length);
		cr_assert_eq(get_block(&block), 0);
		cr_expect_eq(store_file_get_series_list(&block, &list), -EBADMSG, "%zu", i);
	}
	put_block(HM_BLOCK_META, "12345678\x01", 9);
	cr_assert_eq(get_block(&block), 0);
	cr_expect_eq(store_file_get_series_list(&block, &list), -EBADMSG);
}

Test(store_file, reads_kind_and_unit_that_it_wrote)
{
	struct store_file_meta written = {
		.names_offset = 5, .kind = HM_STORED_GAUGE, .unit = "celsius", .unit_length = 7};
	struct store_file_block block;
	struct store_file_meta meta;
	size_t start = store_file_begin_block(&file, HM_BLOCK_META, 1);

	store_file_put_meta(&file, &written);
	cr_assert_eq(store_file_end_block(&file, start, SALT, OFFSET), 0);

	cr_assert_eq(get_block(&block), 0);
	cr_assert_eq(store_file_get_meta(&block, &meta), 0);
	cr_expect_eq(meta.names_offset, 5);
	cr_expect_eq(meta.kind, HM_STORED_GAUGE);
	cr_expect_eq(meta.unit_length, 7);
	cr_expect_eq(memcmp(meta.unit, "celsius", 7), 0);

	put_block(HM_BLOCK_META, "12345678", 8);
	cr_assert_eq(get_block(&block), 0);
	cr_expect_eq(store_file_get_meta(&block, &meta), -EBADMSG);
	put_block(HM_BLOCK_META, (uint8_t[9 + HM_UNIT_MAX_BYTES + 1]){0},
		  9 + HM_UNIT_MAX_BYTES + 1);
	cr_assert_eq(get_block(&block), 0);
	cr_expect_eq(store_file_get_meta(&block, &meta), -EBADMSG);
}

Test(store_file, reads_what_stands_before_samples)
{
	struct store_file_data written = {
		.first_us = INT64_MIN,
		.last_us = INT64_MAX,
		.highest_before_us = -2,
		.names_offset = UINT64_C(0x123456789abcdef0),
	};
	struct store_file_block block;
	struct store_file_data data;
	size_t start = store_file_begin_block(&file, HM_BLOCK_DATA, 1);

	store_file_put_data(&file, &written);
	buffer_append_text(&file, "samples");
	cr_assert_eq(store_file_end_block(&file, start, SALT, OFFSET), 0);

	cr_assert_eq(get_block(&block), 0);
	cr_assert_eq(store_file_get_data(&block, &data), 0);
	cr_expect_eq(data.first_us, INT64_MIN);
	cr_expect_eq(data.last_us, INT64_MAX);
	cr_expect_eq(data.highest_before_us, -2);
	cr_expect_eq(data.names_offset, UINT64_C(0x123456789abcdef0));
	cr_expect_eq(data.n_bytes, 7);
	cr_expect_eq(memcmp(data.bytes, "samples", 7), 0);

	put_block(HM_BLOCK_DATA, (uint8_t[32]){0}, 32); /* and no samples */
	cr_assert_eq(get_block(&block), 0);
	cr_expect_eq(store_file_get_data(&block, &data), -EBADMSG);
	put_block(HM_BLOCK_DATA, (uint8_t[33]){1}, 33); /* ends before it begins */
	cr_assert_eq(get_block(&block), 0);
	cr_expect_eq(store_file_get_data(&block, &data), -EBADMSG);
}

Test(store_file, reads_what_a_host_file_holds)
{
	struct store_file_host host = {7, store_id, 5, "web", 3};
	struct store_file_epoch epoch = {store_id, 1, 2};
	struct store_file_event event = {-1, 5, 2, 3, HM_REASON_IDLE, "why", 3};
	struct store_file_block block;
	int64_t oldest_us;
	uint64_t offset;
	size_t start = store_file_begin_block(&file, HM_BLOCK_HOST, 1);

	store_file_put_host(&file, &host);
	cr_assert_eq(store_file_end_block(&file, start, SALT, OFFSET), 0);
	cr_assert_eq(get_block(&block), 0);
	host = (struct store_file_host){0};
	cr_assert_eq(store_file_get_host(&block, &host), 0);
	cr_expect_eq(host.number, 7);
	cr_expect_eq(memcmp(host.id, store_id, HM_ID_BYTES), 0);
	cr_expect_eq(host.name_length, 3);
	cr_expect_eq(memcmp(host.name, "web", 3), 0);
	cr_expect_eq(store_file_get_names_offset(&block, &offset), -ENOENT);

	buffer_clear(&file);
	start = store_file_begin_block(&file, HM_BLOCK_EPOCH, 1);
	store_file_put_epoch(&file, &epoch);
	cr_assert_eq(store_file_end_block(&file, start, SALT, OFFSET), 0);
	cr_assert_eq(get_block(&block), 0);
	epoch = (struct store_file_epoch){0};
	cr_assert_eq(store_file_get_epoch(&block, &epoch), 0);
	cr_expect_eq(memcmp(epoch.epoch, store_id, HM_ID_BYTES), 0);
	cr_expect_eq(epoch.sequence, 1);
	cr_expect_eq(epoch.crc, 2);

	buffer_clear(&file);
	start = store_file_begin_block(&file, HM_BLOCK_EVENT, 1);
	store_file_put_event(&file, &event);
	cr_assert_eq(store_file_end_block(&file, start, SALT, OFFSET), 0);
	cr_assert_eq(get_block(&block), 0);
	event = (struct store_file_event){0};
	cr_assert_eq(store_file_get_event(&block, &event), 0);
	cr_expect_eq(event.since_us, -1);
	cr_expect_eq(event.until_us, 5);
	cr_expect_eq(event.position, 2);
	cr_expect_eq(event.count, 3);
	cr_expect_eq(event.reason, HM_REASON_IDLE);
	cr_expect_eq(event.text_length, 3);
	cr_expect_eq(memcmp(event.text, "why", 3), 0);

	buffer_clear(&file);
	start = store_file_begin_block(&file, HM_BLOCK_OLDEST, 1);
	store_file_put_oldest(&file, -7);
	cr_assert_eq(store_file_end_block(&file, start, SALT, OFFSET), 0);
	cr_assert_eq(get_block(&block), 0);
	cr_assert_eq(store_file_get_oldest(&block, &oldest_us), 0);
	cr_expect_eq(oldest_us, -7);
	cr_expect_eq(store_file_get_event(&block, &event), -EBADMSG);
}

Test(store_file, an_agent_s_message_comes_back_and_is_of_its_own_type)
{
	struct store_file_message message = {HM_RECORD_CLOCK, -5, (const uint8_t *)"bytes", 5};
	uint8_t zeros[20] = {0};
	struct store_file_block block;
	struct store_file_event event;
	size_t start = store_file_begin_block(&file, HM_BLOCK_MESSAGE, 1);

	store_file_put_message(&file, &message);
	cr_assert_eq(store_file_end_block(&file, start, SALT, OFFSET), 0);
	cr_assert_eq(get_block(&block), 0);
	message = (struct store_file_message){0};
	cr_assert_eq(store_file_get_message(&block, &message), 0);
	cr_expect_eq(message.type, HM_RECORD_CLOCK);
	cr_expect_eq(message.received_us, -5);
	cr_expect_eq(message.n_bytes, 5);
	cr_expect_eq(memcmp(message.bytes, "bytes", 5), 0);
	cr_expect_eq(store_file_get_event(&block, &event), -EBADMSG);
	for (size_t length = 0; length <= sizeof(zeros); length++) {
		put_block(HM_BLOCK_MESSAGE, zeros, length);
		cr_assert_eq(get_block(&block), 0);
		cr_expect_eq(store_file_get_message(&block, &message), length >= 9 ? 0 : -EBADMSG);
	}
	put_block(HM_BLOCK_EVENT, zeros, sizeof(zeros));
	cr_assert_eq(get_block(&block), 0);
	cr_expect_eq(store_file_get_message(&block, &message), -EBADMSG);
}

Test(store_file, an_event_does_not_end_before_it_begins)
{
	struct store_file_event event = {.since_us = 7, .until_us = 6};
	struct store_file_block block;
	struct buffer payload = {0};

	store_file_put_event(&payload, &event);
	put_block(HM_BLOCK_EVENT, payload.data, payload.length);
	cr_assert_eq(get_block(&block), 0);
	cr_expect_eq(store_file_get_event(&block, &event), -EBADMSG);
	buffer_done(&payload);
}

Test(store_file, refuses_a_host_s_blocks_of_a_wrong_length)
{
	uint8_t zeros[4 + HM_ID_BYTES + 8 + HM_HOST_NAME_MAX_BYTES + 1] = {0};
	struct store_file_block block;
	struct store_file_host host;
	struct store_file_epoch epoch;
	struct store_file_event event;
	int64_t oldest_us;

	for (size_t length = 0; length <= sizeof(zeros); length++) {
		bool is_host = length >= 4 + HM_ID_BYTES + 8 && length < sizeof(zeros);

		put_block(HM_BLOCK_HOST, zeros, length);
		cr_assert_eq(get_block(&block), 0);
		cr_expect_eq(store_file_get_host(&block, &host), is_host ? 0 : -EBADMSG);
		cr_expect_eq(store_file_get_epoch(&block, &epoch), -EBADMSG);
		put_block(HM_BLOCK_EPOCH, zeros, length);
		cr_assert_eq(get_block(&block), 0);
		cr_expect_eq(store_file_get_epoch(&block, &epoch), length == 28 ? 0 : -EBADMSG);
		put_block(HM_BLOCK_EVENT, zeros, length);
		cr_assert_eq(get_block(&block), 0);
		cr_expect_eq(store_file_get_event(&block, &event), length >= 36 ? 0 : -EBADMSG);
		cr_expect_eq(store_file_get_oldest(&block, &oldest_us), -EBADMSG);
		put_block(HM_BLOCK_OLDEST, zeros, length);
		cr_assert_eq(get_block(&block), 0);
		cr_expect_eq(store_file_get_oldest(&block, &oldest_us), length == 8 ? 0 : -EBADMSG);
	}
}

Test(store_file, an_id_is_read_as_it_was_written_and_not_with_any_bit_flipped)
{
	static const uint8_t id[HM_ID_BYTES] = "0123456789abcde";
	uint8_t found[HM_ID_BYTES];
	struct buffer out = {0};

	store_file_put_id(&out, id);
	cr_assert_eq(out.length, STORE_FILE_ID_BYTES);
	cr_assert_eq(store_file_get_id((const uint8_t *)out.data, out.length, found), 0);
	cr_assert_eq(memcmp(found, id, sizeof(id)), 0);
	for (size_t n = 0; n < out.length; n++)
		cr_assert_eq(store_file_get_id((const uint8_t *)out.data, n, found), -EBADMSG);
	for (size_t bit = 0; bit < out.length * 8; bit++) {
		out.data[bit / 8] = (char)(out.data[bit / 8] ^ 1 << bit % 8);
		cr_assert_eq(store_file_get_id((const uint8_t *)out.data, out.length, found),
			     -EBADMSG, "bit %zu", bit);
		out.data[bit / 8] = (char)(out.data[bit / 8] ^ 1 << bit % 8);
	}
	buffer_append_byte(&out, 0);
	cr_assert_eq(store_file_get_id((const uint8_t *)out.data, out.length, found), -EBADMSG);
	buffer_done(&out);
}
