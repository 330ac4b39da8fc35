/* SPDX-License-Identifier: MIT */
#ifndef COMMON_RELOAD_H
#define COMMON_RELOAD_H

/* The answer to `reload`, which both daemons know. */

#include <stdbool.h>

#include "common/config.h"
#include "common/control.h"

/* Is it only asked what a reload would do (argument `dry`)? */
bool reload_is_dry(const struct control_request *request);

/* Write a row for each change, but not the end. */
void reload_write_changes(struct control_reply *reply, const struct config_changes *changes,
			  bool is_dry);

/* Tell the administrator of each change, a call each. @param tell  message_info() */
void reload_tell_changes(const struct config_changes *changes,
			 void (*tell)(const char *format, ...));

/*
 * The whole answer where the configuration cannot be used.
 * @param errors  what is wrong with it, a line each
 */
void reload_answer_errors(struct control_reply *reply, const char *errors);

#endif
