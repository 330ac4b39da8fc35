/* SPDX-License-Identifier: MIT */
/* `agentctl watch`: list-metrics again and again. */

#include "agent/ctl/watch.h"

#include <bsd/string.h>
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "agent/ctl/ask.h"
#include "agent/ctl/board.h"
#include "agent/ctl/keyboard.h"
#include "agent/ctl/screen.h"
#include "agent/ctl/view.h"
#include "agent/ctl/zone.h"
#include "common/message.h"
#include "common/timestamp.h"

struct watch {
	const struct options *options;
	struct buffer request;
	struct target target;
	int signals_fd;
	int events_fd; /* epoll: signals and keys */
	bool is_drawn; /* on a screen, not printed */
	struct keyboard keyboard;
	struct screen screen;
	struct board board;
	struct view view;
	bool has_shown; /* at least one table */
	bool is_away;   /* that the daemon went was said: */
	struct buffer trouble;
	bool is_over;
	bool is_interrupted; /* by a person: over too */
	int ending;
};

/* What a screen and a keyboard need more: a new size, a pause, and no way out that is not ours. */
static const int screen_signals[] = {SIGQUIT, SIGWINCH, SIGTSTP, SIGCONT};

/* A descriptor that tells of the signals, which no longer interrupt anything. */
static int open_signals(struct watch *watch)
{
	sigset_t signals;

	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGHUP);
	for (size_t i = 0; watch->is_drawn && i < sizeof(screen_signals) / sizeof(int); i++)
		sigaddset(&signals, screen_signals[i]);
	if (sigprocmask(SIG_BLOCK, &signals, NULL) < 0)
		return -errno;
	watch->signals_fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
	return watch->signals_fd < 0 ? -errno : 0;
}

static int add_event(const struct watch *watch, int fd)
{
	struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};

	return epoll_ctl(watch->events_fd, EPOLL_CTL_ADD, fd, &event) < 0 ? -errno : 0;
}

/* Keys are taken while this process is in the foreground. */
static void start_keys(struct watch *watch)
{
	if (!watch->is_drawn || watch->keyboard.is_open || keyboard_open(&watch->keyboard) < 0)
		return;
	if (add_event(watch, watch->keyboard.fd) < 0)
		keyboard_close(&watch->keyboard);
}

static void stop_keys(struct watch *watch)
{
	if (watch->keyboard.is_open)
		(void)epoll_ctl(watch->events_fd, EPOLL_CTL_DEL, watch->keyboard.fd, NULL);
	keyboard_close(&watch->keyboard);
}

static int watch_init(struct watch *watch, const struct options *options)
{
	int error;

	memset(watch, 0, sizeof(*watch));
	watch->options = options;
	watch->view.order = options->order;
	(void)strlcpy(watch->view.filter, options->filter ? options->filter : "",
		      sizeof(watch->view.filter));
	target_init(&watch->target, options->verb->scope, options->socket);
	screen_init(&watch->screen, stdout);
	keyboard_init(&watch->keyboard, STDIN_FILENO);
	watch->is_drawn = screen_is_possible(stdout) && !(options->given & OPTIONS_OUTPUT);
	watch->events_fd = -1;
	error = open_signals(watch);
	if (error < 0)
		return error;
	watch->events_fd = epoll_create1(EPOLL_CLOEXEC);
	return watch->events_fd < 0 ? -errno : add_event(watch, watch->signals_fd);
}

static void watch_done(struct watch *watch)
{
	stop_keys(watch);
	target_close(&watch->target);
	screen_done(&watch->screen);
	board_done(&watch->board);
	buffer_done(&watch->request);
	buffer_done(&watch->trouble);
	if (watch->signals_fd >= 0)
		(void)close(watch->signals_fd);
	if (watch->events_fd >= 0)
		(void)close(watch->events_fd);
}

static void append_title(const struct watch *watch, int64_t now_us, struct buffer *out)
{
	char interval[TIMESTAMP_TEXT_MAX_BYTES];

	zone_append_readable(out, now_us);
	duration_format(watch->options->interval_us, interval);
	buffer_printf(out, ", every %s", interval);
	view_append_order(&watch->view, out);
	if (!watch->keyboard.is_open)
		buffer_append_text(out, " (Ctrl-C ends)");
}

/* Arrange and draw what there is. @return an enum ending */
static int draw(struct watch *watch)
{
	int64_t now_us = timestamp_now_us();
	struct buffer title = {0};
	struct buffer keys = {0};
	int error = board_arrange(&watch->board, watch->view.filter, &watch->view.order);

	append_title(watch, now_us, &title);
	view_append_keys(&watch->view, &keys);
	if (error == 0) {
		error = screen_draw(&watch->screen, &watch->board, now_us, buffer_text(&title),
				    watch->keyboard.is_open ? buffer_text(&keys) : NULL);
	}
	if (error == 0 && watch->is_away)
		error = screen_say(&watch->screen, buffer_text(&watch->trouble));
	buffer_done(&title);
	buffer_done(&keys);
	if (error < 0) {
		watch->is_over = true;
		return ask_unwritable(error);
	}
	return watch->board.n_shown > 0 ? ENDING_FOUND : ENDING_NONE;
}

