/* SPDX-License-Identifier: MIT */
/* Numbers in files of their own, each a series, on kept descriptors. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/array.h"
#include "hostmetrics/sysfs.h"

#define PATH_MAX_BYTES 512

/* The longest number, and what stands around it. */
#define NUMBER_MAX_BYTES 128

struct hm_attribute_file {
	const struct hm_attribute *attribute;
	int fd;    /* -1: it is opened in each round, or `error` says why not at all */
	int error; /* 0, or what is told in each round */
	const char *labels[HM_METRIC_LABELS_MAX + 1];
	char *path; /* and behind its NUL the labels, each with its own */
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
	file->path = malloc(n_bytes);
	if (!file->path)
		return -ENOMEM;
	at = stpcpy(file->path, path) + 1;
	for (size_t i = 0; i < n_labels; i++) {
		file->labels[i] = at;
		at = stpcpy(at, labels[i]) + 1;
	}
	return 0;
}

int hm_attributes_add_labels(struct hm_attributes *attributes, const struct hm_host *host,
			     const struct hm_attribute *attribute, const char *folder,
			     const char *const labels[])
{
	struct hm_attribute_file file = {.attribute = attribute, .fd = -1};
	struct hm_attribute_file *grown;
	char path[PATH_MAX_BYTES];
	int length = snprintf(path, sizeof(path), "%s/%s", folder, attribute->file);
	int result;

	if (length < 0 || (size_t)length >= sizeof(path))
		return -ENAMETOOLONG;
	grown = array_grow(attributes->list, attributes->n, &attributes->capacity, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	attributes->list = grown;
	file.fd = hm_open(host, path);
	if (file.fd == -ENOENT)
		return -ENOENT;
	if (file.fd < 0) {
		file.error = file.fd;
		file.fd = -1;
	}
	result = keep_texts(&file, path, labels);
	if (file.fd >= 0 && (result < 0 || attributes->n_open == HM_ATTRIBUTES_OPEN_MAX)) {
		close(file.fd);
		file.fd = -1;
	}
	if (result < 0)
		return result;
	attributes->n_open += file.fd >= 0;
	grown[attributes->n++] = file;
	return 0;
}

static int parse_number(const char *text, double *ret_value)
{
	struct hm_span line = {text, strlen(text)};
	struct hm_span word;
	struct hm_span more;
	int64_t integer;
	int result;

	if (!hm_next_word(&line, &word) || hm_next_word(&line, &more))
		return -EINVAL;
	if (word.length > 2 && word.start[0] == '0' && (word.start[1] | ' ') == 'x') {
		char *end;
		unsigned long long bits;

		errno = 0;
		bits = strtoull(word.start, &end, 16);
		*ret_value = (double)bits;
		return end == word.start + word.length ? -errno : -EINVAL;
	}
	result = hm_span_int64(word, &integer);
	if (result < 0)
		return hm_span_double(word, ret_value);
	*ret_value = (double)integer;
	return 0;
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
		result = parse_number(text, ret_value);
	return result;
}

static double scaled(const struct hm_attribute *attribute, double number)
{
	if (attribute->divisor != 0)
		return number / attribute->divisor;
	return attribute->factor != 0 ? number * attribute->factor : number;
}

int hm_attributes_emit(struct hm_attributes *attributes, const struct hm_host *host,
		       struct hm_batch *out)
{
	int result = -ENODATA;

	for (size_t i = 0; i < attributes->n; i++) {
		const struct hm_attribute_file *file = &attributes->list[i];
		double number = 0;
		int error = read_number(file, host, &number);

		if (error == 0) {
			hm_emit_labels(out, file->attribute->metric,
				       scaled(file->attribute, number), file->labels);
			result = 0;
			continue;
		}
		if (!file->attribute->is_optional)
			hm_emit_missing_labels(out, file->attribute->metric, error, file->labels);
		if (result == -ENODATA)
			result = error;
	}
	return result;
}

void hm_attributes_close(struct hm_attributes *attributes)
{
	for (size_t i = 0; i < attributes->n; i++) {
		if (attributes->list[i].fd >= 0)
			close(attributes->list[i].fd);
		free(attributes->list[i].path);
	}
	free(attributes->list);
	*attributes = (struct hm_attributes){0};
}
