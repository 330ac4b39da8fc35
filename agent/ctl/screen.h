/* SPDX-License-Identifier: MIT */
#ifndef AGENT_CTL_SCREEN_H
#define AGENT_CTL_SCREEN_H

/*
 * A table that fills the window of a terminal and is drawn over itself. Between two drawings the
 * terminal is as it was, so there is nothing to restore, however the program ends.
 */

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "agent/ctl/answer.h"
#include "agent/ctl/table.h"

struct screen {
	FILE *file;       /* borrowed */
	size_t n_lines;   /* of the window */
	size_t n_columns; /* of the window */
	int64_t now_us;
	struct answer_columns columns;
	struct table table;
	size_t n_rows;  /* all that came, shown or not */
	char *host;     /* of the first row */
	bool has_hosts; /* there is more than this one */
	bool is_stale;  /* what it shows was drawn for another window */
	bool ends_open; /* the cursor stands behind the last line, not below it */
};

/* Can the file be drawn on? */
bool screen_is_possible(FILE *file);

/* @param file  a terminal; borrowed until screen_done() */
void screen_init(struct screen *screen, FILE *file);

/* Release the memory. */
void screen_done(struct screen *screen);

/* Begin a table: forget the last one, look how large the window is. */
void screen_begin(struct screen *screen, int64_t now_us);

/* The window has another size: the next drawing begins with an empty one. */
void screen_resize(struct screen *screen);

/* Takes an answer of list-metrics; its context is the screen. */
extern const struct answer_handler screen_handler;

/*
 * Draw the table.
 * @param title  behind host and number of series in the first line
 * @return 0 or -errno of writing
 */
int screen_draw(struct screen *screen, const char *title);

/* Write a message over the first line; what was drawn stays. @return 0 or -errno */
int screen_say(struct screen *screen, const char *text);

/* Put the cursor below what was drawn. @return 0 or -errno */
int screen_leave(struct screen *screen);

#endif
