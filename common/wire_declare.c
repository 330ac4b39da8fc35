/* SPDX-License-Identifier: MIT */
/* DECLARE: the series of an epoch. */

#include "common/wire_declare.h"

#include <string.h>

#include "hostmetrics/wire.h"

void wire_declare_put(struct buffer *out, const struct wire_stamp *stamp, uint32_t first_id)
{
	wire_stamp_put(out, stamp);
	cursor_put_u32(out, first_id);
}

void wire_declare_put_series(struct buffer *out, const struct wire_series *series)
{
	buffer_append_byte(out, (char)series->kind);
	cursor_put_text(out, &series->unit);
	cursor_put_text(out, &series->name);
}

enum hm_reason wire_declare_open(struct wire_declare *declare, const uint8_t *payload,
				 size_t length)
{
	*declare = (struct wire_declare){.rest = {.at = payload, .left = length}};
	declare->reason = wire_stamp_get(&declare->rest, &declare->stamp);
	if (declare->reason != HM_REASON_NONE)
		return declare->reason;
	declare->first_id = cursor_get_u32(&declare->rest);
	if (cursor_failed(&declare->rest))
		declare->reason = HM_REASON_BAD_MESSAGE;
	else if (cursor_is_done(&declare->rest))
		declare->reason = HM_REASON_EMPTY;
	else if (declare->first_id >= HM_EPOCH_SERIES_MAX)
		declare->reason = HM_REASON_TOO_MANY_SERIES;
	return declare->reason;
}

/* Every series has one name: the canonical one. */
static enum hm_reason split_name(struct buffer *canonical, struct wire_series *series)
{
	const struct series_text *name = &series->name;
	struct series parsed;
	size_t n_used;
	enum hm_reason reason = series_parse(&parsed, name->start, name->length, &n_used);

	if (reason != HM_REASON_NONE)
		return reason;
	buffer_clear(canonical);
	series_format(&parsed, canonical);
	if (buffer_failed(canonical))
		return HM_REASON_NO_MEMORY;
	if (canonical->length != name->length ||
	    memcmp(canonical->data, name->start, name->length) != 0)
		return HM_REASON_BAD_LABELS;
	series->metric = parsed.metric;
	series->labels = (struct series_text){name->start + parsed.metric.length,
					      name->length - parsed.metric.length};
	return HM_REASON_NONE;
}

static enum hm_reason read_series(struct wire_declare *declare, struct wire_series *ret_series)
{
	uint8_t kind = cursor_get_u8(&declare->rest);
	struct wire_series series = {.kind = (enum hm_stored_kind)kind};
	enum hm_reason reason;

	series.unit = cursor_get_text(&declare->rest, HM_UNIT_MAX_BYTES);
	series.name = cursor_get_any_text(&declare->rest);
	if (cursor_failed(&declare->rest) || kind > HM_STORED_COUNTER)
		return HM_REASON_BAD_MESSAGE;
	if (declare->n_series >= HM_EPOCH_SERIES_MAX - declare->first_id)
		return HM_REASON_TOO_MANY_SERIES;
	reason = split_name(&declare->canonical, &series);
	if (reason == HM_REASON_NONE)
		*ret_series = series;
	return reason;
}

bool wire_declare_next(struct wire_declare *declare, struct wire_series *ret_series)
{
	if (declare->reason != HM_REASON_NONE || cursor_is_done(&declare->rest))
		return false;
	declare->reason = read_series(declare, ret_series);
	if (declare->reason != HM_REASON_NONE)
		return false;
	declare->n_series++;
	return true;
}

void wire_declare_done(struct wire_declare *declare)
{
	buffer_done(&declare->canonical);
}