/* Print what there is, each time a whole document. @return an enum ending */
static int print(struct watch *watch, const struct answer *answer)
{
	const struct output_format *format =
		watch->options->format ? watch->options->format : &output_table;
	struct output output;
	int error = board_arrange(&watch->board, watch->view.filter, &watch->view.order);

	if (watch->has_shown && format != &output_plain)
		(void)fputc('\n', stdout);
	output_init(&output, format, stdout);
	output.wants_age = true;
	output.now_us = timestamp_now_us();
	if (error == 0 && answer->has_columns)
		error = output_begin(&output, &watch->board.rows.columns);
	for (size_t i = 0; i < watch->board.n_shown && error == 0; i++)
		error = output_row(&output, board_words(&watch->board, i));
	if (error == 0)
		error = output_end(&output);
	output_done(&output);
	if (error < 0) {
		watch->is_over = true;
		return ask_unwritable(error);
	}
	if (answer->status == ANSWER_OK && watch->board.n_shown == 0) {
		message_error("nothing matches '%s'", watch->view.filter);
		return ENDING_NONE;
	}
	return ask_conclude(watch->options, &watch->target, answer);
}

static int show_failure(struct watch *watch, const struct answer *answer)
{
	if (!watch->is_drawn)
		return ask_conclude(watch->options, &watch->target, answer);
	(void)screen_say(&watch->screen, answer->text ? answer->text : "the daemon failed");
	return ENDING_FAILED;
}

/* The answer is whole. @return an enum ending */
static int show(struct watch *watch, const struct answer *answer)
{
	watch->is_away = false;
	if (answer->status == ANSWER_USAGE)
		return ask_conclude(watch->options, &watch->target, answer);
	if (answer->status == ANSWER_FAILED)
		return show_failure(watch, answer);
	board_end(&watch->board);
	return watch->is_drawn ? draw(watch) : print(watch, answer);
}

/* Rest as the shell wants it, and go on when it is over. */
static void pause_watch(struct watch *watch)
{
	sigset_t stop;

	stop_keys(watch);
	(void)screen_leave(&watch->screen);
	sigemptyset(&stop);
	sigaddset(&stop, SIGTSTP);
	(void)raise(SIGTSTP);
	/* Here it comes; where no shell could continue us the kernel lets it pass. */
	(void)sigprocmask(SIG_UNBLOCK, &stop, NULL);
	(void)sigprocmask(SIG_BLOCK, &stop, NULL);
	start_keys(watch);
	screen_spoil(&watch->screen);
}

/* @return must it be drawn anew? */
static bool take_signal(struct watch *watch, uint32_t number)
{
	switch (number) {
	case SIGTSTP:
		pause_watch(watch);
		return true;
	case SIGCONT:
		/* Stopped by something else, perhaps: the shell may have changed the terminal. */
		stop_keys(watch);
		start_keys(watch);
		screen_spoil(&watch->screen);
		return true;
	case SIGWINCH:
		screen_spoil(&watch->screen);
		return true;
	default:
		watch->is_interrupted = true;
		return false;
	}
}

/* @return did it move? */
static bool take_scrolling(struct screen *screen, int key)
{
	switch (key) {
	case KEYBOARD_UP:
	case KEYBOARD_DOWN:
		screen_scroll(screen, key == KEYBOARD_UP ? -1 : 1, 0);
		return true;
	case KEYBOARD_PAGE_UP:
	case KEYBOARD_PAGE_DOWN:
		screen_scroll(screen, 0, key == KEYBOARD_PAGE_UP ? -1 : 1);
		return true;
	case KEYBOARD_HOME:
		screen_scroll_home(screen);
		return true;
	case KEYBOARD_END:
		screen_scroll_end(screen);
		return true;
	default:
		return false;
	}
}

/* @return must it be drawn anew? */
static bool take_key(struct watch *watch, int key)
{
	enum view_change change;

	if (take_scrolling(&watch->screen, key))
		return true;
	change = view_take_key(&watch->view, key);
	watch->is_interrupted |= change == VIEW_QUIT;
	/* What is sorted or chosen otherwise is looked at from its beginning. */
	if (change == VIEW_CHANGED)
		screen_scroll_home(&watch->screen);
	return change == VIEW_CHANGED;
}

static bool take_signals(struct watch *watch)
{
	struct signalfd_siginfo signal;
	bool is_old = false;

	while (read(watch->signals_fd, &signal, sizeof(signal)) == (ssize_t)sizeof(signal))
		is_old |= take_signal(watch, signal.ssi_signo);
	return is_old;
}

