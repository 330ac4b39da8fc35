/* SPDX-License-Identifier: MIT */
#ifndef AGENT_VERBS_H
#define AGENT_VERBS_H

/* What agentctl can ask of an agent: list-metrics, get, status, queue, list-plugins, cost, input, reload. */

#include <stdint.h>

#include "agent/loader.h"
#include "agent/outlet.h"
#include "agent/plugin_set.h"
#include "agent/queue.h"
#include "agent/reload.h"
#include "agent/sampler.h"
#include "agent/settings.h"
#include "common/control_server.h"

/* What the answers are about; all of it borrowed. */
struct verbs {
	const struct settings *settings;
	const struct loader *loader;
	const struct hm_host *host;
	const struct plugin_set *plugins;
	struct sampler *sampler;
	struct queue *queue;
	const struct outlet *outlet;
	struct reload *reload;
	int64_t start_us; /* monotonic */
};

/* For control_server_open(); its context is a struct verbs. */
extern const struct control_verb verbs_table[];

#endif
