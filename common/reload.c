/* SPDX-License-Identifier: MIT */
/* The answer to `reload`. */

#include "common/reload.h"

#include <string.h>

bool reload_is_dry(const struct control_request *request)
{
	const char *word = control_argument(request, "dry");

	return word && strcmp(word, "yes") == 0;
}

static void write_change(struct control_reply *reply, const struct config_change *change)
{
	struct buffer effect = {0};

	config_change_format_effect(change, &effect);
	control_text(reply, change->section);
	control_text(reply, change->key);
	control_text(reply, change->before);
	control_text(reply, change->after);
	control_text(reply, buffer_text(&effect));
	control_row_end(reply);
	buffer_done(&effect);
}

void reload_write_changes(struct control_reply *reply, const struct config_changes *changes,
			  bool is_dry)
{
	static const char *const columns[] = {"section:text", "key:text", "old:text", "new:text",
					      "effect:text"};

	control_columns(reply, "rows", columns, sizeof(columns) / sizeof(columns[0]));
	for (size_t i = 0; i < changes->n; i++)
		write_change(reply, &changes->at[i]);
	if (changes->n == 0)
		control_note(reply, "nothing has changed");
	else if (is_dry)
		control_note(reply, "nothing was done: this is what a reload would do");
}

void reload_tell_changes(const struct config_changes *changes,
			 void (*tell)(const char *format, ...))
{
	for (size_t i = 0; i < changes->n; i++) {
		struct buffer line = {0};

		config_change_format(&changes->at[i], &line);
		tell("reload: %s", buffer_text(&line));
		buffer_done(&line);
	}
	if (changes->n == 0)
		tell("reload: nothing has changed");
}

void reload_answer_errors(struct control_reply *reply, const char *errors)
{
	while (*errors) {
		size_t length = strcspn(errors, "\n");
		struct buffer line = {0};

		buffer_append(&line, errors, length);
		control_note(reply, buffer_text(&line));
		buffer_done(&line);
		errors += length + (errors[length] == '\n');
	}
	control_end(reply, HM_CONTROL_FAILED, "the configuration in force stays as it was");
}
