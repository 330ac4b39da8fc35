/* SPDX-License-Identifier: MIT */
/* Integers in as many bits as their rarity asks for. */

#include "common/entropy.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/bits.h"
#include "common/symbol.h"

#define CLASS_MAX    56U
#define SYMBOL_MIN   (SYMBOL_ZERO - CLASS_MAX)
#define SYMBOL_MAX   (SYMBOL_ZERO + CLASS_MAX)
#define ROW          128U /* more than SYMBOL_MAX */
#define N_CLASSES    (CLASS_MAX + 1)
#define CONTEXTS_MAX 3U

/* The sum of the frequencies of a context, and the states: at least 2^16, refilled by 16 bits. */
#define SUM_BITS    11U
#define SUM         (1U << SUM_BITS)
#define STATE_FIRST (1U << 16)
#define WORD_BITS   16U
#define WORD_BYTES  ((size_t)2)
#define LOAD_BYTES  ((size_t)8) /* of bits_load() */

/* The column is cut into as many runs, decoded in step: the processor does the four at once. */
#define N_LANES     4U
#define STATE_BYTES ((size_t)4)

/* How often a symbol comes is stored as its level: 0 never, else about 2^(level - 1) parts. */
#define LEVEL_MAX 15U

/* A cell of a context's decoding table, one for each of SUM values: symbol, frequency and so on. */
#define CELL_SYMBOL    0x7fU
#define CELL_CONTEXT   7U /* of the next symbol; two bits */
#define CELL_FREQUENCY 9U /* less 1 */
#define CELL_BIAS      20U

/* The integers of a symbol: `least` and what the bits apart say above it. */
struct symbol {
	uint64_t least;
	uint64_t mask;
	uint32_t n_bits;
};

struct context {
	uint8_t levels[ROW];
	uint16_t frequencies[ROW];
	uint16_t starts[ROW]; /* the sum of those before */
	uint8_t first;        /* symbol that has a level */
	uint8_t last;
};

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

struct entropy {
	struct symbol table[ROW];
	struct coder coders[CONTEXTS_MAX][ROW];
	struct context contexts[CONTEXTS_MAX];
	uint8_t thresholds[CONTEXTS_MAX - 1]; /* the least class of the contexts after the first */
	unsigned n_contexts;
	uint64_t n_low_bits;
	uint16_t lane_counts[N_LANES][N_CLASSES][ROW]; /* by the class of the symbol before */
	uint32_t counts[N_CLASSES][ROW];
	unsigned first; /* of the symbols that come */
	unsigned last;
	unsigned n_classes; /* of theirs */
	uint32_t merged[CONTEXTS_MAX][ROW];
	uint32_t cells[CONTEXTS_MAX][SUM];
	uint8_t *symbols;
	uint8_t *words; /* in encoding, filled from its end */
	size_t capacity;
};

static void make_table(struct symbol *ret_table)
{
	for (unsigned symbol = SYMBOL_MIN; symbol <= SYMBOL_MAX; symbol++) {
		uint64_t top = (uint64_t)(symbol != SYMBOL_ZERO) << symbol_low_bits(symbol);
		uint64_t mask = bits_mask(symbol_low_bits(symbol));

		ret_table[symbol].least = symbol < SYMBOL_ZERO ? 0 - top - mask : top;
		ret_table[symbol].mask = mask;
		ret_table[symbol].n_bits = symbol_low_bits(symbol);
	}
}

struct entropy *entropy_new(void)
{
	struct entropy *entropy = calloc(1, sizeof(*entropy));

	if (entropy)
		make_table(entropy->table);
	return entropy;
}

void entropy_free(struct entropy *entropy)
{
	if (!entropy)
		return;
	free(entropy->symbols);
	free(entropy->words);
	free(entropy);
}

