/* SPDX-License-Identifier: MIT */
/* The metrics that plugins make while they run. */

#include "agent/metric_registry.h"

#include <errno.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "agent/contract.h"
#include "agent/host.h"
#include "agent/metric_labels.h"

struct made_metric {
	struct hm_metric metric; /* the first member: what the plugin is given */
	const struct hm_plugin *owner;
	const struct made_metric *before; /* that was made before it; NULL: none was */
	const char *labels[];             /* of the metric, and behind them its texts */
};

int metric_registry_init(struct metric_registry *registry, size_t capacity)
{
	/* One more than needed: calloc(0) may answer NULL. */
	*registry = (struct metric_registry){
		.tables = calloc(capacity + 1, sizeof(const struct hm_plugin *)),
	};
	if (!registry->tables)
		return -ENOMEM;
	pthread_mutex_init(&registry->lock, NULL);
	return 0;
}

void metric_registry_add_table(struct metric_registry *registry, const struct hm_plugin *table)
{
	registry->tables[registry->n_tables++] = table;
}

void metric_registry_done(struct metric_registry *registry)
{
	if (!registry->tables)
		return;
	tdestroy(registry->tree, free);
	pthread_mutex_destroy(&registry->lock);
	free((void *)registry->tables);
	*registry = (struct metric_registry){.n_tables = 0};
}

static int compare_labels(const struct hm_metric *left, const struct hm_metric *right)
{
	const char *const *a = metric_labels(left);
	const char *const *b = metric_labels(right);
	int order = 0;

	for (; *a && *b && order == 0; a++, b++)
		order = strcmp(*a, *b);
	return order == 0 ? (*a != NULL) - (*b != NULL) : order;
}

/* Help and source do not tell metrics apart: the first ones stay. */
static int compare(const void *left, const void *right)
{
	const struct hm_metric *a = left;
	const struct hm_metric *b = right;
	int order = strcmp(a->name, b->name);

	if (order == 0)
		order = (int)a->kind - (int)b->kind;
	if (order == 0)
		order = strcmp(a->unit, b->unit);
	return order != 0 ? order : compare_labels(a, b);
}

static int compare_names(const void *left, const void *right)
{
	return strcmp(((const struct hm_metric *)left)->name,
		      ((const struct hm_metric *)right)->name);
}

static const struct made_metric *find(const struct metric_registry *registry,
				      const struct hm_metric *metric,
				      int (*order)(const void *, const void *))
{
	void *node = tfind(metric, &registry->tree, order);

	return node ? *(const struct made_metric **)node : NULL;
}

size_t metric_registry_count(struct metric_registry *registry)
{
	size_t n_metrics;

	if (!registry)
		return 0;
	pthread_mutex_lock(&registry->lock);
	n_metrics = registry->n_metrics;
	pthread_mutex_unlock(&registry->lock);
	return n_metrics;
}

const struct hm_metric *metric_registry_next(struct metric_registry *registry,
					     const struct hm_metric *before,
					     const struct hm_plugin **ret_owner)
{
	const struct made_metric *made;

	if (!registry)
		return NULL;
	if (before) {
		made = ((const struct made_metric *)before)->before;
	} else {
		pthread_mutex_lock(&registry->lock);
		made = registry->newest;
		pthread_mutex_unlock(&registry->lock);
	}
	if (!made)
		return NULL;
	*ret_owner = made->owner;
	return &made->metric;
}

bool metric_registry_has(struct metric_registry *registry, const struct hm_plugin *owner,
			 const struct hm_metric *metric)
{
	const struct made_metric *made;

	if (!registry)
		return false;
	pthread_mutex_lock(&registry->lock);
	made = find(registry, metric, compare);
	pthread_mutex_unlock(&registry->lock);
	return made && &made->metric == metric && made->owner == owner;
}

static bool is_in_a_table(const struct metric_registry *registry, const char *name)
{
	for (size_t i = 0; i < registry->n_tables; i++) {
		const struct hm_plugin *table = registry->tables[i];

		for (size_t j = 0; j < table->n_metrics; j++) {
			if (strcmp(table->metrics[j].name, name) == 0)
				return true;
		}
	}
	return false;
}

static const char *keep_text(char **at, const char *text)
{
	const char *kept = *at;

	*at = stpcpy(*at, text) + 1;
	return kept;
}

/* @return NULL without memory */
static struct made_metric *copy(const struct hm_metric *metric, const struct hm_plugin *owner)
{
	const char *const *labels = metric_labels(metric);
	size_t n_bytes = strlen(metric->name) + strlen(metric->unit) + strlen(metric->help) +
			 strlen(metric->source) + 4;
	size_t n_labels = 0;
	struct made_metric *made;
	char *at;

	for (; labels[n_labels]; n_labels++)
		n_bytes += strlen(labels[n_labels]) + 1;
	made = calloc(1, sizeof(*made) + (n_labels + 1) * sizeof(made->labels[0]) + n_bytes);
	if (!made)
		return NULL;
	at = (char *)(made->labels + n_labels + 1);
	made->owner = owner;
	made->metric.kind = metric->kind;
	made->metric.name = keep_text(&at, metric->name);
	made->metric.unit = keep_text(&at, metric->unit);
	made->metric.help = keep_text(&at, metric->help);
	made->metric.source = keep_text(&at, metric->source);
	made->metric.labels = made->labels;
	for (size_t i = 0; i < n_labels; i++)
		made->labels[i] = keep_text(&at, labels[i]);
	return made;
}

/* Under the lock. */
static int add(struct metric_registry *registry, const struct hm_plugin *owner,
	       const struct hm_metric *metric, const struct made_metric **ret_made)
{
	char reason[CONTRACT_REASON_MAX_BYTES];
	const struct made_metric *namesake = find(registry, metric, compare_names);
	struct made_metric *made;

	if (contract_check_metric(owner, metric, reason) < 0)
		return -EINVAL;
	/* The tables are searched only for a name that is new. */
	if (namesake ? namesake->owner != owner : is_in_a_table(registry, metric->name))
		return -EEXIST;
	if (registry->n_metrics == METRIC_REGISTRY_MAX)
		return -ENOSPC;
	made = copy(metric, owner);
	if (!made || !tsearch(made, &registry->tree, compare)) {
		free(made);
		return -ENOMEM;
	}
	made->before = registry->newest;
	registry->newest = made;
	registry->n_metrics++;
	*ret_made = made;
	return 0;
}

int hm_metric_new(const struct hm_host *host, const struct hm_metric *metric,
		  const struct hm_metric **ret_metric)
{
	struct metric_registry *registry = host->registry;
	const struct made_metric *made;
	int result = 0;

	if (!registry)
		return -ENOSPC;
	if (!metric->name || !metric->unit)
		return -EINVAL;
	pthread_mutex_lock(&registry->lock);
	made = find(registry, metric, compare);
	if (made && made->owner != host->plugin)
		result = -EEXIST;
	else if (!made)
		result = add(registry, host->plugin, metric, &made);
	pthread_mutex_unlock(&registry->lock);
	if (result == 0)
		*ret_metric = &made->metric;
	return result;
}
