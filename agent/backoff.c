/* SPDX-License-Identifier: MIT */
/* How long to wait before the next try. */

#include "agent/backoff.h"

#define FIRST_BASE_MS 2000
#define MAX_BASE_MS   30000

int64_t backoff_next_ms(struct backoff *backoff, uint32_t random)
{
	int64_t base_ms = backoff->base_ms == 0 ? FIRST_BASE_MS : 2 * backoff->base_ms;

	if (base_ms > MAX_BASE_MS)
		base_ms = MAX_BASE_MS;
	backoff->base_ms = base_ms;
	return base_ms / 2 + (int64_t)random % (base_ms / 2 + 1);
}

void backoff_reset(struct backoff *backoff)
{
	backoff->base_ms = 0;
}
