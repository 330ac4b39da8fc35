/* SPDX-License-Identifier: MIT */
/* Reading the store back at start. */

#include "collector/recovery.h"

#include <dirent.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "collector/block_reader.h"
#include "collector/bundle.h"
#include "collector/folder.h"
#include "collector/id_map.h"
#include "common/file_name.h"
#include "common/message.h"
#include "common/text.h"

#define FILE_ENDING      ".hm"
#define TEMPORARY_ENDING ".hm.tmp"

/* A damaged file gets the first free of so many names. */
#define ASIDE_MAX 100

struct recovery {
	int hosts_fd;
	struct catalog *catalog;
	struct recovery_result result;
	const char *folder; /* of the host being read */
	int folder_fd;
};

/* One metric file being read. */
struct reading {
	struct recovery *recovery;
	const char *name;
	int fd;
	struct block_reader reader;
	struct id_map ids;
	struct buffer text; /* identity of the series being declared; begins with host and metric */
	struct identity identity;
	struct catalog_file *file;
	uint64_t n_unnamed;
};

/* Give what cannot be used another name, so that the metric can have a new file. */
static void set_aside(struct recovery *recovery, const char *name, const char *why)
{
	char aside[NAME_MAX + 1];
	int result = -EEXIST;

	for (int i = 0; i < ASIDE_MAX && result == -EEXIST; i++) {
		int length =
			snprintf(aside, sizeof(aside), i ? "%s.damaged-%d" : "%s.damaged", name, i);

		if (length < 0 || (size_t)length >= sizeof(aside))
			result = -ENAMETOOLONG;
		else if (renameat2(recovery->folder_fd, name, recovery->folder_fd, aside,
				   RENAME_NOREPLACE) < 0)
			result = -errno;
		else
			result = 0;
	}
	recovery->result.n_files_aside++;
	if (result < 0) {
		message_warning("%s/%s: %s; it could not be set aside either: %s", recovery->folder,
				name, why, strerror(-result));
	} else {
		message_warning("%s/%s: %s; set aside as %s", recovery->folder, name, why, aside);
	}
}

static void pass_over(struct recovery *recovery, const char *name, const char *why)
{
	recovery->result.n_files_aside++;
	message_warning("%s/%s: %s; left alone", recovery->folder, name, why);
}

static uint32_t get_le32(const uint8_t *bytes)
{
	uint32_t word;

	memcpy(&word, bytes, sizeof(word));
	return le32toh(word);
}

/* The id is taken, whatever becomes of what was said of it: it shall never name something else. */
static void reserve_id(struct reading *reading, uint32_t id)
{
	if (id >= reading->file->next_id)
		reading->file->next_id = id + 1;
}

static int take_series(struct reading *reading, const struct store_file_block *block)
{
	const size_t head_bytes =
		reading->identity.host_length + reading->identity.metric_length + 2;
	struct identity *identity = &reading->identity;
	struct catalog_series *series;
	size_t n_bytes;
	uint32_t id;

	if (block->payload_bytes < sizeof(id))
		return 0;
	id = get_le32(block->payload);
	n_bytes = block->payload_bytes - sizeof(id);
	if (id >= ID_MAP_MAX || n_bytes > UINT16_MAX ||
	    !text_is_clean((const char *)block->payload + sizeof(id), n_bytes))
		return 0;

	reading->text.length = head_bytes;
	buffer_append(&reading->text, block->payload + sizeof(id), n_bytes);
	buffer_append_byte(&reading->text, '\0');
	if (buffer_failed(&reading->text))
		return -ENOMEM;
	identity->text = reading->text.data;
	identity->labels_length = n_bytes;
	identity->hash = hash_bytes(&reading->recovery->catalog->key, identity->text,
				    identity_text_bytes(identity));
	series = catalog_find(reading->recovery->catalog, identity);
	if (!series) {
		int result = catalog_add(reading->recovery->catalog, identity, id, &series);
		/* More series than may be: these stay unnamed; the daemon starts all the same. */
		if (result == -ENOSPC)
			return 0;
		if (result < 0)
			return result;
	}
	reserve_id(reading, id);
	return id_map_set(&reading->ids, id, series);
}

static int take_meta(struct reading *reading, const struct store_file_block *block)
{
	size_t n_bytes = block->payload_bytes - sizeof(uint32_t);
	uint32_t kind;
	char *unit;

	if (block->payload_bytes < sizeof(uint32_t) || n_bytes > BUNDLE_UNIT_MAX_BYTES)
		return 0;
	kind = get_le32(block->payload);
	unit = strndup((const char *)block->payload + sizeof(uint32_t), n_bytes);
	if (!unit)
		return -ENOMEM;
	free(reading->file->unit);
	reading->file->unit = unit;
	reading->file->kind =
		kind <= HM_STORED_COUNTER ? (enum hm_stored_kind)kind : HM_STORED_UNKNOWN;
	return 0;
}

