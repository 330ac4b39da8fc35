/* SPDX-License-Identifier: MIT */
/* How long a disk is waited for. */

#include "collector/grace.h"

bool grace_lasts(struct grace *grace, int64_t now_us)
{
	if (!grace->has_begun || now_us - grace->last_us > GRACE_FORGOTTEN_US)
		grace->since_us = now_us;
	grace->has_begun = true;
	grace->last_us = now_us;
	return now_us - grace->since_us < GRACE_US;
}
