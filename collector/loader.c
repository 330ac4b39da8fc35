/* SPDX-License-Identifier: MIT */
/* What the metric files say at start. */

#include "collector/loader.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/engine.h"
#include "collector/undo.h"
#include "common/array.h"
#include "common/file_name.h"
#include "common/file_reader.h"
#include "common/message.h"
#include "common/text.h"

#define FILE_ENDING      ".hm"
#define ODD_ENDING       ".odd"
#define HOST_FILE        ".host"
#define ASIDE_ENDING     ".damaged"
#define ASIDE_TRIES      100
#define PATH_BYTES       (CATALOG_FILE_NAME_BYTES * 2)
#define PART_MARK        '~'
#define SERIES_MIN_BYTES 2  /* of one in a SERIES block */
#define HASH_MARK_BYTES  17 /* a cut name ends in the same mark and 16 digits */

/* One metric's file in the folder being read. */
struct found {
	char *name;
	uint32_t part;
	enum catalog_side side;
	size_t base_length; /* of the name, without part and ending */
};

struct loader {
	struct engine *engine;
	const struct recovery *recovery;
	struct block_decoder *decoder;
	struct loader_result result;
	struct table folders; /* hosts by their folders' names */
	struct buffer names;  /* of the folders */
	/* Of the folder being read. */
	const char *folder;
	size_t folder_base;        /* of its name, without a number */
	struct catalog_host *host; /* NULL: the log does not know it, and no file was read yet */
	bool is_logged;            /* the log knows the host, and its checkpoint: */
	uint64_t checkpoint;
	struct found *found;
	size_t n_found;
	size_t found_capacity;
	/* Of the file being read. */
	const struct found *reading;
	uint64_t n_damaged; /* ranges of it */
	uint64_t damaged_bytes;
	struct catalog_file *file;
	uint64_t limit_bytes;              /* so much of this part counts, says the one behind it */
	struct store_file_header expected; /* what its path says that its header says */
	char expected_host[FILE_NAME_MAX_BYTES];
	char expected_metric[FILE_NAME_MAX_BYTES];
	struct id_map ids;
	struct id_map known; /* of all parts of the metric's files */
	struct buffer text;  /* identity of a series; begins with host and metric */
	struct identity identity;
};

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

/* -- what cannot be used -------------------------------------------------------------------------- */

/* For the status: what is wrong with a file or folder. */
static void note_error(struct loader *loader, const char *name, const char *why)
{
	struct engine_stats *stats = &loader->engine->stats;

	loader->result.n_files_aside++;
	(void)snprintf(stats->last_error, sizeof(stats->last_error), "hosts/%s%s%s: %s",
		       loader->folder, *name ? "/" : "", name, why);
}

static void pass_over(struct loader *loader, const char *name, const char *why)
{
	note_error(loader, name, why);
	message_warning("%s/%s: %s; left alone", loader->folder, name, why);
}

/* Perhaps it can be read at the next start. Until then nothing is appended to the host's files: which
 * numbers its series have there is not known. What comes in stays in the log. */
static void pass_over_for_now(struct loader *loader, const char *name, int error)
{
	note_error(loader, name, strerror(-error));
	message_error("%s/%s: %s; the host's samples stay in the log until it can be read, at the "
		      "next start",
		      loader->folder, name, strerror(-error));
	if (loader->host)
		loader->host->is_unread = true;
}

/* Give what cannot be used another name, so that the metric can have a new file. */
static void set_aside(struct loader *loader, int folder, const char *name, const char *why)
{
	const struct disk *disk = loader->engine->options.disk;
	char aside[PATH_BYTES];
	int result = -EEXIST;

	for (int i = 0; i < ASIDE_TRIES && result == -EEXIST; i++) {
		int fd;

		(void)snprintf(aside, sizeof(aside), i ? "%s%s-%d" : "%s%s", name, ASIDE_ENDING, i);
		fd = disk->open(disk->context, folder, aside, O_RDONLY);
		result = fd >= 0 ? -EEXIST : 0;
		if (fd >= 0)
			(void)disk->close(disk->context, fd);
	}
	if (result == 0)
		result = disk->rename(disk->context, folder, name, aside);
	note_error(loader, name, why);
	if (result < 0) {
		message_warning("%s/%s: %s; it could not be set aside either: %s", loader->folder,
				name, why, strerror(-result));
	} else {
		message_warning("%s/%s: %s; set aside as %s", loader->folder, name, why, aside);
	}
}

