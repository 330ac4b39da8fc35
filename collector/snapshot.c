/* SPDX-License-Identifier: MIT */
/* A copy of the store as it is at one moment. */

#include "collector/snapshot.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "collector/reply.h"
#include "collector/snapshot_copy.h"
#include "collector/snapshot_state.h"
#include "collector/snapshot_target.h"
#include "collector/verbs.h"
#include "common/log_file.h"
#include "common/timestamp.h"

/* What has just arrived is waited for so long. */
#define FLUSH_TIMEOUT_MS 1000

/* A checkpoint that ends just now is looked at again after so long. */
static const struct timespec poll_interval = {.tv_nsec = 2000000};

#define PATH_BYTES (SNAPSHOT_PATH_BYTES + sizeof("hosts/"))

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

struct snapshot {
	struct store *store;
	char *store_path;
	char *folder;
	int64_t start_us;
	struct worker *worker;
	struct snapshot_target target;
	struct snapshot_state state;
	struct snapshot_copy copy;
	char what[PATH_BYTES]; /* is being done, should it fail */
};

static void snapshot_free(void *state)
{
	struct snapshot *snapshot = state;

	free(snapshot->store_path);
	free(snapshot->folder);
	free(snapshot);
}

/* -- copying --------------------------------------------------------------------------------------- */

/* What the store itself has lost cannot be copied. */
static void tell_lost(struct snapshot *snapshot)
{
	char text[PATH_BYTES + 64];

	(void)snprintf(text, sizeof(text), "%s is gone, or shorter than it was", snapshot->what);
	control_note(worker_reply(snapshot->worker), text);
}

static int copy_known(struct snapshot *snapshot, int fd, uint64_t length_bytes)
{
	const struct disk *disk = snapshot->state.engine->options.disk;
	struct disk_status status;
	int result = disk->fstat(disk->context, fd, &status);

	if (result < 0)
		return result;
	if (status.size_bytes < length_bytes) {
		tell_lost(snapshot);
		length_bytes = status.size_bytes;
	}
	return snapshot_copy_file(&snapshot->copy, fd, length_bytes, snapshot->what);
}

static int copy_file(struct snapshot *snapshot, const struct snapshot_file *file)
{
	struct engine *engine = snapshot->state.engine;
	const struct disk *disk = engine->options.disk;
	char path[SNAPSHOT_PATH_BYTES];
	int result;
	int fd;

	(void)snprintf(snapshot->what, sizeof(snapshot->what), "hosts/%s", file->host->folder);
	result = snapshot_copy_folder(&snapshot->copy, snapshot->what);
	if (result < 0)
		return result;
	snapshot_file_path(file, path);
	(void)snprintf(snapshot->what, sizeof(snapshot->what), "hosts/%s", path);
	fd = disk->open(disk->context, engine->hosts_folder, path, O_RDONLY);
	if (fd == -ENOENT) {
		tell_lost(snapshot);
		return 0;
	}
	if (fd < 0)
		return fd;
	result = copy_known(snapshot, fd, file->length_bytes);
	(void)disk->close(disk->context, fd);
	return result;
}

static int copy_files(struct snapshot *snapshot)
{
	int result = 0;

	for (size_t i = 0; i < snapshot->state.n_files && result == 0; i++) {
		result = copy_file(snapshot, &snapshot->state.files[i]);
		if (result == 0)
			result = worker_check(snapshot->worker);
	}
	return result;
}

struct unread {
	struct snapshot *snapshot;
	const struct catalog_host *host;
};

