/* SPDX-License-Identifier: MIT */
#ifndef TESTS_SUPPORT_SIM_ORACLE_H
#define TESTS_SUPPORT_SIM_ORACLE_H

/*
 * What is known of a simulation by who sees all of it: each sample that was made, each message that was sent, each ACK
 * that came. Every sample has a value that no other one has, so that what the store has tells which one it is.
 *
 * At the end, each sample that was acknowledged is in the store, once; each other one is there at most once, and if
 * not, a GAP that is stored stands for it, or an excuse: it was lost with the process or the power before it
 * was safe.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/block.h"
#include "common/frame.h"
#include "common/wire_gap.h"
#include "hostmetrics/format.h"

#define SIM_HOSTS      8
#define SIM_METRICS    4
#define SIM_INSTANCES  6
#define SIM_SERIES     (SIM_METRICS * SIM_INSTANCES)
#define SIM_NAME_BYTES 32

#define SIM_ORACLE_BUCKETS 4096

/* Why a sample that was made may be missing. */
enum sim_excuse {
	SIM_EXCUSE_NONE,
	SIM_EXCUSE_KILLED,    /* it was being taken, or was in memory only */
	SIM_EXCUSE_POWER,     /* it was not synced */
	SIM_EXCUSE_WENT_BACK, /* the disk of the spool became what it was before */
	SIM_EXCUSES,
};

struct sim_sample {
	uint32_t tick;
	uint8_t series;
	uint8_t n_read;
	bool is_acked;
	bool is_covered; /* by a GAP that is stored */
	bool is_sent;    /* in a BATCH */
	bool is_told;    /* in a BATCH, or by a GAP */
	bool is_lost;    /* the store that had it, perhaps, went back */
	bool may_be_deleted;
	bool is_deleting; /* it was stored when its delete was logged */
	bool is_deleted;  /* and that is durable */
	uint32_t epoch;   /* in which it was told last */
};

/* Samples that were taken at once. */
struct sim_tick {
	unsigned agent;
	unsigned host;
	int64_t time_us;
	uint32_t first; /* of its samples */
	uint32_t n;
	bool is_taken;   /* it survives the process */
	bool is_safe;    /* and the power */
	bool may_double; /* it was on a disk that was copied, and in no message yet */
	enum sim_excuse excuse;
};

/* A message that was sent. */
struct sim_content {
	struct wire_gap gap; /* of a GAP */
	unsigned epoch;
	uint64_t sequence;
	uint32_t crc;
	enum hm_frame_type type;
	uint32_t first; /* of its samples, in `items` */
	uint32_t n;
	int32_t next; /* of its bucket; -1 = none */
};

struct sim_epoch {
	uint8_t id[HM_ID_BYTES];
	unsigned host;
	bool is_told; /* what of it is stored, since a store went back last */
};

/* What somebody deletes. */
struct sim_deletion {
	unsigned host;
	unsigned series;
	int64_t since_us; /* both belong to it */
	int64_t until_us;
};

/* What an agent has sent and not seen acknowledged. */
struct sim_sent {
	uint32_t *contents;
	size_t n;
	size_t capacity;
};

struct sim_oracle {
	struct sim_sample *samples;
	size_t n_samples;
	size_t samples_capacity;
	struct sim_tick *ticks;
	size_t n_ticks;
	size_t ticks_capacity;
	struct sim_content *contents;
	size_t n_contents;
	size_t contents_capacity;
	int32_t buckets[SIM_ORACLE_BUCKETS];
	uint32_t *items;
	size_t n_items;
	size_t items_capacity;
	struct sim_epoch *epochs;
	size_t n_epochs;
	size_t epochs_capacity;
	struct block_decoder *decoder;
	uint64_t n_excused[SIM_EXCUSES];
	uint64_t n_acked;
	uint64_t n_covered;
	uint64_t n_stored;
	uint32_t copied_hosts; /* a bit for each that has, or had, two disks with one past */
	char problem[300];     /* "" = none */
};

