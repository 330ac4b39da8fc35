/* SPDX-License-Identifier: MIT */
/* From where on a metric file counts. */

#include "common/file_front.h"

#include <errno.h>

#include "common/store_mask.h"

struct finding {
	struct file_reader *reader;
	uint64_t position_max;
	bool has_front;
	uint64_t offset;
};

/* Take a front that counts: it only moves on. */
static void take_block(struct finding *finding, const struct file_reader_block *block)
{
	struct store_mask_front front;

	if (block->block.position > finding->position_max ||
	    store_mask_get_front(&block->block, &front) < 0 || front.offset > block->offset)
		return;
	finding->has_front = true;
	if (front.offset > finding->offset)
		finding->offset = front.offset;
}

/* The last block that counts and leads to names. @return 0; -ENODATA: there is none; -EBADMSG; -errno */
static int find_last(const struct finding *finding, struct file_reader_block *ret_block)
{
	struct file_reader *reader = finding->reader;
	uint64_t offset;
	int result;

	reader->offset = reader->length_bytes;
	do {
		result = file_reader_previous(reader, ret_block);
	} while (result == 0 &&
		 (ret_block->block.position > finding->position_max ||
		  store_file_get_names_offset(&ret_block->block, &offset) == -ENOENT));
	return result;
}

/* A front lies in the chain of names, and no chain leads before one. @return 0; -EBADMSG; -errno */
static int follow_names(struct finding *finding)
{
	struct file_reader_block block;
	int result = find_last(finding, &block);

	while (result == 0) {
		uint64_t offset;

		take_block(finding, &block);
		result = store_file_get_names_offset(&block.block, &offset);
		if (result < 0 || offset == 0 || finding->has_front)
			break;
		result = offset < block.offset ? file_reader_get(finding->reader, offset, &block)
					       : -EBADMSG;
	}
	if (result == -ENOENT)
		return -EBADMSG;
	return result == -ENODATA ? 0 : result;
}

static int look_at_all(struct finding *finding)
{
	struct file_reader *reader = finding->reader;
	struct file_reader_block block;
	int result;

	reader->offset = reader->header_bytes;
	while ((result = file_reader_next(reader, &block)) == 0)
		take_block(finding, &block);
	return result == -ENODATA ? 0 : result;
}

int file_front_seek(struct file_reader *reader, uint64_t position_max, bool *ret_has_front)
{
	struct finding finding = {.reader = reader, .position_max = position_max};
	int result = follow_names(&finding);

	if (result == -EBADMSG)
		result = look_at_all(&finding);
	if (finding.offset > reader->header_bytes)
		reader->header_bytes = finding.offset;
	reader->offset = reader->header_bytes;
	*ret_has_front = finding.has_front;
	return result;
}
