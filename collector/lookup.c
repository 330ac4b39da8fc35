/* SPDX-License-Identifier: MIT */
/* Files and their series in the engine's catalog. */

#include "collector/lookup.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/array.h"
#include "common/buffer.h"

/* The series of so many files are listed while nobody else has the catalog. */
#define AT_ONCE ((size_t)1024)

struct wish {
	const struct catalog *catalog;
	const struct catalog_host *host;
	const char *metric;
};

static bool is_file(uint32_t number, const void *key)
{
	const struct wish *wish = key;
	const struct catalog_file *file = pool_at(&wish->catalog->files, number);

	return file->host == wish->host && strcmp(file->metric, wish->metric) == 0;
}

/* @param name  for scratch. @return NULL: the host has no such file, or `name` has no memory */
static struct catalog_file *find_file(const struct catalog *catalog,
				      const struct catalog_host *host, const char *metric,
				      struct buffer *name)
{
	const struct wish wish = {catalog, host, metric};
	uint32_t number;

	buffer_clear(name);
	buffer_append(name, host->name, strlen(host->name) + 1);
	buffer_append_text(name, metric);
	if (buffer_failed(name))
		return NULL;
	number = number_table_find(&catalog->files_table,
				   hash_bytes(&catalog->key, name->data, name->length), is_file,
				   &wish);
	return number == NUMBER_TABLE_NONE ? NULL : pool_at(&catalog->files, number);
}

/* The file of each host. With the mutex held. @return how many */
static size_t list_metric(const struct catalog *catalog, const char *metric, struct buffer *name,
			  struct catalog_file **ret_files)
{
	size_t n = 0;

	for (size_t i = 0; i < catalog->n_hosts; i++) {
		ret_files[n] = find_file(catalog, catalog->all_hosts[i], metric, name);
		n += ret_files[n] != NULL;
	}
	return n;
}

/* With the mutex held. @return how many */
static size_t list_all(const struct catalog *catalog, struct catalog_file **ret_files)
{
	for (size_t i = 0; i < catalog->files.n; i++)
		ret_files[i] = pool_at(&catalog->files, i);
	return catalog->files.n;
}

int lookup_files(struct engine *engine, const char *metric, struct catalog_file ***ret_files,
		 size_t *ret_n)
{
	const struct catalog *catalog = &engine->catalog;
	struct catalog_file **files;
	struct buffer name = {0};
	size_t n = 0;
	int result;

	pthread_mutex_lock(&engine->mutex);
	files = calloc((metric ? catalog->n_hosts : catalog->files.n) + 1,
		       sizeof(struct catalog_file *));
	if (files)
		n = metric ? list_metric(catalog, metric, &name, files) : list_all(catalog, files);
	pthread_mutex_unlock(&engine->mutex);
	result = files && !buffer_failed(&name) ? 0 : -ENOMEM;
	buffer_done(&name);
	if (result < 0) {
		free(files);
		return result;
	}
	*ret_files = files;
	*ret_n = n;
	return 0;
}

struct list {
	struct catalog_series **series;
	size_t n;
	size_t capacity;
};

/* With the mutex held. */
static int add_series(struct engine *engine, const struct catalog_file *file, struct list *list)
{
	const struct catalog *catalog =
		file->host->is_retired ? &engine->retired : &engine->catalog;
	const struct number_run *run = &file->series.first;

	for (; run; run = number_runs_next(&catalog->series_runs, run)) {
		for (uint32_t i = 0; i < run->n; i++) {
			struct catalog_series **grown =
				array_grow(list->series, list->n, &list->capacity,
					   sizeof(struct catalog_series *));

			if (!grown)
				return -ENOMEM;
			list->series = grown;
			grown[list->n++] = pool_at(&catalog->series, run->first + i);
		}
	}
	return 0;
}

int lookup_series(struct engine *engine, struct catalog_file *const *files, size_t n_files,
		  struct catalog_series ***ret_series, size_t *ret_n)
{
	struct list list = {.series = calloc(1, sizeof(struct catalog_series *)), .capacity = 1};
	int result = list.series ? 0 : -ENOMEM;

	for (size_t i = 0; i < n_files && result == 0;) {
		size_t end = n_files - i > AT_ONCE ? i + AT_ONCE : n_files;

		pthread_mutex_lock(&engine->mutex);
		for (; i < end && result == 0; i++)
			result = add_series(engine, files[i], &list);
		pthread_mutex_unlock(&engine->mutex);
	}
	if (result < 0) {
		free(list.series);
		return result;
	}
	*ret_series = list.series;
	*ret_n = list.n;
	return 0;
}
