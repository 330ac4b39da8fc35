/* SPDX-License-Identifier: MIT */
#ifndef PLUGINS_TEXTFILE_LINE_H
#define PLUGINS_TEXTFILE_LINE_H

/* A line of Prometheus' text format (version 0.0.4): `name{label="value",...} number`, or a comment. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hostmetrics/plugin.h"
#include "hostmetrics/sysfs.h"

#define TEXTFILE_NAME_MAX_BYTES   201 /* with its NUL */
#define TEXTFILE_LABELS_MAX_BYTES 4096

enum textfile_type {
	TEXTFILE_UNTYPED,
	TEXTFILE_GAUGE,
	TEXTFILE_COUNTER,
	TEXTFILE_SUMMARY,
	TEXTFILE_HISTOGRAM,
};

/* Zeroed at the start of a file. */
struct textfile_line {
	bool is_sample; /* the rest holds only then */
	enum hm_kind kind;
	double value; /* may be infinite or NaN */
	char name[TEXTFILE_NAME_MAX_BYTES];
	size_t n_labels;
	const char *labels[HM_METRIC_LABELS_MAX + 1]; /* sorted; names and values lie in `texts` */
	const char *values[HM_METRIC_LABELS_MAX + 1]; /* ended by NULL */
	char texts[TEXTFILE_LABELS_MAX_BYTES];
	size_t n_text_bytes;
	/* What the last comment `# TYPE family type` said. */
	char family[TEXTFILE_NAME_MAX_BYTES];
	enum textfile_type type;
};

/*
 * Read the next line of a file. A label `host` becomes `exported_host`: host is the agent's own.
 * @return 0; -EINVAL: not in the format, or with a time of its own, which is nothing that is measured now; -E2BIG: more
 * or longer labels than a metric may have
 */
int textfile_line_parse(struct textfile_line *line, struct hm_span text);

/* What tells the sample's series from others; never 0. */
uint64_t textfile_line_hash(const struct textfile_line *line);

#endif
