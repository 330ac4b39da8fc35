/* SPDX-License-Identifier: MIT */
/* Bytes that a page shows. */

#include "tests/support/hex_page.h"

#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BEGIN "```hex %s\n"
#define END   "```\n"

/* Read a line of bytes up to its comment. @return false: it has half a byte */
static bool take_line(const char *line, struct buffer *shown)
{
	for (; *line && *line != '#'; line++) {
		char digits[3] = {line[0], line[1], '\0'};

		if (!isxdigit((unsigned char)line[0]))
			continue;
		if (!isxdigit((unsigned char)line[1]))
			return false;
		buffer_append_byte(shown, (char)strtoul(digits, NULL, 16));
		line++;
	}
	return true;
}

static bool read_page(const char *path, const char *name, struct buffer *shown)
{
	FILE *page = fopen(path, "r");
	bool is_inside = false;
	bool is_good = true;
	char begin[64];
	char line[256];

	if (!page)
		return false;
	(void)snprintf(begin, sizeof(begin), BEGIN, name);
	while (is_good && fgets(line, sizeof(line), page)) {
		if (strcmp(line, begin) == 0)
			is_inside = true;
		else if (strcmp(line, END) == 0)
			is_inside = false;
		else if (is_inside)
			is_good = take_line(line, shown);
	}
	(void)fclose(page);
	return is_good && shown->length > 0;
}

bool hex_page_shows(const char *path, const char *name, const struct buffer *bytes)
{
	struct buffer shown = {0};
	bool is_same = read_page(path, name, &shown) && shown.length == bytes->length &&
		       memcmp(shown.data, bytes->data, shown.length) == 0;

	for (size_t i = 0; i < bytes->length && !is_same; i++)
		(void)fprintf(stderr, "%02x%s", (uint8_t)bytes->data[i],
			      i % 16 == 15 || i + 1 == bytes->length ? "\n" : " ");
	buffer_done(&shown);
	return is_same;
}
