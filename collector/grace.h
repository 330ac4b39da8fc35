/* SPDX-License-Identifier: MIT */
#ifndef COLLECTOR_GRACE_H
#define COLLECTOR_GRACE_H

/*
 * How long a disk that does not give something is asked again, before that counts as lost. A device that
 * is reset, or whose path goes another way, gives it in a while; a bad sector never does.
 */

#include <stdbool.h>
#include <stdint.h>

#define GRACE_US INT64_C(60000000)

/* Where nothing was missing for so long, what is missing now is another matter. */
#define GRACE_FORGOTTEN_US (10 * GRACE_US)

/* Zeroed: nothing was missing yet. */
struct grace {
	bool has_begun;
	int64_t since_us;
	int64_t last_us;
};

/* Something is missing. @param now_us  CLOCK_MONOTONIC. @return is it to be waited for? */
bool grace_lasts(struct grace *grace, int64_t now_us);

#endif
