/* SPDX-License-Identifier: MIT */
#ifndef COMMON_MATCHER_H
#define COMMON_MATCHER_H

/*
 * Conditions on the labels of a series, as in PromQL: {cpu="0",mode!="idle",device=~"sd.*"}. All of
 * them must hold. A label that is not there has the empty value. `host` is the host of the series
 * where it has no label of that name, `__name__` its metric.
 *
 * =~ and !~ take a POSIX extended regular expression (regex(7)) that must match the whole value. The
 * expression comes from a client: none is taken that could keep a thread busy, which are those with
 * back references, with long ones or with much repetition.
 */

#include <regex.h>
#include <stdbool.h>
#include <stddef.h>

#include "common/series.h"

#define MATCHER_MAX (HM_LABELS_MAX + 2) /* every label a series may have, `host` and `__name__` */

/* Of a regular expression: its bytes, and its characters when x+ is written as xx* and x{3} as xxx, which
 * is what the library does. */
#define MATCHER_REGEX_MAX_BYTES 256
#define MATCHER_REGEX_MAX_SIZE  512
#define MATCHER_REGEX_MAX_DEPTH 3 /* of repetitions in each other: the library tries all ways */

#define MATCHER_PROBLEM_BYTES 512

enum matcher_operator {
	MATCHER_EQUAL,     /* = */
	MATCHER_NOT_EQUAL, /* != */
	MATCHER_LIKE,      /* =~ */
	MATCHER_NOT_LIKE,  /* !~ */
};

struct matcher {
	struct series_text name;
	struct series_text value; /* without escapes */
	enum matcher_operator operator;
	bool has_regex;
	regex_t regex;
	size_t n_bytes; /* that it was compared with since it was compiled */
};

/* Zeroed = empty, which everything fulfils. */
struct matcher_list {
	size_t n;
	struct matcher at[MATCHER_MAX];
	char *text;       /* what names and values point into */
	size_t failed_at; /* byte of the text at which it could not be parsed */
};

/*
 * Parse `{label OP "value",...}`, blanks allowed between the words and a comma behind the last.
 * @param ret_problem  what is wrong, for people
 * @return 0; -ENOMEM; -EINVAL: these are no matchers; -EDOM: they are, with a regular expression or
 * a number of them that is not taken. On failure nothing is left to be released, and list->failed_at says
 * where.
 */
int matcher_list_parse(struct matcher_list *list, const char *text,
		       char ret_problem[static MATCHER_PROBLEM_BYTES]);

/* Do all of them hold? The library keeps what it learned of an expression: not from two threads.
 * @param host  NULL: not known, its value is empty */
bool matcher_list_takes(struct matcher_list *list, const char *host, const struct series *series);

/* Takes an empty one. */
void matcher_list_done(struct matcher_list *list);

#endif
