/* SPDX-License-Identifier: MIT */
#ifndef COLLECTOR_CHRONICLE_H
#define COLLECTOR_CHRONICLE_H

/*
 * What happened to a host, as its agent and people told it, the oldest first: what the host's own file has up
 * to its checkpoint, and what the log has behind it. Nothing of it is kept in memory otherwise, so it is read
 * whenever somebody asks.
 */

#include <stdint.h>

#include "collector/engine.h"
#include "collector/limits.h"

struct chronicle_entry {
	uint8_t type; /* enum hm_record_type: GAP, CLOCK, SCHEDULE or DELETE; or one of a newer writer */
	int64_t received_us;
	const uint8_t *bytes; /* the record's payload, borrowed; what it says was not looked at */
	size_t n_bytes;
};

/* What the store itself lost of the host. */
struct chronicle_event {
	int64_t since_us; /* behind the first of these times, and before the second */
	int64_t until_us;
	uint32_t reason; /* enum hm_reason, or one of a newer writer */
};

struct chronicle_reader {
	void *context;
	/* Each returns 0 or -errno, which ends the reading. */
	int (*entry)(void *context, const struct chronicle_entry *entry);
	int (*event)(void *context, const struct chronicle_event *event);
	/* A checkpoint came between: all that was told so far is told anew. */
	void (*restart)(void *context);
};

/*
 * Read all of a host's. Places that are damaged are passed over.
 * @param limits        of time
 * @param ret_n_lost    how many of these there were
 * @return 0; -ENOMEM; -errno of the disk, of the limits or of the reader
 */
int chronicle_read(struct engine *engine, const struct catalog_host *host,
		   const struct limits *limits, const struct chronicle_reader *reader,
		   uint64_t *ret_n_lost);

#endif
