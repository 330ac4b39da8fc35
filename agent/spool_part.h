/* SPDX-License-Identifier: MIT */
#ifndef AGENT_SPOOL_PART_H
#define AGENT_SPOOL_PART_H

/* What the files of the spool share. See agent/spool.h for what it is. */

#include "agent/spool.h"
#include "agent/spool_epoch.h"
#include "agent/spool_segment.h"
#include "common/buffer.h"
#include "common/log_file.h"

/* More epochs than this are never kept: the oldest one becomes a GAP of the current one. */
#define SPOOL_EPOCHS_MAX 16

/* What DECLAREs, CLOCKs and SCHEDULEs, with the GAPs between them, may take of max_bytes. */
#define SPOOL_CARRIED_PART 8

/* Does a message say what the agent did? Such ones do not go before they are acknowledged. */
static inline bool spool_is_event(enum hm_frame_type type)
{
	return type == HM_FRAME_CLOCK || type == HM_FRAME_SCHEDULE;
}

/* A tick that no BATCH supersedes. */
struct spool_kept_tick {
	uint64_t number;
	uint8_t *payload;
	size_t payload_bytes;
	size_t capacity; /* bytes that there is memory for */
	bool is_written; /* or maybe */
};

/* A file in the folder. */
struct spool_place {
	uint32_t number;
	uint32_t salt;
	int64_t begun_us; /* the spool's age then */
	uint64_t bound;   /* recovery: what was durable when it was begun */
};

/* Epochs that were forgotten: do all know? Before that no file of theirs goes. */
enum spool_drops {
	SPOOL_DROPS_DURABLE,
	SPOOL_DROPS_SAID,    /* here only */
	SPOOL_DROPS_WRITTEN, /* in a STATE */
};

/* Memory for what is written and lent that is kept until the next time. */
#define SPOOL_KEEP_BYTES ((size_t)4096)

struct spool {
	struct spool_options options; /* but for the name */
	char host_name[HM_HOST_NAME_MAX_BYTES];

	struct spool_segment segment; /* being written */
	struct spool_place *places;   /* all of ours, by number; that one is the last */
	size_t n_places;
	size_t places_capacity;
	uint32_t last_segment; /* number */
	uint64_t front_end;    /* offset behind what the segment began with */
	uint64_t durable;      /* position: all before it is on the disk */

	struct spool_epoch **epochs; /* oldest first; the last one is current */
	size_t n_epochs;
	size_t epochs_capacity;
	uint32_t last_epoch; /* number */

	struct spool_kept_tick *ticks;
	size_t n_ticks;
	size_t n_tick_places; /* with those behind them, whose memory waits for the next ticks */
	size_t ticks_capacity;
	size_t ticks_bytes;
	size_t sealing_bytes; /* of ticks whose batches are not durable yet: they may come back */
	uint64_t last_tick;
	uint64_t sealed; /* all ticks up to this are superseded by what is durable */

	int64_t opened_us;   /* CLOCK_MONOTONIC */
	int64_t age_then_us; /* at that moment */

	bool is_in_memory;       /* nothing can be written */
	bool is_dirty;           /* something waits for a sync */
	uint64_t highest_sealed; /* the highest tick that something durable supersedes */
	uint64_t said_sealed;    /* of `sealed`, the last that was written; and that is durable */
	uint64_t told_sealed;
	enum spool_drops drops;
	bool is_told;      /* a STATE says how things are */
	bool must_tell;    /* before another message: there is a new epoch */
	bool is_rewriting; /* what was not durable is not all in the new segment yet */
	struct buffer scratch;
	struct buffer message; /* that spool_next() lent */

	uint64_t n_gone_batches; /* for the status */
	uint64_t n_gone_samples;
	uint64_t n_acked_samples;
	uint64_t n_damaged;
	uint64_t n_failed;
	int last_error;
	int64_t last_error_us;
	char last_error_what[SPOOL_ERROR_MAX_BYTES];
};

