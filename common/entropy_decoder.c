/* SPDX-License-Identifier: MIT */
/* Integers in as many bits as their rarity asks for: decoding. */

#include "common/entropy_decoder.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/bits.h"
#include "common/entropy.h"

#define LOAD_BYTES ((size_t)8) /* of bits_load() */

/* A cell of a context's decoding table, one for each of ENTROPY_SUM values. What is needed first is had
 * with one operation each: the bias, which context comes next as where its cells begin, and the frequency. */
#define CELL_BIAS      (ENTROPY_SUM - 1)
#define CELL_CONTEXT   (3U << ENTROPY_SUM_BITS)
#define CELL_SYMBOL    13U /* seven bits */
#define CELL_FREQUENCY 20U /* up to ENTROPY_SUM */

struct entropy_decoder {
	struct entropy_symbol table[ENTROPY_ROW];
	struct entropy_model model;
	uint32_t cells[ENTROPY_CONTEXTS_MAX][ENTROPY_SUM];
	unsigned low_bits_max; /* of a symbol that may come */
	uint8_t *symbols;
	size_t capacity;
};

struct entropy_decoder *entropy_decoder_new(void)
{
	struct entropy_decoder *decoder = calloc(1, sizeof(*decoder));

	if (decoder)
		entropy_make_table(decoder->table);
	return decoder;
}

void entropy_decoder_free(struct entropy_decoder *decoder)
{
	if (!decoder)
		return;
	free(decoder->symbols);
	free(decoder);
}

static int reserve(struct entropy_decoder *decoder, size_t n)
{
	uint8_t *symbols;

	if (n <= decoder->capacity)
		return 0;
	symbols = malloc(n);
	if (!symbols)
		return -ENOMEM;
	free(decoder->symbols);
	decoder->symbols = symbols;
	decoder->capacity = n;
	return 0;
}

static uint32_t get_le16(const uint8_t *bytes)
{
	uint16_t word;

	memcpy(&word, bytes, sizeof(word));
	return le16toh(word);
}

static uint32_t get_le32(const uint8_t *bytes)
{
	uint32_t value;

	memcpy(&value, bytes, sizeof(value));
	return le32toh(value);
}

static int read_context(struct varint_reader *reader, struct entropy_context *context)
{
	unsigned n = 0;

	if (varint_get_byte(reader, &context->first) < 0 ||
	    varint_get_byte(reader, &context->last) < 0)
		return -EBADMSG;
	if (context->first < ENTROPY_SYMBOL_MIN || context->last < context->first ||
	    context->last > ENTROPY_SYMBOL_MAX)
		return -EBADMSG;
	for (unsigned symbol = context->first; symbol <= context->last; symbol++, n++) {
		if (reader->at == reader->end)
			return -EBADMSG;
		if (n % 2 == 0)
			context->levels[symbol] = *reader->at & ENTROPY_LEVEL_MAX;
		else
			context->levels[symbol] = *reader->at++ >> 4;
	}
	/* What fills the last byte is 0. */
	if (n % 2 > 0 && *reader->at++ >> 4 > 0)
		return -EBADMSG;
	return entropy_context_set(context) ? 0 : -EBADMSG;
}

BITS_LOOPS static void fill_cells(const struct entropy_decoder *decoder,
				  const struct entropy_context *context, uint32_t *cells)
{
	for (unsigned symbol = context->first; symbol <= context->last; symbol++) {
		uint32_t frequency = context->frequencies[symbol];
		uint32_t cell = symbol << CELL_SYMBOL |
				entropy_context_after(&decoder->model, symbol) << ENTROPY_SUM_BITS |
				frequency << CELL_FREQUENCY;

		for (uint32_t bias = 0; bias < frequency; bias++)
			*cells++ = cell | bias;
	}
}

/* Between the first and the last symbol of a context there is none with more. */
static void note_low_bits(struct entropy_decoder *decoder, unsigned symbol)
{
	unsigned n_bits = symbol_low_bits(symbol);

	if (n_bits > decoder->low_bits_max)
		decoder->low_bits_max = n_bits;
}

