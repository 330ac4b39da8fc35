/* SPDX-License-Identifier: MIT */
#ifndef AGENT_ONCE_H
#define AGENT_ONCE_H

/* --once: one round of every plugin, printed. */

#include "agent/host.h"
#include "agent/settings.h"

/*
 * Print one round, and say on standard error what is missing and why, and what went wrong.
 * @param format  "plain" or NULL: lines `TIME SERIES VALUE`; "prometheus", "openmetrics"
 * @return 0; -ENODATA when nothing could be read; -ENOMEM; -errno of writing
 */
int once_run(const struct settings *settings, const struct hm_host *host, const char *format);

#endif
