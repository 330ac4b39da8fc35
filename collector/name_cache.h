/* SPDX-License-Identifier: MIT */
#ifndef COLLECTOR_NAME_CACHE_H
#define COLLECTOR_NAME_CACHE_H

/*
 * Which series a name stands for, by its bytes as a sender wrote them: who sends a series again and
 * again has its name parsed once. It forgets names where there are too many. The series are borrowed
 * from the engine, where they stay. One thread.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collector/catalog.h"
#include "collector/hash.h"
#include "common/series.h"

/* Longer names are not kept, with the host before them. */
#define NAME_CACHE_NAME_MAX_BYTES 512

struct name_cache;

/*
 * @param key       the store's; copied
 * @param n_places  how many names it keeps at most: a power of two, at least 4
 * @return NULL without memory
 */
struct name_cache *name_cache_new(const struct hash_key *key, size_t n_places);

/* Takes NULL. */
void name_cache_free(struct name_cache *cache);

/* Forget all names. */
void name_cache_clear(struct name_cache *cache);

/* @param host  of lines that name none: it belongs to the name. @return NULL: it is not known */
struct catalog_series *name_cache_find(struct name_cache *cache, struct series_text host,
				       struct series_text name);

/*
 * Say which name followed the one that was found last, the time before: mostly it is the next one.
 * @param ret_name  borrowed until the next call @return false: there is none, or of another host
 */
bool name_cache_expect(const struct name_cache *cache, struct series_text host,
		       struct series_text *ret_name);

/* It was the next one. @return as name_cache_find() */
struct catalog_series *name_cache_go_on(struct name_cache *cache);

/* Without memory it stays unknown. */
void name_cache_add(struct name_cache *cache, struct series_text host, struct series_text name,
		    struct catalog_series *series);

#endif
