/* SPDX-License-Identifier: MIT */
#ifndef AGENT_ONCE_H
#define AGENT_ONCE_H

/* --once: one round of every plugin, printed. */

#include "agent/host.h"
#include "agent/settings.h"

/*
 * Print one round as lines `TIME SERIES VALUE`, and say on standard error what is missing and why,
 * and what went wrong.
 * @return 0; -ENODATA when nothing could be read; -ENOMEM; -errno of writing
 */
int once_run(const struct settings *settings, const struct hm_host *host);

#endif
