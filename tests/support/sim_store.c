/* SPDX-License-Identifier: MIT */
/* An engine on a simulated disk. */

#include "tests/support/sim_store.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/query.h"
#include "tests/support/sample_lines.h"

#define SEED      UINT64_C(4)
#define STEPS_MAX 1000

/* As the daemon's. */
#define RETRY_US INT64_C(2000000)

static void give_up(const char *what, int error)
{
	(void)fprintf(stderr, "sim_store: %s: %s\n", what, strerror(-error));
	abort();
}

void sim_store_init(struct sim_store *store)
{
	*store = (struct sim_store){.root = -1};
	store->sim = sim_disk_new(SEED, &store->counts);
	sim_disk_set_now(store->sim, SIM_STORE_START_S * SIM_STORE_SECOND_US);
	sample_lines_init(&store->bundle);
	store->bundle.now_us = SIM_STORE_START_S * SIM_STORE_SECOND_US;
}

void sim_store_done(struct sim_store *store)
{
	engine_close(store->engine);
	sim_disk_free(store->sim);
	sample_lines_done(&store->bundle);
	buffer_done(&store->found);
}

int sim_store_open(struct sim_store *store)
{
	struct engine_options options = {
		.disk = sim_disk_table(store->sim),
		.segment_bytes = SIM_STORE_SEGMENT_BYTES,
		.key = store->bundle.key,
	};
	int result;

	if (store->root < 0)
		store->root = sim_disk_open_root(store->sim);
	if (store->root < 0)
		return store->root;
	options.folder = store->root;
	result = engine_open(&options, &store->engine);
	if (result < 0)
		store->engine = NULL;
	return result;
}

int sim_store_await(struct sim_store *store)
{
	const struct engine *engine = store->engine;

	for (int64_t waited_us = 0; waited_us <= GRACE_US && engine->trouble < 0;
	     waited_us += RETRY_US) {
		(void)engine_commit(store->engine);
		sim_disk_advance(store->sim, RETRY_US);
	}
	return engine->trouble;
}

int sim_store_open_patiently(struct sim_store *store)
{
	int result = sim_store_open(store);

	return result == 0 ? sim_store_await(store) : result;
}

void sim_store_close(struct sim_store *store)
{
	engine_close(store->engine);
	store->engine = NULL;
}

void sim_store_kill(struct sim_store *store)
{
	sim_disk_kill(store->sim);
	store->root = -1;
	sim_store_close(store);
}

void sim_store_reopen(struct sim_store *store)
{
	int result;

	sim_store_kill(store);
	result = sim_store_open(store);
	if (result < 0)
		give_up("it cannot be opened again", result);
}

void sim_store_crash(struct sim_store *store)
{
	sim_disk_crash(store->sim);
	store->root = -1;
	sim_store_close(store);
}

void sim_store_put(struct sim_store *store, const char *text)
{
	bundle_clear(&store->bundle);
	sample_lines_add(&store->bundle, text);
	engine_append(store->engine, &store->bundle);
}

int sim_store_fill(struct sim_store *store, const char *series, unsigned first, unsigned n)
{
	char text[512];
	int result = 0;

	for (unsigned i = 0; i < n && result == 0; i++) {
		(void)snprintf(text, sizeof(text), SIM_STORE_AT "00 %s %u\n", series, first + i);
		sim_store_put(store, text);
		result = engine_commit(store->engine);
	}
	return result;
}

int sim_store_put_many(struct sim_store *store, const char *series, unsigned n)
{
	struct buffer text = {0};

	for (unsigned i = 0; i < n; i++)
		buffer_printf(&text, "%" PRId64 " %s %u\n", SIM_STORE_START_S + i, series, i);
	sim_store_put(store, buffer_text(&text));
	buffer_done(&text);
	return engine_commit(store->engine);
}

