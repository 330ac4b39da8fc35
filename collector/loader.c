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

#define FILE_ENDING     ".hm"
#define ODD_ENDING      ".odd"
#define PART_MARK       '~'
#define HASH_MARK_BYTES 17 /* a cut name ends in the same mark and 16 digits */

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

static bool ends_in(const char *name, size_t length, const char *ending)
{
	size_t ending_length = strlen(ending);

	return length > ending_length &&
	       strncmp(name + length - ending_length, ending, ending_length) == 0;
}

/* Take a name apart: METRIC[~PART][.odd].hm. @return false: it is none of a metric's file */
static bool parse_name(const char *name, struct found *ret_found)
{
	size_t length = strlen(name);
	size_t digits;

	*ret_found = (struct found){.side = CATALOG_SIDE_MAIN};
	if (!ends_in(name, length, FILE_ENDING))
		return false;
	length -= strlen(FILE_ENDING);
	if (ends_in(name, length, ODD_ENDING)) {
		ret_found->side = CATALOG_SIDE_ODD;
		length -= strlen(ODD_ENDING);
	}
	for (digits = 0; digits < length; digits++) {
		char digit = name[length - 1 - digits];

		if (digit < '0' || digit > '9')
			break;
	}
	if (digits > 0 && digits < HASH_MARK_BYTES - 8 && digits < length &&
	    name[length - 1 - digits] == PART_MARK) {
		ret_found->part = (uint32_t)strtoul(name + length - digits, NULL, 10);
		length -= digits + 1;
	}
	ret_found->base_length = length;
	return length > 0;
}

static int add_found(void *argument, const char *name)
{
	struct found *grown;
	struct loader *loader = argument;
	struct found found;

	if (!parse_name(name, &found))
		return 0;
	grown = array_grow(loader->found, loader->n_found, &loader->found_capacity, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	loader->found = grown;
	found.name = strdup(name);
	if (!found.name)
		return -ENOMEM;
	loader->found[loader->n_found++] = found;
	return 0;
}

/* By metric; of one file the last part first: it says how much of those before counts. */
static int compare_found(const void *a, const void *b)
{
	const struct found *found_a = a;
	const struct found *found_b = b;
	size_t shorter = found_a->base_length < found_b->base_length ? found_a->base_length
								     : found_b->base_length;
	int order = strncmp(found_a->name, found_b->name, shorter);

	if (order == 0 && found_a->base_length != found_b->base_length)
		order = found_a->base_length < found_b->base_length ? -1 : 1;
	if (order == 0)
		order = (int)found_a->side - (int)found_b->side;
	if (order == 0)
		order = found_a->part > found_b->part ? -1 : found_a->part < found_b->part;
	return order;
}

static bool is_same_file(const struct found *a, const struct found *b)
{
	return a->base_length == b->base_length && strncmp(a->name, b->name, a->base_length) == 0;
}

/* Does it stand in the way of starting at all, and not only of this file? */
static bool is_fatal(int result)
{
	return result == -ENOMEM || result == -EMFILE || result == -ENFILE;
}

static int load_files(struct loader *loader, int folder)
{
	for (size_t i = 0; i < loader->n_found; i++) {
		const struct found *found = &loader->found[i];
		int result;

		if (i == 0 || !is_same_file(found, &loader->found[i - 1])) {
			loader->file = NULL;
			id_map_done(&loader->known);
		}
		if (i == 0 || found->side != loader->found[i - 1].side ||
		    found->part + 1 != loader->found[i - 1].part || !loader->file)
			loader->limit_bytes = UINT64_MAX;
		/* Nothing of it counts, so nothing of it is read. */
		if (loader->limit_bytes == 0)
			continue;
		result = loader_load_metric(loader, folder, found);
		id_map_done(&loader->ids);
		if (is_fatal(result))
			return result;
		if (result < 0)
			loader_tell_unusable(loader, folder, found->name, result);
	}
	return 0;
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
	size_t length = catalog_folder_base(name);
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
	loader->folder_base = catalog_folder_base(name);
	loader->host = table_find(&loader->folders, hash_folder(loader, name), is_folder, name);
	loader->is_logged = loader->host && loader->recovery->has_snapshot;
	loader->checkpoint = loader->host ? loader->host->checkpoint : 0;
	loader->n_found = 0;
	folder = disk->open(disk->context, loader->engine->hosts_folder, name,
			    O_RDONLY | O_DIRECTORY);
	if (is_fatal(folder))
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
	if (!catalog_is_folder(&loader->engine->catalog, name)) {
		(void)disk->close(disk->context, folder);
		loader_pass_over(loader, "", "its host has another folder");
		return 0;
	}
	result = disk->list(disk->context, folder, add_found, loader);
	if (result == 0 && loader->n_found > 0)
		qsort(loader->found, loader->n_found, sizeof(struct found), compare_found);
	if (result == 0)
		result = load_files(loader, folder);
	if (result == 0)
		loader_load_host(loader, folder);
	if (loader->is_logged && loader->host && loader->host->checkpoint > loader->checkpoint)
		message_warning("%s: its files are newer than the log, so all whole blocks count",
				name);
	for (size_t i = 0; i < loader->n_found; i++)
		free(loader->found[i].name);
	(void)disk->close(disk->context, folder);
	if (result < 0 && !is_fatal(result)) {
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
