/* SPDX-License-Identifier: MIT */
/*
 * What each set of bcache holds, answers and writes back.
 *
 * No disk is woken: what is read here is kept in memory. `priority_stats` is not read, for which the kernel looks at all
 * buckets.
 */

#include <bsd/string.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hostmetrics/plugin.h"
#include "hostmetrics/sysfs.h"

#define FOLDER "/sys/fs/bcache"
#define SET    FOLDER "/*-*/"

enum metric {
	METRIC_AVERAGE_KEY_SIZE,
	METRIC_BTREE_CACHE_SIZE,
	METRIC_AVAILABLE,
	METRIC_CONGESTED,
	METRIC_ROOT_USAGE,
	METRIC_TREE_DEPTH,
	METRIC_JOURNAL_ENTRIES,
	METRIC_BTREE_NODES,
	METRIC_BTREE_READ,
	METRIC_READ_RACES,
	METRIC_DIRTY,
	METRIC_BYPASSED,
	METRIC_HITS,
	METRIC_MISSES,
	METRIC_BYPASS_HITS,
	METRIC_BYPASS_MISSES,
	METRIC_COLLISIONS,
	METRIC_READAHEADS,
	METRIC_IO_ERRORS,
	METRIC_METADATA_WRITTEN,
	METRIC_WRITTEN,
	METRIC_RATE,
	METRIC_TARGET,
	METRIC_PROPORTIONAL,
	METRIC_INTEGRAL,
	METRIC_CHANGE,
	N_METRICS,
};

