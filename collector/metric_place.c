/* SPDX-License-Identifier: MIT */
/* Which metric file, and how much of it counts. */

#include "collector/metric_place.h"

#include <errno.h>
#include <fcntl.h>

/* The header is damaged: the first block that verifies by what is expected of it is where it ends.
 * @return 0; -ENODATA: there is none; -errno */
static int find_first_block(struct file_reader *reader, const struct store_file_header *expected,
			    struct store_file_header *ret_header)
{
	struct file_reader_block block;
	int result;

	reader->salt = expected->salt;
	reader->header_bytes = sizeof(struct hm_file_header);
	reader->offset = reader->header_bytes;
	result = file_reader_next(reader, &block);
	if (result < 0)
		return result;
	reader->header_bytes = block.offset;
	reader->offset = block.offset;
	*ret_header = *expected;
	ret_header->header_bytes = block.offset;
	return 0;
}

int metric_place_begin(struct file_reader *reader, const struct disk *disk, int fd,
		       const struct metric_file_place *place, struct store_file_header *ret_header,
		       uint64_t *ret_damaged_bytes)
{
	int result = file_reader_init(reader, disk, fd, place->length_bytes, ret_header);
	int found;

	*ret_damaged_bytes = 0;
	if ((result != -EINVAL && result != -EBADMSG) || !place->expected ||
	    reader->length_bytes == 0)
		return result;
	found = find_first_block(reader, place->expected, ret_header);
	if (found == 0)
		*ret_damaged_bytes = ret_header->header_bytes;
	return found == -ENODATA ? result : found;
}

bool metric_place_counts(const struct metric_file_place *place, uint64_t position)
{
	return position <= place->position_max ||
	       (place->lost_from > 0 && position >= place->lost_from);
}

int metric_place_open(const struct disk *disk, const struct metric_file_place *place)
{
	return disk->open(disk->context, place->folder, place->path, O_RDONLY);
}
