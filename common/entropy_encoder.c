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

/* Symbols are counted by the class of the one before, in so many ranges of classes: those from which
 * one, two or three contexts can be made. */
#define N_RANGES (ENTROPY_CONTEXTS_MAX + 1)

/*
 * What encoding a symbol needs. The inverse is 2^43 / frequency, rounded up: a state below 2^21 times
 * the frequency, multiplied by it, stays below 2^64 and gives the exact quotient.
 */
#define INVERSE_BITS 43U
#define LIMIT_SHIFT  (2 * ENTROPY_WORD_BITS - ENTROPY_SUM_BITS)

struct coder {
	uint64_t inverse;
	uint32_t limit;      /* a state above it is too high, and gives a word first */
	uint16_t complement; /* ENTROPY_SUM less the frequency */
	uint16_t start;
};

struct entropy_encoder {
	struct entropy_symbol table[ENTROPY_ROW];
	struct coder coders[ENTROPY_CONTEXTS_MAX][ENTROPY_ROW];
	struct entropy_model model;
	struct symbol_counts symbol_counts;
	uint8_t limits[N_RANGES - 1]; /* the least class of the ranges after the first */
	uint16_t lane_counts[ENTROPY_LANES][N_RANGES][ENTROPY_ROW];
	uint32_t counts[N_RANGES][ENTROPY_ROW];
	uint32_t merged[ENTROPY_CONTEXTS_MAX][ENTROPY_ROW];
	uint8_t *symbols;
	size_t n;
	size_t n_low_bits;
	uint16_t *words; /* filled from its end */
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
	uint8_t *symbols;
	uint16_t *words;

