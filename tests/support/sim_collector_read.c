/* SPDX-License-Identifier: MIT */
/* What the collector of a simulation has stored. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "collector/query.h"
#include "common/file_reader.h"
#include "tests/support/sim_collector.h"

#define FOLDER_BYTES   300
#define READ_STEPS_MAX 100000

void sim_collector_probe(struct sim_collector *collector, const struct agent_session *session,
			 uint64_t sequence)
{
	struct sim_disk *copy = sim_disk_clone(collector->machine.disk);
	struct engine_options options = collector->engine->options;
	struct wire_hello hello = {.host = {"other", 5}};
	struct engine *engine = NULL;
	struct intake *intake = NULL;
	struct intake_mark mark = {.sequence = 0};

	collector->counts[SIM_COLLECTOR_PROBES]++;
	sim_disk_heal(copy);
	sim_disk_set_limits(copy, 0, 0);
	sim_disk_seed(copy, sim_random_next(&collector->random));
	sim_disk_crash(copy);
	options.disk = sim_disk_table(copy);
	options.folder = sim_disk_open_root(copy);
	memcpy(hello.host_id, session->host, HM_ID_BYTES);
	memcpy(hello.epoch, session->epoch, HM_ID_BYTES);
	if (engine_open(&options, &engine) < 0 || intake_new(engine, &intake) < 0 ||
	    intake_hello(intake, &hello, &mark) != HM_REASON_NONE || mark.sequence < sequence) {
		sim_oracle_complain(
			collector->oracle, "%llu are said to be durable, and %llu would be",
			(unsigned long long)sequence, (unsigned long long)mark.sequence);
	}
	intake_free(intake);
	engine_close(engine);
	sim_disk_free(copy);
}

static void read_rows(struct sim_collector *collector)
{
	struct sim_oracle *oracle = collector->oracle;
	const struct query_row *rows;
	struct query *query;
	size_t n;
	int result = query_new(collector->engine, "", "", INT64_MIN, INT64_MAX, &query);

	if (result == -ENOENT)
		return;
	if (result < 0) {
		sim_oracle_complain(oracle, "no query: %d", result);
		return;
	}
	while ((result = query_next(query, &rows, &n)) > 0) {
		for (size_t i = 0; i < n; i++) {
			const struct catalog_file *file = rows[i].series->file;

			sim_oracle_row(oracle, file->host->name, file->metric,
				       rows[i].series->labels, rows[i].time_us, rows[i].value);
		}
	}
	if (result < 0 || query_n_lost(query) > 0)
		sim_oracle_complain(oracle, "a query says %d, and that %llu places are lost",
				    result, (unsigned long long)query_n_lost(query));
	query_free(query);
}

/* What a host's own file has of messages. @return 0 or -errno */
static int read_messages(struct sim_collector *collector, const struct catalog_host *host)
{
	const struct disk *disk = sim_disk_table(collector->machine.disk);
	struct file_reader reader = {0};
	struct file_reader_block found;
	struct store_file_header header;
	char path[FOLDER_BYTES];
	int result;
	int fd;

	(void)snprintf(path, sizeof(path), "%s/.host", host->folder);
	fd = disk->open(disk->context, collector->engine->hosts_folder, path, O_RDONLY);
	if (fd < 0)
		return fd;
	result = file_reader_init(&reader, disk, fd, UINT64_MAX, &header);
	while (result == 0 && (result = file_reader_next(&reader, &found)) == 0) {
		struct store_file_message message;

		if (store_file_get_message(&found.block, &message) == 0)
			sim_oracle_message(collector->oracle, message.type, message.bytes,
					   message.n_bytes);
	}
	file_reader_done(&reader);
	(void)disk->close(disk->context, fd);
	return result == -ENODATA ? 0 : result;
}

static void move_all(struct sim_collector *collector)
{
	int result = 0;

	for (unsigned i = 0; i < READ_STEPS_MAX && result != -ENODATA; i++) {
		result = engine_checkpoint(collector->engine, ENGINE_SCOPE_ALL);
		if (result == -EAGAIN)
			result = engine_commit(collector->engine);
		if (result < 0 && result != -ENODATA) {
			sim_oracle_complain(collector->oracle, "a checkpoint says %d", result);
			return;
		}
	}
	if (result != -ENODATA)
		sim_oracle_complain(collector->oracle, "a checkpoint does not end");
}

void sim_collector_read(struct sim_collector *collector, bool is_end)
{
	struct sim_oracle *oracle = collector->oracle;

	sim_oracle_read_begin(oracle);
	move_all(collector);
	sim_collector_settle_delete(collector);
	read_rows(collector);
	for (size_t i = 0; i < collector->engine->catalog.n_hosts; i++) {
		int result = read_messages(collector, collector->engine->catalog.all_hosts[i]);

		if (result < 0)
			sim_oracle_complain(oracle, "the file of a host cannot be read: %d",
					    result);
	}
	sim_oracle_read_end(oracle, is_end);
}
