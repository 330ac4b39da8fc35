/* SPDX-License-Identifier: MIT */
/*
 * How fast each CPU runs, may run, and could run.
 *
 * From Linux 4.14 to 5.17 an x86 CPU's scaling_cur_freq takes 10 to 20 milliseconds when nobody has asked for a
 * second; firmware that is asked for cpuinfo_cur_freq may take as long. A round reads what the budget allows and goes
 * on there in the next one: on such a machine a CPU's frequency is as old as there are CPUs, in rounds, at most.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hostmetrics/plugin.h"
#include "hostmetrics/sysfs.h"
#include "plugins/milliseconds.h"

#define CPUS "/sys/devices/system/cpu"

#define FOLDER "/cpufreq"

enum metric {
	METRIC_FREQUENCY,
	METRIC_FREQUENCY_AVERAGE,
	METRIC_FREQUENCY_MIN,
	METRIC_FREQUENCY_MAX,
	METRIC_SCALING,
	METRIC_SCALING_MIN,
	METRIC_SCALING_MAX,
	N_FREQUENCIES,
	METRIC_GOVERNOR = N_FREQUENCIES,
	N_METRICS,
};

#define FREQUENCY(name_of, file_of, help_of)                                                       \
	{                                                                                          \
		.name = (name_of), .unit = "hertz", .help = (help_of),                             \
		.source = CPUS "/cpu*" FOLDER "/" file_of ", kHz", .kind = HM_GAUGE,               \
		.labels = HM_LABELS("cpu"),                                                        \
	}

static const struct hm_metric metrics[N_METRICS] = {
	[METRIC_FREQUENCY] = FREQUENCY("node_cpu_frequency_hertz", "cpuinfo_cur_freq",
				       "Frequency of the CPU now, as its hardware tells it."),
	[METRIC_FREQUENCY_AVERAGE] = FREQUENCY("node_cpu_frequency_avg_hertz", "cpuinfo_avg_freq",
					       "Frequency of the CPU, average of a short while."),
	[METRIC_FREQUENCY_MIN] = FREQUENCY("node_cpu_frequency_min_hertz", "cpuinfo_min_freq",
					   "Lowest frequency that the CPU is able to."),
	[METRIC_FREQUENCY_MAX] = FREQUENCY("node_cpu_frequency_max_hertz", "cpuinfo_max_freq",
					   "Highest frequency that the CPU is able to."),
	[METRIC_SCALING] = FREQUENCY("node_cpu_scaling_frequency_hertz", "scaling_cur_freq",
				     "Frequency of the CPU now, as the kernel set or found it."),
	[METRIC_SCALING_MIN] = FREQUENCY("node_cpu_scaling_frequency_min_hertz", "scaling_min_freq",
					 "Lowest frequency that the kernel sets."),
	[METRIC_SCALING_MAX] = FREQUENCY("node_cpu_scaling_frequency_max_hertz", "scaling_max_freq",
					 "Highest frequency that the kernel sets."),
	[METRIC_GOVERNOR] =
		{
			.name = "node_cpu_scaling_governor",
			.unit = "",
			.help = "1 for the governor that decides on the frequency, 0 for the others.",
			.source = CPUS "/cpu*" FOLDER
				       "/scaling_governor and scaling_available_governors, words",
			.kind = HM_GAUGE,
			.labels = HM_LABELS("cpu", "governor"),
		},
};

#define HERTZ_PER_KHZ 1000

static const struct hm_attribute attributes[N_FREQUENCIES] = {
	[METRIC_FREQUENCY] = {"cpuinfo_cur_freq", .factor = HERTZ_PER_KHZ},
	[METRIC_FREQUENCY_AVERAGE] = {"cpuinfo_avg_freq", .factor = HERTZ_PER_KHZ},
	[METRIC_FREQUENCY_MIN] = {"cpuinfo_min_freq", .factor = HERTZ_PER_KHZ},
	[METRIC_FREQUENCY_MAX] = {"cpuinfo_max_freq", .factor = HERTZ_PER_KHZ},
	[METRIC_SCALING] = {"scaling_cur_freq", .factor = HERTZ_PER_KHZ},
	[METRIC_SCALING_MIN] = {"scaling_min_freq", .factor = HERTZ_PER_KHZ},
	[METRIC_SCALING_MAX] = {"scaling_max_freq", .factor = HERTZ_PER_KHZ},
};

static const struct hm_option options[] = {
	{.name = BUDGET_NAME, .fallback = "2", .help = BUDGET_HELP, .check = milliseconds_check},
};

#define GOVERNOR_MAX 32

#define GOVERNORS_MAX_BYTES 256

/* A CPU's governor is a word that is read in each round: that costs the same everywhere. */
struct governor {
	int fd;
	char cpu[HM_DEVICE_NAME_MAX];
	char available[GOVERNORS_MAX_BYTES]; /* words */
};

struct state {
	const struct hm_host *host;
	struct hm_attributes frequencies;
	struct governor *governors;
	size_t n_governors;
};

