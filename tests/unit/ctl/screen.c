/* SPDX-License-Identifier: MIT */
/* Tests of agent/ctl/screen.c. */

#include "agent/ctl/screen.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "agent/ctl/utf8.h"

#define TEXT_MAX_BYTES 65536

static int terminal_fd; /* what the screen draws on, seen from the other side */
static FILE *file;
static struct screen screen;
static struct board board;

static void setup(void)
{
	struct winsize window = {.ws_row = 6, .ws_col = 60};
	int fd;

	cr_assert(setlocale(LC_CTYPE, "C.UTF-8"));
	cr_assert_eq(setenv("TERM", "xterm", 1), 0);
	terminal_fd = posix_openpt(O_RDWR | O_NOCTTY);
	cr_assert(terminal_fd >= 0 && grantpt(terminal_fd) == 0 && unlockpt(terminal_fd) == 0);
	cr_assert_eq(ioctl(terminal_fd, TIOCSWINSZ, &window), 0);
	fd = open(ptsname(terminal_fd), O_RDWR | O_NOCTTY);
	cr_assert(fd >= 0);
	file = fdopen(fd, "w");
	screen_init(&screen, file);
}

static void teardown(void)
{
	screen_done(&screen);
	board_done(&board);
	(void)fclose(file);
	(void)close(terminal_fd);
}

TestSuite(screen, .init = setup, .fini = teardown, .timeout = 60);

/* What was drawn since, without carriage returns. */
static const char *drawn(void)
{
	static char text[TEXT_MAX_BYTES];
	char bytes[4096];
	size_t length = 0;
	ssize_t n;

	cr_assert_eq(fcntl(terminal_fd, F_SETFL, O_NONBLOCK), 0);
	while ((n = read(terminal_fd, bytes, sizeof(bytes))) > 0) {
		for (ssize_t i = 0; i < n && length < TEXT_MAX_BYTES - 1; i++) {
			if (bytes[i] != '\r')
				text[length++] = bytes[i];
		}
	}
	text[length] = '\0';
	return text;
}

static void feed(const char *rows)
{
	struct answer answer;
	struct buffer text = {0};

	buffer_append_text(&text, "columns\trows\thost:text\tseries:text\tkind:text\tunit:text\t"
				  "value:number\ttime:time\n");
	buffer_append_text(&text, rows);
	buffer_append_text(&text, "end\tok\n");
	board_begin(&board);
	answer_init(&answer, &board_handler, &board);
	cr_assert_eq(answer_feed(&answer, text.data, text.length), 1);
	board_end(&board);
	cr_assert_eq(board_arrange(&board, NULL, &(struct board_order){0}), 0);
	answer_done(&answer);
	buffer_done(&text);
}

static int draw(const char *keys)
{
	return screen_draw(&screen, &board, 13000000, "now", keys);
}

Test(screen, needs_a_terminal_that_can)
{
	FILE *null = fopen("/dev/null", "w");

	cr_expect(screen_is_possible(file));
	cr_expect_not(screen_is_possible(null));
	setenv("TERM", "dumb", 1);
	cr_expect_not(screen_is_possible(file));
	unsetenv("TERM");
	cr_expect_not(screen_is_possible(file));
	(void)fclose(null);
}

Test(screen, names_the_only_host_above_the_table)
{
	feed("row\tweb01\tx\tgauge\tcelsius\t21.5\t1000000\n");
	cr_assert_eq(draw(NULL), 0);
	cr_expect_str_eq(drawn(), "\033[?25l\033[H"
				  "web01: 1 series, now\033[K\n"
				  "SERIES  UNIT     VALUE  RATE  AGE\033[K\n"
				  "x       celsius   21.5     -  12s\033[K\n"
				  "\033[J\033[?25h");
	cr_assert_eq(screen_leave(&screen), 0);
	cr_expect_str_eq(drawn(), "", "the cursor stands below already");
}

Test(screen, names_several_hosts_in_it)
{
	feed("row\tweb01\tx\tgauge\t\t1\t1000000\nrow\tweb02\tx\tgauge\t\t1\t1000000\n");
	cr_assert_eq(draw(NULL), 0);
	cr_expect(strstr(drawn(), "H2 series, now\033[K\nHOST   SERIES"));
}

Test(screen, shows_what_fits_and_counts_the_rest)
{
	feed("row\th\ta\tgauge\t\t1\t0\nrow\th\tb\tgauge\t\t1\t0\nrow\th\tc\tgauge\t\t1\t0\n"
	     "row\th\td\tgauge\t\t1\t0\nrow\th\te\tgauge\t\t1\t0\n");
	cr_assert_eq(draw(NULL), 0);
	cr_expect(strstr(drawn(), "\nand 2 more: "));
	cr_assert_eq(screen_leave(&screen), 0);
	cr_expect_str_eq(drawn(), "\n", "the last line had none, not to scroll");
}

Test(screen, counts_hosts_that_it_does_not_show)
{
	feed("row\th\ta\tgauge\t\t1\t0\nrow\th\tb\tgauge\t\t1\t0\nrow\th\tc\tgauge\t\t1\t0\n"
	     "row\tother\td\tgauge\t\t1\t0\n");
	cr_assert_eq(draw(NULL), 0);
	cr_expect(strstr(drawn(), "HOST"));
}

