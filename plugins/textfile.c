/* SPDX-License-Identifier: MIT */
/* What others measure and write into files *.prom of a folder, in Prometheus' text format. */

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "hostmetrics/plugin.h"
#include "hostmetrics/sysfs.h"
#include "plugins/textfile_line.h"

/* Further files are not read, which counts as an error. */
#define FILES_MAX 1000

/* So long after a change of the folder it is listed again: another change may bear the same time. */
#define SETTLED_S 2

enum metric {
	METRIC_MTIME,
	METRIC_ERROR,
	N_METRICS,
};

static const struct hm_metric metrics[N_METRICS] = {
	[METRIC_MTIME] =
		{
			.name = "node_textfile_mtime_seconds",
			.unit = "seconds",
			.help = "When the text file was last written, since 1970.",
			.source = "fstat(2) of a file that could be read, st_mtime, seconds",
			.kind = HM_GAUGE,
			.labels = HM_LABELS("file"),
		},
	[METRIC_ERROR] =
		{
			.name = "node_textfile_scrape_error",
			.unit = "",
			.help = "1 when the folder or one of its text files cannot be read, else 0.",
			.source = "counted by the plugin, 0 or 1",
			.kind = HM_GAUGE,
		},
};

static const struct hm_option options[] = {
	{.name = "directory",
	 .fallback = "/var/lib/prometheus/node-exporter",
	 .help = "The folder whose files *.prom are read."},
};

struct file {
	char *path;
	struct hm_text text;
};

struct state {
	const struct hm_host *host;
	int folder_fd;
	struct timespec listed; /* st_mtim of the folder when it was listed */
	bool is_settled;        /* no further change can bear that time */
	struct file *files;
	size_t n_files;
	int list_error; /* why the folder cannot be listed */
	/* Of the round: hashes of the series it has, a set of 2^n_bits places; 0 = free. */
	uint64_t *seen;
	unsigned n_bits;
	size_t n_seen;
	struct textfile_line line;
};

static void forget_files(struct state *state)
{
	for (size_t i = 0; i < state->n_files; i++) {
		hm_text_close(&state->files[i].text);
		free(state->files[i].path);
	}
	state->n_files = 0;
}

static int add_file(void *context, const char *name)
{
	struct state *state = context;
	struct file *files;
	char *path;

	if (state->n_files == FILES_MAX)
		return -E2BIG;
	files = reallocarray(state->files, state->n_files + 1, sizeof(*files));
	if (!files)
		return -ENOMEM;
	state->files = files;
	if (asprintf(&path, "%s/%s", hm_option(state->host, "directory"), name) < 0)
		return -ENOMEM;
	files[state->n_files++] = (struct file){.path = path};
	return 0;
}

/* See which files there are, where the folder has changed: a file is replaced by renaming a new one. */
static int list_files(struct state *state)
{
	const char *directory = hm_option(state->host, "directory");
	struct stat stat;
	bool is_same;

	if (fstat(state->folder_fd, &stat) < 0)
		return -errno;
	if (stat.st_nlink == 0) {
		int fd = hm_open(state->host, directory);

		if (fd < 0)
			return fd;
		close(state->folder_fd);
		state->folder_fd = fd;
		if (fstat(fd, &stat) < 0)
			return -errno;
		state->is_settled = false;
	}
	is_same = state->is_settled && stat.st_mtim.tv_sec == state->listed.tv_sec &&
		  stat.st_mtim.tv_nsec == state->listed.tv_nsec;
	if (is_same)
		return state->list_error;
	state->listed = stat.st_mtim;
	state->is_settled = time(NULL) > stat.st_mtim.tv_sec + SETTLED_S;
	forget_files(state);
	state->list_error = hm_folder_find(state->host, directory, "*.prom", add_file, state);
	/* Too many files are too many until some go; other errors may pass without a change of the folder. */
	if (state->list_error < 0 && state->list_error != -E2BIG)
		state->is_settled = false;
	return state->list_error;
}

static int start_collect(void *memory, const struct hm_host *host)
{
	struct state *state = memory;

	state->host = host;
	state->folder_fd = hm_open(host, hm_option(host, "directory"));
	return state->folder_fd == -ENOENT ? -ENODEV : state->folder_fd < 0 ? state->folder_fd : 0;
}

