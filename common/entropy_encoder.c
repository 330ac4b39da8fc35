/* SPDX-License-Identifier: MIT */
/* Integers in as many bits as their rarity asks for: encoding. */

#include "common/entropy_encoder.h"

#include <endian.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/bits.h"
#include "common/entropy.h"
#include "common/varint.h"

#define N_CLASSES (ENTROPY_CLASS_MAX + 1)

/*
 * What encoding a symbol needs. The inverse is 2^43 / frequency, rounded up: a state below 2^21 times
 * the frequency, multiplied by it, stays below 2^64 and gives the exact quotient.
 */
#define INVERSE_BITS 43U

struct coder {
	uint64_t inverse;
	uint32_t frequency;
	uint32_t start;
};

struct entropy_encoder {
	struct entropy_symbol table[ENTROPY_ROW];
	struct coder coders[ENTROPY_CONTEXTS_MAX][ENTROPY_ROW];
	struct entropy_model model;
	uint64_t n_low_bits;
	uint16_t lane_counts[ENTROPY_LANES][N_CLASSES]
			    [ENTROPY_ROW]; /* by the class of the symbol before */
	uint32_t counts[N_CLASSES][ENTROPY_ROW];
	unsigned first; /* of the symbols that come */
	unsigned last;
	unsigned n_classes; /* of theirs */
	uint32_t merged[ENTROPY_CONTEXTS_MAX][ENTROPY_ROW];
	uint8_t *symbols;
	uint8_t *words; /* filled from its end */
	size_t capacity;
};

struct entropy_encoder *entropy_encoder_new(void)
{
	struct entropy_encoder *encoder = calloc(1, sizeof(*encoder));

	if (encoder)
		entropy_make_table(encoder->table);
	return encoder;
}

void entropy_encoder_free(struct entropy_encoder *encoder)
{
	if (!encoder)
		return;
	free(encoder->symbols);
	free(encoder->words);
	free(encoder);
}

static int reserve(struct entropy_encoder *encoder, size_t n)
{
	uint8_t *symbols, *words;

	if (n <= encoder->capacity)
		return 0;
	symbols = malloc(n);
	words = malloc((n + 1) * ENTROPY_WORD_BYTES); /* one is stored where none may be */
	if (!symbols || !words) {
		free(symbols);
		free(words);
		return -ENOMEM;
	}
	free(encoder->symbols);
	free(encoder->words);
	encoder->symbols = symbols;
	encoder->words = words;
	encoder->capacity = n;
	return 0;
}

/* The bits that a context's symbols and its table take, in 1/65536. */
static uint64_t cost_of(const uint32_t *counts, unsigned first_symbol, unsigned last_symbol)
{
	uint64_t cost = 0;
	uint32_t total = 0;
	unsigned first = ENTROPY_ROW, last = 0;

	for (unsigned symbol = first_symbol; symbol <= last_symbol; symbol++) {
		if (counts[symbol] == 0)
			continue;
		total += counts[symbol];
		cost -= (uint64_t)counts[symbol] * symbol_log2(counts[symbol]);
		last = symbol;
		if (first == ENTROPY_ROW)
			first = symbol;
	}
	if (total == 0)
		return (uint64_t)24 << 16;
	cost += (uint64_t)total * symbol_log2(total);
	return cost + ((uint64_t)(4 * (last - first + 1) + 16) << 16);
}

/* @return do all fit? */
BITS_LOOPS static bool make_symbols(struct entropy_encoder *encoder, const int64_t *integers,
				    size_t n)
{
	uint8_t *symbols = encoder->symbols;
	unsigned first = SYMBOL_ZERO, last = SYMBOL_ZERO;

	for (size_t i = 0; i < n; i++) {
		unsigned symbol = symbol_of(integers[i]);

		first = symbol < first ? symbol : first;
		last = symbol > last ? symbol : last;
		symbols[i] = (uint8_t)symbol;
	}
	encoder->first = first;
	encoder->last = last;
	encoder->n_classes = 1 + (SYMBOL_ZERO - first > last - SYMBOL_ZERO ? SYMBOL_ZERO - first
									   : last - SYMBOL_ZERO);
	return first >= ENTROPY_SYMBOL_MIN && last <= ENTROPY_SYMBOL_MAX;
}

