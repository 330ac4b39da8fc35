/* SPDX-License-Identifier: MIT */
#ifndef AGENT_CTL_SNAPSHOT_H
#define AGENT_CTL_SNAPSHOT_H

/* `agentctl snapshot`: the collector makes a copy of its store. */

#include "agent/ctl/options.h"

/* @return an enum ending */
int snapshot_run(const struct options *options);

#endif
