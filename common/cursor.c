/* SPDX-License-Identifier: MIT */
/* Little-endian numbers in bytes. */

#include "common/cursor.h"

#include <endian.h>
#include <string.h>

#include "common/text.h"

const uint8_t *cursor_get_bytes(struct cursor *cursor, size_t length)
{
	const uint8_t *bytes = cursor->at;

	if (cursor->failed || length > cursor->left) {
		cursor->failed = true;
		return NULL;
	}
	cursor->at += length;
	cursor->left -= length;
	return bytes;
}

uint8_t cursor_get_u8(struct cursor *cursor)
{
	const uint8_t *bytes = cursor_get_bytes(cursor, 1);

	return bytes ? bytes[0] : 0;
}

uint16_t cursor_get_u16(struct cursor *cursor)
{
	const uint8_t *bytes = cursor_get_bytes(cursor, sizeof(uint16_t));
	uint16_t number = 0;

	if (bytes)
		memcpy(&number, bytes, sizeof(number));
	return le16toh(number);
}

uint32_t cursor_get_u32(struct cursor *cursor)
{
	const uint8_t *bytes = cursor_get_bytes(cursor, sizeof(uint32_t));
	uint32_t number = 0;

	if (bytes)
		memcpy(&number, bytes, sizeof(number));
	return le32toh(number);
}

uint64_t cursor_get_u64(struct cursor *cursor)
{
	const uint8_t *bytes = cursor_get_bytes(cursor, sizeof(uint64_t));
	uint64_t number = 0;

	if (bytes)
		memcpy(&number, bytes, sizeof(number));
	return le64toh(number);
}

struct series_text cursor_get_any_text(struct cursor *cursor)
{
	uint16_t length = cursor_get_u16(cursor);
	const char *start = (const char *)cursor_get_bytes(cursor, length);

	return start ? (struct series_text){start, length} : (struct series_text){"", 0};
}

struct series_text cursor_get_text(struct cursor *cursor, size_t max_bytes)
{
	struct series_text text = cursor_get_any_text(cursor);

	if (text.length > max_bytes || !text_is_clean(text.start, text.length)) {
		cursor->failed = true;
		return (struct series_text){"", 0};
	}
	return text;
}

bool cursor_failed(const struct cursor *cursor)
{
	return cursor->failed;
}

bool cursor_is_done(const struct cursor *cursor)
{
	return !cursor->failed && cursor->left == 0;
}

void cursor_put_u16(struct buffer *out, uint16_t number)
{
	number = htole16(number);
	buffer_append(out, &number, sizeof(number));
}

void cursor_put_u32(struct buffer *out, uint32_t number)
{
	number = htole32(number);
	buffer_append(out, &number, sizeof(number));
}

void cursor_put_u64(struct buffer *out, uint64_t number)
{
	number = htole64(number);
	buffer_append(out, &number, sizeof(number));
}

void cursor_put_text(struct buffer *out, const struct series_text *text)
{
	cursor_put_u16(out, (uint16_t)text->length);
	buffer_append(out, text->start, text->length);
}