/*
 * Count each lane's symbols by the class of the one before. The lanes have counters of their own and
 * take turns: a processor waits where it counts the same thing twice in a row.
 */
BITS_LOOPS static void count_lanes(struct entropy_encoder *encoder, size_t n)
{
	const size_t length = entropy_lane_length(n);
	uint16_t *counts[ENTROPY_LANES];
	unsigned rows[ENTROPY_LANES] = {0};

	for (unsigned lane = 0; lane < ENTROPY_LANES; lane++) {
		counts[lane] = encoder->lane_counts[lane][0];
		memset(counts[lane], 0,
		       (size_t)encoder->n_classes * ENTROPY_ROW * sizeof(*counts[lane]));
	}
	for (size_t step = 0; step < length; step++) {
		const uint8_t *at = encoder->symbols + step;
		const unsigned n_lanes =
			(ENTROPY_LANES - 1) * length + step < n ? ENTROPY_LANES : ENTROPY_LANES - 1;

		for (unsigned lane = 0; lane < n_lanes; lane++, at += length) {
			counts[lane][rows[lane] + *at]++;
			rows[lane] = symbol_class(*at) * ENTROPY_ROW;
		}
	}
}

BITS_LOOPS static void add_lanes(struct entropy_encoder *encoder)
{
	const size_t n_counts = (size_t)encoder->n_classes * ENTROPY_ROW;
	const uint16_t *a = encoder->lane_counts[0][0], *b = encoder->lane_counts[1][0];
	const uint16_t *c = encoder->lane_counts[2][0], *d = encoder->lane_counts[3][0];
	uint32_t *counts = encoder->counts[0];

	for (size_t i = 0; i < n_counts; i++)
		counts[i] = (uint32_t)a[i] + b[i] + c[i] + d[i];
}

/* Add up the rows from class `from` up to `to`, not included. */
BITS_LOOPS static void merge(const struct entropy_encoder *encoder, unsigned from, unsigned to,
			     uint32_t *ret_counts)
{
	memset(ret_counts, 0, ENTROPY_ROW * sizeof(*ret_counts));
	for (unsigned class = from; class < to; class ++)
		for (unsigned symbol = 0; symbol < ENTROPY_ROW; symbol++)
			ret_counts[symbol] += encoder->counts[class][symbol];
}

/* The class below which about `share` of `of` parts of all symbols follow. */
static unsigned quantile(const uint32_t *by_class, size_t n, unsigned share, unsigned of)
{
	size_t sum = 0;

	for (unsigned class = 0; class < N_CLASSES; class ++) {
		sum += by_class[class];
		if (sum * of >= n * share)
			return class + 1;
	}
	return N_CLASSES;
}

static uint64_t merge_all(struct entropy_encoder *encoder, const uint8_t *thresholds,
			  unsigned n_contexts)
{
	uint64_t cost = 0;

	for (unsigned i = 0; i < n_contexts; i++) {
		unsigned from = i > 0 ? thresholds[i - 1] : 0;
		unsigned to = i + 1 < n_contexts ? thresholds[i] : encoder->n_classes;

		merge(encoder, from, to, encoder->merged[i]);
		cost += cost_of(encoder->merged[i], encoder->first, encoder->last);
	}
	return cost;
}

/* Choose the number of contexts and where they part. @return cost in 1/65536 bits */
static uint64_t choose_contexts(struct entropy_encoder *encoder, size_t n)
{
	uint32_t by_class[N_CLASSES] = {0};
	uint64_t best = UINT64_MAX;

	for (unsigned class = 0; class < encoder->n_classes; class ++)
		for (unsigned symbol = encoder->first; symbol <= encoder->last; symbol++)
			by_class[class] += encoder->counts[class][symbol];
	for (unsigned n_contexts = 1; n_contexts <= ENTROPY_CONTEXTS_MAX; n_contexts++) {
		uint8_t thresholds[ENTROPY_CONTEXTS_MAX - 1] = {0};
		uint64_t cost;

		for (unsigned i = 0; i + 1 < n_contexts; i++)
			thresholds[i] = (uint8_t)quantile(by_class, n, i + 1, n_contexts);
		if (n_contexts > 1 && (thresholds[n_contexts - 2] >= encoder->n_classes ||
				       (n_contexts > 2 && thresholds[0] == thresholds[1])))
			continue;
		cost = merge_all(encoder, thresholds, n_contexts);
		if (cost >= best)
			continue;
		best = cost;
		encoder->model.n_contexts = n_contexts;
		memcpy(encoder->model.thresholds, thresholds, sizeof(thresholds));
	}
	merge_all(encoder, encoder->model.thresholds, encoder->model.n_contexts);
	return best;
}

