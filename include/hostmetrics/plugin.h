/* SPDX-License-Identifier: MIT */
#ifndef HOSTMETRICS_PLUGIN_H
#define HOSTMETRICS_PLUGIN_H

/*
 * The contract between the agent and a plugin: one constant table, four verbs.
 *
 * A plugin is one source file. Nothing of it runs when it is loaded. The agent owns the plugin's
 * state memory and hands it over zeroed; it calls the verbs of one plugin one after the other,
 * never two at a time, but not always on the same thread. docs/plugins.md shows how to write one.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What the agent lends to plugins; everything else of it stays hidden. */
#define HM_API __attribute__((visibility("default")))

/* Changes when a plugin built before can no longer run. The tables below only grow at their end. */
#define HM_PLUGIN_ABI 3

/* A metric has at most this many labels of its own: node_dmi_info has all of them. */
#define HM_METRIC_LABELS_MAX 20

/* What the numbers of a metric mean. */
enum hm_kind {
	/* A state that goes up and down: a temperature, a load. */
	HM_GAUGE = 1,
	/* A sum that the source itself keeps since some start and that only grows: /proc counters. */
	HM_COUNTER = 2,
	/*
	 * What the plugin itself counted since its last cleanup(). The agent adds the rounds up and
	 * ships the sum under the metric's name, which ends in _total; the sum never falls while
	 * the agent runs, whatever happens to the plugin.
	 */
	HM_EVENTS = 3,
};

/* One metric: what node_exporter calls a family. Every field but `labels` must be set. */
struct hm_metric {
	const char *name;   /* node_exporter's where it has it: "node_thermal_zone_temp" */
	const char *unit;   /* base unit as OpenMetrics spells it: "celsius"; "" = a plain number */
	const char *help;   /* one sentence for people */
	const char *source; /* file, field and the unit found there: "/proc/loadavg, field 1" */
	enum hm_kind kind;
	/*
	 * Names of the labels, in the order in which hm_emit() is given their values, ended by NULL; NULL = it has none. In
	 * a table: HM_LABELS("cpu", "mode").
	 */
	const char *const *labels;
};

#define HM_LABELS(...) ((const char *const[]){__VA_ARGS__, NULL})

/* An option of the plugin's own section `[plugin NAME]` in agent.conf. */
struct hm_option {
	const char *name;
	const char *fallback; /* the value when it is not configured; never NULL */
	const char *help;     /* one sentence for people */
	/*
	 * Would start_collect() take this value? NULL = any text. Called before anything is started,
	 * from any thread; without state.
	 * @param reason  on failure what is wrong, as a phrase: "must be 1 to 100"; `size` bytes
	 * @return 0 or -EINVAL
	 */
	int (*check)(const char *value, char *reason, size_t size);
};

/* Where the plugin runs: the file system's root, its options. Valid until stop_collect() returns. */
struct hm_host;

/* Where get_current_state() puts what it measured. Valid until get_current_state() returns. */
struct hm_batch;

/* A plugin's table. Constant; lives as long as the object that holds it. */
struct hm_plugin {
	uint32_t abi;  /* HM_PLUGIN_ABI */
	uint32_t size; /* sizeof(struct hm_plugin) as the plugin knew it */
	const char *name;
	const char *help;      /* one sentence: what it watches */
	const char *looks_for; /* what it needs to find, for people: "/proc/stat" */
	const struct hm_metric *metrics;
	size_t n_metrics;
	const struct hm_option *options; /* NULL = none */
	size_t n_options;
	/* A device of this udev subsystem that comes or goes restarts the plugin; NULL = none does. */
	const char *udev_subsystem;
	size_t state_size; /* bytes of state, 0 = none */

	/*
	 * Begin to measure: find the sources, open them and keep the descriptors.
	 * @param[in,out] state  zeroed memory of state_size bytes, owned by the agent
	 * @param host           borrowed until stop_collect() returns
	 * @return 0; -ENODEV when this host has no such source (not an error: tried again when udev
	 * reports a device); -ENOTSUP below --root when its source is no file; another -errno,
	 * which is shown to people and tried again later.
	 */
	int (*start_collect)(void *state, const struct hm_host *host);

	/*
	 * Emit every value measured now. Called only after start_collect() returned 0. Allocates
	 * nothing and opens nothing after the first rounds. Calling it twice without cleanup() in
	 * between gives the same HM_EVENTS.
	 * @return 0, also when some sources were reported by hm_emit_missing(); -errno when the
	 * round gave nothing: all that the last round had is missing then. A series that a round
	 * says nothing of is gone.
	 */
	int (*get_current_state)(void *state, struct hm_batch *out);

	/*
	 * Forget what the last get_current_state() reported of the plugin's own counting
	 * (HM_EVENTS, peaks). The agent calls it once that round is safe. NULL where nothing
	 * accumulates.
	 */
	void (*cleanup)(void *state);

