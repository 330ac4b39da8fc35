/* SPDX-License-Identifier: MIT */
#ifndef COMMON_STORE_MASK_H
#define COMMON_STORE_MASK_H

/*
 * The payloads of the blocks of a metric file that say what of it does not count any more. Bytes in,
 * bytes out, as common/store_file.h.
 */

#include <stdbool.h>
#include <stdint.h>

#include "common/buffer.h"
#include "common/store_file.h"

/* Of some series, in blocks of positions below this one, what lies in a range of time. */
struct store_mask_tombstone {
	uint64_t names_offset; /* of the SERIES, META, TOMBSTONE or FRONT block before; 0 = none */
	uint64_t position;     /* of the DELETE in the log */
	int64_t since_us;      /* both belong to the range */
	int64_t until_us;
	const uint8_t *ids; /* of the series, not read yet; not looked at in put */
	size_t ids_bytes;
};

struct store_mask_front {
	uint64_t names_offset; /* likewise */
	uint64_t offset;       /* nothing before it counts, and nothing of the parts before */
	int64_t horizon_us;    /* no sample of an earlier time counts; INT64_MIN = all do */
};

/* Append the payload; of a tombstone, its ids are appended next, by growing id. */
void store_mask_put_tombstone(struct buffer *out, const struct store_mask_tombstone *tombstone);
void store_mask_put_id(struct buffer *out, uint32_t id);
void store_mask_put_front(struct buffer *out, const struct store_mask_front *front);

/* @return 0; -EBADMSG: of another type, or not in order */
int store_mask_get_tombstone(const struct store_file_block *block,
			     struct store_mask_tombstone *ret_tombstone);
int store_mask_get_front(const struct store_file_block *block, struct store_mask_front *ret_front);

/* The next id of a tombstone that was got. @return false: there are no more */
bool store_mask_next_id(struct store_mask_tombstone *tombstone, uint32_t *ret_id);

/* Of both types the offset of the names before. @return 0 or -EBADMSG */
int store_mask_get_names_offset(const struct store_file_block *block, uint64_t *ret_offset);

#endif
