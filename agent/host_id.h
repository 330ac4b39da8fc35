/* SPDX-License-Identifier: MIT */
#ifndef AGENT_HOST_ID_H
#define AGENT_HOST_ID_H

/*
 * Ids: of the host, of the machine, which makes the one of the host, and of the boot, as the kernel tells it.
 *
 * The id of a host is a hash of the machine's id and of the path of the spool, so that it is the same at each start, whether
 * the folder can be used or not. The file `host` of the folder has it too: a folder that is moved takes it
 * along. Behind the id that file has a hash of the machine's: on another machine it does not count.
 */

#include <stdbool.h>
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

/* Where the id of the machine is: machine-id(5). */
#define HOST_ID_MACHINE_PATH "/etc/machine-id"

/* The machine that the agent runs on. */
struct host_id_machine {
	bool is_known;
	uint8_t id[HM_ID_BYTES]; /* never to be told to anybody */
};

/* Read the id of a machine; one that cannot be read is not known. */
void host_id_read_machine(const char *path, struct host_id_machine *ret_machine);

/*
 * Make the id of a host; where the machine is not known, it is drawn.
 * @param spool  the path of its folder, as configured
 * @param name   of the host: machines that were made of one image may have one id, and hardly one name
 * @return 0 or -errno
 */
int host_id_make(const struct host_id_machine *machine, const char *spool, const char *name,
		 uint8_t ret_id[static HM_ID_BYTES]);

/*
 * The id of the host that a folder has; where that has none, one that cannot be read as such, or one of another
 * machine, it gets `id`.
 * @param folder  open
 * @return 0 or -errno
 */
int host_id_find(int folder, const struct host_id_machine *machine,
		 const uint8_t id[static HM_ID_BYTES], uint8_t ret_id[static HM_ID_BYTES]);

/* The id of this boot. @return 0 or -errno */
int host_id_read_boot(uint8_t ret_id[static HM_ID_BYTES]);

#endif