static void take_samples(struct reading *reading, const struct store_file_block *block)
{
	size_t n_samples = store_file_n_samples(block);

	for (size_t i = 0; i < n_samples; i++) {
		struct store_file_sample sample = store_file_get_sample(block, i);
		struct catalog_series *series = id_map_get(&reading->ids, sample.series_id);

		if (series) {
			catalog_note(series, sample.time_us, sample.value);
			continue;
		}
		reading->n_unnamed++;
		if (sample.series_id < ID_MAP_MAX)
			reserve_id(reading, sample.series_id);
	}
}

static int take_blocks(struct reading *reading)
{
	struct store_file_block block;
	int result;

	while ((result = block_reader_next(&reading->reader, &block)) == 0) {
		if (block.type == HM_BLOCK_SERIES)
			result = take_series(reading, &block);
		else if (block.type == HM_BLOCK_META)
			result = take_meta(reading, &block);
		else if (block.type == HM_BLOCK_SAMPLES)
			take_samples(reading, &block);
		if (result < 0)
			return result;
	}
	return result == -ENODATA ? 0 : result;
}

/* Do host and metric of the header belong where the file lies? */
static bool is_in_place(const struct reading *reading, const struct store_file_header *header)
{
	char folder[FILE_NAME_MAX_BYTES];
	char name[FILE_NAME_MAX_BYTES];
	size_t length;

	file_name_escape(header->host, header->host_length, folder);
	file_name_escape(header->metric, header->metric_length, name);
	length = strlen(name);
	return strcmp(folder, reading->recovery->folder) == 0 &&
	       strncmp(name, reading->name, length) == 0 &&
	       strcmp(reading->name + length, FILE_ENDING) == 0;
}

static bool is_valid_name(const char *name, size_t length, size_t max_bytes)
{
	return length > 0 && length <= max_bytes && text_is_clean(name, length);
}

/* Begin with host and metric of the header. @return 0, or -errno; -EXDEV: they do not belong here */
static int take_header(struct reading *reading, const struct store_file_header *header)
{
	if (!is_valid_name(header->host, header->host_length, HM_HOST_NAME_MAX_BYTES) ||
	    !is_valid_name(header->metric, header->metric_length, HM_METRIC_NAME_MAX_BYTES) ||
	    !is_in_place(reading, header))
		return -EXDEV;
	buffer_append(&reading->text, header->host, header->host_length);
	buffer_append_byte(&reading->text, '\0');
	buffer_append(&reading->text, header->metric, header->metric_length);
	buffer_append_byte(&reading->text, '\0');
	buffer_append_byte(&reading->text, '\0');
	if (buffer_failed(&reading->text))
		return -ENOMEM;
	reading->identity = (struct identity){
		.text = reading->text.data,
		.host_length = header->host_length,
		.metric_length = header->metric_length,
	};
	return catalog_get_file(reading->recovery->catalog, &reading->identity, &reading->file);
}

/* Everything of the file is read: what does it amount to? */
static void judge(struct reading *reading)
{
	struct recovery_result *result = &reading->recovery->result;
	const struct block_reader *reader = &reading->reader;
	struct catalog_file *file = reading->file;

	if (reader->length_bytes - reader->good_end > BLOCK_READER_TAIL_MAX_BYTES) {
		/* Too much for a torn write, so it is not cut off. The catalog keeps what it saw and
		 * says it all again in a new file. */
		set_aside(reading->recovery, reading->name, "damaged in its middle");
		file->has_new_meta = true;
		return;
	}
	file->length_bytes = reader->good_end;
	file->undeclared = NULL;
	result->n_bytes += reader->good_end;
	result->n_damaged_ranges += reader->n_damaged;
	result->n_samples_unnamed += reading->n_unnamed;
	if (reader->n_damaged > 0 || reading->n_unnamed > 0) {
		message_warning("%s/%s: %" PRIu64 " damaged ranges (%" PRIu64 " bytes) are passed "
				"over, and %" PRIu64 " samples whose series was declared there",
				reading->recovery->folder, reading->name, reader->n_damaged,
				reader->damaged_bytes, reading->n_unnamed);
	} else if (reader->length_bytes > reader->good_end) {
		message_info("%s/%s: a write of %" PRIu64 " bytes was cut short and does not count",
			     reading->recovery->folder, reading->name,
			     reader->length_bytes - reader->good_end);
	}
}

