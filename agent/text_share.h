/* SPDX-License-Identifier: MIT */
#ifndef AGENT_TEXT_SHARE_H
#define AGENT_TEXT_SHARE_H

/*
 * Text files that more than one plugin reads (hm_text_share() of hostmetrics/sysfs.h): of the plugins that have a round in one
 * turn the first one reads the file, and the others have what it read. On one thread: that of the plugins' verbs.
 */

#include <stdint.h>

#include "hostmetrics/sysfs.h"

/* Zeroed = of no files, and no turn. */
struct text_share {
	struct hm_shared_text *first;
	int64_t turn; /* another number for each; 0: each reads by itself */
};

/* Of hm_text_read() and hm_text_close(), for texts that are shared. */
int text_share_read(struct hm_text *text);
void text_share_close(struct hm_text *text);

#endif
