/* SPDX-License-Identifier: MIT */
/* Tests of frames of the native protocol. */

#include "common/frame.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/crc32c.h"
#include "common/text.h"

static struct buffer stream;
static struct buffer payload;
static struct frame_reader reader;

static void setup(void)
{
	reader.max_bytes = HM_FRAME_MAX_BYTES;
}

static void teardown(void)
{
	buffer_done(&stream);
	buffer_done(&payload);
	frame_reader_done(&reader);
}

TestSuite(frame, .init = setup, .fini = teardown);

/* So many bytes that are not all the same. */
static void put_frame(enum hm_frame_type type, size_t length)
{
	buffer_clear(&payload);
	for (size_t i = 0; i < length; i++)
		buffer_append_byte(&payload, (char)(i * 7 + i / 251 + type));
	frame_put(&stream, type, payload.data, payload.length);
}

/* One frame of each type, none of which is long. */
static void put_all_types(void)
{
	static const size_t lengths[HM_FRAME_TYPE_COUNT] = {
		[HM_FRAME_HELLO] = 70,    [HM_FRAME_WELCOME] = 48, [HM_FRAME_DECLARE] = 60,
		[HM_FRAME_BATCH] = 100,   [HM_FRAME_GAP] = 75,     [HM_FRAME_CLOCK] = 82,
		[HM_FRAME_ACK] = 8,       [HM_FRAME_ERROR] = 12,   [HM_FRAME_BYE] = 8,
		[HM_FRAME_SCHEDULE] = 49,
	};

	for (int type = HM_FRAME_HELLO; type < HM_FRAME_TYPE_COUNT; type++)
		put_frame((enum hm_frame_type)type, lengths[type]);
}

/* Append what was read, in a form of the test's own. */
static void note(struct buffer *seen, const struct frame *frame)
{
	buffer_printf(seen, "\n%d %zu %08x ", (int)frame->type, frame->length, frame->crc);
	buffer_append(seen, frame->payload, frame->length);
}

/* Feed bytes that nothing lies behind. @return what ended it: never 0 */
static int feed(struct frame_reader *into, const void *bytes, size_t length, struct buffer *seen)
{
	uint8_t *exact = malloc(length + !length);
	struct cursor cursor = {.at = exact, .left = length};
	struct frame frame;
	int result;

	if (length > 0)
		memcpy(exact, bytes, length);
	while ((result = frame_reader_next(into, &cursor, &frame)) == 0)
		note(seen, &frame);
	cr_assert(result != -EAGAIN || cursor.left == 0, "all was taken");
	free(exact);
	return result;
}

Test(frame, is_read_as_it_was_written)
{
	struct buffer seen = {0};
	struct cursor cursor;
	struct frame frame;

	put_all_types();
	cursor = (struct cursor){.at = (const uint8_t *)stream.data, .left = stream.length};

	for (int type = HM_FRAME_HELLO; type < HM_FRAME_TYPE_COUNT; type++) {
		cr_assert_eq(frame_reader_next(&reader, &cursor, &frame), 0, "%d", type);
		cr_expect_eq((int)frame.type, type);
		cr_expect_eq(frame.crc, crc32c(0, frame.payload, frame.length));
		note(&seen, &frame);
	}
	cr_expect_eq(frame_reader_next(&reader, &cursor, &frame), -EAGAIN);
	cr_expect_eq(cursor.left, 0);
	cr_expect_eq(frame_reader_end(&reader), HM_REASON_NONE);
	buffer_done(&seen);
}

Test(frame, is_the_same_however_its_bytes_were_cut)
{
	struct buffer whole = {0};
	struct buffer cut = {0};

	put_all_types();
	cr_assert_eq(feed(&reader, stream.data, stream.length, &whole), -EAGAIN);
	for (size_t i = 0; i <= stream.length; i++) {
		buffer_clear(&cut);
		cr_assert_eq(feed(&reader, stream.data, i, &cut), -EAGAIN);
		cr_assert_eq(feed(&reader, stream.data + i, stream.length - i, &cut), -EAGAIN);
		cr_assert_eq(cut.length, whole.length, "cut at %zu", i);
		cr_assert_eq(memcmp(cut.data, whole.data, whole.length), 0, "cut at %zu", i);
		cr_assert_eq(frame_reader_end(&reader), HM_REASON_NONE);
	}
	for (size_t piece = 1; piece < 64; piece++) {
		buffer_clear(&cut);
		for (size_t i = 0; i < stream.length; i += piece) {
			size_t left = stream.length - i;

			cr_assert_eq(
				feed(&reader, stream.data + i, left < piece ? left : piece, &cut),
				-EAGAIN);
		}
		cr_assert_eq(cut.length, whole.length, "pieces of %zu", piece);
		cr_assert_eq(memcmp(cut.data, whole.data, whole.length), 0, "pieces of %zu", piece);
	}
	buffer_done(&whole);
	buffer_done(&cut);
}

