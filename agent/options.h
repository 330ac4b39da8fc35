/* SPDX-License-Identifier: MIT */
#ifndef AGENT_OPTIONS_H
#define AGENT_OPTIONS_H

/* The agent's command line. */

#include <stdbool.h>

#include "common/buffer.h"

/* What was given; the texts are borrowed from argv, NULL = not given. */
struct options {
	const char *config;
	const char *root;
	const char *plugins;
	const char *socket;
	const char *output; /* of --once: "plain", "prometheus" or "openmetrics" */
	bool wants_once;
	bool wants_check;
	bool wants_sample;
	bool wants_metrics;
	bool wants_version;
	bool wants_help;
};

/* @return 0; -EINVAL: not a valid command line, and standard error says why */
int options_parse(struct options *options, int argc, char **argv);

/* Append the options, one line each, for --help. */
void options_format_help(struct buffer *out);

#endif
