/* SPDX-License-Identifier: MIT */
/*
 * Fuzz target: a tick as the spool has it. The first two bytes say how many series are declared. What is accepted is
 * written again, and the same bytes must come out.
 */

#include "agent/tick.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes);

static void check(bool is_true)
{
	if (!is_true)
		abort();
}

static void check_samples(const struct tick *tick, uint32_t n_series)
{
	uint32_t n_set = 0;

	check(tick->n_ids <= n_series && tick->time_us != INT64_MIN);
	for (uint32_t id = 0; id < tick->n_ids; id++) {
		const struct tick_sample *sample = &tick->samples[id];

		check(!(sample->is_there && sample->is_missing));
		check(isfinite(sample->value) && (sample->is_there || sample->value == 0));
		check(sample->is_missing || sample->reason == 0);
		n_set += sample->is_there || sample->is_missing;
	}
	check(n_set == tick->n_set);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes)
{
	struct tick tick = {.n_ids = 0};
	struct buffer again = {0};
	size_t length = n_bytes - 2;
	uint32_t n_series;
	uint8_t *exact;
	int result;

	if (n_bytes < 2)
		return 0;
	n_series = data[0] | (uint32_t)data[1] << 8;
	exact = malloc(n_bytes);
	check(exact != NULL);
	memcpy(exact, data + 2, length);
	/* Something else was in it before. */
	tick_begin(&tick, 1);
	check(tick_set(&tick, 3, 1.5) == 0 && tick_set_missing(&tick, 5, 9) == 0);
	result = tick_decode(&tick, exact, length, n_series);
	check(result == 0 || result == -EBADMSG);
	check(result == 0 || tick.n_set == 0);
	if (result == 0) {
		check_samples(&tick, n_series);
		tick_encode(&tick, &again);
		check(again.length == length && memcmp(again.data, exact, length) == 0);
	}
	tick_done(&tick);
	buffer_done(&again);
	free(exact);
	return 0;
}
