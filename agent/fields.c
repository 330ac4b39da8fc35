/* SPDX-License-Identifier: MIT */
/* Numbers that stand behind a word, on a line of their own. */

#include <errno.h>
#include <string.h>

#include "hostmetrics/sysfs.h"

/* A table has at most this many fields; what is behind is passed over. */
#define FIELDS_MAX 512

/* Which fields of the table there were. */
struct seen {
	uint64_t bits[FIELDS_MAX / 64];
};

static bool see(struct seen *seen, size_t i)
{
	uint64_t bit = UINT64_C(1) << (i % 64);
	bool is_new = (seen->bits[i / 64] & bit) == 0;

	seen->bits[i / 64] |= bit;
	return is_new;
}

/* The field of a word, looked for from `next` on, around the table's end. @return n_fields: there is none */
static size_t find_field(const struct hm_field *fields, size_t n_fields, size_t next,
			 struct hm_span word)
{
	for (size_t i = 0; i < n_fields; i++) {
		size_t at = next + i < n_fields ? next + i : next + i - n_fields;

		/* Most lines of /proc/vmstat are in no table: the first byte tells that quickly. */
		if (*fields[at].word == *word.start && hm_span_equals(word, fields[at].word))
			return at;
	}
	return n_fields;
}

static size_t emit_field(struct hm_batch *out, const struct hm_field *field, struct hm_span line)
{
	struct hm_span word;
	double number;
	int result = hm_next_word(&line, &word) ? hm_span_double(word, &number) : -ENODATA;

	if (result < 0) {
		hm_emit_missing(out, field->metric, result);
		return 0;
	}
	hm_emit(out, field->metric, field->factor != 0 ? number * field->factor : number);
	return 1;
}

size_t hm_fields_emit(struct hm_batch *out, const char *text, const struct hm_field *fields,
		      size_t n_fields)
{
	struct seen seen = {0};
	struct hm_span line;
	size_t n_values = 0;
	size_t next = 0;

	if (n_fields > FIELDS_MAX)
		n_fields = FIELDS_MAX;
	while (hm_next_line(&text, &line)) {
		struct hm_span word;
		size_t found;

		if (!hm_next_word(&line, &word))
			continue;
		found = find_field(fields, n_fields, next, word);
		if (found == n_fields)
			continue;
		next = found + 1 < n_fields ? found + 1 : 0;
		if (see(&seen, found))
			n_values += emit_field(out, &fields[found], line);
	}
	return n_values;
}
