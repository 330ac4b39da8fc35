/* SPDX-License-Identifier: MIT */
#ifndef AGENT_CTL_IMPORT_PARSER_H
#define AGENT_CTL_IMPORT_PARSER_H

/*
 * Reads the lines of what is imported, in one of the formats that export writes (export_format.h) or in
 * Prometheus' text format with times. No descriptors here. The bytes may be anything.
 */

#include <stdbool.h>
#include <stdint.h>

#include "common/buffer.h"
#include "common/series.h"

/* A line is at most this long, its newline not counted. */
#define IMPORT_LINE_MAX_BYTES 65536

enum import_verdict {
	IMPORT_NOTHING, /* a header, a comment, an empty line */
	IMPORT_SAMPLE,
	IMPORT_REFUSED, /* parser->problem says why */
	IMPORT_FAILED,  /* there is no memory */
};

struct import_sample {
	struct buffer host; /* empty: none is named */
	struct buffer unit;
	struct buffer series; /* canonical */
	enum hm_stored_kind kind;
	int64_t time_us;
	double value;
};

struct import_parser;
struct import_metric;

struct import_format {
	const char *name;
	enum import_verdict (*take)(struct import_parser *parser, const char *line, size_t length);
};

extern const struct import_format import_csv;
extern const struct import_format import_jsonl;
extern const struct import_format import_openmetrics;
extern const struct import_format import_prometheus;

/* Their names, ended by NULL. */
extern const char *const import_names[];

#define IMPORT_CSV_COLUMNS 6

struct import_parser {
	const struct import_format *format; /* NULL: the first line tells */
	struct import_sample sample;        /* after IMPORT_SAMPLE */
	const char *problem;
	struct series series; /* scratch */
	struct buffer text;   /* scratch */
	/* CSV: what stands in which field; the first line says so. */
	bool has_header;
	unsigned int n_fields;
	unsigned int field_of[IMPORT_CSV_COLUMNS];
	/* OpenMetrics and Prometheus. */
	struct buffer family; /* of the declarations */
	enum hm_stored_kind kind;
	struct buffer unit;
	struct import_metric *all_metrics;
	void *metrics;   /* what was told of metrics of hosts: a tree of tsearch(3) */
	bool knows_unit; /* of the times: */
	bool is_in_ms;   /* they are milliseconds */
	bool has_ended;  /* there was an # EOF */
};

/* The format of that name, or NULL. */
const struct import_format *import_find_format(const char *name);

/* @param format  NULL: the first line tells */
void import_parser_init(struct import_parser *parser, const struct import_format *format);

void import_parser_done(struct import_parser *parser);

/* Take the next line, without its newline. */
enum import_verdict import_parser_take(struct import_parser *parser, const char *line,
				       size_t length);

/* Of import_openmetrics.c: release what was told of metrics. Takes NULL. */
void import_metrics_free(struct import_metric *metric);

/* -- for the formats ------------------------------------------------------------------------------- */

/* @return IMPORT_REFUSED */
enum import_verdict import_refuse(struct import_parser *parser, const char *problem);

/* Read a value: a number, or NaN(0x and 16 hexadecimal digits). @return 0 or -EINVAL */
int import_parse_value(const char *text, size_t length, double *ret_value);

/* Read a kind; what is not known is unknown. */
enum hm_stored_kind import_parse_kind(const char *text, size_t length);

/* Take over a series that was parsed, with all its labels; it must have no label `host`. */
enum import_verdict import_take_series(struct import_parser *parser);

#endif
