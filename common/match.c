/* SPDX-License-Identifier: MIT */
/* What a person types to choose series. */

#include "common/match.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/series.h"

/* So much of a pattern is shown with what is wrong with it, and so much is said of that. */
#define SHOWN_BYTES   80
#define PROBLEM_BYTES 300

/* What a glob does not stand for itself with. */
static const char glob_bytes[] = "*?[\\";

struct match {
	char *metric;          /* a glob; "" = every one */
	char *whole;           /* a glob over all of the text; NULL = none */
	const char *whole_end; /* what a text has to end with that `whole` takes */
	bool has_list;
	struct matcher_list list;
};

/* A name that reads like a glob still chooses itself. */
static bool match_glob(const char *pattern, const char *text)
{
	return strcmp(pattern, text) == 0 || fnmatch(pattern, text, 0) == 0;
}

static bool is_empty(const char *pattern)
{
	return !pattern || !*pattern;
}

static bool is_glob(const char *pattern)
{
	return strpbrk(pattern, "*?[") != NULL;
}

/* Text lines may give labels names that matchers cannot have. */
static bool is_series(const char *pattern)
{
	struct series series;
	size_t length = strlen(pattern);
	size_t used;

	return series_parse(&series, pattern, length, &used) == HM_REASON_NONE && used == length;
}

static bool is_inside_character(char byte)
{
	return ((unsigned char)byte & 0xc0) == 0x80;
}

/* Say of a problem what it is of, and where. */
static void tell_place(const char *pattern, size_t failed_at, char *problem)
{
	char what[MATCHER_PROBLEM_BYTES];
	size_t length = strnlen(pattern, SHOWN_BYTES);
	size_t character = 1;

	while (length > 0 && is_inside_character(pattern[length]))
		length--;
	for (size_t i = 0; i < failed_at; i++)
		character += !is_inside_character(pattern[i]);
	(void)snprintf(what, sizeof(what), "%s", problem);
	(void)snprintf(problem, MATCHER_PROBLEM_BYTES, "'%.*s'%s: %.*s, at character %zu",
		       (int)length, pattern, pattern[length] ? "..." : "", PROBLEM_BYTES, what,
		       character);
}

/* What stands for itself at the end of a glob, and of every text that it takes. */
static const char *find_plain_end(const char *pattern)
{
	const char *end = pattern + strlen(pattern);

	/* What stands before a ']' may belong to what it closes. */
	while (end > pattern && end[-1] != ']' && !strchr(glob_bytes, end[-1]))
		end--;
	return end;
}

static int set_pattern(struct match *match, const char *pattern, char *problem)
{
	size_t length = strcspn(pattern, "{");
	int result;

	match->metric = strndup(pattern, length);
	if (!match->metric)
		return -ENOMEM;
	if (pattern[length] == '\0')
		return 0;
	result = matcher_list_parse(&match->list, pattern + length, problem);
	match->has_list = result == 0;
	if (result == -EINVAL || result == -EDOM)
		tell_place(pattern, length + match->list.failed_at, problem);
	if (result == -EDOM)
		return -EINVAL;
	if (result != 0 && (result != -EINVAL || !(is_glob(pattern) || is_series(pattern)))) {
		return result;
	}
	/* What can be read as either is taken as either, and a series always chooses itself. */
	match->whole = strdup(pattern);
	if (!match->whole)
		return -ENOMEM;
	match->whole_end = find_plain_end(match->whole);
	return 0;
}

int match_new(const char *pattern, struct match **ret_match,
	      char ret_problem[static MATCHER_PROBLEM_BYTES])
{
	struct match *match = calloc(1, sizeof(*match));
	int result = match ? 0 : -ENOMEM;

	(void)snprintf(ret_problem, MATCHER_PROBLEM_BYTES, "%s", strerror(ENOMEM));
	if (match)
		result = set_pattern(match, pattern ? pattern : "", ret_problem);
	if (result < 0)
		match_free(match);
	else
		*ret_match = match;
	return result;
}

void match_free(struct match *match)
{
	if (!match)
		return;
	matcher_list_done(&match->list);
	free(match->metric);
	free(match->whole);
	free(match);
}

/* Does a glob over the whole text begin as the texts of a metric do? */
static bool begins_as(const char *pattern, const char *metric)
{
	size_t n_plain = strcspn(pattern, glob_bytes);
	size_t length = strlen(metric);

	/* A name that reads like a glob is that of its own text only. */
	return strncmp(pattern, metric, n_plain < length ? n_plain : length) == 0;
}

enum match_extent match_metric(const struct match *match, const char *metric)
{
	bool has_metric = (!match->whole || match->has_list) &&
			  strlen(metric) <= HM_METRIC_NAME_MAX_BYTES &&
			  (is_empty(match->metric) || match_glob(match->metric, metric));

	if (has_metric && match->list.n == 0)
		return MATCH_ALL;
	return has_metric || (match->whole && begins_as(match->whole, metric)) ? MATCH_SOME
									       : MATCH_NONE;
}

const char *match_only_metric(const struct match *match)
{
	return is_empty(match->metric) || match->metric[strcspn(match->metric, glob_bytes)]
		       ? NULL
		       : match->metric;
}

static bool takes_metric(const struct match *match, const char *series)
{
	size_t length = strcspn(series, "{");
	char metric[HM_METRIC_NAME_MAX_BYTES + 1];

	if (length >= sizeof(metric))
		return false;
	memcpy(metric, series, length);
	metric[length] = '\0';
	return is_empty(match->metric) || match_glob(match->metric, metric);
}

static bool takes_labels(struct match *match, const char *host, const char *text)
{
	struct series series;
	size_t used;

	if (match->list.n == 0)
		return true;
	return series_parse(&series, text, strlen(text), &used) == HM_REASON_NONE &&
	       matcher_list_takes(&match->list, host, &series);
}

/* The glob is asked only where the end is right: it takes much longer. */
static bool takes_whole(const struct match *match, const char *series)
{
	size_t length = strlen(series);
	size_t end_length = strlen(match->whole_end);

	return length >= end_length &&
	       memcmp(series + length - end_length, match->whole_end, end_length) == 0 &&
	       match_glob(match->whole, series);
}

bool match_takes(struct match *match, const char *host, const char *series)
{
	if (match->whole && takes_whole(match, series))
		return true;
	if (match->whole && !match->has_list)
		return false;
	return takes_metric(match, series) && takes_labels(match, host, series);
}

bool match_series(const char *pattern, const char *series)
{
	char problem[MATCHER_PROBLEM_BYTES];
	struct match *match;
	bool is_taken;

	if (match_new(pattern, &match, problem) < 0)
		return false;
	is_taken = match_takes(match, NULL, series);
	match_free(match);
	return is_taken;
}

bool match_host(const char *pattern, const char *host)
{
	return is_empty(pattern) || match_glob(pattern, host);
}
