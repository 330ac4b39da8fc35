/* SPDX-License-Identifier: MIT */
#ifndef COMMON_MESSAGE_H
#define COMMON_MESSAGE_H

/*
 * Messages of a daemon to its administrator, on standard error: with syslog's "<3>" in front where
 * the journal reads it (JOURNAL_STREAM), else with the program's name. One line a message; control
 * bytes are escaped. Any thread. Only agent/ and collector/ call these: whoever takes the decision
 * says so, once.
 */

/*
 * Called first of all: no file or socket of ours may take the place of a standard stream that is
 * closed.
 * @param program  borrowed for ever
 */
void message_init(const char *program);

void message_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
void message_warning(const char *format, ...) __attribute__((format(printf, 1, 2)));
void message_info(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