/* clang-format off */
static const struct hm_metric metrics[N_METRICS] = {
	[METRIC_AVERAGE_KEY_SIZE] = {.name = "node_bcache_average_key_size_sectors", .unit = "",
	 .kind = HM_GAUGE, .labels = HM_LABELS("uuid"), .source = SET "average_key_size",
	 .help = "Data for each key of the B-tree, on average, in sectors."},
	[METRIC_BTREE_CACHE_SIZE] = {.name = "node_bcache_btree_cache_size_bytes", .unit = "bytes",
	 .kind = HM_GAUGE, .labels = HM_LABELS("uuid"), .source = SET "btree_cache_size, bytes",
	 .help = "Memory that the cache of the B-tree takes."},
	[METRIC_AVAILABLE] = {.name = "node_bcache_cache_available_percent", .unit = "",
	 .kind = HM_GAUGE, .labels = HM_LABELS("uuid"), .source = SET "cache_available_percent",
	 .help = "Share of the cache without dirty data, in percent."},
	[METRIC_CONGESTED] = {.name = "node_bcache_congested", .unit = "", .kind = HM_GAUGE,
	 .labels = HM_LABELS("uuid"), .source = SET "congested",
	 .help = "How congested the cache device is."},
	[METRIC_ROOT_USAGE] = {.name = "node_bcache_root_usage_percent", .unit = "",
	 .kind = HM_GAUGE, .labels = HM_LABELS("uuid"), .source = SET "root_usage_percent",
	 .help = "Share of the root of the B-tree that is in use, in percent."},
	[METRIC_TREE_DEPTH] = {.name = "node_bcache_tree_depth", .unit = "", .kind = HM_GAUGE,
	 .labels = HM_LABELS("uuid"), .source = SET "tree_depth", .help = "Levels of the B-tree."},
	[METRIC_JOURNAL_ENTRIES] = {.name = "node_bcache_active_journal_entries", .unit = "",
	 .kind = HM_GAUGE, .labels = HM_LABELS("uuid"), .source = SET "internal/active_journal_entries",
	 .help = "Entries of the journal that are newer than the B-tree."},
	[METRIC_BTREE_NODES] = {.name = "node_bcache_btree_nodes", .unit = "", .kind = HM_GAUGE,
	 .labels = HM_LABELS("uuid"), .source = SET "internal/btree_nodes", .help = "Nodes of the B-tree."},
	[METRIC_BTREE_READ] = {.name = "node_bcache_btree_read_average_duration_seconds",
	 .unit = "seconds", .kind = HM_GAUGE, .labels = HM_LABELS("uuid"),
	 .source = SET "internal/btree_read_average_duration_us, taken for nanoseconds as node_exporter does",
	 .help = "How long reading a node of the B-tree takes on average."},
	[METRIC_READ_RACES] = {.name = "node_bcache_cache_read_races_total", .unit = "",
	 .kind = HM_COUNTER, .labels = HM_LABELS("uuid"), .source = SET "internal/cache_read_races",
	 .help = "Buckets that were reused while they were being read."},
	[METRIC_DIRTY] = {.name = "node_bcache_dirty_data_bytes", .unit = "bytes", .kind = HM_GAUGE,
	 .labels = HM_LABELS("uuid", "backing_device"), .source = SET "bdev*/dirty_data, bytes",
	 .help = "Data in the cache that the backing device does not have yet."},
	[METRIC_BYPASSED] = {.name = "node_bcache_bypassed_bytes_total", .unit = "bytes",
	 .kind = HM_COUNTER, .labels = HM_LABELS("uuid", "backing_device"),
	 .source = SET "bdev*/stats_total/bypassed, bytes",
	 .help = "Data read and written past the cache."},
	[METRIC_HITS] = {.name = "node_bcache_cache_hits_total", .unit = "", .kind = HM_COUNTER,
	 .labels = HM_LABELS("uuid", "backing_device"), .source = SET "bdev*/stats_total/cache_hits",
	 .help = "Requests that the cache answered."},
	[METRIC_MISSES] = {.name = "node_bcache_cache_misses_total", .unit = "", .kind = HM_COUNTER,
	 .labels = HM_LABELS("uuid", "backing_device"), .source = SET "bdev*/stats_total/cache_misses",
	 .help = "Requests that the cache did not answer."},
	[METRIC_BYPASS_HITS] = {.name = "node_bcache_cache_bypass_hits_total", .unit = "",
	 .kind = HM_COUNTER, .labels = HM_LABELS("uuid", "backing_device"),
	 .source = SET "bdev*/stats_total/cache_bypass_hits",
	 .help = "Requests meant to pass the cache that it could have answered."},
	[METRIC_BYPASS_MISSES] = {.name = "node_bcache_cache_bypass_misses_total", .unit = "",
	 .kind = HM_COUNTER, .labels = HM_LABELS("uuid", "backing_device"),
	 .source = SET "bdev*/stats_total/cache_bypass_misses",
	 .help = "Requests meant to pass the cache that it could not have answered."},
	[METRIC_COLLISIONS] = {.name = "node_bcache_cache_miss_collisions_total", .unit = "",
	 .kind = HM_COUNTER, .labels = HM_LABELS("uuid", "backing_device"),
	 .source = SET "bdev*/stats_total/cache_miss_collisions",
	 .help = "Data of a miss that was in the cache by the time it was to be put there."},
	[METRIC_READAHEADS] = {.name = "node_bcache_cache_readaheads_total", .unit = "",
	 .kind = HM_COUNTER, .labels = HM_LABELS("uuid", "backing_device"),
	 .source = SET "bdev*/stats_total/cache_readaheads, until Linux 5.12",
	 .help = "Reads ahead."},
	[METRIC_IO_ERRORS] = {.name = "node_bcache_io_errors", .unit = "", .kind = HM_GAUGE,
	 .labels = HM_LABELS("uuid", "cache_device"), .source = SET "cache*/io_errors",
	 .help = "Errors, of which old ones are forgotten by and by."},
	[METRIC_METADATA_WRITTEN] = {.name = "node_bcache_metadata_written_bytes_total",
	 .unit = "bytes", .kind = HM_COUNTER, .labels = HM_LABELS("uuid", "cache_device"),
	 .source = SET "cache*/metadata_written, bytes", .help = "Bytes written that are no data."},
	[METRIC_WRITTEN] = {.name = "node_bcache_written_bytes_total", .unit = "bytes",
	 .kind = HM_COUNTER, .labels = HM_LABELS("uuid", "cache_device"),
	 .source = SET "cache*/written, bytes", .help = "Bytes of data written."},
	[METRIC_RATE] = {.name = "node_bcache_writeback_rate", .unit = "", .kind = HM_GAUGE,
	 .labels = HM_LABELS("uuid", "backing_device"),
	 .source = SET "bdev*/writeback_rate_debug, line rate, bytes",
	 .help = "Rate at which dirty data is written back now, in bytes a second."},
	[METRIC_TARGET] = {.name = "node_bcache_dirty_target_bytes", .unit = "bytes",
	 .kind = HM_GAUGE, .labels = HM_LABELS("uuid", "backing_device"),
	 .source = SET "bdev*/writeback_rate_debug, line target, bytes",
	 .help = "How much dirty data there may be."},
	[METRIC_PROPORTIONAL] = {.name = "node_bcache_writeback_rate_proportional_term", .unit = "",
	 .kind = HM_GAUGE, .labels = HM_LABELS("uuid", "backing_device"),
	 .source = SET "bdev*/writeback_rate_debug, line proportional, bytes",
	 .help = "Part of the rate that follows from how much dirty data there is, in bytes a second."},
	[METRIC_INTEGRAL] = {.name = "node_bcache_writeback_rate_integral_term", .unit = "",
	 .kind = HM_GAUGE, .labels = HM_LABELS("uuid", "backing_device"),
	 .source = SET "bdev*/writeback_rate_debug, line integral, bytes",
	 .help = "Part of the rate that follows from how long there has been too much, in bytes a second."},
	[METRIC_CHANGE] = {.name = "node_bcache_writeback_change", .unit = "", .kind = HM_GAUGE,
	 .labels = HM_LABELS("uuid", "backing_device"),
	 .source = SET "bdev*/writeback_rate_debug, line change, bytes",
	 .help = "Last change of the rate, in bytes a second."},
};
/* clang-format on */

