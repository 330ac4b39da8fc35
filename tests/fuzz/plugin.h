/* SPDX-License-Identifier: MIT */
#ifndef TESTS_FUZZ_PLUGIN_H
#define TESTS_FUZZ_PLUGIN_H

/*
 * What the fuzz targets of plugins share: the data becomes the files of a root in memory, the plugin
 * runs on them with the tests' fake batch, which aborts when the contract is broken.
 */

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/host.h"
#include "agent/metric_registry.h"
#include "tests/support/fake_batch.c"

#define FUZZ_FILES_MAX 8

/* Ends a file in the data; then comes the next one, and after the last one those of the second round. */
#define FUZZ_SEPARATOR '\x1e'

/* Are values those of the machine, and no data says them? */
#ifndef FUZZ_VALUES_MOVE
#define FUZZ_VALUES_MOVE false
#endif

struct fuzz_root {
	char path[64]; /* "" = not made yet */
	struct hm_host host;
	size_t n_files;
	int fds[FUZZ_FILES_MAX];
};

static struct fuzz_root fuzz_root;

static int fuzz_remove_entry(const char *path, const struct stat *stat, int type, struct FTW *walk)
{
	(void)stat;
	(void)type;
	(void)walk;
	return remove(path);
}

static void fuzz_remove_root(void)
{
	(void)nftw(fuzz_root.path, fuzz_remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

static void fuzz_require(bool is_kept, const char *what)
{
	if (is_kept)
		return;
	(void)fprintf(stderr, "fuzz: %s\n", what);
	abort();
}

static int fuzz_make_file(const char *path)
{
	char full[512];
	int fd;

	(void)snprintf(full, sizeof(full), "%s%s", fuzz_root.path, path);
	for (char *slash = strchr(full + strlen(fuzz_root.path) + 1, '/'); slash;
	     slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		(void)mkdir(full, 0700);
		*slash = '/';
	}
	fd = open(full, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	fuzz_require(fd >= 0, "cannot make a file");
	return fd;
}

/* Once: the folder, and the files, which are rewritten in place from then on. */
static void fuzz_make_root(const char *const paths[])
{
	if (fuzz_root.path[0])
		return;
	(void)snprintf(fuzz_root.path, sizeof(fuzz_root.path), "/dev/shm/hm-fuzz.XXXXXX");
	fuzz_require(mkdtemp(fuzz_root.path), "cannot make a folder");
	(void)atexit(fuzz_remove_root);
	for (size_t i = 0; paths[i]; i++)
		fuzz_root.fds[fuzz_root.n_files++] = fuzz_make_file(paths[i]);
	fuzz_require(host_init(&fuzz_root.host, fuzz_root.path) == 0, "cannot open the folder");
}

/* Write the files of one round. Once the data has ended, files stay as they are. */
static void fuzz_write_round(const char **data, const char *end)
{
	for (size_t i = 0; i < fuzz_root.n_files && *data < end; i++) {
		const char *stop = memchr(*data, FUZZ_SEPARATOR, (size_t)(end - *data));
		size_t n_bytes = (size_t)((stop ? stop : end) - *data);

		fuzz_require(ftruncate(fuzz_root.fds[i], 0) == 0, "cannot truncate");
		fuzz_require(pwrite(fuzz_root.fds[i], *data, n_bytes, 0) == (ssize_t)n_bytes,
			     "cannot write");
		*data = stop ? stop + 1 : end;
	}
}

static void fuzz_require_same(const struct hm_batch *left, const struct hm_batch *right)
{
	fuzz_require(left->n_samples == right->n_samples, "twice is not the same");
	for (size_t i = 0; i < left->n_samples; i++) {
		fuzz_require(strcmp(left->samples[i].series, right->samples[i].series) == 0 &&
				     left->samples[i].error == right->samples[i].error,
			     "twice is not the same series");
		/* Not a tolerance: the same bits. */
		fuzz_require(FUZZ_VALUES_MOVE ||
				     memcmp(&left->samples[i].value, &right->samples[i].value,
					    sizeof(double)) == 0,
			     "twice is not the same value");
	}
}

static int fuzz_compare_series(const void *left, const void *right)
{
	return strcmp(*(const char *const *)left, *(const char *const *)right);
}

/* Where a label has a quote, other labels may look the same. */
static bool fuzz_is_clear(const char *series)
{
	bool is_clear = true;

	for (const char *at = strchr(series, '"'); at && is_clear; at = strchr(at + 1, '"'))
		is_clear = at[-1] == '=' || at[1] == ',' || at[1] == '}';
	return is_clear;
}

static void fuzz_require_once(const struct hm_batch *batch)
{
	const char **series = calloc(batch->n_samples + 1, sizeof(*series));

	fuzz_require(series != NULL, "no memory");
	for (size_t i = 0; i < batch->n_samples; i++)
		series[i] = batch->samples[i].series;
	qsort(series, batch->n_samples, sizeof(*series), fuzz_compare_series);
	for (size_t i = 1; i < batch->n_samples; i++)
		fuzz_require(strcmp(series[i - 1], series[i]) != 0 || !fuzz_is_clear(series[i]),
			     series[i]);
	free(series);
}

/* A round, again without cleanup, then cleanup and the second round. */
static void fuzz_take_rounds(const struct hm_plugin *plugin, void *state, const char *data,
			     const char *end)
{
	struct hm_batch first = {0};
	struct hm_batch again = {0};
	struct hm_batch second = {0};

	(void)plugin->get_current_state(state, &first);
	(void)plugin->get_current_state(state, &again);
	fuzz_require_same(&first, &again);
	fuzz_require_once(&first);
	if (plugin->cleanup)
		plugin->cleanup(state);
	fuzz_write_round(&data, end);
	(void)plugin->get_current_state(state, &second);
	fuzz_require_once(&second);
	fake_batch_done(&first);
	fake_batch_done(&again);
	fake_batch_done(&second);
}

/*
 * Run a plugin on the data.
 * @param paths  the files it reads, as on a real host, ended by NULL
 */
__attribute__((unused)) static void fuzz_plugin(const struct hm_plugin *plugin,
						const char *const paths[], const uint8_t *data,
						size_t n_bytes)
{
	const char *cursor = (const char *)data;
	const char *end = cursor + n_bytes;
	struct metric_registry registry;
	/* A plugin without state is given memory all the same. */
	void *state = calloc(1, plugin->state_size + 1);

	fuzz_require(state && metric_registry_init(&registry, 1) == 0, "no memory");
	metric_registry_add_table(&registry, plugin);
	fuzz_make_root(paths);
	for (size_t i = 0; i < fuzz_root.n_files; i++)
		fuzz_require(ftruncate(fuzz_root.fds[i], 0) == 0, "cannot truncate");
	fuzz_write_round(&cursor, end);
	fuzz_root.host.plugin = plugin;
	fuzz_root.host.registry = &registry;
	if (plugin->start_collect(state, &fuzz_root.host) == 0)
		fuzz_take_rounds(plugin, state, cursor, end);
	if (plugin->stop_collect)
		plugin->stop_collect(state);
	metric_registry_done(&registry);
	free(state);
}

#endif