	/*
	 * End measuring and release everything. Follows every start_collect(), a failed one too, so
	 * it takes half-built state. NULL where there is nothing to release.
	 */
	void (*stop_collect)(void *state);
};

/* What an object exports: the tables of all plugins linked into it. */
struct hm_plugin_list {
	uint32_t abi; /* HM_PLUGIN_ABI */
	const struct hm_plugin *const *begin;
	const struct hm_plugin *const *end;
};

/* The exported name of an object's struct hm_plugin_list. */
#define HM_PLUGIN_LIST_SYMBOL "hm_plugin_list"

/* The ends of the section "hm_plugins", which the linker names so. */
/* NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */
extern const struct hm_plugin *const __start_hm_plugins[] __attribute__((visibility("hidden")));
extern const struct hm_plugin *const __stop_hm_plugins[] __attribute__((visibility("hidden")));
/* NOLINTEND(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */

/*
 * Define the table of a plugin and enter it in its object's list:
 *     HM_PLUGIN(loadavg) = {HM_PLUGIN_HEADER, .name = "loadavg", ...};
 */
#define HM_PLUGIN(identifier)                                                                      \
	extern const struct hm_plugin identifier##_plugin;                                         \
	static const struct hm_plugin *const identifier##_plugin_entry                             \
		__attribute__((used, section("hm_plugins"))) = &identifier##_plugin;               \
	extern const struct hm_plugin_list hm_plugin_list;                                         \
	__attribute__((weak, visibility("default")))                                               \
	const struct hm_plugin_list hm_plugin_list = {HM_PLUGIN_ABI, __start_hm_plugins,           \
						      __stop_hm_plugins};                          \
	const struct hm_plugin identifier##_plugin

/* The first fields of every table. */
#define HM_PLUGIN_HEADER .abi = HM_PLUGIN_ABI, .size = sizeof(struct hm_plugin)

/*
 * Report one value. Use it through hm_emit(), which ends the list of label values:
 *     hm_emit(out, &metrics[SECONDS], seconds, "0", "idle");
 * @param out     the round, as given to get_current_state()
 * @param metric  one of the plugin's own table, or made by it with hm_metric_new()
 * @param value   in the metric's unit; NaN and infinities are not stored, and counted as the
 * plugin's errors
 * @param labels  values of the metric's labels in the order of metric->labels, ended by NULL;
 * copied. A value that is not UTF-8 or holds control bytes is reported as missing (EILSEQ). Errors
 * (memory, wrong number of labels) are kept in the batch and become the plugin's state.
 */
HM_API void hm_emit_labels(struct hm_batch *out, const struct hm_metric *metric, double value,
			   const char *const labels[]);

/*
 * Report that a value could not be read: no sample, and the reason, which is stored at this tick.
 * @param error  -errno, for people; -ETIMEDOUT: the source did not answer in time
 */
HM_API void hm_emit_missing_labels(struct hm_batch *out, const struct hm_metric *metric, int error,
				   const char *const labels[]);

/* The first NULL is skipped: it is there so that a metric without labels makes a list as well. */
#define HM_LABEL_VALUES(...) ((const char *const[]){NULL, ##__VA_ARGS__, NULL} + 1)

/* NOLINTBEGIN(readability-identifier-naming): used like the functions they stand for */
#define hm_emit(out, metric, value, ...)                                                           \
	hm_emit_labels(out, metric, value, HM_LABEL_VALUES(__VA_ARGS__))
#define hm_emit_missing(out, metric, error, ...)                                                   \
	hm_emit_missing_labels(out, metric, error, HM_LABEL_VALUES(__VA_ARGS__))
/* NOLINTEND(readability-identifier-naming) */

/*
 * The value of one of the plugin's own options.
 * @return the configured text or the option's fallback; borrowed from the host. NULL for a name not
 * in the table.
 */
HM_API const char *hm_option(const struct hm_host *host, const char *name);

/*
 * Make a metric that is in no table, because its name comes from outside. It stays as long as the agent runs: asked
 * for again with the same name, kind, unit and labels it is the same one, and nothing is allocated.
 * @param metric      as in a table; copied, with its texts
 * @param ret_metric  for hm_emit(); owned by the agent; written on success only
 * @return 0; -EINVAL: not as the contract has it for a table; -EEXIST: a plugin has a metric of that name, in its
 * table or made by another one; -ENOSPC: so many were made that there are no more; -ENOMEM
 */
HM_API int hm_metric_new(const struct hm_host *host, const struct hm_metric *metric,
			 const struct hm_metric **ret_metric);

/*
 * Is the host a folder (--root DIR) and not the running system? A plugin whose source is no file (a
 * system call, netlink) then returns -ENOTSUP from start_collect().
 */
HM_API bool hm_is_redirected(const struct hm_host *host);

#endif
