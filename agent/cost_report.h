/* SPDX-License-Identifier: MIT */
#ifndef AGENT_COST_REPORT_H
#define AGENT_COST_REPORT_H

/* `agentctl cost`: what each plugin costs a round, and the agent's own parts. */

#include "agent/verbs.h"

/* Answer it; on the main thread, whose clock it reads. */
void cost_report(const struct verbs *verbs, struct control_reply *reply);

#endif
