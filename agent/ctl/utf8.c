/* SPDX-License-Identifier: MIT */
/* UTF-8 as a terminal shows it. */

#include "agent/ctl/utf8.h"

#include <wchar.h>

#include "common/text.h"

/* Bytes of a sequence by its first byte; 0 = cannot begin one. */
static size_t sequence_bytes(unsigned char first)
{
	if (first < 0x80)
		return 1;
	if (first >= 0xc2 && first <= 0xdf)
		return 2;
	if (first >= 0xe0 && first <= 0xef)
		return 3;
	if (first >= 0xf0 && first <= 0xf4)
		return 4;
	return 0;
}

size_t utf8_decode(const char *text, size_t length, uint32_t *ret_code)
{
	/* The smallest code point that needs so many bytes. */
	static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
	size_t n_bytes = length > 0 ? sequence_bytes((unsigned char)text[0]) : 0;
	uint32_t code;

	if (n_bytes == 0 || n_bytes > length)
		return 0;
	code = n_bytes == 1 ? (unsigned char)text[0] : (unsigned char)text[0] & (0x7fU >> n_bytes);
	for (size_t i = 1; i < n_bytes; i++) {
		unsigned char byte = (unsigned char)text[i];

		if ((byte & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (byte & 0x3f);
	}
	if (code < smallest[n_bytes] || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
		return 0;
	*ret_code = code;
	return n_bytes;
}

bool utf8_is_deceptive(uint32_t code)
{
	return code == 0x61c || code == 0x200e || code == 0x200f ||
	       (code >= 0x2028 && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069);
}

static size_t code_columns(uint32_t code)
{
	int width = code < 0x80 ? 1 : wcwidth((wchar_t)code);

	return width < 0 ? 1 : (size_t)width;
}

size_t utf8_columns(const char *text, size_t length)
{
	/* A character a column, up to the first one of which that is not known. */
	size_t n_columns = text_count_plain(text, length);

	for (size_t at = n_columns; at < length;) {
		uint32_t code = '?';
		size_t n_bytes = utf8_decode(text + at, length - at, &code);

		n_columns += code_columns(code);
		at += n_bytes > 0 ? n_bytes : 1;
	}
	return n_columns;
}

size_t utf8_fit(const char *text, size_t length, size_t n_columns)
{
	size_t at = 0;

	while (at < length) {
		uint32_t code = '?';
		size_t n_bytes = utf8_decode(text + at, length - at, &code);
		size_t width = code_columns(code);

		if (width > n_columns)
			break;
		n_columns -= width;
		at += n_bytes > 0 ? n_bytes : 1;
	}
	return at;
}
