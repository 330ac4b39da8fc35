/* SPDX-License-Identifier: MIT */
/* What agentctl can be told to do. */

#include "agent/ctl/verb.h"

#include <string.h>

#include "agent/ctl/ask.h"
#include "agent/ctl/dump.h"
#include "agent/ctl/help.h"
#include "agent/ctl/options.h"
#include "agent/ctl/watch.h"
#include "common/text.h"

#define SHOWS (OPTIONS_OUTPUT | OPTIONS_UTC)
#define ASKS  (OPTIONS_SOCKET | SHOWS)

#define GLOB_DETAILS                                                                               \
	"A GLOB is compared with the metric's name ('node_cpu_*'); one with '{' with the whole\n"  \
	"series ('node_cpu_*{*mode=\"idle\"*}').\n"

const struct verb verbs[] = {
	{
		.name = "list-metrics",
		.usage = "[GLOB] [--host GLOB]",
		.summary = "List every series with its last value",
		.details = GLOB_DETAILS,
		.scope = VERB_ANY,
		.request = "list-metrics",
		.argument = "glob",
		.shows_age = true,
		.options = ASKS | OPTIONS_HOST,
		.run = ask_run,
	},
	{
		.name = "get",
		.usage = "SERIES [--host GLOB]",
		.summary = "Show the last value of a series",
		.details = "SERIES is a name with its labels in any order, or a GLOB. "
			   "Quote it for the shell:\n"
			   "  agentctl get 'node_cpu_seconds_total{cpu=\"0\",mode=\"idle\"}'\n",
		.scope = VERB_ANY,
		.request = "get",
		.argument = "series",
		.needs_argument = true,
		.options = ASKS | OPTIONS_HOST,
		.run = ask_run,
	},
	{
		.name = "watch",
		.usage = "[GLOB] [--host GLOB] [--interval DURATION] [--count N]",
		.summary = "Show the last values live, until Ctrl-C",
		.details = "On a terminal the table is drawn over itself; else it is printed each "
			   "time,\nseparated by an empty line.\n\n" GLOB_DETAILS,
		.scope = VERB_ANY,
		.request = "list-metrics",
		.argument = "glob",
		.shows_age = true,
		.options = ASKS | OPTIONS_HOST | OPTIONS_INTERVAL | OPTIONS_COUNT,
		.run = watch_run,
	},
	{
		.name = "status",
		.usage = "",
		.summary = "Show how the daemon is",
		.scope = VERB_ANY,
		.request = "status",
		.options = ASKS,
		.run = ask_run,
	},
	{
		.name = "list-plugins",
		.usage = "",
		.summary = "List the plugins: state, cost, last error",
		.scope = VERB_AGENT,
		.request = "list-plugins",
		.options = ASKS,
		.run = ask_run,
	},
	{
		.name = "input",
		.usage = "",
		.summary = "List mice, keyboards and the like: whether each is used, and why",
		.details =
			"What is used is open for reading. Of a pointer the kernel delivers "
			"motion, buttons and\nwheels; of a keyboard the modifiers and the keys of "
			"the hotkeys; it withholds all else.\n",
		.scope = VERB_AGENT,
		.request = "input",
		.options = ASKS,
		.run = ask_run,
	},
	{
		.name = "list-hosts",
		.usage = "",
		.summary = "List the hosts that have sent samples",
		.scope = VERB_COLLECTOR,
		.request = "list-hosts",
		.options = ASKS,
		.run = ask_run,
	},
	{
		.name = "query",
		.usage = "SERIES|GLOB [--host GLOB] [--since TIME] [--until TIME]",
		.summary = "Print the stored samples",
		.details = "TIME is now, today, yesterday, -5m (so long ago), 02:13 (today), "
			   "2026-11-24,\n2026-11-24T02:13[:57[.5]][Z|+01:00] or Unix seconds; "
			   "without a zone it is the one of TZ or /etc/localtime,\nor UTC with "
			   "--utc.\n\n" GLOB_DETAILS,
		.scope = VERB_COLLECTOR,
		.request = "query",
		.argument = "series",
		.needs_argument = true,
		.options = ASKS | OPTIONS_HOST | OPTIONS_SINCE | OPTIONS_UNTIL,
		.run = ask_run,
	},
	{
		.name = "dump",
		.usage = "FILE",
		.summary = "Print the samples of a store file, as they lie in it",
		.details = "Reads the file itself, below <store>/hosts. Lines `time host series "
			   "value`, as\nof -o plain. Says at which offset a file is damaged and "
			   "ends with 1.\n",
		.scope = VERB_LOCAL,
		.argument = "file",
		.needs_argument = true,
		.options = SHOWS,
		.run = dump_run,
	},
	{
		.name = "help",
		.usage = "[VERB]",
		.summary = "Show this help, or that of a verb",
		.scope = VERB_LOCAL,
		.argument = "verb",
		.run = help_run,
	},
	{.name = NULL},
};

#define N_VERBS (sizeof(verbs) / sizeof(verbs[0]))

const struct verb *verb_find(const char *name)
{
	for (const struct verb *verb = verbs; verb->name; verb++) {
		if (strcmp(verb->name, name) == 0)
			return verb;
	}
	return NULL;
}

const struct verb *verb_nearest(const char *name)
{
	const char *names[N_VERBS];
	const char *nearest;

	for (size_t i = 0; i < N_VERBS; i++)
		names[i] = verbs[i].name;
	nearest = text_nearest(name, names);
	return nearest ? verb_find(nearest) : NULL;
}
