/* SPDX-License-Identifier: MIT */
/* Configuration files: their entries. */

#include "common/config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <ini.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/text.h"

#define FILE_MAX_BYTES ((size_t)1 << 20)
#define READ_BYTES     ((size_t)16 << 10)
/* inih cuts longer names of sections without a word. */
#define SECTION_MAX_BYTES 48
#define BYTE_ORDER_MARK   "\xef\xbb\xbf"

void config_error_printf(struct config_error *error, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(error->text, sizeof(error->text), format, arguments);
	va_end(arguments);
}

/* A file while inih reads it. */
struct reading {
	struct config *config;
	const char *path;
	const char *at;
	const char *end;
	int line_number; /* of the line that inih has now */
	int result;      /* the first thing wrong: -errno, said in *error */
	struct config_error *error;
};

/* What inih takes for blanks, but the newline. */
static bool is_blank(char byte)
{
	return byte == ' ' || byte == '\t' || byte == '\v' || byte == '\f' || byte == '\r';
}

static void fail_line(struct reading *reading, const char *what)
{
	config_error_printf(reading->error, "%s:%d: %s", reading->path, reading->line_number, what);
	reading->result = -EINVAL;
}

/* Check `[section]`: what inih would cut or pass over in silence. */
static void check_section(struct reading *reading, const char *line, size_t length)
{
	const char *end = line + length;
	const char *bracket = memchr(line, ']', length);
	const char *behind;

	if (!bracket) {
		fail_line(reading, "the ']' behind the section's name is missing");
		return;
	}
	behind = bracket + 1;
	while (behind < end && is_blank(*behind))
		behind++;
	if (behind < end && *behind != ';' && *behind != '#') {
		fail_line(reading, "there is more on this line than [section]; put keys on lines "
				   "of their own");
	} else if (bracket - line - 1 > SECTION_MAX_BYTES) {
		fail_line(reading, "the section's name is longer than 48 bytes");
	} else if (bracket == line + 1) {
		fail_line(reading, "the section has no name; write [name]");
	}
}

static bool is_assignment(const char *line, size_t length)
{
	return memchr(line, '=', length) || memchr(line, ':', length);
}

static bool is_comment(const char *line, size_t length)
{
	return length > 0 && (*line == '#' || *line == ';');
}

/* Check a line, without indentation and newline, before inih gets it. */
static void check_line(struct reading *reading, const char *line, size_t length, size_t max_bytes)
{
	if (memchr(line, '\0', length)) {
		fail_line(reading, "a NUL byte; this is not a text file");
	} else if (is_comment(line, length)) {
		return;
	} else if (length > max_bytes) {
		config_error_printf(reading->error,
				    "%s:%d: the line is longer than %zu bytes; shorten it",
				    reading->path, reading->line_number, max_bytes);
		reading->result = -EINVAL;
	} else if (length > 0 && *line == '[') {
		check_section(reading, line, length);
	} else if (length > 0 && !is_assignment(line, length)) {
		fail_line(reading, "neither [section] nor key = value; comments begin with #");
	}
}

/*
 * inih's reader, like fgets(3): give it the next line. The indentation is left out, because inih
 * would take an indented line as more of the value before it, and add it under the same key.
 */
static char *read_line(char *out, int size, void *stream)
{
	struct reading *reading = stream;
	const char *line = reading->at;
	const char *newline;
	size_t length;

	if (reading->result < 0 || line == reading->end)
		return NULL;
	newline = memchr(line, '\n', (size_t)(reading->end - line));
	reading->at = newline ? newline + 1 : reading->end;
	reading->line_number++;
	while (line < reading->at && is_blank(*line))
		line++;
	length = (size_t)((newline ? newline : reading->end) - line);

	/* Room for newline and NUL; what does not fit, inih would read as two lines. */
	check_line(reading, line, length, (size_t)size - 2);
	if (reading->result < 0)
		return NULL;
	/* A comment may be longer than inih's line. */
	if (is_comment(line, length))
		length = 0;
	memcpy(out, line, length);
	out[length] = '\n';
	out[length + 1] = '\0';
	return out;
}

static int grow(struct config *config)
{
	size_t capacity = config->capacity ? config->capacity * 2 : 16;
	struct config_entry *entries;

	if (config->n_entries < config->capacity)
		return 0;
	entries = reallocarray(config->entries, capacity, sizeof(*entries));
	if (!entries)
		return -ENOMEM;
	config->entries = entries;
	config->capacity = capacity;
	return 0;
}

static void entry_done(struct config_entry *entry)
{
	free(entry->file);
	free(entry->section);
	free(entry->key);
	free(entry->value);
}

static int add_entry(struct reading *reading, const char *section, const char *key,
		     const char *value)
{
	struct config_entry entry = {
		.file = strdup(reading->path),
		.line_number = reading->line_number,
		.section = strdup(section),
		.key = strdup(key),
		.value = strdup(value),
	};

	if (!entry.file || !entry.section || !entry.key || !entry.value ||
	    grow(reading->config) < 0) {
		entry_done(&entry);
		return -ENOMEM;
	}
	reading->config->entries[reading->config->n_entries++] = entry;
	return 0;
}

static bool is_clean(const char *text)
{
	return text_is_clean(text, strlen(text));
}

/* A person means a comment, and inih would make it a part of the value. */
static bool has_comment(const char *value)
{
	return *value == '#' || strstr(value, " #") || strstr(value, "\t#");
}