void sim_oracle_init(struct sim_oracle *oracle);
void sim_oracle_done(struct sim_oracle *oracle);

/* Keep what is wrong; the first counts. */
void sim_oracle_complain(struct sim_oracle *oracle, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* -- what agents make and send ----------------------------------------------------------------- */

/* Begin a tick; samples are added to the last one. @return its number */
size_t sim_oracle_tick(struct sim_oracle *oracle, unsigned agent, unsigned host, int64_t time_us);

/* Another sample of it. @return its value */
double sim_oracle_sample(struct sim_oracle *oracle, unsigned series);

/* All that an agent has taken from that tick on is durable, if its spool is on the disk. */
void sim_oracle_synced(struct sim_oracle *oracle, unsigned agent, size_t first);

/* The process of an agent ended. @param excuse  SIM_EXCUSE_KILLED or SIM_EXCUSE_POWER */
void sim_oracle_ended(struct sim_oracle *oracle, unsigned agent, enum sim_excuse excuse);

/* Ticks of an agent from one on, before another, that may be in other messages there, were on a disk that was copied, and
 * is used. */
void sim_oracle_copied(struct sim_oracle *oracle, unsigned agent, size_t first, size_t end);

/* The first of its ticks that the power would take. */
size_t sim_oracle_find_unsafe(const struct sim_oracle *oracle, unsigned agent);

/* The first of its ticks that is not acknowledged. */
size_t sim_oracle_find_unacked(const struct sim_oracle *oracle, unsigned agent);

/* The disk of an agent becomes a copy that has its ticks before that one. */
void sim_oracle_went_back(struct sim_oracle *oracle, unsigned agent, size_t n_kept);

/* The store lost what it had, perhaps. Of an epoch that an agent has ended by then it cannot tell. */
void sim_oracle_store_lost(struct sim_oracle *oracle);

/* A delete was logged; then its end: it is durable, or nobody knows. What came until then is gone, perhaps. */
void sim_oracle_delete(struct sim_oracle *oracle, const struct sim_deletion *deletion);
void sim_oracle_deleted(struct sim_oracle *oracle, const struct sim_deletion *deletion,
			bool is_durable);

/* A frame of a session of an agent was wholly written. */
void sim_oracle_sent(struct sim_oracle *oracle, struct sim_sent *sent, const struct frame *frame);

/* An agent was told that all up to a sequence of an epoch is durable. */
void sim_oracle_acked(struct sim_oracle *oracle, struct sim_sent *sent,
		      const uint8_t epoch[static HM_ID_BYTES], uint64_t sequence);

/* WELCOME said so. It counts where the checksum is that of what the agent has sent. */
void sim_oracle_welcome(struct sim_oracle *oracle, struct sim_sent *sent,
			const uint8_t epoch[static HM_ID_BYTES], uint64_t sequence, uint32_t crc);

void sim_sent_copy(struct sim_sent *to, const struct sim_sent *from);
void sim_sent_done(struct sim_sent *sent);

/* -- what the store has ------------------------------------------------------------------------ */

/* Begin to read all of it. */
void sim_oracle_read_begin(struct sim_oracle *oracle);

/* A row. @param labels  as the store gives them */
void sim_oracle_row(struct sim_oracle *oracle, const char *host, const char *metric,
		    const char *labels, int64_t time_us, double value);

/* A message of an epoch. */
void sim_oracle_message(struct sim_oracle *oracle, enum hm_record_type type, const uint8_t *payload,
			size_t length);

/* That was all. @param is_end  everything was delivered; else only what was acknowledged has to be there */
void sim_oracle_read_end(struct sim_oracle *oracle, bool is_end);

const char *sim_excuse_name(enum sim_excuse excuse);

/* Names, without the host's. */
void sim_oracle_name_metric(unsigned series, char name[static SIM_NAME_BYTES]);
void sim_oracle_name_series(unsigned series, char name[static SIM_NAME_BYTES]);
void sim_oracle_name_host(unsigned host, char name[static SIM_NAME_BYTES]);

#endif
