/* SPDX-License-Identifier: MIT */
/* `agentctl dump FILE`: the samples of a store file, in the order of the file. */

#include "agent/ctl/dump.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/ctl/ask.h"
#include "common/message.h"
#include "common/number.h"
#include "common/store_file.h"

/* A header holds two names of 200 bytes; one that claims more is damaged. */
#define HEADER_MAX_BYTES 4096

/* What the columns of the rows are. */
static const struct answer_columns columns = {
	.n = 4,
	.at =
		{
			{"time", ANSWER_TIME},
			{"host", ANSWER_TEXT},
			{"series", ANSWER_TEXT},
			{"value", ANSWER_NUMBER},
		},
};

struct dump {
	const char *path;
	int fd;
	off_t offset; /* of what is read next */
	struct buffer bytes;
	char *host;
	char *metric;
	char **series; /* by id: metric and labels */
	size_t n_series;
	size_t n_samples;
	struct output output;
};

/* Say what is wrong with the file. @return -EBADMSG */
static int refuse(const struct dump *dump, const char *problem)
{
	message_error("%s: offset %jd: %s", dump->path, (intmax_t)dump->offset, problem);
	return -EBADMSG;
}

/* Read so many bytes of the file, fewer at its end, into dump->bytes. */
static int read_bytes(struct dump *dump, size_t length)
{
	buffer_clear(&dump->bytes);
	if (buffer_reserve(&dump->bytes, length) < 0)
		return -ENOMEM;
	while (dump->bytes.length < length) {
		ssize_t n = pread(dump->fd, dump->bytes.data + dump->bytes.length,
				  length - dump->bytes.length,
				  dump->offset + (off_t)dump->bytes.length);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		dump->bytes.length += (size_t)n;
	}
	return 0;
}

static const uint8_t *first_byte(const struct dump *dump)
{
	return (const uint8_t *)dump->bytes.data;
}

static int read_header(struct dump *dump)
{
	struct store_file_header header;
	int error = read_bytes(dump, HEADER_MAX_BYTES);

	if (error < 0)
		return error;
	error = store_file_get_header(first_byte(dump), dump->bytes.length, &header);
	if (error == -EINVAL)
		return refuse(dump, "this is not a store file of hostmetrics");
	if (error == -ENOTSUP)
		return refuse(dump, "this store file is of a newer hostmetrics");
	if (error < 0)
		return refuse(dump, "the header is damaged");
	dump->host = strndup(header.host, header.host_length);
	dump->metric = strndup(header.metric, header.metric_length);
	if (!dump->host || !dump->metric)
		return -ENOMEM;
	dump->offset += (off_t)header.header_bytes;
	return 0;
}

static uint32_t get_le32(const uint8_t *bytes)
{
	uint32_t number;

	memcpy(&number, bytes, sizeof(number));
	return le32toh(number);
}

/* Read the next block whole. @return 1, 0 at the end of the file, or -errno */
static int read_block(struct dump *dump, struct store_file_block *ret_block)
{
	size_t payload_bytes;
	int error = read_bytes(dump, HM_BLOCK_HEADER_BYTES);

	if (error < 0)
		return error;
	if (dump->bytes.length == 0)
		return 0;
	if (dump->bytes.length < HM_BLOCK_HEADER_BYTES)
		return refuse(dump, "the last block is cut short");
	payload_bytes = get_le32(first_byte(dump) + sizeof(uint32_t));
	if (payload_bytes > HM_BLOCK_MAX_BYTES)
		return refuse(dump, "a damaged block; what follows cannot be read");
	error = read_bytes(dump, HM_BLOCK_HEADER_BYTES + payload_bytes);
	if (error < 0)
		return error;
	if (dump->bytes.length < HM_BLOCK_HEADER_BYTES + payload_bytes)
		return refuse(dump, "the last block is cut short");
	if (store_file_get_block(first_byte(dump), dump->bytes.length, 0, ret_block) < 0)
		return refuse(dump, "a damaged block; what follows cannot be read");
	return 1;
}

static int add_series(struct dump *dump, const struct store_file_block *block)
{
	size_t id_bytes = sizeof(uint32_t);
	char **series;
	char *name;

	if (block->payload_bytes < id_bytes || get_le32(block->payload) != dump->n_series)
		return refuse(dump, "a series has not the next number");
	series = reallocarray(dump->series, dump->n_series + 1, sizeof(*series));
	if (!series)
		return -ENOMEM;
	dump->series = series;
	if (asprintf(&name, "%s%.*s", dump->metric, (int)(block->payload_bytes - id_bytes),
		     (const char *)block->payload + id_bytes) < 0)
		return -ENOMEM;
	dump->series[dump->n_series++] = name;
	return 0;
}

static int print_sample(struct dump *dump, const struct store_file_sample *sample)
{
	char time[24];
	char value[NUMBER_TEXT_MAX_BYTES];
	char *words[] = {time, dump->host, NULL, value};

	if (sample->series_id >= dump->n_series)
		return refuse(dump, "a sample is of a series that is not declared");
	words[2] = dump->series[sample->series_id];
	(void)snprintf(time, sizeof(time), "%" PRId64, sample->time_us);
	number_format(sample->value, value);
	dump->n_samples++;
	return output_row(&dump->output, words);
}

static int print_samples(struct dump *dump, const struct store_file_block *block)
{
	size_t n = store_file_n_samples(block);

	if (block->payload_bytes % HM_SAMPLE_RECORD_BYTES != 0)
		return refuse(dump, "a block holds a part of a sample");
	for (size_t i = 0; i < n; i++) {
		struct store_file_sample sample = store_file_get_sample(block, i);
		int error = print_sample(dump, &sample);

		if (error < 0)
			return error;
	}
	return 0;
}

static int take_block(struct dump *dump, const struct store_file_block *block)
{
	if (block->type == HM_BLOCK_SERIES)
		return add_series(dump, block);
	if (block->type == HM_BLOCK_SAMPLES)
		return print_samples(dump, block);
	return 0; /* kind and unit, or of a newer writer */
}

static int print_blocks(struct dump *dump)
{
	for (;;) {
		struct store_file_block block;
		int result = read_block(dump, &block);

		if (result <= 0)
			return result;
		result = take_block(dump, &block);
		if (result < 0)
			return result;
		dump->offset += (off_t)block.end;
	}
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
		return refuse(dump, "this is not a store file of hostmetrics");
	return 0;
}

static void dump_done(struct dump *dump)
{
	if (dump->fd >= 0)
		(void)close(dump->fd);
	buffer_done(&dump->bytes);
	for (size_t i = 0; i < dump->n_series; i++)
		free(dump->series[i]);
	free(dump->series);
	free(dump->host);
	free(dump->metric);
	output_done(&dump->output);
}

/* Print the file. @return 0 or -errno; -EBADMSG was said */
static int print_file(struct dump *dump)
{
	int error = open_file(dump);

	if (error == 0)
		error = read_header(dump);
	if (error == 0)
		error = output_begin(&dump->output, &columns);
	return error == 0 ? print_blocks(dump) : error;
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
	else if (error == 0 && dump.n_samples > 0)
		ending = ENDING_FOUND;
	else if (error == 0)
		message_error("%s holds no samples", dump.path);
	dump_done(&dump);
	return ending;
}

int dump_run(const struct options *options)
{
	return dump_file(options, stdout);
}
