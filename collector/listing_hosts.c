/* SPDX-License-Identifier: MIT */
/* What there is: hosts, and what each has. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/listing.h"
#include "collector/reply.h"
#include "collector/verbs.h"
#include "common/text.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Rates are told to a thousandth. */
#define RATE_PARTS 1000

enum column {
	COLUMN_HOST,
	COLUMN_SERIES,
	COLUMN_SAMPLES,
	COLUMN_RATE,
	COLUMN_BYTES,
	COLUMN_INODES,
	COLUMN_OLDEST,
	COLUMN_LAST,
	COLUMNS
};

static const char *const columns[] = {"host:text",        "series:number", "samples:number",
				      "rate:number",      "bytes:number",  "inodes:number",
				      "oldest_time:time", "last_time:time"};
_Static_assert(COUNT(columns) == COLUMNS, "each column has a name");

static const char *const names[] = {"host",   "series",      "samples",   "rate", "bytes",
				    "inodes", "oldest_time", "last_time", NULL};

struct order {
	enum column column;
	bool is_descending;
};

/* @return false: there is no such column */
static bool parse_order(const char *text, struct order *ret_order)
{
	struct order order = {COLUMN_HOST, *text == '-'};

	while (names[order.column] && strcmp(names[order.column], text + order.is_descending) != 0)
		order.column++;
	if (!names[order.column])
		return false;
	*ret_order = order;
	return true;
}

static void refuse_order(struct control_reply *reply, const char *text)
{
	const char *nearest = text_nearest(text + (*text == '-'), names);
	char problem[256];

	(void)snprintf(problem, sizeof(problem),
		       "'%.40s' is no column: host, series, samples, rate, bytes, inodes, "
		       "oldest_time or last_time%s%s%s",
		       text, nearest ? " (did you mean '" : "", nearest ? nearest : "",
		       nearest ? "'?)" : "");
	control_end(reply, HM_CONTROL_USAGE, problem);
}

/* What a host is sorted by. @return false: it has nothing there */
static bool get_key(const struct engine_host_state *host, enum column column, double *ret_key)
{
	switch (column) {
	case COLUMN_SERIES:
		*ret_key = (double)host->n_series;
		return true;
	case COLUMN_SAMPLES:
		*ret_key = (double)host->n_samples;
		return true;
	case COLUMN_RATE:
		*ret_key = host->rate;
		return host->has_rate;
	case COLUMN_BYTES:
		*ret_key = (double)host->n_bytes;
		return true;
	case COLUMN_INODES:
		*ret_key = (double)host->n_inodes;
		return true;
	case COLUMN_OLDEST:
		*ret_key = (double)host->oldest_time_us;
		return host->has_oldest;
	case COLUMN_LAST:
		*ret_key = (double)host->last_time_us;
		return host->has_sample;
	default: /* the name is what all are sorted by where they are equal */
		*ret_key = 0;
		return true;
	}
}

/* What has no key stands behind the others in both directions. */
static int compare_hosts(const void *a_pointer, const void *b_pointer, void *context)
{
	const struct engine_host_state *a = a_pointer;
	const struct engine_host_state *b = b_pointer;
	const struct order *order = context;
	int names_order = strcmp(a->name, b->name);
	double a_key;
	double b_key;
	bool has_a = get_key(a, order->column, &a_key);
	bool has_b = get_key(b, order->column, &b_key);
	int result = 0;

	if (order->column == COLUMN_HOST)
		return order->is_descending ? -names_order : names_order;
	if (has_a != has_b)
		return has_a ? -1 : 1;
	if (has_a)
		result = (a_key > b_key) - (a_key < b_key);
	if (order->is_descending)
		result = -result;
	return result ? result : names_order;
}

static void write_time(struct control_reply *reply, bool has_time, int64_t time_us)
{
	if (has_time)
		control_integer(reply, time_us);
	else
		control_nothing(reply);
}

static double round_rate(double rate)
{
	return (double)(int64_t)(rate * RATE_PARTS + 0.5) / RATE_PARTS;
}

static void write_host(struct control_reply *reply, const struct engine_host_state *host)
{
	control_text(reply, host->name);
	control_integer(reply, (int64_t)host->n_series);
	control_integer(reply, (int64_t)host->n_samples);
	if (host->has_rate)
		control_number(reply, round_rate(host->rate));
	else
		control_nothing(reply);
	control_integer(reply, (int64_t)host->n_bytes);
	control_integer(reply, (int64_t)host->n_inodes);
	write_time(reply, host->has_oldest, host->oldest_time_us);
	write_time(reply, host->has_sample, host->last_time_us);
	control_row_end(reply);
}

void listing_answer_hosts(void *context, const struct control_request *request,
			  struct control_reply *reply)
{
	const struct verbs *verbs = context;
	const char *sort = control_argument(request, "sort");
	struct order order = {.column = COLUMN_HOST};
	struct engine_host_state *hosts;
	size_t n_hosts;
	int result;

	if (sort && !parse_order(sort, &order)) {
		refuse_order(reply, sort);
		return;
	}
	control_columns(reply, "rows", columns, COUNT(columns));
	result = engine_list_hosts(store_engine(verbs->store), &hosts, &n_hosts);
	if (result < 0) {
		reply_fail(reply, "cannot list", result);
		return;
	}
	qsort_r(hosts, n_hosts, sizeof(*hosts), compare_hosts, &order);
	for (size_t i = 0; i < n_hosts; i++)
		write_host(reply, &hosts[i]);
	control_end(reply, n_hosts ? HM_CONTROL_OK : HM_CONTROL_NONE,
		    n_hosts ? NULL : "no host has sent anything yet");
	free(hosts);
}
