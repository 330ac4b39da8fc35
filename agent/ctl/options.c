/* SPDX-License-Identifier: MIT */
/* agentctl's command line. */

#include "agent/ctl/options.h"

#include <bsd/stdlib.h>
#include <errno.h>
#include <getopt.h>
#include <string.h>

#include "agent/ctl/view.h"
#include "agent/ctl/when.h"
#include "agent/ctl/zone.h"
#include "common/message.h"
#include "common/number.h"
#include "common/text.h"
#include "common/timestamp.h"

#define INTERVAL_DEFAULT_US TIMESTAMP_SECOND_US
#define INTERVAL_MIN_US     INT64_C(10000)
#define INTERVAL_MAX_US     (86400 * TIMESTAMP_SECOND_US)
#define COUNT_MAX           1000000000

/* What every verb takes. */
#define FOR_ALL (OPTIONS_HELP | OPTIONS_VERSION)

/* Options that mean something else for some verbs: told in other words, taken as the usual one. */
#define OTHER_WORDS (OPTIONS_EXPORT | OPTIONS_HOST_NAME | OPTIONS_HOST_SORT)

struct option_row {
	int bit;
	char letter; /* of its short form, or NUL */
	const char *name;
	const char *value; /* what it takes, or NULL */
	const char *help;
};

static const struct option_row rows[] = {
	{OPTIONS_SOCKET, '\0', "socket", "PATH", "ask the daemon behind this control socket"},
	{OPTIONS_OUTPUT, 'o', "output", "FORMAT", "table, plain (for scripts), json or csv"},
	{OPTIONS_EXPORT, 'o', "output", "FORMAT", "csv (the usual one), jsonl or openmetrics"},
	{OPTIONS_INPUT, 'i', "input", "FORMAT",
	 "csv, jsonl, openmetrics or prometheus; else the file tells"},
	{OPTIONS_HOST, '\0', "host", "GLOB", "only of these hosts"},
	{OPTIONS_HOST_NAME, '\0', "host", "NAME", "of samples that name none"},
	{OPTIONS_SKIP, '\0', "skip", "N", "so many lines are stored already"},
	{OPTIONS_AT, '\0', "at", "TIME", "at this moment: -5m, today, 02:13, 2026-11-24T02:13"},
	{OPTIONS_SINCE, '\0', "since", "TIME", "from then on: -5m, today, 02:13, 2026-11-24T02:13"},
	{OPTIONS_UNTIL, '\0', "until", "TIME", "up to then"},
	{OPTIONS_ALL, '\0', "all", NULL, "samples that another one of the same time replaced, too"},
	{OPTIONS_FUNCTION, 'f', "function", "FUNCTION",
	 "avg, min, max, sum, count, last, rate, increase or quantile=Q"},
	{OPTIONS_STEP, '\0', "step", "DURATION", "a value for each 60s, 5m, 1h or 1d"},
	{OPTIONS_BY, '\0', "by", "LABEL,...", "one value for all series with the same of these"},
	{OPTIONS_INTERVAL, '\0', "interval", "DURATION", "how often (1s)"},
	{OPTIONS_COUNT, '\0', "count", "N", "end after so many times"},
	{OPTIONS_SORT, '\0', "sort", "[-]COLUMN", "by host, series, ... age; - = descending"},
	{OPTIONS_HOST_SORT, '\0', "sort", "[-]COLUMN", "by host, bytes, rate, ...; - = descending"},
	{OPTIONS_FILTER, '\0', "filter", "TEXT",
	 "only rows with TEXT in series or host, or a GLOB"},
	{OPTIONS_UTC, '\0', "utc", NULL, "times in UTC, not in the zone of this user"},
	{OPTIONS_DRY_RUN, 'n', "dry-run", NULL, "only show what would be done"},
	{OPTIONS_YES, '\0', "yes", NULL, "do it without asking"},
	{OPTIONS_HELP, 'h', "help", NULL, "show this help, or that of the verb"},
	{OPTIONS_VERSION, 'V', "version", NULL, "show the version"},
};

#define N_ROWS (sizeof(rows) / sizeof(rows[0]))

