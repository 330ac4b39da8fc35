/* SPDX-License-Identifier: MIT */
/* The stored samples of some series in a range of time. */

#include "collector/query.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/id_map.h"
#include "collector/pile.h"
#include "collector/selection.h"
#include "collector/strand.h"
#include "collector/table.h"
#include "collector/tail.h"
#include "common/message.h"
#include "common/store_path.h"

/* So many rows are given at once. */
#define ROWS_MAX ((size_t)1024)

/* What a host has in its files and in the log is looked at anew so often, when a checkpoint comes
 * between. */
#define TRIES_MAX 8

/* The log is looked through for so few metrics; else for all. */
#define METRICS_MAX ((size_t)8)

#define PATH_BYTES (CATALOG_FILE_NAME_BYTES * 2)

struct query {
	struct engine *engine;
	struct selection selection;
	struct table wanted; /* where each series stands in the selection, by its address */
	int64_t since_us;
	int64_t until_us;
	bool is_latest_only;
	struct block_decoder *decoder;
	struct tail *tail;
	const struct catalog_host *host; /* of `logged`; NULL = none yet */
	uint64_t checkpoint;             /* of that host, when its log was read */
	struct pile logged;              /* what only the log has of it */
	size_t log_start;                /* of the series whose samples `logged` has */
	size_t log_end;
	size_t log_max; /* so many series at a time, as far as memory goes */
	size_t run_max;
	const char *metrics[METRICS_MAX]; /* of these series, borrowed */
	size_t n_metrics;                 /* 0 = they are many */
	struct limits limits;
	/* Positions in `logged` are those in the selection, in `stored` those in the run. */
	size_t run_start; /* series of one file that follow each other in the selection */
	size_t run_end;
	uint64_t n_damaged;      /* ranges in the files being read */
	uint64_t n_damaged_main; /* of them: in the run's main file */
	uint64_t n_lost;         /* places of all that was read */
	uint64_t n_lost_logged;  /* of them: in the log of `host` */
	struct id_map ids;       /* where the run's series stand in the selection */
	struct pile stored;      /* what the run's files have */
	struct strand *strand;   /* NULL = nothing was read yet */
	bool is_open;            /* it has a series: the one at `at` */
	size_t at;               /* the next series of the run */
	uint64_t n_late
		[STRAND_SOURCES]; /* what the strand found damaged, as far as it was counted */

	struct query_piece piece; /* for rows */
	size_t n_given;
	struct query_row rows[ROWS_MAX];
};

static uint64_t hash_series(const struct catalog_series *series)
{
	return (uint64_t)(uintptr_t)series * UINT64_C(0x9e3779b97f4a7c15);
}

static bool is_wanted(const void *item, const void *key)
{
	return *(struct catalog_series *const *)item == key;
}

static int index_selection(struct query *query)
{
	int result = 0;

	for (size_t i = 0; i < query->selection.n && result == 0; i++) {
		struct catalog_series **item = &query->selection.series[i];

		result = table_add(&query->wanted, hash_series(*item), item);
	}
	return result;
}

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
		result = index_selection(query);
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
	free(query);
}

/* -- the log -------------------------------------------------------------------------------------- */

/* A block that the log has: take the columns of those series that are asked for. */
static int take_logged(void *context, struct block_decoder *decoder,
		       struct catalog_series *const *series)
{
	struct query *query = context;
	const int64_t span_us[2] = {query->since_us, query->until_us};
	size_t n_columns = block_decoder_n_columns(decoder);
	int result = pile_add_block(&query->logged, &query->limits, decoder, span_us);

	for (size_t i = 0; i < n_columns && result > 0; i++) {
		const struct catalog_series *one = series[block_decoder_series_id(decoder, i)];
		struct catalog_series **item =
			one ? table_find(&query->wanted, hash_series(one), is_wanted, one) : NULL;
		size_t position = item ? (size_t)(item - query->selection.series) : SIZE_MAX;

		if (position < query->log_start || position >= query->log_end)
			continue;
		if (pile_add_column(&query->logged, &query->limits, decoder, i,
				    (uint32_t)position) < 0)
			return -ENOBUFS;
	}
	return result < 0 ? result : 0;
}

/* The metrics of series whose samples are read from the log, if they are few. */
static void find_metrics(struct query *query)
{
	const struct catalog_file *last = NULL;

	query->n_metrics = 0;
	for (size_t i = query->log_start; i < query->log_end; i++) {
		const struct catalog_file *file = query->selection.series[i]->file;

		/* They are sorted by hosts. */
		if (file->host != query->selection.series[query->log_start]->file->host)
			break;
		if (file == last)
			continue;
		if (query->n_metrics == METRICS_MAX) {
			query->n_metrics = 0;
			return;
		}
		query->metrics[query->n_metrics++] = file->metric;
		last = file;
	}
}