/* Whose file it is. */
enum scope {
	SCOPE_SET,
	SCOPE_BACKING,
	SCOPE_CACHE,
};

static const struct source {
	enum scope scope;
	enum metric metric;
	const char *file;
	double factor;
} sources[] = {
	{SCOPE_SET, METRIC_AVERAGE_KEY_SIZE, "average_key_size", 1},
	{SCOPE_SET, METRIC_BTREE_CACHE_SIZE, "btree_cache_size", 1},
	{SCOPE_SET, METRIC_AVAILABLE, "cache_available_percent", 1},
	{SCOPE_SET, METRIC_CONGESTED, "congested", 1},
	{SCOPE_SET, METRIC_ROOT_USAGE, "root_usage_percent", 1},
	{SCOPE_SET, METRIC_TREE_DEPTH, "tree_depth", 1},
	{SCOPE_SET, METRIC_JOURNAL_ENTRIES, "internal/active_journal_entries", 1},
	{SCOPE_SET, METRIC_BTREE_NODES, "internal/btree_nodes", 1},
	{SCOPE_SET, METRIC_BTREE_READ, "internal/btree_read_average_duration_us", 1e-9},
	{SCOPE_SET, METRIC_READ_RACES, "internal/cache_read_races", 1},
	{SCOPE_BACKING, METRIC_DIRTY, "dirty_data", 1},
	{SCOPE_BACKING, METRIC_BYPASSED, "stats_total/bypassed", 1},
	{SCOPE_BACKING, METRIC_HITS, "stats_total/cache_hits", 1},
	{SCOPE_BACKING, METRIC_MISSES, "stats_total/cache_misses", 1},
	{SCOPE_BACKING, METRIC_BYPASS_HITS, "stats_total/cache_bypass_hits", 1},
	{SCOPE_BACKING, METRIC_BYPASS_MISSES, "stats_total/cache_bypass_misses", 1},
	{SCOPE_BACKING, METRIC_COLLISIONS, "stats_total/cache_miss_collisions", 1},
	{SCOPE_BACKING, METRIC_READAHEADS, "stats_total/cache_readaheads", 1},
	{SCOPE_CACHE, METRIC_IO_ERRORS, "io_errors", 1},
	{SCOPE_CACHE, METRIC_METADATA_WRITTEN, "metadata_written", 1},
	{SCOPE_CACHE, METRIC_WRITTEN, "written", 1},
};

#define N_SOURCES (sizeof(sources) / sizeof(sources[0]))

/* Lines of writeback_rate_debug. */
static const struct {
	const char *word;
	enum metric metric;
} terms[] = {
	{"rate:", METRIC_RATE},
	{"target:", METRIC_TARGET},
	{"proportional:", METRIC_PROPORTIONAL},
	{"integral:", METRIC_INTEGRAL},
	{"change:", METRIC_CHANGE},
};

