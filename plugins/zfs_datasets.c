/* SPDX-License-Identifier: MIT */
/* What the datasets of ZFS read and write. */

#include "plugins/zfs_datasets.h"

#include <bsd/string.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* So many of their files stay open; the others are opened in each round. */
#define OPEN_MAX 2048

struct zfs_dataset {
	int fd; /* kept; -1 = it is opened in each round */
	char pool[ZFS_NAME_BYTES];
	char file[32];
	char name[ZFS_NAME_BYTES]; /* "" = not read yet */
	bool is_left_out;
	bool is_second; /* an earlier one has the same name */
};

/* -- what there is ----------------------------------------------------------------------------------- */

static void close_file(struct zfs_datasets *datasets, struct zfs_dataset *dataset)
{
	if (dataset->fd < 0)
		return;
	close(dataset->fd);
	dataset->fd = -1;
	datasets->n_open--;
}

static void close_list(struct zfs_datasets *datasets, struct zfs_dataset *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		close_file(datasets, &list[i]);
	free(list);
}

void zfs_datasets_begin(struct zfs_datasets *datasets)
{
	datasets->before = datasets->list;
	datasets->n_before = datasets->n;
	datasets->n_taken = 0;
	datasets->list = NULL;
	datasets->n = 0;
	datasets->has_searched = true;
}

/* @return NULL: the search before did not find it */
static struct zfs_dataset *find_before(struct zfs_datasets *datasets, const char *pool,
				       const char *file)
{
	for (size_t i = datasets->n_taken; i < datasets->n_before; i++) {
		struct zfs_dataset *before = &datasets->before[i];

		if (strcmp(before->file, file) != 0 || strcmp(before->pool, pool) != 0)
			continue;
		datasets->n_taken = i + 1;
		return before;
	}
	return NULL;
}

/* The pool whose folder is listed. */
struct search {
	struct zfs_datasets *datasets;
	const char *pool;
};

static int add_file(void *context, const char *file)
{
	const struct search *search = context;
	struct zfs_datasets *datasets = search->datasets;
	struct zfs_dataset *list = reallocarray(datasets->list, datasets->n + 1, sizeof(*list));
	struct zfs_dataset *dataset;
	struct zfs_dataset *before;

	if (!list)
		return -ENOMEM;
	datasets->list = list;
	dataset = &list[datasets->n];
	*dataset = (struct zfs_dataset){.fd = -1};
	before = find_before(datasets, search->pool, file);
	if (before) {
		*dataset = *before;
		before->fd = -1;
	} else if (strlcpy(dataset->file, file, sizeof(dataset->file)) >= sizeof(dataset->file)) {
		return 0;
	}
	(void)strlcpy(dataset->pool, search->pool, sizeof(dataset->pool));
	datasets->n++;
	return 0;
}

int zfs_datasets_find(struct zfs_datasets *datasets, const struct hm_host *host, const char *pool)
{
	struct search search = {datasets, pool};
	char path[ZFS_NAME_BYTES + 64];
	int result;

	(void)snprintf(path, sizeof(path), ZFS_FOLDER "/%s", pool);
	result = hm_folder_find(host, path, "objset-*", add_file, &search);
	return result == -ENOENT ? 0 : result;
}

void zfs_datasets_end(struct zfs_datasets *datasets)
{
	close_list(datasets, datasets->before, datasets->n_before);
	datasets->before = NULL;
	datasets->n_before = 0;
}

void zfs_datasets_close(struct zfs_datasets *datasets)
{
	close_list(datasets, datasets->list, datasets->n);
	datasets->list = NULL;
	datasets->n = 0;
}

/* -- a file ------------------------------------------------------------------------------------------ */

/* What does not fit is no file of a dataset. */
static int read_text(struct zfs_datasets *datasets, int fd)
{
	const size_t size = sizeof(datasets->text);
	size_t length = 0;
	ssize_t n_bytes;

	do {
		n_bytes = pread(fd, datasets->text + length, size - length, (off_t)length);
		length += n_bytes > 0 ? (size_t)n_bytes : 0;
	} while (n_bytes > 0 && length < size);
	if (n_bytes < 0)
		return -errno;
	if (length == size)
		return -EFBIG;
	datasets->text[length] = '\0';
	return 0;
}