static bool wants_metric(void *context, struct series_text metric)
{
	const struct query *query = context;

	for (size_t i = 0; i < query->n_metrics; i++) {
		if (strlen(query->metrics[i]) == metric.length &&
		    memcmp(query->metrics[i], metric.start, metric.length) == 0)
			return true;
	}
	return query->n_metrics == 0;
}

static int read_log_once(struct query *query, const struct catalog_host *host)
{
	struct tail_take take = {.context = query, .block = take_logged, .wants = wants_metric};
	struct tail_range range = {.host = host->number};
	const uint64_t *positions;
	size_t n_positions = 0;
	int result;

	pile_clear(&query->logged);
	query->n_lost_logged = 0;
	tail_rewind(query->tail);
	pthread_mutex_lock(&query->engine->mutex);
	range.after = host->checkpoint;
	range.last = host->last;
	pthread_mutex_unlock(&query->engine->mutex);
	query->checkpoint = range.after;
	result = tail_find(query->tail, &range, &positions, &n_positions);
	if (result == 0)
		query->n_lost_logged = tail_n_damaged(query->tail);
	for (size_t i = 0; i < n_positions && result == 0; i++) {
		result = tail_decode(query->tail, host->number, positions[i], &take);
		if (result == 0)
			result = limits_check(&query->limits);
		/* Told when the log was read at start, or will be by the checkpoint. */
		if (result == -EBADMSG) {
			query->n_lost_logged++;
			result = 0;
		}
	}
	/* A query that waits for its client holds no descriptors. */
	tail_rewind(query->tail);
	return result;
}

/* Have what only the log has of a host, and no file up to `checkpoint`. */
static int read_log(struct query *query, const struct catalog_host *host)
{
	size_t n_left = query->selection.n - query->run_start;
	int result = -ENOENT;

	if (query->host == host && query->run_end <= query->log_end)
		return 0;
	query->log_start = query->run_start;
	query->log_end = query->run_start + (n_left < query->log_max ? n_left : query->log_max);
	find_metrics(query);
	for (int i = 0; i < TRIES_MAX && result == -ENOENT; i++)
		result = read_log_once(query, host);
	if (result < 0)
		return result;
	query->host = host;
	if (query->log_start == 0 ||
	    query->selection.series[query->log_start - 1]->file->host != host)
		query->n_lost += query->n_lost_logged;
	pile_sort(&query->logged);
	return 0;
}

/* -- files ---------------------------------------------------------------------------------------- */

static int take_stored(void *context, struct block_decoder *decoder, uint64_t position)
{
	struct query *query = context;
	const int64_t span_us[2] = {query->since_us, query->until_us};
	struct catalog_series **first = query->selection.series + query->run_start;
	size_t n_columns = block_decoder_n_columns(decoder);
	int result = limits_check(&query->limits);
	int added = 0;

	(void)position;
	if (result == 0)
		added = pile_add_block(&query->stored, &query->limits, decoder, span_us);
	if (result < 0 || added <= 0)
		return result < 0 ? result : added;
	for (size_t i = 0; i < n_columns && result == 0; i++) {
		struct catalog_series **item =
			id_map_get(&query->ids, block_decoder_series_id(decoder, i));

		if (item) {
			result = pile_add_column(&query->stored, &query->limits, decoder, i,
						 (uint32_t)(item - first));
		}
	}
	return result;
}

static int note_damage(void *context, uint64_t offset, uint64_t length_bytes)
{
	struct query *query = context;

	(void)offset;
	(void)length_bytes;
	query->n_damaged++;
	return 0;
}

/* Count what was not seen before: at start a file is read no further than is needed. */
static void count_damage(struct query *query, const struct catalog_file *file,
			 struct catalog_data *data)
{
	struct engine *engine = query->engine;
	uint64_t n_new = 0;

	pthread_mutex_lock(&engine->mutex);
	if (query->n_damaged > data->n_damaged) {
		n_new = query->n_damaged - data->n_damaged;
		data->n_damaged = query->n_damaged;
		engine->stats.n_damaged_ranges += n_new;
	}
	pthread_mutex_unlock(&engine->mutex);
	if (n_new > 0) {
		message_warning("host %s: %s: %" PRIu64 " damaged ranges are passed over; "
				"'agentctl check' names them",
				file->host->name, file->metric, n_new);
	}
}