static int read_tables(struct entropy_decoder *decoder, struct varint_reader *reader)
{
	uint8_t n_contexts;

	if (varint_get_byte(reader, &n_contexts) < 0 || n_contexts < 1 ||
	    n_contexts > ENTROPY_CONTEXTS_MAX)
		return -EBADMSG;
	decoder->model.n_contexts = n_contexts;
	for (unsigned i = 0; i + 1 < n_contexts; i++) {
		unsigned least = i > 0 ? decoder->model.thresholds[i - 1] + 1U : 1U;

		if (varint_get_byte(reader, &decoder->model.thresholds[i]) < 0 ||
		    decoder->model.thresholds[i] < least ||
		    decoder->model.thresholds[i] > ENTROPY_CLASS_MAX)
			return -EBADMSG;
	}
	decoder->low_bits_max = 0;
	for (unsigned i = 0; i < n_contexts; i++) {
		struct entropy_context *context = &decoder->model.contexts[i];

		if (read_context(reader, context) < 0)
			return -EBADMSG;
		fill_cells(decoder, context, decoder->cells[i]);
		note_low_bits(decoder, context->first);
		note_low_bits(decoder, context->last);
	}
	return 0;
}

struct lane {
	uint32_t state;
	uint32_t cells; /* where the cells of its context begin */
};

/* One symbol. Each waits for the one before of its lane: what it takes is kept short. @param refill  the
 * next word, for where the state wants one. @return ENTROPY_WORD_BYTES where it does; or 0 */
static inline __attribute__((always_inline)) size_t pop(struct lane *lane, const uint32_t *cells,
							uint32_t refill, uint8_t *ret_symbol)
{
	uint32_t cell = cells[lane->cells | (lane->state & (ENTROPY_SUM - 1))];
	uint32_t state =
		(cell >> CELL_FREQUENCY) * (lane->state >> ENTROPY_SUM_BITS) + (cell & CELL_BIAS);
	/* All bits where the state is low. Whether it is cannot be foreseen: no jump. */
	uint32_t is_low = (uint32_t)(((uint64_t)state - ENTROPY_STATE_FIRST) >> 32);

	lane->state = state << (is_low & ENTROPY_WORD_BITS) | (refill & is_low);
	lane->cells = cell & CELL_CONTEXT;
	*ret_symbol = (uint8_t)(cell >> CELL_SYMBOL & (ENTROPY_ROW - 1));
	return is_low & ENTROPY_WORD_BYTES;
}

/* The steps in which all lanes have a symbol, as long as a word is left for each. @return steps done */
BITS_LOOPS static size_t read_steps(struct entropy_decoder *decoder, struct varint_reader *words,
				    struct lane *lanes, size_t length, size_t n_steps)
{
	struct lane a = lanes[0], b = lanes[1], c = lanes[2], d = lanes[3];
	const uint32_t *cells = decoder->cells[0];
	uint8_t *symbols = decoder->symbols;
	const uint8_t *at = words->at;
	const uint8_t *end = words->end;
	size_t step = 0;

	while (step < n_steps) {
		/* There are words for all of these. */
		size_t n_safe = (size_t)(end - at) / (ENTROPY_LANES * ENTROPY_WORD_BYTES);
		size_t n_now = n_safe < n_steps - step ? n_safe : n_steps - step;

		if (n_now == 0)
			break;
		for (size_t last = step + n_now; step < last; step++) {
			at += pop(&a, cells, get_le16(at), &symbols[step]);
			at += pop(&b, cells, get_le16(at), &symbols[length + step]);
			at += pop(&c, cells, get_le16(at), &symbols[2 * length + step]);
			at += pop(&d, cells, get_le16(at), &symbols[3 * length + step]);
		}
	}
	words->at = at;
	lanes[0] = a;
	lanes[1] = b;
	lanes[2] = c;
	lanes[3] = d;
	return step;
}

/* The other steps. */
static int read_last_steps(struct entropy_decoder *decoder, struct varint_reader *words,
			   struct lane *lanes, size_t step, size_t n)
{
	const size_t length = entropy_lane_length(n);

	for (; step < length; step++) {
		for (unsigned i = 0; i < ENTROPY_LANES; i++) {
			size_t at = i * length + step;
			bool has_word = varint_left(words) >= ENTROPY_WORD_BYTES;
			size_t n_bytes;

			if (at >= n)
				continue;
			n_bytes = pop(&lanes[i], decoder->cells[0],
				      has_word ? get_le16(words->at) : 0, &decoder->symbols[at]);
			if (n_bytes > 0 && !has_word)
				return -EBADMSG;
			words->at += n_bytes;
		}
	}
	return 0;
}

