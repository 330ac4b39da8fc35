/* SPDX-License-Identifier: MIT */
#ifndef COLLECTOR_DAEMON_H
#define COLLECTOR_DAEMON_H

/* The running collector: all its parts, put together and taken apart. */

#include "collector/settings.h"

/*
 * Run until SIGTERM or SIGINT; at SIGHUP and when asked to, read the configuration again. Says itself
 * what is wrong.
 * @param options   with which the configuration is read again
 * @param settings  replaced by a reload; the caller releases what is there in the end
 * @return 0 after a clean end; -errno when it could not start
 */
int daemon_run(const struct settings_options *options, struct settings *settings);

#endif
