/* SPDX-License-Identifier: MIT */
/* What the series ids of one metric file stand for: an array, since ids count from 0. */

#include "collector/id_map.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define CAPACITY_FIRST 16

static int grow(struct id_map *map, uint32_t id)
{
	size_t capacity = map->capacity ? map->capacity * 2 : CAPACITY_FIRST;
	void **items;

	while (capacity <= id)
		capacity *= 2;
	items = reallocarray(map->items, capacity, sizeof(*items));
	if (!items)
		return -ENOMEM;
	memset(items + map->capacity, 0, (capacity - map->capacity) * sizeof(*items));
	map->items = items;
	map->capacity = capacity;
	return 0;
}

int id_map_set(struct id_map *map, uint32_t id, void *item)
{
	if (id >= ID_MAP_MAX)
		return -ERANGE;
	if (id >= map->capacity) {
		int result = grow(map, id);

		if (result < 0)
			return result;
	}
	map->items[id] = item;
	return 0;
}

void *id_map_get(const struct id_map *map, uint32_t id)
{
	return id < map->capacity ? map->items[id] : NULL;
}

void id_map_done(struct id_map *map)
{
	free(map->items);
	*map = (struct id_map){0};
}
