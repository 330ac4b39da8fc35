/* SPDX-License-Identifier: MIT */
#ifndef COMMON_TEXT_H
#define COMMON_TEXT_H

/* Bytes from outside as text. */

#include <stdbool.h>
#include <stddef.h>

#include "common/buffer.h"

/* How many bytes at the beginning are printable ASCII: of a name nearly always all. */
size_t text_count_plain(const char *text, size_t length);

/* Is it UTF-8 (no overlong forms, no surrogates) without control bytes (below 0x20, 0x7f, U+0080 to
 * U+009F)? */
bool text_is_clean(const char *text, size_t length);

/* Append `text` with every byte that is not clean written as \xNN, so that it can be shown on a
 * terminal. */
void text_append_printable(struct buffer *out, const char *text, size_t length);

/*
 * The candidate most like `word`, for "did you mean".
 * @param candidates  ended by NULL
 * @return one of them, or NULL when none is near
 */
const char *text_nearest(const char *word, const char *const candidates[]);

#endif
