/* SPDX-License-Identifier: MIT */
/* Fuzz target: the lines, words and numbers of agent/text.c. */

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "hostmetrics/sysfs.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes);

static void read_numbers(struct hm_span word)
{
	uint64_t whole;
	int64_t integer;
	double decimal;
	int whole_result = hm_span_uint64(word, &whole);
	int integer_result = hm_span_int64(word, &integer);

	if (hm_span_double(word, &decimal) == 0 && !isfinite(decimal))
		abort();
	/* Both agree on what both can hold. */
	if (whole_result == 0 && whole <= INT64_MAX &&
	    (integer_result != 0 || integer != (int64_t)whole))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes)
{
	char *text = malloc(n_bytes + 1);
	const char *cursor = text;
	size_t n_used = 0;
	struct hm_span line;
	struct hm_span word;

	if (!text)
		return 0;
	memcpy(text, data, n_bytes);
	text[n_bytes] = '\0';
	while (hm_next_line(&cursor, &line)) {
		n_used += line.length;
		if (line.start < text || line.start + line.length > text + n_bytes)
			abort();
		while (hm_next_word(&line, &word)) {
			if (word.length == 0 || word.start + word.length > text + n_bytes)
				abort();
			read_numbers(word);
		}
	}
	if (n_used > n_bytes)
		abort();
	free(text);
	return 0;
}
