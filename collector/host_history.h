/* SPDX-License-Identifier: MIT */
#ifndef COLLECTOR_HOST_HISTORY_H
#define COLLECTOR_HOST_HISTORY_H

/*
 * Which blocks of a host's own file still matter: of what lies wholly before the host's horizon only the last SCHEDULE
 * and the last CLOCK of each event, since these tell how things stood from then on.
 */

#include <stdbool.h>
#include <stdint.h>

#include "common/file_reader.h"
#include "hostmetrics/format.h"

/* SCHEDULE, and the events of CLOCK. */
#define HOST_HISTORY_KINDS 8

struct host_history {
	int64_t horizon_us; /* INT64_MIN: all matters */
	uint64_t last
		[HOST_HISTORY_KINDS]; /* offsets of the last ones before the horizon; 0 = none */
	int64_t schedule_us;          /* when that SCHEDULE begins to hold */
	uint8_t schedule_epoch[HM_ID_BYTES];
};

/* Note a block; all of the file's, in their order, before any is asked for. */
void host_history_note(struct host_history *history, const struct file_reader_block *found);

/* Is it a MESSAGE or EVENT that matters? */
bool host_history_has(const struct host_history *history, const struct file_reader_block *found);

#endif
