/* SPDX-License-Identifier: MIT */
#ifndef COMMON_LOG_FILE_H
#define COMMON_LOG_FILE_H

/*
 * The bytes of a segment of the log (hostmetrics/format.h, docs/format.md). No descriptors here:
 * bytes in, bytes out.
 *
 * A position names a byte of the whole log: number of the segment << 32 | offset in it. Positions
 * grow, and none is used twice.
 */

#include <stddef.h>
#include <stdint.h>

#include "common/buffer.h"
#include "hostmetrics/format.h"

#define LOG_FILE_NAME_BYTES 16 /* room for the name of a segment's file */

struct log_file_header {
	uint8_t store_id[HM_ID_BYTES];
	uint32_t number; /* of the segment; 1 is the first */
	uint32_t salt;
	int64_t created_us;
};

struct log_record {
	enum hm_record_type type;
	uint32_t host;       /* its number in the store; 0 = none */
	uint64_t position;   /* of the record itself */
	uint64_t previous;   /* of the host's batch before; 0 = none */
	uint64_t durable;    /* all before this was durable when the record was made */
	int64_t received_us; /* when what it holds came in */
	const void *payload; /* borrowed */
	uint32_t payload_bytes;
};

static inline uint64_t log_position(uint32_t segment, uint64_t offset)
{
	return (uint64_t)segment << 32 | offset;
}

static inline uint32_t log_position_segment(uint64_t position)
{
	return (uint32_t)(position >> 32);
}

static inline uint64_t log_position_offset(uint64_t position)
{
	return position & UINT32_MAX;
}

/* The name of a segment's file. */
void log_file_name(uint32_t number, char name[static LOG_FILE_NAME_BYTES]);

/* @return the number of the segment that a file's name says; 0: none */
uint32_t log_file_number(const char *name);

/* Append a header. */
void log_file_put_header(struct buffer *out, const struct log_file_header *header);

/*
 * Read a header.
 * @return 0; -EINVAL: not such a file; -ENOTSUP: version or flags not known; -EBADMSG: damaged
 */
int log_file_get_header(const uint8_t *bytes, size_t length, struct log_file_header *ret_header);

/* How much of the log a record with such a payload takes. */
size_t log_file_record_bytes(size_t payload_bytes);

/* Append a whole record, padded. @param record  `position` is where it will lie */
void log_file_put_record(struct buffer *out, uint32_t salt, const struct log_record *record);

/*
 * Read the record at a position.
 * @param bytes   what lies there, up to the end of what is known
 * @param length  of it
 * @return 0; -ENODATA: nothing was ever written here (zeros); -EBADMSG: no valid record, and how
 * long one was is not known; -EILSEQ: its payload is damaged, all else of ret_record is valid;
 * -EMSGSIZE: the header is valid, and says that `length` bytes do not hold all of the payload
 */
int log_file_get_record(const uint8_t *bytes, size_t length, uint32_t salt, uint64_t position,
			struct log_record *ret_record);

#endif
