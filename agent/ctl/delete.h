/* SPDX-License-Identifier: MIT */
#ifndef AGENT_CTL_DELETE_H
#define AGENT_CTL_DELETE_H

#include "agent/ctl/options.h"

/* Show what would be deleted, ask on the terminal, and delete it. @return an enum ending */
int delete_run(const struct options *options);

#endif
