/* SPDX-License-Identifier: MIT */
#ifndef AGENT_CTL_OPTIONS_H
#define AGENT_CTL_OPTIONS_H

/* agentctl's command line. */

#include <stdbool.h>
#include <stdint.h>

#include "agent/ctl/board.h"
#include "agent/ctl/export_format.h"
#include "agent/ctl/import_parser.h"
#include "agent/ctl/output.h"
#include "agent/ctl/verb.h"

/* Above the letters of short options, so that getopt_long(3) can answer with either. */
enum options_bit {
	OPTIONS_AT = 1 << 7,
	OPTIONS_SOCKET = 1 << 8,
	OPTIONS_OUTPUT = 1 << 9,
	OPTIONS_HOST = 1 << 10,
	OPTIONS_SINCE = 1 << 11,
	OPTIONS_UNTIL = 1 << 12,
	OPTIONS_INTERVAL = 1 << 13,
	OPTIONS_COUNT = 1 << 14,
	OPTIONS_SORT = 1 << 15,
	OPTIONS_FILTER = 1 << 16,
	OPTIONS_UTC = 1 << 17,
	OPTIONS_DRY_RUN = 1 << 18,
	OPTIONS_ALL = 1 << 19,
	OPTIONS_HELP = 1 << 20,
	OPTIONS_VERSION = 1 << 21,
	OPTIONS_FUNCTION = 1 << 22,
	OPTIONS_STEP = 1 << 23,
	OPTIONS_BY = 1 << 24,
	OPTIONS_EXPORT = 1 << 25, /* --output, with the formats of export */
	OPTIONS_INPUT = 1 << 26,
	OPTIONS_SKIP = 1 << 27,
	OPTIONS_HOST_NAME = 1 << 28, /* --host, with the name of one */
	OPTIONS_YES = 1 << 29,
	OPTIONS_HOST_SORT = 1 << 30, /* --sort, by what the daemon knows */
};

/* All texts are borrowed from argv. */
struct options {
	const struct verb *verb; /* NULL = none was given */
	const char *argument;    /* NULL = none was given */
	unsigned int given;      /* which options were: OPTIONS_... */
	bool wants_help;
	bool wants_version;
	const char *socket;
	const char *host;
	const char *output;                 /* NULL = not given */
	const struct output_format *format; /* NULL = the verb's usual one */
	const struct export_format *export_format;
	const struct import_format *import_format; /* NULL = the file tells */
	int64_t skip;                              /* lines */
	const char *since;                         /* NULL = not given */
	const char *until;
	const char *at;
	int64_t since_us;
	int64_t until_us;
	int64_t at_us;
	const char *function;
	int64_t step_us;
	const char *by;
	int64_t interval_us;
	int64_t count;    /* 0 = without end */
	const char *sort; /* NULL = not given */
	struct board_order order;
	const char *filter; /* NULL = none */
};

/*
 * Parse and check the command line; options may stand before and behind the verb. Says what is
 * wrong. With --utc the zone in force (agent/ctl/zone.h) is UTC from then on.
 * @param now_us  what --since -5m counts from
 * @return 0 or -EINVAL
 */
int options_parse(struct options *options, int argc, char *argv[], int64_t now_us);

/* The options as lines of help. @param options  OPTIONS_... */
void options_format_help(unsigned int options, struct buffer *out);

#endif
