/* SPDX-License-Identifier: MIT */
#ifndef AGENT_OUTLET_FOLDER_H
#define AGENT_OUTLET_FOLDER_H

/*
 * Where the outlet has its spool: in a folder, or in memory as long as that cannot be used. The host has the same id with
 * both.
 */

#include "agent/outlet.h"

/*
 * Find the folder and the id of the host, and open the spool: in memory where what is in the folder cannot be read.
 * @return 0 or -errno: not even there
 */
int outlet_folder_begin(struct outlet *outlet);

/*
 * Write into the folder from now on, which could not be used before. What was taken so far stays in outlet->in_memory;
 * the host may have another id behind it.
 * @return 0 or -errno: all goes on in memory
 */
int outlet_folder_try(struct outlet *outlet);

/*
 * Open a spool in the folder, or without one.
 * @param awaits_segments  as in struct spool_options
 * @return as spool_open()
 */
int outlet_folder_open_spool(const struct outlet *outlet, bool awaits_segments,
			     struct spool **ret_spool);

/* Takes an outlet without a folder. */
void outlet_folder_close(struct outlet *outlet);

/* Another host name in the settings needs another epoch, which begins when the spool is opened. */
void outlet_folder_rename_host(struct outlet *outlet);

#endif
