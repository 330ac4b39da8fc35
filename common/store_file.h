/* SPDX-License-Identifier: MIT */
#ifndef COMMON_STORE_FILE_H
#define COMMON_STORE_FILE_H

/*
 * Reading and writing the bytes of a metric file (hostmetrics/format.h). No descriptors here: bytes
 * in, bytes out. Everything that is read is checked. Views borrow from the bytes that they were got
 * from; texts in them are not ended by a NUL. Whoever appends asks buffer_failed() at the end.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buffer.h"
#include "hostmetrics/format.h"
#include "hostmetrics/wire.h"

/* A header is at most this long. */
#define STORE_FILE_HEADER_MAX_BYTES                                                                \
	(sizeof(struct hm_file_header) + 2 * (size_t)UINT8_MAX + HM_UNIT_MAX_BYTES +               \
	 sizeof(uint32_t))

struct store_file_header {
	const uint8_t *store_id; /* HM_ID_BYTES */
	uint32_t salt;
	uint32_t part;
	uint64_t continues_bytes;
	enum hm_file_type type;
	enum hm_stored_kind kind;
	const char *host;
	size_t host_length;
	const char *metric;
	size_t metric_length;
	const char *unit;
	size_t unit_length;
	size_t header_bytes; /* where the first block begins; not looked at in put */
};

struct store_file_block {
	uint8_t type; /* enum hm_block_type, or one that is not known */
	uint64_t position;
	const uint8_t *payload;
	uint32_t payload_bytes;
	uint32_t length_bytes; /* the whole block */
};

/* One series of a SERIES block. */
struct store_file_series {
	uint32_t id;
	const char *labels;
	size_t labels_length;
};

/* The series of a SERIES block in turn. */
struct store_file_series_list {
	uint64_t names_offset; /* of the SERIES or META block before; 0 = none */
	const uint8_t *rest;
	size_t rest_bytes;
};

struct store_file_meta {
	uint64_t names_offset;
	enum hm_stored_kind kind;
	const char *unit;
	size_t unit_length;
};

struct store_file_data {
	int64_t first_us;
	int64_t last_us;
	int64_t highest_before_us; /* INT64_MIN = none */
	uint64_t names_offset;
	const uint8_t *bytes; /* one block of common/block.h, not looked at; not looked at in put */
	size_t n_bytes;
};

struct store_file_host {
	uint32_t number;
	const uint8_t *id;  /* HM_ID_BYTES */
	uint64_t n_samples; /* of it that are in files */
	const char *name;
	size_t name_length;
};

struct store_file_epoch {
	const uint8_t *epoch; /* HM_ID_BYTES */
	uint64_t sequence;
	uint32_t crc; /* of the message */
};

struct store_file_message {
	enum hm_record_type type; /* GAP, CLOCK, SCHEDULE or DELETE, or one of a newer writer */
	int64_t received_us;
	const uint8_t *bytes; /* the message */
	size_t n_bytes;
};

/* Something that is missing of a host, and why. */
struct store_file_event {
	int64_t since_us; /* it is missing behind the first of these times, and before the second */
	int64_t until_us;
	uint64_t position; /* of the log: behind what is missing */
	uint64_t count;    /* of messages; 0 = not known */
	uint32_t reason;   /* enum hm_reason, or one of a newer writer */
	const char *text;
	size_t text_length;
};

/* The file that holds the id of the store. */
#define STORE_FILE_ID_NAME  "id"
#define STORE_FILE_ID_BYTES ((size_t)32)

void store_file_put_id(struct buffer *out, const uint8_t *store_id);

/* @return 0 or -EBADMSG */
int store_file_get_id(const uint8_t *bytes, size_t length,
		      uint8_t ret_store_id[static HM_ID_BYTES]);

/* Append a header. @return 0; -EINVAL: a name or unit too long, or a type that is none; -ENOMEM */
int store_file_put_header(struct buffer *out, const struct store_file_header *header);

