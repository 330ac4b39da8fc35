/* SPDX-License-Identifier: MIT */
#ifndef AGENT_METRIC_REGISTRY_H
#define AGENT_METRIC_REGISTRY_H

/*
 * The metrics that plugins make while they run (hm_metric_new() of hostmetrics/plugin.h), beside those of their
 * tables. Rounds that another thread has not yet written refer to them, so none is given up before the agent ends.
 */

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#include "hostmetrics/plugin.h"

/* All plugins together make at most this many: names may come from files that invent new ones for ever. */
#define METRIC_REGISTRY_MAX 10000

struct made_metric;

/* One for all plugins; plugins of several threads use it. Zeroed = not initialised. */
struct metric_registry {
	pthread_mutex_t lock;
	const struct hm_plugin **tables; /* whose metrics' names are taken */
	size_t n_tables;
	void *tree; /* of tsearch(3), by name, then kind, unit and labels */
	const struct made_metric *newest;
	size_t n_metrics;
};

/* @param capacity  how many tables will be added. @return 0 or -ENOMEM */
int metric_registry_init(struct metric_registry *registry, size_t capacity);

/* Take a plugin's own metrics into account. @param table  borrowed */
void metric_registry_add_table(struct metric_registry *registry, const struct hm_plugin *table);

/* All plugins have been stopped, and no round refers to them any more. Takes a zeroed one. */
void metric_registry_done(struct metric_registry *registry);

/* How many were made so far. @param registry  NULL: none */
size_t metric_registry_count(struct metric_registry *registry);

/*
 * Go through what was made, from the newest on; what is made meanwhile comes before that.
 * @param before     the one that was found last; NULL: begin
 * @param ret_owner  the plugin that has made it
 * @return NULL: there are no more
 */
const struct hm_metric *metric_registry_next(struct metric_registry *registry,
					     const struct hm_metric *before,
					     const struct hm_plugin **ret_owner);

/* Was it made by this plugin? @param registry  NULL: nobody makes any */
bool metric_registry_has(struct metric_registry *registry, const struct hm_plugin *owner,
			 const struct hm_metric *metric);

#endif
