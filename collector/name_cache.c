/* SPDX-License-Identifier: MIT */
/* Which series a name stands for. */

#include "collector/name_cache.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* A name lies in one of the places of its set; where they are full, it takes the next one's in turn. */
#define SET_PLACES 4

struct place {
	uint64_t hash;
	struct catalog_series *series; /* NULL = free */
	char *text;                    /* host, then name */
	uint16_t host_length;
	uint16_t name_length;
	uint32_t next; /* the place of the name that came after it the last time */
};

struct name_cache {
	struct hash_key key;
	unsigned int turn;
	struct place *last;
	size_t n_places;
	struct place places[];
};

struct name_cache *name_cache_new(const struct hash_key *key, size_t n_places)
{
	struct name_cache *cache = calloc(1, sizeof(*cache) + n_places * sizeof(struct place));

	if (!cache)
		return NULL;
	cache->key = *key;
	cache->last = cache->places;
	cache->n_places = n_places;
	return cache;
}

void name_cache_free(struct name_cache *cache)
{
	if (!cache)
		return;
	for (size_t i = 0; i < cache->n_places; i++)
		free(cache->places[i].text);
	free(cache);
}

static uint64_t hash_name(const struct name_cache *cache, struct series_text host,
			  struct series_text name)
{
	uint64_t hash = hash_bytes(&cache->key, name.start, name.length);

	/* Both are hashed with a key: nobody can choose two that cancel each other. */
	return hash ^ (hash_bytes(&cache->key, host.start, host.length) << 1);
}

static bool is_same(const struct place *place, struct series_text host, struct series_text name)
{
	return place->series && place->name_length == name.length &&
	       place->host_length == host.length &&
	       memcmp(place->text + host.length, name.start, name.length) == 0 &&
	       memcmp(place->text, host.start, host.length) == 0;
}

static struct place *find_set(struct name_cache *cache, uint64_t hash)
{
	return &cache->places[hash % (cache->n_places / SET_PLACES) * SET_PLACES];
}

/* @return NULL: it has none */
static struct place *find_place(struct name_cache *cache, struct series_text host,
				struct series_text name)
{
	uint64_t hash = hash_name(cache, host, name);
	struct place *set = find_set(cache, hash);

	for (size_t i = 0; i < SET_PLACES; i++) {
		if (set[i].hash == hash && is_same(&set[i], host, name))
			return &set[i];
	}
	return NULL;
}

struct catalog_series *name_cache_find(struct name_cache *cache, struct series_text host,
				       struct series_text name)
{
	/* Senders have an order, and keep to it. */
	struct place *place = &cache->places[cache->last->next];

	if (!is_same(place, host, name)) {
		place = find_place(cache, host, name);
		if (!place)
			return NULL;
		cache->last->next = (uint32_t)(place - cache->places);
	}
	cache->last = place;
	return place->series;
}

static struct place *choose_place(struct name_cache *cache, uint64_t hash)
{
	struct place *set = find_set(cache, hash);

	for (size_t i = 0; i < SET_PLACES; i++) {
		if (!set[i].series)
			return &set[i];
	}
	return &set[cache->turn++ % SET_PLACES];
}

void name_cache_add(struct name_cache *cache, struct series_text host, struct series_text name,
		    struct catalog_series *series)
{
	uint64_t hash = hash_name(cache, host, name);
	struct place *place;
	char *text;

	if (host.length + name.length > NAME_CACHE_NAME_MAX_BYTES || find_place(cache, host, name))
		return;
	text = malloc(host.length + name.length + 1);
	if (!text)
		return;
	memcpy(text, host.start, host.length);
	memcpy(text + host.length, name.start, name.length);
	place = choose_place(cache, hash);
	free(place->text);
	*place = (struct place){
		.hash = hash,
		.series = series,
		.text = text,
		.host_length = (uint16_t)host.length,
		.name_length = (uint16_t)name.length,
	};
}
