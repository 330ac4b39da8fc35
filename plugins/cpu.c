/* SPDX-License-Identifier: MIT */
/* Time that each CPU spent in each mode, and how busy it was since the last round. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hostmetrics/plugin.h"
#include "hostmetrics/sysfs.h"

/* Kernels are built for 8192 CPUs at most; a number above this is not believed. */
#define CPUS_MAX 16384

/* The place of the line "cpu", the sum of all CPUs; that of the line "cpuN" is N + 1. */
#define PLACE_OF_ALL 0

/* An idle counter that falls by this much was reset by a hot-plug: node_exporter's limit. */
#define RESET_SECONDS 3

enum metric {
	METRIC_SECONDS,
	METRIC_GUEST_SECONDS,
	METRIC_UTILIZATION,
	N_METRICS,
};

static const struct hm_metric metrics[N_METRICS] = {
	[METRIC_SECONDS] =
		{
			.name = "node_cpu_seconds_total",
			.unit = "seconds",
			.help = "Time the CPU spent in each mode; user and nice include guests.",
			.source =
				"/proc/stat, line cpuN, fields 1 to 8 (user nice system idle iowait irq "
				"softirq steal), USER_HZ ticks",
			.kind = HM_COUNTER,
			.labels = HM_LABELS("cpu", "mode"),
		},
	[METRIC_GUEST_SECONDS] =
		{
			.name = "node_cpu_guest_seconds_total",
			.unit = "seconds",
			.help = "Time the CPU ran guests (virtual machines), also counted as user and nice.",
			.source =
				"/proc/stat, line cpuN, fields 9 and 10 (guest guest_nice), USER_HZ ticks",
			.kind = HM_COUNTER,
			.labels = HM_LABELS("cpu", "mode"),
		},
	[METRIC_UTILIZATION] =
		{
			.name = "node_cpu_utilization_ratio",
			.unit = "ratio",
			.help = "Share of the time since the last round in which the CPU was busy.",
			.source =
				"/proc/stat, lines cpu (as \"all\") and cpuN, growth of fields 1 to 8 since the "
				"last round, USER_HZ ticks: 1 - (idle + iowait) / all of them",
			.kind = HM_GAUGE,
			.labels = HM_LABELS("cpu"),
		},
};

/* The fields of a CPU's line. Guest time is part of user and nice as well. */
enum field {
	FIELD_USER,
	FIELD_NICE,
	FIELD_SYSTEM,
	FIELD_IDLE,
	FIELD_IOWAIT,
	FIELD_IRQ,
	FIELD_SOFTIRQ,
	FIELD_STEAL,
	FIELD_GUEST,
	FIELD_GUEST_NICE,
	N_FIELDS,
};

static const struct {
	enum metric metric;
	const char *mode;
} fields[N_FIELDS] = {
	[FIELD_USER] = {METRIC_SECONDS, "user"},
	[FIELD_NICE] = {METRIC_SECONDS, "nice"},
	[FIELD_SYSTEM] = {METRIC_SECONDS, "system"},
	[FIELD_IDLE] = {METRIC_SECONDS, "idle"},
	[FIELD_IOWAIT] = {METRIC_SECONDS, "iowait"},
	[FIELD_IRQ] = {METRIC_SECONDS, "irq"},
	[FIELD_SOFTIRQ] = {METRIC_SECONDS, "softirq"},
	[FIELD_STEAL] = {METRIC_SECONDS, "steal"},
	[FIELD_GUEST] = {METRIC_GUEST_SECONDS, "user"},
	[FIELD_GUEST_NICE] = {METRIC_GUEST_SECONDS, "nice"},
};

/* What one line said. Ticks as doubles: exact up to 2^53, that is 2.8 million years. */
struct reading {
	size_t n_fields;      /* 0 = no such line; old kernels have fewer than N_FIELDS */
	int errors[N_FIELDS]; /* 0, or why the field cannot be used */
	double ticks[N_FIELDS];
	bool is_whole;        /* the next two can be used */
	double resting_ticks; /* idle and iowait */
	double busy_ticks;    /* the others, without guests, which are part of user and nice */
};

