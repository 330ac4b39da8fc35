/* SPDX-License-Identifier: MIT */
#ifndef AGENT_CTL_IMPORT_H
#define AGENT_CTL_IMPORT_H

/* `agentctl import`: samples out of a file into the store of a collector. */

#include "agent/ctl/options.h"

/* @return an enum ending; ENDING_FAILED also when a line was refused */
int import_run(const struct options *options);

#endif
