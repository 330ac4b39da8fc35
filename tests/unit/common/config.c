/* SPDX-License-Identifier: MIT */
/* Tests of common/config.c. */

#include "common/config.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "tests/support/scratch.h"

static struct config config;
static struct config_error error;
static const char *folder;

static void teardown(void)
{
	config_done(&config);
	scratch_remove(folder);
}

static int read_text(const char *text)
{
	return config_read_text(&config, "agent.conf", text, strlen(text), &error);
}

/* Check that entry number i is this. */
static void expect_entry(size_t i, int line_number, const char *section, const char *key,
			 const char *value)
{
	const struct config_entry *entry = &config.entries[i];

	cr_assert_lt(i, config.n_entries);
	cr_expect_eq(entry->line_number, line_number, "entry %zu: line %d", i, entry->line_number);
	cr_expect_str_eq(entry->section, section);
	cr_expect_str_eq(entry->key, key);
	cr_expect_str_eq(entry->value, value);
}

static void expect_refused(const char *text, const char *sentence)
{
	error.text[0] = '\0';
	cr_expect_eq(read_text(text), -EINVAL, "taken: %s", text);
	cr_expect_str_eq(error.text, sentence);
}

static const char *path_of(const char *name)
{
	static char path[256];

	if (!folder)
		folder = scratch_folder();
	(void)snprintf(path, sizeof(path), "%s/%s", folder, name);
	return path;
}

static void write_file(const char *name, const char *text, size_t length)
{
	FILE *file = fopen(path_of(name), "w");

	cr_assert_not_null(file);
	cr_assert_eq(fwrite(text, 1, length, file), length);
	cr_assert_eq(fclose(file), 0);
}

TestSuite(config, .fini = teardown);

Test(config, reads_sections_keys_and_values)
{
	cr_assert_eq(read_text("# comment\n"
			       "[agent]\n"
			       "interval = 10s\n"
			       "\n"
			       "; comment\n"
			       "name: web01 ; the host\n"
			       "[plugin cpu]\n"
			       "enabled=no\n"
			       "empty =\n"),
		     0, "%s", error.text);

	cr_expect_eq(config.n_entries, 4);
	expect_entry(0, 3, "agent", "interval", "10s");
	expect_entry(1, 6, "agent", "name", "web01");
	expect_entry(2, 8, "plugin cpu", "enabled", "no");
	expect_entry(3, 9, "plugin cpu", "empty", "");
	cr_expect_str_eq(config.entries[0].file, "agent.conf");
}

Test(config, takes_files_of_other_systems)
{
	cr_assert_eq(read_text("\xef\xbb\xbf[agent]\r\n\r\ninterval = 10s\r\n# x\r\nname = a b"), 0,
		     "%s", error.text);

	cr_expect_eq(config.n_entries, 2);
	expect_entry(0, 3, "agent", "interval", "10s");
	expect_entry(1, 5, "agent", "name", "a b");
}

/* inih alone would add an indented line to the value above it. */
Test(config, takes_indented_lines_as_lines_of_their_own)
{
	cr_assert_eq(
		read_text("  [agent]\n\tinterval = 10s\n   name = x\n \v\f listen = y\n\t# no\n"),
		0, "%s", error.text);

	cr_expect_eq(config.n_entries, 3);
	expect_entry(0, 2, "agent", "interval", "10s");
	expect_entry(1, 3, "agent", "name", "x");
	expect_entry(2, 4, "agent", "listen", "y");
	expect_refused("[agent]\nname = x\n   y\n",
		       "agent.conf:3: neither [section] nor key = value; comments begin with #");
}

Test(config, takes_nothing_for_an_empty_file)
{
	cr_expect_eq(read_text(""), 0);
	cr_expect_eq(read_text("\n\n"), 0);
	cr_expect_eq(read_text("[agent]"), 0);
	cr_expect_eq(config.n_entries, 0);
}

