/* SPDX-License-Identifier: MIT */
#ifndef AGENT_CTL_JSON_TEXT_H
#define AGENT_CTL_JSON_TEXT_H

/* The words of a JSON text, taken off one after the other. Blanks before each are passed over. */

#include <stdbool.h>
#include <stddef.h>

#include "common/buffer.h"

struct json_text {
	const char *at; /* borrowed */
	const char *end;
};

/* The next byte that is no blank; NUL: there is none. Nothing is taken. */
char json_text_peek(struct json_text *json);

/* Take this byte, if it is next. */
bool json_text_byte(struct json_text *json, char byte);

/* Take a string and append what it says, as UTF-8. @return false: there is none that is well formed */
bool json_text_string(struct json_text *json, struct buffer *out);

/* Take a number, as it is written. */
bool json_text_number(struct json_text *json, const char **ret_start, size_t *ret_length);

/* Take a value that is not wanted: a string, a number, true, false or null. */
bool json_text_skip(struct json_text *json);

/* Is nothing left but blanks? */
bool json_text_is_at_end(struct json_text *json);

#endif
