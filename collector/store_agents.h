/* SPDX-License-Identifier: MIT */
#ifndef COLLECTOR_STORE_AGENTS_H
#define COLLECTOR_STORE_AGENTS_H

/* The store as sessions of agents know it. One object for each reactor. */

#include "collector/agent_session.h"

struct store;
struct store_agents;

/* @param store  borrowed. @return 0 or -ENOMEM */
int store_agents_new(struct store *store, struct store_agents **ret_agents);

/* Takes NULL. */
void store_agents_free(struct store_agents *agents);

/* For one thread's sessions; borrowed. */
const struct agent_store *store_agents_table(const struct store_agents *agents);

#endif
