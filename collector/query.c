/* SPDX-License-Identifier: MIT */
/* The stored samples of some series in a range of time. */

#include "collector/query.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "collector/query_part.h"

static int choose(struct query *query, const struct query_options *options)
{
	struct selection *selection = &query->selection;

	if (!options->chosen)
		return selection_new(query->engine, options->series, options->host,
				     &options->limits, selection);
	selection->series = calloc(options->n_chosen + 1, sizeof(struct catalog_series *));
	if (!selection->series)
		return -ENOMEM;
	selection->n = options->n_chosen;
	memcpy(selection->series, options->chosen,
	       options->n_chosen * sizeof(struct catalog_series *));
	return 0;
}

int query_open(struct engine *engine, const struct query_options *options, struct query **ret_query)
{
	struct query *query = calloc(1, sizeof(*query));
	int result;

	if (!query)
		return -ENOMEM;
	query->engine = engine;
	query->since_us = options->since_us;
	query->until_us = options->until_us;
	query->is_latest_only = options->is_latest_only;
	query->is_of_ticks = options->is_of_ticks;
	query->logged.has_absences = options->is_of_ticks;
	query->stored.has_absences = options->is_of_ticks;
	query->limits = options->limits;
	query->log_max = SIZE_MAX;
	query->run_max = SIZE_MAX;
	query->decoder = block_decoder_new();
	result = query->decoder ? tail_new(engine, &query->tail) : -ENOMEM;
	if (result == 0)
		result = choose(query, options);
	if (result == 0 && query->selection.n == 0)
		result = -ENOENT;
	if (result == 0)
		result = query_log_index(query);
	if (result < 0)
		query_free(query);
	else
		*ret_query = query;
	return result;
}

int query_new(struct engine *engine, const char *series, const char *host, int64_t since_us,
	      int64_t until_us, struct query **ret_query)
{
	const struct query_options options = {
		.series = series,
		.host = host,
		.since_us = since_us,
		.until_us = until_us,
	};

	return query_open(engine, &options, ret_query);
}

void query_show_latest(struct query *query)
{
	query->is_latest_only = true;
}

void query_free(struct query *query)
{
	if (!query)
		return;
	selection_done(&query->selection);
	table_done(&query->wanted);
	tail_free(query->tail);
	block_decoder_free(query->decoder);
	id_map_done(&query->ids);
	pile_done(&query->logged, &query->limits);
	pile_done(&query->stored, &query->limits);
	strand_free(query->strand);
	query_masks_done(&query->masks);
	tombstones_done(&query->tombstones);
	free(query);
}

static int index_run(struct query *query)
{
	int result = 0;

	id_map_done(&query->ids);
	for (size_t i = query->run_start; i < query->run_end && result == 0; i++)
		result = id_map_set(&query->ids, query->selection.series[i]->id,
				    &query->selection.series[i]);
	return result;
}

static int read_log_and_files(struct query *query)
{
	struct catalog_file *file = query->selection.series[query->run_start]->file;
	int result = query_log_read(query, file->host);

	pile_clear(&query->stored);
	return result == 0 ? query_file_read(query, file) : result;
}

/* Gather what there is of the run's series. */
static int read_run(struct query *query)
{
	uint64_t n_lost = query->n_lost;
	int result = index_run(query);

	query->at = query->run_start;
	query->is_open = false;
	if (result == 0)
		result = read_log_and_files(query);
	for (int i = 1; i < QUERY_TRIES_MAX && result == -ESTALE; i++) {
		query->host = NULL;
		query->n_lost = n_lost;
		result = read_log_and_files(query);
	}
	if (result == 0)
		pile_sort(&query->stored);
	return result;
}

/* The next series that follow each other and lie in one file. @return false = there are none */
static bool next_run(struct query *query)
{
	struct catalog_series **series = query->selection.series;

	query->run_start = query->run_end;
	if (query->run_start == query->selection.n)
		return false;
	while (query->run_end < query->selection.n &&
	       query->run_end - query->run_start < query->run_max &&
	       series[query->run_end]->file == series[query->run_start]->file)
		query->run_end++;
	return true;
}

size_t query_n_done(const struct query *query)
{
	return query->at;
}

uint64_t query_n_lost(const struct query *query)
{
	return query->n_lost;
}