	if (n <= encoder->capacity)
		return 0;
	symbols = malloc(n);
	words = malloc((n + 1) * sizeof(*words)); /* one is stored where none may be */
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

int entropy_encoder_load(struct entropy_encoder *encoder, const int64_t *integers, size_t n,
			 const struct symbol_counts **ret_counts)
{
	if (reserve(encoder, n) < 0)
		return -ENOMEM;
	encoder->n = n;
	symbol_make(integers, n, 0, encoder->symbols);
	symbol_count(encoder->symbols, n, &encoder->symbol_counts);
	*ret_counts = &encoder->symbol_counts;
	return 0;
}

/* The class below which about `share` of `of` parts of all symbols are. */
static uint8_t quantile(const struct symbol_counts *counts, size_t n, unsigned share, unsigned of)
{
	size_t sum = counts->n[SYMBOL_ZERO];
	unsigned class = 0;

	while (sum * of < n * share && class + 1 < N_CLASSES) {
		class ++;
		sum += (size_t)counts->n[SYMBOL_ZERO + class] + counts->n[SYMBOL_ZERO - class];
	}
	return (uint8_t)(class + 1);
}

/* Where the counters of a lane begin that are meant for the symbol after this one. */
static void find_rows(const uint8_t *limits, uint16_t *ret_rows)
{
	for (unsigned symbol = 0; symbol < ENTROPY_ROW; symbol++) {
		unsigned class = symbol_class(symbol);
		unsigned range = (class >= limits[0]) + (class >= limits[1]) + (class >= limits[2]);

		ret_rows[symbol] = (uint16_t)(ENTROPY_ROW * range);
	}
}

/*
 * Count each lane's symbols by the range of the one before. The lanes have counters of their own and
 * take turns: a processor waits where it counts the same thing twice in a row.
 */
BITS_LOOPS static void count_lanes(struct entropy_encoder *encoder)
{
	const size_t length = entropy_lane_length(encoder->n);
	const size_t n_last = encoder->n - (ENTROPY_LANES - 1) * length;
	uint16_t(*counts)[N_RANGES * ENTROPY_ROW] = (void *)encoder->lane_counts;
	const uint8_t *symbols = encoder->symbols;
	uint16_t rows[ENTROPY_LANES] = {0};
	uint16_t rows_after[ENTROPY_ROW];

	memset(encoder->lane_counts, 0, sizeof(encoder->lane_counts));
	find_rows(encoder->limits, rows_after);
	for (size_t step = 0; step < n_last; step++) {
		for (unsigned lane = 0; lane < ENTROPY_LANES; lane++) {
			unsigned symbol = symbols[lane * length + step];

			counts[lane][rows[lane] + symbol]++;
			rows[lane] = rows_after[symbol];
		}
	}
	/* The last lane is shorter. */
	for (size_t step = n_last; step < length; step++) {
		for (unsigned lane = 0; lane < ENTROPY_LANES - 1; lane++) {
			unsigned symbol = symbols[lane * length + step];

			counts[lane][rows[lane] + symbol]++;
			rows[lane] = rows_after[symbol];
		}
	}
}

BITS_LOOPS static void add_lanes(struct entropy_encoder *encoder)
{
	const unsigned first = encoder->symbol_counts.first, last = encoder->symbol_counts.last;

	for (unsigned range = 0; range < N_RANGES; range++) {
		for (unsigned symbol = first; symbol <= last; symbol++) {
			encoder->counts[range][symbol] =
				(uint32_t)encoder->lane_counts[0][range][symbol] +
				encoder->lane_counts[1][range][symbol] +
				encoder->lane_counts[2][range][symbol] +
				encoder->lane_counts[3][range][symbol];
		}
	}
}

/* Add up the ranges for each of so many contexts. @return cost in 1/65536 bits */
static uint64_t merge(struct entropy_encoder *encoder, unsigned n_contexts)
{
	static const uint8_t first_ranges[][ENTROPY_CONTEXTS_MAX + 1] = {
		{0, 4}, {0, 2, 4}, {0, 1, 3, 4}};
	const uint8_t *ranges = first_ranges[n_contexts - 1];
	const unsigned first = encoder->symbol_counts.first, last = encoder->symbol_counts.last;
	uint64_t cost = 0;

	for (unsigned i = 0; i < n_contexts; i++) {
		uint32_t *merged = encoder->merged[i];

		memcpy(merged, encoder->counts[ranges[i]], sizeof(encoder->merged[i]));
		for (unsigned range = ranges[i] + 1U; range < ranges[i + 1]; range++) {
			for (unsigned symbol = first; symbol <= last; symbol++)
				merged[symbol] += encoder->counts[range][symbol];
		}
		cost += cost_of(merged, first, last);
	}
	return cost;
}

/* Choose the number of contexts and where they part. @return cost in 1/65536 bits */
static uint64_t choose_contexts(struct entropy_encoder *encoder, unsigned n_classes)
{
	const uint8_t *limits = encoder->limits;
	struct entropy_model *model = &encoder->model;
	uint64_t cost, best = merge(encoder, 1);

	model->n_contexts = 1;
	if (limits[1] < n_classes) {
		cost = merge(encoder, 2);
		if (cost < best) {
			best = cost;
			model->n_contexts = 2;
			model->thresholds[0] = limits[1];
		}
	}
	if (limits[0] < limits[2] && limits[2] < n_classes) {
		cost = merge(encoder, 3);
		if (cost < best) {
			best = cost;
			model->n_contexts = 3;
			model->thresholds[0] = limits[0];
			model->thresholds[1] = limits[2];
			return best;
		}
	}
	(void)merge(encoder, model->n_contexts);
	return best;
}

/* Levels from how often each symbol comes. */
static void plan_context(struct entropy_context *context, const uint32_t *counts, unsigned first,
			 unsigned last, struct coder *ret_coders)
{
	uint32_t most = 0;

	/* A context that never comes still needs a table. */
	context->first = context->last = (uint8_t)SYMBOL_ZERO;
	for (unsigned symbol = last; symbol >= first; symbol--) {
		if (counts[symbol] == 0)
			continue;
		context->first = (uint8_t)symbol;
		context->last = most == 0 ? (uint8_t)symbol : context->last;
		most = counts[symbol] > most ? counts[symbol] : most;
	}
	for (unsigned symbol = context->first; symbol <= context->last; symbol++) {
		uint32_t down;

		context->levels[symbol] = 0;
		if (counts[symbol] == 0)
			continue;
		down = (symbol_log2(most) - symbol_log2(counts[symbol]) + 0x8000) >> 16;
		context->levels[symbol] =
			(uint8_t)(down < ENTROPY_LEVEL_MAX ? ENTROPY_LEVEL_MAX - down : 1);
	}
	if (context->first == context->last)
		context->levels[context->first] = ENTROPY_LEVEL_MAX;
	entropy_context_set(context);
	for (unsigned symbol = context->first; symbol <= context->last; symbol++) {
		uint32_t frequency = context->frequencies[symbol];

		if (frequency == 0)
			continue;
		ret_coders[symbol] = (struct coder){
			.inverse = (((uint64_t)1 << INVERSE_BITS) + frequency - 1) / frequency,
			.limit = (uint32_t)(((uint64_t)frequency << LIMIT_SHIFT) - 1),
			.complement = (uint16_t)(ENTROPY_SUM - frequency),
			.start = context->starts[symbol],
		};
	}
}

size_t entropy_encoder_plan(struct entropy_encoder *encoder)
{
	const struct symbol_counts *counts = &encoder->symbol_counts;
	unsigned most = SYMBOL_ZERO > counts->first ? SYMBOL_ZERO - counts->first : 0;
	uint64_t cost;

	if (counts->first < ENTROPY_SYMBOL_MIN || counts->last > ENTROPY_SYMBOL_MAX)
		return SIZE_MAX;
	if (counts->last > SYMBOL_ZERO + most)
		most = counts->last - SYMBOL_ZERO;
	encoder->limits[0] = quantile(counts, encoder->n, 1, 3);
	encoder->limits[1] = quantile(counts, encoder->n, 1, 2);
	encoder->limits[2] = quantile(counts, encoder->n, 2, 3);
	count_lanes(encoder);
	add_lanes(encoder);
	cost = choose_contexts(encoder, most + 1);
	encoder->n_low_bits = 0;
	for (unsigned symbol = counts->first; symbol <= counts->last; symbol++)
		encoder->n_low_bits += (size_t)counts->n[symbol] * symbol_low_bits(symbol);
	return (size_t)(((cost >> 16) + encoder->n_low_bits) / 8) +
	       ENTROPY_LANES * ENTROPY_STATE_BYTES + 4;
}

size_t entropy_encoder_room(const struct entropy_encoder *encoder)
{
	return encoder->n * ENTROPY_WORD_BYTES + encoder->n_low_bits / 8 + 1 +
	       (size_t)ENTROPY_CONTEXTS_MAX * (2 + ENTROPY_ROW / 2) +
	       (size_t)ENTROPY_LANES * ENTROPY_STATE_BYTES + 2 * VARINT_MAX_BYTES +
	       BITS_SLACK_BYTES;
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

#define INLINE static inline __attribute__((always_inline))

/* One symbol onto a state. A word is always stored, and stays only where it is wanted: whether it is
 * cannot be foretold, so that a branch would be dear. */
INLINE uint32_t push(uint32_t state, const struct coder *coder, uint16_t **words)
{
	uint32_t mask = 0 - (uint32_t)(state > coder->limit);
	uint32_t quotient;

	*(*words - 1) = htole16((uint16_t)state);
	*words += (int32_t)mask;
	state ^= (state ^ state >> ENTROPY_WORD_BITS) & mask;
	quotient = (uint32_t)(state * coder->inverse >> INVERSE_BITS);
	return state + quotient * coder->complement + coder->start;
}

/* Encode backwards what is decoded forwards. @return the first word */
BITS_LOOPS static const uint16_t *write_words(const struct entropy_encoder *encoder,
					      uint32_t states[static ENTROPY_LANES])
{
	const size_t length = entropy_lane_length(encoder->n);
	const size_t n_last = encoder->n - (ENTROPY_LANES - 1) * length;
	const uint8_t *a = encoder->symbols, *b = a + length, *c = b + length, *d = c + length;
	uint16_t *words = encoder->words + encoder->n + 1;
	uint32_t x[ENTROPY_LANES] = {ENTROPY_STATE_FIRST, ENTROPY_STATE_FIRST, ENTROPY_STATE_FIRST,
				     ENTROPY_STATE_FIRST};
	const struct coder *after[ENTROPY_ROW];

	for (unsigned symbol = encoder->symbol_counts.first; symbol <= encoder->symbol_counts.last;
	     symbol++)
		after[symbol] = encoder->coders[entropy_context_after(&encoder->model, symbol)];
	/* The last lane is shorter. */
	for (size_t step = length; step-- > n_last;) {
		x[2] = push(x[2], &after[c[step - 1]][c[step]], &words);
		x[1] = push(x[1], &after[b[step - 1]][b[step]], &words);
		x[0] = push(x[0], &after[a[step - 1]][a[step]], &words);
	}
	for (size_t step = n_last; step-- > 1;) {
		x[3] = push(x[3], &after[d[step - 1]][d[step]], &words);
		x[2] = push(x[2], &after[c[step - 1]][c[step]], &words);
		x[1] = push(x[1], &after[b[step - 1]][b[step]], &words);
		x[0] = push(x[0], &after[a[step - 1]][a[step]], &words);
	}
	states[3] = push(x[3], &encoder->coders[0][*d], &words);
	states[2] = push(x[2], &encoder->coders[0][*c], &words);
	states[1] = push(x[1], &encoder->coders[0][*b], &words);
	states[0] = push(x[0], &encoder->coders[0][*a], &words);
	return words;
}

/* Write the low bits, of so many integers at once as fit into BITS_AT_ONCE. */
/* NOLINTNEXTLINE(readability-non-const-parameter): it is written through the writer */
INLINE uint8_t *put_low_bits(const struct entropy_encoder *encoder, uint8_t *out,
			     const int64_t *integers, unsigned at_once)
{
	struct bits_writer writer = {.at = out};
	const uint8_t *symbols = encoder->symbols;
	const struct entropy_symbol *table = encoder->table;
	const size_t n = encoder->n;
	size_t i = 0;

	for (; i + at_once <= n; i += at_once) {
		uint64_t bits = 0;
		unsigned n_bits = 0;

		for (unsigned k = 0; k < at_once; k++) {
			const struct entropy_symbol *symbol = &table[symbols[i + k]];

			bits |= ((uint64_t)integers[i + k] - symbol->least) << n_bits;
			n_bits += symbol->n_bits;
		}
		bits_put(&writer, bits, n_bits);
	}
	for (; i < n; i++) {
		const struct entropy_symbol *symbol = &table[symbols[i]];

		bits_put(&writer, (uint64_t)integers[i] - symbol->least, symbol->n_bits);
	}
	return bits_finish(&writer);
}

BITS_LOOPS static uint8_t *write_low_bits(const struct entropy_encoder *encoder, uint8_t *out,
					  const int64_t *integers)
{
	unsigned first = symbol_low_bits(encoder->symbol_counts.first);
	unsigned last = symbol_low_bits(encoder->symbol_counts.last);
	unsigned most = first > last ? first : last;

	if (4 * most <= BITS_AT_ONCE)
		return put_low_bits(encoder, out, integers, 4);
	if (2 * most <= BITS_AT_ONCE)
		return put_low_bits(encoder, out, integers, 2);
	return put_low_bits(encoder, out, integers, 1);
}

uint8_t *entropy_encoder_write(struct entropy_encoder *encoder, uint8_t *out,
			       const int64_t *integers)
{
	const struct symbol_counts *counts = &encoder->symbol_counts;
	uint32_t states[ENTROPY_LANES] = {0};
	const uint16_t *words;
	size_t n_bytes;

	for (unsigned i = 0; i < encoder->model.n_contexts; i++)
		plan_context(&encoder->model.contexts[i], encoder->merged[i], counts->first,
			     counts->last, encoder->coders[i]);
	out = write_tables(encoder, out);
	words = write_words(encoder, states);
	n_bytes = (size_t)(encoder->words + encoder->n + 1 - words) * ENTROPY_WORD_BYTES;
	out += varint_put(out, n_bytes / ENTROPY_WORD_BYTES);
	for (unsigned lane = 0; lane < ENTROPY_LANES; lane++, out += ENTROPY_STATE_BYTES)
		put_le32(out, states[lane]);
	memcpy(out, words, n_bytes);
	return write_low_bits(encoder, out + n_bytes, integers);
}
