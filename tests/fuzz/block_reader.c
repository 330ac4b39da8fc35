/* SPDX-License-Identifier: MIT */
/* Fuzz target: any bytes read as a metric file. */

#include "collector/block_reader.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes);

/* Read to the end; every step goes forward and stays inside the file. */
static void read_blocks(struct block_reader *reader, size_t n_bytes)
{
	struct store_file_block block;
	uint64_t offset = reader->offset;
	int result;

	while ((result = block_reader_next(reader, &block)) == 0) {
		if (reader->offset <= offset || reader->offset > n_bytes ||
		    reader->good_end != reader->offset)
			abort();
		offset = reader->offset;
		for (size_t i = 0; i < store_file_n_samples(&block); i++)
			(void)store_file_get_sample(&block, i);
	}
	if (result != -ENODATA || reader->good_end > n_bytes)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes)
{
	struct store_file_header header;
	struct block_reader reader;
	int fd = memfd_create("metric", MFD_CLOEXEC);

	if (fd < 0 || write(fd, data, n_bytes) != (ssize_t)n_bytes)
		abort();
	if (block_reader_init(&reader, fd, n_bytes, &header) == 0)
		read_blocks(&reader, n_bytes);
	block_reader_done(&reader);
	(void)close(fd);
	return 0;
}
