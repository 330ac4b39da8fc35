/* SPDX-License-Identifier: MIT */
/* GAP: batches that are gone. */

#include "common/wire_gap.h"

void wire_gap_put(struct buffer *out, const struct wire_gap *gap)
{
	wire_stamp_put(out, &gap->stamp);
	cursor_put_u64(out, gap->first);
	cursor_put_u64(out, (uint64_t)gap->first_us);
	cursor_put_u64(out, (uint64_t)gap->last_us);
	cursor_put_u64(out, gap->n_samples);
	cursor_put_u16(out, (uint16_t)gap->reason);
}

static enum hm_reason check(const struct wire_gap *gap)
{
	if (gap->reason == HM_REASON_NONE)
		return HM_REASON_BAD_MESSAGE;
	if (gap->first_us == INT64_MIN || gap->last_us == INT64_MIN)
		return HM_REASON_BAD_TIME;
	if (gap->first == 0 || gap->first > gap->stamp.sequence ||
	    gap->stamp.sequence - gap->first >= HM_GAP_SEQUENCES_MAX ||
	    gap->first_us > gap->last_us)
		return HM_REASON_BAD_GAP;
	return HM_REASON_NONE;
}

enum hm_reason wire_gap_get(const uint8_t *payload, size_t length, struct wire_gap *ret_gap)
{
	struct cursor cursor = {.at = payload, .left = length};
	struct wire_gap gap = {0};
	enum hm_reason reason = wire_stamp_get(&cursor, &gap.stamp);

	if (reason != HM_REASON_NONE)
		return reason;
	gap.first = cursor_get_u64(&cursor);
	gap.first_us = (int64_t)cursor_get_u64(&cursor);
	gap.last_us = (int64_t)cursor_get_u64(&cursor);
	gap.n_samples = cursor_get_u64(&cursor);
	gap.reason = (enum hm_reason)cursor_get_u16(&cursor);
	if (!cursor_is_done(&cursor))
		return HM_REASON_BAD_MESSAGE;
	reason = check(&gap);
	if (reason == HM_REASON_NONE)
		*ret_gap = gap;
	return reason;
}
