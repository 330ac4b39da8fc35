/* SPDX-License-Identifier: MIT */
/* Files that a checkpoint was about to append to. */

#include "collector/cuts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/array.h"

/* What the index is asked for. */
struct key {
	const struct catalog_host *host;
	const char *name;
	size_t length;
};

void cuts_init(struct cuts *cuts, const struct hash_key *key)
{
	*cuts = (struct cuts){.key = *key};
}

void cuts_done(struct cuts *cuts)
{
	for (size_t i = 0; i < cuts->n; i++)
		free(cuts->all[i]);
	free(cuts->all);
	table_done(&cuts->index);
	id_map_done(&cuts->hosts);
	*cuts = (struct cuts){0};
}

static bool is_cut(const void *item, const void *wanted)
{
	const struct cut *cut = item;
	const struct key *key = wanted;

	return cut->host == key->host && cut->name_length == key->length &&
	       memcmp(cut->name, key->name, key->length) == 0;
}

static uint64_t hash_key(const struct cuts *cuts, const struct key *key)
{
	/* Many hosts have files of the same names. */
	return hash_bytes(&cuts->key, key->name, key->length) +
	       key->host->number * UINT64_C(0x9e3779b97f4a7c15);
}

static struct cut *find(const struct cuts *cuts, const struct key *key)
{
	return table_find(&cuts->index, hash_key(cuts, key), is_cut, key);
}

/* Make one and have it in all lists. @return NULL without memory: what there is of it is in the first */
static struct cut *add_cut(struct cuts *cuts, const struct key *key, struct catalog_host *host)
{
	struct cut **all = array_grow(cuts->all, cuts->n, &cuts->capacity, sizeof(void *));
	struct cut *cut;

	if (!all)
		return NULL;
	cuts->all = all;
	cut = calloc(1, sizeof(*cut) + key->length + 1);
	if (!cut)
		return NULL;
	all[cuts->n++] = cut;
	cut->host = host;
	cut->next = cuts_of(cuts, host);
	cut->name_length = key->length;
	memcpy(cut->name, key->name, key->length);
	if (table_add(&cuts->index, hash_key(cuts, key), cut) < 0 ||
	    id_map_set(&cuts->hosts, host->number, cut) < 0)
		return NULL;
	return cut;
}

int cuts_add(struct cuts *cuts, struct catalog_host *host, const char *name, size_t name_length,
	     uint64_t length_bytes)
{
	struct key key = {host, name, name_length};
	struct cut *cut = find(cuts, &key);
	bool is_known = cut && !cut->is_dropped;

	if (!cut)
		cut = add_cut(cuts, &key, host);
	if (!cut)
		return -ENOMEM;
	cut->later_bytes = length_bytes;
	cut->group = cuts->group;
	if (is_known)
		return 0;
	cut->length_bytes = length_bytes;
	cut->is_dropped = false;
	return 0;
}

void cuts_drop(struct cuts *cuts, const struct catalog_host *host)
{
	for (struct cut *cut = cuts_of(cuts, host); cut; cut = cut->next)
		cut->is_dropped = true;
}

struct cut *cuts_find(const struct cuts *cuts, const struct catalog_host *host, const char *name)
{
	struct key key = {host, name, strlen(name)};
	struct cut *cut = find(cuts, &key);

	return cut && !cut->is_dropped ? cut : NULL;
}

struct cut *cuts_of(const struct cuts *cuts, const struct catalog_host *host)
{
	return id_map_get(&cuts->hosts, host->number);
}
