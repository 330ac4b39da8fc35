/* SPDX-License-Identifier: MIT */
#ifndef COLLECTOR_INTAKE_H
#define COLLECTOR_INTAKE_H

/*
 * How the store takes messages of agents: each is checked, and taken if it is the next of its epoch. It is
 * logged as it came by the next engine_commit(), and durable then. The same message sent again is passed
 * over, so that nothing is ever stored twice. Any thread; an object is one thread's at a time.
 */

#include <stddef.h>
#include <stdint.h>

#include "common/wire_hello.h"
#include "hostmetrics/format.h"
#include "hostmetrics/wire.h"

/* With more than this to be logged nothing more is taken. */
#define INTAKE_WAITING_MAX_BYTES ((size_t)64 << 20)

struct engine;
struct epoch;
struct intake;

/* What WELCOME says of an epoch. */
struct intake_mark {
	struct epoch *epoch; /* for what follows; valid as long as the engine */
	uint8_t store_id[HM_ID_BYTES];
	uint64_t sequence; /* of the last durable message; 0 = none */
	uint32_t crc;      /* CRC32C of its payload */
	uint32_t n_series; /* that are known */
};

/* A message that waits to be logged: in engine->messages, its payload behind it. */
struct intake_message {
	struct epoch *epoch;
	enum hm_record_type type;
	uint64_t sequence;
	uint32_t crc;
	uint64_t n_samples;
	size_t n_bytes;
	int64_t received_us;
};

/* @param engine  borrowed. @return 0 or -ENOMEM */
int intake_new(struct engine *engine, struct intake **ret_intake);

/* Takes NULL. */
void intake_free(struct intake *intake);

/*
 * An agent says who it is. A host that the store does not know by its id takes over the one of that name that only
 * text has made; where an agent of another id has the name, it gets NAME~2, or the next number that is free.
 * @return HM_REASON_NONE; HM_REASON_STORE_FAILED: not all of the store could be read yet, or
 * what an earlier session sent is not durable yet: it is to be tried again; HM_REASON_BAD_NAME: too long
 * with a number, or too many have it; HM_REASON_BAD_ID: the epoch is another host's; HM_REASON_TOO_MANY_EPOCHS, or hosts; HM_REASON_NO_MEMORY
 */
enum hm_reason intake_hello(struct intake *intake, const struct wire_hello *hello,
			    struct intake_mark *ret_mark);

/*
 * Take a DECLARE, BATCH, GAP, CLOCK or SCHEDULE of an epoch.
 * @param crc  CRC32C of the payload
 * @return HM_REASON_NONE: it will be durable, or is already; HM_REASON_OTHER_STAMP: not of this host and epoch;
 * HM_REASON_SEQUENCE_AHEAD: messages before it are missing; HM_REASON_SEQUENCE_OTHER: there is another one of this
 * sequence; HM_REASON_NO_MEMORY, also with too much that waits to be logged; what epoch_declare(), wire_batch_check(), wire_gap_get(), wire_clock_get()
 * and wire_schedule_get() give. In all these cases nothing was taken.
 */
enum hm_reason intake_take(struct intake *intake, struct epoch *epoch, enum hm_frame_type type,
			   const uint8_t *payload, size_t length, uint32_t crc);

/* Up to which sequence all messages of an epoch are durable. */
uint64_t intake_durable(struct engine *engine, const struct epoch *epoch);

#endif
