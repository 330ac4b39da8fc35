/* SPDX-License-Identifier: MIT */
#ifndef COLLECTOR_EPOCH_H
#define COLLECTOR_EPOCH_H

/*
 * What the store knows of the epochs of agents: what each has sent, what of that is durable, and what the
 * ids of its series mean. Epochs are never forgotten, so that no message is ever taken twice; pointers
 * to them stay valid as long as the catalog. All with the engine's mutex held.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collector/catalog.h"
#include "common/buffer.h"
#include "common/wire_stamp.h"
#include "hostmetrics/format.h"

/* So often the log says what a host's number and an epoch's ids mean, not beside each other: no one damaged
 * place must cost what lies elsewhere. */
#define EPOCH_TOLD_TIMES 2

/* A host with more of them is refused further ones. */
#define EPOCH_HOST_MAX 16384

/* With more of them of all hosts there are none for new ones: each segment of the log begins with all. */
#define EPOCHS_MAX ((size_t)1 << 18)

/* Up to where an epoch has come. */
struct epoch_mark {
	uint64_t sequence; /* 0 = nothing */
	uint32_t crc;      /* CRC32C of the message of that sequence */
};

struct epoch {
	uint8_t id[HM_ID_BYTES];    /* fixed */
	struct catalog_host *host;  /* fixed */
	struct epoch *next;         /* of the host */
	struct epoch_mark taken;    /* the last message that is to be logged, */
	struct epoch_mark durable;  /* is in the log, */
	struct epoch_mark filed;    /* and its host's own file says */
	struct epoch_mark *waiting; /* those that are taken and not durable, growing */
	size_t n_waiting;
	size_t waiting_capacity;
	struct catalog_series **series; /* by their ids */
	size_t n_series;
	size_t series_capacity;
	/* So many NAMES records of all that batches name lie in the log behind the host's checkpoint, or will
	 * before anything that needs them. */
	unsigned n_named;
	size_t n_adding; /* of its messages are being written to the log at present */
};

/* @return NULL: there is none */
struct epoch *epoch_find(const struct catalog *catalog, const uint8_t id[static HM_ID_BYTES]);

/*
 * Find or add one.
 * @return 0; -ENOMEM; -EXDEV: it is another host's; -E2BIG: the host has too many, or all have
 */
int epoch_get(struct catalog *catalog, struct catalog_host *host,
	      const uint8_t id[static HM_ID_BYTES], struct epoch **ret_epoch);

/* Release the memory of all that a host has. */
void epoch_free_all(struct catalog_host *host);

/* The host whose agent has an id. @return NULL: there is none */
struct catalog_host *epoch_find_host(const struct catalog *catalog,
				     const uint8_t host_id[static HM_ID_BYTES]);

/* From now on a host is that of the agent with this id. @return 0 or -ENOMEM */
int epoch_give_host(struct catalog *catalog, struct catalog_host *host,
		    const uint8_t host_id[static HM_ID_BYTES]);

/* A message is taken. @return 0 or -ENOMEM */
int epoch_take(struct epoch *epoch, const struct epoch_mark *mark);

/* All up to a mark that was taken is durable. */
void epoch_settle(struct epoch *epoch, const struct epoch_mark *mark);

/* What the log or a file says of it counts, if it is further than what is known. */
void epoch_recover(struct epoch *epoch, const struct epoch_mark *mark);

/* Which message is known under a sequence that was taken? @return false: that is not known */
bool epoch_get_taken(const struct epoch *epoch, uint64_t sequence, uint32_t *ret_crc);

/*
 * May the series of a DECLARE be taken, all of them? Of ids that are known it has to say what is known, kind and unit too;
 * so not of one that comes again, for others may have changed these since.
 * @return HM_REASON_NONE; as epoch_declare()
 */
enum hm_reason epoch_check_declare(const struct epoch *epoch, const uint8_t *payload,
				   size_t length);

/*
 * Take the series of a DECLARE or of a NAMES record. Those that are known, and named so, are passed over.
 * @return HM_REASON_NONE; HM_REASON_NOT_DECLARED: ids before its first one are missing;
 * HM_REASON_DECLARED_OTHERWISE; HM_REASON_TOO_MANY_SERIES; HM_REASON_NO_MEMORY; what wire_declare_next() gives. Then
 * no id of it was taken.
 */
enum hm_reason epoch_declare(struct catalog *catalog, struct epoch *epoch, const uint8_t *payload,
			     size_t length);

/*
 * Make the payload of a NAMES record: of as many series as fit, from an id on.
 * @return behind the last id that it has; buffer_failed(out) tells of no memory
 */
size_t epoch_put_names(const struct epoch *epoch, size_t first_id, struct buffer *out);

#endif