int sim_store_checkpoint(struct sim_store *store)
{
	int result = engine_commit(store->engine);

	for (unsigned i = 0; i < STEPS_MAX && result == 0; i++) {
		result = engine_checkpoint(store->engine, ENGINE_SCOPE_ALL);
		if (result == -EAGAIN)
			result = engine_commit(store->engine);
	}
	return result == -ENODATA ? 0 : result == 0 ? -ELOOP : result;
}

void sim_store_put_filed(struct sim_store *store, const char *text)
{
	int result;

	sim_store_put(store, text);
	result = sim_store_checkpoint(store);
	if (result < 0)
		give_up("no checkpoint", result);
}

const char sim_store_two_hosts[] = "1 here m 1\n2 here m 2\n1 there m 3\n2 there m 4\n";

void sim_store_put_two_hosts(struct sim_store *store)
{
	int result;

	sim_store_put_filed(store, SIM_STORE_AT "01 m 1\n" SIM_STORE_AT "01 m{host=\"there\"} 3\n");
	sim_store_put(store, SIM_STORE_AT "02 m 2\n" SIM_STORE_AT "02 m{host=\"there\"} 4\n");
	result = engine_commit(store->engine);
	if (result < 0)
		give_up("no commit", result);
	sim_store_kill(store);
}

static void put_row(struct sim_store *store, const struct query_row *row)
{
	const struct catalog_file *file = row->series->file;

	buffer_printf(&store->found, "%" PRId64 " %s %s%s %g\n",
		      row->time_us / SIM_STORE_SECOND_US - SIM_STORE_START_S, file->host->name,
		      file->metric, row->series->labels, row->value);
}

const char *sim_store_read(struct sim_store *store)
{
	const struct query_row *rows;
	struct query *query = NULL;
	size_t n_rows;
	int result = query_new(store->engine, "", "", INT64_MIN, INT64_MAX, &query);

	buffer_clear(&store->found);
	if (result == -ENOENT)
		return "";
	while (result >= 0) {
		result = query_next(query, &rows, &n_rows);
		if (result <= 0)
			break;
		for (size_t i = 0; i < n_rows; i++)
			put_row(store, &rows[i]);
	}
	query_free(query);
	if (result < 0)
		buffer_printf(&store->found, "error %s\n", strerror(-result));
	return buffer_text(&store->found);
}

unsigned sim_store_count(struct sim_store *store)
{
	return sim_store_count_of(store, "\n");
}

unsigned sim_store_count_of(struct sim_store *store, const char *text)
{
	unsigned n = 0;

	for (const char *at = sim_store_read(store); (at = strstr(at, text)); at++)
		n++;
	return n;
}

struct engine_stats sim_store_stats(struct sim_store *store)
{
	struct engine_stats stats;

	engine_get_stats(store->engine, &stats);
	return stats;
}

bool sim_store_has(struct sim_store *store, const char *path)
{
	uint64_t size;

	return sim_disk_content(store->sim, path, &size) != NULL;
}

uint8_t *sim_store_copy_file(struct sim_store *store, const char *path, uint64_t *ret_size)
{
	const uint8_t *bytes = sim_disk_content(store->sim, path, ret_size);
	uint8_t *copy;

	if (!bytes)
		give_up(path, -ENOENT);
	copy = malloc(*ret_size + 1);
	if (!copy)
		give_up(path, -ENOMEM);
	memcpy(copy, bytes, *ret_size);
	return copy;
}

bool sim_store_holds(struct sim_store *store, const char *path, const void *bytes, uint64_t size)
{
	uint64_t found_bytes;
	const uint8_t *found = sim_disk_content(store->sim, path, &found_bytes);

	return found && found_bytes == size && memcmp(found, bytes, size) == 0;
}

struct search {
	const char *start;
	char name[256];
	unsigned n;
};

static int look_at(void *argument, const char *name)
{
	struct search *search = argument;

	if (strncmp(name, search->start, strlen(search->start)) != 0)
		return 0;
	(void)snprintf(search->name, sizeof(search->name), "%s", name);
	search->n++;
	return 0;
}

