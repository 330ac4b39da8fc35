/* SPDX-License-Identifier: MIT */
/* A table that fills the window of a terminal and is drawn over itself. */

#include "agent/ctl/screen.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "agent/ctl/cell.h"
#include "agent/ctl/utf8.h"

#define CURSOR_HIDE    "\033[?25l"
#define CURSOR_SHOW    "\033[?25h"
#define CURSOR_HOME    "\033[H"
#define CURSOR_SAVE    "\0337"
#define CURSOR_RESTORE "\0338"
#define ERASE_LINE     "\033[K"
#define ERASE_BELOW    "\033[J"

#define DEFAULT_LINES   24
#define DEFAULT_COLUMNS 80

/* The lines of title, headings and "... more". */
#define OTHER_LINES 3

bool screen_is_possible(FILE *file)
{
	const char *terminal = getenv("TERM");

	return isatty(fileno(file)) && terminal && *terminal != '\0' &&
	       strcmp(terminal, "dumb") != 0;
}

void screen_init(struct screen *screen, FILE *file)
{
	memset(screen, 0, sizeof(*screen));
	screen->file = file;
}

void screen_done(struct screen *screen)
{
	table_done(&screen->table);
	free(screen->host);
	screen->host = NULL;
}

void screen_begin(struct screen *screen, int64_t now_us)
{
	struct winsize window = {0};

	(void)ioctl(fileno(screen->file), TIOCGWINSZ, &window);
	screen->n_lines = window.ws_row > 0 ? window.ws_row : DEFAULT_LINES;
	screen->n_columns = window.ws_col > 0 ? window.ws_col : DEFAULT_COLUMNS;
	screen->now_us = now_us;
	screen->n_rows = 0;
	screen->has_hosts = false;
	free(screen->host);
	screen->host = NULL;
	table_clear(&screen->table);
}

void screen_resize(struct screen *screen)
{
	screen->is_stale = true;
}

static int take_columns(void *context, const struct answer_columns *columns)
{
	struct screen *screen = context;

	screen->columns = *columns;
	for (size_t i = 0; i < columns->n; i++) {
		const struct answer_column *column = &columns->at[i];
		bool is_age = cell_is_age(column);
		char heading[ANSWER_NAME_MAX_BYTES];
		struct table_column *shown;

		cell_format_heading(column, heading);
		shown = table_add_column(&screen->table, is_age ? "AGE" : heading);
		shown->is_right = column->type == ANSWER_NUMBER || is_age;
		shown->can_give = strcmp(column->name, "series") == 0;
		shown->is_hidden = strcmp(column->name, "kind") == 0;
	}
	return 0;
}

static int note_host(struct screen *screen, char *const words[])
{
	size_t at = answer_find(&screen->columns, "host");
	const char *host = at < screen->columns.n ? words[at] : NULL;

	if (!host)
		return 0;
	if (screen->host) {
		screen->has_hosts |= strcmp(screen->host, host) != 0;
		return 0;
	}
	screen->host = strdup(host);
	return screen->host ? 0 : -ENOMEM;
}

static int take_row(void *context, char *const words[])
{
	struct screen *screen = context;
	int error = note_host(screen, words);

	if (error < 0)
		return error;
	screen->n_rows++;
	if (table_n_rows(&screen->table) + OTHER_LINES >= screen->n_lines)
		return 0;
	for (size_t i = 0; i < screen->columns.n; i++) {
		const struct answer_column *column = &screen->columns.at[i];
		struct buffer cell = {0};

		if (cell_is_age(column))
			cell_append_age(&cell, words[i], screen->now_us);
		else
			cell_append_readable(&cell, column, words[i]);
		table_add_cell(&screen->table, buffer_text(&cell));
		if (buffer_failed(&cell))
			error = -ENOMEM;
		buffer_done(&cell);
	}
	return error;
}

static int take_note(void *context, const char *text)
{
	(void)context;
	(void)text;
	return 0;
}

const struct answer_handler screen_handler = {
	.columns = take_columns,
	.row = take_row,
	.note = take_note,
};

/* A terminal that has filled its last column would erase it again with the rest of the line. */
static size_t usable_columns(const struct screen *screen)
{
	return screen->n_columns > 1 ? screen->n_columns - 1 : 1;
}

static void append_line(const struct screen *screen, struct buffer *out, const char *text)
{
	buffer_append(out, text, utf8_fit(text, strlen(text), usable_columns(screen)));
	buffer_append_text(out, ERASE_LINE);
}

static void append_title(const struct screen *screen, struct buffer *out, const char *title)
{
	struct buffer line = {0};

	if (screen->host && !screen->has_hosts) {
		cell_append_safe(&line, screen->host);
		buffer_append_text(&line, ": ");
	}
	buffer_printf(&line, "%zu series, %s", screen->n_rows, title);
	append_line(screen, out, buffer_text(&line));
	buffer_append_byte(out, '\n');
	buffer_done(&line);
}

static void append_more(const struct screen *screen, struct buffer *out, size_t n_more)
{
	struct buffer line = {0};

	buffer_printf(&line, "and %zu more: choose with a GLOB, as in agentctl watch 'node_load*'",
		      n_more);
	append_line(screen, out, buffer_text(&line));
	buffer_done(&line);
}

static int write_out(struct screen *screen, struct buffer *out)
{
	int error = 0;

	errno = 0;
	if (buffer_failed(out))
		error = -ENOMEM;
	else if (fwrite(out->data, 1, out->length, screen->file) < out->length ||
		 fflush(screen->file) != 0)
		error = errno > 0 ? -errno : -EIO;
	buffer_done(out);
	return error;
}

int screen_draw(struct screen *screen, const char *title)
{
	struct buffer out = {0};
	size_t n_more = screen->n_rows - table_n_rows(&screen->table);
	size_t host = answer_find(&screen->columns, "host");

	if (host < screen->table.n_columns)
		screen->table.columns[host].is_hidden = !screen->has_hosts;
	buffer_append_text(&out, CURSOR_HIDE CURSOR_HOME);
	if (screen->is_stale)
		buffer_append_text(&out, ERASE_BELOW);
	append_title(screen, &out, title);
	if (screen->n_rows > 0) {
		table_write_headings(&screen->table, usable_columns(screen), ERASE_LINE "\n", &out);
		table_write_rows(&screen->table, usable_columns(screen), ERASE_LINE "\n", &out);
	}
	if (n_more > 0)
		append_more(screen, &out, n_more);
	buffer_append_text(&out, ERASE_BELOW CURSOR_SHOW);
	screen->is_stale = false;
	screen->ends_open = n_more > 0;
	return write_out(screen, &out);
}

int screen_say(struct screen *screen, const char *text)
{
	struct buffer out = {0};
	struct buffer line = {0};

	cell_append_safe(&line, text);
	buffer_append_text(&out, CURSOR_SAVE CURSOR_HOME);
	append_line(screen, &out, buffer_text(&line));
	buffer_append_text(&out, CURSOR_RESTORE);
	buffer_done(&line);
	return write_out(screen, &out);
}

int screen_leave(struct screen *screen)
{
	struct buffer out = {0};

	if (!screen->ends_open)
		return 0;
	screen->ends_open = false;
	buffer_append_byte(&out, '\n');
	return write_out(screen, &out);
}
