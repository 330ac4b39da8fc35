/* SPDX-License-Identifier: MIT */
/* The stored samples of some series in a range of time. */

#include "collector/query.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "collector/block_reader.h"
#include "collector/id_map.h"
#include "collector/selection.h"

/* So many rows are given at once. */
#define ROWS_MAX ((size_t)1024)

/* A sample as it is gathered from a file. */
struct found {
	uint32_t position; /* of its series in the run */
	uint32_t padding;
	uint64_t number; /* order in the file */
	int64_t time_us;
	double value;
};

struct query {
	struct store *store;
	struct selection selection;
	int64_t since_us;
	int64_t until_us;
	size_t run_start; /* series of one file that follow each other in the selection */
	size_t run_end;
	struct found *found; /* the run's samples, sorted */
	size_t n_found;
	size_t found_capacity;
	size_t n_given;
	struct query_row rows[ROWS_MAX];
};

int query_new(struct store *store, const char *series, const char *host, int64_t since_us,
	      int64_t until_us, struct query **ret_query)
{
	struct query *query = calloc(1, sizeof(*query));
	int result;

	if (!query)
		return -ENOMEM;
	query->store = store;
	query->since_us = since_us;
	query->until_us = until_us;
	result = selection_new(store, series, host, &query->selection);
	if (result == 0 && query->selection.n == 0)
		result = -ENOENT;
	if (result < 0)
		query_free(query);
	else
		*ret_query = query;
	return result;
}

void query_free(struct query *query)
{
	if (!query)
		return;
	selection_done(&query->selection);
	free(query->found);
	free(query);
}

static int add_found(struct query *query, const struct found *found)
{
	if (query->n_found == query->found_capacity) {
		size_t capacity = query->found_capacity ? query->found_capacity * 2 : ROWS_MAX;
		struct found *moved = reallocarray(query->found, capacity, sizeof(*moved));

		if (!moved)
			return -ENOMEM;
		query->found = moved;
		query->found_capacity = capacity;
	}
	query->found[query->n_found] = *found;
	query->found[query->n_found].number = query->n_found;
	query->n_found++;
	return 0;
}

/* A piece of text that is not ended by a NUL. */
struct labels {
	const uint8_t *start;
	size_t length;
};

static int compare_labels(const void *key, const void *item)
{
	const struct catalog_series *series = *(struct catalog_series *const *)item;
	const struct labels *labels = key;
	size_t shorter =
		labels->length < series->labels_length ? labels->length : series->labels_length;
	int order = memcmp(labels->start, series->labels, shorter);

	if (order)
		return order;
	return (labels->length > series->labels_length) - (labels->length < series->labels_length);
}

/* A series is declared: remember its id if it belongs to the run. */
static int take_series(const struct query *query, const struct store_file_block *block,
		       struct id_map *ids)
{
	struct labels labels;
	void *item;
	uint32_t id;

	if (block->payload_bytes < sizeof(id))
		return 0;
	memcpy(&id, block->payload, sizeof(id));
	id = le32toh(id);
	labels = (struct labels){block->payload + sizeof(id), block->payload_bytes - sizeof(id)};
	if (id >= ID_MAP_MAX)
		return 0;
	item = bsearch(&labels, query->selection.series + query->run_start,
		       query->run_end - query->run_start, sizeof(struct catalog_series *),
		       compare_labels);
	return id_map_set(ids, id, item);
}

static int take_samples(struct query *query, const struct store_file_block *block,
			const struct id_map *ids)
{
	struct catalog_series **first = query->selection.series + query->run_start;
	size_t n_samples = store_file_n_samples(block);

	for (size_t i = 0; i < n_samples; i++) {
		struct store_file_sample sample = store_file_get_sample(block, i);
		struct catalog_series **item = id_map_get(ids, sample.series_id);
		struct found found = {.time_us = sample.time_us, .value = sample.value};
		int result;

		if (!item || sample.time_us < query->since_us || sample.time_us > query->until_us)
			continue;
		found.position = (uint32_t)(item - first);
		result = add_found(query, &found);
		if (result < 0)
			return result;
	}
	return 0;
}

static int take_blocks(struct query *query, struct block_reader *reader)
{
	struct store_file_block block;
	struct id_map ids = {0};
	int result = 0;

	while (result == 0 && (result = block_reader_next(reader, &block)) == 0) {
		if (block.type == HM_BLOCK_SERIES)
			result = take_series(query, &block, &ids);
		else if (block.type == HM_BLOCK_SAMPLES)
			result = take_samples(query, &block, &ids);
	}
	id_map_done(&ids);
	return result == -ENODATA ? 0 : result;
}

static int compare_found(const void *a_pointer, const void *b_pointer)
{
	const struct found *a = a_pointer;
	const struct found *b = b_pointer;

	if (a->position != b->position)
		return a->position < b->position ? -1 : 1;
	if (a->time_us != b->time_us)
		return a->time_us < b->time_us ? -1 : 1;
	return a->number < b->number ? -1 : a->number > b->number;
}

/* Gather and sort what the run's file has of its series. */
static int read_run(struct query *query)
{
	const struct catalog_file *file = query->selection.series[query->run_start]->file;
	struct store_file_header header;
	struct block_reader reader = {0};
	uint64_t length_bytes;
	int result = 0;
	int fd = store_open_file(query->store, file, &length_bytes);

	query->n_found = 0;
	query->n_given = 0;
	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	result = block_reader_init(&reader, fd, length_bytes, &header);
	if (result == 0)
		result = take_blocks(query, &reader);
	block_reader_done(&reader);
	(void)close(fd);
	if (result == 0 && query->n_found > 0)
		qsort(query->found, query->n_found, sizeof(*query->found), compare_found);
	return result;
}

/* The next series that follow each other and lie in one file. @return false = there are none */
static bool next_run(struct query *query)
{
	struct catalog_series **series = query->selection.series;

	query->run_start = query->run_end;
	if (query->run_start == query->selection.n)
		return false;
	while (query->run_end < query->selection.n &&
	       series[query->run_end]->file == series[query->run_start]->file)
		query->run_end++;
	return true;
}

static size_t give_rows(struct query *query)
{
	size_t n_rows = query->n_found - query->n_given;

	if (n_rows > ROWS_MAX)
		n_rows = ROWS_MAX;
	for (size_t i = 0; i < n_rows; i++) {
		const struct found *found = &query->found[query->n_given + i];

		query->rows[i] = (struct query_row){
			.series = query->selection.series[query->run_start + found->position],
			.time_us = found->time_us,
			.value = found->value,
		};
	}
	query->n_given += n_rows;
	return n_rows;
}

int query_next(struct query *query, const struct query_row **ret_rows, size_t *ret_n)
{
	while (query->n_given == query->n_found) {
		int result;

		if (!next_run(query))
			return 0;
		result = read_run(query);
		if (result < 0)
			return result;
	}
	*ret_n = give_rows(query);
	*ret_rows = query->rows;
	return 1;
}
