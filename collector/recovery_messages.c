/* SPDX-License-Identifier: MIT */
/* The recovery of what agents sent: how far each of their epochs has come. */

#include <errno.h>
#include <string.h>

#include "collector/engine.h"
#include "collector/epoch.h"
#include "collector/recovery_part.h"
#include "common/crc32c.h"
#include "common/log_entry.h"
#include "common/wire_stamp.h"

int recovery_set_id(struct recovery *recovery, struct catalog_host *host,
		    const uint8_t id[static HM_ID_BYTES])
{
	int result = 0;

	if (memcmp(host->id, id, HM_ID_BYTES) != 0 && host->has_agent)
		result = epoch_give_host(&recovery->engine->catalog, host, id);
	memmove(host->id, id, HM_ID_BYTES);
	host->n_told = EPOCH_TOLD_TIMES;
	return result;
}

/* Find or add an epoch of a host. @return 0; -EBADMSG: it is another host's, or too much; -ENOMEM */
static int get_epoch(struct recovery *recovery, struct catalog_host *host,
		     const uint8_t id[static HM_ID_BYTES], struct epoch **ret_epoch)
{
	struct catalog *catalog = &recovery->engine->catalog;
	int result = epoch_get(catalog, host, id, ret_epoch);

	if (result == 0 && !host->has_agent)
		result = epoch_give_host(catalog, host, host->id);
	return result == 0 || result == -ENOMEM ? result : -EBADMSG;
}

int recovery_take_marks(struct recovery *recovery, const struct log_record *record)
{
	struct cursor cursor = {.at = record->payload, .left = record->payload_bytes};
	struct log_mark entry;
	int result;

	while ((result = log_entry_get_mark(&cursor, &entry)) == 0) {
		struct catalog_host *host = id_map_get(&recovery->engine->hosts, entry.host);
		const struct epoch_mark mark = {entry.sequence, entry.crc};
		struct epoch *epoch = NULL;

		if (!host)
			continue;
		result = get_epoch(recovery, host, entry.epoch, &epoch);
		if (result < 0)
			return result;
		epoch_recover(epoch, &mark);
	}
	return result == -ENODATA ? 0 : result;
}

int recovery_take_message(struct recovery *recovery, const struct log_record *record)
{
	struct cursor cursor = {.at = record->payload, .left = record->payload_bytes};
	struct catalog_host *host = id_map_get(&recovery->engine->hosts, record->host);
	struct epoch *epoch = NULL;
	struct wire_stamp stamp;
	int result;

	/* Its number is told before, twice. */
	if (!host || wire_stamp_get(&cursor, &stamp) != HM_REASON_NONE)
		return -EBADMSG;
	result = get_epoch(recovery, host, stamp.epoch, &epoch);
	if (result < 0)
		return result;
	if (record->type != HM_RECORD_NAMES) {
		const struct epoch_mark mark = {stamp.sequence,
						crc32c(0, record->payload, record->payload_bytes)};

		epoch_recover(epoch, &mark);
	}
	recovery_note_link(recovery, record, host);
	return 0;
}
