/* SPDX-License-Identifier: MIT */
/* What of the log the disk did not give. */

#include "collector/withheld.h"

#include <errno.h>

#include "common/log_segment.h"

void withheld_note(struct withheld *withheld, int error, uint32_t segment)
{
	if (withheld->error == 0)
		*withheld = (struct withheld){error, segment};
}

void withheld_note_loss(struct withheld *withheld, const struct log_segment *segment)
{
	if (segment->fd >= 0 && segment->loss.n_bytes > 0)
		withheld_note(withheld, -EIO, segment->header.number);
}
