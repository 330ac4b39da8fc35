/* SPDX-License-Identifier: MIT */
#ifndef AGENT_CTL_VERB_H
#define AGENT_CTL_VERB_H

/* What agentctl can be told to do. */

#include <stdbool.h>

struct options;

/* agentctl's exit status. */
enum ending {
	ENDING_FOUND = 0,
	ENDING_NONE = 1,   /* nothing matched */
	ENDING_FAILED = 1, /* or something else went wrong, which was said */
	ENDING_USAGE = 2,
	ENDING_UNREACHABLE = 3,
};

/* Whose control socket knows the verb. */
enum verb_scope {
	VERB_ANY,
	VERB_AGENT,
	VERB_COLLECTOR,
	VERB_LOCAL, /* nobody's: agentctl does it alone */
};

struct verb {
	const char *name;
	const char *usage;    /* what follows the name */
	const char *summary;  /* a sentence without its point */
	const char *details;  /* lines for `help VERB`, or NULL */
	const char *examples; /* such lines, indented: commands and what they are for; or NULL */
	enum verb_scope scope;
	const char *request;  /* the daemon's name of the verb */
	const char *argument; /* the daemon's name of its argument; NULL = takes none */
	bool needs_argument;
	bool shows_age;
	unsigned int options;                      /* which it takes: OPTIONS_... of options.h */
	int (*run)(const struct options *options); /* returns an enum ending */
};

/* In the order of the help, ended by one without name. */
extern const struct verb verbs[];

/* The verb of that name, or NULL. */
const struct verb *verb_find(const char *name);

/* The verb of that name; NULL: there is none, which was said, with the one that may be meant. */
const struct verb *verb_require(const char *name);

/* The verb whose name is most like it, or NULL. */
const struct verb *verb_nearest(const char *name);

#endif
