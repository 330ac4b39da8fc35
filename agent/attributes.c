/* SPDX-License-Identifier: MIT */
/* Numbers in files of their own, each a series, on kept descriptors. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/array.h"
#include "hostmetrics/sysfs.h"

#define PATH_MAX_BYTES 512

/* The longest number, and what stands around it. */
#define NUMBER_MAX_BYTES 128

struct hm_attribute_file {
	const struct hm_metric *metric;
	double factor;
	double divisor;
	bool is_optional;
	bool is_integer;
	bool is_constant; /* once `last` is known, it is all there is */
	bool is_read;     /* once at least: the next two say what it was */
	int last_error;
	double last;
	int fd;    /* -1: it is opened in each round, or `error` says why not at all */
	int error; /* 0, or what is told in each round */
	/* Ended by NULL; in the same memory their texts, and behind them the path. */
	const char **labels;
	const char *path;
};

/* Keep the path and the labels in one piece of memory. */
static int keep_texts(struct hm_attribute_file *file, const char *path, const char *const labels[])
{
	size_t n_bytes = strlen(path) + 1;
	size_t n_labels = 0;
	char *at;

	for (; labels[n_labels]; n_labels++) {
		if (n_labels == HM_METRIC_LABELS_MAX)
			return -EINVAL;
		n_bytes += strlen(labels[n_labels]) + 1;
	}
	file->labels = calloc(1, (n_labels + 1) * sizeof(*file->labels) + n_bytes);
	if (!file->labels)
		return -ENOMEM;
	at = (char *)(file->labels + n_labels + 1);
	for (size_t i = 0; i < n_labels; i++) {
		file->labels[i] = at;
		at = stpcpy(at, labels[i]) + 1;
	}
	file->path = at;
	(void)stpcpy(at, path);
	return 0;
}

/* Put a file into the list, which takes over its descriptor also when it cannot. */
static int add_file(struct hm_attributes *attributes, struct hm_attribute_file *file,
		    const char *path, const char *const labels[])
{
	struct hm_attribute_file *grown =
		array_grow(attributes->list, attributes->n, &attributes->capacity, sizeof(*grown));
	int result = -ENOMEM;

	if (grown) {
		attributes->list = grown;
		result = keep_texts(file, path, labels);
	}
	if (file->fd >= 0 && (result < 0 || attributes->n_open == HM_ATTRIBUTES_OPEN_MAX)) {
		close(file->fd);
		file->fd = -1;
	}
	if (result < 0)
		return result;
	attributes->n_open += file->fd >= 0;
	grown[attributes->n++] = *file;
	return 0;
}

int hm_attributes_add_labels(struct hm_attributes *attributes, const struct hm_host *host,
			     const struct hm_attribute *attribute, const char *folder,
			     const char *const labels[])
{
	struct hm_attribute_file file = {
		.metric = attribute->metric,
		.factor = attribute->factor,
		.divisor = attribute->divisor,
		.is_optional = attribute->is_optional,
		.is_integer = attribute->is_integer,
		.is_constant = attribute->is_constant,
	};
	char path[PATH_MAX_BYTES];
	int length = snprintf(path, sizeof(path), "%s%s%s", folder, attribute->file ? "/" : "",
			      attribute->file ? attribute->file : "");

	if (length < 0 || (size_t)length >= sizeof(path))
		return -ENAMETOOLONG;
	file.fd = hm_open(host, path);
	if (file.fd == -ENOENT || file.fd == -ENOTDIR)
		return -ENOENT;
	if (file.fd < 0) {
		file.error = hm_is_passing(file.fd) ? 0 : file.fd;
		file.fd = -1;
	}
	return add_file(attributes, &file, path, labels);
}

int hm_attributes_add_missing_labels(struct hm_attributes *attributes,
				     const struct hm_metric *metric, int error,
				     const char *const labels[])
{
	struct hm_attribute_file file = {.metric = metric, .fd = -1, .error = error};

	return add_file(attributes, &file, "", labels);
}

int hm_attributes_add_constant_labels(struct hm_attributes *attributes,
				      const struct hm_metric *metric, double value,
				      const char *const labels[])
{
	struct hm_attribute_file file = {
		.metric = metric,
		.fd = -1,
		.is_constant = true,
		.is_read = true,
		.last = value,
	};

	return add_file(attributes, &file, "", labels);
}

