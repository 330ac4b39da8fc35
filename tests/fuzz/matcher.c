/* SPDX-License-Identifier: MIT */
/* Fuzz target: common/matcher.c and common/match.c on any pattern. */

#include "common/matcher.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/match.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes);

/* What the metric alone tells must be so. */
static void check_extent(struct match *match, const char *name)
{
	static const char metric[] = "node_cpu_seconds_total";
	const char *only = match_only_metric(match);
	enum match_extent extent = match_metric(match, metric);
	bool is_taken = match_takes(match, "web01", name);

	if ((extent == MATCH_ALL && !is_taken) || (extent == MATCH_NONE && is_taken))
		abort();
	if (is_taken && only && strcmp(only, metric) != 0)
		abort();
}

/* What the expression does is the library's; that it is ours to call must hold. */
static void check(const char *text)
{
	static const char name[] = "node_cpu_seconds_total{cpu=\"0\",mode=\"idle\"}";
	char problem[MATCHER_PROBLEM_BYTES];
	struct matcher_list list;
	struct series series;
	struct match *match;
	size_t used;

	if (series_parse(&series, name, strlen(name), &used) != HM_REASON_NONE)
		abort();
	if (matcher_list_parse(&list, text, problem) == 0) {
		(void)matcher_list_takes(&list, "web01", &series);
		matcher_list_done(&list);
	} else if (problem[0] == '\0' || strlen(problem) >= sizeof(problem)) {
		abort();
	}
	if (match_new(text, &match, problem) == 0) {
		check_extent(match, name);
		match_free(match);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes)
{
	char *text = malloc(n_bytes + 1);

	if (!text || n_bytes > 1000) {
		free(text);
		return 0;
	}
	memcpy(text, data, n_bytes);
	text[n_bytes] = '\0';
	check(text);
	free(text);
	return 0;
}