/* @return what is wrong with an entry, or NULL */
static const char *find_problem(const char *section, const char *key, const char *value)
{
	if (!*section)
		return "a key before the first [section]; put it below one";
	if (!*key)
		return "no key before the '='";
	if (has_comment(value)) {
		return "a '#' behind a value does not begin a comment; put the comment on a line "
		       "of its own, or write ';'";
	}
	if (!is_clean(section) || !is_clean(key) || !is_clean(value))
		return "bytes that are not UTF-8 text";
	return NULL;
}

/* inih's handler. @return 0 on failure, as inih wants it */
static int take_entry(void *user, const char *section, const char *key, const char *value)
{
	struct reading *reading = user;
	const char *problem = find_problem(section, key, value);

	/* inih itself does not stop. */
	if (reading->result < 0)
		return 0;
	if (problem)
		fail_line(reading, problem);
	else
		reading->result = add_entry(reading, section, key, value);
	if (reading->result == -ENOMEM)
		config_error_printf(reading->error, "%s: out of memory", reading->path);
	return reading->result == 0;
}

int config_read_text(struct config *config, const char *path, const char *text, size_t length,
		     struct config_error *error)
{
	struct reading reading = {
		.config = config,
		.path = path,
		.at = text,
		.end = text + length,
		.error = error,
	};
	int line_number;

	if (length > FILE_MAX_BYTES) {
		config_error_printf(error, "%s: larger than 1 MiB; this is no configuration", path);
		return -EFBIG;
	}
	if (length >= strlen(BYTE_ORDER_MARK) &&
	    memcmp(text, BYTE_ORDER_MARK, strlen(BYTE_ORDER_MARK)) == 0)
		reading.at += strlen(BYTE_ORDER_MARK);
	line_number = ini_parse_stream(read_line, &reading, take_entry, &reading);
	/* Some builds of inih take their line from the heap. */
	if (line_number < 0 && reading.result == 0) {
		config_error_printf(error, "%s: out of memory", path);
		return -ENOMEM;
	}
	/* The first line that inih itself could not read, which does not make it stop. */
	if (line_number > 0 && (reading.result == 0 || line_number < reading.line_number)) {
		reading.line_number = line_number;
		fail_line(&reading, "neither [section] nor key = value; comments begin with #");
	}
	return reading.result;
}

/* Read all of a descriptor. @return 0; -EFBIG; -ENOMEM; -errno */
static int read_all(int fd, struct buffer *out)
{
	ssize_t n;

	do {
		if (out->length > FILE_MAX_BYTES)
			return -EFBIG;
		if (buffer_reserve(out, READ_BYTES) < 0)
			return -ENOMEM;
		n = read(fd, out->data + out->length, READ_BYTES);
		if (n > 0)
			out->length += (size_t)n;
	} while (n > 0 || (n < 0 && errno == EINTR));
	return n < 0 ? -errno : 0;
}

static int read_file(struct config *config, const char *path, struct config_error *error)
{
	struct buffer text = {0};
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	int result;

	if (fd < 0) {
		result = -errno;
		config_error_printf(error, "cannot open '%s': %s", path, strerror(-result));
		return result;
	}
	result = read_all(fd, &text);
	(void)close(fd); /* only read from */
	if (result == -EFBIG) {
		config_error_printf(error, "%s: larger than 1 MiB; this is no configuration", path);
	} else if (result < 0) {
		config_error_printf(error, "cannot read '%s': %s", path, strerror(-result));
	} else {
		result = config_read_text(config, path, buffer_text(&text), text.length, error);
	}
	buffer_done(&text);
	return result;
}

static int is_conf(const struct dirent *entry)
{
	return fnmatch("*.conf", entry->d_name, FNM_PERIOD) == 0;
}

/* By bytes: alphasort(3) would ask the locale. */
static int compare_names(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int read_file_below(struct config *config, const char *folder, const char *name,
			   struct config_error *error)
{
	char *path;
	int result;

	if (asprintf(&path, "%s/%s", folder, name) < 0) {
		config_error_printf(error, "%s: out of memory", folder);
		return -ENOMEM;
	}
	result = read_file(config, path, error);
	free(path);
	return result;
}

static int read_folder(struct config *config, const char *folder, struct config_error *error)
{
	struct dirent **names;
	int n = scandir(folder, &names, is_conf, compare_names);
	int result = 0;

	if (n < 0 && errno == ENOENT)
		return 0;
	if (n < 0) {
		result = -errno;
		config_error_printf(error, "cannot read the folder '%s': %s", folder,
				    strerror(-result));
		return result;
	}
	for (int i = 0; i < n; i++) {
		if (result == 0)
			result = read_file_below(config, folder, names[i]->d_name, error);
		free(names[i]);
	}
	free((void *)names);
	return result;
}

int config_read(struct config *config, const char *path, struct config_error *error)
{
	char *folder;
	int result = read_file(config, path, error);

	if (result < 0)
		return result;
	if (asprintf(&folder, "%s.d", path) < 0) {
		config_error_printf(error, "%s: out of memory", path);
		return -ENOMEM;
	}
	result = read_folder(config, folder, error);
	free(folder);
	return result;
}

void config_done(struct config *config)
{
	for (size_t i = 0; i < config->n_entries; i++)
		entry_done(&config->entries[i]);
	free(config->entries);
	*config = (struct config){0};
}