static int add_governor(struct state *state, const char *cpu, const char *folder)
{
	struct governor *governors =
		reallocarray(state->governors, state->n_governors + 1, sizeof(*governors));
	struct governor *governor;
	char path[256];

	if (!governors)
		return -ENOMEM;
	state->governors = governors;
	governor = &governors[state->n_governors];
	*governor = (struct governor){.fd = -1};
	(void)snprintf(governor->cpu, sizeof(governor->cpu), "%s", cpu);
	(void)snprintf(path, sizeof(path), "%s/scaling_available_governors", folder);
	/* Where a driver decides by itself there are none to choose from. */
	if (hm_read_line_of(state->host, path, governor->available, sizeof(governor->available)) <
	    0)
		return 0;
	hm_label_clean(governor->available, sizeof(governor->available));
	(void)snprintf(path, sizeof(path), "%s/scaling_governor", folder);
	governor->fd = hm_open(state->host, path);
	if (governor->fd >= 0)
		state->n_governors++;
	return 0;
}

/* A CPU that is off has no such folder; udev tells when it is switched on. */
static int add_cpu(void *context, const char *device)
{
	struct state *state = context;
	const char *cpu = device + strlen("cpu");
	char folder[sizeof(CPUS "/cpu" FOLDER) + HM_DEVICE_NAME_MAX];
	size_t n_before = state->frequencies.n;
	int result = 0;

	if (strlen(cpu) >= HM_DEVICE_NAME_MAX)
		return 0;
	(void)snprintf(folder, sizeof(folder), CPUS "/%s" FOLDER, device);
	for (size_t i = 0; i < N_FREQUENCIES && result == 0; i++) {
		struct hm_attribute attribute = attributes[i];

		attribute.metric = &metrics[i];
		result = hm_attributes_add(&state->frequencies, state->host, &attribute, folder,
					   cpu);
		/* No driver has all of them. */
		if (result == -ENOENT)
			result = 0;
	}
	if (result < 0 || state->frequencies.n == n_before)
		return result;
	return add_governor(state, cpu, folder);
}

static int start_collect(void *memory, const struct hm_host *host)
{
	struct state *state = memory;
	int64_t budget = milliseconds_us(host, BUDGET_NAME);
	int result;

	if (budget < 0)
		return (int)budget;
	state->host = host;
	state->frequencies.budget_us = (uint32_t)budget;
	result = hm_folder_find(host, CPUS, "cpu[0-9]*", add_cpu, state);
	if (result < 0)
		return result == -ENOENT ? -ENODEV : result;
	return state->frequencies.n > 0 ? 0 : -ENODEV;
}

/* One of several of the same name counts: the kernel lists each once. */
static bool is_first(const char *available, struct hm_span word)
{
	struct hm_span line = {available, (size_t)(word.start - available)};
	struct hm_span earlier;

	while (hm_next_word(&line, &earlier)) {
		if (earlier.length == word.length &&
		    memcmp(earlier.start, word.start, word.length) == 0)
			return false;
	}
	return true;
}

static void emit_governor(const struct governor *governor, struct hm_batch *out)
{
	struct hm_span line = {governor->available, strlen(governor->available)};
	char current[GOVERNOR_MAX];
	struct hm_span word;
	int error = hm_read_string(governor->fd, current, sizeof(current));

	hm_trim(current);
	while (hm_next_word(&line, &word)) {
		char name[GOVERNOR_MAX];

		if (word.length >= sizeof(name) || !is_first(governor->available, word))
			continue;
		memcpy(name, word.start, word.length);
		name[word.length] = '\0';
		if (error < 0)
			hm_emit_missing(out, &metrics[METRIC_GOVERNOR], error, governor->cpu, name);
		else
			hm_emit(out, &metrics[METRIC_GOVERNOR], strcmp(name, current) == 0,
				governor->cpu, name);
	}
}

static int get_current_state(void *memory, struct hm_batch *out)
{
	struct state *state = memory;
	int result = hm_attributes_emit(&state->frequencies, state->host, out);

	for (size_t i = 0; i < state->n_governors; i++)
		emit_governor(&state->governors[i], out);
	/* Where only root may ask for the frequency there are governors all the same. */
	return state->n_governors > 0 ? 0 : result;
}

static void cleanup(void *memory)
{
	struct state *state = memory;

	hm_attributes_turn(&state->frequencies);
}

static void stop_collect(void *memory)
{
	struct state *state = memory;

	hm_attributes_close(&state->frequencies);
	for (size_t i = 0; i < state->n_governors; i++)
		close(state->governors[i].fd);
	free(state->governors);
}

HM_PLUGIN(cpufreq) = {
	HM_PLUGIN_HEADER,
	.name = "cpufreq",
	.help = "How fast each CPU runs, may run, and could run.",
	.looks_for = CPUS "/cpu*" FOLDER,
	.metrics = metrics,
	.n_metrics = N_METRICS,
	.options = options,
	.n_options = sizeof(options) / sizeof(options[0]),
	.udev_subsystem = "cpu",
	.state_size = sizeof(struct state),
	.start_collect = start_collect,
	.get_current_state = get_current_state,
	.cleanup = cleanup,
	.stop_collect = stop_collect,
};
