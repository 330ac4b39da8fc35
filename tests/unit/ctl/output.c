/* SPDX-License-Identifier: MIT */
/* Tests of agent/ctl/output.c. */

#include "agent/ctl/output.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>

static const struct answer_columns columns = {
	.n = 1,
	.at = {{"a", ANSWER_TEXT}},
};

Test(output, finds_every_format_by_name)
{
	for (size_t i = 0; output_names[i]; i++) {
		const struct output_format *format = output_find_format(output_names[i]);

		cr_assert_not_null(format, "%s", output_names[i]);
		cr_expect_str_eq(format->name, output_names[i]);
	}
	cr_expect_null(output_find_format("xml"));
	cr_expect_null(output_find_format(""));
}

Test(output, prints_rows_as_they_come)
{
	char *text = NULL;
	size_t length;
	FILE *file = open_memstream(&text, &length);
	char word[] = "x";
	char *const words[] = {word};
	struct output output;

	output_init(&output, &output_plain, file);
	cr_expect_eq(output_begin(&output, &columns), 0);
	cr_expect_eq(output_row(&output, words), 0);
	cr_expect_eq(output_break(&output), 0);
	cr_expect_str_eq(text, "x\n");
	output_done(&output);
	(void)fclose(file);
	free(text);
}

/* Print rows to a device until it fails. @return what printing told */
static int print_to(const char *path)
{
	FILE *file = fopen(path, "w");
	char word[] = "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx";
	char *const words[] = {word};
	struct output output;
	int error;

	cr_assert_not_null(file);
	output_init(&output, &output_plain, file);
	error = output_begin(&output, &columns);
	for (int i = 0; i < 100000 && error == 0; i++)
		error = output_row(&output, words);
	if (error == 0)
		error = output_end(&output);
	output_done(&output);
	(void)fclose(file);
	return error;
}

Test(output, tells_when_nothing_more_can_be_written)
{
	cr_expect_eq(print_to("/dev/null"), 0);
	cr_expect_eq(print_to("/dev/full"), -ENOSPC);
}

Test(output, tells_it_at_the_end_at_the_latest)
{
	FILE *file = fopen("/dev/full", "w");
	struct output output;

	output_init(&output, &output_json, file);
	cr_expect_eq(output_begin(&output, &columns), 0, "still in the buffer");
	cr_expect_eq(output_end(&output), -ENOSPC);
	output_done(&output);
	(void)fclose(file);
}

Test(output, tells_when_there_is_no_memory)
{
	struct output output;

	output_init(&output, &output_plain, stdout);
	cr_expect_eq(output_begin(&output, &columns), 0);
	output.text.failed = true;
	cr_expect_eq(output_break(&output), -ENOMEM);
	output_done(&output);
}
