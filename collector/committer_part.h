/* SPDX-License-Identifier: MIT */
#ifndef COLLECTOR_COMMITTER_PART_H
#define COLLECTOR_COMMITTER_PART_H

/* What the parts of the committer share: what is to be logged, and the segments it is logged in. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collector/engine.h"
#include "collector/epoch.h"
#include "collector/log.h"
#include "collector/sealer.h"
#include "common/buffer.h"

/* A record that is to be logged. */
struct entry {
	enum hm_record_type type;
	struct catalog_host *host; /* NULL: of no host */
	struct epoch *epoch;       /* of an agent's message; else NULL */
	struct epoch_mark mark;    /* likewise: its place */
	size_t offset;             /* of its payload in `payloads` */
	size_t n_bytes;
	uint64_t n_samples;
	uint64_t position; /* where it lies, once it was added */
	int64_t received_us;
};

struct committer {
	struct engine *engine; /* borrowed */
	struct sealer *sealer;
	struct log log;
	uint32_t next_number; /* of the next segment */
	uint32_t base; /* the newest segment with a snapshot, of the process before; 0 = none */
	struct entry *entries;
	size_t n_entries;
	size_t n_done; /* of these: durable */
	size_t entries_capacity;
	struct buffer payloads;
	struct buffer messages;          /* of agents, that are no entries yet */
	struct buffer names;             /* scratch memory */
	struct buffer fetched;           /* records of the checkpoint that are no entries yet */
	uint64_t n_fetched;              /* how many controls there are with these */
	uint64_t controls;               /* how many controls are among all entries so far */
	struct catalog_sample *gathered; /* being sealed */
	size_t n_gathered;
	size_t n_sealed;
	struct catalog_host *gathered_of;
	bool is_said; /* that the log cannot be written */
};

/* Seal all that is gathered; what comes in meanwhile is for the next time, or else a flood would
 * have no end. @return 0; as sealer_seal() */
int committer_seal_all(struct committer *committer);

/* Take over the messages of agents that wait: all of them or none. @return 0 or -ENOMEM */
int committer_take_messages(struct committer *committer);

/*
 * Take over the records that the checkpoint wants to have logged, each with its type and length: all of
 * them or none. They go before batches that wait: on a full disk there is room for them, and not for
 * those.
 * @return 0 or -ENOMEM
 */
int committer_take_controls(struct committer *committer);

/* Have room for a record of an entry in an open segment. What was added before may have to be committed.
 * @return 0; -errno: there is none */
int committer_make_room(struct committer *committer, size_t index, size_t n_bytes);

/* Gather a record in the chain of its host; NULL: in none. There must be room. @return 0 or -ENOMEM */
int committer_add_link(struct committer *committer, struct catalog_host *host,
		       struct log_record *record);

/*
 * Gather what must lie in the log before an agent's message: who its host is, and what the ids of its
 * epoch mean. @return 0; as committer_make_room()
 */
int committer_add_preface(struct committer *committer, size_t index);

/* Gather a record with this payload; NULL: none. @return 0; -EFBIG: there is no room; -ENOMEM */
int committer_add_record(struct committer *committer, enum hm_record_type type,
			 const struct buffer *payload);

/*
 * Begin a segment: its snapshot is durable before anything else is written there. Removes those that
 * nothing needs any more.
 * @return 0; as log_begin() and log_commit()
 */
int committer_begin_segment(struct committer *committer);

/* Is a checkpoint under way on a full disk? What is free is its own, until it ends. */
bool committer_must_yield(const struct committer *committer);

/* Does a result say that the disk is full? */
bool committer_is_full(int result);

#endif
