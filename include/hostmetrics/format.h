/* SPDX-License-Identifier: MIT */
#ifndef HOSTMETRICS_FORMAT_H
#define HOSTMETRICS_FORMAT_H

/*
 * What lies on a collector's disk: one file per metric of a host, <store>/hosts/<host>/<metric>.hm,
 * its samples with impossible times in <metric>.odd.hm, what is known of the host in .host. All
 * numbers little-endian. docs/format.md tells it for people.
 *
 * A file is a header, then blocks, appended only:
 *
 *     header   struct hm_file_header, then host name, metric name and unit (no NUL), then u32
 *              CRC32C of all that
 *     block    struct hm_block_header, then the payload, then u32 bytes of the whole block again,
 *              so that a file is read from its end too. The CRC32C is of the file's salt (u32), the
 *              block's offset in the file (u64) and all of the block behind the CRC: a block that
 *              lies elsewhere, or belongs to another file, does not verify
 *
 *     HM_BLOCK_SERIES  u64 offset of the SERIES or META block before (0 = none); then for each
 *                      series LEB128 id, LEB128 length, labels as text, {a="b",c="d"} sorted by
 *                      name; empty for a series without labels
 *     HM_BLOCK_META    u64 as in SERIES; u8 kind (enum hm_stored_kind); the unit as text. The last
 *                      one counts, and without one the header
 *     HM_BLOCK_DATA    struct hm_data_header, then one block of samples (common/block.h)
 *     HM_BLOCK_TOMBSTONE  u64 as in SERIES; u64 position in the log; i64 first and i64 last
 *                      microseconds since 1970 UTC; then LEB128 ids of series, growing: their
 *                      samples from the first time to the last, in blocks of lower positions, are
 *                      deleted
 *     HM_BLOCK_FRONT   u64 as in SERIES; u64 offset: nothing before it counts, and nothing of the
 *                      parts before (0: all of this one does); i64 horizon: no
 *                      sample of an earlier time counts; in files of metrics only
 *     HM_BLOCK_HOST    u32 number of the host in the log; u8 id[16]; u64 number of its
 *                      samples in files; the name
 *     HM_BLOCK_EPOCH   u8 epoch[16]; u64 sequence of its last message that the checkpoint went beyond; u32
 *                      CRC32C of that. Of an epoch the last one counts
 *     HM_BLOCK_EVENT   i64 and i64 microseconds since 1970 UTC: of the time between these messages are
 *                      missing; u64 position in the log, behind them; u64 how many, 0 = not known; u32
 *                      enum hm_reason; text
 *     HM_BLOCK_MESSAGE u8 enum hm_record_type: GAP, CLOCK, SCHEDULE or DELETE; i64 time of receipt; the
 *                      payload, as it came
 *     HM_BLOCK_OLDEST  i64 microseconds since 1970 UTC: no sample in the host's METRIC files is older.
 *                      The last one counts
 *
 * Ids are declared before they are used. A reader passes over block types it does not know.
 */

#include <stdint.h>

#define HM_FILE_MAGIC   "hostmetr"
#define HM_FILE_VERSION 2

#define HM_ID_BYTES 16 /* of a store, a host, an epoch: random */

enum hm_file_type {
	HM_FILE_METRIC = 1, /* <metric>.hm */
	HM_FILE_ODD = 2,    /* <metric>.odd.hm */
	HM_FILE_HOST = 3,   /* .host: no metric, no unit */
};

struct hm_file_header {
	char magic[8];
	uint32_t version;
	uint32_t header_bytes; /* this struct, both names, the unit and the CRC */
	uint32_t compatible_flags;
	uint32_t incompatible_flags; /* who does not know one of them leaves the file alone */
	uint8_t store_id[HM_ID_BYTES];
	uint32_t salt;
	/* Both stand in the name of the file, too: <metric>~<part>@<continues_bytes>.hm. */
	uint32_t part;            /* 0 but for a file that goes on after a failed sync */
	uint64_t continues_bytes; /* so much of the part before counts; UINT64_MAX: all, and no @ */
	uint8_t type;             /* enum hm_file_type */
	uint8_t kind;             /* enum hm_stored_kind */
	uint8_t host_bytes;
	uint8_t metric_bytes;
	uint16_t unit_bytes;
	uint16_t reserved; /* 0 */
};
_Static_assert(sizeof(struct hm_file_header) == 64, "the header is part of the file format");

enum hm_block_type {
	HM_BLOCK_SERIES = 1,
	HM_BLOCK_META = 2,
	/* 3 was of version 1 */
	HM_BLOCK_DATA = 4,
	HM_BLOCK_TOMBSTONE = 5,
	HM_BLOCK_FRONT = 6,
	HM_BLOCK_ROLLUP = 7, /* reserved, as is the next */
	HM_BLOCK_INDEX = 8,
	HM_BLOCK_HOST = 9, /* this and all that follow in .host only */
	HM_BLOCK_EPOCH = 10,
	HM_BLOCK_EVENT = 11,
	HM_BLOCK_OLDEST = 12,
	HM_BLOCK_MESSAGE = 13,
};