#define N_TERMS (sizeof(terms) / sizeof(terms[0]))

/* A file that is one number, or writeback_rate_debug. */
struct file {
	const struct source *source; /* NULL = of many lines */
	int fd; /* kept; of one number; or -errno of opening it, told in each round */
	struct hm_text text;
	char uuid[HM_DEVICE_NAME_MAX];
	char device[HM_DEVICE_NAME_MAX]; /* "" = of the set */
};

struct state {
	const struct hm_host *host;
	const char *uuid; /* during start_collect() */
	enum scope scope;
	struct file *files;
	size_t n_files;
};

static struct file *add_file(struct state *state, const char *device)
{
	struct file *files = reallocarray(state->files, state->n_files + 1, sizeof(*files));
	struct file *file;

	if (!files)
		return NULL;
	state->files = files;
	file = &files[state->n_files];
	*file = (struct file){.fd = -1};
	(void)strlcpy(file->uuid, state->uuid, sizeof(file->uuid));
	(void)strlcpy(file->device, device, sizeof(file->device));
	return file;
}

/* All files of one scope. What this kernel does not have is not told. */
static int add_files(struct state *state, const char *folder, const char *device)
{
	for (size_t i = 0; i < N_SOURCES; i++) {
		char path[256];
		struct file *file;

		if (sources[i].scope != state->scope)
			continue;
		file = add_file(state, device);
		if (!file)
			return -ENOMEM;
		(void)snprintf(path, sizeof(path), "%s/%s", folder, sources[i].file);
		file->source = &sources[i];
		file->fd = hm_open(state->host, path);
		state->n_files += file->fd != -ENOENT;
	}
	return 0;
}

static int add_terms(struct state *state, const char *folder, const char *device)
{
	struct file *file = add_file(state, device);
	char path[256];
	int result;

	if (!file)
		return -ENOMEM;
	(void)snprintf(path, sizeof(path), "%s/writeback_rate_debug", folder);
	result = hm_text_open(&file->text, state->host, path);
	state->n_files += result == 0;
	return result == -ENOENT ? 0 : result;
}

static int add_device(void *context, const char *device)
{
	struct state *state = context;
	char folder[192];
	int result;

	if (strlen(device) >= HM_DEVICE_NAME_MAX)
		return 0;
	(void)snprintf(folder, sizeof(folder), FOLDER "/%s/%s", state->uuid, device);
	result = add_files(state, folder, device);
	if (result == 0 && state->scope == SCOPE_BACKING)
		result = add_terms(state, folder, device);
	return result;
}

static int add_set(void *context, const char *uuid)
{
	struct state *state = context;
	char folder[128];
	int result;

	if (strlen(uuid) >= HM_DEVICE_NAME_MAX)
		return 0;
	(void)snprintf(folder, sizeof(folder), FOLDER "/%s", uuid);
	state->uuid = uuid;
	state->scope = SCOPE_SET;
	result = add_files(state, folder, "");
	state->scope = SCOPE_BACKING;
	if (result == 0)
		result = hm_folder_find(state->host, folder, "bdev[0-9]*", add_device, state);
	state->scope = SCOPE_CACHE;
	if (result == 0)
		result = hm_folder_find(state->host, folder, "cache[0-9]*", add_device, state);
	return result;
}

static int start_collect(void *memory, const struct hm_host *host)
{
	struct state *state = memory;
	int result;

	state->host = host;
	result = hm_folder_find(host, FOLDER, "*-*", add_set, state);
	if (result == -ENOENT || (result == 0 && state->n_files == 0))
		result = -ENODEV;
	return result;
}

/* The factor of a unit of 1024, as the kernel abbreviates; 0 = it is none. */
static double unit_factor(char unit)
{
	static const char units[] = "kMGTPEZY";
	const char *found = unit ? strchr(units, unit) : NULL;
	double factor = 1;

	if (!found)
		return 0;
	for (const char *at = units; at <= found; at++)
		factor *= 1024;
	return factor;
}

/*
 * "512", "1.1M", "-321.5k". What is behind the point is by rights tenths; node_exporter divides it by 10.24, and
 * drops what is no whole byte; its numbers are what people have in their history, so they are made here too.
 */