/* @param bit  or the letter */
static const struct option_row *find_row(int bit)
{
	size_t i = 0;

	while (i < N_ROWS - 1 && rows[i].bit != bit && rows[i].letter != bit)
		i++;
	return &rows[i];
}

static int refuse_value(int bit, const char *value, const char *what)
{
	message_error("--%s %s: %s", find_row(bit)->name, *value ? value : "''", what);
	return -EINVAL;
}

static int refuse_format(char letter, const char *value, const char *formats,
			 const char *const names[])
{
	const char *nearest = text_nearest(value, names);

	message_error("-%c %s: there is no such format: %s%s%s%s", letter, value, formats,
		      nearest ? " (did you mean '" : "", nearest ? nearest : "",
		      nearest ? "'?)" : "");
	return -EINVAL;
}

/* Once the verb is known. */
static int take_output(struct options *options)
{
	bool is_export = options->verb && options->verb->options & OPTIONS_EXPORT;
	const char *value = options->output;

	if (is_export) {
		options->export_format = value ? export_find_format(value) : &export_csv;
		return options->export_format
			       ? 0
			       : refuse_format('o', value, "csv, jsonl or openmetrics",
					       export_names);
	}
	if (!value)
		return 0;
	options->format = output_find_format(value);
	return options->format
		       ? 0
		       : refuse_format('o', value, "table, plain, json or csv", output_names);
}

static int take_input(struct options *options, const char *value)
{
	options->import_format = import_find_format(value);
	return options->import_format
		       ? 0
		       : refuse_format('i', value, "csv, jsonl, openmetrics or prometheus",
				       import_names);
}

static int take_skip(struct options *options, const char *value)
{
	const char *problem;

	options->skip = strtonum(value, 0, INT64_MAX, &problem);
	return problem ? refuse_value(OPTIONS_SKIP, value, "not a number of lines") : 0;
}

static int take_time(int bit, const char *value, int64_t now_us, int64_t *ret_time_us)
{
	/* The range holds an hour that the clocks show twice as a whole. */
	enum zone_choice choice = bit == OPTIONS_SINCE ? ZONE_FIRST : ZONE_LAST;

	if (!value || when_parse(value, now_us, choice, ret_time_us) == 0)
		return 0;
	return refuse_value(bit, value,
			    "not a time: -5m, now, today, yesterday, 02:13, 2026-11-24, "
			    "2026-11-24T02:13:57Z or Unix seconds");
}

static int take_interval(struct options *options, const char *value)
{
	if (duration_parse(value, &options->interval_us) < 0)
		return refuse_value(OPTIONS_INTERVAL, value, "not a duration: 500ms, 10s, 1m");
	if (options->interval_us < INTERVAL_MIN_US || options->interval_us > INTERVAL_MAX_US)
		return refuse_value(OPTIONS_INTERVAL, value, "10ms to 24h");
	return 0;
}

static int take_step(struct options *options, const char *value)
{
	if (duration_parse(value, &options->step_us) < 0 || options->step_us < 1)
		return refuse_value(OPTIONS_STEP, value, "not a duration: 60s, 5m, 1h, 1d");
	return 0;
}

static int take_function(struct options *options, const char *value)
{
	static const char *const functions[] = {"avg",  "min",  "max",      "sum",      "count",
						"last", "rate", "increase", "quantile", NULL};
	size_t length = strcspn(value, "=");
	const char *nearest;
	double quantile;

	options->function = value;
	if (strncmp(value, "quantile", length) == 0 && length == strlen("quantile")) {
		value += length;
		if (*value == '=' && number_parse(value + 1, strlen(value + 1), &quantile) == 0 &&
		    quantile >= 0 && quantile <= 1)
			return 0;
		message_error("--function quantile wants a number from 0 to 1: quantile=0.99");
		return -EINVAL;
	}
	for (size_t i = 0; functions[i]; i++) {
		if (strcmp(value, functions[i]) == 0)
			return 0;
	}
	nearest = text_nearest(value, functions);
	message_error("--function %s: there is no such function: avg, min, max, sum, count, last, "
		      "rate, increase or quantile=Q%s%s%s",
		      *value ? value : "''", nearest ? " (did you mean '" : "",
		      nearest ? nearest : "", nearest ? "'?)" : "");
	return -EINVAL;
}

