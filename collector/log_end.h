/* SPDX-License-Identifier: MIT */
#ifndef COLLECTOR_LOG_END_H
#define COLLECTOR_LOG_END_H

/*
 * The end of the log that the process before left: what lies behind its last mark counts, and may not
 * be on the disk.
 */

#include <stdbool.h>
#include <stdint.h>

#include "common/disk.h"

struct log_end {
	uint64_t durable; /* position: the log says that all before it is on the disk */
	uint64_t
		end; /* behind the last record that counts; not above `durable`: nothing is to do */
	bool has_failed; /* a sync of it failed here: the next one says nothing */
};

/*
 * Have it on the disk. After a failure, which is noted in `end`, it may be tried again: what the
 * device has otherwise than the kernel is written anew.
 * @param folder  the log's
 * @return 0 or -errno
 */
int log_end_secure(struct log_end *end, const struct disk *disk, int folder);

#endif
