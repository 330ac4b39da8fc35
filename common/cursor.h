/* SPDX-License-Identifier: MIT */
#ifndef COMMON_CURSOR_H
#define COMMON_CURSOR_H

/*
 * Little-endian numbers, and texts, out of bytes that are not trusted and into a buffer. A read beyond the end
 * gives zero and is remembered: whoever reads many pieces asks cursor_failed() once, at the end.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buffer.h"
#include "common/series.h"

struct cursor {
	const uint8_t *at; /* borrowed */
	size_t left;
	bool failed;
};

uint8_t cursor_get_u8(struct cursor *cursor);
uint16_t cursor_get_u16(struct cursor *cursor);
uint32_t cursor_get_u32(struct cursor *cursor);
uint64_t cursor_get_u64(struct cursor *cursor);

/* So many bytes, borrowed. @return NULL when there are not so many */
const uint8_t *cursor_get_bytes(struct cursor *cursor, size_t length);

/*
 * A text with its length (u16) before it, borrowed. One that is longer than `max_bytes`, or not clean
 * text, counts as a read beyond the end.
 */
struct series_text cursor_get_text(struct cursor *cursor, size_t max_bytes);

/* A text with its length (u16) before it, as it came: whoever asks looks whether it is clean. */
struct series_text cursor_get_any_text(struct cursor *cursor);

/* Was more read than there was? */
bool cursor_failed(const struct cursor *cursor);

/* Has all been read, and no more? */
bool cursor_is_done(const struct cursor *cursor);

void cursor_put_u16(struct buffer *out, uint16_t number);
void cursor_put_u32(struct buffer *out, uint32_t number);
void cursor_put_u64(struct buffer *out, uint64_t number);
void cursor_put_text(struct buffer *out, const struct series_text *text);

#endif
