/* SPDX-License-Identifier: MIT */
/* What must lie in the log before a message of an agent, so that it can be understood. */

#include <errno.h>
#include <string.h>

#include "collector/committer_part.h"
#include "common/log_entry.h"

/* Gather a record, from committer->names. @param host  whose chain it belongs to; NULL = to none */
static int add_record(struct committer *committer, size_t index, struct catalog_host *host,
		      enum hm_record_type type)
{
	const struct buffer *payload = &committer->names;
	struct log_record record = {
		.type = type,
		.payload = payload->data,
		.payload_bytes = (uint32_t)payload->length,
		.received_us = committer->entries[index].received_us,
	};
	int result = buffer_failed(payload) ? -ENOMEM : 0;

	if (result == 0)
		result = committer_make_room(committer, index, payload->length);
	if (result == 0)
		result = committer_add_link(committer, host, &record);
	return result;
}

/* Which host its number stands for. */
static int add_host(struct committer *committer, size_t index, struct catalog_host *host)
{
	struct log_host entry = {
		.number = host->number,
		.name = {host->name, strlen(host->name)},
	};
	int result;

	memcpy(entry.id, host->id, HM_ID_BYTES);
	buffer_done(&committer->names);
	log_entry_put_host(&committer->names, &entry);
	result = add_record(committer, index, NULL, HM_RECORD_HOST);
	host->n_told += result == 0;
	return result;
}

/* What the ids of an epoch mean. */
static int add_names(struct committer *committer, size_t index, const struct epoch *epoch)
{
	struct engine *engine = committer->engine;
	size_t n_series = 1;
	size_t id = 0;
	int result = 0;

	while (result == 0 && id < n_series) {
		buffer_done(&committer->names);
		pthread_mutex_lock(&engine->mutex);
		n_series = epoch->n_series;
		if (n_series > 0)
			id = epoch_put_names(epoch, id, &committer->names);
		pthread_mutex_unlock(&engine->mutex);
		if (n_series > 0)
			result = add_record(committer, index, epoch->host, HM_RECORD_NAMES);
	}
	return result;
}

int committer_add_preface(struct committer *committer, size_t index)
{
	const struct entry *entry = &committer->entries[index];
	struct engine *engine = committer->engine;
	struct epoch *epoch = entry->epoch;
	bool wants_names;
	int result = 0;

	/* From here on no checkpoint of the host goes without what this relies on: see names.h. */
	pthread_mutex_lock(&engine->mutex);
	wants_names = entry->type == HM_RECORD_BATCH && epoch->n_named < EPOCH_TOLD_TIMES;
	epoch->n_adding++;
	epoch->n_named += wants_names;
	pthread_mutex_unlock(&engine->mutex);
	if (epoch->host->n_told < EPOCH_TOLD_TIMES)
		result = add_host(committer, index, epoch->host);
	if (result == 0 && wants_names)
		result = add_names(committer, index, epoch);
	return result;
}