static int copy_unread_file(void *context, const char *name)
{
	const struct unread *unread = context;
	struct snapshot *snapshot = unread->snapshot;
	struct engine *engine = snapshot->state.engine;
	const struct disk *disk = engine->options.disk;
	struct disk_status status;
	int result;
	int fd;

	(void)snprintf(snapshot->what, sizeof(snapshot->what), "hosts/%s/%s", unread->host->folder,
		       name);
	fd = disk->open(disk->context, engine->hosts_folder, snapshot->what + strlen("hosts/"),
			O_RDONLY);
	if (fd < 0)
		return fd;
	result = disk->fstat(disk->context, fd, &status);
	if (result == 0 && status.is_file)
		result = snapshot_copy_file(&snapshot->copy, fd, status.size_bytes, snapshot->what);
	(void)disk->close(disk->context, fd);
	return result == 0 ? worker_check(snapshot->worker) : result;
}

/* Nothing is written to the files of a host that could not be read: they are copied as they are. */
static int copy_unread(struct snapshot *snapshot, const struct catalog_host *host)
{
	struct engine *engine = snapshot->state.engine;
	const struct disk *disk = engine->options.disk;
	struct unread unread = {snapshot, host};
	int folder = disk->open(disk->context, engine->hosts_folder, host->folder,
				O_RDONLY | O_DIRECTORY);
	int result;

	(void)snprintf(snapshot->what, sizeof(snapshot->what), "hosts/%s", host->folder);
	if (folder < 0)
		return folder == -ENOENT ? 0 : folder;
	result = snapshot_copy_folder(&snapshot->copy, snapshot->what);
	if (result == 0)
		result = disk->list(disk->context, folder, copy_unread_file, &unread);
	(void)disk->close(disk->context, folder);
	return result;
}

static int copy_log(struct snapshot *snapshot)
{
	const struct snapshot_state *state = &snapshot->state;
	int result = 0;

	for (size_t i = 0; i < state->n_segments && result == 0; i++) {
		const struct snapshot_segment *segment = &state->segments[i];
		bool is_last = segment->number == log_position_segment(state->durable);
		char name[LOG_FILE_NAME_BYTES];

		log_file_name(segment->number, name);
		(void)snprintf(snapshot->what, sizeof(snapshot->what), "log/%s", name);
		result = snapshot_copy_segment(
			&snapshot->copy, segment->fd,
			is_last ? log_position_offset(state->durable) : UINT64_MAX, snapshot->what);
	}
	return result;
}

static int copy_id(struct snapshot *snapshot)
{
	struct engine *engine = snapshot->state.engine;
	const struct disk *disk = engine->options.disk;
	struct disk_status status;
	int result;
	int fd = disk->open(disk->context, engine->options.folder, STORE_FILE_ID_NAME, O_RDONLY);

	(void)snprintf(snapshot->what, sizeof(snapshot->what), "%s", STORE_FILE_ID_NAME);
	/* All other files say it, too. */
	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	result = disk->fstat(disk->context, fd, &status);
	if (result == 0)
		result = snapshot_copy_file(&snapshot->copy, fd, status.size_bytes, snapshot->what);
	(void)disk->close(disk->context, fd);
	return result;
}

static int copy_all(struct snapshot *snapshot)
{
	int result = snapshot_copy_folder(&snapshot->copy, "hosts");

	if (result == 0)
		result = snapshot_copy_folder(&snapshot->copy, "log");
	if (result == 0)
		result = copy_files(snapshot);
	for (size_t i = 0; i < snapshot->state.n_unread && result == 0; i++)
		result = copy_unread(snapshot, snapshot->state.unread[i]);
	if (result == 0)
		result = copy_log(snapshot);
	if (result == 0)
		result = copy_id(snapshot);
	if (result < 0)
		return result;
	(void)snprintf(snapshot->what, sizeof(snapshot->what), "the file system of the copy");
	return snapshot_copy_sync(&snapshot->copy);
}

/* -- the thread ------------------------------------------------------------------------------------ */

static int take_state(struct snapshot *snapshot)
{
	struct engine *engine = store_engine(snapshot->store);
	int result;

	(void)snprintf(snapshot->what, sizeof(snapshot->what), "the log");
	while ((result = snapshot_state_take(engine, &snapshot->state)) == -EAGAIN) {
		(void)nanosleep(&poll_interval, NULL);
		result = worker_check(snapshot->worker);
		if (result < 0)
			break;
	}
	return result;
}

