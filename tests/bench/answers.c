/* SPDX-License-Identifier: MIT */
/*
 * What answers cost, in CPU time of this process by the operating system: reading and decoding, windows,
 * and writing the rows down, apart from each other. Of a store that tests/bench/query filled and that no
 * collector has open:
 *
 *     answers STORE SINGLE MANY ONE HOST
 *
 * SINGLE and MANY are series as one gives them to agentctl; ONE is one of MANY, of that HOST. Warm figures
 * are medians; for cold ones the kernel forgets the files first.
 */

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "collector/aggregate.h"
#include "collector/query.h"
#include "collector/selection.h"
#include "collector/store.h"
#include "collector/worker.h"
#include "common/control.h"
#include "common/message.h"
#include "tests/support/bench.h"

#define N_REPEATS 31
#define N_COLD    3
#define STEP_US   INT64_C(60000000)

/* How far an answer goes. */
enum stage {
	STAGE_CHOOSE, /* which series there are */
	STAGE_READ,   /* blocks of files, verified, with their times */
	STAGE_DECODE, /* all samples, as a query hands them on */
	STAGE_WINDOW,
	STAGE_WRITE, /* rows, as they are sent */
	STAGES
};

struct question {
	const char *what;
	const char *series;
	const char *host;
	double goal_ms;
	enum stage goal_stage;
	bool has_windows; /* else the samples themselves */
	bool is_last;     /* only the last values, which need no files */
};

struct bench {
	struct store *store;
	struct control_reply reply;
	const struct catalog_series *named; /* whose name is in `name` */
	struct buffer name;
	uint64_t n_rows;
	uint64_t n_samples;
};

static double cpu_ms(void)
{
	return bench_cpu_seconds() * 1e3;
}

static void write_row(struct bench *bench, int64_t time_us, const struct catalog_series *series,
		      double value)
{
	if (series != bench->named)
		(void)selection_name(series, &bench->name);
	bench->named = series;
	control_integer(&bench->reply, time_us);
	control_text(&bench->reply, series->file->host->name);
	control_text(&bench->reply, buffer_text(&bench->name));
	control_number(&bench->reply, value);
	control_row_end(&bench->reply);
	if (bench->reply.out.length > (64 << 10))
		buffer_clear(&bench->reply.out);
}

static struct query *open_query(const struct bench *bench, const struct question *question)
{
	const struct query_options options = {
		.series = question->series,
		.host = question->host,
		.since_us = INT64_MIN,
		.until_us = INT64_MAX,
		.is_latest_only = true,
	};
	struct query *query;

	if (query_open(store_engine(bench->store), &options, &query) < 0)
		bench_die("no such series");
	return query;
}

/* -- stages ---------------------------------------------------------------------------------------- */

static void last_values(struct bench *bench, const struct question *question, enum stage stage)
{
	const struct limits no_limits = {0};
	struct engine_series_state *states;
	struct selection selection;

	if (selection_new(store_engine(bench->store), question->series, question->host, &no_limits,
			  &selection) < 0 ||
	    selection.n == 0)
		bench_die("no such series");
	states = calloc(selection.n, sizeof(*states));
	if (!states)
		bench_die("no memory");
	engine_get_states(store_engine(bench->store), selection.series, selection.n, states);
	for (size_t i = 0; i < selection.n && stage == STAGE_WRITE; i++)
		write_row(bench, states[i].last_time_us, selection.series[i], states[i].last_value);
	bench->n_rows = selection.n;
	free(states);
	selection_done(&selection);
}

static int pass_block(void *context, struct block_decoder *decoder, uint64_t position)
{
	(void)context;
	(void)decoder;
	(void)position;
	return 0;
}

static void read_file(const struct bench *bench, const struct catalog_file *file,
		      struct block_decoder *decoder)
{
	const struct metric_file_wish wish = {
		.since_us = INT64_MIN, .until_us = INT64_MAX, .block = pass_block};
	struct engine *engine = store_engine(bench->store);
	char name[CATALOG_FILE_NAME_BYTES];
	char path[2 * CATALOG_FILE_NAME_BYTES];
	const struct metric_file_place place = {.folder = engine->hosts_folder,
						.path = path,
						.length_bytes = UINT64_MAX,
						.position_max = UINT64_MAX};

	catalog_file_name(file, CATALOG_SIDE_MAIN, 0, 0, name);
	(void)snprintf(path, sizeof(path), "%s/%s", file->host->folder, name);
	if (metric_file_read(engine->options.disk, &place, decoder, &wish) < 0)
		bench_die("a file cannot be read");
}

static void read_files(const struct bench *bench, const struct question *question, bool is_all)
{
	const struct limits no_limits = {0};
	struct block_decoder *decoder = block_decoder_new();
	const struct catalog_file *file = NULL;
	struct selection selection;

	if (!decoder || selection_new(store_engine(bench->store), question->series, question->host,
				      &no_limits, &selection) < 0)
		bench_die("no memory");
	for (size_t i = 0; i < selection.n && is_all; i++) {
		if (selection.series[i]->file != file)
			read_file(bench, selection.series[i]->file, decoder);
		file = selection.series[i]->file;
	}
	selection_done(&selection);
	block_decoder_free(decoder);
}

static void all_samples(struct bench *bench, const struct question *question, enum stage stage)
{
	struct query *query = open_query(bench, question);
	struct query_piece piece;
	int result;

	while ((result = query_next_piece(query, &piece)) > 0) {
		bench->n_samples += piece.n;
		bench->n_rows += piece.n;
		for (size_t i = 0; i < piece.n && stage == STAGE_WRITE; i++)
			write_row(bench, piece.times_us[i], piece.series, piece.values[i]);
	}
	if (result < 0 || query_n_lost(query) > 0)
		bench_die("the store cannot be read");
	query_free(query);
}

