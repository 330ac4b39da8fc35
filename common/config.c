/* SPDX-License-Identifier: MIT */
/* Configuration files and the tables that say what may stand in them. */

#include "common/config.h"

#include <bsd/stdlib.h>
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

#include "common/address.h"
#include "common/text.h"
#include "common/timestamp.h"
#include "hostmetrics/wire.h"

#define FILE_MAX_BYTES ((size_t)1 << 20)
#define READ_BYTES     ((size_t)16 << 10)
#define COUNT_MAX      1000000
/* inih cuts longer names of sections without a word. */
#define SECTION_MAX_BYTES 48
#define BYTE_ORDER_MARK   "\xef\xbb\xbf"

static void set_error(struct config_error *error, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void set_error(struct config_error *error, const char *format, ...)
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
	set_error(reading->error, "%s:%d: %s", reading->path, reading->line_number, what);
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
		set_error(reading->error, "%s:%d: the line is longer than %zu bytes; shorten it",
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

/* inih's handler. @return 0 on failure, as inih wants it */
static int take_entry(void *user, const char *section, const char *key, const char *value)
{
	struct reading *reading = user;

	/* inih itself does not stop. */
	if (reading->result < 0)
		return 0;
	if (!*section) {
		fail_line(reading, "a key before the first [section]; put it below one");
	} else if (!*key) {
		fail_line(reading, "no key before the '='");
	} else if (!is_clean(section) || !is_clean(key) || !is_clean(value)) {
		fail_line(reading, "bytes that are not UTF-8 text");
	} else {
		reading->result = add_entry(reading, section, key, value);
	}
	if (reading->result == -ENOMEM)
		set_error(reading->error, "%s: out of memory", reading->path);
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
		set_error(error, "%s: larger than 1 MiB; this is no configuration", path);
		return -EFBIG;
	}
	if (length >= strlen(BYTE_ORDER_MARK) &&
	    memcmp(text, BYTE_ORDER_MARK, strlen(BYTE_ORDER_MARK)) == 0)
		reading.at += strlen(BYTE_ORDER_MARK);
	line_number = ini_parse_stream(read_line, &reading, take_entry, &reading);
	/* Some builds of inih take their line from the heap. */
	if (line_number < 0 && reading.result == 0) {
		set_error(error, "%s: out of memory", path);
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
		set_error(error, "cannot open '%s': %s", path, strerror(-result));
		return result;
	}
	result = read_all(fd, &text);
	(void)close(fd); /* only read from */
	if (result == -EFBIG) {
		set_error(error, "%s: larger than 1 MiB; this is no configuration", path);
	} else if (result < 0) {
		set_error(error, "cannot read '%s': %s", path, strerror(-result));
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
		set_error(error, "%s: out of memory", folder);
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
		set_error(error, "cannot read the folder '%s': %s", folder, strerror(-result));
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
		set_error(error, "%s: out of memory", path);
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

static void *setting_at(const struct config_key *key, void *settings)
{
	return (char *)settings + key->offset;
}

static bool is_text(const struct config_key *key)
{
	return key->type == CONFIG_TEXT || key->type == CONFIG_ADDRESS;
}

static int set_text(char **setting, const char *value)
{
	char *copy;

	/* Not strdup(3): behind it gcc 12's -fanalyzer sees a leak in the store, which is none. */
	if (asprintf(&copy, "%s", value) < 0)
		return -ENOMEM;
	free(*setting);
	*setting = copy;
	return 0;
}

static int set_duration(int64_t *setting, const char *value, struct config_error *error)
{
	int64_t duration_us;

	if (duration_parse(value, &duration_us) < 0 || duration_us <= 0) {
		set_error(error,
			  "'%s' is not a duration; write a number with us, ms, s, m, h or d, "
			  "such as 10s or 1h30m",
			  value);
		return -EINVAL;
	}
	*setting = duration_us;
	return 0;
}

static int set_address(char **setting, const char *value, struct config_error *error)
{
	char host[ADDRESS_HOST_MAX_BYTES];
	int port;

	if (address_split(value, HM_COLLECTOR_PORT, host, &port) < 0) {
		set_error(error,
			  "'%s' is not an address; write HOST:PORT or [IPV6]:PORT, such as "
			  "127.0.0.1:%d",
			  value, HM_COLLECTOR_PORT);
		return -EINVAL;
	}
	return set_text(setting, value);
}

static int set_count(int64_t *setting, const char *value, struct config_error *error)
{
	const char *problem;
	int64_t count = strtonum(value, 1, COUNT_MAX, &problem);

	if (problem) {
		set_error(error, "'%s' is not a count; write a whole number from 1 to %d", value,
			  COUNT_MAX);
		return -EINVAL;
	}
	*setting = count;
	return 0;
}

int config_set(const struct config_key *key, const char *value, void *settings,
	       struct config_error *error)
{
	void *setting = setting_at(key, settings);
	int result = -EINVAL;

	switch (key->type) {
	case CONFIG_TEXT:
		result = set_text(setting, value);
		break;
	case CONFIG_DURATION:
		result = set_duration(setting, value, error);
		break;
	case CONFIG_ADDRESS:
		result = set_address(setting, value, error);
		break;
	case CONFIG_COUNT:
		result = set_count(setting, value, error);
		break;
	}
	if (result == -ENOMEM)
		set_error(error, "out of memory");
	return result;
}

int config_defaults(const struct config_key *keys, size_t n_keys, void *settings)
{
	struct config_error error;
	int result = 0;

	/* All of them first, so that what is half set can be freed. */
	for (size_t i = 0; i < n_keys; i++) {
		if (is_text(&keys[i]))
			*(char **)setting_at(&keys[i], settings) = NULL;
	}
	for (size_t i = 0; i < n_keys && result == 0; i++)
		result = config_set(&keys[i], keys[i].fallback, settings, &error);
	return result;
}

/* Put "FILE:LINE: KEY in [SECTION]: " before what *error says. */
static void locate_error(const struct config_entry *entry, struct config_error *error)
{
	struct config_error what = *error;

	set_error(error, "%s:%d: %s in [%s]: %s", entry->file, entry->line_number, entry->key,
		  entry->section, what.text);
}

static const struct config_key *find_key(const struct config_key *keys, size_t n_keys,
					 const char *name)
{
	for (size_t i = 0; i < n_keys; i++) {
		if (strcmp(keys[i].name, name) == 0)
			return &keys[i];
	}
	return NULL;
}

static int reject_key(const struct config_entry *entry, const struct config_key *keys,
		      size_t n_keys, struct config_error *error)
{
	const char **names = calloc(n_keys + 1, sizeof(*names));

	if (!names) {
		set_error(error, "out of memory");
		return -ENOMEM;
	}
	for (size_t i = 0; i < n_keys; i++)
		names[i] = keys[i].name;
	config_unknown(entry, "key", entry->key, names, error);
	free((void *)names);
	return -EINVAL;
}

static int apply_entry(const struct config_entry *entry, const struct config_key *keys,
		       size_t n_keys, void *settings, struct config_error *error)
{
	const struct config_key *key = find_key(keys, n_keys, entry->key);
	int result;

	if (!key)
		return reject_key(entry, keys, n_keys, error);
	result = config_set(key, entry->value, settings, error);
	if (result < 0)
		locate_error(entry, error);
	return result;
}

int config_apply(const struct config *config, const char *section, const struct config_key *keys,
		 size_t n_keys, void *settings, struct config_error *error)
{
	for (size_t i = 0; i < config->n_entries; i++) {
		int result;

		if (strcmp(config->entries[i].section, section) != 0)
			continue;
		result = apply_entry(&config->entries[i], keys, n_keys, settings, error);
		if (result < 0)
			return result;
	}
	return 0;
}

void config_free_settings(const struct config_key *keys, size_t n_keys, void *settings)
{
	for (size_t i = 0; i < n_keys; i++) {
		char **text = setting_at(&keys[i], settings);

		if (!is_text(&keys[i]))
			continue;
		free(*text);
		*text = NULL;
	}
}

void config_unknown(const struct config_entry *entry, const char *what, const char *word,
		    const char *const candidates[], struct config_error *error)
{
	const char *nearest = text_nearest(word, candidates);
	struct buffer sentence = {0};

	buffer_printf(&sentence, "%s:%d: unknown %s '%s'", entry->file, entry->line_number, what,
		      word);
	if (strcmp(what, "section") != 0)
		buffer_printf(&sentence, " in [%s]", entry->section);
	if (nearest)
		buffer_printf(&sentence, "; did you mean '%s'?", nearest);
	for (size_t i = 0; !nearest && candidates[i]; i++)
		buffer_printf(&sentence, "%s%s", i == 0 ? "; known are " : ", ", candidates[i]);
	set_error(error, "%s", buffer_text(&sentence));
	buffer_done(&sentence);
}

void config_format_help(const struct config_key *keys, size_t n_keys, struct buffer *out)
{
	for (size_t i = 0; i < n_keys; i++) {
		buffer_printf(out, "  %-16s %s", keys[i].name, keys[i].help);
		if (*keys[i].fallback)
			buffer_printf(out, " (default %s)", keys[i].fallback);
		buffer_append_byte(out, '\n');
	}
}

void config_format_sample(const char *section, const struct config_key *keys, size_t n_keys,
			  struct buffer *out)
{
	buffer_printf(out, "[%s]\n", section);
	for (size_t i = 0; i < n_keys; i++) {
		buffer_printf(out, "\n# %s\n#%s = %s\n", keys[i].help, keys[i].name,
			      keys[i].fallback);
	}
}
