/* SPDX-License-Identifier: MIT */
#ifndef COLLECTOR_ID_MAP_H
#define COLLECTOR_ID_MAP_H

/* What the series ids of one metric file stand for. Zeroed = empty. The things are borrowed. */

#include <stddef.h>
#include <stdint.h>

/* A file with larger ids is not one of ours. */
#define ID_MAP_MAX ((uint32_t)10000000)

struct id_map {
	void **items;
	size_t capacity;
};

/* @return 0; -ENOMEM; -ERANGE: an id of ID_MAP_MAX or above */
int id_map_set(struct id_map *map, uint32_t id, void *item);

/* @return the item, or NULL */
void *id_map_get(const struct id_map *map, uint32_t id);

void id_map_done(struct id_map *map);

#endif
