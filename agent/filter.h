/* SPDX-License-Identifier: MIT */
#ifndef AGENT_FILTER_H
#define AGENT_FILTER_H

/*
 * Which series of a plugin are taken, as its section in agent.conf says: `include` and `exclude` are globs on the names of
 * its metrics, `include_LABEL` and `exclude_LABEL` on the values of a label. A series is taken where, of its metric's
 * name and of each label that it has, a glob of the include fits, if there are any, and none of the exclude.
 *
 * Globs are fnmatch(3)'s, with blanks between them; a blank behind a backslash belongs to its glob. What reads
 * like a glob still fits itself.
 */

#include <stdbool.h>
#include <stddef.h>

#include "hostmetrics/plugin.h"

/* Before the name of a label in a key. */
#define FILTER_INCLUDE "include"
#define FILTER_EXCLUDE "exclude"

/*
 * The labels that the metrics of a plugin have, each once.
 * @param ret_labels  NULL, or room for as many as there are; borrowed from the plugin
 * @return how many
 */
size_t filter_find_labels(const struct hm_plugin *plugin, const char *ret_labels[]);

/* Does any of its metrics have the label? */
bool filter_has_label(const struct hm_plugin *plugin, const char *label);

/* So many values has a plugin's filter: two for the names of metrics, and two for each label. */
size_t filter_count_values(const struct hm_plugin *plugin);

/* What is wrong with globs as they stand in a value, for people. @return NULL: nothing */
const char *filter_find_fault(const char *globs);

/* Does each of the globs fit a metric of the plugin? */
bool filter_fits_metrics(const char *globs, const struct hm_plugin *plugin);

struct filter;

/*
 * @param values      include, exclude, then both for each label in the order of filter_find_labels(); NULL = "";
 * copied. NULL = none at all
 * @param ret_filter  NULL where everything is taken
 * @return 0 or -ENOMEM
 */
int filter_new(const struct hm_plugin *plugin, const char *const values[],
	       struct filter **ret_filter);

/* Takes NULL. */
void filter_free(struct filter *filter);

/*
 * Is a series taken?
 * @param filter  NULL: all are
 * @param labels  the values of the metric's labels, in its order, each with its NUL
 */
bool filter_takes(const struct filter *filter, const struct hm_metric *metric, const char *labels,
		  size_t labels_bytes);

#endif