/* What is gone from /proc cannot be read any more; elsewhere it can. */
static int read_kept(struct zfs_datasets *datasets, const struct zfs_dataset *dataset)
{
	struct stat stat;

	if (fstat(dataset->fd, &stat) < 0 || stat.st_nlink == 0)
		return -ENOENT;
	return read_text(datasets, dataset->fd);
}

static int read_dataset(struct zfs_datasets *datasets, const struct hm_host *host,
			struct zfs_dataset *dataset)
{
	char path[ZFS_NAME_BYTES + 128];
	int result;
	int fd;

	if (dataset->fd >= 0 && read_kept(datasets, dataset) == 0)
		return 0;
	close_file(datasets, dataset);
	(void)snprintf(path, sizeof(path), ZFS_FOLDER "/%s/%s", dataset->pool, dataset->file);
	fd = hm_open(host, path);
	if (fd < 0)
		return fd;
	result = read_text(datasets, fd);
	if (result < 0 || datasets->n_open == OPEN_MAX) {
		close(fd);
		return result;
	}
	dataset->fd = fd;
	datasets->n_open++;
	return 0;
}

/* The rest of the line "dataset_name 7 NAME": a name may hold blanks. @return false: none, or too long */
static bool find_name(const char *text, char name[static ZFS_NAME_BYTES])
{
	const char *cursor = text;
	struct hm_span line;
	struct hm_span word;

	while (hm_next_line(&cursor, &line)) {
		if (!hm_next_word(&line, &word) || !hm_span_equals(word, "dataset_name") ||
		    !hm_next_word(&line, &word))
			continue;
		if (!hm_next_word(&line, &word))
			return false;
		word.length += line.length;
		if (word.length >= ZFS_NAME_BYTES)
			return false;
		memcpy(name, word.start, word.length);
		name[word.length] = '\0';
		return true;
	}
	return false;
}

/* -- a round ----------------------------------------------------------------------------------------- */

/* Names change, and one may be seen in two places meanwhile: of two of one name the first counts. */
static void take_name(const struct zfs_datasets *datasets, const struct hm_host *host,
		      struct zfs_dataset *dataset, const char *name, bool *has_changed)
{
	if (strcmp(dataset->name, name) != 0) {
		(void)strlcpy(dataset->name, name, sizeof(dataset->name));
		dataset->is_left_out = hm_globs_take(hm_option(host, "ignore"), name);
		*has_changed = true;
	}
	if (!*has_changed)
		return;
	dataset->is_second = false;
	for (const struct zfs_dataset *other = datasets->list;
	     other < dataset && !dataset->is_second; other++)
		dataset->is_second = strcmp(other->name, dataset->name) == 0 &&
				     strcmp(other->pool, dataset->pool) == 0;
}

/* @return false: nothing is told of it */
static bool take_dataset(struct zfs_datasets *datasets, const struct hm_host *host,
			 struct zfs_dataset *dataset, bool *has_changed, int *ret_error)
{
	*ret_error = read_dataset(datasets, host, dataset);
	/* Destroyed since it was looked for. */
	if (*ret_error == -ENOENT)
		return false;
	if (*ret_error == 0) {
		char name[ZFS_NAME_BYTES];

		if (!find_name(datasets->text, name))
			return false;
		take_name(datasets, host, dataset, name, has_changed);
	}
	return !dataset->is_left_out && !dataset->is_second && dataset->name[0];
}

void zfs_datasets_emit(struct zfs_datasets *datasets, const struct hm_host *host,
		       const struct kstat_group *group, struct hm_batch *out)
{
	bool has_changed = datasets->has_searched;

	datasets->has_searched = false;
	for (size_t i = 0; i < datasets->n; i++) {
		struct zfs_dataset *dataset = &datasets->list[i];
		const char *const labels[] = {dataset->pool, dataset->name, NULL};
		int error;

		if (!take_dataset(datasets, host, dataset, &has_changed, &error))
			continue;
		if (error < 0)
			hm_emit_missing_labels(out, &group->metrics[0], error, labels);
		else
			kstat_emit_lines(out, host, group, datasets->text, labels);
	}
}
