/* SPDX-License-Identifier: MIT */
#ifndef AGENT_CTL_OUTPUT_H
#define AGENT_CTL_OUTPUT_H

/* The rows of an answer, written in one of several formats. */

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "agent/ctl/answer.h"
#include "agent/ctl/table.h"
#include "common/buffer.h"

struct output;

/* A format appends to output->text; output.c writes it out. */
struct output_format {
	const char *name;
	void (*begin)(struct output *output); /* the columns are known */
	void (*row)(struct output *output, char *const words[]);
	void (*end)(struct output *output);
	const char *nothing; /* the whole output when there are no columns */
};

/* The formats of -o. */
extern const struct output_format output_table;
extern const struct output_format output_plain;
extern const struct output_format output_json;
extern const struct output_format output_csv;

/* Their names, ended by NULL. */
extern const char *const output_names[];

/* The format of that name, or NULL. */
const struct output_format *output_find_format(const char *name);

struct output {
	const struct output_format *format;
	FILE *file;     /* borrowed */
	bool wants_age; /* a table shows how long ago the column `time` was */
	int64_t now_us;
	bool has_columns;
	struct answer_columns columns;
	size_t n_rows;
	struct buffer text; /* not written yet */
	struct table table; /* output_table.c */
	bool is_flowing;
	int error; /* -errno of the first write that failed */
};

/* Begin one document. @param file  borrowed until output_done() */
void output_init(struct output *output, const struct output_format *format, FILE *file);

/* Take the columns, once. @return 0, -ENOMEM or -errno of writing */
int output_begin(struct output *output, const struct answer_columns *columns);

/* Take one row. @return as output_begin() */
int output_row(struct output *output, char *const words[]);

/* Complete the document and flush the file. @return as output_begin() */
int output_end(struct output *output);

/* Flush what there is without completing the document: it broke off. @return as output_begin() */
int output_break(struct output *output);

void output_done(struct output *output);

#endif
