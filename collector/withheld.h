/* SPDX-License-Identifier: MIT */
#ifndef COLLECTOR_WITHHELD_H
#define COLLECTOR_WITHHELD_H

/* What of the log the disk did not give: which error, and where. The first one that is noted counts. */

#include <stdint.h>

struct log_segment;

/* Zeroed: it gave everything. */
struct withheld {
	int error;        /* -errno */
	uint32_t segment; /* 0: the log's folder */
};

void withheld_note(struct withheld *withheld, int error, uint32_t segment);

/* The same of what is missing in an open segment, as far as it was read. Takes one that is not open. */
void withheld_note_loss(struct withheld *withheld, const struct log_segment *segment);

#endif
