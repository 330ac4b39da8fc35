/* SPDX-License-Identifier: MIT */
#ifndef AGENT_CTL_OPENMETRICS_H
#define AGENT_CTL_OPENMETRICS_H

/* What OpenMetrics takes for a name, and how we say in it what it has no words for. */

#include <stdbool.h>
#include <stddef.h>

/* The info metric that tells host, kind, metric and unit where TYPE and UNIT cannot. */
#define OPENMETRICS_METRIC "hostmetrics_metric"

/* "_total" */
#define OPENMETRICS_TOTAL_BYTES 6

/* Decimals of a time, and with what stands behind them: the number among samples of one time, and the
 * bits of a NaN. */
#define OPENMETRICS_TIME_DECIMALS 6
#define OPENMETRICS_SAME_DIGITS   10
#define OPENMETRICS_BITS_DIGITS   20

/* Need they no quotes? */
bool openmetrics_is_metric_name(const char *name, size_t length);
bool openmetrics_is_label_name(const char *name, size_t length);

/* Does it end in _total, and in more than that? */
bool openmetrics_is_total(const char *name, size_t length);

/* Can it be the unit of a family of that name, which then ends in it? */
bool openmetrics_is_unit_of(const char *name, size_t length, const char *unit);

#endif
