/* SPDX-License-Identifier: MIT */
#ifndef AGENT_BATCH_PROBLEM_H
#define AGENT_BATCH_PROBLEM_H

/* What is wrong with what a plugin emits (agent/batch.h), for people. */

#include "agent/batch.h"

/* Count it in this round, and keep a line of the first ones. */
void batch_add_problem(struct hm_batch *batch, const struct hm_metric *metric,
		       const char *const labels[], const char *reason);

/* @param error  -errno of finding a series */
const char *batch_problem_text(int error);

#endif
