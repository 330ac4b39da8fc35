/* SPDX-License-Identifier: MIT */
#ifndef COMMON_FILE_READER_H
#define COMMON_FILE_READER_H

/*
 * The blocks of a file of the store, one after the other, forwards or backwards, read through a
 * window so that memory is bounded by the largest block. Damaged ranges are passed over and told:
 * the block behind them is found again by its checksum. One thread at a time for one reader.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/disk.h"
#include "common/store_file.h"

/* The next block is looked for so far behind a damaged place; what follows then is given up. */
#define FILE_READER_SEARCH_MAX_BYTES ((uint64_t)1 << 30)

struct file_reader {
	const struct disk *disk;  /* borrowed */
	int fd;                   /* borrowed */
	uint64_t length_bytes;    /* of the file, as far as it is read */
	uint64_t allocated_bytes; /* that all of it takes on the disk */
	uint32_t salt;            /* of the file */
	uint64_t header_bytes;
	uint64_t offset;        /* where the next step begins; may be set, to go on elsewhere */
	uint64_t damage_offset; /* what the last step passed over; see file_reader_next() */
	uint64_t damage_bytes;
	/* Read a sector that the device does not give (EIO) as zeros, so that only the blocks that
	 * lie in it are lost. For who only reads. */
	bool passes_bad_sectors;
	uint8_t *window;
	size_t window_bytes;
	size_t window_capacity;
	uint64_t window_offset;
	size_t ahead_bytes; /* read at a time; grows while the file is read forwards */
};

/* A block and where it lies. */
struct file_reader_block {
	uint64_t offset;
	struct store_file_block block; /* borrowed until the reader's next step */
};

/*
 * Begin with a file's header.
 * @param reader        zeroed before, but for passes_bad_sectors
 * @param disk          borrowed until file_reader_done()
 * @param fd            open for reading; borrowed likewise
 * @param length_bytes  read no further than this; a file may be shorter
 * @param ret_header    borrowed until the next step
 * @return 0; as store_file_get_header(); -ENOMEM; -errno of the disk
 */
int file_reader_init(struct file_reader *reader, const struct disk *disk, int fd,
		     uint64_t length_bytes, struct store_file_header *ret_header);

/*
 * Begin behind a header that is damaged, with the first block that verifies: after file_reader_init()
 * returned -EINVAL or -EBADMSG.
 * @param salt  of the file, by its path
 * @return 0: reader->header_bytes is where that block begins; -ENODATA: none verifies; -ENOMEM; -errno
 * of the disk
 */
int file_reader_pass_header(struct file_reader *reader, uint32_t salt);

/* Takes a reader whose init failed. */
void file_reader_done(struct file_reader *reader);

/*
 * The next block at or behind reader->offset that verifies; the offset goes behind it.
 * Where damage_bytes is not 0 afterwards, the range from damage_offset on, up to the block or the
 * end of the file, does not verify.
 * @return 0; -ENODATA: there are no more blocks; -ENOMEM; -errno of the disk
 */
int file_reader_next(struct file_reader *reader, struct file_reader_block *ret_block);

/*
 * The block that ends at reader->offset; the offset goes to its beginning.
 * @return 0; -ENODATA: there is none, the header ends here; -EBADMSG: what ends here does not
 * verify; -ENOMEM; -errno of the disk
 */
int file_reader_previous(struct file_reader *reader, struct file_reader_block *ret_block);

/*
 * The block that begins at `offset`; reader->offset stays.
 * @return 0; -EBADMSG: none that verifies; -ENOMEM; -errno of the disk
 */
int file_reader_get(struct file_reader *reader, uint64_t offset,
		    struct file_reader_block *ret_block);

#endif
