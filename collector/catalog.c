/* SPDX-License-Identifier: MIT */
/* All hosts, metric files and series that the store knows. */

#include "collector/catalog.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "collector/epoch.h"
#include "collector/id_map.h"
#include "common/array.h"
#include "common/file_name.h"

void catalog_init(struct catalog *catalog, const struct hash_key *key)
{
	*catalog = (struct catalog){
		.key = *key,
		.files = {.item_bytes = sizeof(struct catalog_file)},
		.series = {.item_bytes = sizeof(struct catalog_series)},
		.series_runs = {.item_bytes = sizeof(struct number_run)},
	};
}

static void host_free(struct catalog_host *host)
{
	if (!host)
		return;
	epoch_free_all(host);
	free(host->gathered);
	free(host);
}

static void data_done(struct catalog_data *data)
{
	free(data->parts);
	if (data->trim)
		tombstones_done(&data->trim->tombstones);
	free(data->trim);
}

void catalog_done(struct catalog *catalog)
{
	for (size_t i = 0; i < catalog->files.n; i++) {
		struct catalog_file *file = pool_at(&catalog->files, i);

		for (int side = 0; side < CATALOG_SIDES; side++)
			data_done(&file->data[side]);
	}
	for (size_t i = 0; i < catalog->n_hosts; i++)
		host_free(catalog->all_hosts[i]);
	pool_done(&catalog->series_runs);
	pool_done(&catalog->series);
	pool_done(&catalog->files);
	free(catalog->all_hosts);
	host_folders_done(&catalog->folders);
	file_starts_done(&catalog->starts);
	number_table_done(&catalog->series_table);
	number_table_done(&catalog->files_table);
	table_done(&catalog->hosts);
	table_done(&catalog->agents);
	table_done(&catalog->epochs);
	text_pool_done(&catalog->texts);
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

/* A file or a series that is looked for. */
struct wish {
	const struct catalog *catalog;
	const struct identity *identity;
};

static bool has_identity(const struct catalog_file *file, const struct identity *identity)
{
	return strcmp(file->metric, identity_metric(identity)) == 0 &&
	       strcmp(file->host->name, identity_host(identity)) == 0;
}

static bool is_file(uint32_t number, const void *key)
{
	const struct wish *wish = key;

	return has_identity(pool_at(&wish->catalog->files, number), wish->identity);
}

static bool is_series(uint32_t number, const void *key)
{
	const struct wish *wish = key;
	const struct identity *identity = wish->identity;
	const struct catalog_series *series = pool_at(&wish->catalog->series, number);

	return series->labels_length == identity->labels_length &&
	       memcmp(series->labels, identity_labels(identity), identity->labels_length) == 0 &&
	       has_identity(series->file, identity);
}

struct catalog_series *catalog_find(const struct catalog *catalog, const struct identity *identity)
{
	struct wish wish = {catalog, identity};
	uint32_t number =
		number_table_find(&catalog->series_table, identity->hash, is_series, &wish);

	return number == NUMBER_TABLE_NONE ? NULL : pool_at(&catalog->series, number);
}

int catalog_take_folder(struct catalog *catalog, const char *name)
{
	int result = host_folders_take(&catalog->folders, name);

	for (size_t i = 0; i < catalog->n_hosts && result == 0; i++) {
		struct catalog_host *host = catalog->all_hosts[i];

		if (strcmp(host->folder, name) == 0)
			host_folders_choose(&catalog->folders, host->name, host->folder);
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
	host->horizon_us = CATALOG_NO_TIME;
	host->trimmed_us = CATALOG_NO_TIME;
	host->oldest_us = CATALOG_NO_OLDEST;
	host->filed_oldest_us = CATALOG_NO_OLDEST;
	host->said_oldest_us = CATALOG_NO_OLDEST;
	host->end.highest_us = CATALOG_NO_TIME;
	host_folders_choose(&catalog->folders, host->name, host->folder);
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

int catalog_start_at(struct catalog *catalog, const char *folder, const struct file_name *name)
{
	return file_starts_add(&catalog->starts, &catalog->key, folder, name);
}

/* Have a new file begin with the part that it is to begin with. */
static void find_starts(struct catalog *catalog, struct catalog_file *file)
{
	char metric[FILE_NAME_MAX_BYTES];

	if (file_starts_is_empty(&catalog->starts))
		return;
	file_name_escape(file->metric, strlen(file->metric), metric);
	for (int side = 0; side < CATALOG_SIDES; side++) {
		struct file_name name = {
			.metric = metric,
			.metric_length = strlen(metric),
			.is_odd = side == CATALOG_SIDE_ODD,
		};

		if (file_starts_find(&catalog->starts, &catalog->key, file->host->folder, &name)) {
			catalog_go_on(catalog, file, (enum catalog_side)side, name.part,
				      name.continues_bytes);
		}
	}
}

static int add_file(struct catalog *catalog, const struct identity *identity, uint64_t hash,
		    struct catalog_file **ret_file)
{
	const char *metric = text_pool_get(&catalog->texts, &catalog->key,
					   identity_metric(identity), identity->metric_length);
	struct catalog_file *file = pool_make(&catalog->files);
	struct catalog_host *host;

	if (!metric || !file ||
	    catalog_get_host(catalog, identity_host(identity), identity->host_length, &host) < 0 ||
	    number_table_add(&catalog->files_table, hash, (uint32_t)catalog->files.n) < 0)
		return -ENOMEM;
	file->host = host;
	file->metric = metric;
	file->unit = "";
	for (int side = 0; side < CATALOG_SIDES; side++)
		file->data[side].end.highest_us = CATALOG_NO_TIME;
	file->next = host->files;
	host->files = file;
	catalog->files.n++;
	find_starts(catalog, file);
	*ret_file = file;
	return 0;
}

int catalog_get_file(struct catalog *catalog, const struct identity *identity,
		     struct catalog_file **ret_file)
{
	size_t n_bytes = identity->host_length + 1 + identity->metric_length;
	uint64_t hash = hash_bytes(&catalog->key, identity->text, n_bytes);
	struct wish wish = {catalog, identity};
	uint32_t number = number_table_find(&catalog->files_table, hash, is_file, &wish);

	if (number == NUMBER_TABLE_NONE)
		return add_file(catalog, identity, hash, ret_file);
	*ret_file = pool_at(&catalog->files, number);
	return 0;
}

int catalog_add(struct catalog *catalog, const struct identity *identity, uint32_t id,
		struct catalog_series **ret_series)
{
	struct catalog_series *series;
	struct catalog_file *file;
	const char *labels;

	if (catalog->series.n >= CATALOG_SERIES_MAX)
		return -ENOSPC;
	if (catalog_get_file(catalog, identity, &file) < 0)
		return -ENOMEM;
	if (id == CATALOG_NEXT_ID)
		id = file->next_id;
	/* Readers take no larger one: what is written under it could not be found again. */
	if (id >= ID_MAP_MAX)
		return -ENOSPC;
	labels = text_pool_get(&catalog->texts, &catalog->key, identity_labels(identity),
			       identity->labels_length);
	series = pool_make(&catalog->series);
	if (!labels || !series || !pool_make(&catalog->series_runs) ||
	    number_table_add(&catalog->series_table, identity->hash, (uint32_t)catalog->series.n) <
		    0)
		return -ENOMEM;

	*series = (struct catalog_series){
		.file = file,
		.labels = labels,
		.labels_length = (uint16_t)identity->labels_length,
		.last_time_us = CATALOG_NO_TIME,
		.id = id,
	};
	if (id >= file->next_id)
		file->next_id = id + 1;
	file->host->n_series++;
	(void)number_runs_add(&file->series, &catalog->series_runs, (uint32_t)catalog->series.n);
	catalog->series.n++;
	*ret_series = series;
	return 0;
}

int catalog_add_part(struct catalog_data *data, const struct catalog_part *part)
{
	struct catalog_part *parts = reallocarray(data->parts, data->n_parts + 1, sizeof(*parts));
	size_t at = data->n_parts;

	if (!parts)
		return -ENOMEM;
	data->parts = parts;
	while (at > 0 && parts[at - 1].part > part->part)
		at--;
	memmove(parts + at + 1, parts + at, (data->n_parts - at) * sizeof(*parts));
	parts[at] = *part;
	data->n_parts++;
	return 0;
}

struct catalog_trim *catalog_get_trim(struct catalog_data *data)
{
	if (data->trim)
		return data->trim;
	data->trim = calloc(1, sizeof(*data->trim));
	if (data->trim)
		data->trim->oldest_last_us = CATALOG_NO_TIME;
	return data->trim;
}

void catalog_note_last(struct catalog_host *host, int64_t time_us, bool is_odd)
{
	if (host->last_time_us == CATALOG_NO_TIME || (host->is_last_odd && !is_odd) ||
	    (host->is_last_odd == is_odd && time_us > host->last_time_us)) {
		host->last_time_us = time_us;
		host->is_last_odd = is_odd;
	}
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
	catalog_note_last(host, time_us, is_odd);
	if (!is_odd && time_us < host->oldest_us)
		host->oldest_us = time_us;
}

/* Room for as many as are expected: to double it from a few on copies all of them once more. */
static void reserve_gathered(struct catalog_host *host)
{
	host->gathered = array_new(host->n_expected, sizeof(*host->gathered));
	if (host->gathered)
		host->gathered_capacity = host->n_expected;
}

int catalog_gather(struct catalog_series *series, int64_t time_us, double value)
{
	struct catalog_host *host = series->file->host;
	struct catalog_sample *gathered;

	if (!host->gathered && host->n_expected > 0)
		reserve_gathered(host);
	gathered = array_grow(host->gathered, host->n_gathered, &host->gathered_capacity,
			      sizeof(*gathered));
	if (!gathered)
		return -ENOMEM;
	host->gathered = gathered;
	gathered[host->n_gathered++] = (struct catalog_sample){series, time_us, value};
	return 0;
}

struct catalog_sample *catalog_take_gathered(struct catalog_host *host, size_t *ret_n)
{
	struct catalog_sample *gathered = host->gathered;
	size_t n = host->n_gathered;

	/* Some more than ever lately: of those before, always less. */
	host->n_expected -= host->n_expected / 8;
	if (host->n_expected < n + n / 8)
		host->n_expected = n + n / 8;
	host->gathered = NULL;
	host->n_gathered = 0;
	host->gathered_capacity = 0;
	*ret_n = n;
	return gathered;
}

int catalog_describe(struct catalog *catalog, struct catalog_file *file, enum hm_stored_kind kind,
		     const char *unit, size_t unit_length)
{
	bool is_new_kind = file->kind == HM_STORED_UNKNOWN && kind != HM_STORED_UNKNOWN;
	bool is_new_unit = file->unit[0] == '\0' && unit_length > 0 && unit[0] != '\0';

	if (is_new_unit) {
		const char *copy = text_pool_get(&catalog->texts, &catalog->key, unit, unit_length);

		if (!copy)
			return -ENOMEM;
		file->unit = copy;
	}
	if (is_new_kind)
		file->kind = kind;
	file->has_new_meta |= is_new_kind || is_new_unit;
	return 0;
}

void catalog_go_on(struct catalog *catalog, struct catalog_file *file, enum catalog_side side,
		   uint32_t part, uint64_t continues_bytes)
{
	struct catalog_data *data = &file->data[side];

	data->end = (struct metric_file_end){
		.part = part,
		.continues_bytes = continues_bytes,
		.highest_us = CATALOG_NO_TIME,
	};
	data->n_sectors = 0;
	data->names_nothing = true;
	catalog->has_new_parts = true;
}

int catalog_begin_part(struct catalog *catalog, struct catalog_file *file, enum catalog_side side,
		       uint64_t continues_bytes)
{
	struct catalog_data *data = &file->data[side];
	struct catalog_part present = {data->end.part, data->n_sectors, data->end.continues_bytes,
				       data->end.length_bytes};

	if (present.part >= FILE_NAME_PART_MAX)
		return -EOVERFLOW;
	if (present.length_bytes > 0 && catalog_add_part(data, &present) < 0)
		return -ENOMEM;
	catalog_go_on(catalog, file, side, present.part + 1, continues_bytes);
	return 0;
}

void catalog_forget_names(struct catalog *catalog)
{
	if (!catalog->has_new_parts)
		return;
	catalog->has_new_parts = false;
	for (size_t i = 0; i < catalog->series.n; i++) {
		struct catalog_series *series = pool_at(&catalog->series, i);

		for (size_t side = 0; side < CATALOG_SIDES; side++) {
			if (series->file->data[side].names_nothing)
				catalog_set_declared(series, (enum catalog_side)side, 0);
		}
	}
	for (size_t i = 0; i < catalog->files.n; i++) {
		struct catalog_file *file = pool_at(&catalog->files, i);

		for (size_t side = 0; side < CATALOG_SIDES; side++)
			file->data[side].names_nothing = false;
	}
}

void catalog_file_name(const struct catalog_file *file, enum catalog_side side, uint32_t part,
		       uint64_t continues_bytes, char name[static CATALOG_FILE_NAME_BYTES])
{
	char metric[FILE_NAME_MAX_BYTES];
	struct file_name says = {
		.metric = metric,
		.part = part,
		.continues_bytes = continues_bytes,
		.is_odd = side == CATALOG_SIDE_ODD,
	};

	file_name_escape(file->metric, strlen(file->metric), metric);
	says.metric_length = strlen(metric);
	file_name_format(&says, name);
}