static int make(struct snapshot *snapshot)
{
	int result = snapshot_copy_init(&snapshot->copy, snapshot->target.fd);

	snapshot->copy.check = worker_check;
	snapshot->copy.context = snapshot->worker;
	if (result == 0)
		result = take_state(snapshot);
	if (result == 0)
		result = copy_all(snapshot);
	snapshot_state_done(&snapshot->state);
	if (result == 0) {
		(void)snprintf(snapshot->what, sizeof(snapshot->what), "its folder");
		result = snapshot_target_publish(&snapshot->target);
	}
	snapshot_copy_done(&snapshot->copy);
	return result;
}

static void end_failed(struct snapshot *snapshot, struct control_reply *reply, int result,
		       int removed)
{
	char text[PATH_BYTES + 256];

	(void)snprintf(text, sizeof(text), "no snapshot: %s: %s", snapshot->what,
		       strerror(-result));
	if (removed < 0) {
		(void)snprintf(text + strlen(text), sizeof(text) - strlen(text),
			       "; %s.partial is left and could not be removed: %s",
			       snapshot->target.name, strerror(-removed));
	}
	control_end(reply, HM_CONTROL_FAILED, text);
}

static void end_made(const struct snapshot *snapshot, struct control_reply *reply)
{
	control_integer(reply, timestamp_monotonic_us() - snapshot->start_us);
	control_integer(reply, (int64_t)snapshot->copy.n_files);
	control_integer(reply, (int64_t)snapshot->copy.n_cloned);
	control_integer(reply, (int64_t)snapshot->copy.n_bytes);
	control_row_end(reply);
	control_end(reply, HM_CONTROL_OK, NULL);
}

static void run(struct worker *worker, void *state)
{
	static const char *const columns[] = {"took:duration", "files:number",
					      "files_shared:number", "bytes:number"};
	struct snapshot *snapshot = state;
	struct control_reply *reply = worker_reply(worker);
	char problem[SNAPSHOT_PROBLEM_BYTES];
	int removed = 0;
	int result;

	snapshot->worker = worker;
	control_columns(reply, "record", columns, COUNT(columns));
	if (store_flush(snapshot->store, FLUSH_TIMEOUT_MS) < 0)
		control_note(reply, "the disk is slow or full: the last seconds are not among it");
	if (snapshot_target_open(&snapshot->target, snapshot->folder, snapshot->store_path,
				 problem) < 0) {
		control_end(reply, HM_CONTROL_FAILED, problem);
		return;
	}
	result = make(snapshot);
	if (result < 0)
		removed = snapshot_target_remove(&snapshot->target);
	if (result == 0)
		end_made(snapshot, reply);
	else if (result != -ECANCELED)
		end_failed(snapshot, reply, result, removed);
	snapshot_target_close(&snapshot->target);
}

void snapshot_answer(void *context, const struct control_request *request,
		     struct control_reply *reply)
{
	const struct verbs *verbs = context;
	const char *folder = control_argument(request, "folder");
	struct worker_job job = {.run = run, .free_state = snapshot_free, .time_max_us = INT64_MAX};
	struct snapshot *snapshot;

	if (!folder || folder[0] != '/') {
		control_end(reply, HM_CONTROL_USAGE, "which folder? An absolute path is wanted");
		return;
	}
	snapshot = calloc(1, sizeof(*snapshot));
	if (snapshot) {
		snapshot->start_us = timestamp_monotonic_us();
		snapshot->store = verbs->store;
		snapshot->folder = strdup(folder);
		snapshot->store_path = strdup(verbs->store_path);
		job.state = snapshot;
	}
	if (snapshot && snapshot->folder && snapshot->store_path) {
		reply_on_thread(reply, verbs->workers, &job, "no snapshot");
		return;
	}
	if (snapshot)
		snapshot_free(snapshot);
	reply_fail(reply, "no snapshot", -ENOMEM);
}
