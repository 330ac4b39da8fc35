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

#include "agent/ctl/board.h"
#include "agent/ctl/table.h"

struct screen {
	FILE *file;       /* borrowed */
	size_t n_lines;   /* of the window */
	size_t n_columns; /* of the window */
	size_t first;     /* of the rows, which stands on top */
	size_t first_max; /* with which the last row stood below, when it was drawn */
	struct table table;
	bool is_stale;  /* what it shows was drawn for another window, or by others */
	bool ends_open; /* the cursor stands behind the last line, not below it */
};

/* Can the file be drawn on? */
bool screen_is_possible(FILE *file);

/* @param file  a terminal; borrowed until screen_done() */
void screen_init(struct screen *screen, FILE *file);

/* Release the memory. */
void screen_done(struct screen *screen);

/* What the window shows is not ours any more: the next drawing begins with an empty one. */
void screen_spoil(struct screen *screen);

/* Scroll by so many rows, or pages, to either end of what was drawn. */
void screen_scroll(struct screen *screen, int n_rows, int n_pages);

/* Scroll to the first row, or the last. */
void screen_scroll_home(struct screen *screen);
void screen_scroll_end(struct screen *screen);

/*
 * Draw what the board shows.
 * @param now_us  from when ages count
 * @param title   behind host and number of series in the first line; printable
 * @param keys    in the last line; printable; NULL = nobody types
 * @return 0 or -errno of writing
 */
int screen_draw(struct screen *screen, const struct board *board, int64_t now_us, const char *title,
		const char *keys);

/* Write a message over the first line; what was drawn stays. @return 0 or -errno */
int screen_say(struct screen *screen, const char *text);

/* Put the cursor below what was drawn. @return 0 or -errno */
int screen_leave(struct screen *screen);

#endif