struct hm_block_header {
	uint32_t crc;
	uint32_t length_bytes; /* the whole block: this, the payload and the length again */
	uint8_t type;          /* enum hm_block_type; never 0 */
	uint8_t reserved[3];   /* 0 */
	uint8_t position[8];   /* u64: up to where in the log the checkpoint went that wrote it */
};
_Static_assert(sizeof(struct hm_block_header) == 20, "blocks are part of the file format");

#define HM_BLOCK_HEADER_BYTES  ((uint32_t)sizeof(struct hm_block_header))
#define HM_BLOCK_TRAILER_BYTES ((uint32_t)sizeof(uint32_t))
#define HM_BLOCK_MIN_BYTES     (HM_BLOCK_HEADER_BYTES + HM_BLOCK_TRAILER_BYTES)
#define HM_BLOCK_MAX_BYTES     ((uint32_t)16 << 20) /* whole */

/* In front of the samples of a DATA block. */
struct hm_data_header {
	int64_t first_us;
	int64_t last_us;
	int64_t highest_before_us; /* last time of all DATA blocks before it; INT64_MIN = none */
	uint64_t names_offset;     /* of the newest SERIES or META block before it */
};
_Static_assert(sizeof(struct hm_data_header) == 32, "blocks are part of the file format");

/* What a series' numbers mean, as stored. The values are part of the format. */
enum hm_stored_kind {
	HM_STORED_UNKNOWN = 0,
	HM_STORED_GAUGE = 1,
	HM_STORED_COUNTER = 2,
};

/*
 * Why something is not there, for rejects, gaps and status. Stored: values never change, new ones
 * go at the end. common/reason.c has the words.
 */
enum hm_reason {
	HM_REASON_NONE = 0,
	HM_REASON_LINE_TOO_LONG = 1,
	HM_REASON_LINE_FIELDS = 2, /* not two or three words */
	HM_REASON_BAD_NAME = 3, /* metric or host name empty, too long, not UTF-8, control bytes */
	HM_REASON_BAD_LABELS = 4, /* label set not well formed */
	HM_REASON_TOO_MANY_LABELS = 5,
	HM_REASON_BAD_VALUE = 6,  /* not a number */
	HM_REASON_NOT_FINITE = 7, /* NaN or an infinity */
	HM_REASON_BAD_TIME = 8,   /* not a time that 64 bits of microseconds hold */
	HM_REASON_NO_MEMORY = 9,
	HM_REASON_STORE_FAILED = 10,
	HM_REASON_TOO_MANY_DECLARATIONS = 11, /* more than a connection, or all, may have kept */
	HM_REASON_TOO_MANY_CONNECTIONS = 12,
	HM_REASON_NO_DESCRIPTOR = 13,
	HM_REASON_IDLE = 14,        /* a connection that brought nothing for too long */
	HM_REASON_NOT_READING = 15, /* one that does not take its answer */
	HM_REASON_TOO_OLD = 16,     /* a sample older than its host's horizon */
	/* Why a frame is no frame. */
	HM_REASON_FRAME_MAGIC = 17,
	HM_REASON_FRAME_VERSION = 18,
	HM_REASON_FRAME_TYPE = 19,
	HM_REASON_FRAME_RESERVED = 20, /* what is to be 0 is not */
	HM_REASON_FRAME_LENGTH = 21,   /* not one that its type may have now */
	HM_REASON_FRAME_HEADER_CHECKSUM = 22,
	HM_REASON_FRAME_CHECKSUM = 23,
	HM_REASON_FRAME_CUT = 24, /* the connection ended within it */
	/* Why what it holds is no message. */
	HM_REASON_BAD_MESSAGE = 25, /* its fields do not fill it, or have no such values */
	HM_REASON_BAD_ID = 26,      /* an id of zeros */
	HM_REASON_BAD_SEQUENCE = 27,
	HM_REASON_BAD_GAP = 28, /* its sequences or times are not in order, or too many */
	HM_REASON_BAD_CLOCK = 29,
	HM_REASON_EMPTY = 30,     /* no series, no block */
	HM_REASON_BAD_BLOCK = 31, /* it does not decode */
	HM_REASON_UNKNOWN_ENCODING = 32,
	HM_REASON_TOO_MANY_SAMPLES = 33, /* or times, of a batch */
	HM_REASON_NOT_DECLARED = 34,     /* a series, or one before it */
	HM_REASON_DECLARED_OTHERWISE = 35,
	HM_REASON_TOO_MANY_SERIES = 36,
	/* Why a session ends, or does not take what came. */
	HM_REASON_OUT_OF_TURN = 37,    /* a frame that may not come now */
	HM_REASON_OTHER_STAMP = 38,    /* its host or epoch is not that of HELLO */
	HM_REASON_SEQUENCE_AHEAD = 39, /* messages before it are missing */
	HM_REASON_SEQUENCE_OTHER = 40, /* it is there already, with other content */
	HM_REASON_REPLACED = 41,       /* a newer session of the epoch has taken its place */
	HM_REASON_TOO_MANY_EPOCHS = 42,
	HM_REASON_TOO_SLOW = 43, /* a deadline of the protocol has passed */
	HM_REASON_STOPPING = 44, /* who says so is being stopped */
	/* Why a spool has not what it had. */
	HM_REASON_SPOOL_FULL = 45,
	HM_REASON_SPOOL_AGE = 46,     /* it waited for longer than it may */
	HM_REASON_SPOOL_DAMAGED = 47, /* it cannot be read any more */
	HM_REASON_SPOOL_UNSURE =
		48, /* it may be stored under another epoch: sent again it could be twice */
	HM_REASON_SPOOL_ACKED = 49, /* it was acknowledged, and is not kept any longer */
	/* Why a series has no sample: what stands in presence runs, and what `agentctl why` tells. */
	HM_REASON_SOURCE_FAILED = 50, /* its source could not be read, or gave what is no value */
	HM_REASON_SOURCE_STUCK = 51,  /* its source did not answer in time */
	HM_REASON_SOURCE_GONE =
		52, /* there was such a series before: the device was removed, say */
	HM_REASON_NOT_SAMPLED = 53, /* the agent's configuration leaves it out */
	HM_REASON_AGENT_STOPPED = 54,
	HM_REASON_AGENT_KILLED = 55,  /* it ended without having been told to */
	HM_REASON_AGENT_HELD_UP = 56, /* it was not run in time, or a plugin took too long */
	HM_REASON_AGENT_LOST = 57,    /* it took samples, and could not keep them */
	HM_REASON_HOST_SLEPT = 58,
	HM_REASON_HOST_REBOOTED = 59,
	HM_REASON_CLOCK_STEPPED = 60, /* the clock was set: these times never were, or come yet */
	HM_REASON_NO_CONTACT = 61,    /* nothing has come from the agent since */
	HM_REASON_QUARANTINED = 62,   /* what the store had is damaged, and was set aside */
	HM_REASON_DELETED = 63,       /* by a person, with `agentctl delete` */
	HM_REASON_QUOTA = 64,         /* a limit on series leaves it out */
	HM_REASON_COUNT
};

