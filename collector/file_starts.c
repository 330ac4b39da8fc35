/* SPDX-License-Identifier: MIT */
/* With which parts files begin that nothing is known of yet. */

#include "collector/file_starts.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/host_folders.h"

struct start {
	uint32_t part;
	uint64_t continues_bytes;
	size_t length;
	char path[]; /* folder, metric and side, not ended by a NUL */
};

/* A start's path as a key. */
struct start_key {
	char path[HOST_FOLDERS_NAME_BYTES + FILE_NAME_MAX_BYTES + 8];
	size_t length;
	uint64_t hash;
};

static void start_key_init(struct start_key *key, const struct hash_key *hash_key,
			   const char *folder, const struct file_name *name)
{
	int length = snprintf(key->path, sizeof(key->path), "%s/%.*s%s", folder,
			      (int)name->metric_length, name->metric, name->is_odd ? "/odd" : "");

	key->length = (size_t)length < sizeof(key->path) ? (size_t)length : sizeof(key->path) - 1;
	key->hash = hash_bytes(hash_key, key->path, key->length);
}

static bool is_start(const void *item, const void *wanted)
{
	const struct start *start = item;
	const struct start_key *key = wanted;

	return start->length == key->length && memcmp(start->path, key->path, key->length) == 0;
}

void file_starts_done(struct file_starts *starts)
{
	for (size_t i = 0; i < starts->table.capacity; i++)
		free(starts->table.entries[i].item);
	table_done(&starts->table);
}

bool file_starts_is_empty(const struct file_starts *starts)
{
	return starts->table.n == 0;
}

int file_starts_add(struct file_starts *starts, const struct hash_key *key, const char *folder,
		    const struct file_name *name)
{
	struct start_key start_key = {.length = 0};
	struct start *start;

	start_key_init(&start_key, key, folder, name);
	start = malloc(sizeof(*start) + start_key.length);
	if (!start)
		return -ENOMEM;
	start->part = name->part;
	start->continues_bytes = name->continues_bytes;
	start->length = start_key.length;
	memcpy(start->path, start_key.path, start_key.length);
	if (table_add(&starts->table, start_key.hash, start) < 0) {
		free(start);
		return -ENOMEM;
	}
	return 0;
}

bool file_starts_find(const struct file_starts *starts, const struct hash_key *key,
		      const char *folder, struct file_name *name)
{
	struct start_key start_key = {.length = 0};
	const struct start *start;

	start_key_init(&start_key, key, folder, name);
	start = table_find(&starts->table, start_key.hash, is_start, &start_key);
	if (!start)
		return false;
	name->part = start->part;
	name->continues_bytes = start->continues_bytes;
	return true;
}