const char *sim_store_find(struct sim_store *store, const char *folder, const char *start)
{
	const struct disk *disk = sim_disk_table(store->sim);
	int root = sim_disk_open_root(store->sim);
	int fd = disk->open(disk->context, root, folder, O_RDONLY | O_DIRECTORY);
	struct search search = {.start = start};
	int result = fd < 0 ? fd : disk->list(disk->context, fd, look_at, &search);

	if (result == 0 && search.n != 1)
		result = search.n == 0 ? -ENOENT : -EEXIST;
	if (result < 0)
		give_up(start, result);
	(void)disk->close(disk->context, fd);
	(void)disk->close(disk->context, root);
	(void)snprintf(store->path, sizeof(store->path), "%s/%s", folder, search.name);
	return store->path;
}

/* Open the folder of a path by itself: the disk opens two names at most. */
static int open_parent(struct sim_store *store, const char *path, const char **ret_name)
{
	const struct disk *disk = sim_disk_table(store->sim);
	const char *slash = strrchr(path, '/');
	int root = sim_disk_open_root(store->sim);
	int parent = root;

	*ret_name = path;
	if (slash) {
		char folder[256];

		(void)snprintf(folder, sizeof(folder), "%.*s", (int)(slash - path), path);
		parent = disk->open(disk->context, root, folder, O_RDONLY | O_DIRECTORY);
		(void)disk->close(disk->context, root);
		*ret_name = slash + 1;
	}
	if (parent < 0)
		give_up(path, parent);
	return parent;
}

static void change_file(struct sim_store *store, const char *path, const void *bytes, size_t length,
			uint64_t offset)
{
	const struct disk *disk = sim_disk_table(store->sim);
	const char *name;
	int parent = open_parent(store, path, &name);
	int fd = disk->open(disk->context, parent, name, O_RDWR | O_CREAT);
	int result = fd;

	if (fd >= 0) {
		result = disk_write(disk, fd, bytes, length, offset);
		(void)disk->close(disk->context, fd);
	}
	(void)disk->close(disk->context, parent);
	if (result < 0)
		give_up(path, result);
	sim_disk_settle(store->sim);
}

void sim_store_write_file(struct sim_store *store, const char *path, const void *bytes,
			  size_t length)
{
	change_file(store, path, bytes, length, 0);
}

void sim_store_write_later(struct sim_store *store, const char *path)
{
	static const uint8_t later[] = "hostmetr\x03\0\0\0later, with a header of its own";

	sim_store_damage(store, path, 0, 400);
	sim_store_write_file(store, path, later, sizeof(later));
}

void sim_store_rename(struct sim_store *store, const char *folder, const char *from, const char *to)
{
	const struct disk *disk = sim_disk_table(store->sim);
	int root = sim_disk_open_root(store->sim);
	int parent = disk->open(disk->context, root, folder, O_RDONLY | O_DIRECTORY);
	int result = parent < 0 ? parent : disk->rename(disk->context, parent, from, to);

	if (result < 0)
		give_up(from, result);
	(void)disk->close(disk->context, parent);
	(void)disk->close(disk->context, root);
}

void sim_store_remove(struct sim_store *store, const char *folder, const char *name)
{
	const struct disk *disk = sim_disk_table(store->sim);
	char path[512];
	const char *last;
	int parent;
	int result;

	(void)snprintf(path, sizeof(path), "%s/%s", folder, name);
	parent = open_parent(store, path, &last);
	result = disk->unlink(disk->context, parent, last);
	(void)disk->close(disk->context, parent);
	if (result < 0)
		give_up(path, result);
	sim_disk_settle(store->sim);
}

void sim_store_damage(struct sim_store *store, const char *path, uint64_t offset, size_t length)
{
	uint8_t *bytes = malloc(length + 1);

	if (!bytes)
		give_up(path, -ENOMEM);
	memset(bytes, 0xa5, length);
	change_file(store, path, bytes, length, offset);
	free(bytes);
}
