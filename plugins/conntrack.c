/* SPDX-License-Identifier: MIT */
/* The firewall's table of connections: how full it is, and what became of packets. */

#include <errno.h>
#include <string.h>

#include "hostmetrics/plugin.h"
#include "hostmetrics/sysfs.h"

#define FOLDER "/proc/sys/net/netfilter"
#define STATS  "/proc/net/stat/nf_conntrack"

/* A header of more columns than this is cut. */
#define COLUMNS_MAX 64

enum metric {
	METRIC_ENTRIES,
	METRIC_LIMIT,
	METRIC_FOUND,
	METRIC_INVALID,
	METRIC_IGNORE,
	METRIC_INSERT,
	METRIC_INSERT_FAILED,
	METRIC_DROP,
	METRIC_EARLY_DROP,
	METRIC_SEARCH_RESTART,
	N_METRICS,
};

/* node_exporter calls the sums gauges. */
#define STAT(column, text)                                                                         \
	{                                                                                          \
		.name = "node_nf_conntrack_stat_" column, .unit = "", .help = (text),              \
		.source = STATS ", column " column ", sum of all CPUs", .kind = HM_GAUGE,          \
	}

static const struct hm_metric metrics[N_METRICS] = {
	[METRIC_ENTRIES] =
		{
			.name = "node_nf_conntrack_entries",
			.unit = "",
			.help = "Connections in the table.",
			.source = STATS ", column entries, connections; without it " FOLDER
					"/nf_conntrack_count",
			.kind = HM_GAUGE,
		},
	[METRIC_LIMIT] =
		{
			.name = "node_nf_conntrack_entries_limit",
			.unit = "",
			.help = "How many connections the table may have.",
			.source = FOLDER "/nf_conntrack_max, connections",
			.kind = HM_GAUGE,
		},
	[METRIC_FOUND] = STAT("found", "Searches that found the connection."),
	[METRIC_INVALID] = STAT("invalid", "Packets that belong to no connection and begin none."),
	[METRIC_IGNORE] = STAT("ignore", "Packets that were tracked already."),
	[METRIC_INSERT] = STAT("insert", "Connections entered in the table."),
	[METRIC_INSERT_FAILED] =
		STAT("insert_failed", "Connections that were in the table already."),
	[METRIC_DROP] = STAT("drop", "Packets lost because the table was full."),
	[METRIC_EARLY_DROP] = STAT("early_drop", "Connections thrown out to make room."),
	[METRIC_SEARCH_RESTART] =
		STAT("search_restart", "Searches begun anew as the table changed."),
};

static const struct hm_attribute count = {
	.file = "nf_conntrack_count",
	.metric = &metrics[METRIC_ENTRIES],
};

static const struct hm_attribute limit = {
	.file = "nf_conntrack_max",
	.metric = &metrics[METRIC_LIMIT],
};

/* What the columns are called; of `entries` the line of each CPU has the whole number. */
static const char *const names[N_METRICS] = {
	[METRIC_ENTRIES] = "entries",
	[METRIC_FOUND] = "found",
	[METRIC_INVALID] = "invalid",
	[METRIC_IGNORE] = "ignore",
	[METRIC_INSERT] = "insert",
	[METRIC_INSERT_FAILED] = "insert_failed",
	[METRIC_DROP] = "drop",
	[METRIC_EARLY_DROP] = "early_drop",
	[METRIC_SEARCH_RESTART] = "search_restart",
};

struct state {
	const struct hm_host *host;
	struct hm_attributes count; /* read where `stats` does not tell it */
	struct hm_attributes limit;
	struct hm_text stats;
};

static int add_file(struct hm_attributes *files, const struct hm_host *host,
		    const struct hm_attribute *attribute)
{
	int result = hm_attributes_add(files, host, attribute, FOLDER);

	return result == -ENOENT ? 0 : result;
}

static int start_collect(void *memory, const struct hm_host *host)
{
	struct state *state = memory;
	int result;

	state->host = host;
	result = add_file(&state->count, host, &count);
	if (result == 0)
		result = add_file(&state->limit, host, &limit);
	if (result < 0)
		return result;
	/* Not there without CONFIG_NF_CONNTRACK_PROCFS. */
	result = hm_text_open(&state->stats, host, STATS);
	if (result < 0 && result != -ENOENT)
		return result;
	state->stats.record_max_bytes = HM_TEXT_SHORT_RECORDS;
	return state->count.n + state->limit.n > 0 || state->stats.is_open ? 0 : -ENODEV;
}

