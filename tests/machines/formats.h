/* SPDX-License-Identifier: MIT */
#ifndef TESTS_MACHINES_FORMATS_H
#define TESTS_MACHINES_FORMATS_H

/* Formats that every machine writes and reads the same: see formats.c. */

#include <stddef.h>
#include <stdint.h>

#include "common/block.h"
#include "common/buffer.h"

/* What the checks of a format share. */
struct state {
	struct block_encoder *encoder;
	struct block_decoder *decoder;
};

/* Append what a seed says. @return NULL, or what went wrong */
const char *blocks_write(struct state *state, uint64_t seed, struct buffer *out);
const char *log_write(struct state *state, uint64_t seed, struct buffer *out);
const char *metric_file_write(struct state *state, uint64_t seed, struct buffer *out);

/* Do these bytes hold what the seed says? @return NULL, or what went wrong */
const char *blocks_read(struct state *state, uint64_t seed, const uint8_t *bytes, size_t length);
const char *log_read(struct state *state, uint64_t seed, const uint8_t *bytes, size_t length);
const char *metric_file_read(struct state *state, uint64_t seed, const uint8_t *bytes,
			     size_t length);

#endif
