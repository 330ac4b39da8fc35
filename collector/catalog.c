/* SPDX-License-Identifier: MIT */
/* All hosts, metric files and series that the store knows. */

#include "collector/catalog.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/id_map.h"
#include "common/array.h"
#include "common/file_name.h"

/* A folder NAME~2 is a host's whose folder NAME cannot be. */
#define FOLDER_MARK         '~'
#define FOLDER_NUMBER_BYTES 12 /* room for the mark and the number */

_Static_assert(FILE_NAME_MAX_BYTES + FOLDER_NUMBER_BYTES <= CATALOG_FOLDER_BYTES,
	       "a cut name fits");

void catalog_init(struct catalog *catalog, const struct hash_key *key)
{
	*catalog = (struct catalog){.key = *key};
}

static void host_free(struct catalog_host *host)
{
	if (!host)
		return;
	free(host->gathered);
	free(host);
}

static void file_free(struct catalog_file *file)
{
	if (!file)
		return;
	free(file->name);
	if (file->has_unit)
		free(file->unit);
	for (int side = 0; side < CATALOG_SIDES; side++)
		free(file->data[side].part_bytes);
	free(file);
}

void catalog_done(struct catalog *catalog)
{
	for (size_t i = 0; i < catalog->n_series; i++)
		free(catalog->all_series[i]);
	for (size_t i = 0; i < catalog->n_files; i++)
		file_free(catalog->all_files[i]);
	for (size_t i = 0; i < catalog->n_hosts; i++)
		host_free(catalog->all_hosts[i]);
	free(catalog->all_series);
	free(catalog->all_files);
	free(catalog->all_hosts);
	for (size_t i = 0; i < catalog->n_taken; i++)
		free(catalog->taken[i]);
	free(catalog->taken);
	table_done(&catalog->series);
	table_done(&catalog->files);
	table_done(&catalog->hosts);
	*catalog = (struct catalog){0};
}

/* A host's name that is not ended by a NUL. */
struct name {
	const char *start;
	size_t length;
};

static bool is_host(const void *item, const void *key)
{
	const struct catalog_host *host = item;
	const struct name *name = key;

	return strncmp(host->name, name->start, name->length) == 0 &&
	       host->name[name->length] == '\0';
}

static bool is_file(const void *item, const void *key)
{
	const struct catalog_file *file = item;
	const struct identity *identity = key;

	return strcmp(file->metric, identity_metric(identity)) == 0 &&
	       strcmp(file->host->name, identity_host(identity)) == 0;
}

static bool is_series(const void *item, const void *key)
{
	const struct catalog_series *series = item;
	const struct identity *identity = key;

	return series->labels_length == identity->labels_length &&
	       memcmp(series->labels, identity_labels(identity), identity->labels_length) == 0 &&
	       is_file(series->file, key);
}

struct catalog_series *catalog_find(const struct catalog *catalog, const struct identity *identity)
{
	return table_find(&catalog->series, identity->hash, is_series, identity);
}

static bool is_taken(const struct catalog *catalog, const char *folder)
{
	for (size_t i = 0; i < catalog->n_taken; i++) {
		if (strcmp(catalog->taken[i], folder) == 0)
			return true;
	}
	return false;
}

/* The first of NAME, NAME~2, ... that is not taken. */
static void find_free(const struct catalog *catalog, const char *name, size_t length,
		      char folder[static CATALOG_FOLDER_BYTES])
{
	(void)snprintf(folder, CATALOG_FOLDER_BYTES, "%.*s", (int)length, name);
	for (unsigned n = 2; is_taken(catalog, folder); n++)
		(void)snprintf(folder, CATALOG_FOLDER_BYTES, "%.*s%c%u", (int)length, name,
			       FOLDER_MARK, n);
}

/* Give a host its folder's name. */
static void choose_folder(const struct catalog *catalog, struct catalog_host *host)
{
	char escaped[FILE_NAME_MAX_BYTES];

	file_name_escape(host->name, strlen(host->name), escaped);
	find_free(catalog, escaped, strlen(escaped), host->folder);
}

bool catalog_is_folder(const struct catalog *catalog, const char *folder)
{
	char found[CATALOG_FOLDER_BYTES];
	size_t length = catalog_folder_base(folder);

	if (length >= FILE_NAME_MAX_BYTES)
		return false;
	find_free(catalog, folder, length, found);
	return strcmp(found, folder) == 0;
}

size_t catalog_folder_base(const char *folder)
{
	size_t length = strlen(folder);
	size_t n_digits = 0;

	while (n_digits < length && folder[length - 1 - n_digits] >= '0' &&
	       folder[length - 1 - n_digits] <= '9')
		n_digits++;
	/* A name that was cut ends in more digits than any number has. */
	if (n_digits == 0 || n_digits + 1 >= FOLDER_NUMBER_BYTES || n_digits + 1 >= length ||
	    folder[length - 1 - n_digits] != FOLDER_MARK)
		return length;
	return length - n_digits - 1;
}