Test(frame, is_not_copied_where_it_lies_whole_in_what_came)
{
	struct cursor cursor;
	struct frame frame;

	put_frame(HM_FRAME_BATCH, 5000);
	put_frame(HM_FRAME_BATCH, 6000);
	cursor = (struct cursor){.at = (const uint8_t *)stream.data, .left = stream.length};

	cr_assert_eq(frame_reader_next(&reader, &cursor, &frame), 0);
	cr_expect_eq((const char *)frame.payload, stream.data + HM_FRAME_HEADER_BYTES);
	cr_assert_eq(frame_reader_next(&reader, &cursor, &frame), 0);
	cr_expect_eq((const char *)frame.payload,
		     stream.data + (size_t)2 * HM_FRAME_HEADER_BYTES + 5000);
	cr_expect_null(reader.kept.data);
}

Test(frame, a_thousand_in_one_write_all_come_out)
{
	struct buffer seen = {0};
	size_t n = 0;

	for (int i = 0; i < 1000; i++)
		put_frame(HM_FRAME_ACK, 8);
	cr_assert_eq(feed(&reader, stream.data, stream.length, &seen), -EAGAIN);
	for (size_t i = 0; i + 1 < seen.length; i++)
		n += memcmp(seen.data + i, "\n7", 2) == 0;
	cr_expect_eq(n, 1000);
	buffer_done(&seen);
}

Test(frame, holds_no_memory_when_it_was_taken)
{
	struct buffer seen = {0};

	put_frame(HM_FRAME_BATCH, HM_FRAME_MAX_BYTES - HM_FRAME_HEADER_BYTES);
	cr_assert_eq(feed(&reader, stream.data, 100000, &seen), -EAGAIN);
	cr_expect_leq(reader.kept.capacity, 131072, "what came, and not what is to come");
	cr_assert_eq(feed(&reader, stream.data + 100000, stream.length - 101000, &seen), -EAGAIN);
	cr_expect_leq(reader.kept.capacity, HM_FRAME_MAX_BYTES);
	cr_assert_eq(feed(&reader, stream.data + stream.length - 1000, 1000, &seen), -EAGAIN);
	cr_expect_gt(seen.length, HM_FRAME_MAX_BYTES - 100);
	cr_expect_null(reader.kept.data);
	buffer_done(&seen);
}

/* -- damage --------------------------------------------------------------------------------------- */

/* Give the header the checksum that it should have. */
static void mend_header(void)
{
	uint32_t crc = crc32c(0, stream.data, 16);

	for (int i = 0; i < 4; i++)
		stream.data[16 + i] = (char)(crc >> 8 * i);
}

static void set_length(uint32_t length)
{
	for (int i = 0; i < 4; i++)
		stream.data[8 + i] = (char)(length >> 8 * i);
	mend_header();
}

/* Feed the stream in pieces. @return the reader's end, and at which byte it was */
static enum hm_reason find_damage(size_t piece, size_t *ret_n_bytes)
{
	struct frame_reader each = {.max_bytes = reader.max_bytes};
	struct buffer seen = {0};
	size_t n = 0;
	int result = -EAGAIN;

	while (n < stream.length && result == -EAGAIN) {
		result = feed(&each, stream.data + n, piece, &seen);
		n += piece;
	}
	cr_expect_eq(result, -EBADMSG);
	cr_expect_eq(seen.length, 0);
	cr_expect_null(each.kept.data);
	buffer_done(&seen);
	*ret_n_bytes = n;
	return frame_reader_end(&each);
}

/*
 * What is found in the stream, the same when it comes whole and byte by byte. Byte by byte it is found with the
 * byte that shows it.
 */
static void expect_damage(enum hm_reason reason, size_t n_bytes, const char *what)
{
	size_t n;

	cr_expect_eq(find_damage(stream.length, &n), reason, "%s", what);
	cr_expect_eq(find_damage(1, &n), reason, "%s, byte by byte", what);
	cr_expect_eq(n, n_bytes, "%s: found at byte %zu", what, n);
}

