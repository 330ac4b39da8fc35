/* SPDX-License-Identifier: MIT */
#ifndef AGENT_RELOAD_H
#define AGENT_RELOAD_H

/*
 * Takes a configuration that has changed over into the running agent: reads it, says what differs,
 * hands it to the sampler, and when that has it, to all others. All of it on the main thread, which
 * never waits for the sampler: a plugin that does not come back holds up only the reload.
 */

#include <stdbool.h>

#include "agent/options.h"
#include "agent/plugin_set.h"
#include "agent/sampler.h"
#include "agent/settings.h"
#include "agent/uplink.h"
#include "common/control.h"
#include "common/loop.h"

/* What a reload reads and changes; all of it borrowed. */
struct reload_parts {
	const struct options *options;
	const struct loader *loader;
	struct settings *settings; /* in force; replaced */
	struct plugin_set *plugins;
	struct sampler *sampler;
	struct uplink *uplink;
	void (*on_reloaded)(void *context); /* other settings are in force */
	void (*on_progress)(void *context); /* an answer that waits may go on */
	void *context;
};

struct reload;

/* @return 0, -ENOMEM or -errno */
int reload_new(struct loop *loop, const struct reload_parts *parts, struct reload **ret_reload);

/* Takes NULL. The sampler must be done. */
void reload_free(struct reload *reload);

/* Read the configuration again, once the reload under way has come to its end. */
void reload_request(struct reload *reload);

/* The sampler has sent its news: it may have taken the settings. */
void reload_check(struct reload *reload);

/* The agent ends: nothing is reloaded any more. Takes NULL. */
void reload_stop(struct reload *reload);

/*
 * Answer the verb `reload`: reload, and say what has changed when it is in force.
 * @param is_dry  only say what would change
 */
void reload_answer(struct reload *reload, bool is_dry, struct control_reply *reply);

#endif
