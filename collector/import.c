/* SPDX-License-Identifier: MIT */
/* Takes samples that agentctl brings. */

#include "collector/import.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "collector/import_lines.h"
#include "collector/reply.h"
#include "collector/verbs.h"
#include "common/reason.h"
#include "common/timestamp.h"

/* Who waits is told so at most this often. */
#define TELL_US INT64_C(2000000)

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const char *const columns[] = {"sample:number", "reason:text"};

/* A request that is being taken. */
struct import {
	struct store *store;
	struct import_lines lines;
	int64_t told_us;
};

static void import_free(void *state)
{
	struct import *import = state;

	bundle_done(&import->lines.bundle);
	free(import);
}

static void refuse(void *context, uint32_t sample, enum hm_reason reason)
{
	struct control_reply *reply = context;

	control_integer(reply, sample);
	control_text(reply, reason_text(reason));
	control_row_end(reply);
}

/* Hand what is good to the store, and end the answer. */
static void finish(struct import *import, struct control_reply *reply)
{
	struct bundle *bundle = &import->lines.bundle;

	store_append(import->store, bundle);
	/* The store sets the series of those that it took. */
	for (size_t i = 0; i < bundle->n_samples; i++) {
		const struct bundle_sample *sample = &bundle->samples[i];

		if (!sample->series)
			refuse(reply, import->lines.index[i], (enum hm_reason)sample->kind);
	}
	control_end(reply, HM_CONTROL_OK, NULL);
}

/* A client that hears nothing gives up. */
static int tell_wait(int64_t *told_us, struct control_reply *reply)
{
	int64_t now_us = timestamp_monotonic_us();

	if (now_us - *told_us > TELL_US) {
		*told_us = now_us;
		buffer_append_text(&reply->out, "wait\n");
	}
	return -EAGAIN;
}

static int import_produce(void *state, struct control_reply *reply)
{
	struct import *import = state;

	if (store_is_busy(import->store))
		return tell_wait(&import->told_us, reply);
	finish(import, reply);
	return 0;
}

void import_answer(void *context, const struct control_request *request,
		   struct control_reply *reply)
{
	const struct verbs *verbs = context;
	const char *samples = control_argument(request, "samples");
	struct import *import = calloc(1, sizeof(*import));
	char *text = samples ? strdup(samples) : NULL;

	control_columns(reply, "rows", columns, COUNT(columns));
	if (!import || (samples && !text)) {
		reply_fail(reply, "cannot import", -ENOMEM);
	} else {
		import->store = verbs->store;
		import->lines.hostname = verbs->hostname;
		import->lines.named = HM_REASON_BAD_NAME;
		import->lines.refuse = refuse;
		import->lines.context = reply;
		bundle_init(&import->lines.bundle, store_hash_key(verbs->store), verbs->rejects);
		import->lines.bundle.now_us = timestamp_now_us();
		if (!text || !import_lines_take(&import->lines, text)) {
			control_end(reply, HM_CONTROL_USAGE, "these are no samples to import");
		} else if (store_is_busy(verbs->store)) {
			control_stream(reply, import_produce, import_free, import);
			import = NULL;
		} else {
			finish(import, reply);
		}
	}
	free(text);
	if (import)
		import_free(import);
}

/* -- sync ------------------------------------------------------------------------------------------ */

struct syncing {
	struct store *store;
	uint64_t ticket;
	int64_t told_us;
	bool is_said; /* that it takes long */
};

static int sync_produce(void *state, struct control_reply *reply)
{
	struct syncing *syncing = state;
	struct engine_stats stats;

	if (store_flush_result(syncing->store, syncing->ticket) == 0) {
		control_integer(reply, 1);
		control_row_end(reply);
		control_end(reply, HM_CONTROL_OK, NULL);
		return 0;
	}
	engine_get_stats(store_engine(syncing->store), &stats);
	if ((stats.is_full || stats.is_readonly) && !syncing->is_said) {
		syncing->is_said = true;
		control_note(reply, stats.last_error);
		return -EAGAIN;
	}
	return tell_wait(&syncing->told_us, reply);
}

void import_answer_sync(void *context, const struct control_request *request,
			struct control_reply *reply)
{
	static const char *const synced[] = {"synced:number"};
	const struct verbs *verbs = context;
	struct syncing *syncing = calloc(1, sizeof(*syncing));

	(void)request;
	control_columns(reply, "record", synced, COUNT(synced));
	if (!syncing) {
		reply_fail(reply, "cannot sync", -ENOMEM);
		return;
	}
	syncing->store = verbs->store;
	syncing->told_us = timestamp_monotonic_us();
	syncing->ticket = store_flush_begin(verbs->store);
	control_stream(reply, sync_produce, free, syncing);
}