static int read_part(struct query *query, const struct catalog_file *file, enum catalog_side side,
		     const struct catalog_part *part)
{
	const struct metric_file_wish wish = {
		.since_us = query->since_us,
		.until_us = query->until_us,
		.context = query,
		.block = take_stored,
		.damage = note_damage,
	};
	char name[CATALOG_FILE_NAME_BYTES];
	char path[PATH_BYTES];
	struct store_file_header expected = {.part = part->part};
	struct metric_file_place place = {
		.folder = query->engine->hosts_folder,
		.path = path,
		.length_bytes = part->length_bytes,
		.position_max = query->checkpoint,
		.expected = &expected,
	};

	catalog_file_name(file, side, part->part, part->continues_bytes, name);
	expected.salt = store_path_salt(query->engine->store_id, file->host->folder, name);
	(void)snprintf(path, sizeof(path), "%s/%s", file->host->folder, name);
	return metric_file_read(query->engine->options.disk, &place, query->decoder, &wish);
}

/* A file is not there, or is none any more: count it once. @param result  why it cannot be read; 0: it
 * can */
static void note_missing(struct query *query, struct catalog_file *file, enum catalog_side side,
			 const struct catalog_part *part, int result)
{
	struct catalog_data *data = &file->data[side];
	struct engine *engine = query->engine;
	char name[CATALOG_FILE_NAME_BYTES];
	bool is_new;

	pthread_mutex_lock(&engine->mutex);
	is_new = result < 0 && !data->is_missing;
	data->is_missing = result < 0;
	engine->stats.n_damaged_ranges += is_new;
	pthread_mutex_unlock(&engine->mutex);
	query->n_lost += result < 0;
	if (!is_new)
		return;
	catalog_file_name(file, side, part->part, part->continues_bytes, name);
	message_warning("%s/%s: %s; what it held is missing", file->host->folder, name,
			strerror(-result));
}

/* Does a result say nothing of the file, but of us? */
static bool is_ours(int result)
{
	return result == -ENOMEM || result == -EMFILE || result == -ENFILE || result == -ENOBUFS ||
	       result == -ECANCELED || result == -ETIME;
}

/* A part of a file, the present one behind all others. With the mutex held. */
static struct catalog_part get_part(const struct catalog_data *data, size_t index)
{
	const struct metric_file_end *end = &data->end;

	if (index < data->n_parts)
		return data->parts[index];
	return (struct catalog_part){end->part, end->continues_bytes, end->length_bytes};
}

/* Read all parts of one of a metric's files. */
static int read_side(struct query *query, struct catalog_file *file, enum catalog_side side)
{
	struct engine *engine = query->engine;
	struct catalog_data *data = &file->data[side];
	size_t n_parts;
	int result = 0;

	query->n_damaged = 0;
	pthread_mutex_lock(&engine->mutex);
	n_parts = data->n_parts + 1;
	pthread_mutex_unlock(&engine->mutex);
	for (size_t i = 0; i < n_parts && result == 0; i++) {
		struct catalog_part part;

		pthread_mutex_lock(&engine->mutex);
		part = get_part(data, i);
		pthread_mutex_unlock(&engine->mutex);
		if (part.length_bytes == 0)
			continue;
		result = read_part(query, file, side, &part);
		/* What there is is given, and that something is missing is said. */
		if (!is_ours(result)) {
			note_missing(query, file, side, &part, result);
			result = 0;
		}
	}
	query->n_lost += query->n_damaged;
	if (side == CATALOG_SIDE_MAIN)
		query->n_damaged_main = query->n_damaged;
	if (query->n_damaged > 0)
		count_damage(query, file, data);
	return result;
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

/* Gather what there is of the run's series. */
static int read_run(struct query *query)
{
	struct catalog_file *file = query->selection.series[query->run_start]->file;
	int result = index_run(query);

	pile_clear(&query->stored);
	query->at = query->run_start;
	query->is_open = false;
	if (result == 0)
		result = read_log(query, file->host);
	for (int side = 0; side < CATALOG_SIDES && result == 0; side++)
		result = read_side(query, file, (enum catalog_side)side);
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
	return query->run_start;
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
		count_damage(query, file, &file->data[CATALOG_SIDE_MAIN]);
	}
}

static int open_strand(struct query *query)
{
	const struct strand_options options = {
		.limits = query->limits,
		.span_us = {query->since_us, query->until_us},
		.is_latest_only = query->is_latest_only,
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
