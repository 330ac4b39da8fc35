/* SPDX-License-Identifier: MIT */
/* Text of /proc and /sys on kept descriptors: whole files, lines, words, numbers. */

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/text_share.h"
#include "common/number.h"
#include "hostmetrics/sysfs.h"

/* The buffer is doubled until the file fits, once: most files of /proc are small, and each has a buffer. */
#define TEXT_FIRST_CAPACITY_BYTES 512

/* Of any machine. */
#define PAGE_MIN_BYTES 4096

int hm_text_open(struct hm_text *text, const struct hm_host *host, const char *path)
{
	int fd = hm_open(host, path);
	char *data;

	if (fd < 0)
		return fd;
	data = calloc(1, TEXT_FIRST_CAPACITY_BYTES);
	if (!data) {
		close(fd);
		return -ENOMEM;
	}
	*text = (struct hm_text){
		.is_open = true,
		.fd = fd,
		.data = data,
		.capacity = TEXT_FIRST_CAPACITY_BYTES,
	};
	return 0;
}

void hm_text_close(struct hm_text *text)
{
	if (!text->is_open)
		return;
	if (text->shared) {
		text_share_close(text);
		return;
	}
	close(text->fd);
	free(text->data);
	*text = (struct hm_text){0};
}

static int text_grow(struct hm_text *text)
{
	size_t capacity = 2 * text->capacity;
	char *data;

	if (text->length > HM_TEXT_MAX_BYTES)
		return -EFBIG;
	data = realloc(text->data, capacity);
	if (!data)
		return -ENOMEM;
	text->data = data;
	text->capacity = capacity;
	return 0;
}

/*
 * Was this read the last one? /proc gathers whole records, in a buffer of a page at least, and answers short where
 * the next one does not fit.
 */
static bool is_last(const struct hm_text *text, size_t n_wanted, size_t n_bytes)
{
	if (n_bytes == 0)
		return true;
	if (text->record_max_bytes == 0 || n_bytes == n_wanted)
		return false;
	return text->record_max_bytes == HM_TEXT_ONE_RECORD ||
	       n_bytes + text->record_max_bytes <= PAGE_MIN_BYTES;
}

static int text_fill(struct hm_text *text)
{
	for (;;) {
		/* One byte is kept for the NUL. The end of a later text would not fit what is there. */
		if (text->length + 1 >= text->capacity) {
			int result = text_grow(text);

			if (result < 0)
				return result;
			text->length = 0;
		}

		size_t n_wanted = text->capacity - text->length - 1;
		ssize_t n_bytes =
			pread(text->fd, text->data + text->length, n_wanted, (off_t)text->length);

		if (n_bytes < 0)
			return -errno;
		text->length += (size_t)n_bytes;
		if (is_last(text, n_wanted, (size_t)n_bytes))
			return text->length > HM_TEXT_MAX_BYTES ? -EFBIG : 0;
	}
}

int hm_text_read(struct hm_text *text)
{
	int result;

	if (text->shared)
		return text_share_read(text);
	text->length = 0;
	result = text_fill(text);
	if (result < 0)
		text->length = 0;
	text->data[text->length] = '\0';
	return result;
}

int hm_text_read_newest(struct hm_text *text, const struct hm_host *host, const char *path)
{
	struct stat stat;
	int result;

	if (!text->is_open) {
		result = hm_text_open(text, host, path);
		return result < 0 ? result : hm_text_read(text);
	}
	if (fstat(text->fd, &stat) < 0 || stat.st_nlink == 0) {
		result = hm_open(host, path);
		if (result < 0) {
			hm_text_close(text);
			return result;
		}
		close(text->fd);
		text->fd = result;
	}
	return hm_text_read(text);
}

bool hm_next_line(const char **cursor, struct hm_span *ret_line)
{
	const char *start = *cursor;
	const char *end = strchrnul(start, '\n');

	if (*start == '\0')
		return false;
	*ret_line = (struct hm_span){start, (size_t)(end - start)};
	*cursor = *end == '\n' ? end + 1 : end;
	return true;
}

static bool is_blank(char byte)
{
	return byte == ' ' || byte == '\t';
}

