/* SPDX-License-Identifier: MIT */
/* What agentctl can ask of a collector. */

#include "collector/verbs.h"

#include <errno.h>
#include <stdlib.h>

#include "collector/answer.h"
#include "collector/delete_answer.h"
#include "collector/export.h"
#include "collector/import.h"
#include "collector/listing.h"
#include "collector/reply.h"
#include "collector/snapshot.h"
#include "collector/status.h"
#include "collector/why_answer.h"
#include "common/reload.h"
#include "common/timestamp.h"

/* A flush waits so long for what has just arrived to be written. */
#define FLUSH_TIMEOUT_MS 1000

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* A flush that is waited for. */
struct flushing {
	struct store *store;
	uint64_t ticket;
	int64_t start_us;
};

static int flushing_produce(void *state, struct control_reply *reply)
{
	const struct flushing *flushing = state;
	struct engine_stats stats;
	int result = store_checkpoint_result(flushing->store, flushing->ticket);

	if (result == -EAGAIN)
		return result;
	if (result < 0) {
		reply_fail(reply, "cannot move all samples into files; they stay in the log",
			   result);
		return 0;
	}
	engine_get_stats(store_engine(flushing->store), &stats);
	control_integer(reply, timestamp_monotonic_us() - flushing->start_us);
	control_integer(reply, (int64_t)stats.n_checkpoints);
	control_integer(reply, (int64_t)stats.n_file_bytes);
	control_row_end(reply);
	control_end(reply, HM_CONTROL_OK, NULL);
	return 0;
}

static void answer_flush(void *context, const struct control_request *request,
			 struct control_reply *reply)
{
	static const char *const columns[] = {"took:duration", "checkpoints:number",
					      "store_bytes:number"};
	const struct verbs *verbs = context;
	struct flushing *flushing = calloc(1, sizeof(*flushing));

	(void)request;
	control_columns(reply, "record", columns, COUNT(columns));
	if (!flushing) {
		reply_fail(reply, "cannot flush", -ENOMEM);
		return;
	}
	flushing->store = verbs->store;
	flushing->start_us = timestamp_monotonic_us();
	if (store_flush(verbs->store, FLUSH_TIMEOUT_MS) < 0)
		control_note(reply, "the disk is slow or full: the last seconds are not among it");
	flushing->ticket = store_checkpoint(verbs->store);
	control_stream(reply, flushing_produce, free, flushing);
}

static void answer_reload(void *context, const struct control_request *request,
			  struct control_reply *reply)
{
	const struct verbs *verbs = context;

	verbs->reload(verbs->daemon, reload_is_dry(request), reply);
}

const struct control_verb verbs_table[] = {
	{"delete", delete_answer},
	{"export", export_answer},
	{"flush", answer_flush},
	{"get", listing_answer_get},
	{"import", import_answer},
	{"list-hosts", listing_answer_hosts},
	{"list-metrics", listing_answer_metrics},
	{"query", answer_query},
	{"reload", answer_reload},
	{"snapshot", snapshot_answer},
	{"status", status_answer},
	{"sync", import_answer_sync},
	{"why", why_answer},
	{NULL, NULL},
};
