/* SPDX-License-Identifier: MIT */
#ifndef AGENT_CTL_EXPORT_H
#define AGENT_CTL_EXPORT_H

/* `agentctl export`: all samples of some series, as text that `agentctl import` takes. */

#include "agent/ctl/options.h"

/* @return an enum ending */
int export_run(const struct options *options);

#endif
