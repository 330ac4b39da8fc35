/* SPDX-License-Identifier: MIT */
/* The words of a JSON text. */

#include "agent/ctl/json_text.h"

#include <stdint.h>
#include <string.h>

#define HEX_DIGITS 4

static void skip_blanks(struct json_text *json)
{
	while (json->at < json->end && (*json->at == ' ' || *json->at == '\t'))
		json->at++;
}

char json_text_peek(struct json_text *json)
{
	skip_blanks(json);
	return (char)(json->at < json->end ? *json->at : '\0');
}

bool json_text_byte(struct json_text *json, char byte)
{
	if (json_text_peek(json) != byte || json->at == json->end)
		return false;
	json->at++;
	return true;
}

bool json_text_is_at_end(struct json_text *json)
{
	skip_blanks(json);
	return json->at == json->end;
}

/* Take the four digits of \uXXXX. */
static bool take_unit(struct json_text *json, uint32_t *ret_unit)
{
	static const char digits[] = "0123456789abcdef";
	uint32_t unit = 0;

	if (json->end - json->at < HEX_DIGITS)
		return false;
	for (int i = 0; i < HEX_DIGITS; i++) {
		char c = *json->at++;
		const char *digit =
			memchr(digits, c >= 'A' && c <= 'F' ? c | 0x20 : c, sizeof(digits) - 1);

		if (!digit)
			return false;
		unit = unit << 4 | (uint32_t)(digit - digits);
	}
	*ret_unit = unit;
	return true;
}

static void append_code(struct buffer *out, uint32_t code)
{
	if (code < 0x80) {
		buffer_append_byte(out, (char)code);
		return;
	}
	if (code < 0x800) {
		buffer_append_byte(out, (char)(0xc0 | code >> 6));
	} else {
		if (code < 0x10000) {
			buffer_append_byte(out, (char)(0xe0 | code >> 12));
		} else {
			buffer_append_byte(out, (char)(0xf0 | code >> 18));
			buffer_append_byte(out, (char)(0x80 | (code >> 12 & 0x3f)));
		}
		buffer_append_byte(out, (char)(0x80 | (code >> 6 & 0x3f)));
	}
	buffer_append_byte(out, (char)(0x80 | (code & 0x3f)));
}

/* Take what follows \u: one character, which may need two of them. */
static bool take_code(struct json_text *json, struct buffer *out)
{
	uint32_t code;
	uint32_t low;

	if (!take_unit(json, &code))
		return false;
	if (code >= 0xdc00 && code <= 0xdfff)
		return false;
	if (code >= 0xd800 && code <= 0xdbff) {
		if (json->end - json->at < 2 || json->at[0] != '\\' || json->at[1] != 'u')
			return false;
		json->at += 2;
		if (!take_unit(json, &low) || low < 0xdc00 || low > 0xdfff)
			return false;
		code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
	}
	append_code(out, code);
	return true;
}

static bool take_escape(struct json_text *json, struct buffer *out)
{
	static const char names[] = "\"\\/bfnrt";
	static const char meanings[] = "\"\\/\b\f\n\r\t";
	const char *name;

	if (json->at == json->end)
		return false;
	if (*json->at == 'u') {
		json->at++;
		return take_code(json, out);
	}
	name = memchr(names, *json->at, sizeof(names) - 1);
	if (!name)
		return false;
	json->at++;
	buffer_append_byte(out, meanings[name - names]);
	return true;
}

bool json_text_string(struct json_text *json, struct buffer *out)
{
	if (!json_text_byte(json, '"'))
		return false;
	while (json->at < json->end) {
		unsigned char byte = (unsigned char)*json->at++;

		if (byte == '"')
			return true;
		if (byte < 0x20)
			return false;
		if (byte != '\\')
			buffer_append_byte(out, (char)byte);
		else if (!take_escape(json, out))
			return false;
	}
	return false;
}

bool json_text_number(struct json_text *json, const char **ret_start, size_t *ret_length)
{
	const char *start;

	skip_blanks(json);
	start = json->at;
	while (json->at < json->end && *json->at != '\0' && strchr("+-.0123456789eE", *json->at))
		json->at++;
	*ret_start = start;
	*ret_length = (size_t)(json->at - start);
	return json->at > start;
}

static bool take_word(struct json_text *json, const char *word)
{
	size_t length = strlen(word);

	if ((size_t)(json->end - json->at) < length || memcmp(json->at, word, length) != 0)
		return false;
	json->at += length;
	return true;
}

bool json_text_skip(struct json_text *json)
{
	struct buffer unwanted = {0};
	const char *start;
	size_t length;
	bool is_good;

	if (json_text_peek(json) != '"')
		return take_word(json, "true") || take_word(json, "false") ||
		       take_word(json, "null") || json_text_number(json, &start, &length);
	is_good = json_text_string(json, &unwanted);
	buffer_done(&unwanted);
	return is_good;
}
