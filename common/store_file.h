/* SPDX-License-Identifier: MIT */
#ifndef COMMON_STORE_FILE_H
#define COMMON_STORE_FILE_H

/* Reading and writing the bytes of a metric file (hostmetrics/format.h). No descriptors here: bytes
 * in, bytes out. */

#include <stddef.h>
#include <stdint.h>

#include "common/buffer.h"
#include "hostmetrics/format.h"

/* A view into the bytes of a file; all pointers borrow from them. */
struct store_file_header {
	const char *host;
	size_t host_length;
	const char *metric;
	size_t metric_length;
	size_t header_bytes; /* where the first block begins */
};

struct store_file_block {
	uint32_t type;
	const uint8_t *payload;
	uint32_t payload_bytes;
	size_t end; /* offset of the next block */
};

struct store_file_sample {
	uint32_t series_id;
	int64_t time_us;
	double value;
};

/* Append a header. */
void store_file_put_header(struct buffer *out, const char *host, const char *metric);

/* Append a whole block. */
void store_file_put_block(struct buffer *out, enum hm_block_type type, const void *payload,
			  size_t payload_bytes);

/* Append one record of a SAMPLES payload. */
void store_file_put_sample(struct buffer *out, const struct store_file_sample *sample);

/* @return 0; -EINVAL: not such a file; -ENOTSUP: version or incompatible flags not known; -EBADMSG:
 * checksum */
int store_file_get_header(const uint8_t *bytes, size_t length,
			  struct store_file_header *ret_header);

/*
 * The block at `offset`. @return 0; -ENODATA: exactly at the end; -EBADMSG: cut short or its
 * checksum is wrong: nothing behind can be trusted
 */
int store_file_get_block(const uint8_t *bytes, size_t length, size_t offset,
			 struct store_file_block *ret_block);

/* Record number `index` of a SAMPLES block. */
struct store_file_sample store_file_get_sample(const struct store_file_block *block, size_t index);
size_t store_file_n_samples(const struct store_file_block *block);

#endif