static int reserve(struct entropy *entropy, size_t n)
{
	uint8_t *symbols, *words;

	if (n <= entropy->capacity)
		return 0;
	symbols = malloc(n);
	words = malloc((n + 1) * WORD_BYTES); /* one is stored where none may be */
	if (!symbols || !words) {
		free(symbols);
		free(words);
		return -ENOMEM;
	}
	free(entropy->symbols);
	free(entropy->words);
	entropy->symbols = symbols;
	entropy->words = words;
	entropy->capacity = n;
	return 0;
}

static size_t lane_length(size_t n)
{
	return (n + N_LANES - 1) / N_LANES;
}

/* The bits that a context's symbols and its table take, in 1/65536. */
static uint64_t cost_of(const uint32_t *counts, unsigned first_symbol, unsigned last_symbol)
{
	uint64_t cost = 0;
	uint32_t total = 0;
	unsigned first = ROW, last = 0;

	for (unsigned symbol = first_symbol; symbol <= last_symbol; symbol++) {
		if (counts[symbol] == 0)
			continue;
		total += counts[symbol];
		cost -= (uint64_t)counts[symbol] * symbol_log2(counts[symbol]);
		last = symbol;
		if (first == ROW)
			first = symbol;
	}
	if (total == 0)
		return (uint64_t)24 << 16;
	cost += (uint64_t)total * symbol_log2(total);
	return cost + ((uint64_t)(4 * (last - first + 1) + 16) << 16);
}

/* @return do all fit? */
BITS_LOOPS static bool make_symbols(struct entropy *entropy, const int64_t *integers, size_t n)
{
	uint8_t *symbols = entropy->symbols;
	unsigned first = SYMBOL_ZERO, last = SYMBOL_ZERO;

	for (size_t i = 0; i < n; i++) {
		unsigned symbol = symbol_of(integers[i]);

		first = symbol < first ? symbol : first;
		last = symbol > last ? symbol : last;
		symbols[i] = (uint8_t)symbol;
	}
	entropy->first = first;
	entropy->last = last;
	entropy->n_classes = 1 + (SYMBOL_ZERO - first > last - SYMBOL_ZERO ? SYMBOL_ZERO - first
									   : last - SYMBOL_ZERO);
	return first >= SYMBOL_MIN && last <= SYMBOL_MAX;
}

/*
 * Count each lane's symbols by the class of the one before. The lanes have counters of their own and
 * take turns: a processor waits where it counts the same thing twice in a row.
 */
BITS_LOOPS static void count_lanes(struct entropy *entropy, size_t n)
{
	const size_t length = lane_length(n);
	uint16_t *counts[N_LANES];
	unsigned rows[N_LANES] = {0};

	for (unsigned lane = 0; lane < N_LANES; lane++) {
		counts[lane] = entropy->lane_counts[lane][0];
		memset(counts[lane], 0, (size_t)entropy->n_classes * ROW * sizeof(*counts[lane]));
	}
	for (size_t step = 0; step < length; step++) {
		const uint8_t *at = entropy->symbols + step;
		const unsigned n_lanes = (N_LANES - 1) * length + step < n ? N_LANES : N_LANES - 1;

		for (unsigned lane = 0; lane < n_lanes; lane++, at += length) {
			counts[lane][rows[lane] + *at]++;
			rows[lane] = symbol_class(*at) * ROW;
		}
	}
}

BITS_LOOPS static void add_lanes(struct entropy *entropy)
{
	const size_t n_counts = (size_t)entropy->n_classes * ROW;
	const uint16_t *a = entropy->lane_counts[0][0], *b = entropy->lane_counts[1][0];
	const uint16_t *c = entropy->lane_counts[2][0], *d = entropy->lane_counts[3][0];
	uint32_t *counts = entropy->counts[0];

	for (size_t i = 0; i < n_counts; i++)
		counts[i] = (uint32_t)a[i] + b[i] + c[i] + d[i];
}

