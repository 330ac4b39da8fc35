/* SPDX-License-Identifier: MIT */
#ifndef AGENT_SPOOL_H
#define AGENT_SPOOL_H

/*
 * The agent's spool: what was sampled and is not known to be stored by the collector, on disk, bounded.
 * docs/spool.md has the format, and why it is right. No clock, no descriptor and no thread but through
 * struct disk; one thread at a time for one object.
 *
 * Ticks come in one by one. The caller seals them into a BATCH, a message; messages have sequences, which
 * are never used twice in an epoch, and are offered for sending only after they are durable. An epoch ends when
 * the host gets another id or name, when it is uncertain which sequences were used, or when the disk
 * fails. What an ended epoch has left is offered first, so there may be several.
 *
 * Where nothing can be written, messages are kept in memory, in an epoch of their own.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/disk.h"
#include "common/series.h"
#include "hostmetrics/format.h"
#include "hostmetrics/wire.h"

/* The usual limits. */
#define SPOOL_MAX_BYTES        ((uint64_t)256 << 20)
#define SPOOL_SEGMENT_BYTES    ((uint64_t)4 << 20)
#define SPOOL_MAX_AGE_US       (INT64_C(7) * 86400 * 1000000)
#define SPOOL_MEMORY_MAX_BYTES ((size_t)8 << 20)

/* The folder has room for so many segments, at least. */
#define SPOOL_SEGMENTS_MIN 5

/* Ticks that no BATCH has superseded: so much at most, or a quarter of a segment. */
#define SPOOL_TICKS_MAX_BYTES ((size_t)512 << 10)

/* What a message's body may have: with its stamp it fits a frame. */
#define SPOOL_BODY_MAX_BYTES (HM_FRAME_MAX_BYTES - HM_FRAME_HEADER_BYTES - HM_STAMP_BYTES)

#define SPOOL_ERROR_MAX_BYTES 128

struct spool_options {
	const struct disk *disk; /* borrowed */
	int folder;              /* of the segments; borrowed. See agent/spool_folder.h */
	uint64_t segment_bytes;
	uint64_t max_bytes;      /* of all files; SPOOL_SEGMENTS_MIN segments or more */
	int64_t max_age_us;      /* of a batch, counted while an agent runs */
	size_t max_memory_bytes; /* of messages while nothing can be written */
	bool sync_always;        /* each tick */
	bool awaits_segments; /* one that cannot be opened is not set aside: spool_open() says -EIO */
	uint8_t host_id[HM_ID_BYTES];
	struct series_text host_name; /* copied; 1 to HM_HOST_NAME_MAX_BYTES */
};

/* A message to be appended. */
struct spool_draft {
	enum hm_frame_type type; /* DECLARE, BATCH, CLOCK or SCHEDULE; GAPs are the spool's own */
	const void *body;        /* what stands behind the stamp on the wire; copied */
	size_t body_bytes;       /* 1 to SPOOL_BODY_MAX_BYTES */
	bool is_minor; /* it leaves half of the room for DECLAREs and the like to others */
	/* BATCH only. */
	uint64_t ticks; /* supersedes all ticks up to this one; 0 = none */
	int64_t first_us;
	int64_t last_us;
	uint64_t n_samples;
};

/* A message to be sent. */
struct spool_message {
	enum hm_frame_type type;
	uint64_t sequence;
	const uint8_t *payload; /* stamp and body; borrowed until the next call */
	size_t payload_bytes;
	uint32_t crc; /* of it */
};

/* A tick that no BATCH has superseded. */
struct spool_tick {
	uint64_t number;
	const void *payload; /* borrowed until the next call */
	size_t payload_bytes;
};

struct spool_epoch_info {
	uint8_t id[HM_ID_BYTES];
	uint8_t host_id[HM_ID_BYTES];
	struct series_text host_name; /* borrowed until the next call */
	uint64_t last;                /* sequence of its last message that is offered; 0 = none */
	uint64_t acked;               /* all up to here are acknowledged */
	bool is_in_memory;            /* a crash loses what is left of it */
	bool is_current;              /* messages are appended to it: the last one */
};

struct spool_status {
	uint64_t n_bytes;      /* of all files */
	size_t n_memory_bytes; /* of messages that are in memory only */
	uint64_t n_segments;
	uint64_t n_messages;      /* that are not acknowledged, of all epochs */
	uint64_t n_samples;       /* of these, as far as it is known */
	uint64_t n_waiting_bytes; /* likewise */
	uint64_t n_acked_samples; /* since start */
	int64_t oldest_us;        /* first time of the oldest batch of these; INT64_MIN = none */
	size_t n_epochs;
	size_t n_ticks;          /* that no BATCH supersedes */
	uint64_t n_gone_batches; /* that were dropped before they were acknowledged, since start */
	uint64_t n_gone_samples;
	uint64_t n_damaged;    /* ranges and files that recovery could not read */
	uint64_t n_failed;     /* writes, syncs and segments, since start */
	bool is_in_memory;     /* nothing can be written at the moment */
	int last_error;        /* 0 = none; -errno */
	int64_t last_error_us; /* since 1970 UTC */
	char last_error_what[SPOOL_ERROR_MAX_BYTES];
};

struct spool;

/*
 * Open the spool of a folder, or make one. What cannot be read is passed over and counted, what cannot be
 * written is kept in memory: neither is an error.
 * @return 0; -EINVAL: options that contradict each other; -ENOMEM; -EMFILE, -ENFILE, -EACCES, -EPERM, -EAGAIN, -EINTR,
 * and -EIO where that is wanted: what is there cannot be read now, which says nothing of it; until that can be tried again,
 * open one without a folder
 */
