/* SPDX-License-Identifier: MIT */
/* Bytes from outside as text. */

#include "common/text.h"

#include <stdint.h>
#include <string.h>

#define EVERY_BYTE(value) (UINT64_C(0x0101010101010101) * (value))
#define HIGH_BITS         EVERY_BYTE(0x80)

/* Longer words are not compared for likeness: nobody's key is as long. */
#define NEAREST_WORD_MAX_BYTES 64

/* Are all eight bytes between 0x20 and 0x7e? */
static bool is_plain(const char *text)
{
	uint64_t word;

	memcpy(&word, text, sizeof(word));
	/*
	 * Without a high bit in any byte, no sum below carries: + 1 sets it for 0x7f, and + 0x60
	 * leaves it unset below 0x20.
	 */
	return !((word | (word + EVERY_BYTE(0x01)) | ~(word + EVERY_BYTE(0x60))) & HIGH_BITS);
}

/*
 * What may stand behind the first byte of a character of several bytes: no form that is longer than
 * it need be, no surrogate, nothing above U+10FFFF, no control character. Any further byte may be
 * 0x80 to 0xbf.
 */
struct lead {
	uint8_t first_min;
	uint8_t first_max;
	uint8_t n_bytes;
	uint8_t second_min;
	uint8_t second_max;
};

static const struct lead leads[] = {
	{0xc2, 0xc2, 2, 0xa0, 0xbf}, {0xc3, 0xdf, 2, 0x80, 0xbf}, {0xe0, 0xe0, 3, 0xa0, 0xbf},
	{0xe1, 0xec, 3, 0x80, 0xbf}, {0xed, 0xed, 3, 0x80, 0x9f}, {0xee, 0xef, 3, 0x80, 0xbf},
	{0xf0, 0xf0, 4, 0x90, 0xbf}, {0xf1, 0xf3, 4, 0x80, 0xbf}, {0xf4, 0xf4, 4, 0x80, 0x8f},
};

static bool is_between(char byte, uint8_t min, uint8_t max)
{
	return (uint8_t)byte >= min && (uint8_t)byte <= max;
}

/* @return the bytes of a clean character of this kind at the beginning of `text`, or 0 */
static size_t match_lead(const struct lead *lead, const char *text, size_t length)
{
	if (length < lead->n_bytes || !is_between(text[1], lead->second_min, lead->second_max))
		return 0;
	for (size_t i = 2; i < lead->n_bytes; i++) {
		if (!is_between(text[i], 0x80, 0xbf))
			return 0;
	}
	return lead->n_bytes;
}

/* @return the bytes of the clean character that `text` begins with, or 0 */
static size_t clean_character(const char *text, size_t length)
{
	if (is_between(*text, 0x20, 0x7e))
		return 1;
	for (size_t i = 0; i < sizeof(leads) / sizeof(leads[0]); i++) {
		if (is_between(*text, leads[i].first_min, leads[i].first_max))
			return match_lead(&leads[i], text, length);
	}
	return 0;
}

size_t text_count_plain(const char *text, size_t length)
{
	size_t at = 0;

	while (length - at >= sizeof(uint64_t) && is_plain(text + at))
		at += sizeof(uint64_t);
	while (at < length && is_between(text[at], 0x20, 0x7e))
		at++;
	return at;
}

bool text_is_clean(const char *text, size_t length)
{
	const char *end = text + length;

	while (text < end) {
		/* Names are ASCII, nearly all. */
		size_t n = text_count_plain(text, (size_t)(end - text));

		if (n == 0)
			n = clean_character(text, (size_t)(end - text));
		if (n == 0)
			return false;
		text += n;
	}
	return true;
}

void text_append_printable(struct buffer *out, const char *text, size_t length)
{
	static const char hex[] = "0123456789abcdef";

	while (length > 0) {
		size_t n = text_count_plain(text, length);
		unsigned char byte = (unsigned char)*text;

		if (n == 0)
			n = clean_character(text, length);
		if (n > 0) {
			buffer_append(out, text, n);
		} else {
			char escape[] = {'\\', 'x', hex[byte >> 4], hex[byte & 15]};

			buffer_append(out, escape, sizeof(escape));
			n = 1;
		}
		text += n;
		length -= n;
	}
}

static size_t smaller(size_t a, size_t b)
{
	return a < b ? a : b;
}

/*
 * How many letters must be put in, left out, changed or swapped with their neighbour to make one
 * word of the other. Neither is longer than NEAREST_WORD_MAX_BYTES.
 */
static size_t distance(const char *a, size_t a_length, const char *b, size_t b_length)
{
	/* Distances of the prefixes of `a`, two, one and no letters shorter, to those of `b`. */
	size_t rows[3][NEAREST_WORD_MAX_BYTES + 1];
	size_t *before = rows[0];
	size_t *above = rows[1];
	size_t *row = rows[2];

	for (size_t j = 0; j <= b_length; j++)
		above[j] = before[j] = j;
	for (size_t i = 1; i <= a_length; i++) {
		size_t *free_row = before;

		row[0] = i;
		for (size_t j = 1; j <= b_length; j++) {
			row[j] = smaller(above[j], row[j - 1]) + 1;
			row[j] = smaller(row[j], above[j - 1] + (a[i - 1] != b[j - 1]));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				row[j] = smaller(row[j], before[j - 2] + 1);
		}
		before = above;
		above = row;
		row = free_row;
	}
	return above[b_length];
}

const char *text_nearest(const char *word, const char *const candidates[])
{
	size_t length = strlen(word);
	/* One slip in four letters is a slip; more is another word. */
	size_t nearest_distance = length / 4 + 2;
	const char *nearest = NULL;

	if (length > NEAREST_WORD_MAX_BYTES)
		return NULL;
	for (size_t i = 0; candidates[i]; i++) {
		size_t candidate_length = strlen(candidates[i]);
		size_t candidate_distance;

		if (candidate_length > NEAREST_WORD_MAX_BYTES)
			continue;
		candidate_distance = distance(word, length, candidates[i], candidate_length);
		/* Less than half of either word may differ. */
		if (candidate_distance * 2 > smaller(length, candidate_length))
			continue;
		if (candidate_distance < nearest_distance) {
			nearest = candidates[i];
			nearest_distance = candidate_distance;
		}
	}
	return nearest;
}