/* Levels from how often each symbol comes. */
static void context_plan(struct entropy_context *context, const uint32_t *counts,
			 struct coder *ret_coders)
{
	uint32_t most = 1;

	context->first = context->last = (uint8_t)SYMBOL_ZERO;
	for (unsigned symbol = ENTROPY_SYMBOL_MIN; symbol <= ENTROPY_SYMBOL_MAX; symbol++)
		most = counts[symbol] > most ? counts[symbol] : most;
	for (unsigned symbol = ENTROPY_SYMBOL_MAX; symbol >= ENTROPY_SYMBOL_MIN; symbol--)
		context->first = counts[symbol] > 0 ? (uint8_t)symbol : context->first;
	for (unsigned symbol = ENTROPY_SYMBOL_MIN; symbol <= ENTROPY_SYMBOL_MAX; symbol++)
		context->last = counts[symbol] > 0 ? (uint8_t)symbol : context->last;
	for (unsigned symbol = context->first; symbol <= context->last; symbol++) {
		uint32_t down;

		context->levels[symbol] = 0;
		if (counts[symbol] == 0)
			continue;
		down = (symbol_log2(most) - symbol_log2(counts[symbol]) + 0x8000) >> 16;
		context->levels[symbol] =
			(uint8_t)(down < ENTROPY_LEVEL_MAX ? ENTROPY_LEVEL_MAX - down : 1);
	}
	/* A context that never comes still needs a table. */
	if (context->first == context->last)
		context->levels[context->first] = ENTROPY_LEVEL_MAX;
	entropy_context_set(context);
	for (unsigned symbol = context->first; symbol <= context->last; symbol++) {
		uint32_t frequency = context->frequencies[symbol];

		if (frequency == 0)
			continue;
		ret_coders[symbol] = (struct coder){
			.inverse = (((uint64_t)1 << INVERSE_BITS) + frequency - 1) / frequency,
			.frequency = frequency,
			.start = context->starts[symbol],
		};
	}
}

int entropy_encoder_plan(struct entropy_encoder *encoder, const int64_t *integers, size_t n,
			 size_t *ret_size)
{
	uint64_t cost;

	if (reserve(encoder, n) < 0)
		return -ENOMEM;
	*ret_size = SIZE_MAX;
	if (!make_symbols(encoder, integers, n))
		return 0;
	count_lanes(encoder, n);
	add_lanes(encoder);
	cost = choose_contexts(encoder, n);
	encoder->n_low_bits = 0;
	for (unsigned i = 0; i < encoder->model.n_contexts; i++) {
		for (unsigned symbol = encoder->first; symbol <= encoder->last; symbol++)
			encoder->n_low_bits +=
				(uint64_t)encoder->merged[i][symbol] * symbol_low_bits(symbol);
	}
	*ret_size = (size_t)(((cost >> 16) + encoder->n_low_bits) / 8) +
		    ENTROPY_LANES * ENTROPY_STATE_BYTES + 4;
	return 0;
}

size_t entropy_encoder_room(size_t n)
{
	return n * (ENTROPY_WORD_BYTES + ENTROPY_CLASS_MAX / 8) +
	       (size_t)ENTROPY_CONTEXTS_MAX * (2 + ENTROPY_ROW / 2) +
	       (size_t)ENTROPY_LANES * ENTROPY_STATE_BYTES + 2 * VARINT_MAX_BYTES +
	       BITS_SLACK_BYTES;
}

static void put_le16(uint8_t *out, uint32_t value)
{
	uint16_t word = htole16((uint16_t)value);

	memcpy(out, &word, sizeof(word));
}

static void put_le32(uint8_t *out, uint32_t value)
{
	value = htole32(value);
	memcpy(out, &value, sizeof(value));
}

