/* SPDX-License-Identifier: MIT */
#ifndef AGENT_SETTINGS_CHECK_H
#define AGENT_SETTINGS_CHECK_H

/* Which values of agent.conf can be used, beyond their types. */

#include <stdbool.h>
#include <stdint.h>

#include "agent/settings.h"
#include "common/config.h"

#define SETTINGS_INTERVAL_RULE "must be 10ms to 24h"

bool settings_is_interval(int64_t interval_us);
bool settings_is_host_name(const char *name);

/* @return what is wrong with the value that an entry of [agent] has just set, as a phrase, or NULL */
const char *settings_find_fault(const struct settings *settings, const struct config_entry *entry);

#endif