/* The round being taken, and the last one, which cleanup() was told is safe. */
struct cpu {
	struct reading now;
	struct reading last;
};

struct state {
	struct hm_text file;
	double ticks_per_second;
	struct cpu *cpus; /* by place */
	size_t n_cpus;
};

static int start_collect(void *memory, const struct hm_host *host)
{
	struct state *state = memory;
	int result = hm_text_share(&state->file, host, "/proc/stat");

	state->file.record_max_bytes = HM_TEXT_ONE_RECORD;
	state->ticks_per_second = (double)sysconf(_SC_CLK_TCK);
	return result == -ENOENT ? -ENODEV : result;
}

/* The place of a line's first word. @return -EINVAL: not the line of a CPU */
static int parse_place(struct hm_span word, size_t *ret_place)
{
	struct hm_span digits;
	uint64_t number;

	if (word.length < 3 || memcmp(word.start, "cpu", 3) != 0)
		return -EINVAL;
	digits = (struct hm_span){word.start + 3, word.length - 3};
	if (digits.length == 0) {
		*ret_place = PLACE_OF_ALL;
		return 0;
	}
	if (hm_span_uint64(digits, &number) < 0 || number >= CPUS_MAX)
		return -EINVAL;
	*ret_place = (size_t)number + 1;
	return 0;
}

/* Make room up to a place: in the first rounds, and when a CPU of a higher number is plugged in. */
static int reserve_place(struct state *state, size_t place)
{
	size_t n_cpus = place + 1;
	struct cpu *cpus;

	if (n_cpus <= state->n_cpus)
		return 0;
	cpus = reallocarray(state->cpus, n_cpus, sizeof(*cpus));
	if (!cpus)
		return -ENOMEM;
	memset(cpus + state->n_cpus, 0, (n_cpus - state->n_cpus) * sizeof(*cpus));
	state->cpus = cpus;
	state->n_cpus = n_cpus;
	return 0;
}

static void parse_reading(struct reading *reading, struct hm_span line)
{
	struct hm_span word;

	*reading = (struct reading){0};
	while (reading->n_fields < N_FIELDS && hm_next_word(&line, &word)) {
		size_t i = reading->n_fields++;
		uint64_t ticks = 0;

		reading->errors[i] = hm_span_uint64(word, &ticks);
		reading->ticks[i] = (double)ticks;
	}

	reading->is_whole = reading->n_fields > FIELD_IDLE;
	for (size_t i = 0; i <= FIELD_STEAL; i++) {
		bool is_resting = i == FIELD_IDLE || i == FIELD_IOWAIT;
		double *sum = is_resting ? &reading->resting_ticks : &reading->busy_ticks;

		*sum += reading->ticks[i];
		if (reading->errors[i] < 0)
			reading->is_whole = false;
	}
}

/*
 * The kernel's counters may fall by a little (a tickless CPU's iowait does). As node_exporter does,
 * such a field keeps its last value until it has grown past it, so that nobody takes the fall for a
 * restart; but an idle counter that falls far says that the CPU was reset, and all is taken as it is.
 */
static void hold_counters(struct reading *now, const struct reading *last, double reset_ticks)
{
	bool is_reset = last->ticks[FIELD_IDLE] - now->ticks[FIELD_IDLE] >= reset_ticks &&
			now->errors[FIELD_IDLE] == 0;

	for (size_t i = 0; i < now->n_fields && !is_reset; i++) {
		if (now->ticks[i] < last->ticks[i])
			now->ticks[i] = last->ticks[i];
	}
}

/* @return the number of values emitted */
static size_t emit_seconds(const struct state *state, const struct reading *now, const char *name,
			   struct hm_batch *out)
{
	size_t n_values = 0;

