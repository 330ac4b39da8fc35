/* SPDX-License-Identifier: MIT */
#ifndef AGENT_CTL_WHY_H
#define AGENT_CTL_WHY_H

/* `agentctl why`: why there is a hole in the stored samples. */

#include "agent/ctl/options.h"
#include "agent/ctl/output.h"

/* Sentences, one for each row of the answer; for people. */
extern const struct output_format why_sentences;

/* @return an enum ending */
int why_run(const struct options *options);

#endif