static int grow_seen(struct state *state)
{
	unsigned n_bits = state->n_bits ? state->n_bits + 1 : 8;
	uint64_t *seen = calloc((size_t)1 << n_bits, sizeof(*seen));
	size_t mask = ((size_t)1 << n_bits) - 1;

	if (!seen)
		return -ENOMEM;
	for (size_t i = 0; state->n_bits > 0 && i < (size_t)1 << state->n_bits; i++) {
		size_t at = state->seen[i] & mask;

		while (state->seen[i] && seen[at])
			at = (at + 1) & mask;
		if (state->seen[i])
			seen[at] = state->seen[i];
	}
	free(state->seen);
	state->seen = seen;
	state->n_bits = n_bits;
	return 0;
}

/* @return 1 for a series that the round has already, 0 for a new one, -ENOMEM */
static int see(struct state *state, uint64_t hash)
{
	size_t at;
	size_t mask;

	if (state->n_bits == 0 || 2 * state->n_seen >= (size_t)1 << state->n_bits) {
		if (grow_seen(state) < 0)
			return -ENOMEM;
	}
	mask = ((size_t)1 << state->n_bits) - 1;
	at = hash & mask;
	while (state->seen[at]) {
		if (state->seen[at] == hash)
			return 1;
		at = (at + 1) & mask;
	}
	state->seen[at] = hash;
	state->n_seen++;
	return 0;
}

static int emit_line(struct state *state, struct hm_batch *out)
{
	const struct textfile_line *line = &state->line;
	const struct hm_metric wanted = {
		.name = line->name,
		.unit = "",
		.help = "What a text file has.",
		.source = "a file *.prom, the number behind the name",
		.kind = line->kind,
		.labels = line->labels,
	};
	const struct hm_metric *metric;
	int result;

	result = hm_metric_new(state->host, &wanted, &metric);
	if (result == 0)
		result = see(state, textfile_line_hash(line));
	if (result != 0)
		return result < 0 ? result : -EEXIST;
	if (isfinite(line->value))
		hm_emit_labels(out, metric, line->value, line->values);
	else
		hm_emit_missing_labels(out, metric, -EDOM, line->values);
	return 0;
}

/* Go through a file, and emit what it has where `out` is not NULL. @return the first error */
static int walk(struct state *state, const char *text, struct hm_batch *out)
{
	struct hm_span line;
	int result = 0;

	state->line = (struct textfile_line){.n_labels = 0};
	while (hm_next_line(&text, &line)) {
		int error = textfile_line_parse(&state->line, line);

		if (error == 0 && out && state->line.is_sample)
			error = emit_line(state, out);
		if (error < 0 && !out)
			return error;
		if (result == 0)
			result = error;
	}
	return result;
}

/* All or nothing: of a file that is wrong somewhere, or is not yet whole, no line counts. */
static int take_file(struct state *state, struct file *file, struct hm_batch *out)
{
	struct stat stat;
	int result = hm_text_read_newest(&file->text, state->host, file->path);
	size_t length = file->text.length;

	if (result == 0 && length > 0 &&
	    (file->text.data[length - 1] != '\n' || memchr(file->text.data, '\0', length)))
		result = -EINVAL;
	if (result == 0)
		result = walk(state, file->text.data, NULL);
	if (result == 0)
		result = walk(state, file->text.data, out);
	if (result == 0 && fstat(file->text.fd, &stat) < 0)
		result = -errno;
	if (result == 0)
		hm_emit(out, &metrics[METRIC_MTIME], (double)stat.st_mtim.tv_sec, file->path);
	return result;
}

static int get_current_state(void *memory, struct hm_batch *out)
{
	struct state *state = memory;
	bool has_error = list_files(state) < 0;

	if (state->n_bits > 0)
		memset(state->seen, 0, sizeof(*state->seen) << state->n_bits);
	state->n_seen = 0;
	for (size_t i = 0; i < state->n_files; i++) {
		if (take_file(state, &state->files[i], out) < 0)
			has_error = true;
	}
	hm_emit(out, &metrics[METRIC_ERROR], has_error);
	return 0;
}

static void stop_collect(void *memory)
{
	struct state *state = memory;

	/* Before a start all is zero, and nothing open. */
	if (state->host && state->folder_fd >= 0)
		close(state->folder_fd);
	forget_files(state);
	free(state->files);
	free(state->seen);
}

HM_PLUGIN(textfile) = {
	HM_PLUGIN_HEADER,
	.name = "textfile",
	.help = "What others measure and write into files *.prom of a folder.",
	.looks_for = "the folder /var/lib/prometheus/node-exporter, or the one that is configured",
	.metrics = metrics,
	.n_metrics = N_METRICS,
	.options = options,
	.n_options = sizeof(options) / sizeof(options[0]),
	.state_size = sizeof(struct state),
	.start_collect = start_collect,
	.get_current_state = get_current_state,
	/* No .cleanup: nothing accumulates between two rounds. */
	.stop_collect = stop_collect,
};
