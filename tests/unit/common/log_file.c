/* SPDX-License-Identifier: MIT */
/* Tests of the bytes of a segment of the log. */

#include "common/log_file.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/crc32c.h"
#include "tests/support/seeded.h"

#define SALT UINT32_C(0x89abcdef)

static struct buffer out;

static void teardown(void)
{
	buffer_done(&out);
}

TestSuite(log_file, .fini = teardown);

static const uint8_t *bytes(void)
{
	return (const uint8_t *)out.data;
}

/* -- names ---------------------------------------------------------------------------------------- */

Test(log_file, a_name_tells_its_number)
{
	static const uint32_t numbers[] = {1, 0xabc, 0x7fffffff, UINT32_MAX};

	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++) {
		char name[LOG_FILE_NAME_BYTES];

		log_file_name(numbers[i], name);
		cr_expect_eq(log_file_number(name), numbers[i]);
	}
}

Test(log_file, names_lie_in_the_order_of_numbers)
{
	char ninth[LOG_FILE_NAME_BYTES];
	char tenth[LOG_FILE_NAME_BYTES];

	log_file_name(9, ninth);
	log_file_name(10, tenth);

	cr_assert_str_eq(tenth, "0000000a.log");
	cr_assert_lt(strcmp(ninth, tenth), 0);
}

Test(log_file, other_names_have_no_number)
{
	static const char *const names[] = {
		"",
		"reserve",
		"00000000.log",
		"1.log",
		"0000000A.log",
		"00000001",
		"00000001.log~",
		"100000000.log",
		"-0000001.log",
		" 0000001.log",
		"0x000001.log",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		cr_expect_eq(log_file_number(names[i]), 0, "%s", names[i]);
}

Test(log_file, a_position_is_segment_and_offset)
{
	uint64_t position = log_position(7, UINT32_MAX);

	cr_assert_eq(log_position_segment(position), 7);
	cr_assert_eq(log_position_offset(position), UINT32_MAX);
	cr_assert_lt(position, log_position(8, 0));
}

/* -- the header ----------------------------------------------------------------------------------- */

static const struct log_file_header header = {
	.store_id = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16},
	.number = 0xfedcba98,
	.salt = SALT,
	.created_us = -1234567890123,
};

static int get_header(const void *data, size_t length)
{
	struct log_file_header got;
	uint8_t *exact = malloc(length + !length);
	int result;

	memcpy(exact, data, length);
	result = log_file_get_header(exact, length, &got);
	free(exact);
	return result;
}

/* Have the checksum right again. */
static void seal_header(void)
{
	uint32_t crc = crc32c(0, out.data, HM_LOG_HEADER_BYTES - 4);

	for (int i = 0; i < 4; i++)
		out.data[HM_LOG_HEADER_BYTES - 4 + i] = (char)(crc >> 8 * i);
}

Test(log_file, a_header_comes_back)
{
	struct log_file_header got;

	log_file_put_header(&out, &header);

	cr_assert_eq(out.length, HM_LOG_HEADER_BYTES);
	cr_assert_eq(log_file_get_header(bytes(), out.length, &got), 0);
	cr_assert_eq(memcmp(got.store_id, header.store_id, HM_ID_BYTES), 0);
	cr_assert_eq(got.number, header.number);
	cr_assert_eq(got.salt, header.salt);
	cr_assert_eq(got.created_us, header.created_us);
}

Test(log_file, a_header_with_any_bit_flipped_is_none)
{
	log_file_put_header(&out, &header);
	for (size_t bit = 0; bit < out.length * 8; bit++) {
		int result;

		out.data[bit / 8] = (char)(out.data[bit / 8] ^ 1 << bit % 8);
		result = get_header(out.data, out.length);
		cr_expect_eq(result, bit < 64 ? -EINVAL : -EBADMSG, "bit %zu: %d", bit, result);
		out.data[bit / 8] = (char)(out.data[bit / 8] ^ 1 << bit % 8);
	}
}

Test(log_file, a_header_cut_anywhere_is_none)
{
	log_file_put_header(&out, &header);
	for (size_t length = 0; length < out.length; length++)
		cr_expect_eq(get_header(out.data, length), length < 8 ? -EINVAL : -EBADMSG, "%zu",
			     length);
}

Test(log_file, zeros_are_no_header)
{
	static const uint8_t zeros[HM_LOG_HEADER_BYTES];

	cr_assert_eq(get_header(zeros, sizeof(zeros)), -EINVAL);
}

Test(log_file, a_later_version_and_flags_are_told_from_damage)
{
	static const struct {
		size_t at;
		int result;
	} changes[] = {{8, -ENOTSUP}, {12, -ENOTSUP}, {16, 0}, {20, -ENOTSUP}, {56, 0}};

	for (size_t i = 0; i < sizeof(changes) / sizeof(*changes); i++) {
		buffer_clear(&out);
		log_file_put_header(&out, &header);
		out.data[changes[i].at] ^= 2;
		seal_header();
		cr_expect_eq(get_header(out.data, out.length), changes[i].result, "byte %zu",
			     changes[i].at);
	}
}

/* -- records -------------------------------------------------------------------------------------- */

/* Memory of just this length: a sanitizer sees what reads behind it. The payload is not kept. */
static int get_record(const void *data, size_t length, uint64_t position,
		      struct log_record *ret_record)
{
	uint8_t *exact = malloc(length + !length);
	int result;

	memcpy(exact, data, length);
	result = log_file_get_record(exact, length, SALT, position, ret_record);
	free(exact);
	return result;
}

