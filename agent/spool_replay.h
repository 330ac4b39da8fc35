/* SPDX-License-Identifier: MIT */
#ifndef AGENT_SPOOL_REPLAY_H
#define AGENT_SPOOL_REPLAY_H

/* What the records of a spool that is opened say, one after the other. */

#include <stdbool.h>
#include <stdint.h>

#include "agent/spool_part.h"
#include "common/log_file.h"

/* Begin with the epochs that a STATE has. @return 0; -EBADMSG; -ENOMEM */
int spool_replay_state(struct spool *spool, const struct log_record *record);

/*
 * Take a record; in the order of their positions.
 * @param is_durable  it was so when the spool was last used. What was not counts only if it is the next of its
 * epoch, and is to be written again
 * @return 0 or -ENOMEM
 */
int spool_replay_record(struct spool *spool, const struct log_record *record, bool is_durable);

/*
 * That was all: what is missing becomes GAPs, and epochs with nothing left go.
 * @param ret_is_uncertain  set where the last epoch must not go on
 * @return 0 or -ENOMEM
 */
int spool_replay_end(struct spool *spool, bool *ret_is_uncertain);

#endif
