/* SPDX-License-Identifier: MIT */
/* Tests of agent/ctl/import_source.c. */

#include "agent/ctl/import_source.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/ctl/import_parser.h"
#include "tests/support/scratch.h"

static const char *scratch;
static char path[4096];
static struct import_source source;
static struct interrupt interrupt;

static void setup(void)
{
	scratch = scratch_folder();
	(void)snprintf(path, sizeof(path), "%s/file", scratch);
	source.fd = -1;
	interrupt.fd = -1;
}

static void teardown(void)
{
	import_source_close(&source);
	scratch_remove(scratch);
}

TestSuite(import_source, .init = setup, .fini = teardown);

static void open_text(const char *text)
{
	FILE *file = fopen(path, "w");

	cr_assert_not_null(file);
	cr_assert_geq(fputs(text, file), 0);
	cr_assert_eq(fclose(file), 0);
	cr_assert_eq(import_source_open(&source, path), 0);
}

static void expect(uint64_t number, const char *expected)
{
	const char *line;
	size_t length;

	cr_assert_eq(import_source_next(&source, &interrupt, &line, &length), 1);
	cr_expect_eq(source.number, number);
	cr_expect_eq(length, strlen(expected));
	cr_expect_arr_eq(line, expected, length);
}

static int next(void)
{
	const char *line;
	size_t length;

	return import_source_next(&source, &interrupt, &line, &length);
}

Test(import_source, gives_lines_with_their_numbers)
{
	open_text("a\n\nb\r\nlast");
	expect(1, "a");
	expect(2, "");
	expect(3, "b\r");
	expect(4, "last");
	cr_expect_eq(next(), 0);
	cr_expect_eq(next(), 0);
}

Test(import_source, passes_over_the_rest_of_a_line_that_is_too_long)
{
	size_t length = (size_t)IMPORT_LINE_MAX_BYTES * 3;
	char *text = calloc(1, length + 16);

	memset(text, 'x', length);
	text[0] = 'a';
	text[1] = '\n';
	memcpy(text + length, "\nb\n", sizeof("\nb\n"));
	open_text(text);
	free(text);
	expect(1, "a");
	cr_expect_eq(next(), -EMSGSIZE);
	cr_expect_eq(source.number, 2);
	expect(3, "b");
	cr_expect_eq(next(), 0);
}

Test(import_source, gives_lines_that_are_cut_by_its_reads)
{
	char *text = calloc(1, 300000);
	char line[64];

	for (int i = 0; i < 10000; i++)
		(void)sprintf(text + strlen(text), "line %d\n", i);
	open_text(text);
	free(text);
	for (int i = 0; i < 10000; i++) {
		(void)sprintf(line, "line %d", i);
		expect((uint64_t)i + 1, line);
	}
	cr_expect_eq(next(), 0);
}

Test(import_source, says_what_cannot_be_read)
{
	cr_expect_eq(import_source_open(&source, "/no/such/file"), -ENOENT);
	cr_expect_eq(import_source_open(&source, scratch), -EISDIR);
}
