/* SPDX-License-Identifier: MIT */
#ifndef AGENT_MONITOR_H
#define AGENT_MONITOR_H

/*
 * Devices that come and go, as udev reports them: has the plugins of their subsystem started anew.
 * Runs in the main thread's loop.
 */

#include "agent/plugin_set.h"
#include "agent/sampler.h"
#include "common/loop.h"

/* A device comes as a handful of events; the plugins are started anew once it is quiet. */
#define MONITOR_SETTLE_MS 200

struct monitor;

/*
 * @param set, sampler  borrowed until monitor_close()
 * @return 0, also when no plugin looks at a subsystem; -ENOMEM; -errno: udev cannot be asked
 */
int monitor_open(struct loop *loop, const struct plugin_set *set, struct sampler *sampler,
		 struct monitor **ret_monitor);

/* Takes NULL. */
void monitor_close(struct monitor *monitor);

#endif
