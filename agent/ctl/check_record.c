/* SPDX-License-Identifier: MIT */
/* `agentctl check` of the log: what its records say, of hosts and files too. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/ctl/check_part.h"
#include "common/batch.h"
#include "common/log_entry.h"
#include "common/wire_batch.h"
#include "common/wire_clock.h"
#include "common/wire_declare.h"
#include "common/wire_gap.h"
#include "common/wire_schedule.h"

static struct check_host *find_host(const struct check *check, uint32_t number)
{
	for (size_t i = 0; i < check->n_hosts; i++) {
		if (check->hosts[i].number == number)
			return &check->hosts[i];
	}
	return NULL;
}

static int add_host(struct check *check, const struct log_host *host)
{
	struct check_host *known = find_host(check, host->number);

	if (!known) {
		struct check_host *hosts =
			reallocarray(check->hosts, check->n_hosts + 1, sizeof(*hosts));

		if (!hosts)
			return -ENOMEM;
		check->hosts = hosts;
		known = &hosts[check->n_hosts++];
		*known = (struct check_host){.number = host->number};
		file_name_escape(host->name.start, host->name.length, known->folder);
	}
	if (host->checkpoint > known->checkpoint)
		known->checkpoint = host->checkpoint;
	return 0;
}

static int take_hosts(struct check *check, struct cursor *cursor)
{
	struct log_host host;
	struct log_epoch epoch;
	int result;

	while ((result = log_entry_get_host(cursor, &host)) == 0) {
		result = add_host(check, &host);
		for (uint32_t i = 0; i < host.n_epochs && result == 0; i++)
			result = log_entry_get_epoch(cursor, &epoch);
		if (result < 0)
			return result;
	}
	return result == -ENODATA ? 0 : result;
}

static int add_pending(struct check *check, const struct log_group_file *file)
{
	struct check_pending pending = {.host = file->host, .length_bytes = file->length_bytes};
	struct check_pending *all;

	/* No file has a longer name. */
	if (file->name.length >= sizeof(pending.name))
		return -EBADMSG;
	memcpy(pending.name, file->name.start, file->name.length);
	all = reallocarray(check->pending, check->n_pending + 1, sizeof(*all));
	if (!all)
		return -ENOMEM;
	check->pending = all;
	all[check->n_pending++] = pending;
	return 0;
}

static int take_group(struct check *check, struct cursor *cursor)
{
	struct log_group_file file;
	uint64_t group;
	int result = log_entry_get_group(cursor, &group);

	if (result < 0)
		return result;
	if (group != check->group)
		check->n_pending = 0;
	check->group = group;
	while ((result = log_entry_get_group_file(cursor, &file)) == 0) {
		result = add_pending(check, &file);
		if (result < 0)
			return result;
	}
	return result == -ENODATA ? 0 : result;
}

static int take_checkpoint(struct check *check, struct cursor *cursor)
{
	struct log_checkpoint checkpoint;
	uint64_t group;
	int result = log_entry_get_group(cursor, &group);

	if (result < 0)
		return result;
	if (group == check->group)
		check->n_pending = 0;
	while ((result = log_entry_get_checkpoint(cursor, &checkpoint)) == 0) {
		struct check_host *host = find_host(check, checkpoint.host);

		if (host && checkpoint.position > host->checkpoint)
			host->checkpoint = checkpoint.position;
	}
	return result == -ENODATA ? 0 : result;
}

/* The number of a host that came after the snapshot is told by its first batch where only text has made it,
 * and by a HOST record where it has an agent. Without any snapshot its files are taken as they are. */
static int take_text_batch(struct check *check, const struct log_record *record,
			   struct cursor *cursor)
{
	struct log_host host = {.number = record->host};
	struct batch_head head;
	int result = 0;

	if (!check->has_snapshot || record->previous != 0)
		return 0;
	result = batch_get_head(cursor, &head);
	if (result < 0)
		return result;
	host.name = head.host;
	return add_host(check, &host);
}

static struct check_ids begin_ids(const struct log_record *record, const struct wire_stamp *stamp)
{
	struct check_ids ids = {
		.host = record->host,
		.position = record->position,
		.length_bytes = log_file_record_bytes(record->payload_bytes),
	};

	memcpy(ids.epoch, stamp->epoch, HM_ID_BYTES);
	return ids;
}

static enum hm_reason take_names(struct check *check, const struct log_record *record)
{
	struct check_ids ids;
	struct wire_declare declare;
	struct wire_series series;
	enum hm_reason reason = wire_declare_open(&declare, record->payload, record->payload_bytes);

	while (reason == HM_REASON_NONE && wire_declare_next(&declare, &series))
		;
	if (reason == HM_REASON_NONE)
		reason = declare.reason;
	if (reason == HM_REASON_NONE) {
		ids = begin_ids(record, &declare.stamp);
		ids.first = declare.first_id;
		ids.end = declare.first_id + declare.n_series;
		if (check_add_ids(check, &ids) < 0)
			reason = HM_REASON_NO_MEMORY;
	}
	wire_declare_done(&declare);
	return reason;
}

