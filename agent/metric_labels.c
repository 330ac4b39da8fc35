/* SPDX-License-Identifier: MIT */
/* The names of a metric's labels. */

#include "agent/metric_labels.h"

const char *const *metric_labels(const struct hm_metric *metric)
{
	static const char *const none[] = {NULL};

	return metric->labels ? metric->labels : none;
}
