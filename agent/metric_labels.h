/* SPDX-License-Identifier: MIT */
#ifndef AGENT_METRIC_LABELS_H
#define AGENT_METRIC_LABELS_H

#include "hostmetrics/plugin.h"

/* The names of a metric's labels, ended by NULL; never NULL itself. Borrowed from the metric. */
const char *const *metric_labels(const struct hm_metric *metric);

#endif
