/* SPDX-License-Identifier: MIT */
/* `agentctl dump FILE`: what a file of the store holds, in the order of the file. */

#include "agent/ctl/dump.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/ctl/ask.h"
#include "agent/ctl/dump_part.h"
#include "common/message.h"
#include "common/number.h"
#include "common/reason.h"
#include "hostmetrics/format.h"

static const struct answer_columns sample_columns = {
	.n = 5,
	.at =
		{
			{"time", ANSWER_TIME},
			{"host", ANSWER_TEXT},
			{"series", ANSWER_TEXT},
			{"value", ANSWER_NUMBER},
			{"missing", ANSWER_TEXT},
		},
};

int dump_refuse(struct dump *dump, uint64_t offset, const char *problem)
{
	message_error("%s: offset %" PRIu64 ": %s", dump->path, offset, problem);
	dump->is_damaged = true;
	return -EBADMSG;
}

void dump_pass_over(struct dump *dump, uint64_t offset, uint64_t length_bytes)
{
	message_error("%s: offset %" PRIu64 ": %" PRIu64 " damaged bytes", dump->path, offset,
		      length_bytes);
	dump->is_damaged = true;
}

int dump_begin_samples(struct dump *dump)
{
	return output_begin(&dump->output, &sample_columns);
}

/* Print a time of a series. @param names  its host and the series. @param value, missing  NULL: it has none */
static int print_tick(struct dump *dump, char *const names[static 2], int64_t time_us,
		      const double *value, const char *missing)
{
	char time[NUMBER_TEXT_MAX_BYTES];
	char number[NUMBER_TEXT_MAX_BYTES];
	char *words[] = {time, names[0], names[1], value ? number : NULL,
			 (char *)(uintptr_t)missing};

	(void)snprintf(time, sizeof(time), "%" PRId64, time_us);
	if (value)
		number_format(*value, number);
	dump->n_rows++;
	return output_row(&dump->output, words);
}

/* Print what a column has: samples, and reasons why there is none. @param names  as print_tick() */
static int print_column(struct dump *dump, const struct block_column *column,
			char *const names[static 2])
{
	size_t n_times;
	const int64_t *times_us = block_decoder_times(dump->decoder, &n_times);
	struct block_run whole = {.n_present = (uint32_t)n_times};
	const struct block_run *runs = column->runs ? column->runs : &whole;
	size_t n_runs = column->runs ? column->n_runs : 1;
	const double *value = column->values;
	size_t row = 0;
	int result = 0;

	for (size_t i = 0; i < n_runs && result == 0; i++) {
		for (size_t end = row + runs[i].n_present; row < end && result == 0; row++)
			result = print_tick(dump, names, times_us[row], value++, NULL);
		for (size_t end = row + runs[i].n_missing; row < end && result == 0; row++) {
			if (runs[i].reason != HM_REASON_NONE)
				result = print_tick(dump, names, times_us[row], NULL,
						    reason_key(runs[i].reason));
		}
	}
	return result;
}

int dump_print_block(struct dump *dump, const char *host, const uint8_t *bytes, size_t length,
		     const char *(*find_name)(void *context, uint32_t id), void *context)
{
	char *names[] = {(char *)(uintptr_t)host, NULL};
	int result = block_decoder_open(dump->decoder, bytes, length);

	for (size_t i = 0; result == 0 && i < block_decoder_n_columns(dump->decoder); i++) {
		const char *name = find_name(context, block_decoder_series_id(dump->decoder, i));
		struct block_column column;

		if (!name)
			return -EBADMSG;
		names[1] = (char *)(uintptr_t)name;
		result = block_decoder_column(dump->decoder, i, &column);
		if (result == 0)
			result = print_column(dump, &column, names);
	}
	return result == -ENOTSUP ? -EBADMSG : result;
}

static int open_file(struct dump *dump)
{
	struct stat status;

	/* Not to wait for the writer of a FIFO. */
	dump->fd = open(dump->path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (dump->fd < 0 || fstat(dump->fd, &status) < 0)
		return -errno;
	if (S_ISDIR(status.st_mode))
		return -EISDIR;
	if (!S_ISREG(status.st_mode))
		return dump_refuse(dump, 0, "this is not a store file of hostmetrics");
	return 0;
}

static bool is_log(const struct dump *dump)
{
	char magic[HM_LOG_MAGIC_BYTES];

	return pread(dump->fd, magic, sizeof(magic), 0) == (ssize_t)sizeof(magic) &&
	       memcmp(magic, HM_LOG_MAGIC, sizeof(magic)) == 0;
}

/* Print the file. @return 0 or -errno; -EBADMSG was said */
static int print_file(struct dump *dump)
{
	int error = open_file(dump);

	if (error < 0)
		return error;
	dump->decoder = block_decoder_new();
	if (!dump->decoder)
		return -ENOMEM;
	error = is_log(dump) ? dump_print_log(dump) : dump_print_metric(dump);
	return error;
}

static void dump_done(struct dump *dump)
{
	if (dump->fd >= 0)
		(void)close(dump->fd);
	block_decoder_free(dump->decoder);
	output_done(&dump->output);
}

int dump_file(const struct options *options, FILE *file)
{
	struct dump dump = {.path = options->argument, .fd = -1};
	int error;
	int ending = ENDING_FAILED;

	output_init(&dump.output, options->format ? options->format : &output_plain, file);
	error = print_file(&dump);
	if (error < 0 && error != -EBADMSG && dump.output.error == 0)
		message_error("%s: %s", dump.path, strerror(-error));
	if (dump.output.has_columns && output_end(&dump.output) < 0)
		ask_unwritable(dump.output.error);
	else if (error == 0 && dump.n_rows > 0 && !dump.is_damaged)
		ending = ENDING_FOUND;
	else if (error == 0 && !dump.is_damaged)
		message_error("%s holds no samples", dump.path);
	dump_done(&dump);
	return ending;
}

int dump_run(const struct options *options)
{
	return dump_file(options, stdout);
}
