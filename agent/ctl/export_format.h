/* SPDX-License-Identifier: MIT */
#ifndef AGENT_CTL_EXPORT_FORMAT_H
#define AGENT_CTL_EXPORT_FORMAT_H

/*
 * The formats that `export` writes, and `import` reads: a sample as text, exactly. Nothing here writes to
 * a file.
 */

#include <stdbool.h>
#include <stdint.h>

#include "common/buffer.h"

/* A sample, or with `value` NULL what is said of a metric of a host. All texts are borrowed. */
struct export_sample {
	const char *host;
	const char *metric;
	const char *labels; /* canonical: {a="b"}, "" without any */
	const char *kind;   /* gauge, counter, or "" */
	const char *unit;
	bool is_shared;     /* kind and unit are the same on all hosts */
	bool is_new_series; /* another one than that of the sample before */
	int64_t time_us;
	const char *value; /* as number_format() writes it */
	const char *bits;  /* of a NaN that is not the usual one, 16 hexadecimal digits; or NULL */
};

/* What a format remembers from one sample to the next. */
struct export_state {
	struct buffer family;  /* whose declarations were written; empty = none yet */
	struct buffer series;  /* the text of the series as it stands in each line */
	int64_t last_time_us;  /* of the series */
	uint32_t n_same_time;  /* samples of it with that time, but for the first */
	bool has_metrics_head; /* OpenMetrics: the declarations of what is said of metrics */
};

struct export_format {
	const char *name;
	bool by_metric; /* all hosts of a metric beside each other; and metrics are told first */
	void (*begin)(struct buffer *out);
	void (*sample)(struct export_state *state, const struct export_sample *sample,
		       struct buffer *out);
	void (*end)(struct buffer *out);
};

extern const struct export_format export_csv;
extern const struct export_format export_jsonl;
extern const struct export_format export_openmetrics;

/* Their names, ended by NULL. */
extern const char *const export_names[];

/* The format of that name, or NULL. */
const struct export_format *export_find_format(const char *name);

void export_state_done(struct export_state *state);

/* Append a value as CSV and JSON strings have it: a NaN that is not the usual one as NaN(0x...). */
void export_append_value(struct buffer *out, const struct export_sample *sample);

#endif
