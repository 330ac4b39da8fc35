/* SPDX-License-Identifier: MIT */
/* What the metric files say at start. */

#include "collector/loader.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/loader_part.h"
#include "collector/undo.h"
#include "common/array.h"
#include "common/message.h"

static bool is_folder(const void *item, const void *key)
{
	const struct catalog_host *host = item;

	return strcmp(host->folder, key) == 0;
}

static uint64_t hash_folder(const struct loader *loader, const char *folder)
{
	return hash_bytes(&loader->engine->catalog.key, folder, strlen(folder));
}

static int index_folders(struct loader *loader)
{
	const struct catalog *catalog = &loader->engine->catalog;
	int result = 0;

	for (size_t i = 0; i < catalog->n_hosts && result == 0; i++) {
		struct catalog_host *host = catalog->all_hosts[i];

		result = table_add(&loader->folders, hash_folder(loader, host->folder), host);
	}
	return result;
}

/* -- a folder ------------------------------------------------------------------------------------- */

static int add_found(void *argument, const char *name)
{
	struct found *grown;
	struct loader *loader = argument;
	struct found found = {0};

	if (file_name_parse(name, &found.says) < 0)
		return 0;
	grown = array_grow(loader->found, loader->n_found, &loader->found_capacity, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	loader->found = grown;
	found.name = strdup(name);
	if (!found.name)
		return -ENOMEM;
	found.says.metric = found.name;
	loader->found[loader->n_found++] = found;
	return 0;
}

/* A part whose making was undone is as if it were there, and empty: the part before it is not gone on with. */
static int add_undone(struct loader *loader)
{
	const struct cuts *cuts = &loader->recovery->cuts;
	const struct cut *cut = loader->host ? cuts_of(cuts, loader->host) : NULL;
	int result = 0;

	for (; cut && result == 0; cut = cut->next) {
		struct file_name says;

		if (cut->is_dropped || cut->length_bytes > 0 ||
		    file_name_parse(cut->name, &says) < 0 || says.part == 0)
			continue;
		result = add_found(loader, cut->name);
		if (result == 0)
			loader->found[loader->n_found - 1].is_undone = true;
	}
	return result;
}

/* By metric; of one file the last part first: it says how much of those before counts. */
static int compare_found(const void *left, const void *right)
{
	const struct found *a = left;
	const struct found *b = right;
	int order = file_name_compare(&a->says, &b->says);

	return order ? order : (int)a->is_undone - (int)b->is_undone;
}

/* How many follow each other that are parts of one file? */
static size_t count_parts(const struct found *found, size_t n)
{
	size_t n_parts = 1;

	while (n_parts < n && file_name_is_one(&found[n_parts].says, &found->says))
		n_parts++;
	return n_parts;
}

static bool is_one_metric(const struct file_name *a, const struct file_name *b)
{
	return a->metric_length == b->metric_length &&
	       memcmp(a->metric, b->metric, a->metric_length) == 0;
}

static int load_files(struct loader *loader, int folder)
{
	const struct found *before = NULL;
	int result = 0;

	for (size_t i = 0; i < loader->n_found && result == 0;) {
		const struct found *found = &loader->found[i];
		size_t n_parts = count_parts(found, loader->n_found - i);

		if (!before || !is_one_metric(&before->says, &found->says)) {
			loader->file = NULL;
			id_map_done(&loader->known);
		}
		result = loader_load_parts(loader, folder, found, n_parts);
		before = found;
		i += n_parts;
	}
	return result;
}

/* Is it something else that has the name of a host's folder? */
static bool is_no_folder(int result)
{
	return result == -ENOTDIR || result == -ELOOP;
}

static void tell_no_folder(struct loader *loader, int error)
{
	loader_note_error(loader, "", "no folder, or a link to one");
	message_warning("hosts/%s: %s; a host of this name has its files in another folder",
			loader->folder, strerror(-error));
}

/*
 * A folder with a number: its host's own name was taken. It still counts as that where there is nothing
 * of that name any more; where there is a folder, that is the host's, and this one is nobody's.
 */
static int look_at_number(struct loader *loader, const char *name)
{
	struct catalog *catalog = &loader->engine->catalog;
	const struct disk *disk = loader->engine->options.disk;
	size_t length = file_name_folder_base(name);
	char *base;
	int result = 0;

	if (name[length] == '\0')
		return 0;
	base = strndup(name, length);
	if (!base)
		return -ENOMEM;
	for (int i = 0; i < 2 && result == 0; i++) {
		const char *looked_at = i == 0 ? base : name;
		int folder = disk->open(disk->context, loader->engine->hosts_folder, looked_at,
					O_RDONLY | O_DIRECTORY);

		if (folder >= 0)
			(void)disk->close(disk->context, folder);
		else if (is_no_folder(folder) || folder == -ENOENT)
			result = catalog_take_folder(catalog, looked_at);
	}
	free(base);
	return result;
}

static int load_folder(struct loader *loader, const char *name)
{
	const struct disk *disk = loader->engine->options.disk;
	int folder;
	int result;

	loader->folder = name;
	loader->host = table_find(&loader->folders, hash_folder(loader, name), is_folder, name);
	loader->is_logged = loader->host && loader->recovery->has_snapshot;
	loader->checkpoint = loader->host ? loader->host->checkpoint : 0;
	loader->n_found = 0;
	folder = disk->open(disk->context, loader->engine->hosts_folder, name,
			    O_RDONLY | O_DIRECTORY);
	if (loader_is_fatal(folder))
		return folder;
	/* A host that has nothing but what is in the log. */
	if (folder == -ENOENT && loader->result.unlisted < 0)
		return 0;
	if (is_no_folder(folder)) {
		tell_no_folder(loader, folder);
		return catalog_take_folder(&loader->engine->catalog, name);
	}
	if (folder < 0) {
		loader_pass_over_for_now(loader, "", folder);
		return 0;
	}
	if (!host_folders_has(&loader->engine->catalog.folders, name)) {
		(void)disk->close(disk->context, folder);
		loader_pass_over(loader, "", "its host has another folder");
		return 0;
	}
	result = disk->list(disk->context, folder, add_found, loader);
	if (result == 0)
		result = add_undone(loader);
	if (result == 0 && loader->n_found > 0)
		qsort(loader->found, loader->n_found, sizeof(struct found), compare_found);
	if (result == 0)
		result = load_files(loader, folder);
	if (result == 0)
		result = loader_load_host(loader, folder);
	if (loader->is_logged && loader->host && loader->host->checkpoint > loader->checkpoint)
		message_warning("%s: its files are newer than the log, so all whole blocks count",
				name);
	for (size_t i = 0; i < loader->n_found; i++)
		free(loader->found[i].name);
	(void)disk->close(disk->context, folder);
	if (result < 0 && !loader_is_fatal(result)) {
		loader_pass_over_for_now(loader, "", result);
		result = 0;
	}
	return result;
}

static int add_name(void *argument, const char *name)
{
	struct loader *loader = argument;

	/* One after the other, each ended by its NUL. */
	if (name[0] != '.')
		buffer_append(&loader->names, name, strlen(name) + 1);
	return buffer_failed(&loader->names) ? -ENOMEM : 0;
}

/* The folders of hosts that the log knows: the others can wait. Where it has lost what it said of them,
 * an unfinished checkpoint's blocks would count beside the log's own. */
static int add_known_names(struct loader *loader)
{
	const struct catalog *catalog = &loader->engine->catalog;
	int result = 0;

	if (!loader->recovery->has_snapshot)
		return 0;
	for (size_t i = 0; i < catalog->n_hosts && result == 0; i++)
		result = add_name(loader, catalog->all_hosts[i]->folder);
	return result;
}

static int list_names(struct loader *loader)
{
	const struct engine *engine = loader->engine;
	const struct disk *disk = engine->options.disk;
	int result = disk->list(disk->context, engine->hosts_folder, add_name, loader);

	if (!disk_is_damage(result))
		return result;
	loader->result.unlisted = result;
	loader->result.n_damaged_ranges++;
	buffer_clear(&loader->names);
	return add_known_names(loader);
}

static int for_each_name(struct loader *loader,
			 int (*work)(struct loader *loader, const char *name))
{
	int result = 0;

	for (size_t at = 0; at < loader->names.length && result == 0;
	     at += strlen(loader->names.data + at) + 1)
		result = work(loader, loader->names.data + at);
	return result;
}

static void loader_done(struct loader *loader)
{
	buffer_done(&loader->names);
	free(loader->found);
	table_done(&loader->folders);
	id_map_done(&loader->ids);
	id_map_done(&loader->known);
	tombstones_done(&loader->tombstones);
	buffer_done(&loader->text);
	block_decoder_free(loader->decoder);
}

int loader_run(struct engine *engine, struct recovery *recovery, struct loader_result *ret_result)
{
	struct loader loader = {.engine = engine, .recovery = recovery};
	int result = 0;

	loader.decoder = block_decoder_new();
	if (!loader.decoder)
		return -ENOMEM;
	result = list_names(&loader);
	if (result == 0)
		result = for_each_name(&loader, look_at_number);
	if (result == 0)
		result = index_folders(&loader);
	if (result == 0 && loader.result.unlisted == 0)
		result = undo_run(engine, recovery);
	if (result == 0)
		result = for_each_name(&loader, load_folder);
	catalog_forget_names(&engine->catalog);
	if (result == 0)
		*ret_result = loader.result;
	loader_done(&loader);
	return result;
}