/* There was too much: begin the run anew with fewer series. @return false: there is only one */
static bool take_fewer(struct query *query)
{
	size_t n_run = query->run_end - query->run_start;
	size_t n_log = query->log_end - query->log_start;

	pile_done(&query->stored, &query->limits);
	pile_done(&query->logged, &query->limits);
	strand_forget(query->strand);
	query->host = NULL;
	/* Those before are done. */
	query->run_end = query->at;
	if (n_log > n_run) {
		query->log_max = n_log / 2 > n_run ? n_log / 2 : n_run;
		return true;
	}
	query->run_max = n_run / 2;
	query->log_max = query->run_max;
	return n_run > 1;
}

static bool is_first_of_file(const struct query *query)
{
	struct catalog_series **run = query->selection.series + query->run_start;

	return query->run_start == 0 || run[-1]->file != run[0]->file;
}

/* Count blocks whose columns turned out to be damaged, in the file and in the log. */
static void count_late_damage(struct query *query)
{
	struct catalog_file *file = query->selection.series[query->run_start]->file;
	uint64_t n_new[STRAND_SOURCES];

	for (size_t i = 0; i < STRAND_SOURCES; i++) {
		n_new[i] = strand_n_damaged(query->strand, i) - query->n_late[i];
		query->n_late[i] += n_new[i];
		query->n_lost += n_new[i];
	}
	if (n_new[0] > 0) {
		query->n_damaged = query->n_damaged_main + n_new[0];
		query_file_count_damage(query, file, &file->data[CATALOG_SIDE_MAIN]);
	}
}

static int open_strand(struct query *query)
{
	const struct strand_options options = {
		.limits = query->limits,
		.span_us = {query->since_us, query->until_us},
		.is_latest_only = query->is_latest_only,
		.is_of_ticks = query->is_of_ticks,
	};

	return query->strand ? 0 : strand_new(&options, &query->strand);
}

/* Have the next run. @return 1; 0: there is none; -errno */
static int begin_run(struct query *query)
{
	uint64_t n_lost;
	int result = open_strand(query);

	if (result < 0)
		return result;
	if (query->run_end > 0)
		count_late_damage(query);
	if (!next_run(query))
		return 0;
	n_lost = query->n_lost;
	result = read_run(query);
	/* What is read again counts once. */
	if (result == -ENOBUFS || !is_first_of_file(query))
		query->n_lost = n_lost;
	return result < 0 ? result : 1;
}

static void begin_series(struct query *query)
{
	struct strand_source sources[STRAND_SOURCES] = {{.pile = &query->stored},
							{.pile = &query->logged}};

	sources[0].columns =
		pile_find(&query->stored, (uint32_t)(query->at - query->run_start), &sources[0].n);
	/* What the log has was written after all that files have. */
	sources[1].columns = pile_find(&query->logged, (uint32_t)query->at, &sources[1].n);
	strand_begin(query->strand, sources);
	query->is_open = true;
}

/* Go on within what was read. @return 1; 0: there is no more of it; -errno */
static int next_of_run(struct query *query, struct query_piece *ret_piece)
{
	struct strand_piece piece;

	for (; query->at < query->run_end; query->at++) {
		int result;

		if (!query->is_open)
			begin_series(query);
		result = strand_next(query->strand, &piece);
		if (result < 0)
			return result;
		if (result > 0) {
			*ret_piece = (struct query_piece){query->selection.series[query->at],
							  piece.times_us, piece.values, piece.n,
							  piece.step_us};
			return 1;
		}
		query->is_open = false;
	}
	return 0;
}

int query_next_piece(struct query *query, struct query_piece *ret_piece)
{
	for (;;) {
		int result = next_of_run(query, ret_piece);

		if (result > 0)
			return 1;
		if (result == 0) {
			result = begin_run(query);
			if (result == 0)
				return 0;
		}
		if (result < 0 && (result != -ENOBUFS || !take_fewer(query)))
			return result;
	}
}

int query_next(struct query *query, const struct query_row **ret_rows, size_t *ret_n)
{
	const struct query_piece *piece = &query->piece;
	size_t n;

	if (query->n_given == piece->n) {
		int result = query_next_piece(query, &query->piece);

		query->n_given = 0;
		if (result <= 0) {
			query->piece.n = 0;
			return result;
		}
	}
	n = piece->n - query->n_given;
	if (n > ROWS_MAX)
		n = ROWS_MAX;
	for (size_t i = 0; i < n; i++) {
		query->rows[i] =
			(struct query_row){piece->series, piece->times_us[query->n_given + i],
					   piece->values[query->n_given + i]};
	}
	query->n_given += n;
	*ret_rows = query->rows;
	*ret_n = n;
	return 1;
}