static void all_windows(struct bench *bench, const struct question *question, enum stage stage)
{
	struct aggregate_options options = {.rule = {.since_us = INT64_MIN}};
	struct query *query = open_query(bench, question);
	struct budget memory = {.max = INT64_MAX};
	const struct aggregate_row *rows;
	struct aggregate *aggregate;
	size_t n_rows;
	int result;

	window_set_step(&options.rule, STEP_US);
	if (aggregate_new(store_engine(bench->store), query, &options, &memory, &aggregate) < 0)
		bench_die("no memory");
	while ((result = aggregate_next(aggregate, &rows, &n_rows)) > 0) {
		bench->n_rows += n_rows;
		for (size_t i = 0; i < n_rows && stage == STAGE_WRITE; i++)
			write_row(bench, rows[i].time_us, rows[i].series, rows[i].value);
	}
	if (result < 0)
		bench_die("the store cannot be read");
	aggregate_free(aggregate);
	query_free(query);
}

/* Answer as far as that. @return milliseconds */
static double run(struct bench *bench, const struct question *question, enum stage stage)
{
	double begin_ms = cpu_ms();

	bench->n_rows = 0;
	bench->n_samples = 0;
	if (question->is_last)
		last_values(bench, question, stage);
	else if (stage <= STAGE_READ)
		read_files(bench, question, stage == STAGE_READ);
	else if (question->has_windows && stage >= STAGE_WINDOW)
		all_windows(bench, question, stage);
	else
		all_samples(bench, question, stage);
	buffer_clear(&bench->reply.out);
	return cpu_ms() - begin_ms;
}

/* -- all of it ------------------------------------------------------------------------------------- */

static int compare(const void *a, const void *b)
{
	double difference = *(const double *)a - *(const double *)b;

	return difference < 0 ? -1 : difference > 0;
}

static double warm(struct bench *bench, const struct question *question, enum stage stage)
{
	double took[N_REPEATS];

	(void)run(bench, question, stage);
	for (int i = 0; i < N_REPEATS; i++)
		took[i] = run(bench, question, stage);
	qsort(took, N_REPEATS, sizeof(took[0]), compare);
	return took[N_REPEATS / 2];
}

static int forget_file(const char *path, const struct stat *status, int type, struct FTW *walk)
{
	int fd = type == FTW_F ? open(path, O_RDONLY | O_CLOEXEC) : -1;

	(void)status;
	(void)walk;
	if (fd >= 0) {
		(void)fsync(fd);
		(void)posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
		(void)close(fd);
	}
	return 0;
}

static double cold(struct bench *bench, const struct question *question, const char *path)
{
	double took[N_COLD];

	for (int i = 0; i < N_COLD; i++) {
		if (nftw(path, forget_file, 16, FTW_PHYS) < 0)
			bench_die("the store cannot be walked through");
		took[i] = run(bench, question, question->goal_stage);
	}
	qsort(took, N_COLD, sizeof(took[0]), compare);
	return took[N_COLD / 2];
}

static void ask(struct bench *bench, const struct question *question, const char *path)
{
	double cold_ms = cold(bench, question, path);
	double ms[STAGES] = {0};
	double goal_ms;

	for (int stage = 0; stage < STAGES; stage++)
		ms[stage] = warm(bench, question, (enum stage)stage);
	goal_ms = ms[question->goal_stage];
	printf("%-18s%.3f ms warm, %.3f ms with cold files; %" PRIu64 " rows; goal %g ms: %s\n",
	       question->what, goal_ms, cold_ms, bench->n_rows, question->goal_ms,
	       goal_ms <= question->goal_ms ? "reached" : "NOT REACHED");
	if (question->is_last) {
		printf("                  choosing and looking up %.3f, writing rows %.3f ms\n",
		       ms[STAGE_CHOOSE], ms[STAGE_WRITE] - ms[STAGE_CHOOSE]);
		return;
	}
	printf("                  choosing %.3f, reading %.3f, decoding %.3f", ms[STAGE_CHOOSE],
	       ms[STAGE_READ] - ms[STAGE_CHOOSE], ms[STAGE_DECODE] - ms[STAGE_READ]);
	if (question->has_windows)
		printf(", windows %.3f", ms[STAGE_WINDOW] - ms[STAGE_DECODE]);
	printf(", writing rows %.3f ms\n", ms[STAGE_WRITE] - ms[STAGE_WINDOW]);
}

int main(int argc, char *argv[])
{
	struct bench bench = {0};

	message_init("answers");
	workers_keep_memory();
	if (argc != 6 || store_open(argv[1], 0, &bench.store) < 0)
		bench_die("which STORE SINGLE MANY ONE HOST?");
	const struct question questions[] = {
		{"one series, means", argv[2], NULL, 1, STAGE_WINDOW, true, false},
		{"one series, raw", argv[4], argv[5], 0.1, STAGE_DECODE, false, false},
		{"many, means", argv[3], NULL, 10, STAGE_WINDOW, true, false},
		{"many, last values", argv[3], NULL, 5, STAGE_WRITE, false, true},
	};

	for (size_t i = 0; i < sizeof(questions) / sizeof(questions[0]); i++)
		ask(&bench, &questions[i], argv[1]);
	buffer_done(&bench.name);
	control_reply_done(&bench.reply);
	store_close(bench.store);
	return 0;
}