	for (size_t i = 0; i < now->n_fields; i++) {
		const struct hm_metric *metric = &metrics[fields[i].metric];

		if (now->errors[i] < 0) {
			hm_emit_missing(out, metric, now->errors[i], name, fields[i].mode);
			continue;
		}
		hm_emit(out, metric, now->ticks[i] / state->ticks_per_second, name, fields[i].mode);
		n_values++;
	}
	return n_values;
}

/*
 * Idle and iowait count as one here: the kernel may move time from one to the other, their sum does
 * not fall. Where either part fell all the same (the CPU was reset), and where nothing or no last
 * round is known, there is no share to tell.
 * @return the number of values emitted
 */
static size_t emit_utilization(const struct cpu *cpu, const char *name, struct hm_batch *out)
{
	double resting_ticks = cpu->now.resting_ticks - cpu->last.resting_ticks;
	double busy_ticks = cpu->now.busy_ticks - cpu->last.busy_ticks;

	if (!cpu->now.is_whole || !cpu->last.is_whole)
		return 0;
	if (resting_ticks < 0 || busy_ticks < 0 || resting_ticks + busy_ticks <= 0)
		return 0;
	hm_emit(out, &metrics[METRIC_UTILIZATION], 1 - resting_ticks / (resting_ticks + busy_ticks),
		name);
	return 1;
}

/* @return the number of values emitted, or -errno */
static int take_line(struct state *state, struct hm_span line, struct hm_batch *out)
{
	char name[24] = "all";
	struct hm_span word;
	struct cpu *cpu;
	size_t n_values = 0;
	size_t place;
	int result;

	if (!hm_next_word(&line, &word) || parse_place(word, &place) < 0)
		return 0;
	result = reserve_place(state, place);
	if (result < 0)
		return result;
	cpu = &state->cpus[place];
	/* A CPU has one line; a second one would give its series two values. */
	if (cpu->now.n_fields > 0)
		return 0;
	parse_reading(&cpu->now, line);
	if (place != PLACE_OF_ALL) {
		(void)snprintf(name, sizeof(name), "%zu", place - 1);
		hold_counters(&cpu->now, &cpu->last, RESET_SECONDS * state->ticks_per_second);
		n_values += emit_seconds(state, &cpu->now, name, out);
	}
	n_values += emit_utilization(cpu, name, out);
	return (int)n_values;
}

static int get_current_state(void *memory, struct hm_batch *out)
{
	struct state *state = memory;
	const char *cursor;
	struct hm_span line;
	int n_values = 0;
	int result;

	for (size_t i = 0; i < state->n_cpus; i++)
		state->cpus[i].now = (struct reading){0};
	result = hm_text_read(&state->file);
	cursor = state->file.data;
	while (result >= 0 && hm_next_line(&cursor, &line)) {
		result = take_line(state, line, out);
		n_values += result;
	}
	if (result < 0)
		return result;
	return n_values > 0 ? 0 : -ENODATA;
}

/* Only here does a round become the last one: asked twice in between, the plugin says the same. */
static void cleanup(void *memory)
{
	struct state *state = memory;

	for (size_t i = 0; i < state->n_cpus; i++)
		state->cpus[i].last = state->cpus[i].now;
}

static void stop_collect(void *memory)
{
	struct state *state = memory;

	hm_text_close(&state->file);
	free(state->cpus);
}

HM_PLUGIN(cpu) = {
	HM_PLUGIN_HEADER,
	.name = "cpu",
	.help = "Time that each CPU spent in each mode, and how busy it was.",
	.looks_for = "/proc/stat",
	.metrics = metrics,
	.n_metrics = N_METRICS,
	.state_size = sizeof(struct state),
	.start_collect = start_collect,
	.get_current_state = get_current_state,
	.cleanup = cleanup,
	.stop_collect = stop_collect,
};
