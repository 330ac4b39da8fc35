/* SPDX-License-Identifier: MIT */
#ifndef AGENT_CTL_WATCH_H
#define AGENT_CTL_WATCH_H

/*
 * `agentctl watch`: list-metrics again and again, drawn over itself on a terminal. A daemon that
 * goes away is said once and waited for.
 */

#include "agent/ctl/options.h"

/* Until --count, SIGINT, SIGTERM or SIGHUP. @return an enum ending: of the last round, or
 * ENDING_FOUND when a person ended it */
int watch_run(const struct options *options);

#endif
