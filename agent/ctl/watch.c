/* SPDX-License-Identifier: MIT */
/* `agentctl watch`: list-metrics again and again. */

#include "agent/ctl/watch.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "agent/ctl/ask.h"
#include "agent/ctl/request.h"
#include "agent/ctl/screen.h"
#include "common/message.h"
#include "common/timestamp.h"

struct watch {
	const struct options *options;
	struct target target;
	int end_fd;    /* SIGINT, SIGTERM, SIGHUP */
	int resize_fd; /* SIGWINCH */
	bool is_drawn; /* on a screen, not printed */
	struct screen screen;
	bool has_shown; /* at least one table */
	bool is_away;   /* that the daemon went was said */
	bool is_over;
	int ending;
};

/* What ended the wait for the next round. */
enum watch_event {
	WATCH_TIME,
	WATCH_RESIZE,
	WATCH_END,
};

/* A descriptor that tells of the signals, which no longer interrupt anything. */
static int open_signals(const sigset_t *signals)
{
	int fd;

	if (sigprocmask(SIG_BLOCK, signals, NULL) < 0)
		return -errno;
	fd = signalfd(-1, signals, SFD_CLOEXEC | SFD_NONBLOCK);
	return fd < 0 ? -errno : fd;
}

static int watch_init(struct watch *watch, const struct options *options)
{
	sigset_t signals;

	memset(watch, 0, sizeof(*watch));
	watch->options = options;
	watch->resize_fd = -1;
	target_init(&watch->target, options->verb->scope, options->socket);
	screen_init(&watch->screen, stdout);
	watch->is_drawn = screen_is_possible(stdout) && !(options->given & OPTIONS_OUTPUT);
	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGHUP);
	watch->end_fd = open_signals(&signals);
	if (watch->end_fd < 0)
		return watch->end_fd;
	sigemptyset(&signals);
	sigaddset(&signals, SIGWINCH);
	watch->resize_fd = open_signals(&signals);
	return watch->resize_fd < 0 ? watch->resize_fd : 0;
}

static void watch_done(struct watch *watch)
{
	target_close(&watch->target);
	screen_done(&watch->screen);
	if (watch->end_fd >= 0)
		(void)close(watch->end_fd);
	if (watch->resize_fd >= 0)
		(void)close(watch->resize_fd);
}

static void append_title(const struct watch *watch, struct buffer *out)
{
	char time[TIMESTAMP_TEXT_MAX_BYTES];
	char interval[TIMESTAMP_TEXT_MAX_BYTES];

	timestamp_format_local(watch->screen.now_us, time);
	duration_format(watch->options->interval_us, interval);
	buffer_printf(out, "%s, every %s (Ctrl-C ends)", time, interval);
}

static int draw(struct watch *watch)
{
	struct buffer title = {0};
	int error;

	append_title(watch, &title);
	error = screen_draw(&watch->screen, buffer_text(&title));
	buffer_done(&title);
	if (error < 0) {
		watch->is_over = true;
		return ask_unwritable(error);
	}
	return watch->screen.n_rows > 0 ? ENDING_FOUND : ENDING_NONE;
}

static int draw_failure(struct watch *watch, const struct answer *answer)
{
	(void)screen_say(&watch->screen, answer->text ? answer->text : "the daemon failed");
	return ENDING_FAILED;
}

/* Ask and draw. @return an enum ending, or -errno */
static int draw_round(struct watch *watch)
{
	struct buffer request = {0};
	struct answer answer;
	int result;

	screen_begin(&watch->screen, timestamp_now_us());
	answer_init(&answer, &screen_handler, &watch->screen);
	result = request_format(watch->options, &request);
	if (result == 0)
		result = client_ask(&watch->target.client, &request, &answer, watch->end_fd);
	if (result < 0)
		target_close(&watch->target);
	else if (answer.status == ANSWER_USAGE)
		result = ask_conclude(watch->options, &watch->target, &answer);
	else if (answer.status == ANSWER_FAILED)
		result = draw_failure(watch, &answer);
	else
		result = draw(watch);
	answer_done(&answer);
	buffer_done(&request);
	return result;
}

/* Ask and print, each time a whole document. @return as draw_round() */
static int print_round(struct watch *watch)
{
	const struct output_format *format = watch->options->format;
	int result;

	if (watch->has_shown && format != &output_plain)
		(void)fputc('\n', stdout);
	result = ask_target(watch->options, &watch->target, stdout, watch->end_fd);
	watch->is_over |= ferror(stdout) != 0;
	return result;
}

/* The daemon cannot be reached: at the start that is the end, later it is said once. */
static int take_absence(struct watch *watch, int error)
{
	struct buffer text = {0};

	int ending = error == -EPROTO ? ENDING_FAILED : ENDING_UNREACHABLE;

	if (!watch->has_shown) {
		watch->is_over = true;
		(void)ask_unreachable(&watch->target, error);
		return ending;
	}
	if (!watch->is_away) {
		/* First what it does: the rest may not fit into the window. */
		buffer_append_text(&text, "trying again: ");
		target_explain(&watch->target, error, &text);
		if (watch->is_drawn)
			(void)screen_say(&watch->screen, buffer_text(&text));
		else
			message_warning("%s", buffer_text(&text));
		buffer_done(&text);
	}
	watch->is_away = true;
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
	return watch->is_drawn ? draw_round(watch) : print_round(watch);
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
	watch->is_away = false;
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

static enum watch_event watch_wait(const struct watch *watch, int64_t until_us)
{
	struct pollfd watched[] = {
		{.fd = watch->end_fd, .events = POLLIN},
		{.fd = watch->resize_fd, .events = POLLIN},
	};
	struct signalfd_siginfo signal;

	/* Stopped and continued: the window may show anything. */
	if (poll(watched, 2, milliseconds_until(until_us)) < 0)
		return errno == EINTR ? WATCH_RESIZE : WATCH_END;
	if (watched[0].revents)
		return WATCH_END;
	if (!watched[1].revents)
		return WATCH_TIME;
	while (read(watch->resize_fd, &signal, sizeof(signal)) == (ssize_t)sizeof(signal))
		;
	return WATCH_RESIZE;
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

	for (;;) {
		enum watch_event event;

		watch->ending = watch_round(watch);
		if (watch->is_over || (options->count > 0 && ++n_rounds >= options->count))
			return;
		time_us = next_time_us(time_us, options->interval_us);
		event = watch_wait(watch, time_us);
		while (event == WATCH_RESIZE) {
			/* Drawn anew at once, but no round of its own. */
			screen_resize(&watch->screen);
			if (watch->is_drawn)
				watch->ending = watch_round(watch);
			if (watch->is_over)
				return;
			event = watch_wait(watch, time_us);
		}
		if (event == WATCH_END) {
			watch->ending = take_interrupt(watch);
			return;
		}
	}
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
	watch_loop(&watch);
	if (watch.is_drawn && screen_leave(&watch.screen) < 0)
		watch.ending = ENDING_FAILED;
	ending = watch.ending;
	watch_done(&watch);
	return ending;
}