bool hm_next_word(struct hm_span *line, struct hm_span *ret_word)
{
	const char *end = line->start + line->length;
	const char *start = line->start;
	const char *stop;

	while (start < end && is_blank(*start))
		start++;
	for (stop = start; stop < end && !is_blank(*stop); stop++)
		;
	*line = (struct hm_span){stop, (size_t)(end - stop)};
	if (start == stop)
		return false;
	*ret_word = (struct hm_span){start, (size_t)(stop - start)};
	return true;
}

bool hm_span_equals(struct hm_span word, const char *text)
{
	return strlen(text) == word.length && memcmp(word.start, text, word.length) == 0;
}

int hm_span_uint64(struct hm_span word, uint64_t *ret_value)
{
	uint64_t value = 0;
	bool fits = true;

	if (word.length == 0)
		return -EINVAL;
	for (size_t i = 0; i < word.length; i++) {
		unsigned digit = (unsigned char)word.start[i] - (unsigned)'0';

		if (digit > 9)
			return -EINVAL;
		if (__builtin_mul_overflow(value, (uint64_t)10, &value) ||
		    __builtin_add_overflow(value, (uint64_t)digit, &value))
			fits = false;
	}
	if (!fits)
		return -ERANGE;
	*ret_value = value;
	return 0;
}

int hm_span_int64(struct hm_span word, int64_t *ret_value)
{
	bool is_negative = word.length > 0 && word.start[0] == '-';
	struct hm_span digits = {word.start + is_negative, word.length - is_negative};
	uint64_t magnitude;
	int result = hm_span_uint64(digits, &magnitude);

	if (result < 0)
		return result;
	if (magnitude > (uint64_t)INT64_MAX + is_negative)
		return -ERANGE;
	/* In unsigned arithmetic, where the smallest number has a negative too. */
	*ret_value = (int64_t)(is_negative ? 0 - magnitude : magnitude);
	return 0;
}

/* @return 16: not a digit */
static unsigned hex_digit(char byte)
{
	unsigned lower = (unsigned char)byte | 0x20U;

	if (byte >= '0' && byte <= '9')
		return (unsigned)(byte - '0');
	return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : 16;
}

int hm_span_hex(struct hm_span word, uint64_t *ret_value)
{
	uint64_t value = 0;
	bool fits = true;

	if (word.length == 0)
		return -EINVAL;
	for (size_t i = 0; i < word.length; i++) {
		unsigned digit = hex_digit(word.start[i]);

		if (digit == 16)
			return -EINVAL;
		if (value >> 60)
			fits = false;
		value = value << 4 | digit;
	}
	if (!fits)
		return -ERANGE;
	*ret_value = value;
	return 0;
}

int hm_span_double(struct hm_span word, double *ret_value)
{
	double value;

	/* Both nan and inf have an n, and no decimal number has. */
	if (word.length == 0 || memchr(word.start, 'n', word.length) ||
	    memchr(word.start, 'N', word.length))
		return -EINVAL;
	if (number_parse(word.start, word.length, &value) < 0)
		return -EINVAL;
	if (!isfinite(value))
		return -ERANGE;
	*ret_value = value;
	return 0;
}

int hm_read_string(int fd, char *out, size_t size)
{
	ssize_t n_bytes = pread(fd, out, size, 0);
	int result = 0;

	if (n_bytes < 0) {
		result = -errno;
		n_bytes = 0;
	}

	char *newline = memchr(out, '\n', (size_t)n_bytes);
	size_t length = newline ? (size_t)(newline - out) : (size_t)n_bytes;

	if (length >= size) {
		result = -ERANGE;
		length = 0;
	}
	if (size > 0)
		out[length] = '\0';
	return result;
}

int hm_read_line_of(const struct hm_host *host, const char *path, char *out, size_t size)
{
	int fd = hm_open(host, path);
	int result;

	if (size > 0)
		out[0] = '\0';
	if (fd < 0)
		return fd;
	result = hm_read_string(fd, out, size);
	close(fd);
	return result;
}

int hm_read_int64(int fd, int64_t *ret_value)
{
	/* The longest is -9223372036854775808 and a newline. */
	char buffer[32];
	struct hm_span line;
	struct hm_span word;
	struct hm_span more;
	int result = hm_read_string(fd, buffer, sizeof(buffer));

	if (result < 0)
		return result;
	line = (struct hm_span){buffer, strlen(buffer)};
	if (!hm_next_word(&line, &word) || hm_next_word(&line, &more))
		return -EINVAL;
	return hm_span_int64(word, ret_value);
}
