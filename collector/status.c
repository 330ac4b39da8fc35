/* SPDX-License-Identifier: MIT */
/* What the collector says of itself. */

#include "collector/status.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "collector/verbs.h"
#include "collector/worker.h"
#include "common/reason.h"
#include "common/timestamp.h"

/* One field of the record that status answers with. */
struct field {
	char column[64];  /* NAME:TYPE */
	const char *text; /* NULL = the number counts */
	int64_t number;
	bool is_unknown; /* neither: it has no value */
};

/* Both fields of each reason, for lines and for connections, beside the fixed ones. */
#define FIELDS_MAX (48 + 5 * HM_REASON_COUNT)

struct record {
	struct field fields[FIELDS_MAX];
	size_t n;
	struct reject rejects[2 * HM_REASON_COUNT];
	size_t n_rejects;
};

static void put_text(struct record *record, const char *name, const char *text)
{
	struct field *field = &record->fields[record->n++];

	(void)snprintf(field->column, sizeof(field->column), "%s:%s", name, HM_CONTROL_TEXT);
	field->text = text;
}

/* @param type  HM_CONTROL_... of a number */
static struct field *put_typed(struct record *record, const char *name, const char *type,
			       int64_t number)
{
	struct field *field = &record->fields[record->n++];

	(void)snprintf(field->column, sizeof(field->column), "%s:%s", name, type);
	field->number = number;
	return field;
}

static struct field *put_number(struct record *record, const char *name, uint64_t number)
{
	return put_typed(record, name, HM_CONTROL_NUMBER, (int64_t)number);
}

/* Every reason for which something was refused, with its example. @param what  "rejected" */
static void put_rejects(struct record *record, const char *what, struct rejects *rejects)
{
	char name[48];

	for (size_t i = 1; i < HM_REASON_COUNT; i++) {
		struct reject *reject = &record->rejects[record->n_rejects];

		rejects_get(rejects, (enum hm_reason)i, reject);
		if (reject->n == 0)
			continue;
		record->n_rejects++;
		(void)snprintf(name, sizeof(name), "%s_%s", what, reason_key((enum hm_reason)i));
		put_number(record, name, reject->n);
		(void)snprintf(name, sizeof(name), "%s_%s_example", what,
			       reason_key((enum hm_reason)i));
		put_text(record, name, reject->example);
	}
}

static void put_store(struct record *record, const struct engine_stats *stats)
{
	put_number(record, "hosts", stats->n_hosts);
	put_number(record, "series", stats->n_series);
	put_number(record, "metric_files", stats->n_files);
	put_number(record, "samples_stored", stats->n_stored);
	put_number(record, "samples_waiting", stats->n_waiting);
	put_number(record, "samples_odd", stats->n_odd);
}

/* What all hosts have together: as list-hosts, of each. Without memory it is not known. */
static void put_hosts(struct record *record, struct engine *engine)
{
	struct engine_host_state *hosts = NULL;
	struct engine_host_state all = {.oldest_time_us = INT64_MAX};
	size_t n_hosts = 0;
	bool is_unknown = engine_list_hosts(engine, &hosts, &n_hosts) < 0;

	for (size_t i = 0; i < n_hosts; i++) {
		all.n_bytes += hosts[i].n_bytes;
		all.n_inodes += hosts[i].n_inodes;
		all.rate += hosts[i].has_rate ? hosts[i].rate : 0;
		if (hosts[i].has_oldest && hosts[i].oldest_time_us < all.oldest_time_us)
			all.oldest_time_us = hosts[i].oldest_time_us;
	}
	free(hosts);
	put_number(record, "store_disk_bytes", all.n_bytes)->is_unknown = is_unknown;
	put_number(record, "store_inodes", all.n_inodes)->is_unknown = is_unknown;
	put_number(record, "samples_a_second", (uint64_t)(all.rate + 0.5))->is_unknown = is_unknown;
	put_typed(record, "oldest_time", HM_CONTROL_TIME, all.oldest_time_us)->is_unknown =
		all.oldest_time_us == INT64_MAX;
}

