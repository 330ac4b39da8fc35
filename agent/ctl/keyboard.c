/* SPDX-License-Identifier: MIT */
/* Single keys from a terminal. */

#include "agent/ctl/keyboard.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

void keyboard_init(struct keyboard *keyboard, int fd)
{
	memset(keyboard, 0, sizeof(*keyboard));
	keyboard->fd = fd;
}

/* Not the shell that started us, nor another of its jobs. */
static bool is_foreground(const struct keyboard *keyboard)
{
	return tcgetpgrp(keyboard->fd) == getpgrp();
}

/* Change the terminal. */
static int set_mode(const struct keyboard *keyboard, const struct termios *mode)
{
	sigset_t stop;
	sigset_t before;
	int error = 0;

	/* Where it stops being ours just now, it would stop us. */
	sigemptyset(&stop);
	sigaddset(&stop, SIGTTOU);
	(void)sigprocmask(SIG_BLOCK, &stop, &before);
	if (tcsetattr(keyboard->fd, TCSADRAIN, mode) < 0)
		error = -errno;
	(void)sigprocmask(SIG_SETMASK, &before, NULL);
	return error;
}

int keyboard_open(struct keyboard *keyboard)
{
	struct termios mode;
	int error;

	if (keyboard->is_open)
		return 0;
	if (tcgetattr(keyboard->fd, &mode) < 0)
		return -errno;
	if (!is_foreground(keyboard))
		return -EAGAIN;
	if (!keyboard->has_saved)
		keyboard->saved = mode;
	keyboard->has_saved = true;
	mode.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
	/* read(2) never waits. */
	mode.c_cc[VMIN] = 0;
	mode.c_cc[VTIME] = 0;
	error = set_mode(keyboard, &mode);
	keyboard->is_open = error == 0;
	keyboard->n_bytes = 0;
	keyboard->n_taken = 0;
	return error;
}

void keyboard_close(struct keyboard *keyboard)
{
	if (keyboard->is_open && is_foreground(keyboard)) {
		(void)set_mode(keyboard, &keyboard->saved);
		keyboard->has_saved = false;
	}
	keyboard->is_open = false;
}

static const struct {
	const char *sequence; /* behind ESC [ or ESC O */
	int key;
} sequences[] = {
	{"A", KEYBOARD_UP},    {"B", KEYBOARD_DOWN},       {"5~", KEYBOARD_PAGE_UP},
	{"H", KEYBOARD_HOME},  {"6~", KEYBOARD_PAGE_DOWN}, {"F", KEYBOARD_END},
	{"1~", KEYBOARD_HOME}, {"7~", KEYBOARD_HOME},      {"4~", KEYBOARD_END},
	{"8~", KEYBOARD_END},
};

/* @return the length of a sequence with its last byte, which is one of @ to ~; or all there is */
static size_t sequence_length(const char *bytes, size_t length)
{
	size_t n = 0;

	while (n < length && (bytes[n] < '@' || bytes[n] > '~'))
		n++;
	return n < length ? n + 1 : length;
}

size_t keyboard_parse(const char *bytes, size_t length, int *ret_key)
{
	size_t n;

	*ret_key = (unsigned char)bytes[0];
	if (bytes[0] == '\b')
		*ret_key = KEYBOARD_BACKSPACE;
	if (bytes[0] == '\r')
		*ret_key = '\n';
	if (bytes[0] != KEYBOARD_ESCAPE || length < 2 || (bytes[1] != '[' && bytes[1] != 'O'))
		return 1;
	n = sequence_length(bytes + 2, length - 2);
	*ret_key = KEYBOARD_OTHER;
	for (size_t i = 0; i < sizeof(sequences) / sizeof(sequences[0]); i++) {
		if (strlen(sequences[i].sequence) == n &&
		    memcmp(sequences[i].sequence, bytes + 2, n) == 0)
			*ret_key = sequences[i].key;
	}
	return 2 + n;
}

bool keyboard_read(struct keyboard *keyboard, int *ret_key)
{
	if (!keyboard->is_open)
		return false;
	if (keyboard->n_taken == keyboard->n_bytes) {
		ssize_t n = read(keyboard->fd, keyboard->bytes, sizeof(keyboard->bytes));

		keyboard->n_taken = 0;
		keyboard->n_bytes = n > 0 ? (size_t)n : 0;
		if (n <= 0)
			return false;
	}
	keyboard->n_taken += keyboard_parse(keyboard->bytes + keyboard->n_taken,
					    keyboard->n_bytes - keyboard->n_taken, ret_key);
	return true;
}
