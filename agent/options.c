/* SPDX-License-Identifier: MIT */
/* The agent's command line. */

#include "agent/options.h"

#include <errno.h>
#include <getopt.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

/* An option with an argument sets a text, one without sets a flag. */
struct option_row {
	const char *name;
	const char *argument; /* NULL = a flag */
	size_t offset;
	const char *help;
};

static const struct option_row rows[] = {
	{"config", "FILE", offsetof(struct options, config),
	 "read FILE, then FILE.d/*.conf (default /etc/hostmetrics/agent.conf)"},
	{"once", NULL, offsetof(struct options, wants_once),
	 "print one round of every plugin and exit"},
	{"output", "FORMAT", offsetof(struct options, output),
	 "of --once, or -o: plain (default), prometheus or openmetrics"},
	{"list-metrics", NULL, offsetof(struct options, wants_metrics),
	 "print all metrics that plugins know, with their sources, and exit"},
	{"root", "DIR", offsetof(struct options, root), "read DIR/proc and DIR/sys"},
	{"plugins", "DIR", offsetof(struct options, plugins), "load the plugins of DIR"},
	{"socket", "PATH", offsetof(struct options, socket), "answer agentctl at PATH"},
	{"check-config", NULL, offsetof(struct options, wants_check),
	 "check the configuration and exit"},
	{"sample-config", NULL, offsetof(struct options, wants_sample),
	 "print a configuration with every setting and exit"},
	{"version", NULL, offsetof(struct options, wants_version), "print the version and exit"},
	{"help", NULL, offsetof(struct options, wants_help), "print this and exit"},
};

#define N_ROWS (sizeof(rows) / sizeof(rows[0]))

static void set_option(struct options *options, const struct option_row *row, const char *argument)
{
	char *setting = (char *)options + row->offset;

	if (row->argument)
		*(const char **)(void *)setting = argument;
	else
		*(bool *)(void *)setting = true;
}

static bool is_format(const char *word)
{
	return strcmp(word, "plain") == 0 || strcmp(word, "prometheus") == 0 ||
	       strcmp(word, "openmetrics") == 0;
}

int options_parse(struct options *options, int argc, char **argv)
{
	struct option table[N_ROWS + 1] = {0};
	int result;

	for (size_t i = 0; i < N_ROWS; i++) {
		table[i].name = rows[i].name;
		table[i].has_arg = rows[i].argument ? required_argument : no_argument;
		table[i].val = (int)i;
	}
	*options = (struct options){0};
	optind = 1;
	while ((result = getopt_long(argc, argv, "o:", table, NULL)) != -1) {
		if (result == '?')
			return -EINVAL;
		if (result == 'o')
			options->output = optarg;
		else
			set_option(options, &rows[result], optarg);
	}
	if (options->output && !is_format(options->output)) {
		(void)fprintf(stderr, "%s: '%s' is no format: plain, prometheus or openmetrics\n",
			      argv[0], options->output);
		return -EINVAL;
	}
	if (options->output && !options->wants_once) {
		(void)fprintf(stderr, "%s: --output is of --once\n", argv[0]);
		return -EINVAL;
	}
	if (optind < argc) {
		(void)fprintf(stderr, "%s: '%s' is no option\n", argv[0], argv[optind]);
		return -EINVAL;
	}
	return 0;
}

void options_format_help(struct buffer *out)
{
	for (size_t i = 0; i < N_ROWS; i++) {
		char usage[32];

		(void)snprintf(usage, sizeof(usage), "--%s%s%s", rows[i].name,
			       rows[i].argument ? " " : "",
			       rows[i].argument ? rows[i].argument : "");
		buffer_printf(out, "  %-18s %s\n", usage, rows[i].help);
	}
}
