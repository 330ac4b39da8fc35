/* SPDX-License-Identifier: MIT */
/* Which metric file, and how much of it counts. */

#include "collector/metric_place.h"

#include <errno.h>
#include <fcntl.h>

int metric_place_begin(struct file_reader *reader, const struct disk *disk, int fd,
		       const struct metric_file_place *place, struct store_file_header *ret_header,
		       uint64_t *ret_damaged_bytes)
{
	int result = file_reader_init(reader, disk, fd, place->length_bytes, ret_header);

	*ret_damaged_bytes = 0;
	if (result == 0 && place->front_bytes > reader->header_bytes) {
		reader->header_bytes = place->front_bytes;
		reader->offset = place->front_bytes;
	}
	if ((result != -EINVAL && result != -EBADMSG) || !place->expected ||
	    reader->length_bytes == 0)
		return result;
	/* Where it is known from where on it counts, nothing is to be looked for. */
	if (place->front_bytes > 0) {
		reader->salt = place->expected->salt;
		reader->header_bytes = place->front_bytes;
		reader->offset = place->front_bytes;
		*ret_damaged_bytes = sizeof(struct hm_file_header);
	} else {
		int found = file_reader_pass_header(reader, place->expected->salt);

		if (found < 0)
			return found == -ENODATA ? result : found;
		*ret_damaged_bytes = reader->header_bytes;
	}
	*ret_header = *place->expected;
	ret_header->header_bytes = (uint32_t)reader->header_bytes;
	return 0;
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
