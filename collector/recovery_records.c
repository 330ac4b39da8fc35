/* SPDX-License-Identifier: MIT */
/* The recovery of what single records say. */

#include <errno.h>
#include <string.h>

#include "collector/engine.h"
#include "collector/recovery_part.h"
#include "collector/tail_part.h"
#include "common/batch.h"
#include "common/log_entry.h"

/* A host by its number, or else by its name. */
static int get_host(struct recovery *recovery, uint32_t number, const uint8_t *id,
		    const struct series_text *name, struct catalog_host **ret_host)
{
	struct engine *engine = recovery->engine;
	struct catalog_host *host = id_map_get(&engine->hosts, number);
	int result;

	if (host) {
		*ret_host = host;
		return 0;
	}
	if (number == 0 || number >= ID_MAP_MAX)
		return -EBADMSG;
	result = catalog_get_host(&engine->catalog, name->start, name->length, &host);
	if (result == 0)
		result = id_map_set(&engine->hosts, number, host);
	if (result < 0)
		return result;
	if (host->number == 0) {
		host->number = number;
		memcpy(host->id, id, HM_ID_BYTES);
	}
	if (number >= engine->next_number)
		engine->next_number = number + 1;
	*ret_host = host;
	return 0;
}

static int take_host(struct recovery *recovery, struct cursor *cursor)
{
	struct catalog_host *host = NULL;
	struct log_epoch epoch;
	struct log_host entry;
	int result = log_entry_get_host(cursor, &entry);

	if (result == 0)
		result = get_host(recovery, entry.number, entry.id, &entry.name, &host);
	/* An agent may have taken over one that only text had made. */
	if (result == 0 && host)
		result = recovery_set_id(recovery, host, entry.id);
	for (uint32_t i = 0; result == 0 && i < entry.n_epochs; i++)
		result = log_entry_get_epoch(cursor, &epoch);
	if (result < 0 || !host)
		return result;
	/* A snapshot may follow one that was damaged, and what was read since. */
	if (entry.last > host->last)
		host->last = entry.last;
	if (entry.checkpoint > host->checkpoint)
		host->checkpoint = entry.checkpoint;
	return 0;
}

static int take_hosts(struct recovery *recovery, const struct log_record *record)
{
	struct cursor cursor = {.at = record->payload, .left = record->payload_bytes};
	int result;

	do {
		result = take_host(recovery, &cursor);
	} while (result == 0);
	return result == -ENODATA ? 0 : result;
}

void recovery_note_link(const struct recovery *recovery, const struct log_record *record,
			struct catalog_host *host)
{
	/* Without a snapshot this is the first that is known of the host. Behind one, what it links to and
	 * was not found is lost. */
	if (!recovery->has_snapshot && host->last == 0 && host->checkpoint == 0)
		host->checkpoint = record->previous;
	host->last = record->position;
}

static int take_text_batch(struct recovery *recovery, const struct log_record *record)
{
	struct cursor cursor = {.at = record->payload, .left = record->payload_bytes};
	struct catalog_host *host = NULL;
	struct batch_head head;
	int result = batch_get_head(&cursor, &head);

	if (result == 0)
		result = get_host(recovery, record->host, head.host_id, &head.host, &host);
	if (result == 0 && host)
		recovery_note_link(recovery, record, host);
	return result;
}

static int take_batch(struct recovery *recovery, const struct log_record *record)
{
	const uint8_t *payload = record->payload;

	/* Does it name its host and its series? */
	if (record->payload_bytes > 0 && payload[0] == 0)
		return recovery_take_message(recovery, record);
	return take_text_batch(recovery, record);
}

/* What a host deleted lies in the chain of its batches. */
static int take_delete(struct recovery *recovery, const struct log_record *record)
{
	struct cursor cursor = {.at = record->payload, .left = record->payload_bytes};
	struct catalog_host *host = NULL;
	struct log_delete entry;
	int result = log_entry_get_delete(&cursor, &entry);

	if (result == 0)
		result = get_host(recovery, record->host, entry.id, &entry.name, &host);
	if (result == 0 && host)
		recovery_note_link(recovery, record, host);
	return result;
}

static int take_horizons(struct recovery *recovery, const struct log_record *record)
{
	struct cursor cursor = {.at = record->payload, .left = record->payload_bytes};
	struct log_horizon entry;
	int result;

	while ((result = log_entry_get_horizon(&cursor, &entry)) == 0) {
		struct catalog_host *host = id_map_get(&recovery->engine->hosts, entry.host);

		if (host && entry.horizon_us > host->horizon_us)
			host->horizon_us = entry.horizon_us;
	}
	return result == -ENODATA ? 0 : result;
}

static int take_group(struct recovery *recovery, const struct log_record *record)
{
	struct cursor cursor = {.at = record->payload, .left = record->payload_bytes};
	int result = log_entry_get_group(&cursor, &recovery->cuts.group);

	while (result == 0) {
		struct log_group_file file;
		struct catalog_host *host;

		result = log_entry_get_group_file(&cursor, &file);
		if (result < 0)
			break;
		host = id_map_get(&recovery->engine->hosts, file.host);
		if (host)
			result = cuts_add(&recovery->cuts, host, file.name.start, file.name.length,
					  file.length_bytes);
	}
	return result == -ENODATA ? 0 : result;
}

static int take_checkpoint(struct recovery *recovery, const struct log_record *record)
{
	struct cursor cursor = {.at = record->payload, .left = record->payload_bytes};
	uint64_t group;
	int result = log_entry_get_group(&cursor, &group);

	while (result == 0) {
		struct log_checkpoint checkpoint;
		struct catalog_host *host;

		result = log_entry_get_checkpoint(&cursor, &checkpoint);
		if (result < 0)
			break;
		host = id_map_get(&recovery->engine->hosts, checkpoint.host);
		if (!host)
			continue;
		if (checkpoint.position > host->checkpoint)
			host->checkpoint = checkpoint.position;
		cuts_drop(&recovery->cuts, host);
	}
	return result == -ENODATA ? 0 : result;
}

int recovery_take_record(struct recovery *recovery, const struct log_record *record)
{
	switch (record->type) {
	case HM_RECORD_HOST:
		return take_hosts(recovery, record);
	case HM_RECORD_BATCH:
		return take_batch(recovery, record);
	case HM_RECORD_DELETE:
		return take_delete(recovery, record);
	case HM_RECORD_DECLARE:
	case HM_RECORD_GAP:
	case HM_RECORD_CLOCK:
	case HM_RECORD_NAMES:
	case HM_RECORD_SCHEDULE:
		return recovery_take_message(recovery, record);
	case HM_RECORD_EPOCH:
		return recovery_take_marks(recovery, record);
	case HM_RECORD_HORIZON:
		return take_horizons(recovery, record);
	case HM_RECORD_GROUP:
		return take_group(recovery, record);
	case HM_RECORD_CHECKPOINT:
		return take_checkpoint(recovery, record);
	default:
		return 0;
	}
}

void recovery_take_damaged(struct recovery *recovery, const struct log_record *record)
{
	struct catalog_host *host = id_map_get(&recovery->engine->hosts, record->host);

	if (host && tail_is_link(record, record->host))
		recovery_note_link(recovery, record, host);
}
