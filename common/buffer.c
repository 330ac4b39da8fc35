/* SPDX-License-Identifier: MIT */
/* A growing run of bytes. */

#include "common/buffer.h"

#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BUFFER_FIRST_BYTES ((size_t)256)

void buffer_done(struct buffer *buffer)
{
	free(buffer->data);
	*buffer = (struct buffer){0};
}

int buffer_reserve(struct buffer *buffer, size_t extra)
{
	size_t needed;
	size_t capacity = buffer->capacity ? buffer->capacity : BUFFER_FIRST_BYTES;
	char *data;

	/* Nothing goes behind a piece that is missing. */
	if (buffer->failed)
		return -ENOMEM;
	if (buffer->data && extra <= buffer->capacity - buffer->length)
		return 0;
	if (__builtin_add_overflow(buffer->length, extra, &needed) || needed > PTRDIFF_MAX / 2) {
		buffer->failed = true;
		return -ENOMEM;
	}
	while (capacity < needed)
		capacity *= 2;
	data = realloc(buffer->data, capacity);
	if (!data) {
		buffer->failed = true;
		return -ENOMEM;
	}
	buffer->data = data;
	buffer->capacity = capacity;
	return 0;
}

void buffer_append(struct buffer *buffer, const void *data, size_t length)
{
	if (length == 0 || buffer_reserve(buffer, length) < 0)
		return;
	memcpy(buffer->data + buffer->length, data, length);
	buffer->length += length;
}

void buffer_append_text(struct buffer *buffer, const char *text)
{
	buffer_append(buffer, text, strlen(text));
}

void buffer_append_byte(struct buffer *buffer, char byte)
{
	if (buffer_reserve(buffer, 1) < 0)
		return;
	buffer->data[buffer->length++] = byte;
}

/* Print behind the content, as far as it fits. @return the length it has, or below 0 */
__attribute__((format(printf, 2, 0))) static int print(struct buffer *buffer, const char *format,
						       va_list arguments)
{
	va_list copy;
	int length;

	va_copy(copy, arguments);
	length = vsnprintf(buffer->data + buffer->length, buffer->capacity - buffer->length, format,
			   copy);
	va_end(copy);
	return length;
}

void buffer_printf(struct buffer *buffer, const char *format, ...)
{
	va_list arguments;
	int length;

	if (buffer_reserve(buffer, 1) < 0)
		return;
	va_start(arguments, format);
	length = print(buffer, format, arguments);
	if (length >= 0 && (size_t)length >= buffer->capacity - buffer->length) {
		if (buffer_reserve(buffer, (size_t)length + 1) < 0)
			length = -1;
		else
			length = print(buffer, format, arguments);
	}
	va_end(arguments);
	if (length < 0)
		buffer->failed = true;
	else
		buffer->length += (size_t)length;
}

void buffer_consume(struct buffer *buffer, size_t length)
{
	assert(length <= buffer->length);
	buffer->length -= length;
	if (length > 0 && buffer->length > 0)
		memmove(buffer->data, buffer->data + length, buffer->length);
}

void buffer_clear(struct buffer *buffer)
{
	buffer->length = 0;
	buffer->failed = false;
}

void buffer_trim(struct buffer *buffer, size_t keep_bytes)
{
	if (buffer->capacity > keep_bytes)
		buffer_done(buffer);
	buffer_clear(buffer);
}

bool buffer_failed(const struct buffer *buffer)
{
	return buffer->failed;
}

const char *buffer_text(struct buffer *buffer)
{
	if (buffer_reserve(buffer, 1) < 0)
		return "";
	buffer->data[buffer->length] = '\0';
	return buffer->data;
}
