/* SPDX-License-Identifier: MIT */
/* The stamp of what is stored. */

#include "common/wire_stamp.h"

#include <string.h>

#include "common/wire_id.h"

/*
 * As a BATCH record of the log begins. There 1 says that names follow; here they do not, and ids are
 * those of the epoch.
 */
#define FLAGS 0

void wire_stamp_put(struct buffer *out, const struct wire_stamp *stamp)
{
	buffer_append_byte(out, FLAGS);
	buffer_append(out, stamp->epoch, HM_ID_BYTES);
	cursor_put_u64(out, stamp->sequence);
	buffer_append(out, stamp->host_id, HM_ID_BYTES);
}

enum hm_reason wire_stamp_get(struct cursor *cursor, struct wire_stamp *ret_stamp)
{
	uint8_t flags = cursor_get_u8(cursor);
	const uint8_t *epoch = cursor_get_bytes(cursor, HM_ID_BYTES);
	uint64_t sequence = cursor_get_u64(cursor);
	const uint8_t *host_id = cursor_get_bytes(cursor, HM_ID_BYTES);

	if (!host_id || !epoch || flags != FLAGS)
		return HM_REASON_BAD_MESSAGE;
	if (!wire_id_is_set(epoch) || !wire_id_is_set(host_id))
		return HM_REASON_BAD_ID;
	if (sequence == 0 || sequence > HM_SEQUENCE_MAX)
		return HM_REASON_BAD_SEQUENCE;
	memcpy(ret_stamp->epoch, epoch, HM_ID_BYTES);
	memcpy(ret_stamp->host_id, host_id, HM_ID_BYTES);
	ret_stamp->sequence = sequence;
	return HM_REASON_NONE;
}
