/* SPDX-License-Identifier: MIT */
#ifndef AGENT_SPOOL_EPOCH_H
#define AGENT_SPOOL_EPOCH_H

/* An epoch of the spool, and what is known of its messages. They are sorted by their sequences, and between
 * the first and the last of them none is missing. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/spool_record.h"
#include "common/series.h"
#include "hostmetrics/format.h"
#include "hostmetrics/wire.h"

/* So many samples: nobody knows. */
#define SPOOL_UNKNOWN_SAMPLES UINT64_MAX

struct spool_entry {
	uint64_t sequence; /* GAP: the last one that is gone */
	uint64_t first;    /* GAP: the first one; else the same */
	uint64_t position; /* of its record; 0 = not written */
	uint64_t first_tick;
	uint64_t ticks; /* superseded by it, and by all that a GAP stands for */
	uint64_t n_samples;
	int64_t first_us; /* above last_us: it has no samples */
	int64_t last_us;
	int64_t age_us;
	uint64_t moved_sequence;
	uint32_t moved_epoch;
	uint8_t *body; /* where it is not durable, and DECLAREs of the current epoch */
	uint32_t body_bytes;
	uint32_t crc;    /* of the payload, where has_crc */
	uint16_t reason; /* GAP */
	uint8_t type;    /* enum hm_frame_type */
	bool is_durable;
	bool is_offered; /* maybe sent */
	bool is_seal;    /* supersedes ticks that are on the disk */
	bool has_crc;
};

struct spool_epoch {
	uint32_t number;
	uint8_t id[HM_ID_BYTES];
	uint8_t host_id[HM_ID_BYTES];
	char host_name[HM_HOST_NAME_MAX_BYTES];
	size_t host_name_bytes;
	uint64_t base;      /* what is not above was moved to another epoch */
	uint64_t told_base; /* the same, where it is so on the disk */
	uint64_t last;      /* the last sequence that was given out */
	uint64_t acked;
	uint32_t acked_crc;
	bool has_acked_crc;
	bool is_partial;   /* it was in memory, and the collector may have more of it */
	bool is_in_memory; /* its messages are offered before they are durable */
	struct spool_entry *entries;
	size_t n_entries;
	size_t n_undurable; /* of them */
	size_t capacity;
};

/* @return an empty one, or NULL without memory */
struct spool_epoch *spool_epoch_new(uint32_t number);

/* Takes NULL. */
void spool_epoch_free(struct spool_epoch *epoch);

/* The place of the first entry whose sequence is this one, or above. */
size_t spool_epoch_find(const struct spool_epoch *epoch, uint64_t sequence);

/* Add an entry behind all others. @param entry  copied; its body is the epoch's from now on
 * @return it, or NULL without memory */
struct spool_entry *spool_epoch_push(struct spool_epoch *epoch, const struct spool_entry *entry);

/* Put an entry in the place of all that lie within its sequences. @return 0 or -ENOMEM */
int spool_epoch_put(struct spool_epoch *epoch, const struct spool_entry *entry);

/* Remove the entries from `at` on, `n` of them. */
void spool_epoch_remove(struct spool_epoch *epoch, size_t at, size_t n);

/* The last sequence up to which all can be sent now; and the last that may ever have been. */
uint64_t spool_epoch_offered(const struct spool_epoch *epoch);
uint64_t spool_epoch_used(const struct spool_epoch *epoch);

/* The stamp of one of its messages. */
void spool_epoch_put_stamp(const struct spool_epoch *epoch, uint64_t sequence, struct buffer *out);

/* What is in the body of a GAP. */
struct spool_gap spool_entry_gap(const struct spool_entry *entry);

/* -- GAPs -------------------------------------------------------------------------------------- */

/* Let a GAP stand for the one behind it, too; it is not written then. */
void spool_entry_join(struct spool_entry *gap, const struct spool_entry *behind);

/* What becomes of an entry. */
enum spool_fate {
	SPOOL_STAYS,
	SPOOL_IS_WRITTEN, /* once more */
	SPOOL_IS_GONE,    /* it is left to a GAP */
};

struct spool_plan {
	struct spool_entry *entries; /* position 0: to be written. They share their bodies */
	size_t n_entries;
	uint64_t n_batches; /* of what is gone and was not acknowledged */
	uint64_t n_samples;
	bool is_changed;
};

/*
 * What an epoch has once some of its entries are GAPs, each joined with those before and behind it. A GAP
 * is about acknowledged messages only, or about others only.
 * @param reason  of new GAPs
 * @return 0 or -ENOMEM
 */
int spool_plan_make(const struct spool_epoch *epoch,
		    enum spool_fate (*decide)(const void *context, const struct spool_epoch *epoch,
					      const struct spool_entry *entry),
		    const void *context, enum hm_reason reason, struct spool_plan *ret_plan);

/* Let the epoch have it. */
void spool_plan_apply(struct spool_plan *plan, struct spool_epoch *epoch);

/* Forget it. Takes a zeroed one. */
void spool_plan_done(struct spool_plan *plan);

#endif
