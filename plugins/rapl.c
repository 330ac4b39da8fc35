/* SPDX-License-Identifier: MIT */
/* Energy that packages, cores and memory used, as RAPL counts it. */

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hostmetrics/plugin.h"
#include "hostmetrics/sysfs.h"

#define CLASS "/sys/class/powercap"

#define ZONE_NAME_MAX 64

/* The counter goes back to 0 at max_energy_range_uj, on some servers each minute. It is shipped as it is. */
#define SOURCE CLASS "/*/energy_uj, microjoules; starts again at max_energy_range_uj"

/* X(zone, metric, help): packages of several dies have a zone for each. */
#define DIES(X, package)                                                                           \
	X("package-" package "-die-0", "node_rapl_package_" package "_die_0_joules_total",         \
	  "Energy that the first die of the package used.")                                        \
	X("package-" package "-die-1", "node_rapl_package_" package "_die_1_joules_total",         \
	  "Energy that the second die of the package used.")

#define ZONES(X)                                                                                   \
	X("package", "node_rapl_package_joules_total", "Energy that the package used.")            \
	X("core", "node_rapl_core_joules_total", "Energy that the package's cores used.")          \
	X("uncore", "node_rapl_uncore_joules_total", "Energy of the rest, mostly graphics.")       \
	X("dram", "node_rapl_dram_joules_total", "Energy that the package's memory used.")         \
	X("psys", "node_rapl_psys_joules_total", "Energy that the whole board used.")              \
	DIES(X, "0")                                                                               \
	DIES(X, "1")                                                                               \
	DIES(X, "2")                                                                               \
	DIES(X, "3")                                                                               \
	DIES(X, "4")                                                                               \
	DIES(X, "5")                                                                               \
	DIES(X, "6")                                                                               \
	DIES(X, "7")

#define ZONE_METRIC(zone_of, name_of, help_of)                                                     \
	{                                                                                          \
		.name = (name_of),                                                                 \
		.unit = "joules",                                                                  \
		.help = (help_of),                                                                 \
		.source = SOURCE,                                                                  \
		.kind = HM_COUNTER,                                                                \
		.labels = HM_LABELS("index", "path"),                                              \
	},

/* The first is node_exporter's for all of them, where it is asked for; here for zones of other names. */
static const struct hm_metric metrics[] = {
	{
		.name = "node_rapl_joules_total",
		.unit = "joules",
		.help = "Energy that a zone of another name used.",
		.source = SOURCE,
		.kind = HM_COUNTER,
		.labels = HM_LABELS("index", "path", "rapl_zone"),
	},
	ZONES(ZONE_METRIC)};

#define ZONE_NAME(zone_of, name_of, help_of) zone_of,

/* In the order of the metrics behind the first one. */
static const char *const zone_names[] = {ZONES(ZONE_NAME)};

struct zone_count {
	char name[ZONE_NAME_MAX];
	int n;
};

struct state {
	const struct hm_host *host;
	struct hm_attributes zones;
	struct zone_count *counts; /* during start_collect() */
	size_t n_counts;
};

/* The number behind the only '-' of a name: "package-0" is package and 0. @return false: there is none */
static bool split_name(char *name, int *ret_index)
{
	char *dash = strchr(name, '-');
	uint64_t index;

	if (!dash || strchr(dash + 1, '-') ||
	    hm_span_uint64((struct hm_span){dash + 1, strlen(dash + 1)}, &index) < 0 ||
	    index > INT_MAX)
		return false;
	*dash = '\0';
	*ret_index = (int)index;
	return true;
}

/* How many zones of a name there were: that is the index of those that have none. */
static struct zone_count *find_count(struct state *state, const char *name)
{
	struct zone_count *counts;

	for (size_t i = 0; i < state->n_counts; i++) {
		if (strcmp(state->counts[i].name, name) == 0)
			return &state->counts[i];
	}
	counts = reallocarray(state->counts, state->n_counts + 1, sizeof(*counts));
	if (!counts)
		return NULL;
	state->counts = counts;
	counts[state->n_counts] = (struct zone_count){0};
	(void)snprintf(counts[state->n_counts].name, sizeof(counts->name), "%s", name);
	return &counts[state->n_counts++];
}

static int add_energy(struct state *state, const char *name, int index, const char *folder)
{
	struct hm_attribute energy = {.file = "energy_uj", .divisor = 1000000, .is_integer = true};
	char index_text[16];

	(void)snprintf(index_text, sizeof(index_text), "%d", index);
	for (size_t i = 0; i < sizeof(zone_names) / sizeof(zone_names[0]); i++) {
		if (strcmp(name, zone_names[i]) != 0)
			continue;
		energy.metric = &metrics[1 + i];
		return hm_attributes_add(&state->zones, state->host, &energy, folder, index_text,
					 folder);
	}
	energy.metric = &metrics[0];
	return hm_attributes_add(&state->zones, state->host, &energy, folder, index_text, folder,
				 name);
}

/* The control type itself, "intel-rapl", is listed as well: it has no name. */
static int add_zone(void *context, const char *device)
{
	struct state *state = context;
	struct zone_count *count;
	char folder[sizeof(CLASS "/") + NAME_MAX];
	char path[sizeof(folder) + sizeof("/name")];
	char name[ZONE_NAME_MAX];
	bool has_index;
	int index = 0;
	int result;

	(void)snprintf(folder, sizeof(folder), CLASS "/%s", device);
	(void)snprintf(path, sizeof(path), "%s/name", folder);
	if (hm_read_line_of(state->host, path, name, sizeof(name)) < 0)
		return 0;
	hm_trim(name);
	hm_label_clean(name, sizeof(name));
	has_index = split_name(name, &index);
	count = find_count(state, name);
	if (!count)
		return -ENOMEM;
	if (!has_index)
		index = count->n;
	count->n = index + (index < INT_MAX);
	result = add_energy(state, name, index, folder);
	return result == -ENOENT ? 0 : result;
}

static int start_collect(void *memory, const struct hm_host *host)
{
	struct state *state = memory;
	int result;

	state->host = host;
	result = hm_devices_find(host, "powercap", "*", add_zone, state);
	if (result < 0)
		return result;
	return state->zones.n > 0 ? 0 : -ENODEV;
}

/* Only root may read energy_uj: for others that is the reason why the series have no values, and no failure. */
static int get_current_state(void *memory, struct hm_batch *out)
{
	struct state *state = memory;
	int result = hm_attributes_emit(&state->zones, state->host, out);

	return result == -EACCES ? 0 : result;
}

static void stop_collect(void *memory)
{
	struct state *state = memory;

	hm_attributes_close(&state->zones);
	free(state->counts);
}

HM_PLUGIN(rapl) = {
	HM_PLUGIN_HEADER,
	.name = "rapl",
	.help = "Energy that packages, cores and memory used. Only root may read it.",
	.looks_for = CLASS "/*/energy_uj",
	.metrics = metrics,
	.n_metrics = sizeof(metrics) / sizeof(metrics[0]),
	.udev_subsystem = "powercap",
	.state_size = sizeof(struct state),
	.start_collect = start_collect,
	.get_current_state = get_current_state,
	/* No .cleanup: nothing accumulates between two rounds. */
	.stop_collect = stop_collect,
};
