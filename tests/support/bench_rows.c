/* SPDX-License-Identifier: MIT */
/* Holds rows of a query against what was made. */

#include "tests/support/bench_rows.h"

#include <bsd/string.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/bench.h"

void bench_rows_init(struct bench_rows *rows, const struct bench_source *source,
		     const uint64_t *n_batches, size_t n_agents)
{
	*rows = (struct bench_rows){.n_agents = n_agents, .n_series = source->n_series};
	rows->first = bench_need(calloc(n_agents + 1, sizeof(*rows->first)));
	for (size_t i = 0; i < n_agents; i++)
		rows->first[i + 1] =
			rows->first[i] + n_batches[i] * source->n_times * source->n_series;
	rows->seen = bench_need(calloc(rows->first[n_agents] / 8 + 1, 1));
}

void bench_rows_done(struct bench_rows *rows)
{
	free(rows->first);
	free(rows->seen);
	*rows = (struct bench_rows){.n_agents = 0};
}

/* Go on behind a text, if it is the next. */
static bool take_text(const char **at, const char *text)
{
	size_t length = strlen(text);

	if (strncmp(*at, text, length) != 0)
		return false;
	*at += length;
	return true;
}

static bool take_number(const char **at, double *ret_number)
{
	char *end;

	*ret_number = strtod(*at, &end);
	if (end == *at)
		return false;
	*at = end;
	return true;
}

/* TIME, host, series and value, with a tab between them. @return the bit of the sample; UINT64_MAX: it was never made */
static uint64_t find_sample(const struct bench_rows *rows, const char *row)
{
	double time, agent, metric, series, value, n;
	uint64_t bit;

	if (!take_number(&row, &time) || !take_text(&row, "\tagent") ||
	    !take_number(&row, &agent) || !take_text(&row, "\tnode_bench_") ||
	    !take_number(&row, &metric) || !take_text(&row, "_total{device=\"disk") ||
	    !take_number(&row, &series) || !take_text(&row, "\"}\t") ||
	    !take_number(&row, &value) || *row != '\n')
		return UINT64_MAX;
	n = time - (double)BENCH_START_US / 1e6;
	if (agent < 0 || agent >= (double)rows->n_agents || series < 0 ||
	    series >= (double)rows->n_series || metric != floor(series / 8) || n < 0 || n >= 1e12 ||
	    n != floor(n))
		return UINT64_MAX;
	bit = rows->first[(size_t)agent] + (uint64_t)n * rows->n_series + (size_t)series;
	if (bit >= rows->first[(size_t)agent + 1] ||
	    bench_source_value((unsigned)agent, (size_t)series, (uint64_t)n) != value)
		return UINT64_MAX;
	return bit;
}

static void take_row(struct bench_rows *rows, const char *row)
{
	uint64_t bit = find_sample(rows, row);
	bool is_known = bit != UINT64_MAX;
	bool is_doubled = is_known && rows->seen[bit / 8] >> bit % 8 & 1;

	rows->n_read++;
	rows->n_invented += !is_known;
	rows->n_doubled += is_doubled;
	if (!is_known || is_doubled)
		(void)strlcpy(rows->example, row, sizeof(rows->example));
	if (is_known)
		rows->seen[bit / 8] |= (uint8_t)(1U << bit % 8);
}

void bench_rows_read(struct bench_rows *rows, FILE *in)
{
	char row[512];

	while (fgets(row, sizeof(row), in))
		take_row(rows, row);
	rows->n_missing =
		rows->first[rows->n_agents] - (rows->n_read - rows->n_invented - rows->n_doubled);
}
