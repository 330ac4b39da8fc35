/* SPDX-License-Identifier: MIT */
#ifndef COMMON_BUFFER_H
#define COMMON_BUFFER_H

/*
 * A growing run of bytes. Zeroed = empty. A failed append (no memory) is remembered: whoever writes
 * many pieces asks buffer_failed() once, at the end.
 */

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

struct buffer {
	char *data; /* NULL until something was appended; not ended by a NUL */
	size_t length;
	size_t capacity;
	bool failed;
};

/* Release the memory; the buffer is empty again. */
void buffer_done(struct buffer *buffer);

/* Make room for `extra` bytes behind the present ones. @return 0 or -ENOMEM (remembered). */
int buffer_reserve(struct buffer *buffer, size_t extra);

void buffer_append(struct buffer *buffer, const void *data, size_t length);
void buffer_append_text(struct buffer *buffer, const char *text);
void buffer_append_byte(struct buffer *buffer, char byte);
void buffer_printf(struct buffer *buffer, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Drop the first `length` bytes. */
void buffer_consume(struct buffer *buffer, size_t length);

/* Forget the content and a remembered failure; keep the memory. */
void buffer_clear(struct buffer *buffer);

/* The same, and give memory back where it is more than `keep_bytes`. */
void buffer_trim(struct buffer *buffer, size_t keep_bytes);

/* Did an append fail since the last buffer_clear()? */
bool buffer_failed(const struct buffer *buffer);

/* Write a NUL behind the content, not counted in length. @return the text, or "" when there is no
 * memory. */
const char *buffer_text(struct buffer *buffer);

#endif