static inline struct spool_epoch *spool_current(const struct spool *spool)
{
	return spool->epochs[spool->n_epochs - 1];
}

/* -- spool_send.c ------------------------------------------------------------------------------ */

/* @return NULL: there is none of this id (any more) */
struct spool_epoch *spool_find_epoch(const struct spool *spool,
				     const uint8_t id[static HM_ID_BYTES]);

/* It is lost: a GAP from now on, to be written. */
void spool_give_up(struct spool *spool, struct spool_epoch *epoch, struct spool_entry *entry);

/* -- spool_renewal.c --------------------------------------------------------------------------- */

/* Which series a DECLARE is about. @return false: it cannot be read */
bool spool_count_series(const void *body, size_t body_bytes, uint32_t *ret_first,
			uint32_t *ret_behind);

/*
 * Make an epoch and put it into the list.
 * @param like  whose host it has; NULL = ours. @param from  whose DECLAREs; NULL = none
 * @return 0; -ENOMEM; -errno of random, or of reading a DECLARE
 */
int spool_make_epoch(struct spool *spool, const struct spool_epoch *like,
		     const struct spool_epoch *from, size_t at);

/* An entry as the next one of another epoch, without a place yet. @param from  NULL: it is no move */
struct spool_entry spool_renumber_entry(const struct spool_entry *entry,
					const struct spool_epoch *from,
					const struct spool_epoch *to);

/* Append it there. @return 0; -ENOMEM; as spool_read_body() */
int spool_copy_entry(struct spool *spool, const struct spool_entry *entry,
		     const struct spool_epoch *from, struct spool_epoch *to);

/* Is there anything to be sent but DECLAREs? */
bool spool_has_rest(const struct spool_epoch *epoch);

/* Make an epoch of this host that is current from now on, with the DECLAREs of another.
 * @param from  NULL = none. @return 0; -ENOMEM; -errno of random */
int spool_begin_epoch(struct spool *spool, const struct spool_epoch *from);

/* The epoch whose DECLAREs have most series, the last of these: it says what the ids in ticks mean. One that was in
 * memory, or whose copies of DECLAREs were lost, does not. @return NULL: there are no DECLAREs */
const struct spool_epoch *spool_find_declaring(struct spool *spool);

/* What is durable of epochs that have ended need not be in memory. */
void spool_free_bodies(struct spool *spool);

/* Forget an epoch. */
void spool_drop_epoch(struct spool *spool, size_t i);

/* Has an ended epoch nothing left to be sent? */
bool spool_is_over(const struct spool *spool, size_t i);

/* Forget those epochs; but first all must know which ticks they supersede. */
void spool_forget_epochs(struct spool *spool);

/* -- spool_move.c ------------------------------------------------------------------------------ */

/* Let the oldest epochs become GAPs of the current one where there are too many. @return 0 or -errno */
int spool_limit_epochs(struct spool *spool);

/* -- spool.c ----------------------------------------------------------------------------------- */

int64_t spool_age_us(const struct spool *spool);
void spool_note_error(struct spool *spool, int error, const char *what);

/* Give an entry a copy of a body. @return 0 or -ENOMEM */
int spool_entry_set_body(struct spool_entry *entry, const void *body, size_t body_bytes);

/* -- spool_ticks.c ----------------------------------------------------------------------------- */

/* What a tick takes, with the header of its record, since there may be many small ones. */
size_t spool_tick_bytes(size_t length);

/* What all ticks that wait may take, and what they take. */
size_t spool_ticks_max(const struct spool *spool);
size_t spool_ticks_bytes(const struct spool *spool);

/*
 * Keep a tick in memory, until a batch supersedes it.
 * @param at       before the tick that is there now
 * @param tick     copied, but for what is about its memory
 * @param payload  copied
 * @return 0 or -ENOMEM
 */