static int take_count(struct options *options, const char *value)
{
	const char *problem;

	options->count = strtonum(value, 1, COUNT_MAX, &problem);
	return problem ? refuse_value(OPTIONS_COUNT, value, "not a number from 1 on") : 0;
}

/* Once the verb is known: what the daemon sorts by it knows itself. */
static int take_order(struct options *options)
{
	const char *value = options->sort;
	const char *nearest;

	if (!value || (options->verb && options->verb->options & OPTIONS_HOST_SORT) ||
	    view_parse_order(value, &options->order) == 0)
		return 0;
	nearest = text_nearest(value + (*value == '-'), view_columns);
	message_error(
		"--sort %s: there is no such column: host, series, kind, unit, value, rate or "
		"age%s%s%s",
		*value ? value : "''", nearest ? " (did you mean '" : "", nearest ? nearest : "",
		nearest ? "'?)" : "");
	return -EINVAL;
}

static int take_filter(struct options *options, const char *value)
{
	options->filter = value;
	if (strlen(value) < VIEW_FILTER_MAX_BYTES)
		return 0;
	message_error("--filter: longer than %d bytes", VIEW_FILTER_MAX_BYTES - 1);
	return -EINVAL;
}

static int take_option(struct options *options, int bit, const char *value)
{
	options->given |= (unsigned int)bit;
	switch (bit) {
	case OPTIONS_SOCKET:
		options->socket = value;
		return *value ? 0 : refuse_value(bit, value, "the path of a socket is wanted");
	case OPTIONS_OUTPUT:
		options->output = value;
		return 0;
	case OPTIONS_INPUT:
		return take_input(options, value);
	case OPTIONS_SKIP:
		return take_skip(options, value);
	case OPTIONS_HOST:
		options->host = value;
		return 0;
	case OPTIONS_AT:
		options->at = value;
		return 0;
	case OPTIONS_SINCE:
		options->since = value;
		return 0;
	case OPTIONS_UNTIL:
		options->until = value;
		return 0;
	case OPTIONS_FUNCTION:
		return take_function(options, value);
	case OPTIONS_STEP:
		return take_step(options, value);
	case OPTIONS_BY:
		options->by = value;
		return 0;
	case OPTIONS_INTERVAL:
		return take_interval(options, value);
	case OPTIONS_COUNT:
		return take_count(options, value);
	case OPTIONS_SORT:
		options->sort = value;
		return 0;
	case OPTIONS_FILTER:
		return take_filter(options, value);
	case OPTIONS_ALL:
	case OPTIONS_DRY_RUN:
	case OPTIONS_YES:
		return 0; /* given: that is all */
	case OPTIONS_HELP:
		options->wants_help = true;
		return 0;
	case OPTIONS_UTC:
		zone_use_utc();
		return 0;
	default: /* OPTIONS_VERSION */
		options->wants_version = true;
		return 0;
	}
}

static int take_word(struct options *options, const char *word)
{
	if (!options->verb) {
		options->verb = verb_require(word);
		return options->verb ? 0 : -EINVAL;
	}
	if (!options->verb->argument || options->argument) {
		message_error("'%s' is one word too many: see `agentctl help %s`", word,
			      options->verb->name);
		return -EINVAL;
	}
	options->argument = word;
	return 0;
}

/*
 * @param word  as it was typed; a short one perhaps among others
 * @param bit   or its letter; 0 = not known
 */
static int refuse_option(const char *word, int bit, bool lacks_value)
{
	const char *names[N_ROWS + 1] = {NULL};
	char letter[] = {'-', (char)bit, '\0'};
	const char *nearest;

	if (bit > 0 && bit < OPTIONS_SOCKET)
		word = letter;
	if (lacks_value) {
		message_error("%s wants a value: --%s %s", word, find_row(bit)->name,
			      find_row(bit)->value);
		return -EINVAL;
	}
	for (size_t i = 0; i < N_ROWS; i++)
		names[i] = rows[i].name;
	nearest = strncmp(word, "--", 2) == 0 ? text_nearest(word + 2, names) : NULL;
	if (nearest) {
		message_error("there is no option '%s'; did you mean --%s?", word, nearest);
	} else {
		message_error("there is no option '%s', or it takes no value; `agentctl help` "
			      "names them all",
			      word);
	}
	return -EINVAL;
}