static struct log_record make_record(const void *payload, size_t payload_bytes)
{
	return (struct log_record){
		.type = HM_RECORD_BATCH,
		.host = 0x01020304,
		.position = log_position(3, 4096),
		.previous = log_position(2, 8192),
		.durable = log_position(3, 64),
		.received_us = -5,
		.payload = payload,
		.payload_bytes = (uint32_t)payload_bytes,
	};
}

/* All but the payload itself. */
static bool is_same(const struct log_record *a, const struct log_record *b)
{
	return a->type == b->type && a->host == b->host && a->position == b->position &&
	       a->previous == b->previous && a->durable == b->durable &&
	       a->received_us == b->received_us && a->payload_bytes == b->payload_bytes;
}

Test(log_file, records_of_all_lengths_come_back)
{
	static uint8_t payload[HM_RECORD_MAX_BYTES];
	static const size_t lengths[] = {0, 1, 7, 8, 9, 4095, 4096, HM_RECORD_MAX_BYTES};
	struct seeded seeded;

	seeded_init(&seeded);
	for (size_t i = 0; i < sizeof(payload); i++)
		payload[i] = (uint8_t)seeded_next(&seeded);
	for (size_t i = 0; i < sizeof(lengths) / sizeof(*lengths); i++) {
		struct log_record record = make_record(payload, lengths[i]);
		struct log_record got;

		buffer_clear(&out);
		log_file_put_record(&out, SALT, &record);

		cr_assert_eq(out.length, log_file_record_bytes(lengths[i]));
		cr_assert_eq(out.length % HM_RECORD_ALIGN, 0);
		cr_assert_eq(log_file_get_record(bytes(), out.length, SALT, record.position, &got),
			     0);
		cr_expect(is_same(&got, &record));
		cr_assert_eq(memcmp(got.payload, payload, lengths[i]), 0);
	}
}

Test(log_file, a_record_longer_than_may_be_is_none)
{
	uint8_t *payload = calloc(1, HM_RECORD_MAX_BYTES + 1);
	struct log_record record = make_record(payload, HM_RECORD_MAX_BYTES + 1);
	struct log_record got;

	log_file_put_record(&out, SALT, &record);

	cr_assert_eq(get_record(out.data, out.length, record.position, &got), -EBADMSG);
	free(payload);
}

Test(log_file, a_record_verifies_only_where_it_was_written)
{
	struct log_record record = make_record("payload", 7);
	struct log_record got;

	log_file_put_record(&out, SALT, &record);

	cr_assert_eq(get_record(out.data, out.length, record.position, &got), 0);
	for (int bit = 0; bit < 64; bit++) {
		uint64_t position = record.position ^ UINT64_C(1) << bit;

		cr_expect_eq(get_record(out.data, out.length, position, &got), -EBADMSG);
	}
	for (int bit = 0; bit < 32; bit++) {
		uint32_t salt = SALT ^ UINT32_C(1) << bit;

		cr_expect_eq(log_file_get_record(bytes(), out.length, salt, record.position, &got),
			     -EBADMSG);
	}
}

/* A flipped bit of the header leaves no record; one of the payload leaves the header; one of what
 * fills up to a multiple of 8 changes nothing. */
Test(log_file, a_flipped_bit_never_makes_another_record)
{
	struct log_record record = make_record("some payload", 12);
	size_t payload_end = HM_RECORD_HEADER_BYTES + 12;

	log_file_put_record(&out, SALT, &record);
	cr_assert_eq(out.length, payload_end + 4);
	for (size_t bit = 0; bit < out.length * 8; bit++) {
		int wanted = bit / 8 < HM_RECORD_HEADER_BYTES ? -EBADMSG
			     : bit / 8 < payload_end          ? -EILSEQ
							      : 0;
		struct log_record got;
		int result;

		out.data[bit / 8] = (char)(out.data[bit / 8] ^ 1 << bit % 8);
		result = get_record(out.data, out.length, record.position, &got);
		cr_expect_eq(result, wanted, "bit %zu: %d", bit, result);
		if (wanted != -EBADMSG)
			cr_expect(is_same(&got, &record));
		out.data[bit / 8] = (char)(out.data[bit / 8] ^ 1 << bit % 8);
	}
}

Test(log_file, a_cut_record_is_none_or_says_how_long_it_is)
{
	struct log_record record = make_record("some payload", 12);

	log_file_put_record(&out, SALT, &record);
	for (size_t length = 0; length < HM_RECORD_HEADER_BYTES + 12; length++) {
		int wanted = length == 0                       ? -ENODATA
			     : length < HM_RECORD_HEADER_BYTES ? -EBADMSG
							       : -EMSGSIZE;
		struct log_record got;

		cr_expect_eq(get_record(out.data, length, record.position, &got), wanted, "%zu",
			     length);
		if (wanted == -EMSGSIZE)
			cr_expect(is_same(&got, &record));
	}
}

Test(log_file, zeros_are_nothing_written)
{
	static const uint8_t zeros[HM_RECORD_HEADER_BYTES * 2];
	struct log_record got;

	for (size_t length = 0; length <= sizeof(zeros); length++)
		cr_expect_eq(get_record(zeros, length, 64, &got), -ENODATA, "%zu", length);
}

Test(log_file, zeros_with_one_bit_are_damage)
{
	uint8_t nearly[HM_RECORD_HEADER_BYTES] = {0};
	struct log_record got;

	for (size_t bit = 0; bit < sizeof(nearly) * 8; bit++) {
		nearly[bit / 8] = (uint8_t)(1 << bit % 8);
		cr_expect_eq(get_record(nearly, sizeof(nearly), 64, &got), -EBADMSG, "%zu", bit);
		nearly[bit / 8] = 0;
	}
}