/* What becomes of a file that could not be read, for -errno. */
static void tell_unusable(struct loader *loader, int folder, const char *name, int result)
{
	switch (result) {
	case -EINVAL:
	case -EBADMSG:
	case -ELOOP: /* a symbolic link */
	case -ENXIO: /* a socket */
		set_aside(loader, folder, name, "not a metric file, or its header is damaged");
		break;
	case -ENOTSUP:
		pass_over(loader, name, "of a format that this version does not know");
		break;
	case -EXDEV:
		pass_over(loader, name, "it holds another host or metric than its path says");
		break;
	case -EREMOTE:
		pass_over(loader, name, "it is of another store");
		break;
	default:
		pass_over_for_now(loader, name, result);
	}
}

/* -- one file ------------------------------------------------------------------------------------- */

static bool is_valid_name(const char *name, size_t length, size_t max_bytes)
{
	return length > 0 && length <= max_bytes && text_is_clean(name, length);
}

/* Do host and metric of the header belong where the file lies? */
static bool is_in_place(const struct loader *loader, const struct store_file_header *header)
{
	const struct found *found = loader->reading;
	char folder[FILE_NAME_MAX_BYTES];
	char name[FILE_NAME_MAX_BYTES];

	file_name_escape(header->host, header->host_length, folder);
	file_name_escape(header->metric, header->metric_length, name);
	return strlen(folder) == loader->folder_base &&
	       strncmp(folder, loader->folder, loader->folder_base) == 0 &&
	       strlen(name) == found->base_length &&
	       strncmp(name, found->name, found->base_length) == 0 && header->part == found->part &&
	       header->type == (found->side == CATALOG_SIDE_ODD ? HM_FILE_ODD : HM_FILE_METRIC);
}

/* A host that only its files know: the log is lost. */
static int adopt_host(struct engine *engine, struct catalog_host *host)
{
	const struct disk *disk = engine->options.disk;
	int result;

	if (host->number != 0)
		return 0;
	result = disk->random(disk->context, host->id, HM_ID_BYTES);
	if (result == 0)
		result = id_map_set(&engine->hosts, engine->next_number, host);
	if (result == 0)
		host->number = engine->next_number++;
	return result;
}

/* Begin with host and metric of the header. */
static int on_header(void *context, const struct store_file_header *header)
{
	struct loader *loader = context;
	int result;

	if (!is_valid_name(header->host, header->host_length, HM_HOST_NAME_MAX_BYTES) ||
	    !is_valid_name(header->metric, header->metric_length, HM_METRIC_NAME_MAX_BYTES) ||
	    !is_in_place(loader, header))
		return -EXDEV;
	if (memcmp(header->store_id, loader->engine->store_id, HM_ID_BYTES) != 0)
		return -EREMOTE;
	buffer_clear(&loader->text);
	buffer_append(&loader->text, header->host, header->host_length);
	buffer_append_byte(&loader->text, '\0');
	buffer_append(&loader->text, header->metric, header->metric_length);
	buffer_append_byte(&loader->text, '\0');
	buffer_append_byte(&loader->text, '\0');
	if (buffer_failed(&loader->text))
		return -ENOMEM;
	loader->identity = (struct identity){
		.text = loader->text.data,
		.host_length = header->host_length,
		.metric_length = header->metric_length,
	};
	result = catalog_get_file(&loader->engine->catalog, &loader->identity, &loader->file);
	if (result == 0)
		result = adopt_host(loader->engine, loader->file->host);
	if (result == 0)
		result = catalog_describe(loader->file, header->kind, header->unit,
					  header->unit_length);
	loader->file->has_new_meta = false;
	loader->host = loader->file->host;
	return result;
}

