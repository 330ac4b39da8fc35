/* SPDX-License-Identifier: MIT */
/* Which series a name stands for. */

#include "collector/name_cache.h"

#include <stdlib.h>
#include <string.h>

/* A name's hash says in which set it is found. Where the set or the memory is full, another one goes. */
#define SET_NAMES 4

struct place {
	uint64_t hash;
	struct catalog_series *series; /* NULL = free */
	char *text;                    /* host, then name */
	uint16_t host_length;
	uint16_t name_length;
	uint32_t next; /* the place of the name that came after it the last time */
};

struct set {
	uint32_t names[SET_NAMES]; /* number of the place, + 1; 0 = free */
};

/* The places lie in the order in which names came, most often the one in which they come again. */
struct name_cache {
	struct hash_key key;
	uint32_t last; /* the place of the name that was found last */
	size_t n_used;
	size_t n_places;
	size_t turn; /* whose name goes next */
	struct place *places;
	struct set *sets;
};

struct name_cache *name_cache_new(const struct hash_key *key, size_t n_places)
{
	struct name_cache *cache = calloc(1, sizeof(*cache));

	if (!cache)
		return NULL;
	cache->key = *key;
	cache->n_places = n_places;
	cache->places = calloc(n_places, sizeof(*cache->places));
	cache->sets = calloc(n_places / SET_NAMES, sizeof(*cache->sets));
	if (cache->places && cache->sets)
		return cache;
	name_cache_free(cache);
	return NULL;
}

static void free_texts(struct name_cache *cache)
{
	for (size_t i = 0; cache->places && i < cache->n_used; i++)
		free(cache->places[i].text);
}

void name_cache_clear(struct name_cache *cache)
{
	free_texts(cache);
	memset(cache->places, 0, cache->n_places * sizeof(*cache->places));
	memset(cache->sets, 0, cache->n_places / SET_NAMES * sizeof(*cache->sets));
	cache->last = 0;
	cache->n_used = 0;
	cache->turn = 0;
}

void name_cache_free(struct name_cache *cache)
{
	if (!cache)
		return;
	free_texts(cache);
	free(cache->places);
	free(cache->sets);
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

static struct set *find_set(const struct name_cache *cache, uint64_t hash)
{
	return &cache->sets[hash % (cache->n_places / SET_NAMES)];
}

/* @return the place's number; cache->n_places: it has none */
static size_t find_place(const struct name_cache *cache, struct series_text host,
			 struct series_text name)
{
	uint64_t hash = hash_name(cache, host, name);
	const struct set *set = find_set(cache, hash);

	for (size_t i = 0; i < SET_NAMES && set->names[i] > 0; i++) {
		const struct place *place = &cache->places[set->names[i] - 1];

		if (place->hash == hash && is_same(place, host, name))
			return set->names[i] - 1;
	}
	return cache->n_places;
}

bool name_cache_expect(const struct name_cache *cache, struct series_text host,
		       struct series_text *ret_name)
{
	const struct place *place = &cache->places[cache->places[cache->last].next];

	if (!place->series || place->host_length != host.length ||
	    memcmp(place->text, host.start, host.length) != 0)
		return false;
	*ret_name = (struct series_text){place->text + host.length, place->name_length};
	return true;
}

struct catalog_series *name_cache_go_on(struct name_cache *cache)
{
	const struct place *place;

	cache->last = cache->places[cache->last].next;
	place = &cache->places[cache->last];
	/* The one after it will be asked for when a line has been read. */
	__builtin_prefetch(cache->places[place->next].text);
	return place->series;
}

struct catalog_series *name_cache_find(struct name_cache *cache, struct series_text host,
				       struct series_text name)
{
	/* The next one also where another time or value than is expected comes with it. */
	size_t i = cache->places[cache->last].next;

	if (!is_same(&cache->places[i], host, name)) {
		i = find_place(cache, host, name);
		if (i == cache->n_places)
			return NULL;
		cache->places[cache->last].next = (uint32_t)i;
	}
	cache->last = (uint32_t)i;
	return cache->places[i].series;
}

/* Forget a name: the last of its set takes its place there. */
static void forget(struct name_cache *cache, size_t number)
{
	struct place *place = &cache->places[number];
	struct set *set = find_set(cache, place->hash);
	size_t n = 0;
	size_t i = 0;

	while (n < SET_NAMES && set->names[n] > 0)
		n++;
	while (set->names[i] != number + 1)
		i++;
	set->names[i] = set->names[n - 1];
	set->names[n - 1] = 0;
	free(place->text);
	place->text = NULL;
}

/* Have a place that is free, and room for it in a set. */
static size_t make_place(struct name_cache *cache, const struct set *set)
{
	size_t number;

	if (set->names[SET_NAMES - 1] > 0)
		number = set->names[cache->turn++ % SET_NAMES] - 1;
	else if (cache->n_used < cache->n_places)
		return cache->n_used++;
	else
		number = cache->turn++ % cache->n_places;
	forget(cache, number);
	return number;
}

void name_cache_add(struct name_cache *cache, struct series_text host, struct series_text name,
		    struct catalog_series *series)
{
	uint64_t hash = hash_name(cache, host, name);
	struct set *set = find_set(cache, hash);
	size_t number;
	size_t i = 0;
	char *text;

	if (host.length + name.length > NAME_CACHE_NAME_MAX_BYTES ||
	    find_place(cache, host, name) < cache->n_places)
		return;
	text = malloc(host.length + name.length + 1);
	if (!text)
		return;
	memcpy(text, host.start, host.length);
	memcpy(text + host.length, name.start, name.length);
	number = make_place(cache, set);
	cache->places[number] = (struct place){
		.hash = hash,
		.series = series,
		.text = text,
		.host_length = (uint16_t)host.length,
		.name_length = (uint16_t)name.length,
		/* What came next when it came first. */
		.next = (uint32_t)((number + 1) % cache->n_places),
	};
	while (set->names[i] > 0)
		i++;
	set->names[i] = (uint32_t)number + 1;
}
