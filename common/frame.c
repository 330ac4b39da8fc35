/* SPDX-License-Identifier: MIT */
/* Frames of the native protocol. */

#include "common/frame.h"

#include <assert.h>
#include <endian.h>
#include <errno.h>
#include <string.h>

#include "common/crc32c.h"

/* Where the fields of a header begin. */
enum field {
	FIELD_VERSION = HM_FRAME_MAGIC_BYTES,
	FIELD_TYPE = FIELD_VERSION + 1,
	FIELD_RESERVED = FIELD_TYPE + 1,
	FIELD_LENGTH = FIELD_RESERVED + 2,
	FIELD_CRC = FIELD_LENGTH + 4,
	FIELD_HEADER_CRC = FIELD_CRC + 4,
};
_Static_assert(FIELD_HEADER_CRC + 4 == HM_FRAME_HEADER_BYTES, "the header is part of the protocol");

/* Memory that is kept from one frame to the next. */
#define KEEP_BYTES ((size_t)4096)

#define PAYLOAD_MAX (HM_FRAME_MAX_BYTES - HM_FRAME_HEADER_BYTES)

/* How long a payload of each type is at least and at most. */
struct bounds {
	size_t min;
	size_t max;
};

static const struct bounds bounds[HM_FRAME_TYPE_COUNT] = {
	[HM_FRAME_HELLO] = {3 * HM_ID_BYTES + 16 + 1, 3 * HM_ID_BYTES + 16 +
							      HM_HOST_NAME_MAX_BYTES +
							      HM_AGENT_VERSION_MAX_BYTES},
	[HM_FRAME_WELCOME] = {HM_ID_BYTES + 32, HM_ID_BYTES + 32},
	[HM_FRAME_DECLARE] = {HM_STAMP_BYTES + 4, PAYLOAD_MAX},
	[HM_FRAME_BATCH] = {HM_STAMP_BYTES, PAYLOAD_MAX},
	[HM_FRAME_GAP] = {HM_STAMP_BYTES + 34, HM_STAMP_BYTES + 34},
	[HM_FRAME_CLOCK] = {HM_STAMP_BYTES + 41, HM_STAMP_BYTES + 41},
	[HM_FRAME_ACK] = {8, 8},
	[HM_FRAME_ERROR] = {8, 8 + HM_END_TEXT_MAX_BYTES},
	[HM_FRAME_BYE] = {8, 8 + HM_END_TEXT_MAX_BYTES},
	[HM_FRAME_SCHEDULE] = {HM_STAMP_BYTES + 8, PAYLOAD_MAX},
};

static uint32_t get_u32(const uint8_t *bytes)
{
	uint32_t number;

	memcpy(&number, bytes, sizeof(number));
	return le32toh(number);
}

static void put_u32(uint8_t *bytes, uint32_t number)
{
	number = htole32(number);
	memcpy(bytes, &number, sizeof(number));
}

void frame_reader_done(struct frame_reader *reader)
{
	buffer_done(&reader->kept);
}

static bool is_length_good(uint8_t type, size_t length, size_t max_bytes)
{
	return length >= bounds[type].min && length <= bounds[type].max &&
	       length + HM_FRAME_HEADER_BYTES <= max_bytes;
}

/* Check as much of a header as there is, in the order in which it came. */
static enum hm_reason check_header(const uint8_t *header, size_t n, size_t max_bytes)
{
	static const char magic[] = HM_FRAME_MAGIC;
	uint8_t type;

	for (size_t i = 0; i < HM_FRAME_MAGIC_BYTES && i < n; i++)
		if (header[i] != (uint8_t)magic[i])
			return HM_REASON_FRAME_MAGIC;
	if (n > FIELD_VERSION && header[FIELD_VERSION] != HM_FRAME_VERSION)
		return HM_REASON_FRAME_VERSION;
	if (n <= FIELD_TYPE)
		return HM_REASON_NONE;
	type = header[FIELD_TYPE];
	if (type == 0 || type >= HM_FRAME_TYPE_COUNT)
		return HM_REASON_FRAME_TYPE;
	for (size_t i = FIELD_RESERVED; i < FIELD_LENGTH && i < n; i++)
		if (header[i] != 0)
			return HM_REASON_FRAME_RESERVED;
	if (n >= FIELD_CRC && !is_length_good(type, get_u32(header + FIELD_LENGTH), max_bytes))
		return HM_REASON_FRAME_LENGTH;
	if (n >= HM_FRAME_HEADER_BYTES &&
	    crc32c(0, header, FIELD_HEADER_CRC) != get_u32(header + FIELD_HEADER_CRC))
		return HM_REASON_FRAME_HEADER_CHECKSUM;
	return HM_REASON_NONE;
}

static int fail(struct frame_reader *reader, enum hm_reason reason)
{
	buffer_done(&reader->kept);
	reader->is_given = false;
	reader->reason = reason;
	return reason == HM_REASON_NO_MEMORY ? -ENOMEM : -EBADMSG;
}