static int read_symbols(struct entropy_decoder *decoder, struct varint_reader *reader, size_t n)
{
	const size_t length = entropy_lane_length(n);
	struct lane lanes[ENTROPY_LANES] = {0};
	struct varint_reader words;
	uint64_t n_words;
	size_t step;

	if (varint_get_limited(reader, n, &n_words) < 0 ||
	    varint_left(reader) <
		    ENTROPY_LANES * ENTROPY_STATE_BYTES + n_words * ENTROPY_WORD_BYTES)
		return -EBADMSG;
	for (unsigned i = 0; i < ENTROPY_LANES; i++, reader->at += ENTROPY_STATE_BYTES) {
		lanes[i].state = get_le32(reader->at);
		if (lanes[i].state < ENTROPY_STATE_FIRST)
			return -EBADMSG;
	}
	words = (struct varint_reader){reader->at, reader->at + n_words * ENTROPY_WORD_BYTES};
	reader->at = words.end;
	step = read_steps(decoder, &words, lanes, length, n - (ENTROPY_LANES - 1) * length);
	if (read_last_steps(decoder, &words, lanes, step, n) < 0 || words.at != words.end)
		return -EBADMSG;
	for (unsigned i = 0; i < ENTROPY_LANES; i++) {
		if (lanes[i].state != ENTROPY_STATE_FIRST)
			return -EBADMSG;
	}
	return 0;
}

/* Bits from `bit` on. */
struct low_bits {
	const uint8_t *bytes;
	size_t bit;
	size_t n_safe; /* as long as `bit` is below, eight bytes can be loaded */
};

#define INLINE static inline __attribute__((always_inline))

/* Read so many integers with each load, as many times as that goes. @return which integer is next */
INLINE size_t get_low_bits(const struct entropy_decoder *decoder, struct low_bits *low_bits,
			   int64_t *ret_integers, size_t i, size_t n, unsigned at_once)
{
	const struct entropy_symbol *table = decoder->table;
	const uint8_t *symbols = decoder->symbols;
	const uint8_t *bytes = low_bits->bytes;
	const size_t n_safe = low_bits->n_safe;
	size_t bit = low_bits->bit;

	for (; i + at_once <= n && bit < n_safe; i += at_once) {
		uint64_t loaded = bits_load(bytes, bit);

		for (unsigned k = 0; k < at_once; k++) {
			const struct entropy_symbol *symbol = &table[symbols[i + k]];

			ret_integers[i + k] = (int64_t)((loaded & symbol->mask) + symbol->least);
			loaded >>= symbol->n_bits;
			bit += symbol->n_bits;
		}
	}
	low_bits->bit = bit;
	return i;
}

/* As many at once as always fit into one load. */
BITS_LOOPS static size_t read_low_bits(const struct entropy_decoder *decoder,
				       struct low_bits *low_bits, int64_t *ret_integers, size_t n)
{
	size_t i = 0;

	if (4 * decoder->low_bits_max <= BITS_AT_ONCE)
		i = get_low_bits(decoder, low_bits, ret_integers, i, n, 4);
	else if (2 * decoder->low_bits_max <= BITS_AT_ONCE)
		i = get_low_bits(decoder, low_bits, ret_integers, i, n, 2);
	return get_low_bits(decoder, low_bits, ret_integers, i, n, 1);
}

/* Those at the end of the bytes are read from a copy that zeros follow. @return bits that there should be */
static size_t read_all_low_bits(const struct entropy_decoder *decoder, const uint8_t *bytes,
				size_t n_bytes, int64_t *ret_integers, size_t n)
{
	const size_t n_last = n_bytes < LOAD_BYTES ? n_bytes : LOAD_BYTES;
	const size_t n_first = n_bytes - n_last;
	struct low_bits low_bits = {.bytes = bytes, .n_safe = n_first * 8};
	uint8_t last[3 * LOAD_BYTES] = {0};
	size_t i = read_low_bits(decoder, &low_bits, ret_integers, n);

	memcpy(last, bytes + n_first, n_last);
	low_bits = (struct low_bits){
		.bytes = last, .bit = low_bits.bit - n_first * 8, .n_safe = 2 * LOAD_BYTES * 8};
	i = get_low_bits(decoder, &low_bits, ret_integers, i, n, 1);
	return i < n ? SIZE_MAX : n_first * 8 + low_bits.bit;
}

int entropy_decoder_read(struct entropy_decoder *decoder, struct varint_reader *reader,
			 int64_t *ret_integers, size_t n)
{
	size_t n_bits, n_bytes;

	if (n < ENTROPY_MIN)
		return -EBADMSG;
	if (reserve(decoder, n) < 0)
		return -ENOMEM;
	if (read_tables(decoder, reader) < 0 || read_symbols(decoder, reader, n) < 0)
		return -EBADMSG;
	n_bytes = varint_left(reader);
	n_bits = read_all_low_bits(decoder, reader->at, n_bytes, ret_integers, n);
	if (n_bits / 8 + (n_bits % 8 > 0) != n_bytes)
		return -EBADMSG;
	if (n_bits % 8 > 0 && reader->at[n_bytes - 1] >> (n_bits % 8) > 0)
		return -EBADMSG;
	reader->at = reader->end;
	return 0;
}