static void begin(enum hm_frame_type type, size_t length)
{
	buffer_clear(&stream);
	put_frame(type, length);
}

Test(frame, damage_of_each_field_has_a_reason_of_its_own)
{
	for (size_t i = 0; i < HM_FRAME_MAGIC_BYTES; i++) {
		begin(HM_FRAME_ACK, 8);
		stream.data[i] ^= 1;
		expect_damage(HM_REASON_FRAME_MAGIC, i + 1, "magic");
	}
	for (int version = 0; version < 256; version++) {
		begin(HM_FRAME_ACK, 8);
		stream.data[4] = (char)version;
		mend_header();
		if (version != HM_FRAME_VERSION)
			expect_damage(HM_REASON_FRAME_VERSION, 5, "version");
	}
	for (int type = 0; type < 256; type++) {
		begin(HM_FRAME_ACK, 8);
		stream.data[5] = (char)type;
		mend_header();
		if (type == 0 || type >= HM_FRAME_TYPE_COUNT)
			expect_damage(HM_REASON_FRAME_TYPE, 6, "type");
	}
	for (size_t i = 6; i < 8; i++) {
		begin(HM_FRAME_ACK, 8);
		stream.data[i] = 1;
		mend_header();
		expect_damage(HM_REASON_FRAME_RESERVED, i + 1, "reserved");
	}
	begin(HM_FRAME_BATCH, 100);
	stream.data[12] ^= 1;
	expect_damage(HM_REASON_FRAME_HEADER_CHECKSUM, 20, "checksum of the payload");
	mend_header();
	expect_damage(HM_REASON_FRAME_CHECKSUM, 120, "the same, with the header's checksum mended");
	begin(HM_FRAME_BATCH, 100);
	stream.data[16] ^= 1;
	expect_damage(HM_REASON_FRAME_HEADER_CHECKSUM, 20, "checksum of the header");
	begin(HM_FRAME_BATCH, 100);
	memset(stream.data + 16, 0, 4);
	expect_damage(HM_REASON_FRAME_HEADER_CHECKSUM, 20, "checksum 0");
	begin(HM_FRAME_BATCH, 100);
	stream.data[70] ^= 4;
	expect_damage(HM_REASON_FRAME_CHECKSUM, 120, "payload");
}

Test(frame, a_length_that_its_type_cannot_have_is_refused_at_once)
{
	static const uint32_t lengths[] = {0, 1, 7, 9, 0x7fffffff, 0x80000000, 0xffffffff};
	static const uint32_t max = HM_FRAME_MAX_BYTES - HM_FRAME_HEADER_BYTES;

	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		begin(HM_FRAME_ACK, 8);
		set_length(lengths[i]);
		expect_damage(HM_REASON_FRAME_LENGTH, 12, "length of an ACK");
	}
	for (uint32_t length = max + 1; length < max + 40; length++) {
		begin(HM_FRAME_BATCH, 100);
		set_length(length);
		expect_damage(HM_REASON_FRAME_LENGTH, 12, "length of a BATCH");
	}
	begin(HM_FRAME_BATCH, HM_STAMP_BYTES);
	set_length(HM_STAMP_BYTES - 1);
	expect_damage(HM_REASON_FRAME_LENGTH, 12, "a BATCH shorter than its stamp");
}

Test(frame, before_login_shorter_ones_are_allowed)
{
	struct buffer seen = {0};
	const size_t max = HM_FRAME_LOGIN_MAX_BYTES - HM_FRAME_HEADER_BYTES;

	reader.max_bytes = HM_FRAME_LOGIN_MAX_BYTES;
	begin(HM_FRAME_BATCH, max + 1);
	expect_damage(HM_REASON_FRAME_LENGTH, 12, "one byte more");
	begin(HM_FRAME_BATCH, max);
	cr_expect_eq(feed(&reader, stream.data, stream.length, &seen), -EAGAIN);
	reader.max_bytes = HM_FRAME_MAX_BYTES;
	begin(HM_FRAME_BATCH, max + 1);
	cr_expect_eq(feed(&reader, stream.data, stream.length, &seen), -EAGAIN);
	cr_expect_gt(seen.length, 2 * max);
	buffer_done(&seen);
}

/* Its bytes are read as the rest of the frame or the next header: never as a frame. */
Test(frame, a_length_that_is_wrong_but_checked_is_found_by_the_checksum)
{
	begin(HM_FRAME_BATCH, 100);
	put_frame(HM_FRAME_ACK, 8);
	set_length(99);
	expect_damage(HM_REASON_FRAME_CHECKSUM, 119, "shorter");
	set_length(101);
	expect_damage(HM_REASON_FRAME_CHECKSUM, 121, "longer");
}