/* Behind the highest id of a batch that was checked. */
static uint32_t find_end(const struct check *check, const struct log_record *record)
{
	struct wire_batch batch;
	const uint8_t *bytes;
	size_t length;
	uint32_t end = 0;

	if (wire_batch_get(record->payload, record->payload_bytes, &batch) != HM_REASON_NONE)
		return 0;
	while (batch_get_block(&batch.blocks, &bytes, &length) == 0 &&
	       block_decoder_open(check->decoder, bytes, length) == 0) {
		size_t n_columns = block_decoder_n_columns(check->decoder);
		uint32_t id = block_decoder_series_id(check->decoder, n_columns - 1);

		if (id >= end)
			end = id + 1;
	}
	return end;
}

/* Is it in order, down to the last sample? */
static enum hm_reason take_samples(struct check *check, const struct log_record *record)
{
	struct wire_batch_content content;
	struct check_ids ids;
	enum hm_reason reason =
		wire_batch_check(check->decoder, record->payload, record->payload_bytes,
				 HM_EPOCH_SERIES_MAX, &content);

	if (reason != HM_REASON_NONE)
		return reason;
	ids = begin_ids(record, &content.stamp);
	ids.end = find_end(check, record);
	ids.is_batch = true;
	ids.first_us = content.first_us;
	ids.last_us = content.last_us;
	return check_add_ids(check, &ids) < 0 ? HM_REASON_NO_MEMORY : HM_REASON_NONE;
}

static int take_message(struct check *check, const struct log_record *record)
{
	struct wire_gap gap;
	struct wire_clock clock;
	struct wire_schedule schedule;
	enum hm_reason reason;

	switch (record->type) {
	case HM_RECORD_BATCH:
		reason = take_samples(check, record);
		break;
	case HM_RECORD_GAP:
		reason = wire_gap_get(record->payload, record->payload_bytes, &gap);
		break;
	case HM_RECORD_CLOCK:
		reason = wire_clock_get(record->payload, record->payload_bytes, &clock);
		break;
	case HM_RECORD_SCHEDULE:
		reason = wire_schedule_get(record->payload, record->payload_bytes, &schedule);
		break;
	default:
		reason = take_names(check, record);
	}
	if (reason == HM_REASON_NO_MEMORY)
		return -ENOMEM;
	/* Nobody can take what is not known to be a host's. */
	if (check->has_snapshot && !find_host(check, record->host))
		return -EBADMSG;
	return reason == HM_REASON_NONE ? 0 : -EBADMSG;
}

static int take_batch(struct check *check, const struct log_record *record, struct cursor *cursor)
{
	const uint8_t *payload = record->payload;

	/* It begins with the stamp of an agent, or says that names follow. */
	if (record->payload_bytes > 0 && payload[0] == 0)
		return take_message(check, record);
	return take_text_batch(check, record, cursor);
}

int check_delete(const uint8_t *payload, size_t n_bytes)
{
	struct cursor cursor = {.at = payload, .left = n_bytes};
	struct series_text metric;
	struct series_text labels;
	struct log_delete entry;
	int result = log_entry_get_delete(&cursor, &entry);

	while (result == 0)
		result = log_entry_get_delete_series(&cursor, &metric, &labels);
	return result == -ENODATA ? 0 : result;
}

static int take_marks(struct cursor *cursor)
{
	struct log_mark entry;
	int result;

	while ((result = log_entry_get_mark(cursor, &entry)) == 0)
		;
	return result == -ENODATA ? 0 : result;
}

static int take_horizons(struct cursor *cursor)
{
	struct log_horizon entry;
	int result;

	while ((result = log_entry_get_horizon(cursor, &entry)) == 0)
		;
	return result == -ENODATA ? 0 : result;
}

int check_record(struct check *check, const struct log_record *record)
{
	struct cursor cursor = {.at = record->payload, .left = record->payload_bytes};

	switch (record->type) {
	case HM_RECORD_SNAPSHOT_END:
		check->has_snapshot = true;
		return 0;
	case HM_RECORD_HOST:
		return take_hosts(check, &cursor);
	case HM_RECORD_BATCH:
		return take_batch(check, record, &cursor);
	case HM_RECORD_DECLARE:
	case HM_RECORD_GAP:
	case HM_RECORD_CLOCK:
	case HM_RECORD_NAMES:
	case HM_RECORD_SCHEDULE:
		return take_message(check, record);
	case HM_RECORD_EPOCH:
		return take_marks(&cursor);
	case HM_RECORD_DELETE:
		return check_delete(record->payload, record->payload_bytes);
	case HM_RECORD_HORIZON:
		return take_horizons(&cursor);
	case HM_RECORD_GROUP:
		return take_group(check, &cursor);
	case HM_RECORD_CHECKPOINT:
		return take_checkpoint(check, &cursor);
	default:
		return 0;
	}
}