static int add_taken(struct catalog *catalog, const char *name)
{
	char *copy = strdup(name);
	char **taken;

	if (!copy)
		return -ENOMEM;
	taken = array_grow(catalog->taken, catalog->n_taken, &catalog->taken_capacity,
			   sizeof(*taken));
	if (!taken) {
		free(copy);
		return -ENOMEM;
	}
	taken[catalog->n_taken++] = copy;
	catalog->taken = taken;
	return 0;
}

int catalog_take_folder(struct catalog *catalog, const char *name)
{
	int result = is_taken(catalog, name) ? 0 : add_taken(catalog, name);

	for (size_t i = 0; i < catalog->n_hosts && result == 0; i++) {
		if (strcmp(catalog->all_hosts[i]->folder, name) == 0)
			choose_folder(catalog, catalog->all_hosts[i]);
	}
	return result;
}

static int host_new(const struct catalog *catalog, const char *name, size_t length,
		    struct catalog_host **ret_host)
{
	struct catalog_host *host = calloc(1, sizeof(*host) + length + 1);

	if (!host)
		return -ENOMEM;
	memcpy(host->name, name, length);
	host->last_time_us = CATALOG_NO_TIME;
	host->end.highest_us = CATALOG_NO_TIME;
	choose_folder(catalog, host);
	*ret_host = host;
	return 0;
}

static struct catalog_host *find_host(const struct catalog *catalog, const char *name,
				      size_t length)
{
	struct name key = {name, length};

	return table_find(&catalog->hosts, hash_bytes(&catalog->key, name, length), is_host, &key);
}

int catalog_get_host(struct catalog *catalog, const char *name, size_t length,
		     struct catalog_host **ret_host)
{
	struct catalog_host *host = find_host(catalog, name, length);
	struct catalog_host **all;

	if (host) {
		*ret_host = host;
		return 0;
	}
	all = array_grow(catalog->all_hosts, catalog->n_hosts, &catalog->hosts_capacity,
			 sizeof(void *));
	if (!all)
		return -ENOMEM;
	catalog->all_hosts = all;
	if (host_new(catalog, name, length, &host) < 0)
		return -ENOMEM;
	if (table_add(&catalog->hosts, hash_bytes(&catalog->key, name, length), host) < 0) {
		host_free(host);
		return -ENOMEM;
	}
	all[catalog->n_hosts++] = host;
	*ret_host = host;
	return 0;
}

static int file_new(struct catalog_host *host, const struct identity *identity,
		    struct catalog_file **ret_file)
{
	struct catalog_file *file = calloc(1, sizeof(*file) + identity->metric_length + 1);
	char name[FILE_NAME_MAX_BYTES];

	if (!file)
		return -ENOMEM;
	file_name_escape(identity_metric(identity), identity->metric_length, name);
	memcpy(file->metric, identity_metric(identity), identity->metric_length);
	file->host = host;
	for (int side = 0; side < CATALOG_SIDES; side++)
		file->data[side].end.highest_us = CATALOG_NO_TIME;
	file->unit = file->metric + identity->metric_length;
	file->name = strdup(name);
	if (!file->name) {
		file_free(file);
		return -ENOMEM;
	}
	*ret_file = file;
	return 0;
}

int catalog_get_file(struct catalog *catalog, const struct identity *identity,
		     struct catalog_file **ret_file)
{
	size_t n_bytes = identity->host_length + 1 + identity->metric_length;
	uint64_t hash = hash_bytes(&catalog->key, identity->text, n_bytes);
	struct catalog_file *file = table_find(&catalog->files, hash, is_file, identity);
	struct catalog_host *host;
	struct catalog_file **all;

	if (file) {
		*ret_file = file;
		return 0;
	}
	all = array_grow(catalog->all_files, catalog->n_files, &catalog->files_capacity,
			 sizeof(void *));
	if (!all)
		return -ENOMEM;
	catalog->all_files = all;
	if (catalog_get_host(catalog, identity_host(identity), identity->host_length, &host) < 0 ||
	    file_new(host, identity, &file) < 0)
		return -ENOMEM;
	if (table_add(&catalog->files, hash, file) < 0) {
		file_free(file);
		return -ENOMEM;
	}
	all[catalog->n_files++] = file;
	*ret_file = file;
	return 0;
}

static struct catalog_series *series_new(struct catalog_file *file, const struct identity *identity)
{
	size_t length = identity->labels_length;
	struct catalog_series *series = malloc(sizeof(*series) + length + 1);

	if (!series)
		return NULL;
	*series = (struct catalog_series){
		.file = file,
		.last_time_us = CATALOG_NO_TIME,
		.labels_length = (uint16_t)length,
	};
	memcpy(series->labels, identity_labels(identity), length);
	series->labels[length] = '\0';
	return series;
}

int catalog_add(struct catalog *catalog, const struct identity *identity, uint32_t id,
		struct catalog_series **ret_series)
{
	struct catalog_series *series;
	struct catalog_series **all;
	struct catalog_file *file;

