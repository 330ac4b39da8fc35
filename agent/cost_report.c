/* SPDX-License-Identifier: MIT */
/* `agentctl cost`: what each plugin costs a round, and the agent's own parts. */

#include "agent/cost_report.h"

#include <errno.h>
#include <stdlib.h>

#include "agent/cost.h"
#include "agent/tick.h"

#define NS_PER_US 1000.0

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* A plugin that runs. */
struct row {
	const char *name;
	struct plugin_stats stats;
	uint64_t n_bytes; /* that its last round takes in the spool */
};

struct report {
	struct row *rows;
	size_t n_rows;
	size_t n_series;
	double sampler_ns; /* of a round of the agent, as far as it is the plugins' */
};

/* Two lengths fill a byte. */
struct sizes {
	uint64_t n_values;
	uint64_t n_bytes;
};

static void add_value(void *context, const struct plugin_value *value)
{
	struct sizes *sizes = context;

	sizes->n_values++;
	sizes->n_bytes += tick_value_bytes(value->value);
}

static void add_plugin(struct report *report, struct plugin *plugin, int64_t interval_us)
{
	struct row *row = &report->rows[report->n_rows];
	struct sizes sizes = {0};

	plugin_get_stats(plugin, &row->stats);
	if (row->stats.state != PLUGIN_RUNNING || row->stats.cpu.n == 0)
		return;
	plugin_visit(plugin, add_value, &sizes);
	row->name = plugin_table(plugin)->name;
	row->n_bytes = sizes.n_bytes + (sizes.n_values + 1) / 2;
	report->n_series += row->stats.n_series;
	/* One that is seldom read has its part of a round only. */
	report->sampler_ns +=
		(double)row->stats.cpu.ns * (double)interval_us / (double)row->stats.interval_us;
	report->n_rows++;
}

/* The most expensive first. */
static int compare_rows(const void *left, const void *right)
{
	const struct row *a = left;
	const struct row *b = right;

	return a->stats.cpu.ns == b->stats.cpu.ns ? 0 : a->stats.cpu.ns < b->stats.cpu.ns ? 1 : -1;
}

static int gather(struct report *report, const struct verbs *verbs)
{
	report->rows = calloc(verbs->plugins->n_plugins + 1, sizeof(*report->rows));
	if (!report->rows)
		return -ENOMEM;
	for (size_t i = 0; i < verbs->plugins->n_plugins; i++)
		add_plugin(report, verbs->plugins->plugins[i], verbs->settings->interval_us);
	qsort(report->rows, report->n_rows, sizeof(*report->rows), compare_rows);
	return 0;
}

static void write_plugin(const struct row *row, struct control_reply *reply)
{
	control_text(reply, "plugin");
	control_text(reply, row->name);
	control_integer(reply, (int64_t)row->stats.n_rounds);
	control_number(reply, (double)row->stats.cpu.ns / NS_PER_US);
	control_integer(reply, (int64_t)row->stats.n_series);
	control_integer(reply, (int64_t)row->n_bytes);
	control_row_end(reply);
}

/* What was spent since a mark. */
static struct cost_mark subtract(const struct cost_mark *now, const struct cost_mark *then)
{
	return (struct cost_mark){
		.n_rounds = now->n_rounds - then->n_rounds,
		.n_written = now->n_written - then->n_written,
		.process_ns = now->process_ns - then->process_ns,
		.main_ns = now->main_ns - then->main_ns,
		.recorder_ns = now->recorder_ns - then->recorder_ns,
		.n_spool_bytes = now->n_spool_bytes - then->n_spool_bytes,
		.n_wire_bytes = now->n_wire_bytes - then->n_wire_bytes,
	};
}

/* Since the shipment before the last, so that there is one in it. */
static struct cost_mark find_spent(const struct outlet *outlet)
{
	const struct cost_mark *marks = outlet->marks;
	struct cost_mark now;

	outlet_get_cost(outlet, &now);
	return subtract(&now, marks[0].process_ns > 0 ? &marks[0] : &marks[1]);
}

/* @param bytes  below 0: it has none */
static void write_part(struct control_reply *reply, const struct cost_mark *spent, const char *name,
		       double ns, int64_t bytes)
{
	control_text(reply, "agent");
	control_text(reply, name);
	control_integer(reply, (int64_t)spent->n_rounds);
	control_number(reply, (ns > 0 ? ns : 0) / NS_PER_US);
	control_nothing(reply);
	if (bytes < 0)
		control_nothing(reply);
	else
		control_integer(reply, bytes);
	control_row_end(reply);
}

/* @param writing_ns  what the sampler's thread needs to write a round */
static void write_parts(const struct report *report, const struct cost_mark *spent,
			int64_t writing_ns, struct control_reply *reply)
{
	const double n = (double)spent->n_rounds;
	const double written_ns = (double)writing_ns * (double)spent->n_written / n;
	const double sampler_ns = (double)(spent->process_ns - spent->main_ns) / n - written_ns;

	write_part(reply, spent, "sampler", sampler_ns - report->sampler_ns, -1);
	write_part(reply, spent, "recorder", (double)spent->recorder_ns / n + written_ns,
		   (int64_t)(spent->n_spool_bytes / spent->n_rounds));
	write_part(reply, spent, "uplink", (double)(spent->main_ns - spent->recorder_ns) / n,
		   (int64_t)(spent->n_wire_bytes / spent->n_rounds));
	control_text(reply, "total");
	control_text(reply, "");
	control_integer(reply, (int64_t)spent->n_rounds);
	control_number(reply, (double)spent->process_ns / n / NS_PER_US);
	control_integer(reply, (int64_t)report->n_series);
	control_integer(reply,
			(int64_t)((spent->n_spool_bytes + spent->n_wire_bytes) / spent->n_rounds));
	control_row_end(reply);
}

void cost_report(const struct verbs *verbs, struct control_reply *reply)
{
	static const char *const columns[] = {"part:text",     "name:text",     "rounds:number",
					      "cpu_us:number", "series:number", "bytes:number"};
	const struct cost_mark spent = find_spent(verbs->outlet);
	struct report report = {.n_rows = 0};

	control_columns(reply, "rows", columns, COUNT(columns));
	if (gather(&report, verbs) < 0) {
		control_end(reply, HM_CONTROL_FAILED, "no memory");
		return;
	}
	for (size_t i = 0; i < report.n_rows; i++)
		write_plugin(&report.rows[i], reply);
	if (spent.n_rounds > 0)
		write_parts(&report, &spent, verbs->outlet->writing.ns, reply);
	if (report.n_rows > 0)
		control_end(reply, HM_CONTROL_OK, NULL);
	else
		control_end(reply, HM_CONTROL_NONE, "no plugin has had a round yet");
	free(report.rows);
}
