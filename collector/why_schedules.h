/* SPDX-License-Identifier: MIT */
#ifndef COLLECTOR_WHY_SCHEDULES_H
#define COLLECTOR_WHY_SCHEDULES_H

/* What an agent has said of how often it samples, as causes have it: by the times from which on it holds. */

#include "collector/why_causes.h"
#include "common/wire_schedule.h"

/*
 * Take what was told. It may come late, from an epoch that had to wait: then what holds since does so still.
 * @return 0 or -ENOMEM
 */
int why_schedules_add(struct why_causes *causes, const struct wire_schedule *told,
		      int64_t received_us);

/* The clock was set back: what is to hold from a later time on, as it was told before, has begun. */
void why_schedules_set_back(struct why_causes *causes, int64_t before_us, int64_t now_us);

/* All is told. */
void why_schedules_settle(struct why_causes *causes);

#endif