static int on_series(void *context, const struct store_file_series *named)
{
	struct loader *loader = context;
	struct identity *identity = &loader->identity;
	struct catalog_series *series;
	const void *known;

	if (named->id >= ID_MAP_MAX || named->labels_length > UINT16_MAX ||
	    !text_is_clean(named->labels, named->labels_length))
		return 0;
	loader->text.length = identity->host_length + identity->metric_length + 2;
	buffer_append(&loader->text, named->labels, named->labels_length);
	buffer_append_byte(&loader->text, '\0');
	if (buffer_failed(&loader->text))
		return -ENOMEM;
	identity->text = loader->text.data;
	identity->labels_length = named->labels_length;
	identity->hash = hash_bytes(&loader->engine->catalog.key, identity->text,
				    identity_text_bytes(identity));
	series = catalog_find(&loader->engine->catalog, identity);
	known = id_map_get(&loader->known, named->id);
	/* A part that could not be read for a while, and in which the number means something else. */
	if (known && known != series)
		return -EXDEV;
	if (!series) {
		int result = catalog_add(&loader->engine->catalog, identity, named->id, &series);

		/* More series than may be: these stay unnamed; the daemon starts all the same. */
		if (result == -ENOSPC)
			return 0;
		if (result < 0)
			return result;
	}
	if (id_map_set(&loader->known, named->id, series) < 0)
		return -ENOMEM;
	if (series->id != named->id)
		return 0;
	series->declared[loader->reading->side] = 1;
	return id_map_set(&loader->ids, named->id, series);
}

static int on_meta(void *context, const struct store_file_meta *meta)
{
	struct loader *loader = context;
	int result = catalog_describe(loader->file, meta->kind, meta->unit, meta->unit_length);

	loader->file->has_new_meta = false;
	return result;
}

static int on_last(void *context, uint32_t series_id, const struct metric_file_sample *sample)
{
	struct loader *loader = context;
	struct catalog_series *series = id_map_get(&loader->ids, series_id);

	if (series) {
		catalog_note(series, sample->time_us, sample->value,
			     loader->reading->side == CATALOG_SIDE_ODD);
	}
	return 0;
}

static int on_damage(void *context, uint64_t offset, uint64_t length_bytes)
{
	struct loader *loader = context;

	loader->result.n_damaged_ranges++;
	loader->n_damaged++;
	loader->damaged_bytes += length_bytes;
	message_warning("%s/%s: %" PRIu64 " damaged bytes from byte %" PRIu64 " on are passed over",
			loader->folder, loader->reading->name, length_bytes, offset);
	return 0;
}

/* What a file's path says of it. @return false: its names were cut */
static bool expect(struct loader *loader, const struct found *found)
{
	int host_length =
		file_name_unescape(loader->folder, loader->folder_base, loader->expected_host);
	int metric_length =
		file_name_unescape(found->name, found->base_length, loader->expected_metric);

	loader->expected = (struct store_file_header){
		.store_id = loader->engine->store_id,
		.salt = metric_file_salt(loader->engine->store_id, loader->folder, found->name),
		.part = found->part,
		/* How much of the part before counts is not known: all that verifies. */
		.continues_bytes = UINT64_MAX,
		.type = found->side == CATALOG_SIDE_ODD ? HM_FILE_ODD : HM_FILE_METRIC,
		.host = loader->expected_host,
		.metric = loader->expected_metric,
		.unit = "",
	};
	if (host_length < 0 || metric_length < 0)
		return false;
	loader->expected.host_length = (size_t)host_length;
	loader->expected.metric_length = (size_t)metric_length;
	return true;
}

/* Where a part of a file ends; the last one, which is read first, is gone on with. */
static int note_end(struct loader *loader, const struct metric_file_end *end)
{
	struct catalog_data *data = &loader->file->data[loader->reading->side];

	loader->limit_bytes = end->continues_bytes;
	if (end->part < data->end.part) {
		data->part_bytes[end->part] = end->length_bytes;
		return 0;
	}
	/* Parts that are not there have no bytes. */
	if (catalog_make_parts(data, end->part) < 0)
		return -ENOMEM;
	data->end = *end;
	return 0;
}

/* A file of which it is not known what the disk has goes on in its next part. Where it is not the last
 * one, it has been left already. */
static int leave_doubtful(struct loader *loader, bool is_lossy)
{
	const struct found *found = loader->reading;
	const struct cut *cut = cuts_find(&loader->recovery->cuts, loader->host, found->name);
	bool is_doubtful = cut && cut->is_doubtful;

	if ((!is_doubtful && !is_lossy) || loader->file->data[found->side].end.part != found->part)
		return 0;
	/* What is whole in it counts, also should the device give more of it one day. */
	return catalog_begin_part(&loader->engine->catalog, loader->file, found->side,
				  cut ? cut->length_bytes : UINT64_MAX);
}

