/* SPDX-License-Identifier: MIT */
#ifndef COLLECTOR_DAEMON_H
#define COLLECTOR_DAEMON_H

/* The running collector: all its parts, put together and taken apart. */

#include "collector/settings.h"

/*
 * Run until SIGTERM or SIGINT. Says itself what is wrong.
 * @return 0 after a clean end; -errno when it could not start
 */
int daemon_run(const struct settings *settings);

#endif
