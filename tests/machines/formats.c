/* SPDX-License-Identifier: MIT */
/*
 * Formats on machines that have no Criterion: `formats write FILE` encodes what seeds say and checks
 * that it comes back; `formats read FILE` checks a file that any machine wrote, whose bytes must be
 * those that this one writes. A format is a pair of functions in the table below.
 */

#include "tests/machines/formats.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/random_block.h"

#define N_SEEDS      200U
#define LENGTH_BYTES 4U

struct format {
	const char *name;

	const char *(*write)(struct state *state, uint64_t seed, struct buffer *out);
	const char *(*read)(struct state *state, uint64_t seed, const uint8_t *bytes,
			    size_t length);
};

const char *blocks_write(struct state *state, uint64_t seed, struct buffer *out)
{
	enum block_effort effort = seed % 2 ? BLOCK_EFFORT_SMALL : BLOCK_EFFORT_FAST;
	struct random_block block;
	int error;

	random_block_make(seed, &block);
	error = random_block_encode(&block, state->encoder, effort, out);
	random_block_done(&block);
	return error < 0 ? "a block cannot be encoded" : NULL;
}

const char *blocks_read(struct state *state, uint64_t seed, const uint8_t *bytes, size_t length)
{
	struct random_block block;
	const char *problem;

	random_block_make(seed, &block);
	problem = random_block_compare(&block, state->decoder, bytes, length);
	random_block_done(&block);
	return problem;
}

static const struct format formats[] = {
	{"block", blocks_write, blocks_read},
	{"log", log_write, log_read},
	{"metric file", metric_file_write, metric_file_read},
};

#define N_FORMATS (sizeof(formats) / sizeof(*formats))

/* Every piece of the file has its length before it, as four bytes, the lowest first. */
static void put_piece(struct buffer *file, const struct buffer *piece)
{
	for (unsigned i = 0; i < LENGTH_BYTES; i++)
		buffer_append_byte(file, (char)(piece->length >> 8 * i & 0xff));
	buffer_append(file, piece->data, piece->length);
}

static size_t get_length(const uint8_t *bytes)
{
	size_t length = 0;

	for (unsigned i = 0; i < LENGTH_BYTES; i++)
		length |= (size_t)bytes[i] << 8 * i;
	return length;
}

static const char *make_file(struct state *state, struct buffer *file, size_t *ret_format)
{
	struct buffer piece = {0};
	const char *problem = NULL;

	for (*ret_format = 0; *ret_format < N_FORMATS && !problem; ++*ret_format) {
		const struct format *format = &formats[*ret_format];

		for (uint64_t seed = 0; seed < N_SEEDS && !problem; seed++) {
			buffer_clear(&piece);
			problem = format->write(state, seed, &piece);
			if (!problem)
				problem = format->read(state, seed, (const uint8_t *)piece.data,
						       piece.length);
			put_piece(file, &piece);
		}
	}
	buffer_done(&piece);
	return problem;
}

static const char *check_file(struct state *state, const struct buffer *file, size_t *ret_format)
{
	const uint8_t *at = (const uint8_t *)file->data;
	const uint8_t *end = at + file->length;
	const char *problem = NULL;

	for (*ret_format = 0; *ret_format < N_FORMATS && !problem; ++*ret_format) {
		for (uint64_t seed = 0; seed < N_SEEDS && !problem; seed++) {
			size_t length;

			if ((size_t)(end - at) < LENGTH_BYTES)
				return "the file is too short";
			length = get_length(at);
			at += LENGTH_BYTES;
			if ((size_t)(end - at) < length)
				return "the file is cut";
			problem = formats[*ret_format].read(state, seed, at, length);
			at += length;
		}
	}
	return problem ? problem : at == end ? NULL : "the file is too long";
}

static bool read_file(const char *path, struct buffer *ret_file)
{
	FILE *stream = fopen(path, "rb");
	char bytes[4096];
	size_t n;

	if (!stream)
		return false;
	while ((n = fread(bytes, 1, sizeof(bytes), stream)) > 0)
		buffer_append(ret_file, bytes, n);
	return fclose(stream) == 0 && !buffer_failed(ret_file);
}

static bool write_file(const char *path, const struct buffer *file)
{
	FILE *stream = fopen(path, "wb");
	bool is_good;

	if (!stream)
		return false;
	is_good = fwrite(file->data, 1, file->length, stream) == file->length;
	return fclose(stream) == 0 && is_good;
}

static const char *run(struct state *state, const char *verb, const char *path, size_t *ret_format)
{
	struct buffer ours = {0}, theirs = {0};
	const char *problem = make_file(state, &ours, ret_format);

	if (!problem && strcmp(verb, "write") == 0) {
		problem = write_file(path, &ours) ? NULL : "the file cannot be written";
	} else if (!problem) {
		problem = read_file(path, &theirs) ? check_file(state, &theirs, ret_format)
						   : "the file cannot be read";
		if (!problem && (theirs.length != ours.length ||
				 memcmp(theirs.data, ours.data, ours.length) != 0))
			problem = "other bytes than this machine writes";
	}
	buffer_done(&ours);
	buffer_done(&theirs);
	return problem;
}

int main(int argc, char **argv)
{
	struct state state = {block_encoder_new(), block_decoder_new()};
	const char *problem;
	size_t format = 0;

	if (argc != 3 || !state.encoder || !state.decoder) {
		fprintf(stderr, "usage: formats write|read FILE\n");
		return 2;
	}
	problem = run(&state, argv[1], argv[2], &format);
	block_encoder_free(state.encoder);
	block_decoder_free(state.decoder);
	if (!problem)
		return 0;
	fprintf(stderr, "formats: %s (%s)\n", problem, formats[format > 0 ? format - 1 : 0].name);
	return 1;
}