/* @return 0; -EINVAL: not such a file; -ENOTSUP: version, type or incompatible flags not known;
 * -EBADMSG: damaged */
int store_file_get_header(const uint8_t *bytes, size_t length,
			  struct store_file_header *ret_header);

/*
 * Begin a block at the end of `out`; the payload is appended next.
 * @param position  of the log, up to which the block's checkpoint goes
 * @return where it begins in `out`, for store_file_end_block()
 */
size_t store_file_begin_block(struct buffer *out, enum hm_block_type type, uint64_t position);

/*
 * Complete it: lengths and checksum.
 * @param start   what store_file_begin_block() returned
 * @param salt    the file's
 * @param offset  of the block in the file
 * @return 0; -EMSGSIZE: longer than a block may be, -ENOMEM: `out` ends before the block again
 */
int store_file_end_block(struct buffer *out, size_t start, uint32_t salt, uint64_t offset);

/* Append what stands in a SERIES block: first the offset of the names before, then each series. */
void store_file_put_names_offset(struct buffer *out, uint64_t names_offset);
void store_file_put_series(struct buffer *out, const struct store_file_series *series);

/* Append a payload. */
void store_file_put_meta(struct buffer *out, const struct store_file_meta *meta);
void store_file_put_data(struct buffer *out, const struct store_file_data *data);
void store_file_put_host(struct buffer *out, const struct store_file_host *host);
void store_file_put_epoch(struct buffer *out, const struct store_file_epoch *epoch);
void store_file_put_message(struct buffer *out, const struct store_file_message *message);
void store_file_put_event(struct buffer *out, const struct store_file_event *event);
void store_file_put_oldest(struct buffer *out, int64_t oldest_us);

/*
 * The length that the block which begins with these bytes says it has: could it be one? A cheap
 * look before its checksum.
 * @param header  HM_BLOCK_HEADER_BYTES
 * @return HM_BLOCK_MIN_BYTES to HM_BLOCK_MAX_BYTES; 0: no block begins so
 */
uint32_t store_file_peek_length(const uint8_t *header);

/* The same by the last bytes of a block. @param trailer  HM_BLOCK_TRAILER_BYTES */
uint32_t store_file_peek_trailer(const uint8_t *trailer);

/*
 * The block that begins with `bytes`.
 * @param length  bytes that there are; what lies behind the block does not matter
 * @param offset  of `bytes` in the file
 * @return 0; -ENODATA: no bytes; -EBADMSG: cut short, or it does not verify
 */
int store_file_get_block(const uint8_t *bytes, size_t length, uint32_t salt, uint64_t offset,
			 struct store_file_block *ret_block);

/* A block's payload by its type. @return 0; -EBADMSG: of another type, or not in order */
int store_file_get_series_list(const struct store_file_block *block,
			       struct store_file_series_list *ret_list);
int store_file_get_meta(const struct store_file_block *block, struct store_file_meta *ret_meta);
int store_file_get_data(const struct store_file_block *block, struct store_file_data *ret_data);
int store_file_get_host(const struct store_file_block *block, struct store_file_host *ret_host);
int store_file_get_epoch(const struct store_file_block *block, struct store_file_epoch *ret_epoch);
int store_file_get_message(const struct store_file_block *block,
			   struct store_file_message *ret_message);
int store_file_get_event(const struct store_file_block *block, struct store_file_event *ret_event);
int store_file_get_oldest(const struct store_file_block *block, int64_t *ret_oldest_us);

/* The next series of a list. @return false: there are no more */
bool store_file_next_series(struct store_file_series_list *list,
			    struct store_file_series *ret_series);

/*
 * Where the names before a SERIES, META, DATA, TOMBSTONE or FRONT block lie.
 * @return 0; -ENOENT: a block of another type; -EBADMSG
 */
int store_file_get_names_offset(const struct store_file_block *block, uint64_t *ret_offset);

#endif
