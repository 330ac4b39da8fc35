/* SPDX-License-Identifier: MIT */
/* What agentctl says of itself. */

#include "agent/ctl/help.h"

#include <errno.h>
#include <string.h>

#include "agent/ctl/ask.h"

static const char *scope_text(enum verb_scope scope)
{
	switch (scope) {
	case VERB_AGENT:
		return "On an agent.";
	case VERB_COLLECTOR:
		return "On a collector.";
	case VERB_ANY:
		return "On an agent and on a collector.";
	case VERB_LOCAL:
		break;
	}
	return "Needs no daemon.";
}

static void append_endings(struct buffer *out, enum verb_scope scope)
{
	buffer_append_text(out,
			   "\nExit status: 0 found, 1 nothing matched or failed, 2 wrong usage");
	if (scope != VERB_LOCAL)
		buffer_append_text(out, ",\n3 the daemon cannot be reached");
	buffer_append_text(out, ".\n");
}

static void append_verb(struct buffer *out, const struct verb *verb)
{
	buffer_printf(out, "usage: agentctl %s%s%s\n\n%s. %s\n", verb->name,
		      *verb->usage ? " " : "", verb->usage, verb->summary, scope_text(verb->scope));
	if (verb->details)
		buffer_printf(out, "\n%s", verb->details);
	buffer_append_text(out, "\nOptions, before or after the verb:\n");
	options_format_help(verb->options, out);
	if (verb->examples)
		buffer_printf(out, "\nExamples:\n%s", verb->examples);
	append_endings(out, verb->scope);
}

static void append_verbs(struct buffer *out, const char *heading, enum verb_scope scope)
{
	buffer_printf(out, "\n%s\n", heading);
	for (const struct verb *verb = verbs; verb->name; verb++) {
		char words[64];

		if (verb->scope != scope)
			continue;
		(void)snprintf(words, sizeof(words), "%s %s", verb->name, verb->usage);
		if (strlen(words) > 22)
			(void)snprintf(words, sizeof(words), "%s", verb->name);
		buffer_printf(out, "  %-22s %s\n", words, verb->summary);
	}
}

static void append_all(struct buffer *out)
{
	buffer_append_text(out, "usage: agentctl [OPTION...] VERB [ARGUMENT] [OPTION...]\n\n"
				"Asks the agent or the collector of this machine.\n");
	append_verbs(out, "On both:", VERB_ANY);
	append_verbs(out, "On an agent:", VERB_AGENT);
	append_verbs(out, "On a collector:", VERB_COLLECTOR);
	append_verbs(out, "Without a daemon:", VERB_LOCAL);
	buffer_append_text(out, "\nOptions, before or after the verb:\n");
	options_format_help(OPTIONS_SOCKET | OPTIONS_OUTPUT | OPTIONS_UTC, out);
	buffer_append_text(out, "\n`agentctl help VERB` tells more of one.\n");
	append_endings(out, VERB_ANY);
}

/* Write the text and release it. */
static int print_text(struct buffer *text, FILE *file)
{
	int error = 0;

	errno = 0;
	if (fputs(buffer_text(text), file) == EOF || fflush(file) != 0)
		error = errno > 0 ? -errno : -EIO;
	buffer_done(text);
	return error < 0 ? ask_unwritable(error) : ENDING_FOUND;
}

int help_print(const struct verb *verb, FILE *file)
{
	struct buffer text = {0};

	if (verb)
		append_verb(&text, verb);
	else
		append_all(&text);
	return print_text(&text, file);
}

int help_print_version(FILE *file)
{
	struct buffer text = {0};

	buffer_append_text(&text, "agentctl " HM_VERSION "\n");
	return print_text(&text, file);
}

int help_run(const struct options *options)
{
	const struct verb *verb = NULL;

	if (options->argument) {
		verb = verb_require(options->argument);
		if (!verb)
			return ENDING_USAGE;
	}
	return help_print(verb, stdout);
}
