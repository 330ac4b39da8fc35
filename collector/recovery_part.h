/* SPDX-License-Identifier: MIT */
#ifndef COLLECTOR_RECOVERY_PART_H
#define COLLECTOR_RECOVERY_PART_H

/* What the parts of the recovery share: the segments of the log, and their records. */

#include <stddef.h>
#include <stdint.h>

#include "collector/recovery.h"
#include "common/log_segment.h"

/* Where in the log reading begins: at a whole snapshot. */
struct recovery_base {
	size_t index; /* of the segment */
	uint64_t offset;
};

/* Find all segments. Where they cannot be listed there are none, which is noted. @return 0; -ENOMEM; -errno */
int recovery_list(struct recovery *recovery);

/* @return as log_segment_open(); -EXDEV also for another store's */
int recovery_open_any(const struct recovery *recovery, size_t index, struct log_segment *segment);

/* What is not given, or cannot be had now, is noted. @return 0; -ENODATA: it is damaged, and passed over; -errno */
int recovery_open(struct recovery *recovery, size_t index, struct log_segment *segment);

/* Note as well what of it could not be read. Takes one whose opening failed. */
void recovery_close(struct recovery *recovery, struct log_segment *segment);

/*
 * Find the newest segment. A file whose name is far above those before it, and that is none of ours, is not
 * counted up to: it would be for hours, or there were no numbers left.
 * @return 0 or -errno
 */
int recovery_find_newest(struct recovery *recovery);

/* Find the newest whole snapshot. Without any, everything that there is is read. @return 0 or -errno */
int recovery_find_base(struct recovery *recovery, struct recovery_base *ret_base);

/* A record of a host's chain. */
void recovery_note_link(const struct recovery *recovery, const struct log_record *record,
			struct catalog_host *host);

/* The newest record that names a host has its id. @return 0 or -ENOMEM */
int recovery_set_id(struct recovery *recovery, struct catalog_host *host,
		    const uint8_t id[static HM_ID_BYTES]);

/* @return 0; -EBADMSG: its payload makes no sense; -ENOMEM */
int recovery_take_record(struct recovery *recovery, const struct log_record *record);

/* What it held is lost. Whose chain it is in is not: that something is missing is told there. */
void recovery_take_damaged(struct recovery *recovery, const struct log_record *record);

/* Messages of agents, and what a snapshot says of epochs. @return as recovery_take_record() */
int recovery_take_message(struct recovery *recovery, const struct log_record *record);
int recovery_take_marks(struct recovery *recovery, const struct log_record *record);

#endif