/* How long a frame is, as far as its first n bytes tell. */
static size_t wanted_bytes(const uint8_t *bytes, size_t n)
{
	return n < HM_FRAME_HEADER_BYTES ? HM_FRAME_HEADER_BYTES
					 : HM_FRAME_HEADER_BYTES + get_u32(bytes + FIELD_LENGTH);
}

/* Look at the first n bytes of a frame. @return 0: it is whole; -EAGAIN; -EBADMSG */
static int look(struct frame_reader *reader, const uint8_t *bytes, size_t n,
		struct frame *ret_frame)
{
	enum hm_reason reason = check_header(bytes, n, reader->max_bytes);
	struct frame frame;

	if (reason != HM_REASON_NONE)
		return fail(reader, reason);
	if (n < HM_FRAME_HEADER_BYTES || n < wanted_bytes(bytes, n))
		return -EAGAIN;
	frame = (struct frame){
		.type = (enum hm_frame_type)bytes[FIELD_TYPE],
		.crc = get_u32(bytes + FIELD_CRC),
		.payload = bytes + HM_FRAME_HEADER_BYTES,
		.length = get_u32(bytes + FIELD_LENGTH),
	};
	if (crc32c(0, frame.payload, frame.length) != frame.crc)
		return fail(reader, HM_REASON_FRAME_CHECKSUM);
	*ret_frame = frame;
	return 0;
}

/* Move bytes over, up to the end of the header or of the frame. */
static int keep_some(struct frame_reader *reader, struct cursor *bytes)
{
	struct buffer *kept = &reader->kept;
	size_t n = wanted_bytes((const uint8_t *)kept->data, kept->length) - kept->length;

	if (n > bytes->left)
		n = bytes->left;
	buffer_append(kept, bytes->at, n);
	if (buffer_failed(kept))
		return fail(reader, HM_REASON_NO_MEMORY);
	(void)cursor_get_bytes(bytes, n);
	return 0;
}

/* Go on with a frame whose beginning is kept. */
static int take_kept(struct frame_reader *reader, struct cursor *bytes, struct frame *ret_frame)
{
	int result = -EAGAIN;

	while (result == -EAGAIN && bytes->left > 0) {
		result = keep_some(reader, bytes);
		if (result == 0)
			result = look(reader, (const uint8_t *)reader->kept.data,
				      reader->kept.length, ret_frame);
	}
	reader->is_given = result == 0;
	return result;
}

/* The frame that was given last is not needed any more. */
static void drop_given(struct frame_reader *reader)
{
	if (!reader->is_given)
		return;
	reader->is_given = false;
	buffer_trim(&reader->kept, KEEP_BYTES);
}

int frame_reader_next(struct frame_reader *reader, struct cursor *bytes, struct frame *ret_frame)
{
	int result;

	if (reader->reason != HM_REASON_NONE)
		return reader->reason == HM_REASON_NO_MEMORY ? -ENOMEM : -EBADMSG;
	drop_given(reader);
	if (reader->kept.length > 0)
		return take_kept(reader, bytes, ret_frame);
	result = look(reader, bytes->at, bytes->left, ret_frame);
	if (result == 0)
		(void)cursor_get_bytes(bytes, HM_FRAME_HEADER_BYTES + ret_frame->length);
	if (result == -EAGAIN && bytes->left > 0)
		result = take_kept(reader, bytes, ret_frame);
	return result;
}

enum hm_reason frame_reader_end(const struct frame_reader *reader)
{
	if (reader->reason == HM_REASON_NONE && reader->kept.length > 0 && !reader->is_given)
		return HM_REASON_FRAME_CUT;
	return reader->reason;
}

void frame_write_header(const struct frame *frame, uint8_t out[static HM_FRAME_HEADER_BYTES])
{
	memcpy(out, HM_FRAME_MAGIC, HM_FRAME_MAGIC_BYTES);
	out[FIELD_VERSION] = HM_FRAME_VERSION;
	out[FIELD_TYPE] = (uint8_t)frame->type;
	out[FIELD_RESERVED] = 0;
	out[FIELD_RESERVED + 1] = 0;
	put_u32(out + FIELD_LENGTH, (uint32_t)frame->length);
	put_u32(out + FIELD_CRC, frame->crc);
	put_u32(out + FIELD_HEADER_CRC, crc32c(0, out, FIELD_HEADER_CRC));
}

void frame_put(struct buffer *out, enum hm_frame_type type, const void *payload, size_t length)
{
	const struct frame frame = {
		.type = type, .crc = crc32c(0, payload, length), .length = length};
	uint8_t header[HM_FRAME_HEADER_BYTES];

	assert(length <= PAYLOAD_MAX);
	frame_write_header(&frame, header);
	buffer_append(out, header, sizeof(header));
	buffer_append(out, payload, length);
}
