/* SPDX-License-Identifier: MIT */
/* Names from outside as names of files. */

#include "common/file_name.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define LENGTH_MAX (FILE_NAME_MAX_BYTES - 1)
/* '~' and 16 hex digits. No other escaped name has a '~'. */
#define HASH_BYTES 17

/* A metric's second file has this before its ending. */
#define ODD_MARK       ".odd"
#define ODD_MARK_BYTES (sizeof(ODD_MARK) - 1)

#define ENDING     ".hm"
#define PART_MARK  '~'
#define BYTES_MARK '@'

/* See file_name_is_far(). */
#define PARTS_BETWEEN 1000u

#define PART_DIGITS  6
#define BYTES_DIGITS 20
#define ASIDE_BYTES  11 /* a name that the collector adds to: ".damaged-99" */

_Static_assert(LENGTH_MAX + 1 + PART_DIGITS + 1 + BYTES_DIGITS + ODD_MARK_BYTES + sizeof(ENDING) -
			       1 + ASIDE_BYTES <
		       FILE_NAME_METRIC_BYTES,
	       "every name of a file fits");

/* The number at the end of a folder's name has fewer digits than the hash of a cut one. */
#define FOLDER_DIGITS_MAX 10

/* Without the locale's say. */
static bool is_safe(const char *name, size_t length, size_t at)
{
	char byte = name[at];

	if (byte == '.')
		return at != 0 && !(length - at == ODD_MARK_BYTES &&
				    memcmp(name + at, ODD_MARK, ODD_MARK_BYTES) == 0);
	return (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z') ||
	       (byte >= '0' && byte <= '9') || byte == '_' || byte == ':' || byte == '-';
}

static uint64_t rotate(uint64_t word, int n_bits)
{
	return word << n_bits | word >> (64 - n_bits);
}

static void siphash_round(uint64_t v[static 4])
{
	v[0] += v[1];
	v[2] += v[3];
	v[1] = rotate(v[1], 13) ^ v[0];
	v[3] = rotate(v[3], 16) ^ v[2];
	v[0] = rotate(v[0], 32) + v[3];
	v[2] += v[1];
	v[3] = rotate(v[3], 21) ^ v[0];
	v[1] = rotate(v[1], 17) ^ v[2];
	v[2] = rotate(v[2], 32);
}

static void siphash_add(uint64_t v[static 4], uint64_t word)
{
	v[3] ^= word;
	siphash_round(v);
	siphash_round(v);
	v[0] ^= word;
}

/*
 * SipHash-2-4 under the key 0: a name of ours can be found again, and nobody makes a second name
 * for the file of a given one, as they could with a simpler hash.
 */
static uint64_t hash_name(const char *name, size_t length)
{
	uint64_t v[4] = {UINT64_C(0x736f6d6570736575), UINT64_C(0x646f72616e646f6d),
			 UINT64_C(0x6c7967656e657261), UINT64_C(0x7465646279746573)};
	uint64_t word = 0;

	for (size_t i = 0; i < length; i++) {
		word |= (uint64_t)(uint8_t)name[i] << i % 8 * 8;
		if (i % 8 == 7) {
			siphash_add(v, word);
			word = 0;
		}
	}
	siphash_add(v, word | (uint64_t)length << 56);
	v[2] ^= 0xff;
	for (int i = 0; i < 4; i++)
		siphash_round(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

void file_name_escape(const char *name, size_t length, char out[static FILE_NAME_MAX_BYTES])
{
	static const char hex[] = "0123456789ABCDEF";
	size_t cut_at = 0; /* the last place where the hash still fits behind whole characters */
	size_t n = 0;

	for (size_t i = 0; i < length; i++) {
		bool is_plain = is_safe(name, length, i);
		uint8_t byte = (uint8_t)name[i];

		if (n <= LENGTH_MAX - HASH_BYTES)
			cut_at = n;
		if (n + (is_plain ? 1 : 3) > LENGTH_MAX) {
			(void)snprintf(out + cut_at, HASH_BYTES + 1, "~%016" PRIx64,
				       hash_name(name, length));
			return;
		}
		if (is_plain) {
			out[n++] = name[i];
			continue;
		}
		out[n++] = '%';
		out[n++] = hex[byte >> 4];
		out[n++] = hex[byte & 15];
	}
	/* Nothing else gives this, and it is a file's name. */
	if (n == 0)
		out[n++] = '%';
	out[n] = '\0';
}

/* @return 0 to 15, or -1: no digit of ours */
static int digit_value(char digit)
{
	if (digit >= '0' && digit <= '9')
		return digit - '0';
	return digit >= 'A' && digit <= 'F' ? digit - 'A' + 10 : -1;
}

int file_name_unescape(const char *escaped, size_t length, char out[static FILE_NAME_MAX_BYTES])
{
	char again[FILE_NAME_MAX_BYTES];
	size_t n = 0;

	if (length > LENGTH_MAX)
		return -EINVAL;
	for (size_t i = 0; i < length; i++) {
		int high;
		int low;

		if (escaped[i] != '%') {
			out[n++] = escaped[i];
			continue;
		}
		if (length - i < 3)
			break;
		high = digit_value(escaped[i + 1]);
		low = digit_value(escaped[i + 2]);
		if (high < 0 || low < 0)
			return -EINVAL;
		out[n++] = (char)(high << 4 | low);
		i += 2;
	}
	out[n] = '\0';
	file_name_escape(out, n, again);
	if (strlen(again) != length || memcmp(again, escaped, length) != 0)
		return -EINVAL;
	return (int)n;
}

/* -- metrics' files -------------------------------------------------------------------------------- */

static bool take_ending(const char *name, size_t *length, const char *ending)
{
	size_t ending_length = strlen(ending);

	if (*length <= ending_length ||
	    memcmp(name + *length - ending_length, ending, ending_length) != 0)
		return false;
	*length -= ending_length;
	return true;
}

static size_t count_digits(const char *name, size_t length)
{
	size_t n = 0;

	while (n < length && name[length - 1 - n] >= '0' && name[length - 1 - n] <= '9')
		n++;
	return n;
}

/*
 * Take a number and the mark before it off the end of a name. Nothing but the shortest form is one.
 * @return false: there is none
 */
static bool take_number(const char *name, size_t *length, char mark, uint64_t *ret_number)
{
	size_t n_digits = count_digits(name, *length);
	const char *digits = name + *length - n_digits;
	uint64_t number = 0;

	if (n_digits == 0 || n_digits == *length || digits[-1] != mark ||
	    (digits[0] == '0' && n_digits > 1))
		return false;
	for (size_t i = 0; i < n_digits; i++) {
		if (__builtin_mul_overflow(number, UINT64_C(10), &number) ||
		    __builtin_add_overflow(number, (uint64_t)(digits[i] - '0'), &number))
			return false;
	}
	*length -= n_digits + 1;
	*ret_number = number;
	return true;
}

/* Take ~PART or ~PART@BYTES off the end of a name, where it is there. */
static void take_part(struct file_name *name)
{
	size_t length = name->metric_length;
	uint64_t continues_bytes = FILE_NAME_ALL;
	uint64_t part;

	/* All of them is said by saying nothing. */
	if (take_number(name->metric, &length, BYTES_MARK, &continues_bytes) &&
	    continues_bytes == FILE_NAME_ALL)
		return;
	if (!take_number(name->metric, &length, PART_MARK, &part) || part == 0 ||
	    part > FILE_NAME_PART_MAX || length == 0)
		return;
	name->metric_length = length;
	name->part = (uint32_t)part;
	name->continues_bytes = continues_bytes;
}

int file_name_parse(const char *name, struct file_name *ret_name)
{
	*ret_name = (struct file_name){.metric = name, .metric_length = strlen(name)};
	if (!take_ending(name, &ret_name->metric_length, ENDING))
		return -EINVAL;
	ret_name->is_odd = take_ending(name, &ret_name->metric_length, ODD_MARK);
	take_part(ret_name);
	return 0;
}

void file_name_format(const struct file_name *name, char out[static FILE_NAME_METRIC_BYTES])
{
	const char *odd = name->is_odd ? ODD_MARK : "";
	int length = (int)name->metric_length;

	if (name->part == 0) {
		(void)snprintf(out, FILE_NAME_METRIC_BYTES, "%.*s%s" ENDING, length, name->metric,
			       odd);
	} else if (name->continues_bytes == FILE_NAME_ALL) {
		(void)snprintf(out, FILE_NAME_METRIC_BYTES, "%.*s%c%" PRIu32 "%s" ENDING, length,
			       name->metric, PART_MARK, name->part, odd);
	} else {
		(void)snprintf(out, FILE_NAME_METRIC_BYTES,
			       "%.*s%c%" PRIu32 "%c%" PRIu64 "%s" ENDING, length, name->metric,
			       PART_MARK, name->part, BYTES_MARK, name->continues_bytes, odd);
	}
}

static int compare_files(const struct file_name *a, const struct file_name *b)
{
	size_t shorter = a->metric_length < b->metric_length ? a->metric_length : b->metric_length;
	int order = memcmp(a->metric, b->metric, shorter);

	if (order == 0 && a->metric_length != b->metric_length)
		order = a->metric_length < b->metric_length ? -1 : 1;
	return order ? order : (int)a->is_odd - (int)b->is_odd;
}

bool file_name_is_one(const struct file_name *a, const struct file_name *b)
{
	return compare_files(a, b) == 0;
}

int file_name_compare(const struct file_name *a, const struct file_name *b)
{
	int order = compare_files(a, b);

	if (order == 0)
		order = a->part > b->part ? -1 : a->part < b->part;
	if (order == 0) {
		order = a->continues_bytes > b->continues_bytes
				? -1
				: a->continues_bytes < b->continues_bytes;
	}
	return order;
}

bool file_name_is_far(uint32_t part, uint32_t below)
{
	return part - below > PARTS_BETWEEN || part > FILE_NAME_PART_MAX - PARTS_BETWEEN;
}

size_t file_name_folder_base(const char *folder)
{
	size_t length = strlen(folder);
	size_t n_digits = count_digits(folder, length);

	if (n_digits == 0 || n_digits > FOLDER_DIGITS_MAX || n_digits + 1 >= length ||
	    folder[length - 1 - n_digits] != PART_MARK)
		return length;
	return length - n_digits - 1;
}