static int take_all(struct options *options, int argc, char *argv[])
{
	struct option longs[N_ROWS + 1] = {0};
	size_t n = 0;
	int answer;

	for (size_t i = 0; i < N_ROWS; i++) {
		/* What two rows tell is one option, that of the first. */
		if (rows[i].bit & OTHER_WORDS)
			continue;
		longs[n].name = rows[i].name;
		longs[n].has_arg = rows[i].value ? required_argument : no_argument;
		longs[n++].val = rows[i].bit;
	}
	optind = 0;
	opterr = 0;
	/* "-": words come in their order, as 1. ":": a missing value is told apart. */
	while ((answer = getopt_long(argc, argv, "-:o:i:f:nhV", longs, NULL)) != -1) {
		int error;

		if (answer == '?' || answer == ':')
			error = refuse_option(argv[optind - 1], optopt, answer == ':');
		else if (answer == 1)
			error = take_word(options, optarg);
		else
			error = take_option(options, find_row(answer)->bit, optarg);
		if (error < 0)
			return error;
	}
	while (optind < argc) {
		int error = take_word(options, argv[optind++]);

		if (error < 0)
			return error;
	}
	return 0;
}

static int check_verb(const struct options *options)
{
	const struct verb *verb = options->verb;
	unsigned int taken = verb->options;
	unsigned int strange;

	if (taken & OPTIONS_EXPORT)
		taken |= OPTIONS_OUTPUT;
	if (taken & OPTIONS_HOST_NAME)
		taken |= OPTIONS_HOST;
	if (taken & OPTIONS_HOST_SORT)
		taken |= OPTIONS_SORT;
	strange = options->given & ~taken;
	for (size_t i = 0; i < N_ROWS; i++) {
		if (strange & (unsigned int)rows[i].bit) {
			message_error("%s takes no --%s: see `agentctl help %s`", verb->name,
				      rows[i].name, verb->name);
			return -EINVAL;
		}
	}
	if (verb->needs_argument && !options->argument) {
		message_error("one word is missing: agentctl %s %s", verb->name, verb->usage);
		return -EINVAL;
	}
	return 0;
}

/* Once all options are taken: --utc may stand anywhere. */
static int take_times(struct options *options, int64_t now_us)
{
	int error = take_time(OPTIONS_SINCE, options->since, now_us, &options->since_us);

	if (error == 0)
		error = take_time(OPTIONS_UNTIL, options->until, now_us, &options->until_us);
	if (error == 0)
		error = take_time(OPTIONS_AT, options->at, now_us, &options->at_us);
	if (error < 0)
		return error;
	if (options->since && options->until && options->since_us > options->until_us) {
		message_error("--since is later than --until");
		return -EINVAL;
	}
	if (options->at && (options->since || options->until)) {
		message_error("--at is one moment: it takes no --since and no --until");
		return -EINVAL;
	}
	return 0;
}

int options_parse(struct options *options, int argc, char *argv[], int64_t now_us)
{
	int error;

	memset(options, 0, sizeof(*options));
	options->interval_us = INTERVAL_DEFAULT_US;
	error = take_all(options, argc, argv);
	if (error == 0)
		error = take_output(options);
	if (error == 0)
		error = take_order(options);
	if (error < 0 || !options->verb || options->wants_help || options->wants_version)
		return error;
	error = check_verb(options);
	return error < 0 ? error : take_times(options, now_us);
}

void options_format_help(unsigned int options, struct buffer *out)
{
	for (size_t i = 0; i < N_ROWS; i++) {
		char letter[] = {'-', rows[i].letter, ',', '\0'};
		char name[32];

		if (!((options | FOR_ALL) & (unsigned int)rows[i].bit))
			continue;
		(void)snprintf(name, sizeof(name), "--%s%s%s", rows[i].name,
			       rows[i].value ? " " : "", rows[i].value ? rows[i].value : "");
		buffer_printf(out, "  %-3s %-20s %s\n", rows[i].letter ? letter : "", name,
			      rows[i].help);
	}
}
