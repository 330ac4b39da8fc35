/* SPDX-License-Identifier: MIT */
/* The rows of an answer to list-metrics, kept until the next one. */

#include "agent/ctl/board.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/match.h"
#include "common/number.h"
#include "common/timestamp.h"

#define FIRST_ROWS ((size_t)256)

/* The kind of what a text client sent without saying it. */
#define KIND_UNKNOWN "unknown"

struct board_row {
	const char *host;
	const char *series;
	size_t number; /* in the answer */
	bool is_counter;
	bool has_sample;
	double value;
	int64_t time_us;
	bool has_rate;
	double rate;
	char rate_text[NUMBER_TEXT_MAX_BYTES];
	/* What it is sorted by: a text, or a number. */
	bool has_key;
	const char *key_text;
	double key;
	char *words[]; /* their bytes follow */
};

static void rows_done(struct board_rows *rows)
{
	for (size_t i = 0; i < rows->n; i++)
		free(rows->at[i]);
	free(rows->at);
	*rows = (struct board_rows){0};
}

void board_done(struct board *board)
{
	rows_done(&board->rows);
	rows_done(&board->coming);
	free(board->shown);
	*board = (struct board){0};
}

void board_begin(struct board *board)
{
	rows_done(&board->coming);
}

static int take_columns(void *context, const struct answer_columns *columns)
{
	struct board_rows *rows = &((struct board *)context)->coming;
	struct answer_column rate = {.name = "rate", .type = ANSWER_NUMBER};
	size_t value_at = answer_find(columns, "value");

	if (columns->n == CONTROL_WORDS_MAX)
		return -ENOMEM;
	rows->rate_at = value_at < columns->n ? value_at + 1 : columns->n;
	rows->columns = *columns;
	rows->columns.n++;
	memmove(&rows->columns.at[rows->rate_at + 1], &rows->columns.at[rows->rate_at],
		(columns->n - rows->rate_at) * sizeof(rate));
	rows->columns.at[rows->rate_at] = rate;
	return 0;
}

/* A row in one piece of memory, without its rate. */
static struct board_row *row_new(const struct board_rows *rows, char *const words[])
{
	size_t n_words = rows->columns.n;
	size_t n_bytes = 0;
	struct board_row *row;
	char *text;

	for (size_t i = 0; i < n_words - 1; i++)
		n_bytes += words[i] ? strlen(words[i]) + 1 : 0;
	row = calloc(1, sizeof(*row) + n_words * sizeof(row->words[0]) + n_bytes);
	if (!row)
		return NULL;
	text = (char *)&row->words[n_words];
	for (size_t i = 0; i < n_words; i++) {
		const char *word = i == rows->rate_at ? NULL : words[i - (i > rows->rate_at)];

		if (word) {
			row->words[i] = text;
			text = stpcpy(text, word) + 1;
		}
	}
	return row;
}

/* The word in the column of that name; "" = there is none. */
static const char *row_word(const struct board_rows *rows, const struct board_row *row,
			    const char *name)
{
	size_t at = answer_find(&rows->columns, name);

	return at < rows->columns.n && row->words[at] ? row->words[at] : "";
}

/* Counters of clients that do not tell the kind are named like that everywhere. */
static bool is_named_counter(const char *series)
{
	size_t length = strcspn(series, "{");
	size_t suffix = strlen("_total");

	return length > suffix && memcmp(series + length - suffix, "_total", suffix) == 0;
}

static void row_fill(const struct board_rows *rows, struct board_row *row)
{
	const char *kind = row_word(rows, row, "kind");
	const char *value = row_word(rows, row, "value");
	const char *time = row_word(rows, row, "time");

	row->host = row_word(rows, row, "host");
	row->series = row_word(rows, row, "series");
	row->is_counter = strcmp(kind, "counter") == 0 ||
			  (strcmp(kind, KIND_UNKNOWN) == 0 && is_named_counter(row->series));
	row->has_sample = *time && number_parse(value, strlen(value), &row->value) == 0;
	row->time_us = strtoll(time, NULL, 10);
}

static int take_row(void *context, char *const words[])
{
	struct board_rows *rows = &((struct board *)context)->coming;
	struct board_row *row = row_new(rows, words);

	if (row && rows->n == rows->capacity) {
		size_t capacity = rows->capacity ? rows->capacity * 2 : FIRST_ROWS;
		struct board_row **moved =
			reallocarray(rows->at, capacity, sizeof(struct board_row *));

		if (!moved) {
			free(row);
			return -ENOMEM;
		}
		rows->at = moved;
		rows->capacity = capacity;
	}
	if (!row)
		return -ENOMEM;
	row_fill(rows, row);
	row->number = rows->n;
	rows->at[rows->n++] = row;
	return 0;
}

static int take_note(void *context, const char *text)
{
	(void)context;
	(void)text;
	return 0;
}