	if (catalog->n_series >= CATALOG_SERIES_MAX)
		return -ENOSPC;
	all = array_grow(catalog->all_series, catalog->n_series, &catalog->series_capacity,
			 sizeof(void *));
	if (!all)
		return -ENOMEM;
	catalog->all_series = all;
	if (catalog_get_file(catalog, identity, &file) < 0)
		return -ENOMEM;
	if (id == CATALOG_NEXT_ID)
		id = file->next_id;
	/* Readers take no larger one: what is written under it could not be found again. */
	if (id >= ID_MAP_MAX)
		return -ENOSPC;
	series = series_new(file, identity);
	if (!series || table_add(&catalog->series, identity->hash, series) < 0) {
		free(series);
		return -ENOMEM;
	}

	series->id = id;
	if (id >= file->next_id)
		file->next_id = id + 1;
	file->host->n_series++;
	all[catalog->n_series++] = series;
	*ret_series = series;
	return 0;
}

int catalog_make_parts(struct catalog_data *data, uint32_t n)
{
	uint64_t *part_bytes;

	if (n == 0)
		return 0;
	part_bytes = reallocarray(data->part_bytes, n, sizeof(*part_bytes));
	if (!part_bytes)
		return -ENOMEM;
	data->part_bytes = part_bytes;
	for (uint32_t part = data->end.part; part < n; part++)
		part_bytes[part] = 0;
	return 0;
}

void catalog_note(struct catalog_series *series, int64_t time_us, double value, bool is_odd)
{
	struct catalog_host *host = series->file->host;
	bool has_last = series->last_time_us != CATALOG_NO_TIME;

	/* Of samples of one time the one written last is shown; one of an impossible time only as
	 * long as there is no other. */
	if (!has_last || (series->is_last_odd && !is_odd) ||
	    (series->is_last_odd == is_odd && time_us >= series->last_time_us)) {
		series->last_time_us = time_us;
		series->last_value = value;
		series->is_last_odd = is_odd;
	}
	if (host->last_time_us == CATALOG_NO_TIME || (host->is_last_odd && !is_odd) ||
	    (host->is_last_odd == is_odd && time_us > host->last_time_us)) {
		host->last_time_us = time_us;
		host->is_last_odd = is_odd;
	}
}

int catalog_gather(struct catalog_series *series, int64_t time_us, double value)
{
	struct catalog_host *host = series->file->host;

	struct catalog_sample *gathered = array_grow(host->gathered, host->n_gathered,
						     &host->gathered_capacity, sizeof(*gathered));

	if (!gathered)
		return -ENOMEM;
	host->gathered = gathered;
	gathered[host->n_gathered++] = (struct catalog_sample){series, time_us, value};
	return 0;
}

int catalog_describe(struct catalog_file *file, enum hm_stored_kind kind, const char *unit,
		     size_t unit_length)
{
	bool is_new_kind = file->kind == HM_STORED_UNKNOWN && kind != HM_STORED_UNKNOWN;
	bool is_new_unit = !file->has_unit && unit_length > 0 && unit[0] != '\0';

	if (is_new_unit) {
		char *copy = strndup(unit, unit_length);

		if (!copy)
			return -ENOMEM;
		file->unit = copy;
		file->has_unit = true;
	}
	if (is_new_kind)
		file->kind = kind;
	file->has_new_meta |= is_new_kind || is_new_unit;
	return 0;
}

int catalog_begin_part(struct catalog *catalog, struct catalog_file *file, enum catalog_side side,
		       uint64_t continues_bytes)
{
	struct catalog_data *data = &file->data[side];
	uint32_t part = data->end.part;

	if (catalog_make_parts(data, part + 1) < 0)
		return -ENOMEM;
	data->part_bytes[part] = data->end.length_bytes;
	data->end = (struct metric_file_end){
		.part = part + 1,
		.continues_bytes = continues_bytes,
		.highest_us = CATALOG_NO_TIME,
	};
	data->names_nothing = true;
	catalog->has_new_parts = true;
	return 0;
}

void catalog_forget_names(struct catalog *catalog)
{
	if (!catalog->has_new_parts)
		return;
	catalog->has_new_parts = false;
	for (size_t i = 0; i < catalog->n_series; i++) {
		struct catalog_series *series = catalog->all_series[i];

		for (size_t side = 0; side < CATALOG_SIDES; side++) {
			if (series->file->data[side].names_nothing)
				series->declared[side] = 0;
		}
	}
	for (size_t i = 0; i < catalog->n_files; i++) {
		for (size_t side = 0; side < CATALOG_SIDES; side++)
			catalog->all_files[i]->data[side].names_nothing = false;
	}
}

void catalog_file_name(const struct catalog_file *file, enum catalog_side side, uint32_t part,
		       char name[static CATALOG_FILE_NAME_BYTES])
{
	const char *ending = side == CATALOG_SIDE_ODD ? ".odd.hm" : ".hm";

	if (part == 0)
		(void)snprintf(name, CATALOG_FILE_NAME_BYTES, "%s%s", file->name, ending);
	else
		(void)snprintf(name, CATALOG_FILE_NAME_BYTES, "%s~%u%s", file->name, part, ending);
}
