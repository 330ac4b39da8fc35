/* SPDX-License-Identifier: MIT */
#ifndef AGENT_CTL_ANSWER_H
#define AGENT_CTL_ANSWER_H

/*
 * A daemon's answer (hostmetrics/control.h), read line by line as its bytes come and checked before
 * anybody sees it. No descriptors here.
 */

#include <stdbool.h>
#include <stddef.h>

#include "common/buffer.h"
#include "common/control.h"

/* A line is at most this long, its newline included. */
#define ANSWER_LINE_MAX_BYTES 65536

/* The name of a column is lower case, digits and '_', and at most this long with its NUL. */
#define ANSWER_NAME_MAX_BYTES 64

enum answer_type {
	ANSWER_TEXT, /* also what a newer daemon may call otherwise */
	ANSWER_NUMBER,
	ANSWER_TIME,
	ANSWER_DURATION,
};

enum answer_status {
	ANSWER_OK,
	ANSWER_NONE,
	ANSWER_USAGE,
	ANSWER_FAILED,
};

struct answer_column {
	char name[ANSWER_NAME_MAX_BYTES];
	enum answer_type type;
};

struct answer_columns {
	bool is_record;
	size_t n;
	struct answer_column at[CONTROL_WORDS_MAX];
};

/* What to do with the parts of an answer; each returns 0, or -errno to have no more of it. */
struct answer_handler {
	/* Once, before the first row. @param columns  borrowed until answer_done() */
	int (*columns)(void *context, const struct answer_columns *columns);
	/* @param words  one a column, NULL = no value; numbers are numbers, times are integers;
	 * borrowed for the call */
	int (*row)(void *context, char *const words[]);
	int (*note)(void *context, const char *text);
};

struct answer {
	const struct answer_handler *handler;
	void *context;
	struct buffer line; /* what came of a line that is not whole */
	bool has_begun;
	bool has_columns;
	struct answer_columns columns;
	size_t n_rows;
	bool has_ended;
	enum answer_status status; /* when it has ended */
	char *text;                /* the end's text, or NULL */
	const char *problem;       /* after -EPROTO: what is wrong with the answer, for people */
};

/* @param handler, context  borrowed until answer_done() */
void answer_init(struct answer *answer, const struct answer_handler *handler, void *context);

/*
 * Take the next bytes of the connection.
 * @return 1: the answer has ended; 0: there must be more; -EPROTO: not an answer (`problem`);
 * -ENOMEM; what a handler returned
 */
int answer_feed(struct answer *answer, const char *bytes, size_t length);

void answer_done(struct answer *answer);

/* The index of the column of that name, or columns->n. */
size_t answer_find(const struct answer_columns *columns, const char *name);

#endif