Test(config, says_where_and_what_is_wrong)
{
	expect_refused("[agent]\nwhat\n",
		       "agent.conf:2: neither [section] nor key = value; comments begin with #");
	expect_refused("[agent]\nwhat ; = x\n",
		       "agent.conf:2: neither [section] nor key = value; comments begin with #");
	expect_refused("[agent\ninterval = 1s\n",
		       "agent.conf:1: the ']' behind the section's name is missing");
	expect_refused("[agent ;]\ninterval = 1s\n",
		       "agent.conf:1: neither [section] nor key = value; comments begin with #");
	expect_refused(
		"\n[agent] interval = 1s\n",
		"agent.conf:2: there is more on this line than [section]; put keys on lines of "
		"their own");
	expect_refused("[]\na = 1\n", "agent.conf:1: the section has no name; write [name]");
	expect_refused("interval = 1s\n",
		       "agent.conf:1: a key before the first [section]; put it below one");
	expect_refused("[agent]\n = 1s\n", "agent.conf:2: no key before the '='");
	expect_refused("[agent]\nname = \x1b[31m\n", "agent.conf:2: bytes that are not UTF-8 text");
	expect_refused("[agent]\nname = \xff\n", "agent.conf:2: bytes that are not UTF-8 text");
	expect_refused("[a\xff]\nname = x\n", "agent.conf:2: bytes that are not UTF-8 text");
	cr_expect_eq(config.n_entries, 0);
}

Test(config, keeps_what_stands_before_an_error_and_takes_nothing_behind_it)
{
	cr_expect_eq(read_text("[agent]\nname = 1\nwrong\nname = 2\n"), -EINVAL);
	cr_assert_eq(config.n_entries, 1);
	expect_entry(0, 2, "agent", "name", "1");
}

Test(config, refuses_a_hash_that_was_meant_as_a_comment)
{
	static const char sentence[] =
		"agent.conf:2: a '#' behind a value does not begin a comment; put the comment on a "
		"line of its own, or write ';'";

	expect_refused("[agent]\nsocket = /run/x # ours\n", sentence);
	expect_refused("[agent]\nsocket = /run/x\t# ours\n", sentence);
	expect_refused("[agent]\nuser = # nobody\n", sentence);

	config_done(&config);
	cr_assert_eq(read_text("[agent]\nname = a#b\n"), 0, "%s", error.text);
	expect_entry(0, 2, "agent", "name", "a#b");
}

Test(config, refuses_nul_bytes)
{
	static const char text[] = "[agent]\nname = a\0b\n";

	cr_expect_eq(config_read_text(&config, "agent.conf", text, sizeof(text) - 1, &error),
		     -EINVAL);
	cr_expect_str_eq(error.text, "agent.conf:2: a NUL byte; this is not a text file");
}

Test(config, refuses_lines_that_inih_would_cut)
{
	char text[300] = "[agent]\nname = ";
	size_t begin = strlen(text);

	memset(text + begin, 'x', sizeof(text) - begin);
	text[8 + 198] = '\0';
	cr_expect_eq(read_text(text), 0, "%s", error.text);
	cr_expect_eq(strlen(config.entries[0].value), 198 - strlen("name = "));
	text[8 + 198] = 'x';
	text[8 + 199] = '\0';
	expect_refused(text, "agent.conf:2: the line is longer than 198 bytes; shorten it");
}

Test(config, takes_comments_of_any_length)
{
	struct buffer text = {0};

	buffer_append_text(&text, "[agent]\n# ");
	for (int i = 0; i < 1000; i++)
		buffer_append_byte(&text, '=');
	buffer_append_text(&text, "\nname = a");
	cr_assert_eq(read_text(buffer_text(&text)), 0, "%s", error.text);
	buffer_done(&text);
	cr_assert_eq(config.n_entries, 1);
	expect_entry(0, 3, "agent", "name", "a");
}