const struct answer_handler board_handler = {
	.columns = take_columns,
	.row = take_row,
	.note = take_note,
};

static int compare_names(const struct board_row *a, const struct board_row *b)
{
	int order = strcmp(a->host, b->host);

	return order ? order : strcmp(a->series, b->series);
}

static int compare_rows(const void *a, const void *b)
{
	return compare_names(*(struct board_row *const *)a, *(struct board_row *const *)b);
}

/* @param before  the same series in the last answer */
static void row_set_rate(struct board_row *row, const struct board_row *before, size_t rate_at)
{
	if (!row->is_counter || !row->has_sample || !before->has_sample)
		return;
	if (row->time_us == before->time_us) {
		row->has_rate = before->has_rate;
		row->rate = before->rate;
	} else if (row->time_us > before->time_us && row->value >= before->value) {
		double elapsed_us = (double)row->time_us - (double)before->time_us;

		row->rate = (row->value - before->value) * (double)TIMESTAMP_SECOND_US / elapsed_us;
		row->has_rate = isfinite(row->rate);
	}
	if (!row->has_rate)
		return;
	(void)number_format(row->rate, row->rate_text);
	row->words[rate_at] = row->rate_text;
}

void board_end(struct board *board)
{
	struct board_rows last = board->rows;
	size_t j = 0;

	board->rows = board->coming;
	board->coming = (struct board_rows){0};
	board->n_shown = 0;
	if (board->rows.n > 0)
		qsort(board->rows.at, board->rows.n, sizeof(struct board_row *), compare_rows);
	for (size_t i = 0; i < board->rows.n; i++) {
		struct board_row *row = board->rows.at[i];

		while (j < last.n && compare_names(last.at[j], row) < 0)
			j++;
		if (j < last.n && compare_names(last.at[j], row) == 0)
			row_set_rate(row, last.at[j], board->rows.rate_at);
	}
	rows_done(&last);
}

static bool row_matches(const struct board_row *row, const char *filter)
{
	if (!filter || *filter == '\0')
		return true;
	if (strpbrk(filter, "*?["))
		return match_series(filter, row->series) || match_host(filter, row->host);
	return strcasestr(row->series, filter) || strcasestr(row->host, filter);
}

/* Note what the row is sorted by. */
static void row_set_key(struct board_row *row, const struct answer_columns *columns,
			const struct board_order *order)
{
	bool is_age = order->column && strcmp(order->column, "age") == 0;
	size_t at = columns->n;
	const char *word;

	if (order->column)
		at = answer_find(columns, is_age ? "time" : order->column);
	word = at < columns->n ? row->words[at] : NULL;
	row->has_key = false;
	row->key_text = NULL;
	if (!word)
		return;
	row->has_key = true;
	if (columns->at[at].type == ANSWER_TEXT)
		row->key_text = word;
	else
		row->has_key = number_parse(word, strlen(word), &row->key) == 0 && !isnan(row->key);
	/* The older a sample, the smaller its time. */
	if (is_age)
		row->key = -row->key;
}

static int compare_keys(const struct board_row *a, const struct board_row *b)
{
	if (a->key_text && b->key_text)
		return strcmp(a->key_text, b->key_text);
	return (a->key > b->key) - (a->key < b->key);
}

/* What has no key stands behind the others in both directions. */
static int compare_shown(const void *a_pointer, const void *b_pointer, void *context)
{
	const struct board_row *a = *(struct board_row *const *)a_pointer;
	const struct board_row *b = *(struct board_row *const *)b_pointer;
	const struct board_order *order = context;
	int result = 0;

	if (a->has_key != b->has_key)
		return a->has_key ? -1 : 1;
	if (a->has_key)
		result = compare_keys(a, b);
	if (result)
		return order->is_descending ? -result : result;
	return a->number < b->number ? -1 : a->number > b->number;
}

int board_arrange(struct board *board, const char *filter, const struct board_order *order)
{
	struct board_order copy = *order;

	free(board->shown);
	board->n_shown = 0;
	board->shown = calloc(board->rows.n + 1, sizeof(struct board_row *));
	if (!board->shown)
		return -ENOMEM;
	for (size_t i = 0; i < board->rows.n; i++) {
		struct board_row *row = board->rows.at[i];

		if (!row_matches(row, filter))
			continue;
		row_set_key(row, &board->rows.columns, order);
		board->shown[board->n_shown++] = row;
	}
	qsort_r(board->shown, board->n_shown, sizeof(struct board_row *), compare_shown, &copy);
	return 0;
}

char *const *board_words(const struct board *board, size_t i)
{
	return board->shown[i]->words;
}

const char *board_only_host(const struct board *board)
{
	const struct board_rows *rows = &board->rows;

	if (rows->n == 0 || strcmp(rows->at[0]->host, rows->at[rows->n - 1]->host) != 0)
		return NULL;
	return rows->at[0]->host;
}