/*
 * The log, <store>/log/NNNNNNNN.log (a segment's number, hexadecimal): a header of 64 bytes, twice
 * (at 0, and in the last 64 bytes of the file), then records, each at a multiple of 8:
 *
 *     header   magic, u32 version, u32 bytes of the header, u32 compatible and u32 incompatible
 *              flags, store id (16), u32 number, u32 salt, i64 microseconds of its making, u32 0, u32 CRC32C
 *     record   u32 CRC32C of the salt (4), the record's position (8) and the rest of its header; u32
 *              bytes of the payload; u32 type; u32 number of the host; u64 position of this host's
 *              batch before (back link); u64 position up to which all was durable; i64 time of receipt;
 *              u32 CRC32C of the payload; u32 0; then the payload, and zeros up to a multiple of 8
 */
#define HM_LOG_MAGIC           "hmlogseg"
#define HM_LOG_MAGIC_BYTES     8
#define HM_LOG_VERSION         1
#define HM_LOG_HEADER_BYTES    64
#define HM_RECORD_HEADER_BYTES 48
#define HM_RECORD_ALIGN        8
#define HM_RECORD_MAX_BYTES    ((uint32_t)1 << 20) /* payload */

/* A record's type. Unknown ones are passed over. */
enum hm_record_type {
	HM_RECORD_SNAPSHOT = 1,     /* here begins a snapshot of the state of all hosts */
	HM_RECORD_HOST = 2,         /* some hosts, in a snapshot */
	HM_RECORD_SNAPSHOT_END = 3, /* the snapshot is whole */
	HM_RECORD_BATCH = 4,
	HM_RECORD_MARK = 5,  /* nothing but its header: says what was durable */
	HM_RECORD_GROUP = 6, /* files that a checkpoint is about to append to, and their lengths */
	HM_RECORD_CHECKPOINT = 7, /* hosts, and up to which position their samples are in files */
	HM_RECORD_EVENT = 8,
	HM_RECORD_DELETE = 9,   /* samples of a host before it in the log are deleted */
	HM_RECORD_HORIZON = 10, /* hosts, and before which time none of their samples count */
	HM_RECORD_DECLARE = 11, /* an agent's message, as it came; so are the next two */
	HM_RECORD_GAP = 12,
	HM_RECORD_CLOCK = 13,
	HM_RECORD_NAMES = 14,    /* a DECLARE that is made up: it takes no place in its epoch */
	HM_RECORD_EPOCH = 15,    /* epochs of agents, and what of each is durable, in a snapshot */
	HM_RECORD_SCHEDULE = 16, /* an agent's message, as it came */
};

#endif
