/* SPDX-License-Identifier: MIT */
#ifndef AGENT_HOST_ID_H
#define AGENT_HOST_ID_H

/* Ids as text: of the host, in the file `host` of the spool's folder, and of the boot, as the kernel tells it. */

#include <stddef.h>
#include <stdint.h>

#include "hostmetrics/format.h"

/* With its newline. */
#define HOST_ID_TEXT_BYTES (2 * HM_ID_BYTES + 1)

/*
 * Read 32 hexadecimal digits, with dashes between them or without; a newline may end them.
 * @return 0 or -EBADMSG: they are something else, or all zeros
 */
int host_id_parse(const char *text, size_t length, uint8_t ret_id[static HM_ID_BYTES]);

/* Write them, without dashes, with a newline. */
void host_id_format(const uint8_t id[static HM_ID_BYTES], char out[static HOST_ID_TEXT_BYTES]);

/* Draw one. @return 0 or -errno */
int host_id_draw(uint8_t ret_id[static HM_ID_BYTES]);

/*
 * The id of the host that a folder has; where that has none, or one that cannot be read as such, it gets a new one.
 * @param folder  open
 * @return 0 or -errno
 */
int host_id_find(int folder, uint8_t ret_id[static HM_ID_BYTES]);

/* The id of this boot. @return 0 or -errno */
int host_id_read_boot(uint8_t ret_id[static HM_ID_BYTES]);

#endif
