/* SPDX-License-Identifier: MIT */
#ifndef AGENT_HOST_H
#define AGENT_HOST_H

/* What a plugin is told about where it runs (struct hm_host of hostmetrics/plugin.h). */

#include <stdbool.h>

#include "hostmetrics/plugin.h"

struct hm_host {
	const char *root; /* "" = the running system; else the folder of proc/ and sys/; borrowed */
	int root_fd;      /* that folder; -1 on the running system */
	/* Whose options these are, and one text for each of them (NULL = fallback); both may be NULL. */
	const struct hm_plugin *plugin;
	const char *const *option_values;
	struct input *input; /* what hm_open_input() opens; NULL = nothing can be opened */
	struct metric_registry *registry; /* where hm_metric_new() keeps metrics; NULL = nowhere */
	struct text_share *texts; /* that other plugins read too; NULL = each reads by itself */
	bool *is_short; /* becomes true where hm_open() lacked descriptors or memory; NULL = nowhere */
};

/*
 * @param root  "" or "/" for the running system
 * @return 0 or -errno of opening the folder
 */
int host_init(struct hm_host *host, const char *root);

/* Could a file be opened now? */
bool host_has_room(void);

/* Takes a zeroed host whose init failed. */
void host_done(struct hm_host *host);

#endif
