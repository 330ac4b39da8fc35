/* SPDX-License-Identifier: MIT */
#ifndef AGENT_DAEMON_H
#define AGENT_DAEMON_H

/* The running agent: everything that plays together until a signal ends it. */

#include "agent/host.h"
#include "agent/loader.h"
#include "agent/settings.h"

/*
 * Run until SIGTERM or SIGINT; at SIGHUP and when asked to, read the configuration again. What goes
 * wrong is told in the log.
 * Where a plugin is stuck in a verb at the end, this does not return: it ends the process.
 * @param options   with which the configuration is read again
 * @param settings  replaced by a reload; the caller releases what is there in the end
 * @return 0 after a signal; -errno when it could not start
 */
int daemon_run(const struct options *options, struct settings *settings,
	       const struct loader *loader, const struct hm_host *host);

#endif