int spool_add_tick(struct spool *spool, size_t at, const struct spool_kept_tick *tick,
		   const void *payload);

/* Forget ticks from one to another. */
void spool_drop_ticks(struct spool *spool, uint64_t first, uint64_t last);

/* Forget all of them, and free their memory. */
void spool_free_ticks(struct spool *spool);

/* -- spool_write.c: results are those of the disk; what follows from them is the caller's ------- */

/* Write an entry's record; begins another segment where there is no room. Sets its position. */
int spool_write_entry(struct spool *spool, const struct spool_epoch *epoch,
		      struct spool_entry *entry, bool is_control);
int spool_write_tick(struct spool *spool, struct spool_kept_tick *tick);
int spool_write_state(struct spool *spool);

/* Sync, and call durable what is written. */
int spool_commit(struct spool *spool);

/* Have it durable which epochs there are not any more. */
int spool_tell_drops(struct spool *spool);

/* Sync the segment, begin another one with a STATE and all ticks that wait, and sync that. */
int spool_roll(struct spool *spool);

/* Write all entries that are not durable, and a STATE, and sync. */
int spool_write_all(struct spool *spool);

/* Nothing that is not known to be durable counts as written. */
void spool_forget_written(struct spool *spool);

/* After an error, go on in another segment, and write all that is to be written. @return 0 or -errno */
int spool_go_on(struct spool *spool, int error);

/* A write or sync has failed: go on in another segment, or in memory. @return 0 or -ENOMEM */
int spool_recover_write(struct spool *spool, int error, const char *what);

/* -- spool_room.c ------------------------------------------------------------------------------ */

/* How many segments there may be at most, and how many are left when there is time. */
size_t spool_places_max(const struct spool *spool);
size_t spool_places_usual(const struct spool *spool);

/* @return 0 or -ENOMEM */
int spool_add_place(struct spool *spool, const struct spool_place *place);

/* Remove the file of a place that nothing needs. */
int spool_remove_place(struct spool *spool, size_t i);

/* Remove the oldest segments that are too many or too old. No epoch ends. @return 0 or -ENOMEM */
int spool_drop_places(struct spool *spool);

/* The same, and before it forget and end epochs. @return 0 or -ENOMEM */
int spool_make_room(struct spool *spool);

/* Remove files that hold nothing that is needed. */
void spool_remove_empty(struct spool *spool);

/* Remove the oldest segment; GAPs take the places of its batches.
 * @return 0; 1: all but its removal was done; -errno, as of writing */
int spool_drop_oldest(struct spool *spool, enum hm_reason reason);

/* May so much more be carried on from segment to segment? */
bool spool_may_carry(const struct spool *spool, size_t body_bytes, bool is_minor);

/* What is durable needs no body in memory, but for DECLAREs of the current epoch. */
void spool_settle_entry(struct spool *spool, const struct spool_epoch *epoch,
			struct spool_entry *entry);

/* -- spool_memory.c ---------------------------------------------------------------------------- */

/* Nothing can be written: go on in memory. @return 0 or -ENOMEM */
int spool_enter_memory(struct spool *spool);

/* Keep to the limits of memory. @return 0 or -ENOMEM */
int spool_limit_memory(struct spool *spool);

size_t spool_memory_bytes(const struct spool *spool);

/* -- spool_recovery.c -------------------------------------------------------------------------- */

/* Read what is in the folder. @param ret_is_uncertain  the last epoch must not go on
 * @return 0; -ENOMEM, -EMFILE and the like: not now */
int spool_recover(struct spool *spool, bool *ret_is_uncertain);

/* -- spool_send.c ------------------------------------------------------------------------------ */

/* Read the body of an entry behind what is in `out`. @return 0; -EBADMSG: it cannot be read; -ENOMEM */
int spool_read_body(struct spool *spool, const struct spool_entry *entry, struct buffer *out);

#endif
