/* SPDX-License-Identifier: MIT */
#ifndef COLLECTOR_BLOCK_READER_H
#define COLLECTOR_BLOCK_READER_H

/*
 * The blocks of a metric file, one after the other, read through a window so that memory is bounded
 * by the largest block. Damaged ranges are passed over and counted: the blocks behind them are
 * found again by their checksums.
 */

#include <stddef.h>
#include <stdint.h>

#include "common/store_file.h"

/* More than this behind the last good block is no torn write but damage. */
#define BLOCK_READER_TAIL_MAX_BYTES (HM_BLOCK_HEADER_BYTES + (uint64_t)HM_BLOCK_MAX_BYTES)

struct block_reader {
	int fd; /* borrowed */
	uint64_t length_bytes;
	uint64_t offset;        /* of the next block */
	uint64_t good_end;      /* behind the last block that verified, or the header */
	uint64_t n_damaged;     /* ranges passed over; not the tail */
	uint64_t damaged_bytes; /* in them */
	uint8_t *window;
	size_t window_bytes;
	size_t window_capacity;
	uint64_t window_offset;
};

/*
 * Begin with a file's header.
 * @param fd            open for reading; borrowed until block_reader_done()
 * @param length_bytes  read no further than this
 * @param ret_header    borrowed until the next call
 * @return 0; as store_file_get_header(); -ENOMEM; -errno of pread(2)
 */
int block_reader_init(struct block_reader *reader, int fd, uint64_t length_bytes,
		      struct store_file_header *ret_header);

/* Takes a reader whose init failed. */
void block_reader_done(struct block_reader *reader);

/*
 * The next block that verifies. @param ret_block  borrowed until the next call; `end` means nothing
 * @return 0; -ENODATA: no more (good_end says where the good ones end); -ENOMEM; -errno of pread(2)
 */
int block_reader_next(struct block_reader *reader, struct store_file_block *ret_block);

#endif
