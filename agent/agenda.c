/* SPDX-License-Identifier: MIT */
/* What the agent samples and how often. */

#include "agent/agenda.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/spool.h"
#include "common/crc32c.h"
#include "common/cursor.h"
#include "common/wire_schedule.h"

#define TIME_BYTES sizeof(int64_t)

/* Of an entry, before its text. */
#define ENTRY_BYTES (sizeof(uint64_t) + sizeof(uint16_t))

/* A message has so much for them, behind its time and how often it is sent. */
#define ENTRIES_MAX_BYTES (SPOOL_BODY_MAX_BYTES - TIME_BYTES - ENTRY_BYTES)

struct item {
	const char *metric;
	int64_t interval_us;
};

struct list {
	struct item *items;
	size_t n_items;
	size_t n_bytes; /* of their entries */
};

void agenda_done(struct agenda *agenda)
{
	buffer_done(&agenda->body);
	*agenda = (struct agenda){.is_owed = false};
}

static int compare_items(const void *left, const void *right)
{
	return strcmp(((const struct item *)left)->metric, ((const struct item *)right)->metric);
}

static size_t entry_bytes(const char *metric)
{
	return ENTRY_BYTES + strlen(metric);
}

/* @return how often a plugin is asked; 0: never */
static int64_t find_interval(struct plugin *plugin)
{
	struct plugin_stats stats;

	plugin_get_stats(plugin, &stats);
	return stats.state == PLUGIN_DISABLED ? 0 : stats.interval_us;
}

static void add_item(struct list *list, const char *metric, int64_t interval_us)
{
	list->items[list->n_items++] = (struct item){metric, interval_us};
	list->n_bytes += entry_bytes(metric);
}

static void add_plugin(struct list *list, struct plugin *plugin)
{
	const struct hm_plugin *table = plugin_table(plugin);
	int64_t interval_us = find_interval(plugin);

	for (size_t i = 0; i < table->n_metrics && interval_us > 0; i++)
		add_item(list, table->metrics[i].name, interval_us);
}

/* What was made, the newest first. */
struct made {
	const struct hm_metric *newest;
	const struct hm_plugin *owner; /* of that */
	size_t n_metrics;
	size_t n_bytes; /* of all of them */
};

static struct made find_made(const struct plugin_set *set)
{
	const struct hm_plugin *owner = NULL;
	struct made made = {.newest = metric_registry_next(set->registry, NULL, &owner)};

	made.owner = owner;
	for (const struct hm_metric *metric = made.newest; metric;
	     metric = metric_registry_next(set->registry, metric, &owner)) {
		made.n_metrics++;
		made.n_bytes += entry_bytes(metric->name);
	}
	return made;
}

static int64_t find_owner_interval(const struct plugin_set *set, const struct hm_plugin *owner)
{
	for (size_t i = 0; i < set->n_plugins; i++) {
		if (plugin_table(set->plugins[i]) == owner)
			return find_interval(set->plugins[i]);
	}
	return 0;
}

/* Those that were there first stay, so that none comes and goes. */
static void add_made(struct list *list, const struct plugin_set *set, const struct made *made)
{
	const struct hm_metric *metric = made->newest;
	const struct hm_plugin *owner = made->owner;
	size_t n_left_bytes = made->n_bytes;

	while (metric) {
		int64_t interval_us = find_owner_interval(set, owner);

		if (interval_us > 0 && list->n_bytes + n_left_bytes <= ENTRIES_MAX_BYTES)
			add_item(list, metric->name, interval_us);
		n_left_bytes -= entry_bytes(metric->name);
		metric = metric_registry_next(set->registry, metric, &owner);
	}
}

/* All metrics, sorted. @return 0 or -ENOMEM */
static int list_metrics(const struct plugin_set *set, struct list *ret_list)
{
	const struct made made = find_made(set);
	struct list list = {.n_items = 0};
	size_t n = made.n_metrics;

	for (size_t i = 0; i < set->n_plugins; i++)
		n += plugin_table(set->plugins[i])->n_metrics;
	/* One more than needed: calloc(0) may answer NULL. */
	list.items = calloc(n + 1, sizeof(*list.items));
	if (!list.items)
		return -ENOMEM;
	for (size_t i = 0; i < set->n_plugins; i++)
		add_plugin(&list, set->plugins[i]);
	add_made(&list, set, &made);
	qsort(list.items, list.n_items, sizeof(*list.items), compare_items);
	*ret_list = list;
	return 0;
}

/* The body of a SCHEDULE. */
static void format(const struct list *list, const struct agenda_terms *terms, struct buffer *out)
{
	const char *before = "";

	cursor_put_u64(out, (uint64_t)terms->since_us);
	if (terms->ship_interval_us > 0)
		wire_schedule_put_ship(out, (uint64_t)terms->ship_interval_us);
	for (size_t i = 0; i < list->n_items; i++) {
		const struct wire_schedule_entry entry = {
			.interval_us = (uint64_t)list->items[i].interval_us,
			.metric = {list->items[i].metric, strlen(list->items[i].metric)},
		};

		if (strcmp(before, list->items[i].metric) != 0)
			wire_schedule_put_entry(out, &entry);
		before = list->items[i].metric;
	}
}

/* What it says, whenever that began. */
static struct agenda_sum sum_up(const struct buffer *body)
{
	return (struct agenda_sum){
		.n_bytes = body->length,
		.crc = crc32c(0, body->data + TIME_BYTES, body->length - TIME_BYTES),
	};
}

int agenda_update(struct agenda *agenda, const struct plugin_set *set,
		  const struct agenda_terms *terms)
{
	struct buffer body = {0};
	struct agenda_sum sum;
	struct list list;
	int result = list_metrics(set, &list);

	if (result < 0)
		return result;
	format(&list, terms, &body);
	free(list.items);
	if (buffer_failed(&body)) {
		buffer_done(&body);
		return -ENOMEM;
	}
	sum = sum_up(&body);
	if (sum.n_bytes == agenda->sum.n_bytes && sum.crc == agenda->sum.crc) {
		buffer_done(&body);
		return 0;
	}
	agenda_done(agenda);
	*agenda = (struct agenda){.body = body, .sum = sum, .is_owed = true};
	return 0;
}

void agenda_written(struct agenda *agenda)
{
	buffer_done(&agenda->body);
	agenda->is_owed = false;
}