Test(frame, trailing_bytes_are_the_next_header)
{
	struct buffer seen = {0};

	begin(HM_FRAME_ACK, 8);
	buffer_append_text(&stream, "trailing");
	cr_expect_eq(feed(&reader, stream.data, stream.length, &seen), -EBADMSG);
	cr_expect_eq(reader.reason, HM_REASON_FRAME_MAGIC);
	cr_expect_gt(seen.length, 0, "the frame before it counts");
	buffer_done(&seen);
}

static void flip(size_t bit)
{
	stream.data[bit / 8] = (char)((uint8_t)stream.data[bit / 8] ^ 1U << bit % 8);
}

Test(frame, no_flipped_bit_passes)
{
	struct buffer seen = {0};

	put_frame(HM_FRAME_CLOCK, 82);
	for (size_t bit = 0; bit < stream.length * 8; bit++) {
		struct frame_reader each = {.max_bytes = HM_FRAME_MAX_BYTES};

		flip(bit);
		cr_expect_neq(feed(&each, stream.data, stream.length, &seen), 0);
		cr_expect_neq(frame_reader_end(&each), HM_REASON_NONE, "bit %zu", bit);
		cr_assert_eq(seen.length, 0, "bit %zu", bit);
		frame_reader_done(&each);
		flip(bit);
	}
	buffer_done(&seen);
}

Test(frame, the_end_within_one_is_told)
{
	struct buffer seen = {0};

	put_frame(HM_FRAME_ACK, 8);
	for (size_t n = 0; n <= stream.length; n++) {
		struct frame_reader each = {.max_bytes = HM_FRAME_MAX_BYTES};
		bool is_whole = n == 0 || n == stream.length;

		cr_assert_eq(feed(&each, stream.data, n, &seen), -EAGAIN);
		cr_expect_eq(frame_reader_end(&each),
			     is_whole ? HM_REASON_NONE : HM_REASON_FRAME_CUT, "%zu", n);
		frame_reader_done(&each);
	}
	buffer_done(&seen);
}

Test(frame, the_end_right_behind_one_is_none_within_it)
{
	struct buffer seen = {0};
	struct cursor cursor;
	struct frame frame;

	put_frame(HM_FRAME_ACK, 8);
	cr_assert_eq(feed(&reader, stream.data, 5, &seen), -EAGAIN);
	cr_expect_eq(frame_reader_end(&reader), HM_REASON_FRAME_CUT);
	cursor = (struct cursor){.at = (const uint8_t *)stream.data + 5, .left = stream.length - 5};
	cr_assert_eq(frame_reader_next(&reader, &cursor, &frame), 0);
	cr_expect_eq(memcmp(frame.payload, payload.data, 8), 0);
	cr_expect_eq(frame_reader_end(&reader), HM_REASON_NONE);
}

Test(frame, behind_damage_nothing_is_read_any_more)
{
	struct buffer seen = {0};

	put_frame(HM_FRAME_ACK, 8);
	cr_assert_eq(feed(&reader, "GET / HTTP/1.1\r\n", 16, &seen), -EBADMSG);
	cr_expect_eq(feed(&reader, stream.data, stream.length, &seen), -EBADMSG);
	cr_expect_eq(reader.reason, HM_REASON_FRAME_MAGIC);
	cr_expect_eq(seen.length, 0);
}

/* TLS begins with 0x14 to 0x18, or with 0x80 and more and then 1 (a HELLO of old); HTTP and text with text. */
Test(frame, its_first_byte_begins_nothing_else)
{
	const uint8_t first = HM_FRAME_FIRST_BYTE;

	cr_expect_eq(memcmp(HM_FRAME_MAGIC, &first, 1), 0);
	cr_expect_eq(sizeof(HM_FRAME_MAGIC) - 1, HM_FRAME_MAGIC_BYTES);
	cr_expect_gt(first, 0x18);
	cr_expect_neq(HM_FRAME_MAGIC[2], 1);
	/* No character of UTF-8 begins with it, whatever follows. */
	for (int n = 0; n < 4; n++) {
		char text[5] = {(char)first, (char)0x80, (char)0x80, (char)0x80, (char)0x80};

		cr_expect_not(text_is_clean(text, (size_t)n + 1));
	}
}
