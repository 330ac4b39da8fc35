/* SPDX-License-Identifier: MIT */
/* Tests of agent/ctl/keyboard.c. With a terminal in the foreground: tests/integration/test_watch.py. */

#include "agent/ctl/keyboard.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void expect_key(const char *bytes, int key, size_t n_bytes)
{
	int got = 0;

	cr_expect_eq(keyboard_parse(bytes, strlen(bytes), &got), n_bytes, "%s", bytes);
	cr_expect_eq(got, key, "%s: %#x instead of %#x", bytes, (unsigned int)got,
		     (unsigned int)key);
}

Test(keyboard, knows_keys_that_are_one_byte)
{
	expect_key("q", 'q', 1);
	expect_key("qx", 'q', 1);
	expect_key("\n", '\n', 1);
	expect_key("\r", '\n', 1);
	expect_key("\b", KEYBOARD_BACKSPACE, 1);
	expect_key("\x7f", KEYBOARD_BACKSPACE, 1);
	expect_key("\x15", KEYBOARD_CLEAR, 1);
	expect_key("\xc3\xa4", 0xc3, 1);
}

Test(keyboard, knows_keys_that_are_sequences)
{
	expect_key("\033[A", KEYBOARD_UP, 3);
	expect_key("\033OA", KEYBOARD_UP, 3);
	expect_key("\033[Bq", KEYBOARD_DOWN, 3);
	expect_key("\033[5~", KEYBOARD_PAGE_UP, 4);
	expect_key("\033[6~", KEYBOARD_PAGE_DOWN, 4);
	expect_key("\033[H", KEYBOARD_HOME, 3);
	expect_key("\033[1~", KEYBOARD_HOME, 4);
	expect_key("\033OF", KEYBOARD_END, 3);
	expect_key("\033[4~", KEYBOARD_END, 4);
}

Test(keyboard, takes_what_it_does_not_know_as_a_whole)
{
	expect_key("\033[1;5Aq", KEYBOARD_OTHER, 6);
	expect_key("\033[200~q", KEYBOARD_OTHER, 6);
	expect_key("\033[", KEYBOARD_OTHER, 2);
	expect_key("\033[12", KEYBOARD_OTHER, 4);
}

Test(keyboard, knows_the_escape_key)
{
	expect_key("\033", KEYBOARD_ESCAPE, 1);
	expect_key("\033q", KEYBOARD_ESCAPE, 1);
}

Test(keyboard, needs_a_terminal_of_ours)
{
	struct keyboard keyboard;
	int fds[2];
	int key;

	cr_assert_eq(pipe2(fds, O_CLOEXEC), 0);
	keyboard_init(&keyboard, fds[0]);
	cr_expect_eq(keyboard_open(&keyboard), -ENOTTY);
	cr_expect_not(keyboard_read(&keyboard, &key));
	keyboard_close(&keyboard);
	(void)close(fds[0]);
	(void)close(fds[1]);
	fds[0] = posix_openpt(O_RDWR | O_NOCTTY);
	cr_assert(fds[0] >= 0 && grantpt(fds[0]) == 0 && unlockpt(fds[0]) == 0);
	fds[1] = open(ptsname(fds[0]), O_RDWR | O_NOCTTY);
	keyboard_init(&keyboard, fds[1]);
	cr_expect_eq(keyboard_open(&keyboard), -EAGAIN, "nobody's");
	keyboard_close(&keyboard);
	(void)close(fds[0]);
	(void)close(fds[1]);
}
