/* SPDX-License-Identifier: MIT */
#ifndef AGENT_SPOOL_RECORD_H
#define AGENT_SPOOL_RECORD_H

/*
 * The payloads of the spool's records. Bytes in, bytes out; docs/spool.md has the layouts. Around them are
 * segments and records of common/log_file.h, whose fields mean here:
 *
 *     store id      SPOOL_STORE_ID
 *     host          MESSAGE: number of the epoch
 *     previous      MESSAGE: sequence; TICK: number
 *     received_us   MESSAGE: supersedes the ticks up to this one; TICK, STATE: durable messages do so, all of
 *                   them
 */

#include <stdbool.h>
#include <stdint.h>

#include "common/buffer.h"
#include "common/cursor.h"
#include "common/series.h"
#include "hostmetrics/format.h"

#define SPOOL_STORE_ID "hostmetricsspool" /* HM_ID_BYTES, no NUL */

enum spool_record_type {
	SPOOL_RECORD_STATE = 1,
	SPOOL_RECORD_TICK = 2,
	SPOOL_RECORD_MESSAGE = 3,
};

/* In front of a message's body. */
#define SPOOL_META_BYTES 53

struct spool_meta {
	uint8_t type;   /* enum hm_frame_type */
	int64_t age_us; /* the spool's age when it was made */
	int64_t first_us;
	int64_t last_us;
	uint64_t n_samples;
	uint64_t first_tick;  /* BATCH: supersedes the ticks from this one on */
	uint32_t moved_epoch; /* the number of the epoch that it was of before; 0 = none */
	uint64_t moved_sequence;
};

void spool_record_put_meta(struct buffer *out, const struct spool_meta *meta);

/* `cursor` goes on to the body. @return 0 or -EBADMSG */
int spool_record_get_meta(struct cursor *cursor, struct spool_meta *ret_meta);

/* The body of a GAP. */
#define SPOOL_GAP_BODY_BYTES 34

struct spool_gap {
	uint64_t first;
	int64_t first_us;
	int64_t last_us;
	uint64_t n_samples;
	uint16_t reason;
};

void spool_record_put_gap(struct buffer *out, const struct spool_gap *gap);
/* @return 0 or -EBADMSG */
int spool_record_get_gap(struct cursor *cursor, struct spool_gap *ret_gap);

/* STATE: what the spool is, then its epochs. */
struct spool_state {
	int64_t age_us;
	uint64_t last_tick;
	uint32_t last_epoch; /* number */
	uint32_t n_epochs;
};

#define SPOOL_STATE_IN_MEMORY 1 /* its sequences were offered before they were durable */
#define SPOOL_STATE_ENDED     2
#define SPOOL_STATE_HAS_CRC   4
#define SPOOL_STATE_PARTIAL   8 /* it was in memory, and maybe more of it was sent than is here */

struct spool_state_epoch {
	uint32_t number;
	uint8_t flags;
	uint8_t id[HM_ID_BYTES];
	uint8_t host_id[HM_ID_BYTES];
	struct series_text host_name; /* borrowed */
	uint64_t base;                /* what is not above was moved to another epoch */
	uint64_t last;                /* durable sequence */
	uint64_t acked;
	uint32_t acked_crc;
};

void spool_record_put_state(struct buffer *out, const struct spool_state *state);
void spool_record_put_epoch(struct buffer *out, const struct spool_state_epoch *epoch);

/* `cursor` goes on to the epochs. @return 0 or -EBADMSG */
int spool_record_get_state(struct cursor *cursor, struct spool_state *ret_state);
/* @return 0 or -EBADMSG */
int spool_record_get_epoch(struct cursor *cursor, struct spool_state_epoch *ret_epoch);

#endif