static void put_log(struct record *record, const struct engine_stats *stats)
{
	put_number(record, "log_segments", stats->n_log_segments);
	put_number(record, "log_bytes", stats->n_log_bytes);
	put_number(record, "log_disk_bytes", stats->n_log_disk_bytes);
	put_number(record, "syncs", stats->n_syncs);
	put_number(record, "syncs_failed", stats->n_failed_syncs);
	put_typed(record, "sync_longest", HM_CONTROL_DURATION, stats->sync_longest_us);
	put_number(record, "checkpoints", stats->n_checkpoints);
}

/* Can what comes in be stored? */
static const char *store_state(const struct engine_stats *stats)
{
	if (stats->is_full)
		return "disk full";
	return stats->is_readonly ? "read-only" : "ok";
}

static void put_traffic(struct record *record, struct traffic *traffic)
{
	put_number(record, "connections", (uint64_t)traffic->connections);
	put_number(record, "connections_max", (uint64_t)traffic->connections_max);
	put_number(record, "connections_total", (uint64_t)traffic->connections_total);
	put_number(record, "connections_refused", (uint64_t)traffic->connections_refused);
}

/* Clients of the control socket that were sent away, and queries, by reason. */
static void put_control(struct record *record, const struct verbs *verbs)
{
	char name[48];

	for (size_t i = 1; verbs->control && i < HM_REASON_COUNT; i++) {
		uint64_t n_closed = control_server_n_closed(verbs->control, (enum hm_reason)i);

		if (i == HM_REASON_NOT_READING)
			n_closed += workers_n_evicted(verbs->workers);
		if (n_closed == 0)
			continue;
		(void)snprintf(name, sizeof(name), "control_closed_%s",
			       reason_key((enum hm_reason)i));
		put_number(record, name, n_closed);
	}
}

static void put_datagrams(struct record *record, const struct verbs *verbs)
{
	put_number(record, "udp_datagrams", (uint64_t)verbs->traffic->udp_datagrams);
	put_number(record, "udp_truncated", (uint64_t)verbs->traffic->udp_truncated);
	put_number(record, "udp_dropped", (uint64_t)endpoint_udp_drops(verbs->endpoint));
}

static void write_record(const struct record *record, struct control_reply *reply)
{
	const char *columns[FIELDS_MAX];

	for (size_t i = 0; i < record->n; i++)
		columns[i] = record->fields[i].column;
	control_columns(reply, "record", columns, record->n);
	for (size_t i = 0; i < record->n; i++) {
		if (record->fields[i].is_unknown)
			control_nothing(reply);
		else if (record->fields[i].text)
			control_text(reply, record->fields[i].text);
		else
			control_integer(reply, record->fields[i].number);
	}
	control_row_end(reply);
	control_end(reply, HM_CONTROL_OK, NULL);
}

void status_answer(void *context, const struct control_request *request,
		   struct control_reply *reply)
{
	const struct verbs *verbs = context;
	struct record record = {.n = 0};
	struct engine_stats stats;

	(void)request;
	engine_get_stats(store_engine(verbs->store), &stats);
	put_text(&record, "program", "hostmetrics-collector");
	put_text(&record, "version", HM_VERSION);
	put_number(&record, "pid", (uint64_t)getpid());
	put_text(&record, "hostname", verbs->hostname);
	put_typed(&record, "uptime", HM_CONTROL_DURATION,
		  timestamp_monotonic_us() - verbs->start_us);
	put_text(&record, "listen", verbs->endpoint->text);
	put_text(&record, "store", verbs->store_path);
	put_traffic(&record, verbs->traffic);
	put_rejects(&record, "closed", verbs->traffic->closed);
	put_control(&record, verbs);
	put_store(&record, &stats);
	put_number(&record, "lines_accepted", stats.n_accepted);
	put_number(&record, "lines_rejected", rejects_total(verbs->rejects));
	put_rejects(&record, "rejected", verbs->rejects);
	put_datagrams(&record, verbs);
	put_number(&record, "queries_running", workers_n_running(verbs->workers));
	put_number(&record, "store_bytes", stats.n_file_bytes);
	put_hosts(&record, store_engine(verbs->store));
	put_log(&record, &stats);
	put_number(&record, "files_set_aside", stats.n_files_aside);
	put_number(&record, "damaged_ranges", stats.n_damaged_ranges);
	put_text(&record, "retention", stats.retention);
	put_text(&record, "state", store_state(&stats));
	put_text(&record, "last_error", stats.last_error);
	write_record(&record, reply);
}