/* Take all signals and keys that have come. @return is it over? */
static bool take_events(void *context)
{
	struct watch *watch = context;
	struct epoll_event events[2];
	int n = epoll_wait(watch->events_fd, events, 2, 0);
	bool is_old = take_signals(watch);
	int key;

	/* The terminal has gone. */
	for (int i = 0; i < n; i++)
		watch->is_interrupted |= (events[i].events & (EPOLLHUP | EPOLLERR)) != 0;
	while (!watch->is_interrupted && keyboard_read(&watch->keyboard, &key))
		is_old |= take_key(watch, key);
	if (is_old && !watch->is_interrupted && watch->has_shown)
		watch->ending = draw(watch);
	return watch->is_interrupted || watch->is_over;
}

/* Ask and show. @return an enum ending, or -errno */
static int ask_round(struct watch *watch)
{
	const struct client_interrupt interrupt = {watch->events_fd, take_events, watch};
	struct answer answer;
	int result;

	board_begin(&watch->board);
	answer_init(&answer, &board_handler, &watch->board);
	result = client_ask(&watch->target.client, &watch->request, &answer, &interrupt);
	if (result < 0)
		target_close(&watch->target);
	else
		result = show(watch, &answer);
	answer_done(&answer);
	return result;
}

/* The daemon cannot be reached: at the start that is the end, later it is said once. */
static int take_absence(struct watch *watch, int error)
{
	int ending = error == -EPROTO ? ENDING_FAILED : ENDING_UNREACHABLE;

	if (!watch->has_shown) {
		watch->is_over = true;
		(void)ask_unreachable(&watch->target, error);
		return ending;
	}
	if (watch->is_away)
		return ending;
	watch->is_away = true;
	/* First what it does: the rest may not fit into the window. */
	buffer_clear(&watch->trouble);
	buffer_append_text(&watch->trouble, "trying again: ");
	target_explain(&watch->target, error, &watch->trouble);
	if (watch->is_drawn)
		(void)screen_say(&watch->screen, buffer_text(&watch->trouble));
	else
		message_warning("%s", buffer_text(&watch->trouble));
	return ending;
}

/* A person who ends it has seen what there was. */
static int take_interrupt(struct watch *watch)
{
	watch->is_over = true;
	return watch->has_shown ? ENDING_FOUND : ENDING_NONE;
}

static int try_round(struct watch *watch)
{
	int error = target_open(&watch->target);

	if (error < 0)
		return error;
	return ask_round(watch);
}

static int watch_round(struct watch *watch)
{
	bool was_open = target_is_open(&watch->target);
	int result = try_round(watch);

	/* A daemon that was restarted in the meantime has forgotten the connection. */
	if (was_open && (result == -EPIPE || result == -ECONNRESET))
		result = try_round(watch);
	if (result == -EINTR)
		return take_interrupt(watch);
	if (result < 0)
		return take_absence(watch, result);
	if (result == ENDING_USAGE || (!target_is_open(&watch->target) && !watch->has_shown))
		watch->is_over = true;
	watch->has_shown = true;
	return result;
}

static int milliseconds_until(int64_t time_us)
{
	int64_t wait_us = time_us - timestamp_monotonic_us();

	if (wait_us <= 0)
		return 0;
	/* Rounded up: too early would be a round too much. */
	return wait_us / 1000 >= INT_MAX ? INT_MAX : (int)(wait_us / 1000) + 1;
}

/* Wait for that time, and take what comes meanwhile. @return false: it is over */
static bool watch_wait(struct watch *watch, int64_t until_us)
{
	struct pollfd watched = {.fd = watch->events_fd, .events = POLLIN};
	int n;

	do {
		n = poll(&watched, 1, milliseconds_until(until_us));
		if (n > 0 && take_events(watch))
			return false;
	} while (n > 0 || (n < 0 && errno == EINTR));
	return n == 0;
}

/* The next time on the grid; those that a slow answer missed are left out. */
static int64_t next_time_us(int64_t last_us, int64_t interval_us)
{
	int64_t behind_us = timestamp_monotonic_us() - last_us;

	return last_us + (behind_us / interval_us + 1) * interval_us;
}

static void watch_loop(struct watch *watch)
{
	const struct options *options = watch->options;
	int64_t time_us = timestamp_monotonic_us();
	int64_t n_rounds = 0;

	do {
		watch->ending = watch_round(watch);
		if (watch->is_over || (options->count > 0 && ++n_rounds >= options->count))
			return;
		time_us = next_time_us(time_us, options->interval_us);
	} while (watch_wait(watch, time_us));
	if (watch->is_interrupted)
		watch->ending = take_interrupt(watch);
}

int watch_run(const struct options *options)
{
	struct watch watch;
	int error = watch_init(&watch, options);
	int ending;

	if (error < 0) {
		message_error("cannot wait for signals: %s", strerror(-error));
		watch_done(&watch);
		return ENDING_FAILED;
	}
	watch.ending = ask_format(options, &watch.request);
	if (watch.ending == ENDING_FOUND) {
		start_keys(&watch);
		watch_loop(&watch);
	}
	if (watch.is_drawn && screen_leave(&watch.screen) < 0)
		watch.ending = ENDING_FAILED;
	ending = watch.ending;
	watch_done(&watch);
	return ending;
}