/* Add up the rows from class `from` up to `to`, not included. */
BITS_LOOPS static void merge(const struct entropy *entropy, unsigned from, unsigned to,
			     uint32_t *ret_counts)
{
	memset(ret_counts, 0, ROW * sizeof(*ret_counts));
	for (unsigned class = from; class < to; class ++)
		for (unsigned symbol = 0; symbol < ROW; symbol++)
			ret_counts[symbol] += entropy->counts[class][symbol];
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

static uint64_t merge_all(struct entropy *entropy, const uint8_t *thresholds, unsigned n_contexts)
{
	uint64_t cost = 0;

	for (unsigned i = 0; i < n_contexts; i++) {
		unsigned from = i > 0 ? thresholds[i - 1] : 0;
		unsigned to = i + 1 < n_contexts ? thresholds[i] : entropy->n_classes;

		merge(entropy, from, to, entropy->merged[i]);
		cost += cost_of(entropy->merged[i], entropy->first, entropy->last);
	}
	return cost;
}

/* Choose the number of contexts and where they part. @return cost in 1/65536 bits */
static uint64_t choose_contexts(struct entropy *entropy, size_t n)
{
	uint32_t by_class[N_CLASSES] = {0};
	uint64_t best = UINT64_MAX;

	for (unsigned class = 0; class < entropy->n_classes; class ++)
		for (unsigned symbol = entropy->first; symbol <= entropy->last; symbol++)
			by_class[class] += entropy->counts[class][symbol];
	for (unsigned n_contexts = 1; n_contexts <= CONTEXTS_MAX; n_contexts++) {
		uint8_t thresholds[CONTEXTS_MAX - 1] = {0};
		uint64_t cost;

		for (unsigned i = 0; i + 1 < n_contexts; i++)
			thresholds[i] = (uint8_t)quantile(by_class, n, i + 1, n_contexts);
		if (n_contexts > 1 && (thresholds[n_contexts - 2] >= entropy->n_classes ||
				       (n_contexts > 2 && thresholds[0] == thresholds[1])))
			continue;
		cost = merge_all(entropy, thresholds, n_contexts);
		if (cost >= best)
			continue;
		best = cost;
		entropy->n_contexts = n_contexts;
		memcpy(entropy->thresholds, thresholds, sizeof(thresholds));
	}
	merge_all(entropy, entropy->thresholds, entropy->n_contexts);
	return best;
}

/* Frequencies from the levels. @return false: no symbol has one */
static bool context_set(struct context *context)
{
	uint32_t sum = 0;
	uint32_t left = SUM;
	unsigned n = 0;
	unsigned most = context->first;
	unsigned start = 0;

	for (unsigned symbol = context->first; symbol <= context->last; symbol++) {
		sum += 1U << context->levels[symbol] >> 1;
		n += context->levels[symbol] > 0;
		if (context->levels[symbol] > context->levels[most])
			most = symbol;
	}
	if (n == 0)
		return false;
	/* One part for each, the rest by weight, and what rounding leaves to the first of the most. */
	for (unsigned symbol = context->first; symbol <= context->last; symbol++) {
		uint32_t weight = 1U << context->levels[symbol] >> 1;

		context->frequencies[symbol] =
			weight > 0 ? (uint16_t)(1 + weight * (SUM - n) / sum) : 0;
		left -= context->frequencies[symbol];
	}
	context->frequencies[most] = (uint16_t)(context->frequencies[most] + left);
	for (unsigned symbol = context->first; symbol <= context->last; symbol++) {
		context->starts[symbol] = (uint16_t)start;
		start += context->frequencies[symbol];
	}
	return true;
}

/* Levels from how often each symbol comes. */
static void context_plan(struct context *context, const uint32_t *counts, struct coder *ret_coders)
{
	uint32_t most = 1;

	context->first = context->last = (uint8_t)SYMBOL_ZERO;
	for (unsigned symbol = SYMBOL_MIN; symbol <= SYMBOL_MAX; symbol++)
		most = counts[symbol] > most ? counts[symbol] : most;
	for (unsigned symbol = SYMBOL_MAX; symbol >= SYMBOL_MIN; symbol--)
		context->first = counts[symbol] > 0 ? (uint8_t)symbol : context->first;
	for (unsigned symbol = SYMBOL_MIN; symbol <= SYMBOL_MAX; symbol++)
		context->last = counts[symbol] > 0 ? (uint8_t)symbol : context->last;
	for (unsigned symbol = context->first; symbol <= context->last; symbol++) {
		uint32_t down;

		context->levels[symbol] = 0;
		if (counts[symbol] == 0)
			continue;
		down = (symbol_log2(most) - symbol_log2(counts[symbol]) + 0x8000) >> 16;
		context->levels[symbol] = (uint8_t)(down < LEVEL_MAX ? LEVEL_MAX - down : 1);
	}
	/* A context that never comes still needs a table. */
	if (context->first == context->last)
		context->levels[context->first] = LEVEL_MAX;
	context_set(context);
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

int entropy_plan(struct entropy *entropy, const int64_t *integers, size_t n, size_t *ret_size)
{
	uint64_t cost;

	if (reserve(entropy, n) < 0)
		return -ENOMEM;
	*ret_size = SIZE_MAX;
	if (!make_symbols(entropy, integers, n))
		return 0;
	count_lanes(entropy, n);
	add_lanes(entropy);
	cost = choose_contexts(entropy, n);
	entropy->n_low_bits = 0;
	for (unsigned i = 0; i < entropy->n_contexts; i++) {
		for (unsigned symbol = entropy->first; symbol <= entropy->last; symbol++)
			entropy->n_low_bits +=
				(uint64_t)entropy->merged[i][symbol] * symbol_low_bits(symbol);
	}
	*ret_size = (size_t)(((cost >> 16) + entropy->n_low_bits) / 8) + N_LANES * STATE_BYTES + 4;
	return 0;
}

size_t entropy_room(size_t n)
{
	return n * (WORD_BYTES + CLASS_MAX / 8) + (size_t)CONTEXTS_MAX * (2 + ROW / 2) +
	       (size_t)N_LANES * STATE_BYTES + 2 * VARINT_MAX_BYTES + BITS_SLACK_BYTES;
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

static unsigned context_after(const struct entropy *entropy, unsigned symbol)
{
	unsigned class = symbol_class(symbol);
	unsigned context = 0;

	for (unsigned i = 0; i + 1 < entropy->n_contexts; i++)
		context += class >= entropy->thresholds[i];
	return context;
}

static uint8_t *write_tables(const struct entropy *entropy, uint8_t *out)
{
	*out++ = (uint8_t)entropy->n_contexts;
	for (unsigned i = 0; i + 1 < entropy->n_contexts; i++)
		*out++ = entropy->thresholds[i];
	for (unsigned i = 0; i < entropy->n_contexts; i++) {
		const struct context *context = &entropy->contexts[i];
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
	unsigned is_high = state >= (uint64_t)coder->frequency << (32 - SUM_BITS);
	uint32_t quotient;

	put_le16(*words - WORD_BYTES, state);
	*words -= is_high * WORD_BYTES;
	state >>= is_high * WORD_BITS;
	quotient = (uint32_t)(state * coder->inverse >> INVERSE_BITS);
	return state + quotient * (SUM - coder->frequency) + coder->start;
}

/* Encode backwards what is decoded forwards. @return the first word */
BITS_LOOPS static uint8_t *write_words(const struct entropy *entropy, size_t n, uint32_t *states)
{
	const size_t length = lane_length(n);
	uint8_t *words = entropy->words + (n + 1) * WORD_BYTES;
	const struct coder *after[ROW];

	for (unsigned symbol = 0; symbol < ROW; symbol++)
		after[symbol] = entropy->coders[context_after(entropy, symbol)];
	for (size_t step = length; step-- > 0;) {
		const uint8_t *at = entropy->symbols + (N_LANES - 1) * length + step;
		unsigned lane = (N_LANES - 1) * length + step < n ? N_LANES : N_LANES - 1;

		for (at -= (N_LANES - lane) * length; lane-- > 0; at -= length) {
			const struct coder *coders = step > 0 ? after[at[-1]] : entropy->coders[0];

			states[lane] = push(states[lane], &coders[*at], &words);
		}
	}
	return words;
}

/* NOLINTNEXTLINE(readability-non-const-parameter): it is written through the writer */
BITS_LOOPS static uint8_t *write_low_bits(const struct entropy *entropy, uint8_t *out,
					  const int64_t *integers, size_t n)
{
	struct bits_writer writer = {.at = out};
	const uint8_t *symbols = entropy->symbols;
	const struct symbol *table = entropy->table;

	for (size_t i = 0; i < n; i++) {
		const struct symbol *symbol = &table[symbols[i]];

		bits_put(&writer, (uint64_t)integers[i] - symbol->least, symbol->n_bits);
	}
	return bits_finish(&writer);
}

uint8_t *entropy_write(struct entropy *entropy, uint8_t *out, const int64_t *integers, size_t n)
{
	uint32_t states[N_LANES] = {STATE_FIRST, STATE_FIRST, STATE_FIRST, STATE_FIRST};
	const uint8_t *words;
	size_t n_bytes;

	for (unsigned i = 0; i < entropy->n_contexts; i++)
		context_plan(&entropy->contexts[i], entropy->merged[i], entropy->coders[i]);
	out = write_tables(entropy, out);
	words = write_words(entropy, n, states);
	n_bytes = (size_t)(entropy->words + (n + 1) * WORD_BYTES - words);
	out += varint_put(out, n_bytes / WORD_BYTES);
	for (unsigned lane = 0; lane < N_LANES; lane++, out += STATE_BYTES)
		put_le32(out, states[lane]);
	memcpy(out, words, n_bytes);
	return write_low_bits(entropy, out + n_bytes, integers, n);
}

/* -- reading -------------------------------------------------------------------------------------- */

static int read_context(struct varint_reader *reader, struct context *context)
{
	unsigned n = 0;

	if (varint_get_byte(reader, &context->first) < 0 ||
	    varint_get_byte(reader, &context->last) < 0)
		return -EBADMSG;
	if (context->first < SYMBOL_MIN || context->last < context->first ||
	    context->last > SYMBOL_MAX)
		return -EBADMSG;
	for (unsigned symbol = context->first; symbol <= context->last; symbol++, n++) {
		if (reader->at == reader->end)
			return -EBADMSG;
		if (n % 2 == 0)
			context->levels[symbol] = *reader->at & LEVEL_MAX;
		else
			context->levels[symbol] = *reader->at++ >> 4;
	}
	/* What fills the last byte is 0. */
	if (n % 2 > 0 && *reader->at++ >> 4 > 0)
		return -EBADMSG;
	return context_set(context) ? 0 : -EBADMSG;
}

BITS_LOOPS static void fill_cells(const struct entropy *entropy, const struct context *context,
				  uint32_t *cells)
{
	for (unsigned symbol = context->first; symbol <= context->last; symbol++) {
		uint32_t frequency = context->frequencies[symbol];
		uint32_t cell = symbol | context_after(entropy, symbol) << CELL_CONTEXT |
				(frequency - 1) << CELL_FREQUENCY;

		for (uint32_t bias = 0; bias < frequency; bias++)
			*cells++ = cell | bias << CELL_BIAS;
	}
}

static int read_tables(struct entropy *entropy, struct varint_reader *reader)
{
	uint8_t n_contexts;

	if (varint_get_byte(reader, &n_contexts) < 0 || n_contexts < 1 || n_contexts > CONTEXTS_MAX)
		return -EBADMSG;
	entropy->n_contexts = n_contexts;
	for (unsigned i = 0; i + 1 < n_contexts; i++) {
		unsigned least = i > 0 ? entropy->thresholds[i - 1] + 1U : 1U;

		if (varint_get_byte(reader, &entropy->thresholds[i]) < 0 ||
		    entropy->thresholds[i] < least || entropy->thresholds[i] > CLASS_MAX)
			return -EBADMSG;
	}
	for (unsigned i = 0; i < n_contexts; i++) {
		if (read_context(reader, &entropy->contexts[i]) < 0)
			return -EBADMSG;
		fill_cells(entropy, &entropy->contexts[i], entropy->cells[i]);
	}
	return 0;
}

struct lane {
	uint32_t state;
	uint32_t cells; /* where the cells of its context begin */
};

/* One symbol. @param refill  the next word, for where the state wants one. @return does it? */
static inline __attribute__((always_inline)) unsigned pop(struct lane *lane, const uint32_t *cells,
							  uint32_t refill, uint8_t *ret_symbol)
{
	uint32_t cell = cells[lane->cells + (lane->state & (SUM - 1))];
	uint32_t frequency = (cell >> CELL_FREQUENCY & (SUM - 1)) + 1;
	uint32_t state = frequency * (lane->state >> SUM_BITS) + (cell >> CELL_BIAS);
	unsigned is_low = state < STATE_FIRST;

	lane->state = state << (is_low * WORD_BITS) | (refill & (0 - is_low));
	lane->cells = (cell >> CELL_CONTEXT & 3) << SUM_BITS;
	*ret_symbol = (uint8_t)(cell & CELL_SYMBOL);
	return is_low;
}

/* The steps in which all lanes have a symbol, as long as a word is left for each. @return steps done */
BITS_LOOPS static size_t read_steps(struct entropy *entropy, struct varint_reader *words,
				    struct lane *lanes, size_t length, size_t n_steps)
{
	struct lane a = lanes[0], b = lanes[1], c = lanes[2], d = lanes[3];
	const uint32_t *cells = entropy->cells[0];
	uint8_t *symbols = entropy->symbols;
	const uint8_t *at = words->at;
	size_t step = 0;

	for (; step < n_steps && (size_t)(words->end - at) >= N_LANES * WORD_BYTES; step++) {
		at += WORD_BYTES * pop(&a, cells, get_le16(at), &symbols[step]);
		at += WORD_BYTES * pop(&b, cells, get_le16(at), &symbols[length + step]);
		at += WORD_BYTES * pop(&c, cells, get_le16(at), &symbols[2 * length + step]);
		at += WORD_BYTES * pop(&d, cells, get_le16(at), &symbols[3 * length + step]);
	}
	words->at = at;
	lanes[0] = a;
	lanes[1] = b;
	lanes[2] = c;
	lanes[3] = d;
	return step;
}

/* The other steps. */
static int read_last_steps(struct entropy *entropy, struct varint_reader *words, struct lane *lanes,
			   size_t step, size_t n)
{
	const size_t length = lane_length(n);

	for (; step < length; step++) {
		for (unsigned i = 0; i < N_LANES; i++) {
			size_t at = i * length + step;
			bool has_word = varint_left(words) >= WORD_BYTES;

			if (at >= n)
				continue;
			if (!pop(&lanes[i], entropy->cells[0], has_word ? get_le16(words->at) : 0,
				 &entropy->symbols[at]))
				continue;
			if (!has_word)
				return -EBADMSG;
			words->at += WORD_BYTES;
		}
	}
	return 0;
}

static int read_symbols(struct entropy *entropy, struct varint_reader *reader, size_t n)
{
	const size_t length = lane_length(n);
	struct lane lanes[N_LANES] = {0};
	struct varint_reader words;
	uint64_t n_words;
	size_t step;

	if (varint_get_limited(reader, n, &n_words) < 0 ||
	    varint_left(reader) < N_LANES * STATE_BYTES + n_words * WORD_BYTES)
		return -EBADMSG;
	for (unsigned i = 0; i < N_LANES; i++, reader->at += STATE_BYTES) {
		lanes[i].state = get_le32(reader->at);
		if (lanes[i].state < STATE_FIRST)
			return -EBADMSG;
	}
	words = (struct varint_reader){reader->at, reader->at + n_words * WORD_BYTES};
	reader->at = words.end;
	step = read_steps(entropy, &words, lanes, length, n - (N_LANES - 1) * length);
	if (read_last_steps(entropy, &words, lanes, step, n) < 0 || words.at != words.end)
		return -EBADMSG;
	for (unsigned i = 0; i < N_LANES; i++) {
		if (lanes[i].state != STATE_FIRST)
			return -EBADMSG;
	}
	return 0;
}

BITS_LOOPS static size_t count_low_bits(const uint8_t *symbols, size_t n)
{
	size_t n_bits = 0;

	for (size_t i = 0; i < n; i++)
		n_bits += symbol_low_bits(symbols[i]);
	return n_bits;
}

/* Bits from `bit` on. */
struct low_bits {
	const uint8_t *bytes;
	size_t bit;
	size_t n_safe; /* as long as `bit` is below, eight bytes can be loaded */
};

/* @return which integer is next */
BITS_LOOPS static size_t read_low_bits(const struct entropy *entropy, struct low_bits *low_bits,
				       int64_t *ret_integers, size_t i, size_t n)
{
	const struct symbol *table = entropy->table;
	const uint8_t *symbols = entropy->symbols;
	const uint8_t *bytes = low_bits->bytes;
	const size_t n_safe = low_bits->n_safe;
	size_t bit = low_bits->bit;

	for (; i < n && bit < n_safe; i++) {
		const struct symbol *symbol = &table[symbols[i]];

		ret_integers[i] = (int64_t)((bits_load(bytes, bit) & symbol->mask) + symbol->least);
		bit += symbol->n_bits;
	}
	low_bits->bit = bit;
	return i;
}

/* Those at the end of the bytes are read from a copy that zeros follow. */
static void read_all_low_bits(const struct entropy *entropy, const uint8_t *bytes, size_t n_bytes,
			      int64_t *ret_integers, size_t n)
{
	const size_t n_last = n_bytes < LOAD_BYTES ? n_bytes : LOAD_BYTES;
	const size_t n_first = n_bytes - n_last;
	struct low_bits low_bits = {.bytes = bytes, .n_safe = n_first * 8};
	uint8_t last[3 * LOAD_BYTES] = {0};
	size_t i = read_low_bits(entropy, &low_bits, ret_integers, 0, n);

	memcpy(last, bytes + n_first, n_last);
	low_bits = (struct low_bits){
		.bytes = last, .bit = low_bits.bit - n_first * 8, .n_safe = sizeof(last) * 8};
	read_low_bits(entropy, &low_bits, ret_integers, i, n);
}

int entropy_read(struct entropy *entropy, struct varint_reader *reader, int64_t *ret_integers,
		 size_t n)
{
	size_t n_bits, n_bytes;

	if (n < ENTROPY_MIN)
		return -EBADMSG;
	if (reserve(entropy, n) < 0)
		return -ENOMEM;
	if (read_tables(entropy, reader) < 0 || read_symbols(entropy, reader, n) < 0)
		return -EBADMSG;
	n_bits = count_low_bits(entropy->symbols, n);
	n_bytes = n_bits / 8 + (n_bits % 8 > 0);
	if (varint_left(reader) != n_bytes)
		return -EBADMSG;
	if (n_bits % 8 > 0 && reader->at[n_bytes - 1] >> (n_bits % 8) > 0)
		return -EBADMSG;
	read_all_low_bits(entropy, reader->at, n_bytes, ret_integers, n);
	reader->at += n_bytes;
	return 0;
}
