/* SPDX-License-Identifier: MIT */
#ifndef AGENT_EXPOSITION_H
#define AGENT_EXPOSITION_H

/*
 * A round in the formats of Prometheus: text 0.0.4, as node_exporter has it, and OpenMetrics 1.0. No times: what is scraped
 * gets that of the scrape. A counter whose name does not end in _total is of no type there, nor is a gauge whose name ends so: both
 * formats want that end of counters, and of no other.
 */

#include <stddef.h>

#include "common/buffer.h"

enum exposition_format {
	EXPOSITION_PROMETHEUS,
	EXPOSITION_OPENMETRICS,
};

/*
 * @param samples  as round_put() made them, in any order; those without a value are left out
 * @param out      its `failed` tells when there was no memory
 * @return the number of samples
 */
size_t exposition_format(enum exposition_format format, const char *samples, size_t length,
			 struct buffer *out);

/* What plugins can measure, as a table: a line each of plugin, name, kind, unit, labels, source and help with tabs between them. */
struct hm_plugin;
void exposition_list(const struct hm_plugin *plugin, struct buffer *out);

#endif
