/* SPDX-License-Identifier: MIT */
/* Which segments the log has, and where in them reading begins. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "collector/engine.h"
#include "collector/recovery_part.h"
#include "common/array.h"

/* So many numbers may be missing between two segments: each is one that could not be made. */
#define GAP_MAX ((uint32_t)1 << 16)

static int add_segment(void *argument, const char *name)
{
	uint32_t *grown;
	struct recovery *recovery = argument;
	uint32_t number = log_file_number(name);

	if (number == 0)
		return 0;
	grown = array_grow(recovery->segments, recovery->n_segments, &recovery->segments_capacity,
			   sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	recovery->segments = grown;
	recovery->segments[recovery->n_segments++] = number;
	return 0;
}

static int compare_numbers(const void *a, const void *b)
{
	uint32_t number_a = *(const uint32_t *)a;
	uint32_t number_b = *(const uint32_t *)b;

	return number_a < number_b ? -1 : number_a > number_b;
}

int recovery_list(struct recovery *recovery)
{
	const struct engine *engine = recovery->engine;
	const struct disk *disk = engine->options.disk;
	int result = disk->list(disk->context, engine->log_folder, add_segment, recovery);

	/* Some of them would be worse than none: what the others say is not known. */
	if (disk_is_damage(result)) {
		withheld_note(&recovery->withheld, result, 0);
		recovery->n_segments = 0;
		return 0;
	}
	if (result == 0 && recovery->n_segments > 0)
		qsort(recovery->segments, recovery->n_segments, sizeof(uint32_t), compare_numbers);
	return result;
}

/* Which results say that a segment is damaged, or another store's, and not that it cannot be read now. */
static bool is_damage(int result)
{
	return disk_is_damage(result) || result == -EINVAL || result == -ENOTSUP ||
	       result == -EXDEV || result == -ELOOP || result == -ENXIO || result == -EISDIR;
}

int recovery_open_any(const struct recovery *recovery, size_t index, struct log_segment *segment)
{
	const struct engine *engine = recovery->engine;
	int result = log_segment_open(segment, engine->options.disk, engine->log_folder,
				      recovery->segments[index]);

	if (result == 0 && memcmp(segment->header.store_id, engine->store_id, HM_ID_BYTES) != 0) {
		log_segment_close(segment);
		result = -EXDEV;
	}
	return result;
}

int recovery_open(struct recovery *recovery, size_t index, struct log_segment *segment)
{
	int result = recovery_open_any(recovery, index, segment);

	/* Where it is no damage at all, it ends here. */
	if (result < 0 && !is_damage(result))
		recovery->withheld = (struct withheld){0};
	if (disk_is_withheld(result) || (result < 0 && !is_damage(result)))
		withheld_note(&recovery->withheld, result, recovery->segments[index]);
	return is_damage(result) ? -ENODATA : result;
}

void recovery_close(struct recovery *recovery, struct log_segment *segment)
{
	withheld_note_loss(&recovery->withheld, segment);
	log_segment_close(segment);
}

int recovery_find_newest(struct recovery *recovery)
{
	for (size_t i = 0; i < recovery->n_segments; i++) {
		uint32_t number = recovery->segments[i];
		struct log_segment segment;
		int result = 0;

		if (number - recovery->newest > GAP_MAX) {
			result = recovery_open(recovery, i, &segment);
			recovery_close(recovery, &segment);
		}
		if (result == 0)
			recovery->newest = number;
		else if (result != -ENODATA)
			return result;
	}
	return 0;
}

/* The offset of the last whole snapshot of a segment. @return 0; -ENODATA: there is none; -errno */
static int find_snapshot(struct log_segment *segment, uint64_t *ret_offset)
{
	uint64_t offset = HM_LOG_HEADER_BYTES;
	uint64_t start = 0;
	uint64_t found = 0;
	int result;

	do {
		struct log_record record;
		bool has_hole;

		result = log_segment_find(segment, offset, &record);
		if (result != 0 && result != -EILSEQ)
			break;
		has_hole = result == -EILSEQ || offset != log_position_offset(record.position);
		if (has_hole)
			start = 0;
		if (result == 0 && record.type == HM_RECORD_SNAPSHOT)
			start = log_position_offset(record.position);
		else if (result == 0 && record.type == HM_RECORD_SNAPSHOT_END && start > 0)
			found = start;
		offset = log_segment_behind(&record);
	} while (true);
	if (result != -ENODATA)
		return result;
	*ret_offset = found;
	return found > 0 ? 0 : -ENODATA;
}

int recovery_find_base(struct recovery *recovery, struct recovery_base *ret_base)
{
	*ret_base = (struct recovery_base){0, HM_LOG_HEADER_BYTES};
	for (size_t i = recovery->n_segments; i > 0; i--) {
		struct log_segment segment;
		uint64_t offset;
		int result = recovery_open(recovery, i - 1, &segment);

		if (result == 0) {
			result = find_snapshot(&segment, &offset);
			recovery_close(recovery, &segment);
		}
		if (result == 0) {
			*ret_base = (struct recovery_base){i - 1, offset};
			recovery->has_snapshot = true;
			recovery->base = recovery->segments[i - 1];
			return 0;
		}
		if (result != -ENODATA)
			return result;
	}
	return 0;
}
