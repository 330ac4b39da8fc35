/* SPDX-License-Identifier: MIT */
/* What the agent samples and how often. */

#include "agent/agenda.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/cursor.h"
#include "common/wire_schedule.h"

#define TIME_BYTES sizeof(int64_t)

struct item {
	const char *metric;
	int64_t interval_us;
};

struct list {
	struct item *items;
	size_t n_items;
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

static void add_plugin(struct list *list, struct plugin *plugin)
{
	const struct hm_plugin *table = plugin_table(plugin);
	struct plugin_stats stats;

	plugin_get_stats(plugin, &stats);
	if (stats.state == PLUGIN_DISABLED || stats.interval_us <= 0)
		return;
	for (size_t i = 0; i < table->n_metrics; i++)
		list->items[list->n_items++] = (struct item){.metric = table->metrics[i].name,
							     .interval_us = stats.interval_us};
}

/* All metrics, sorted. @return 0 or -ENOMEM */
static int list_metrics(const struct plugin_set *set, struct list *ret_list)
{
	struct list list = {.n_items = 0};
	size_t n = 0;

	for (size_t i = 0; i < set->n_plugins; i++)
		n += plugin_table(set->plugins[i])->n_metrics;
	/* One more than needed: calloc(0) may answer NULL. */
	list.items = calloc(n + 1, sizeof(*list.items));
	if (!list.items)
		return -ENOMEM;
	for (size_t i = 0; i < set->n_plugins; i++)
		add_plugin(&list, set->plugins[i]);
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

/* Do they say the same, whenever that began? */
static bool is_same(const struct buffer *a, const struct buffer *b)
{
	return a->length == b->length && a->length >= TIME_BYTES &&
	       memcmp(a->data + TIME_BYTES, b->data + TIME_BYTES, a->length - TIME_BYTES) == 0;
}

int agenda_update(struct agenda *agenda, const struct plugin_set *set,
		  const struct agenda_terms *terms)
{
	struct buffer body = {0};
	struct list list;
	int result = list_metrics(set, &list);

	if (result < 0)
		return result;
	format(&list, terms, &body);
	free(list.items);
	if (buffer_failed(&body) || is_same(&body, &agenda->body)) {
		result = buffer_failed(&body) ? -ENOMEM : 0;
		buffer_done(&body);
		return result;
	}
	buffer_done(&agenda->body);
	agenda->body = body;
	agenda->is_owed = true;
	return 0;
}