static int parse_number(struct hm_span word, double *ret_value)
{
	bool is_negative = word.length > 0 && word.start[0] == '-';
	struct hm_span whole = {word.start + is_negative, word.length - is_negative};
	double factor = whole.length > 0 ? unit_factor(whole.start[whole.length - 1]) : 0;
	const char *point;
	uint64_t number;
	uint64_t part = 0;
	int result;

	if (factor != 0)
		whole.length--;
	point = memchr(whole.start, '.', whole.length);
	if (point) {
		struct hm_span parts = {point + 1,
					whole.length - (size_t)(point - whole.start) - 1};

		whole.length = (size_t)(point - whole.start);
		result = hm_span_uint64(parts, &part);
		if (result < 0)
			return result;
	}
	result = hm_span_uint64(whole, &number);
	if (result < 0)
		return result;
	*ret_value = ((double)number + (double)part / 10.24) * (factor != 0 ? factor : 1);
	if (*ret_value < 0x1p64)
		*ret_value = (double)(uint64_t)*ret_value;
	if (is_negative)
		*ret_value = 0 - *ret_value;
	return 0;
}

static void emit_number(const struct file *file, enum metric metric, int error, double number,
			struct hm_batch *out)
{
	const char *const labels[] = {file->uuid, *file->device ? file->device : NULL, NULL};

	if (error < 0)
		hm_emit_missing_labels(out, &metrics[metric], error, labels);
	else
		hm_emit_labels(out, &metrics[metric], number, labels);
}

static void emit_file(const struct file *file, struct hm_batch *out)
{
	char text[64];
	struct hm_span line = {text, 0};
	struct hm_span word = {text, 0};
	double number = 0;
	int error = file->fd < 0 ? file->fd : hm_read_string(file->fd, text, sizeof(text));

	if (error == 0) {
		line.length = strlen(text);
		(void)hm_next_word(&line, &word);
		error = parse_number(word, &number);
	}
	emit_number(file, file->source->metric, error, number * file->source->factor, out);
}

/* Of two lines of one word the first counts. */
static void emit_terms(struct file *file, struct hm_batch *out)
{
	bool is_done[N_TERMS] = {false};
	int error = hm_text_read(&file->text);
	const char *cursor = file->text.data;
	struct hm_span line;
	struct hm_span word;

	for (size_t i = 0; i < N_TERMS && error < 0; i++)
		emit_number(file, terms[i].metric, error, 0, out);
	while (hm_next_line(&cursor, &line)) {
		if (!hm_next_word(&line, &word))
			continue;
		for (size_t i = 0; i < N_TERMS; i++) {
			struct hm_span value = {"", 0};
			double number = 0;

			if (is_done[i] || !hm_span_equals(word, terms[i].word))
				continue;
			is_done[i] = true;
			(void)hm_next_word(&line, &value);
			if (value.length > 4 &&
			    memcmp(value.start + value.length - 4, "/sec", 4) == 0)
				value.length -= 4;
			error = parse_number(value, &number);
			emit_number(file, terms[i].metric, error, number, out);
		}
	}
}

static int get_current_state(void *memory, struct hm_batch *out)
{
	struct state *state = memory;

	for (size_t i = 0; i < state->n_files; i++) {
		struct file *file = &state->files[i];

		if (file->source)
			emit_file(file, out);
		else
			emit_terms(file, out);
	}
	return 0;
}

static void stop_collect(void *memory)
{
	struct state *state = memory;

	for (size_t i = 0; i < state->n_files; i++) {
		if (state->files[i].fd >= 0)
			close(state->files[i].fd);
		hm_text_close(&state->files[i].text);
	}
	free(state->files);
}

HM_PLUGIN(bcache) = {
	HM_PLUGIN_HEADER,
	.name = "bcache",
	.help = "What each set of bcache holds, answers and writes back.",
	.looks_for = FOLDER "/UUID",
	.metrics = metrics,
	.n_metrics = N_METRICS,
	.udev_subsystem = "block",
	.state_size = sizeof(struct state),
	.start_collect = start_collect,
	.get_current_state = get_current_state,
	/* No .cleanup: nothing accumulates between two rounds. */
	.stop_collect = stop_collect,
};