static int read_open_file(struct reading *reading)
{
	struct store_file_header header;
	struct stat status;
	int result;

	if (fstat(reading->fd, &status) < 0)
		return -errno;
	if (!S_ISREG(status.st_mode))
		return -EINVAL;
	result =
		block_reader_init(&reading->reader, reading->fd, (uint64_t)status.st_size, &header);
	if (result == 0)
		result = take_header(reading, &header);
	if (result == 0)
		result = take_blocks(reading);
	if (result == 0)
		judge(reading);
	return result;
}

/* What becomes of a file that could not be read, for -errno. */
static void tell_unusable(struct recovery *recovery, const char *name, int result)
{
	switch (result) {
	case -EINVAL:
	case -EBADMSG:
	case -ELOOP: /* a symbolic link */
	case -ENXIO: /* a socket */
		set_aside(recovery, name, "not a metric file, or its header is damaged");
		break;
	case -ENOTSUP:
		pass_over(recovery, name, "of a format that this version does not know");
		break;
	case -EXDEV:
		pass_over(recovery, name, "it holds another host or metric than its path says");
		break;
	default:
		/* Perhaps it can be read next time. */
		pass_over(recovery, name, strerror(-result));
	}
}

static int read_file(struct recovery *recovery, const char *name)
{
	struct reading reading = {.recovery = recovery, .name = name};
	int result;

	reading.fd = folder_open_inside(recovery->hosts_fd, recovery->folder, name, O_RDONLY);
	result = reading.fd < 0 ? reading.fd : read_open_file(&reading);
	if (reading.fd >= 0)
		(void)close(reading.fd);
	block_reader_done(&reading.reader);
	id_map_done(&reading.ids);
	buffer_done(&reading.text);

	if (result < 0 && result != -ENOMEM)
		tell_unusable(recovery, name, result);
	/* Out of memory is no fault of the file. */
	return result == -ENOMEM ? result : 0;
}

static bool ends_in(const char *name, const char *ending)
{
	size_t length = strlen(name);
	size_t ending_length = strlen(ending);

	return length > ending_length && strcmp(name + length - ending_length, ending) == 0;
}

static int read_entry(struct recovery *recovery, const char *name)
{
	/* A file that was being made when we ended: nothing of it was ever confirmed. */
	if (ends_in(name, TEMPORARY_ENDING)) {
		if (unlinkat(recovery->folder_fd, name, 0) < 0)
			pass_over(recovery, name, strerror(errno));
		return 0;
	}
	return ends_in(name, FILE_ENDING) ? read_file(recovery, name) : 0;
}

static bool is_hidden(const struct dirent *entry)
{
	return entry->d_name[0] == '.';
}

/* Call `take` for each entry of a folder but the hidden ones. Takes the descriptor over. */
static int each_entry(int folder_fd, struct recovery *recovery,
		      int (*take)(struct recovery *recovery, const char *name))
{
	DIR *folder = fdopendir(folder_fd);
	int result = 0;

	if (!folder) {
		result = -errno;
		(void)close(folder_fd);
		return result;
	}
	while (result == 0) {
		const struct dirent *entry;

		errno = 0;
		entry = readdir(folder);
		if (!entry) {
			result = -errno;
			break;
		}
		if (!is_hidden(entry))
			result = take(recovery, entry->d_name);
	}
	(void)closedir(folder);
	return result;
}

static int read_host(struct recovery *recovery, const char *name)
{
	int result;

	recovery->folder = name;
	recovery->folder_fd =
		folder_open_inside(recovery->hosts_fd, name, NULL, O_RDONLY | O_DIRECTORY);
	if (recovery->folder_fd < 0) {
		pass_over(recovery, "", strerror(-recovery->folder_fd));
		return 0;
	}
	result = each_entry(recovery->folder_fd, recovery, read_entry);
	recovery->folder_fd = -1;
	if (result < 0 && result != -ENOMEM) {
		pass_over(recovery, "", strerror(-result));
		return 0;
	}
	return result;
}

int recovery_run(int hosts_fd, struct catalog *catalog, struct recovery_result *ret_result)
{
	struct recovery recovery = {.hosts_fd = hosts_fd, .catalog = catalog, .folder_fd = -1};
	int fd = folder_open_inside(hosts_fd, ".", NULL, O_RDONLY | O_DIRECTORY);
	int result;

	if (fd < 0)
		return fd;
	result = each_entry(fd, &recovery, read_host);
	if (result < 0)
		return result;
	/* What an earlier run wrote and did not come to sync counts from now on. */
	if (syncfs(hosts_fd) < 0)
		return -errno;
	*ret_result = recovery.result;
	return 0;
}
