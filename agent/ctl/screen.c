/* SPDX-License-Identifier: MIT */
/* A table that fills the window of a terminal and is drawn over itself. */

#include "agent/ctl/screen.h"

#include <errno.h>
#include <stdint.h>
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

/* The lines of title, headings and keys. */
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
}

void screen_spoil(struct screen *screen)
{
	screen->is_stale = true;
}

static void look_at_window(struct screen *screen)
{
	struct winsize window = {0};

	(void)ioctl(fileno(screen->file), TIOCGWINSZ, &window);
	screen->n_lines = window.ws_row > 0 ? window.ws_row : DEFAULT_LINES;
	screen->n_columns = window.ws_col > 0 ? window.ws_col : DEFAULT_COLUMNS;
}

/* How many rows the window holds. */
static size_t n_places(const struct screen *screen)
{
	return screen->n_lines > OTHER_LINES ? screen->n_lines - OTHER_LINES : 0;
}

void screen_scroll(struct screen *screen, int n_rows, int n_pages)
{
	int64_t n = n_rows + n_pages * (int64_t)n_places(screen);

	if (n < 0 && (size_t)-n > screen->first)
		screen->first = 0;
	else
		screen->first += (size_t)n;
	if (screen->first > screen->first_max)
		screen->first = screen->first_max;
}

void screen_scroll_home(struct screen *screen)
{
	screen->first = 0;
}

void screen_scroll_end(struct screen *screen)
{
	screen->first = screen->first_max;
}

static void add_column(struct screen *screen, const struct answer_column *column, bool has_hosts)
{
	bool is_age = cell_is_age(column);
	char heading[ANSWER_NAME_MAX_BYTES];
	struct table_column *shown;

	cell_format_heading(column, heading);
	shown = table_add_column(&screen->table, is_age ? "AGE" : heading);
	shown->is_right = column->type == ANSWER_NUMBER || is_age;
	shown->can_give = strcmp(column->name, "series") == 0;
	shown->is_hidden = strcmp(column->name, "kind") == 0 ||
			   (strcmp(column->name, "host") == 0 && !has_hosts);
}

static int add_row(struct screen *screen, const struct answer_columns *columns, char *const words[],
		   int64_t now_us)
{
	struct buffer cell = {0};
	int error = 0;

	for (size_t i = 0; i < columns->n; i++) {
		buffer_clear(&cell);
		if (cell_is_age(&columns->at[i]))
			cell_append_age(&cell, words[i], now_us);
		else
			cell_append_readable(&cell, &columns->at[i], words[i]);
		table_add_cell(&screen->table, buffer_text(&cell));
		if (buffer_failed(&cell))
			error = -ENOMEM;
	}
	buffer_done(&cell);
	return error;
}

/* Put the rows that the window holds into the table. @return -ENOMEM, or how many they are */
static int fill_table(struct screen *screen, const struct board *board, int64_t now_us)
{
	const struct answer_columns *columns = &board->rows.columns;
	size_t n = n_places(screen);
	int error = 0;

	if (n > board->n_shown)
		n = board->n_shown;
	screen->first_max = board->n_shown - n;
	if (screen->first > screen->first_max)
		screen->first = screen->first_max;
	table_clear(&screen->table);
	for (size_t i = 0; i < columns->n; i++)
		add_column(screen, &columns->at[i], !board_only_host(board));
	for (size_t i = 0; i < n && error == 0; i++)
		error = add_row(screen, columns, board_words(board, screen->first + i), now_us);
	return error < 0 ? error : (int)n;
}

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

static void append_title(const struct screen *screen, struct buffer *out, const struct board *board,
			 const char *title)
{
	const char *host = board_only_host(board);
	struct buffer line = {0};

	if (host) {
		cell_append_safe(&line, host);
		buffer_append_text(&line, ": ");
	}
	if (board->n_shown < board->rows.n)
		buffer_printf(&line, "%zu of ", board->n_shown);
	buffer_printf(&line, "%zu series, %s", board->rows.n, title);
	append_line(screen, out, buffer_text(&line));
	buffer_append_byte(out, '\n');
	buffer_done(&line);
}

/* The last line, not ended: which rows these are, what the keys do. @return was it written? */
static bool append_footer(const struct screen *screen, struct buffer *out, size_t n,
			  const struct board *board, const char *keys)
{
	struct buffer line = {0};

	if (n < board->n_shown && keys) {
		buffer_printf(&line, "%zu-%zu of %zu  ", screen->first + (n > 0), screen->first + n,
			      board->n_shown);
	} else if (n < board->n_shown) {
		buffer_printf(&line,
			      "and %zu more: choose with a GLOB, as in agentctl watch "
			      "'node_load*'",
			      board->n_shown - n);
	}
	buffer_append_text(&line, keys ? keys : "");
	if (line.length > 0)
		append_line(screen, out, buffer_text(&line));
	n = line.length;
	buffer_done(&line);
	return n > 0;
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

int screen_draw(struct screen *screen, const struct board *board, int64_t now_us, const char *title,
		const char *keys)
{
	struct buffer out = {0};
	int n;

	look_at_window(screen);
	n = fill_table(screen, board, now_us);
	if (n < 0)
		return n;
	buffer_append_text(&out, CURSOR_HIDE CURSOR_HOME);
	if (screen->is_stale)
		buffer_append_text(&out, ERASE_BELOW);
	append_title(screen, &out, board, title);
	if (board->n_shown > 0) {
		table_write_headings(&screen->table, usable_columns(screen), ERASE_LINE "\n", &out);
		table_write_rows(&screen->table, usable_columns(screen), ERASE_LINE "\n", &out);
	}
	screen->ends_open = append_footer(screen, &out, (size_t)n, board, keys);
	buffer_append_text(&out, ERASE_BELOW CURSOR_SHOW);
	screen->is_stale = false;
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