static int parse_number(const char *text, bool is_integer, double *ret_value)
{
	struct hm_span line = {text, strlen(text)};
	struct hm_span word;
	struct hm_span more;
	int64_t integer;
	int result;

	if (!hm_next_word(&line, &word) || hm_next_word(&line, &more))
		return -EINVAL;
	result = hm_span_int64(word, &integer);
	if (result == 0)
		*ret_value = (double)integer;
	if (result == 0 || is_integer)
		return result;
	if (word.length > 2 && word.start[0] == '0' && (word.start[1] | ' ') == 'x') {
		char *end;
		unsigned long long bits;

		errno = 0;
		bits = strtoull(word.start, &end, 16);
		*ret_value = (double)bits;
		return end == word.start + word.length ? -errno : -EINVAL;
	}
	return hm_span_double(word, ret_value);
}

static int read_number(const struct hm_attribute_file *file, const struct hm_host *host,
		       double *ret_value)
{
	char text[NUMBER_MAX_BYTES];
	int result = file->error;

	if (result == 0)
		result = file->fd >= 0 ? hm_read_string(file->fd, text, sizeof(text))
				       : hm_read_line_of(host, file->path, text, sizeof(text));
	if (result == 0)
		result = parse_number(text, file->is_integer, ret_value);
	return result;
}

static double scaled(const struct hm_attribute_file *file, double number)
{
	if (file->divisor != 0)
		return number / file->divisor;
	return file->factor != 0 ? number * file->factor : number;
}

static void read_file(struct hm_attribute_file *file, const struct hm_host *host)
{
	double number = 0;

	if (file->is_constant && file->is_read && file->last_error == 0)
		return;
	file->last_error = read_number(file, host, &number);
	file->last = scaled(file, number);
	file->is_read = true;
}

static int64_t now_us(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* Is there time for this one? What was never read has more of it: without it there is nothing to tell. */
static bool may_read(const struct hm_attributes *attributes, const struct hm_attribute_file *file,
		     int64_t spent_us)
{
	int64_t budget_us = attributes->budget_us;

	return spent_us < (file->is_read ? budget_us : HM_ATTRIBUTES_FIRST_TIME * budget_us);
}

/* Read from the turn's first on, around the end: all, or what there is time for. */
static void read_turn(struct hm_attributes *attributes, const struct hm_host *host)
{
	bool is_decided = attributes->n_turn > 0;
	size_t n_files = is_decided ? attributes->n_turn : attributes->n;
	int64_t start_us = now_us();
	size_t n_read;

	for (n_read = 0; n_read < n_files; n_read++) {
		size_t at = (attributes->first + n_read) % attributes->n;
		struct hm_attribute_file *file = &attributes->list[at];

		if (!is_decided && n_read > 0 && !may_read(attributes, file, now_us() - start_us))
			break;
		read_file(file, host);
	}
	attributes->n_turn = n_read;
}

/* Does an error say that there is no such value? */
static bool says_none(int error)
{
	return error == -EINVAL || error == -ENODATA || error == -ENODEV || error == -ENXIO ||
	       error == -EOPNOTSUPP;
}

int hm_attributes_emit(struct hm_attributes *attributes, const struct hm_host *host,
		       struct hm_batch *out)
{
	int result = -ENODATA;

	if (attributes->budget_us > 0)
		read_turn(attributes, host);
	for (size_t i = 0; i < attributes->n; i++) {
		struct hm_attribute_file *file = &attributes->list[i];

		if (attributes->budget_us == 0)
			read_file(file, host);
		if (!file->is_read)
			continue;
		if (file->last_error == 0) {
			hm_emit_labels(out, file->metric, file->last, file->labels);
			result = 0;
			continue;
		}
		if (!file->is_optional || !says_none(file->last_error))
			hm_emit_missing_labels(out, file->metric, file->last_error, file->labels);
		if (result == -ENODATA)
			result = file->last_error;
	}
	return result;
}

void hm_attributes_turn(struct hm_attributes *attributes)
{
	if (attributes->n_turn == 0)
		return;
	attributes->first = (attributes->first + attributes->n_turn) % attributes->n;
	attributes->n_turn = 0;
}

void hm_attributes_close(struct hm_attributes *attributes)
{
	for (size_t i = 0; i < attributes->n; i++) {
		if (attributes->list[i].fd >= 0)
			close(attributes->list[i].fd);
		free(attributes->list[i].labels);
	}
	free(attributes->list);
	*attributes = (struct hm_attributes){0};
}