static uint8_t *write_tables(const struct entropy_encoder *encoder, uint8_t *out)
{
	*out++ = (uint8_t)encoder->model.n_contexts;
	for (unsigned i = 0; i + 1 < encoder->model.n_contexts; i++)
		*out++ = encoder->model.thresholds[i];
	for (unsigned i = 0; i < encoder->model.n_contexts; i++) {
		const struct entropy_context *context = &encoder->model.contexts[i];
		unsigned n = 0;

		*out++ = context->first;
		*out++ = context->last;
		for (unsigned symbol = context->first; symbol <= context->last; symbol++, n++) {
			if (n % 2 == 0)
				*out = context->levels[symbol];
			else
				*out++ |= (uint8_t)(context->levels[symbol] << 4);
		}
		out += n % 2;
	}
	return out;
}

/* One symbol onto a state. A word is always stored, and stays only where it is wanted. */
static inline uint32_t push(uint32_t state, const struct coder *coder, uint8_t **words)
{
	unsigned is_high = state >= (uint64_t)coder->frequency << (32 - ENTROPY_SUM_BITS);
	uint32_t quotient;

	put_le16(*words - ENTROPY_WORD_BYTES, state);
	*words -= is_high * ENTROPY_WORD_BYTES;
	state >>= is_high * ENTROPY_WORD_BITS;
	quotient = (uint32_t)(state * coder->inverse >> INVERSE_BITS);
	return state + quotient * (ENTROPY_SUM - coder->frequency) + coder->start;
}

/* Encode backwards what is decoded forwards. @return the first word */
BITS_LOOPS static uint8_t *write_words(const struct entropy_encoder *encoder, size_t n,
				       uint32_t *states)
{
	const size_t length = entropy_lane_length(n);
	uint8_t *words = encoder->words + (n + 1) * ENTROPY_WORD_BYTES;
	const struct coder *after[ENTROPY_ROW];

	for (unsigned symbol = 0; symbol < ENTROPY_ROW; symbol++)
		after[symbol] = encoder->coders[entropy_context_after(&encoder->model, symbol)];
	for (size_t step = length; step-- > 0;) {
		const uint8_t *at = encoder->symbols + (ENTROPY_LANES - 1) * length + step;
		unsigned lane =
			(ENTROPY_LANES - 1) * length + step < n ? ENTROPY_LANES : ENTROPY_LANES - 1;

		for (at -= (ENTROPY_LANES - lane) * length; lane-- > 0; at -= length) {
			const struct coder *coders = step > 0 ? after[at[-1]] : encoder->coders[0];

			states[lane] = push(states[lane], &coders[*at], &words);
		}
	}
	return words;
}

/* NOLINTNEXTLINE(readability-non-const-parameter): it is written through the writer */
BITS_LOOPS static uint8_t *write_low_bits(const struct entropy_encoder *encoder, uint8_t *out,
					  const int64_t *integers, size_t n)
{
	struct bits_writer writer = {.at = out};
	const uint8_t *symbols = encoder->symbols;
	const struct entropy_symbol *table = encoder->table;

	for (size_t i = 0; i < n; i++) {
		const struct entropy_symbol *symbol = &table[symbols[i]];

		bits_put(&writer, (uint64_t)integers[i] - symbol->least, symbol->n_bits);
	}
	return bits_finish(&writer);
}

uint8_t *entropy_encoder_write(struct entropy_encoder *encoder, uint8_t *out,
			       const int64_t *integers, size_t n)
{
	uint32_t states[ENTROPY_LANES] = {ENTROPY_STATE_FIRST, ENTROPY_STATE_FIRST,
					  ENTROPY_STATE_FIRST, ENTROPY_STATE_FIRST};
	const uint8_t *words;
	size_t n_bytes;

	for (unsigned i = 0; i < encoder->model.n_contexts; i++)
		context_plan(&encoder->model.contexts[i], encoder->merged[i], encoder->coders[i]);
	out = write_tables(encoder, out);
	words = write_words(encoder, n, states);
	n_bytes = (size_t)(encoder->words + (n + 1) * ENTROPY_WORD_BYTES - words);
	out += varint_put(out, n_bytes / ENTROPY_WORD_BYTES);
	for (unsigned lane = 0; lane < ENTROPY_LANES; lane++, out += ENTROPY_STATE_BYTES)
		put_le32(out, states[lane]);
	memcpy(out, words, n_bytes);
	return write_low_bits(encoder, out + n_bytes, integers, n);
}