/* The position behind all that the log has or ever said to have. */
static uint64_t log_end(const struct recovery *recovery)
{
	uint64_t end = recovery->durable > recovery->end ? recovery->durable : recovery->end;

	return end > 0 ? end : 1;
}

/*
 * Load a file; where the device does not give some of it, what it gives. That is not appended to: it goes
 * on in a part.
 * @return as metric_file_load(); 1: loaded, and something was not given
 */
static int load_blocks(struct loader *loader, struct metric_file_place *place,
		       struct metric_file_end *ret_end, uint64_t *ret_position)
{
	static const struct metric_file_visitor visit = {
		.header = on_header,
		.series = on_series,
		.meta = on_meta,
		.last = on_last,
		.damage = on_damage,
	};
	struct metric_file_visitor visitor = visit;
	const struct disk *disk = loader->engine->options.disk;
	uint64_t n_damaged = loader->result.n_damaged_ranges;
	int result;

	visitor.context = loader;
	result = metric_file_load(disk, place, loader->decoder, &visitor, ret_end, ret_position);
	if (result != -EIO && result != -EUCLEAN)
		return result;
	/* What was told is told again. */
	loader->result.n_damaged_ranges = n_damaged;
	loader->n_damaged = 0;
	loader->damaged_bytes = 0;
	place->passes_bad_sectors = true;
	result = metric_file_load(disk, place, loader->decoder, &visitor, ret_end, ret_position);
	return result < 0 ? result : 1;
}

/* Series whose names and samples are all in what the device does not give: should it do so one day, their
 * numbers are not to name others. */
static void skip_numbers(struct loader *loader)
{
	uint64_t next_id = loader->file->next_id + loader->damaged_bytes / SERIES_MIN_BYTES;

	if (next_id < ID_MAP_MAX)
		loader->file->next_id = (uint32_t)next_id;
}

static int load_file(struct loader *loader, int folder, const struct found *found)
{
	struct metric_file_place place = {
		.folder = folder,
		.path = found->name,
		.length_bytes = loader->limit_bytes,
		.position_max = UINT64_MAX,
	};
	struct metric_file_end end;
	uint64_t position;
	bool is_lossy;
	int result;

	loader->limit_bytes = UINT64_MAX;
	if (expect(loader, found))
		place.expected = &loader->expected;
	/* It was not ours, and is not. */
	if (place.length_bytes == 0)
		return 0;
	/* Where the log says nothing of the host, all that is whole counts; where it ends before what
	 * a file has, that as well. */
	if (loader->is_logged) {
		place.position_max = loader->checkpoint;
		place.lost_from = log_end(loader->recovery);
	}
	loader->reading = found;
	loader->n_damaged = 0;
	loader->damaged_bytes = 0;
	result = load_blocks(loader, &place, &end, &position);
	if (result < 0)
		return result;
	is_lossy = result == 1;
	/* Ids whose names are lost shall not name something else. */
	if (end.next_series_id > loader->file->next_id)
		loader->file->next_id = end.next_series_id;
	if (is_lossy)
		skip_numbers(loader);
	loader->file->data[found->side].n_damaged += loader->n_damaged;
	result = note_end(loader, &end);
	if (result == 0)
		result = leave_doubtful(loader, is_lossy);
	loader->result.n_bytes += end.length_bytes;
	if (position > loader->result.position)
		loader->result.position = position;
	if (position > loader->host->checkpoint)
		loader->host->checkpoint = position;
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
		result = load_file(loader, folder, found);
		id_map_done(&loader->ids);
		if (is_fatal(result))
			return result;
		if (result < 0)
			tell_unusable(loader, folder, found->name, result);
	}
	return 0;
}

/* The host's own file is made anew where it is not known what the disk has of it. */
static void remake_doubtful(struct loader *loader, int folder)
{
	const struct disk *disk = loader->engine->options.disk;
	struct catalog_host *host = loader->host;
	const struct cut *cut = cuts_find(&loader->recovery->cuts, host, HOST_FILE);

	if (!cut || !cut->is_doubtful)
		return;
	(void)disk->unlink(disk->context, folder, HOST_FILE);
	host->end = (struct metric_file_end){.highest_us = CATALOG_NO_TIME};
}

