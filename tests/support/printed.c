/* SPDX-License-Identifier: MIT */
/* What agentctl prints for an answer, for the tests of its formats. */

#include "tests/support/printed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

static void require(int is_well, const char *what)
{
	if (!is_well) {
		fprintf(stderr, "printed_answer: %s\n", what);
		abort();
	}
}

char *printed_answer(const struct output_format *format, const char *answer, int64_t now_us)
{
	struct output output;
	struct answer parsed;
	char *printed = NULL;
	size_t length;
	FILE *file = open_memstream(&printed, &length);

	require(file != NULL, "open_memstream");
	output_init(&output, format, file);
	output.wants_age = now_us != PRINTED_NO_AGE;
	output.now_us = now_us;
	answer_init(&parsed, &handler, &output);
	require(answer_feed(&parsed, answer, strlen(answer)) == 1, "not a whole answer");
	require(output_end(&output) == 0, "output_end");
	answer_done(&parsed);
	output_done(&output);
	require(fclose(file) == 0, "fclose");
	return printed;
}
