/* SPDX-License-Identifier: MIT */
/* Tests that docs/format.md shows the bytes that are written. */

#include <criterion/criterion.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/metric_file.h"

/* Between these lines of the page stand the bytes, in hexadecimal; words behind '#' are for people. */
#define BEGIN "```hex metric-file\n"
#define END   "```\n"

static struct buffer written;
static struct buffer shown;

static void teardown(void)
{
	buffer_done(&written);
	buffer_done(&shown);
}

TestSuite(format_page, .fini = teardown);

/* The file that the page describes: two series, three seconds. */
static void write_example(void)
{
	static const uint8_t store_id[HM_ID_BYTES] = {0x00, 0x11, 0x22, 0x33, 0x44, 0x55,
						      0x66, 0x77, 0x88, 0x99, 0xaa, 0xbb,
						      0xcc, 0xdd, 0xee, 0xff};
	static const struct metric_file_sample first[] = {
		{1795416401000000, 20.5}, {1795416402000000, 20.5}, {1795416403000000, 21}};
	static const struct metric_file_sample second[] = {{1795416401000000, 30},
							   {1795416403000000, 31}};
	static const struct store_file_series series[] = {{0, "{zone=\"0\"}", 10},
							  {1, "{zone=\"1\"}", 10}};
	static const struct metric_file_column columns[] = {{0, first, 3}, {1, second, 2}};
	struct metric_file_addition addition = {
		.store_id = store_id,
		.host = "web01",
		.metric = "temp",
		.type = HM_FILE_METRIC,
		.kind = HM_STORED_GAUGE,
		.unit = "celsius",
		.series = series,
		.n_series = 2,
		.columns = columns,
		.n_columns = 2,
		.position = UINT64_C(0x100000040),
	};
	struct metric_file_end end = {.salt = 0x0badcafe};
	struct block_encoder *encoder = block_encoder_new();

	cr_assert(encoder);
	cr_assert_eq(metric_file_encode(encoder, &addition, &end, &written), 0);
	block_encoder_free(encoder);
}

/* Read a line of bytes up to its comment. */
static void take_line(const char *line)
{
	for (; *line && *line != '#'; line++) {
		char digits[3] = {line[0], line[1], '\0'};

		if (!isxdigit((unsigned char)line[0]))
			continue;
		cr_assert(isxdigit((unsigned char)line[1]));
		buffer_append_byte(&shown, (char)strtoul(digits, NULL, 16));
		line++;
	}
}

static void read_page(void)
{
	FILE *page = fopen("docs/format.md", "r");
	char line[256];
	bool is_inside = false;

	cr_assert(page);
	while (fgets(line, sizeof(line), page)) {
		if (strcmp(line, BEGIN) == 0)
			is_inside = true;
		else if (strcmp(line, END) == 0)
			is_inside = false;
		else if (is_inside)
			take_line(line);
	}
	(void)fclose(page);
}

Test(format_page, shows_the_bytes_of_a_metric_file)
{
	bool is_same;

	write_example();
	read_page();

	is_same = shown.length == written.length &&
		  memcmp(shown.data, written.data, shown.length) == 0;
	for (size_t i = 0; i < written.length && !is_same; i++)
		(void)fprintf(stderr, "%02x%s", (uint8_t)written.data[i],
			      i % 16 == 15 || i + 1 == written.length ? "\n" : " ");
	cr_expect(is_same, "docs/format.md shows other bytes than these");
}
