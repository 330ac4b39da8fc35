/* SPDX-License-Identifier: MIT */
#ifndef COMMON_MATCH_H
#define COMMON_MATCH_H

/*
 * What a person types to choose series. Without '{' it is a glob over the metric's name. With '{' it is
 *   - such a glob, or nothing, and matchers (common/matcher.h): node_cpu*{cpu="0",mode!="idle"}; or
 *   - a glob over the whole canonical text: node_cpu*{*mode="idle"*}.
 * NULL and "" are everything.
 */

#include <stdbool.h>

#include "common/matcher.h"

struct match;

/*
 * @param pattern      copied
 * @param ret_problem  what is wrong with it, for people
 * @return 0; -ENOMEM; -EINVAL: it is neither
 */
int match_new(const char *pattern, struct match **ret_match,
	      char ret_problem[static MATCHER_PROBLEM_BYTES]);

/* Takes NULL. */
void match_free(struct match *match);

/*
 * Is the series chosen? From one thread at a time.
 * @param host    NULL: not known
 * @param series  canonical text (common/series.h)
 */
bool match_takes(struct match *match, const char *host, const char *series);

/* Which series of a metric are chosen, as far as its name tells. */
enum match_extent {
	MATCH_NONE,
	MATCH_SOME, /* perhaps: match_takes() knows */
	MATCH_ALL,
};

/* @param metric  the name alone. MATCH_NONE and MATCH_ALL say what match_takes() would of each series */
enum match_extent match_metric(const struct match *match, const char *metric);

/* @return the one metric that all chosen series have, borrowed; NULL: they may have several */
const char *match_only_metric(const struct match *match);

/* The same as match_takes() for one series only; a wrong pattern chooses nothing. */
bool match_series(const char *pattern, const char *series);

/* Is the host chosen? @param pattern  a glob; NULL or "": every host */
bool match_host(const char *pattern, const char *host);

#endif
