/* SPDX-License-Identifier: MIT */
/* The samples of a request to import. */

#include "collector/import_lines.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "collector/catalog.h"
#include "common/decimal.h"
#include "common/text.h"

/* Cut a text at the next TAB. @return what stands before it; NULL: there is none */
static char *take_word(char **rest)
{
	char *word = *rest;
	char *tab = strchr(word, '\t');

	if (!tab)
		return NULL;
	*tab = '\0';
	*rest = tab + 1;
	return word;
}

static bool is_clean(const char *text, size_t max_bytes)
{
	size_t length = strlen(text);

	return length <= max_bytes && text_is_clean(text, length);
}

/* What is behind the `n`. */
static enum hm_reason take_name(struct import_lines *lines, char *text)
{
	struct line *line = &lines->bundle.line;
	const char *host = take_word(&text);
	const char *kind = host ? take_word(&text) : NULL;
	const char *unit = kind ? take_word(&text) : NULL;
	enum hm_reason reason;
	size_t used;

	if (!unit || !is_clean(host, HM_HOST_NAME_MAX_BYTES) || !is_clean(unit, HM_UNIT_MAX_BYTES))
		return HM_REASON_BAD_NAME;
	lines->meta = (struct bundle_meta){.unit = unit, .unit_length = strlen(unit)};
	if (strcmp(kind, "gauge") == 0)
		lines->meta.kind = HM_STORED_GAUGE;
	else if (strcmp(kind, "counter") == 0)
		lines->meta.kind = HM_STORED_COUNTER;
	line->name = (struct series_text){text, strlen(text)};
	line->host = (struct series_text){.start = *host ? host : NULL, .length = strlen(host)};
	reason = series_parse(&line->series, text, line->name.length, &used);
	if (reason == HM_REASON_NONE && used != line->name.length)
		reason = HM_REASON_BAD_NAME;
	/* The host is no label: another one would be lost among them. */
	if (reason == HM_REASON_NONE && series_take_label(&line->series, "host").start)
		reason = HM_REASON_BAD_LABELS;
	return reason;
}

/* What is behind the `s`. @return HM_REASON_NONE, with time and value in the bundle's line */
static enum hm_reason take_numbers(struct import_lines *lines, const char *text)
{
	struct line *line = &lines->bundle.line;
	char *end;

	errno = 0;
	line->time_us = strtoimax(text, &end, 10);
	if (end == text || *end != ' ' || errno != 0 || line->time_us == CATALOG_NO_TIME)
		return HM_REASON_BAD_TIME;
	text = end + 1;
	if (strlen(text) > 16 || strspn(text, "0123456789abcdef") != strlen(text) || !*text)
		return HM_REASON_BAD_VALUE;
	line->value = decimal_from_bits(strtoumax(text, NULL, 16));
	return HM_REASON_NONE;
}

static void take_sample(struct import_lines *lines, const char *text)
{
	struct bundle *bundle = &lines->bundle;
	enum hm_reason reason = lines->named;

	if (reason == HM_REASON_NONE)
		reason = take_numbers(lines, text);
	if (reason == HM_REASON_NONE)
		reason = bundle_add(bundle, &bundle->line, lines->hostname, &lines->meta);
	if (reason == HM_REASON_NONE)
		lines->index[bundle->n_samples - 1] = lines->n_samples;
	else
		lines->refuse(lines->context, lines->n_samples, reason);
	lines->n_samples++;
}

bool import_lines_take(struct import_lines *lines, char *text)
{
	while (*text != '\0') {
		char *end = strchr(text, '\n');

		if (!end)
			return false;
		*end = '\0';
		if (*text == 'n')
			lines->named = take_name(lines, text + 1);
		else if (*text == 's' && lines->n_samples < IMPORT_LINES_SAMPLES_MAX)
			take_sample(lines, text + 1);
		else
			return false;
		text = end + 1;
	}
	return true;
}
