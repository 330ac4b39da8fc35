/* SPDX-License-Identifier: MIT */
#ifndef COMMON_SERIES_H
#define COMMON_SERIES_H

/*
 * The name of a series: a metric and its labels. Its canonical text is `metric{a="x",b="y"}`,
 * labels sorted by name (bytewise), in values \ " and newline written \\ \" \n, no braces without
 * labels, labels with empty value left out.
 */

#include <stddef.h>

#include "common/buffer.h"
#include "hostmetrics/format.h"
#include "hostmetrics/wire.h"

struct series_text {
	const char *start;
	size_t length;
};

struct series_label {
	struct series_text name;
	struct series_text value; /* without escapes */
};

/* A parsed name. Points into the text it was parsed from and into its own `values`. */
struct series {
	struct series_text metric;
	size_t n_labels;
	struct series_label labels[HM_LABELS_MAX];
	size_t values_length;
	char values[HM_LABEL_SET_MAX_BYTES]; /* label values that had escapes */
};

/*
 * Parse `metric{label="value",...}` or `metric;label=value;...`, or both in that order.
 * @param text    not ended by a NUL; must outlive the series
 * @param length  bytes that may be read; the name ends at the first blank or tab outside of braces.
 * Inside them, blanks between labels and a comma behind the last one are passed over, as Prometheus
 * does
 * @param ret_used  bytes of the name
 * @return HM_REASON_NONE; HM_REASON_BAD_NAME; HM_REASON_BAD_LABELS (also: a label twice);
 * HM_REASON_TOO_MANY_LABELS. Labels are sorted by name, those with empty value left out.
 */
enum hm_reason series_parse(struct series *series, const char *text, size_t length,
			    size_t *ret_used);

/* Take the label off the series. @return its value; start NULL when there is no such label */
struct series_text series_take_label(struct series *series, const char *name);

/*
 * Add a label and keep the order. Name and value are borrowed.
 * @return HM_REASON_NONE, or as series_parse(): a name twice, over the limits, not clean
 */
enum hm_reason series_add_label(struct series *series, const char *name, const char *value);

/* Append the labels' canonical text, `{...}` or nothing. */
void series_format_labels(const struct series *series, struct buffer *out);

/* Append the canonical text. */
void series_format(const struct series *series, struct buffer *out);

#endif
