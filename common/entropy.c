/* SPDX-License-Identifier: MIT */
/* Integers in as many bits as their rarity asks for: what both ways share. */

#include "common/entropy.h"

#include "common/bits.h"

void entropy_make_table(struct entropy_symbol *ret_table)
{
	for (unsigned symbol = ENTROPY_SYMBOL_MIN; symbol <= ENTROPY_SYMBOL_MAX; symbol++) {
		uint64_t top = (uint64_t)(symbol != SYMBOL_ZERO) << symbol_low_bits(symbol);
		uint64_t mask = bits_mask(symbol_low_bits(symbol));

		ret_table[symbol].least = symbol < SYMBOL_ZERO ? 0 - top - mask : top;
		ret_table[symbol].mask = mask;
		ret_table[symbol].n_bits = symbol_low_bits(symbol);
	}
}

size_t entropy_lane_length(size_t n)
{
	return (n + ENTROPY_LANES - 1) / ENTROPY_LANES;
}

bool entropy_context_set(struct entropy_context *context)
{
	uint32_t sum = 0;
	uint32_t left = ENTROPY_SUM;
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
			weight > 0 ? (uint16_t)(1 + weight * (ENTROPY_SUM - n) / sum) : 0;
		left -= context->frequencies[symbol];
	}
	context->frequencies[most] = (uint16_t)(context->frequencies[most] + left);
	for (unsigned symbol = context->first; symbol <= context->last; symbol++) {
		context->starts[symbol] = (uint16_t)start;
		start += context->frequencies[symbol];
	}
	return true;
}

unsigned entropy_context_after(const struct entropy_model *model, unsigned symbol)
{
	unsigned class = symbol_class(symbol);
	unsigned context = 0;

	for (unsigned i = 0; i + 1 < model->n_contexts; i++)
		context += class >= model->thresholds[i];
	return context;
}
