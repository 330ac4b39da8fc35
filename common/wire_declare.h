/* SPDX-License-Identifier: MIT */
#ifndef COMMON_WIRE_DECLARE_H
#define COMMON_WIRE_DECLARE_H

/*
 * DECLARE: the series of an epoch, each once, by ids that count up from 0 without a hole. It has a sequence
 * of its own, before that of the first batch with such a series. docs/protocol.md says why.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buffer.h"
#include "common/cursor.h"
#include "common/series.h"
#include "common/wire_stamp.h"
#include "hostmetrics/format.h"

struct wire_series {
	enum hm_stored_kind kind;
	struct series_text unit;
	struct series_text name;   /* metric and labels, canonical */
	struct series_text metric; /* its parts; of what is put they are not looked at */
	struct series_text labels; /* {...}, or nothing */
};

/* A DECLARE that is being read. */
struct wire_declare {
	struct wire_stamp stamp;
	uint32_t first_id;
	uint32_t n_series; /* that were read */
	enum hm_reason
		reason; /* why wire_declare_next() ended; HM_REASON_NONE: there were no more */
	struct cursor rest;
	struct buffer canonical;
};

/* Append the head; then one series or more are to follow. */
void wire_declare_put(struct buffer *out, const struct wire_stamp *stamp, uint32_t first_id);
void wire_declare_put_series(struct buffer *out, const struct wire_series *series);

/*
 * Begin to read one. wire_declare_done() is to follow, whatever it returns.
 * @param payload  borrowed up to then
 * @return HM_REASON_NONE, HM_REASON_BAD_MESSAGE, HM_REASON_EMPTY, HM_REASON_TOO_MANY_SERIES; what wire_stamp_get()
 * gives
 */
enum hm_reason wire_declare_open(struct wire_declare *declare, const uint8_t *payload,
				 size_t length);

/*
 * The next series; its id is first_id + n_series - 1 then.
 * @param ret_series  borrowed from the payload
 * @return false: none, see `reason`: HM_REASON_BAD_MESSAGE, HM_REASON_BAD_NAME, HM_REASON_BAD_LABELS (also where
 * they are not canonical), HM_REASON_TOO_MANY_LABELS, HM_REASON_TOO_MANY_SERIES, HM_REASON_NO_MEMORY
 */
bool wire_declare_next(struct wire_declare *declare, struct wire_series *ret_series);

void wire_declare_done(struct wire_declare *declare);

#endif