Test(screen, stays_inside_any_window)
{
	static const char rows[] =
		"row\thost\ta_series_with_a_long_name{and=\"labels\"}\tgauge\tcelsius\t123456.789\t0\n"
		"row\thost\tb\tgauge\t\t1\t0\nrow\thost\tc\tgauge\t\t1\t0\n"
		"row\thost\td\tgauge\t\t1\t0\n";

	for (unsigned short n_lines = 1; n_lines < 8; n_lines++) {
		for (unsigned short n_columns = 1; n_columns < 70; n_columns++) {
			struct winsize window = {.ws_row = n_lines, .ws_col = n_columns};
			const char *line;

			cr_assert_eq(ioctl(terminal_fd, TIOCSWINSZ, &window), 0);
			feed(rows);
			cr_assert_eq(draw(NULL), 0);
			line = strstr(drawn(), "\033[H");
			cr_assert_not_null(line);
			for (line += 3; *line; line += strcspn(line, "\n"), line += *line == '\n') {
				size_t length = strcspn(line, "\033\n");

				cr_assert(utf8_columns(line, length) <=
						  (n_columns > 1 ? n_columns - 1U : 1U),
					  "%u columns: %.*s", n_columns, (int)length, line);
			}
		}
	}
}

Test(screen, needs_no_more_lines_than_there_are)
{
	for (unsigned short n_lines = 4; n_lines < 12; n_lines++) {
		struct winsize window = {.ws_row = n_lines, .ws_col = 80};
		struct buffer rows = {0};
		const char *at;
		unsigned int n_newlines = 0;

		for (int i = 0; i < 20; i++)
			buffer_printf(&rows, "row\th\ts%d\tgauge\t\t1\t0\n", i);
		cr_assert_eq(ioctl(terminal_fd, TIOCSWINSZ, &window), 0);
		feed(buffer_text(&rows));
		cr_assert_eq(draw(NULL), 0);
		for (at = drawn(); (at = strchr(at, '\n')); at++)
			n_newlines++;
		cr_expect_eq(n_newlines, n_lines - 1U, "%u lines", n_lines);
		buffer_done(&rows);
	}
}

Test(screen, lets_no_name_control_the_terminal)
{
	feed("row\t\033]0;host\007\tx\033[31m\tgauge\t\t1\t0\n");
	cr_assert_eq(draw(NULL), 0);
	cr_expect(strstr(drawn(), "\\x1b]0;host\\x07: 1 series"));
}

Test(screen, says_something_over_the_first_line)
{
	feed("");
	cr_assert_eq(draw(NULL), 0);
	(void)drawn();
	cr_assert_eq(screen_say(&screen, "gone\033[2J"), 0);
	cr_expect_str_eq(drawn(), "\0337\033[Hgone\\x1b[2J\033[K\0338");
}

Test(screen, is_emptied_when_the_window_changes)
{
	feed("");
	screen_spoil(&screen);
	cr_assert_eq(draw(NULL), 0);
	cr_expect_str_eq(drawn(), "\033[?25l\033[H\033[J0 series, now\033[K\n\033[J\033[?25h");
	cr_assert_eq(draw(NULL), 0);
	cr_expect_str_eq(drawn(), "\033[?25l\033[H0 series, now\033[K\n\033[J\033[?25h");
}

/* Six lines hold three rows. */
static void expect_rows(const char *first, const char *footer)
{
	const char *text;

	cr_assert_eq(draw("keys"), 0);
	text = drawn();
	cr_expect(strstr(text, first), "%s: %s", first, text);
	cr_expect(strstr(text, footer), "%s: %s", footer, text);
}

Test(screen, scrolls_and_stops_at_both_ends)
{
	feed("row\th\ta\tgauge\t\t1\t0\nrow\th\tb\tgauge\t\t1\t0\nrow\th\tc\tgauge\t\t1\t0\n"
	     "row\th\td\tgauge\t\t1\t0\nrow\th\te\tgauge\t\t1\t0\n");
	expect_rows("AGE\033[K\na ", "\n1-3 of 5  keys");
	screen_scroll(&screen, 1, 0);
	expect_rows("AGE\033[K\nb ", "\n2-4 of 5  keys");
	screen_scroll(&screen, 0, 1);
	expect_rows("AGE\033[K\nc ", "\n3-5 of 5  keys");
	screen_scroll(&screen, -1, 0);
	expect_rows("AGE\033[K\nb ", "\n2-4 of 5  keys");
	screen_scroll(&screen, 0, -1);
	expect_rows("AGE\033[K\na ", "\n1-3 of 5  keys");
	screen_scroll_end(&screen);
	screen_scroll(&screen, 1, 0);
	screen_scroll(&screen, -1, 0);
	expect_rows("AGE\033[K\nb ", "\n2-4 of 5  keys");
	screen_scroll_home(&screen);
	expect_rows("AGE\033[K\na ", "\n1-3 of 5  keys");
}

Test(screen, tells_what_the_keys_do_in_its_last_line)
{
	feed("row\th\ta\tgauge\t\t1\t0\n");
	cr_assert_eq(draw("keys"), 0);
	cr_expect(strstr(drawn(), "\nkeys\033[K\033[J"));
	cr_assert_eq(screen_leave(&screen), 0);
	cr_expect_str_eq(drawn(), "\n");
}

Test(screen, counts_what_is_shown_of_all)
{
	feed("row\th\ta\tgauge\t\t1\t0\nrow\th\tb\tgauge\t\t1\t0\n");
	cr_assert_eq(board_arrange(&board, "b", &(struct board_order){0}), 0);
	cr_assert_eq(draw(NULL), 0);
	cr_expect(strstr(drawn(), "h: 1 of 2 series, now"));
}