Test(config, refuses_sections_that_inih_would_cut)
{
	char text[100];

	(void)snprintf(text, sizeof(text), "[%048d]\na = 1\n", 7);
	cr_assert_eq(read_text(text), 0, "%s", error.text);
	cr_expect_eq(strlen(config.entries[0].section), 48);
	(void)snprintf(text, sizeof(text), "[%049d]\na = 1\n", 7);
	expect_refused(text, "agent.conf:1: the section's name is longer than 48 bytes");
}

Test(config, takes_long_keys_whole)
{
	char text[160];

	(void)snprintf(text, sizeof(text), "[agent]\n%060d = 1\n%060d = 2\n", 7, 8);
	cr_assert_eq(read_text(text), 0, "%s", error.text);
	cr_expect_eq(config.n_entries, 2);
	cr_expect_eq(strlen(config.entries[0].key), 60);
}

Test(config, refuses_large_files)
{
	size_t length = ((size_t)1 << 20) + 1;
	char *text = malloc(length);

	cr_assert_not_null(text);
	memset(text, '\n', length);
	cr_expect_eq(config_read_text(&config, "agent.conf", text, length, &error), -EFBIG);
	cr_expect_str_eq(error.text, "agent.conf: larger than 1 MiB; this is no configuration");
	cr_expect_eq(config_read_text(&config, "agent.conf", text, length - 1, &error), 0);
	memset(text, 'x', length);
	cr_expect_eq(config_read_text(&config, "agent.conf", text, length - 1, &error), -EINVAL);
	free(text);
}

Test(config, reads_a_file_and_then_its_folder_in_the_order_of_names)
{
	write_file("a.conf", "[agent]\nname = 1\n", 17);
	cr_assert_eq(mkdir(path_of("a.conf.d"), 0755), 0);
	write_file("a.conf.d/20-b.conf", "[agent]\nname = 3\n", 17);
	write_file("a.conf.d/10-a.conf", "[agent]\nname = 2\n", 17);
	write_file("a.conf.d/B.conf", "[agent]\nname = 4\n", 17);
	write_file("a.conf.d/notes.txt", "not read", 8);
	write_file("a.conf.d/30-c.conf~", "not read", 8);
	write_file("a.conf.d/.hidden.conf", "not read", 8);

	cr_assert_eq(config_read(&config, path_of("a.conf"), &error), 0, "%s", error.text);

	cr_assert_eq(config.n_entries, 4);
	for (size_t i = 0; i < 4; i++) {
		char value[] = {(char)('1' + i), '\0'};

		expect_entry(i, 2, "agent", "name", value);
	}
	cr_expect_str_eq(config.entries[1].file, path_of("a.conf.d/10-a.conf"));
}

Test(config, names_the_file_that_is_wrong)
{
	char expected[512];

	write_file("a.conf", "[agent]\n", 8);
	cr_assert_eq(mkdir(path_of("a.conf.d"), 0755), 0);
	write_file("a.conf.d/x.conf", "[agent]\nwrong\n", 14);
	(void)snprintf(expected, sizeof(expected), "%s:2: neither", path_of("a.conf.d/x.conf"));

	cr_expect_eq(config_read(&config, path_of("a.conf"), &error), -EINVAL);
	cr_expect_eq(strncmp(error.text, expected, strlen(expected)), 0, "%s", error.text);
}

Test(config, says_which_file_it_cannot_read)
{
	char expected[512];

	(void)snprintf(expected, sizeof(expected), "cannot open '%s': No such file or directory",
		       path_of("none.conf"));
	cr_expect_eq(config_read(&config, path_of("none.conf"), &error), -ENOENT);
	cr_expect_str_eq(error.text, expected);

	(void)snprintf(expected, sizeof(expected), "cannot read '%s': Is a directory", folder);
	cr_expect_eq(config_read(&config, folder, &error), -EISDIR);
	cr_expect_str_eq(error.text, expected);
	cr_expect_eq(config_read(&config, "/dev/zero", &error), -EFBIG);
}