/* What the file's columns add up to, by metric. */
struct sums {
	size_t n_columns;
	enum metric columns[COLUMNS_MAX]; /* N_METRICS = of no metric */
	bool has[N_METRICS];
	int errors[N_METRICS];
	uint64_t values[N_METRICS];
};

static void parse_header(struct sums *sums, struct hm_span line)
{
	struct hm_span word;

	while (sums->n_columns < COLUMNS_MAX && hm_next_word(&line, &word)) {
		enum metric found = METRIC_ENTRIES;

		while (found < N_METRICS && (!names[found] || !hm_span_equals(word, names[found])))
			found++;
		if (found < N_METRICS && sums->has[found])
			found = N_METRICS;
		if (found < N_METRICS)
			sums->has[found] = true;
		sums->columns[sums->n_columns++] = found;
	}
}

/* Of each CPU one line of hexadecimal numbers. */
static void add_line(struct sums *sums, struct hm_span line)
{
	for (size_t i = 0; i < sums->n_columns; i++) {
		enum metric metric = sums->columns[i];
		struct hm_span word;
		uint64_t number = 0;
		int error = hm_next_word(&line, &word) ? hm_span_hex(word, &number) : -ENODATA;

		if (metric == N_METRICS)
			continue;
		if (error < 0)
			sums->errors[metric] = error;
		if (metric == METRIC_ENTRIES)
			sums->values[metric] = number;
		else
			sums->values[metric] += number;
	}
}

/* @return 0, or why there are no numbers at all */
static int read_stats(struct state *state, struct sums *sums)
{
	const char *cursor;
	size_t n_lines = 0;
	struct hm_span line;
	int error = hm_text_read(&state->stats);

	if (error < 0)
		return error;
	/* The buffer may have moved. */
	cursor = state->stats.data;
	if (hm_next_line(&cursor, &line))
		parse_header(sums, line);
	while (hm_next_line(&cursor, &line)) {
		add_line(sums, line);
		n_lines++;
	}
	return n_lines > 0 ? 0 : -ENODATA;
}

/* @return 0 when there was a value */
static int emit_entries(struct state *state, struct hm_batch *out, const struct sums *sums,
			int error)
{
	if (error < 0 || !sums->has[METRIC_ENTRIES] || sums->errors[METRIC_ENTRIES] < 0)
		return hm_attributes_emit(&state->count, state->host, out);
	hm_emit(out, &metrics[METRIC_ENTRIES], (double)sums->values[METRIC_ENTRIES]);
	return 0;
}

/* @return 0 when there was a value */
static int emit_stats(struct hm_batch *out, const struct sums *sums, int error)
{
	int result = -ENODATA;

	for (size_t i = METRIC_FOUND; i < N_METRICS; i++) {
		int reason = error < 0 ? error : sums->errors[i];

		/* Kernels had more columns once. */
		if (error == 0 && !sums->has[i])
			continue;
		if (reason < 0) {
			hm_emit_missing(out, &metrics[i], reason);
			continue;
		}
		hm_emit(out, &metrics[i], (double)sums->values[i]);
		result = 0;
	}
	return result;
}

static int get_current_state(void *memory, struct hm_batch *out)
{
	struct state *state = memory;
	struct sums sums = {0};
	int error = state->stats.is_open ? read_stats(state, &sums) : -ENOENT;
	int result = emit_entries(state, out, &sums, error);

	if (hm_attributes_emit(&state->limit, state->host, out) == 0)
		result = 0;
	if (state->stats.is_open && emit_stats(out, &sums, error) == 0)
		result = 0;
	return result;
}

static void stop_collect(void *memory)
{
	struct state *state = memory;

	hm_attributes_close(&state->count);
	hm_attributes_close(&state->limit);
	hm_text_close(&state->stats);
}

HM_PLUGIN(conntrack) = {
	HM_PLUGIN_HEADER,
	.name = "conntrack",
	.help = "The firewall's table of connections: how full it is, and what became of packets.",
	.looks_for = FOLDER "/nf_conntrack_count, with the kernel's module nf_conntrack",
	.metrics = metrics,
	.n_metrics = N_METRICS,
	.state_size = sizeof(struct state),
	.start_collect = start_collect,
	.get_current_state = get_current_state,
	/* No .cleanup: nothing accumulates between two rounds. */
	.stop_collect = stop_collect,
};
