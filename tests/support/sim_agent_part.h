/* SPDX-License-Identifier: MIT */
#ifndef TESTS_SUPPORT_SIM_AGENT_PART_H
#define TESTS_SUPPORT_SIM_AGENT_PART_H

/* What the sources of an agent of a simulation have in common. */

#include "tests/support/sim_agent.h"

/* Has the process come to the point where it ends? What it still does has not happened. */
bool sim_agent_is_dead(const struct sim_agent *agent);

/* -- sim_agent_link.c -------------------------------------------------------------------------- */

/* Go on with the connection, or the next try. */
void sim_agent_run_link(struct sim_agent *agent, int64_t now_us);

/* When there is something to do for it. */
int64_t sim_agent_link_due_us(const struct sim_agent *agent);

/* @return 0 or -EPIPE */
int sim_agent_write_output(struct sim_agent *agent, int64_t now_us);

void sim_agent_drop_connection(struct sim_agent *agent, int64_t now_us);

#endif