/* Take what the blocks of the host's own file say. */
static void take_host_blocks(struct loader *loader, struct file_reader *reader)
{
	struct catalog_host *host = loader->host;
	struct file_reader_block found;

	while (file_reader_next(reader, &found) == 0) {
		struct store_file_host entry;

		if (loader->is_logged && found.block.position > host->checkpoint)
			continue;
		host->end.length_bytes = found.offset + found.block.length_bytes;
		if (store_file_get_host(&found.block, &entry) == 0)
			host->n_filed = entry.n_samples;
	}
}

/* @return 0, also where it is damaged; -EINVAL: it is no file of a host; -EREMOTE: of another store */
static int read_host_file(struct loader *loader, int fd)
{
	const struct disk *disk = loader->engine->options.disk;
	struct file_reader reader = {0};
	struct store_file_header header;
	struct disk_status status;
	int result = disk->fstat(disk->context, fd, &status);

	/* One that a checkpoint has just made is empty. */
	if (result < 0 || (status.is_file && status.size_bytes == 0))
		return 0;
	result = file_reader_init(&reader, disk, fd, UINT64_MAX, &header);
	if (result == 0 && memcmp(header.store_id, loader->engine->store_id, HM_ID_BYTES) != 0)
		result = -EREMOTE;
	if (result == 0 && header.type == HM_FILE_HOST && loader->host) {
		loader->host->end = (struct metric_file_end){
			.salt = header.salt,
			.length_bytes = header.header_bytes,
			.highest_us = CATALOG_NO_TIME,
		};
		take_host_blocks(loader, &reader);
	}
	file_reader_done(&reader);
	return result == -EINVAL || result == -EREMOTE ? result : 0;
}

/* What the host's own file says; without it nothing but a count is missing. What is none of ours goes
 * out of the way. */
static void load_host_file(struct loader *loader, int folder)
{
	const struct disk *disk = loader->engine->options.disk;
	int fd = disk->open(disk->context, folder, HOST_FILE, O_RDONLY);
	int result = fd;

	if (fd >= 0) {
		result = read_host_file(loader, fd);
		(void)disk->close(disk->context, fd);
	}
	if (result == -EREMOTE)
		set_aside(loader, folder, HOST_FILE, "it is of another store");
	else if (result == -EINVAL || result == -ELOOP || result == -ENXIO)
		set_aside(loader, folder, HOST_FILE, "no file of a host");
	else if (loader->host)
		remake_doubtful(loader, folder);
}

/* Is it something else that has the name of a host's folder? */
static bool is_no_folder(int result)
{
	return result == -ENOTDIR || result == -ELOOP;
}

static void tell_no_folder(struct loader *loader, int error)
{
	note_error(loader, "", "no folder, or a link to one");
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
	if (is_no_folder(folder)) {
		tell_no_folder(loader, folder);
		return catalog_take_folder(&loader->engine->catalog, name);
	}
	if (folder < 0) {
		pass_over_for_now(loader, "", folder);
		return 0;
	}
	if (!catalog_is_folder(&loader->engine->catalog, name)) {
		(void)disk->close(disk->context, folder);
		pass_over(loader, "", "its host has another folder");
		return 0;
	}
	result = disk->list(disk->context, folder, add_found, loader);
	if (result == 0 && loader->n_found > 0)
		qsort(loader->found, loader->n_found, sizeof(struct found), compare_found);
	if (result == 0)
		result = load_files(loader, folder);
	if (result == 0)
		load_host_file(loader, folder);
	if (loader->is_logged && loader->host && loader->host->checkpoint > loader->checkpoint)
		message_warning("%s: its files are newer than the log, so all whole blocks count",
				name);
	for (size_t i = 0; i < loader->n_found; i++)
		free(loader->found[i].name);
	(void)disk->close(disk->context, folder);
	if (result < 0 && !is_fatal(result)) {
		pass_over_for_now(loader, "", result);
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
	const struct disk *disk = engine->options.disk;
	int result = 0;

	loader.decoder = block_decoder_new();
	if (!loader.decoder)
		return -ENOMEM;
	result = disk->list(disk->context, engine->hosts_folder, add_name, &loader);
	if (result == 0)
		result = for_each_name(&loader, look_at_number);
	if (result == 0)
		result = index_folders(&loader);
	if (result == 0)
		result = undo_run(engine, &recovery->cuts);
	if (result == 0)
		result = for_each_name(&loader, load_folder);
	catalog_forget_names(&engine->catalog);
	if (result == 0)
		*ret_result = loader.result;
	loader_done(&loader);
	return result;
}
