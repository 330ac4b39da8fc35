/* SPDX-License-Identifier: MIT */
#ifndef COLLECTOR_VERBS_H
#define COLLECTOR_VERBS_H

/* What agentctl can ask of a collector. */

#include <stdbool.h>
#include <stdint.h>

#include "collector/answer.h"
#include "collector/endpoint.h"
#include "collector/rejects.h"
#include "collector/store.h"
#include "collector/traffic.h"
#include "collector/worker.h"
#include "common/control_server.h"

/* The context of every verb. All of it is borrowed. */
struct verbs {
	const char *hostname;
	const char *store_path;
	int64_t start_us; /* CLOCK_MONOTONIC */
	struct store *store;
	struct workers *workers;
	struct answer_limits answer_limits;
	struct rejects *rejects; /* lines; connections are in traffic->closed */
	struct traffic *traffic;
	const struct endpoint *endpoint;
	void (*reload)(void *daemon, bool is_dry, struct control_reply *reply);
	void *daemon;
	const struct control_server *control; /* set once it is open */
};

/* For control_server_open(), with a struct verbs as context. */
extern const struct control_verb verbs_table[];

#endif
