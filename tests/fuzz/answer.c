/* SPDX-License-Identifier: MIT */
/* Fuzz target: agent/ctl/answer.c and every format, on what a hostile daemon could answer. */

#include "agent/ctl/answer.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/ctl/output.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes);

static int take_columns(void *context, const struct answer_columns *columns)
{
	return output_begin(context, columns);
}

static int take_row(void *context, char *const words[])
{
	return output_row(context, words);
}

static int take_note(void *context, const char *text)
{
	(void)context;
	(void)text;
	return 0;
}

static const struct answer_handler handler = {
	.columns = take_columns,
	.row = take_row,
	.note = take_note,
};

/* Nothing printed may hold a control byte but those that end lines and fields. */
static void check(const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		unsigned char byte = (unsigned char)text[i];

		if (byte == 0x7f || (byte < 0x20 && !strchr("\t\r\n", byte)))
			abort();
	}
}

/* Feed the answer in pieces of this size. */
static void print(const struct output_format *format, const char *bytes, size_t n_bytes,
		  size_t piece)
{
	struct output output;
	struct answer answer;
	char *text = NULL;
	size_t length = 0;
	FILE *file = open_memstream(&text, &length);
	int result = 0;

	output_init(&output, format, file);
	output.wants_age = true;
	output.now_us = INT64_C(1795416401250000);
	answer_init(&answer, &handler, &output);
	for (size_t at = 0; at < n_bytes && result >= 0; at += piece)
		result = answer_feed(&answer, bytes + at,
				     n_bytes - at < piece ? n_bytes - at : piece);
	if (result == 1 && output_end(&output) < 0)
		abort();
	answer_done(&answer);
	output_done(&output);
	if (fclose(file) != 0)
		abort();
	check(text, length);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes)
{
	print(&output_table, (const char *)data, n_bytes, n_bytes);
	print(&output_plain, (const char *)data, n_bytes, 7);
	print(&output_json, (const char *)data, n_bytes, n_bytes);
	print(&output_csv, (const char *)data, n_bytes, n_bytes);
	return 0;
}