int spool_open(const struct spool_options *options, struct spool **ret_spool);

/* Close it; what is not synced may be lost with the power only. Takes NULL. */
void spool_free(struct spool *spool);

/* -- what comes in ----------------------------------------------------------------------------- */

/*
 * Write a tick. It survives the process from now on, the power from the next sync on (or from now on,
 * by sync_always).
 * @param ret_number  of the tick; they count on
 * @return 0; -ENOBUFS: too much waits to be sealed; -EMSGSIZE: it would never fit; -ENOMEM
 */
int spool_append_tick(struct spool *spool, const void *payload, size_t length,
		      uint64_t *ret_number);

/* Ticks that no BATCH supersedes, oldest first; after spool_open() those are to be sealed.
 * @return 0 or -ENOENT: there are no more */
int spool_get_tick(const struct spool *spool, size_t i, struct spool_tick *ret_tick);

/*
 * Give a message the next sequence of the current epoch and write it. It is offered after the next
 * spool_sync(). Where it cannot be written it waits for the disk, in an epoch that has ended; so does a BATCH of ticks
 * that were written, while others go into memory.
 * @return 0; -EMSGSIZE: it fits no frame, or no segment; -EINVAL: no such message; -EDQUOT: DECLAREs,
 * CLOCKs and SCHEDULEs take too much of the spool already: only spool_new_epoch() helps; -EOVERFLOW: no more sequences;
 * -ENOMEM
 */
int spool_append_message(struct spool *spool, const struct spool_draft *draft,
			 uint64_t *ret_sequence);

/*
 * Make durable what was appended; drop what is too old. To be called at least every 5 s.
 * @return 0: all is durable, or kept in an epoch in memory (see the status); -ENOMEM
 */
int spool_sync(struct spool *spool);

/*
 * While nothing can be written: try again, with a new epoch. What is in memory goes to the disk as well.
 * @return 0: that is over, or was not so; -errno: it goes on
 */
int spool_retry(struct spool *spool);

/*
 * The folder was removed, and all that was in it: go on in memory for good. What was there only becomes GAPs. The folder may be
 * closed then.
 * @return 0; -ENOMEM: it is to be called again
 */
int spool_leave_folder(struct spool *spool);

/* -- what goes out ----------------------------------------------------------------------------- */

/* The epochs with something to send, oldest first, and the current one, last.
 * @return 0 or -ENOENT: there are no more */
int spool_get_epoch(const struct spool *spool, size_t i, struct spool_epoch_info *ret_info);

/*
 * The first message of an epoch behind a sequence. A GAP may begin before.
 * @return 0; -ENOENT: none that is durable, or no such epoch (any more); -ENOMEM
 */
int spool_next(struct spool *spool, const uint8_t epoch[static HM_ID_BYTES], uint64_t after,
	       struct spool_message *ret_message);

/*
 * The first DECLARE of an epoch behind a sequence, whether durable or not.
 * @return as spool_next()
 */
int spool_next_declare(struct spool *spool, const uint8_t epoch[static HM_ID_BYTES], uint64_t after,
		       struct spool_message *ret_message);

/* All messages of an epoch up to a sequence are stored. An ended epoch with nothing left is forgotten. */
void spool_acked(struct spool *spool, const uint8_t epoch[static HM_ID_BYTES], uint64_t sequence);

/*
 * Is what a collector has of an epoch ours?
 * @param durable  the last of its messages, by its WELCOME; 0 = it has none
 * @param durable_crc  of the payload of that
 * @return 0: as far as it is still known: send what follows; -ESTALE: it is another's, or nobody can tell, as a GAP took
 * its place, or it is damaged, and was not acknowledged; or a new epoch was begun that has not all yet:
 * spool_new_epoch(); -ENOMEM, or another -errno: it cannot be read now
 */
int spool_compare(struct spool *spool, const uint8_t epoch[static HM_ID_BYTES], uint64_t durable,
		  uint32_t durable_crc);

/*
 * The collector has refused a batch of an epoch, since its series were not declared: what nobody can declare any more, as its
 * DECLAREs are damaged, becomes GAPs, and no longer keeps all that is behind it from the collector.
 * @param durable   what WELCOME said
 * @param n_series  likewise
 * @return 0; -ENOENT: there is no such batch; -ENOMEM; -errno: it cannot all be read now
 */
int spool_give_up_undeclared(struct spool *spool, const uint8_t epoch[static HM_ID_BYTES],
			     uint64_t durable, uint32_t n_series);

/*
 * A new epoch in place of one that the collector has otherwise: with its DECLAREs, then what is not
 * acknowledged, under new sequences. Batches that may be stored under the old ones become a GAP.
 * @param durable  what WELCOME said
 * @return 0; -ENOENT: no such epoch; -EAGAIN: nothing can be written at the moment; -ENOMEM. After the last two it is
 * to be called again
 */
int spool_new_epoch(struct spool *spool, const uint8_t epoch[static HM_ID_BYTES], uint64_t durable);

/*
 * A new epoch without DECLAREs in place of all others, where these have too many of what is not sampled any more. Nothing may
 * wait, neither messages nor ticks.
 * @return 0; -EAGAIN: something does, or nothing can be written at the moment; -ENOMEM; -errno of random numbers
 */
int spool_begin_anew(struct spool *spool);

void spool_get_status(const struct spool *spool, struct spool_status *ret_status);

#endif
