/* SPDX-License-Identifier: MIT */
#ifndef AGENT_CTL_KEYBOARD_H
#define AGENT_CTL_KEYBOARD_H

/*
 * Single keys from a terminal, without echo. Ctrl-C, Ctrl-Z and Ctrl-\ stay signals. Whoever opens it
 * closes it on every way out: the shell would have no echo.
 */

#include <stdbool.h>
#include <stddef.h>
#include <termios.h>

/* A key is the byte that it types, or one of these. */
enum keyboard_key {
	KEYBOARD_CLEAR = 0x15, /* Ctrl-U */
	KEYBOARD_ESCAPE = 0x1b,
	KEYBOARD_BACKSPACE = 0x7f,
	KEYBOARD_UP = 0x100,
	KEYBOARD_DOWN,
	KEYBOARD_PAGE_UP,
	KEYBOARD_PAGE_DOWN,
	KEYBOARD_HOME,
	KEYBOARD_END,
	KEYBOARD_OTHER, /* of no use here */
};

#define KEYBOARD_BYTES 256

struct keyboard {
	int fd;
	bool is_open;
	bool has_saved;
	struct termios saved;       /* how the terminal was before */
	char bytes[KEYBOARD_BYTES]; /* read, not taken yet */
	size_t n_bytes;
	size_t n_taken;
};

/* @param fd  borrowed until keyboard_close() */
void keyboard_init(struct keyboard *keyboard, int fd);

/*
 * From now on keys come one by one. Does nothing when it is open.
 * @return 0; -ENOTTY: not a terminal; -EAGAIN: this process is in the background, where typing is not
 * meant for it; -errno
 */
int keyboard_open(struct keyboard *keyboard);

/*
 * Give the terminal back as it was, unless this process is in the background: there it is not ours to
 * give. Takes one that is not open.
 */
void keyboard_close(struct keyboard *keyboard);

/* The next key that was typed; does not wait. @return false = none */
bool keyboard_read(struct keyboard *keyboard, int *ret_key);

/* The key that `bytes` begin with; length > 0. @return how many bytes it took, at least 1 */
size_t keyboard_parse(const char *bytes, size_t length, int *ret_key);

#endif
